/**
 * Which sequence numbers the two directions of a TCP connection have used, and so whether a segment
 * between the same ports is of this connection or of another (RFC 9293, sections 3.4 and 3.6.1).
 *
 * A SYN begins another connection where its number is not the one that this direction began with.
 * Without a SYN only numbers tell: those of a connection are close to each other, those of another
 * one are anywhere. They wrap around at 2^32.
 */
import type { Segment } from "./segment.ts";

/** An endpoint: the one that sent the first packet that was captured, or the other. */
export type End = 0 | 1;

/**
 * So far, in octets, a segment may be from those that were captured around it: Linux lets a receive
 * window grow to 6 MiB (net.ipv4.tcp_rmem).
 */
const WINDOW = 6_291_456;

/** No hole in a capture of one connection is larger, and no retransmission is older, in octets. */
const FAR = 1_073_741_824;

/** The numbers of one connection; they are kept when it is over. */
export class SequenceSpace {
  /** The address of end 0. */
  readonly #first: string;
  readonly #ranges: readonly [Range, Range] = [new Range(), new Range()];
  #isReset = false;

  constructor(first: Segment) {
    this.#first = first.source;
  }

  /** Who has sent a segment. */
  endOf({ source }: Segment): End {
    return source === this.#first ? 0 : 1;
  }

  /** Whether anything was captured that this end has sent. */
  isSeen(end: End): boolean {
    return this.#ranges[end].isSeen;
  }

  /** How many octets of an end the other has acknowledged, as far as the capture tells. */
  acknowledgedOf(end: End): number {
    const { span } = this.#ranges[end];
    // One alone is the SYN or the FIN, which are counted too. A frame has more.
    return span > 1 ? span : 0;
  }

  /** Takes a segment of this connection. */
  add(segment: Segment): void {
    const end = this.endOf(segment);
    const { acknowledgement } = segment;
    this.#ranges[end].isSeen = true;
    // What a reset says of numbers may be anything.
    if (segment.reset) this.#isReset = true;
    else this.#ranges[end].add(segment);
    if (acknowledgement !== undefined && !segment.reset) {
      this.#ranges[other(end)].acknowledge(acknowledgement);
    }
  }

  /** Whether a segment can be of no connection but another one. */
  isOther(segment: Segment): boolean {
    const end = this.endOf(segment);
    const own = this.#ranges[end];
    const { sequence, acknowledgement } = segment;
    const theirs = this.#ranges[other(end)];
    // A hole in the capture may be large, but hardly in both directions at once.
    const isAnswer =
      acknowledgement === undefined || !theirs.isKnown || theirs.isNear(acknowledgement, FAR);
    if (segment.syn) {
      return own.isKnown ? own.isOtherSyn(sequence) : !isAnswer;
    }
    if (own.isBehindFin(segment)) return true;
    if (own.isKnown && own.isNear(sequence, this.#isReset ? WINDOW : FAR)) return false;
    return acknowledgement === undefined || this.#isReset ? own.isKnown : !isAnswer;
  }

  /** Whether a segment is near those that were captured, closer than a receive window. */
  isNear(segment: Segment): boolean {
    const own = this.#ranges[this.endOf(segment)];
    return own.isKnown && own.isNear(segment.sequence, WINDOW);
  }

  /** When it is over: whether a segment says nothing that this connection has not said. */
  hasHad(segment: Segment): boolean {
    const own = this.#ranges[this.endOf(segment)];
    if (!own.isKnown) return false;
    if (segment.syn) return !own.isOtherSyn(segment.sequence);
    // To one that was reset the other may have sent more, which nobody took.
    return own.covers(segment, this.#isReset ? WINDOW : 0);
  }
}

/** The numbers of one direction, from the first to the one behind the last. */
class Range {
  isSeen = false;
  #syn: number | undefined;
  #fin: number | undefined;
  #low: number | undefined;
  #high: number | undefined;

  get isKnown(): boolean {
    return this.#low !== undefined;
  }

  get span(): number {
    return this.#low === undefined ? 0 : ahead(this.#low, this.#high as number);
  }

  add({ sequence, length, syn, fin }: Segment): void {
    if (syn) this.#syn ??= sequence;
    const end = (sequence + length) >>> 0;
    if (fin) this.#fin ??= end;
    this.#extend(sequence);
    this.#extend((end + Number(syn) + Number(fin)) >>> 0);
  }

  acknowledge(number: number): void {
    this.#extend(number);
  }

  /** Whether this SYN is not the one that the direction began with. */
  isOtherSyn(number: number): boolean {
    if (this.#syn !== undefined) return number !== this.#syn;
    // It may be captured behind the first octets.
    return ahead(number, this.#low as number) > WINDOW;
  }

  isNear(number: number, most: number): boolean {
    return ahead(((this.#low as number) - most) >>> 0, number) <= this.span + 2 * most;
  }

  /** Whether it has octets where this direction has ended; a probe may repeat the number of the FIN. */
  isBehindFin({ sequence, length }: Segment): boolean {
    if (this.#fin === undefined || length === 0) return false;
    const behind = ahead(this.#fin, (sequence + length) >>> 0);
    return behind > 1 && behind <= FAR;
  }

  covers({ sequence, length }: Segment, slack: number): boolean {
    // What came before the first that was captured may come again.
    const before = this.#syn === undefined ? WINDOW : 0;
    const floor = ((this.#low as number) - before) >>> 0;
    return ahead(floor, sequence) + length <= before + this.span + slack;
  }

  #extend(number: number): void {
    this.#low ??= number;
    this.#high ??= number;
    const forward = ahead(this.#high, number);
    const backward = ahead(number, this.#low);
    const isInside = ahead(this.#low, number) <= this.span;
    if (!isInside && forward <= backward) {
      this.#high = number;
      if (this.span > FAR) this.#low = (number - FAR) >>> 0;
    } else if (!isInside && backward + this.span <= FAR) {
      this.#low = number;
    }
  }
}

/** How far it is from one sequence number to another, forwards. */
function ahead(from: number, to: number): number {
  return (to - from) >>> 0;
}

/** The other end. */
export function other(end: End): End {
  return end === 0 ? 1 : 0;
}
