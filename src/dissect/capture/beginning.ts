/**
 * The first segments of a TCP connection, until it is clear where its two streams begin.
 *
 * With several receive queues, or on several interfaces, a capture may have the SYN behind the octets
 * that follow it. So segments are held until both SYNs have come, and where they do not come, for a
 * few packets or for a moment: then the lowest number is the first.
 */
import type { Segment } from "./segment.ts";
import { type End, other } from "./sequence-space.ts";

/** How much is held: so many segments, so many octets, for so long. */
const MAX_SEGMENTS = 32;
const MAX_OCTETS = 262_144;
const MAX_MS = 1000;

/** An acknowledgement that is further from the first octet says nothing of the beginning. */
const MAX_MISSING = 65_536;

/** A segment, with its time. */
export interface TimedSegment {
  readonly segment: Segment;
  readonly time: number | undefined;
}

/** Holds segments. */
export class Beginning {
  /** In the order in which they were captured. */
  readonly held: TimedSegment[] = [];
  /** Who sent the SYN, if that is known. */
  opener: End | undefined;
  readonly #ends: readonly [Start, Start] = [new Start(), new Start()];
  #octets = 0;
  /** Of the first that has octets. */
  #since: number | undefined;
  #isLate = false;

  /** Whether there is nothing more to wait for. */
  get isSettled(): boolean {
    const [a, b] = this.#ends;
    if (a.syn !== undefined && b.syn !== undefined) return true;
    return this.#isLate || this.held.length >= MAX_SEGMENTS || this.#octets > MAX_OCTETS;
  }

  /** Takes a segment of an end. */
  add(end: End, segment: Segment, time: number | undefined): void {
    // A packet is a view of the file's octets, which must not be kept for it.
    this.held.push({ segment: { ...segment, payload: segment.payload.slice() }, time });
    const { sequence, acknowledgement, length, syn, reset } = segment;
    const own = this.#ends[end];
    const theirs = this.#ends[other(end)];
    if (syn) {
      own.syn ??= sequence;
      if (acknowledgement !== undefined) theirs.answered ??= acknowledgement;
      this.opener ??= acknowledgement === undefined ? end : other(end);
    } else if (!reset) {
      if (length > 0) own.addOctets(sequence);
      if (acknowledgement !== undefined) theirs.addAcknowledgement(acknowledgement);
    }
    this.#octets += segment.payload.length;
    if (length > 0 && time !== undefined) {
      this.#since ??= time;
      this.#isLate = time - this.#since > MAX_MS;
    }
  }

  /** The number of the first octet of an end; undefined where nothing tells. */
  startOf(end: End): number | undefined {
    return this.#ends[end].start(this.opener !== undefined);
  }
}

/** What is known of where a direction begins. */
class Start {
  syn: number | undefined;
  /** What the answer to its SYN acknowledges. */
  answered: number | undefined;
  #lowest: number | undefined;
  #acknowledged: { low: number; high: number } | undefined;

  addOctets(sequence: number): void {
    if (this.#lowest === undefined || isBefore(sequence, this.#lowest)) this.#lowest = sequence;
  }

  addAcknowledgement(number: number): void {
    this.#acknowledged ??= { low: number, high: number };
    if (isBefore(number, this.#acknowledged.low)) this.#acknowledged.low = number;
    if (isBefore(this.#acknowledged.high, number)) this.#acknowledged.high = number;
  }

  start(isOpened: boolean): number | undefined {
    if (this.syn !== undefined) return (this.syn + 1) >>> 0;
    if (this.answered !== undefined) return this.answered;
    const { low, high } = this.#acknowledged ?? {};
    if (this.#lowest === undefined) return isOpened ? low : high;
    // In the middle of a connection this was before the capture.
    if (!isOpened || low === undefined) return this.#lowest;
    return (this.#lowest - low) >>> 0 <= MAX_MISSING ? low : this.#lowest;
  }
}

function isBefore(one: number, two: number): boolean {
  return ((two - one) | 0) > 0;
}
