/**
 * One direction of a TCP connection: from segments as they were captured to the octets as they were
 * sent (RFC 9293, section 3.4).
 *
 * Segments may come twice, in another order, and overlap; what came first counts. Sequence numbers
 * wrap around at 2^32, so only differences of less than half of that mean anything. A segment that
 * is not there is waited for until the other side has acknowledged it and a number of packets more
 * has come, or too much waits behind it: then it is missing from the capture.
 */

/** What a stream gives: octets, or how many are missing. */
export type Delivery = Uint8Array | number;

/** How much may wait behind a hole, in octets and in segments. */
const MAX_WAITING = 4_194_304;
const MAX_SEGMENTS = 1024;

/** Captures may have an acknowledgement before what it acknowledges, but not by so many packets. */
const PATIENCE = 32;

/** No hole is larger, in octets: an acknowledgement of more is of another connection. */
const MAX_MISSING = 1_073_741_824;

interface Waiting {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly length: number;
}

/** Takes the segments of one direction. */
export class TcpStream {
  /** The sequence number of the next octet; undefined until the first segment. */
  #next: number | undefined;
  /** Behind a hole, in the order of their sequence numbers. */
  #waiting: Waiting[] = [];
  #waitingLength = 0;
  /** What the other side says it has. */
  #acknowledged: number | undefined;
  /** How many packets came since it acknowledged what is not there. */
  #overdue = 0;
  #finAt: number | undefined;

  /** Whether all up to a FIN has been given. */
  get finished(): boolean {
    return this.#finAt !== undefined && this.#next === this.#finAt;
  }

  /** The number of the SYN, or the one before the first octet, where it is known. */
  constructor(synSequence?: number) {
    if (synSequence !== undefined) this.begin(synSequence);
  }

  /** The SYN has come; nothing changes where octets have come before it. */
  begin(synSequence: number): void {
    this.#next ??= (synSequence + 1) >>> 0;
  }

  /** Takes a segment; what was kept of it may be less than its length. */
  push(sequence: number, payload: Uint8Array, length: number, fin: boolean): Delivery[] {
    this.#next ??= sequence;
    if (fin) this.#finAt = (sequence + length) >>> 0;
    const deliveries: Delivery[] = [];
    if (length > 0) {
      this.#insert({ sequence, payload, length });
      this.#deliver(deliveries);
    }
    if (this.#waitingLength > MAX_WAITING || this.#waiting.length > MAX_SEGMENTS) {
      this.#jump(deliveries);
    }
    return deliveries;
  }

  /** The other side has all before this number; called for each packet of the connection. */
  acknowledge(sequence: number | undefined): Delivery[] {
    if (sequence !== undefined && this.#isAhead(sequence)) this.#acknowledged = sequence;
    const first = this.#waiting[0];
    const acknowledged = this.#acknowledged;
    if (first === undefined || acknowledged === undefined) return [];
    this.#overdue = distance(first.sequence, acknowledged) >= 0 ? this.#overdue + 1 : 0;
    const deliveries: Delivery[] = [];
    if (this.#overdue > PATIENCE) this.#jump(deliveries);
    return deliveries;
  }

  /** Nothing more comes: what is still waiting, with the holes before it. */
  end(): Delivery[] {
    const deliveries: Delivery[] = [];
    while (this.#waiting.length > 0) this.#jump(deliveries);
    const missing = this.#missingAtEnd();
    if (missing > 0) deliveries.push(missing);
    return deliveries;
  }

  /** Whether it acknowledges more than the last: they may come in another order too. */
  #isAhead(acknowledgement: number): boolean {
    const before = this.#acknowledged ?? this.#next;
    if (before === undefined) return true;
    const more = distance(before, acknowledgement);
    return more >= 0 && more <= MAX_MISSING;
  }

  /** How many octets were sent behind the last that is there, as far as the capture tells. */
  #missingAtEnd(): number {
    if (this.#next === undefined) return 0;
    if (this.#finAt !== undefined) return distance(this.#next, this.#finAt);
    const acknowledged = distance(this.#next, this.#acknowledged ?? this.#next);
    // One alone is the FIN, which is counted too. A frame has more.
    return acknowledged > 1 ? acknowledged : 0;
  }

  #insert(segment: Waiting): void {
    const next = this.#next as number;
    if (distance(next, (segment.sequence + segment.length) >>> 0) <= 0) return; // it has been given
    let at = this.#waiting.length;
    while (at > 0 && distance((this.#waiting[at - 1] as Waiting).sequence, segment.sequence) < 0)
      at--;
    const before = this.#waiting[at - 1];
    // The same again, as retransmissions mostly are.
    if (before?.sequence === segment.sequence && before.length >= segment.length) return;
    this.#waiting.splice(at, 0, segment);
    this.#waitingLength += segment.length;
  }

  #deliver(deliveries: Delivery[]): void {
    let used = 0;
    for (; used < this.#waiting.length; used++) {
      const { sequence, payload, length } = this.#waiting[used] as Waiting;
      const known = distance(sequence, this.#next as number);
      if (known < 0) break;
      this.#waitingLength -= length;
      if (known >= length) continue;
      if (known < payload.length) deliveries.push(payload.subarray(known));
      const cut = length - Math.max(payload.length, known);
      if (cut > 0) deliveries.push(cut);
      this.#next = (sequence + length) >>> 0;
      this.#overdue = 0;
    }
    if (used > 0) this.#waiting.splice(0, used);
  }

  /** Gives up on the hole. */
  #jump(deliveries: Delivery[]): void {
    const first = this.#waiting[0];
    if (first === undefined) return;
    deliveries.push(distance(this.#next as number, first.sequence));
    this.#next = first.sequence;
    this.#overdue = 0;
    this.#deliver(deliveries);
  }
}

/** From one sequence number to another; negative backwards. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}
