/** Time as the driver sees it, so that a test can put its own in its place. */

/** A timer that can be stopped. */
export interface Timer {
  cancel(): void;
}

/** What the driver needs of time. */
export interface Clock {
  /** Milliseconds that only ever go up. */
  now(): number;
  /** Calls back after at least `ms` milliseconds; such a timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer;
  /** Calls back once in this turn of the event loop, after what is being done now. */
  soon(callback: () => void): void;
}

/** The clock of the machine, for one connection. */
export class SystemClock implements Clock {
  #calledThisTurn = false;

  now(): number {
    return performance.now();
  }

  after(ms: number, callback: () => void): Timer {
    let cancelled = false;
    // What lies in the sockets is read before anybody is told to be late: where this program was
    // busy for longer, the answer has often come.
    const read = (): NodeJS.Immediate => setImmediate(() => cancelled || callback());
    const timer = setTimeout(read, Math.min(ms, MAX_TIMEOUT_MS)).unref();
    return {
      cancel: () => {
        cancelled = true;
        clearTimeout(timer);
      },
    };
  }

  /**
   * The first in a turn is called when the promises that can settle have settled, so that a single
   * publish goes out at once; later ones when the turn ends, so that however publishes come, two
   * writes carry all of a turn. All at the end of the turn cost a lone publish that turn; all at
   * once cost a write, some 5 µs, for each publish of a loop that awaits something in between.
   */
  soon(callback: () => void): void {
    if (this.#calledThisTurn) {
      setImmediate(callback);
      return;
    }
    this.#calledThisTurn = true;
    process.nextTick(callback);
    setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#calledThisTurn = false;
  };
}

/** Node takes a longer timeout for 1 ms. Who is woken too early looks at the time and waits on. */
const MAX_TIMEOUT_MS = 2_147_483_647;
