/** A clock that can stand still: deadlines of publishes do not run while a broker is blocked. */
export class PausableClock {
  #pausedFor = 0;
  #pausedAt: number | undefined;

  /** Whether it stands still. */
  get paused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Stops at `now`; a clock that stands still already goes on standing. */
  pause(now: number): void {
    this.#pausedAt ??= now;
  }

  /** Goes on at `now`. */
  resume(now: number): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedFor += now - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  /** What it shows at `now`. */
  at(now: number): number {
    return (this.#pausedAt ?? now) - this.#pausedFor;
  }

  /** When it will show `time`, if it is not stopped before. */
  when(time: number): number {
    return time + this.#pausedFor;
  }
}
