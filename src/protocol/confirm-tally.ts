/**
 * What became of the publishes since somebody last asked: the books behind `waitForConfirms()`.
 *
 * Publishes are numbered as they are submitted. A wait concerns those submitted since the wait
 * before it, and ends when all of them have been told; so what is submitted meanwhile belongs to
 * the next wait.
 *
 *     submitted  1 2 3 4 | 5 6 7 | 8 9 ...
 *                 wait A   wait B   the next one
 */
import { type AmqpError, type BatchFailure, MAX_BATCH_FAILURES } from "../errors.ts";

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

/** Counts publishes in and out. */
export class ConfirmTally {
  #submitted = 0;
  #current = new Segment();
  /** Segments that somebody waits for, the oldest first. */
  #waited: WaitedSegment[] = [];
  #outstanding = 0;
  #idleWaiters: (() => void)[] = [];

  /** A publish was submitted; the result is its number, for {@link ConfirmTally.settle}. */
  submit(): number {
    this.#current.open++;
    this.#outstanding++;
    return ++this.#submitted;
  }

  /** The publish that was submitted last was refused for its arguments, and does not count. */
  withdraw(number: number): void {
    this.#segmentOf(number).open--;
    this.#outstanding--;
    this.#finish();
  }

  /** A publish was told how it ended; `error` is undefined where it was confirmed. */
  settle(number: number, deliveryTag: number, error: AmqpError | undefined): void {
    this.#segmentOf(number).settle(deliveryTag, error);
    this.#outstanding--;
    this.#finish();
  }

  /** Calls `done` once nothing is outstanding; what `wait()` tells is not touched. */
  whenIdle(done: () => void): void {
    this.#idleWaiters.push(done);
    this.#finish();
  }

  /** Calls `done` once everything submitted so far has been told, with how it went. */
  wait(done: (tally: Tally) => void): TallyWait {
    const waited = { segment: this.#current, through: this.#submitted, done };
    this.#current = new Segment();
    this.#waited.push(waited);
    this.#finish();
    return { cancel: () => this.#cancel(waited) };
  }

  #segmentOf(number: number): Segment {
    return this.#waited.find(({ through }) => number <= through)?.segment ?? this.#current;
  }

  #finish(): void {
    for (let first = this.#waited[0]; first?.segment.open === 0; first = this.#waited[0]) {
      this.#waited.shift();
      first.done(first.segment);
    }
    if (this.#outstanding > 0 || this.#idleWaiters.length === 0) return;
    for (const done of this.#idleWaiters.splice(0)) done();
  }

  #cancel(waited: WaitedSegment): void {
    const at = this.#waited.indexOf(waited);
    if (at < 0) return;
    this.#waited.splice(at, 1);
    (this.#waited[at]?.segment ?? this.#current).prepend(waited.segment);
  }
}

interface WaitedSegment {
  readonly segment: Segment;
  /** The last publish that the wait concerns. */
  readonly through: number;
  readonly done: (tally: Tally) => void;
}

/** The publishes between two waits. */
class Segment implements Tally {
  open = 0;
  confirmed = 0;
  failed = 0;
  failures: BatchFailure<undefined>[] = [];

  settle(deliveryTag: number, error: AmqpError | undefined): void {
    this.open--;
    if (error === undefined) {
      this.confirmed++;
      return;
    }
    this.failed++;
    if (this.failures.length < MAX_BATCH_FAILURES) {
      this.failures.push({ message: undefined, deliveryTag, error });
    }
  }

  prepend(earlier: Segment): void {
    this.open += earlier.open;
    this.confirmed += earlier.confirmed;
    this.failed += earlier.failed;
    this.failures = [...earlier.failures, ...this.failures].slice(0, MAX_BATCH_FAILURES);
  }
}
