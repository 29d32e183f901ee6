/**
 * Virtual time: a number that goes up when the schedule says so, and the callbacks that wait for
 * it. `soon` callbacks are run by the schedule too, which decides what happens before them: in
 * Node several sockets may be read between a publish and the setImmediate() that writes it.
 */
import type { Clock, Timer } from "../../../src/client/clock.ts";

interface Waiting {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock that the schedule moves. */
export class VirtualClock implements Clock {
  #now = 0;
  #soon: (() => void)[] = [];
  readonly #waiting: Set<Waiting> = new Set();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Timer {
    const waiting = { due: this.#now + Math.max(ms, 0), callback };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** When the next timer is due. */
  get next(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#waiting].map(({ due }) => due));
  }

  /** When the last timer is due. */
  get last(): number {
    return Math.max(Number.NEGATIVE_INFINITY, ...[...this.#waiting].map(({ due }) => due));
  }

  /** Timers that nobody cancelled. */
  get timers(): number {
    return this.#waiting.size;
  }

  /** Sets the time and runs nothing. */
  jump(to: number): void {
    this.#now = Math.max(this.#now, to);
  }

  /** Runs the timers that are due, the earliest first; whether there was any. */
  runTimers(): boolean {
    const due = [...this.#waiting].filter((each) => each.due <= this.#now);
    for (const each of due.sort((a, b) => a.due - b.due)) {
      // An earlier one may have cancelled it.
      if (this.#waiting.delete(each)) each.callback();
    }
    return due.length > 0;
  }

  /** Runs what was to run soon; whether there was anything. */
  runSoon(): boolean {
    const callbacks = this.#soon;
    this.#soon = [];
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  }
}

/**
 * Lets every promise that can settle do so. No reaction of the client is more promises deep than
 * this, and each round runs one level of all of them.
 */
export async function settlePromises(): Promise<void> {
  for (let round = 0; round < PROMISE_LEVELS; round++) await undefined;
}

const PROMISE_LEVELS = 24;
