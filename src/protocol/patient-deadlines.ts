/**
 * The deadlines of a connection, on a clock that stands still while the broker has blocked it: a
 * broker that is low on memory reads nothing for minutes, and nobody is late because of that.
 */
import { Deadlines } from "./deadlines.ts";
import { PausableClock } from "./pausable-clock.ts";

/** Something that may take too long. */
export interface Timed {
  /** Whether it has finished, so that its deadline does not matter any more. */
  readonly isOver: boolean;
  /** Its deadline has passed. Must not call back into the machines. */
  expire(): void;
}

/** What is due, and when. Times are those of the connection's driver, in milliseconds. */
export class PatientDeadlines {
  readonly #clock = new PausableClock();
  readonly #deadlines = new Deadlines<Timed>(isOver);

  /** Gives something `timeoutMs` from `now` on, of time in which the broker reads. */
  add(item: Timed, timeoutMs: number, now: number): void {
    this.#deadlines.add(item, timeoutMs, this.#clock.at(now));
  }

  /** The broker reads nothing any more: deadlines stand still. */
  pause(now: number): void {
    this.#clock.pause(now);
  }

  /** The broker reads again. */
  resume(now: number): void {
    this.#clock.resume(now);
  }

  /** Tells what is due by now. */
  expire(now: number): void {
    for (const item of this.#deadlines.expire(this.#clock.at(now))) item.expire();
  }

  /** When {@link PatientDeadlines.expire} is due; undefined when nothing is. */
  nextTimeout(): number | undefined {
    if (this.#clock.paused) return undefined;
    const next = this.#deadlines.next();
    return next === undefined ? undefined : this.#clock.when(next);
  }
}

function isOver(item: Timed): boolean {
  return item.isOver;
}
