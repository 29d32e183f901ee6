/**
 * What became of the publishes since somebody last asked: the books behind `waitForConfirms()`.
 *
 * A wait concerns the publishes submitted since the wait before it, and ends when all of them have
 * been told; so what is submitted meanwhile belongs to the next wait.
 *
 *     submitted  1 2 3 4 | 5 6 7 | 8 9 ...
 *                 wait A   wait B   the next one
 */
import { type AmqpError, type BatchFailure, MAX_BATCH_FAILURES } from "../errors.ts";
import { Fifo } from "./fifo.ts";
import { ReturnedError } from "./returned-error.ts";

/** How the publishes of one wait ended. */
export interface Tally {
  readonly confirmed: number;
  readonly failed: number;
  /** The first {@link MAX_BATCH_FAILURES} that failed. */
  readonly failures: readonly BatchFailure<undefined>[];
}

/** A wait that can be given up; what it would have told goes to the next one then. */
export interface TallyWait {
  cancel(): void;
}

/** The publishes between two waits; what a publish settles in. */
export type TallySegment = Segment;

/** Counts publishes in and out. */
export class ConfirmTally {
  #current = new Segment(this);
  /** Segments that somebody waits for, the oldest first. */
  #waited: Fifo<WaitedSegment> | undefined;
  #outstanding = 0;
  #idleWaiters: (() => void)[] | undefined;

  /** A publish was submitted; it is to be settled in the segment that this gives. */
  submit(): TallySegment {
    this.#current.open++;
    this.#outstanding++;
    return this.#current;
  }

  /** A publish was refused for its arguments, and does not count. */
  withdraw(segment: TallySegment): void {
    rootOf(segment).open--;
    this.#outstanding--;
    this.#finish();
  }

  /** A publish was told how it ended; `error` is undefined where it was confirmed. */
  settle(segment: TallySegment, deliveryTag: number, error: AmqpError | undefined): void {
    rootOf(segment).settle(deliveryTag, error);
    this.#outstanding--;
    this.#finish();
  }

  /** Calls `done` once nothing is outstanding; what `wait()` tells is not touched. */
  whenIdle(done: () => void): void {
    this.#idleWaiters ??= [];
    this.#idleWaiters.push(done);
    this.#finish();
  }

  /** Calls `done` once everything submitted so far has been told, with how it went. */
  wait(done: (tally: Tally) => void): TallyWait {
    const waited: WaitedSegment = { segment: this.#current, done };
    this.#current = new Segment(this);
    this.#waited ??= new Fifo();
    this.#waited.push(waited);
    this.#finish();
    return { cancel: () => this.#cancel(waited) };
  }

  #finish(): void {
    const waited = this.#waited;
    for (let first = waited?.peek(); first?.segment.open === 0; first = waited?.peek()) {
      waited?.shift();
      first.done(first.segment);
    }
    if (this.#outstanding > 0 || this.#idleWaiters === undefined) return;
    const idleWaiters = this.#idleWaiters;
    this.#idleWaiters = undefined;
    for (const done of idleWaiters) done();
  }

  /** What the wait was about belongs to the next one from now on. */
  #cancel(waited: WaitedSegment): void {
    const line = this.#waited as Fifo<WaitedSegment>;
    const at = line.indexWhere((each) => each === waited);
    if (at < 0) return;
    line.takeAt(at);
    const next = line.at(at)?.segment;
    if (next === undefined) {
      // The longer the line of segments that became one, the more memory an unsettled publish holds.
      waited.segment.append(this.#current);
      this.#current = waited.segment;
    } else {
      next.prepend(waited.segment);
    }
    this.#finish();
  }
}

interface WaitedSegment {
  readonly segment: Segment;
  readonly done: (tally: Tally) => void;
}

/** The counts of the publishes between two waits. */
class Segment implements Tally {
  readonly tally: ConfirmTally;
  open = 0;
  confirmed = 0;
  failed = 0;
  failures: BatchFailure<undefined>[] = NO_FAILURES;
  #keptBytes = 0;
  /** The segment that has taken this one over. */
  into: Segment | undefined;

  constructor(tally: ConfirmTally) {
    this.tally = tally;
  }

  settle(deliveryTag: number, error: AmqpError | undefined): void {
    this.open--;
    if (error === undefined) {
      this.confirmed++;
      return;
    }
    this.failed++;
    this.#keep({ message: undefined, deliveryTag, error });
  }

  /** Takes in what an earlier segment counts, and will count. */
  prepend(earlier: Segment): void {
    const later = this.failures;
    this.failures = NO_FAILURES;
    this.#keptBytes = 0;
    for (const failure of earlier.failures) this.#keep(failure);
    for (const failure of later) this.#keep(failure);
    this.#merge(earlier);
  }

  /** Takes in what a later segment counts, and will count. */
  append(later: Segment): void {
    for (const failure of later.failures) this.#keep(failure);
    this.#merge(later);
  }

  #merge(other: Segment): void {
    this.open += other.open;
    this.confirmed += other.confirmed;
    this.failed += other.failed;
    other.failures = NO_FAILURES;
    other.into = this;
  }

  /** Nobody may ever ask: what is kept is bounded, in number and in returned bodies. */
  #keep(failure: BatchFailure<undefined>): void {
    const { error } = failure;
    const bytes = error instanceof ReturnedError ? error.returned.body.length : 0;
    if (this.failures.length >= MAX_BATCH_FAILURES) return;
    if (bytes > 0 && this.#keptBytes + bytes > MAX_KEPT_BYTES) return;
    this.#keptBytes += bytes;
    if (this.failures === NO_FAILURES) this.failures = [failure];
    else this.failures.push(failure);
  }
}

/** One for all that have none. Nobody changes it. */
const NO_FAILURES: never[] = [];

/** Octets of returned bodies that are kept for somebody who asks, in all. */
const MAX_KEPT_BYTES = 4_194_304;

function rootOf(segment: Segment): Segment {
  let root = segment;
  while (root.into !== undefined) root = root.into;
  // The next look is short, however many waits were given up in between.
  if (root !== segment) segment.into = root;
  return root;
}
