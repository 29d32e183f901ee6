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
  /**
   * Calls back once in this turn of the event loop, after what is being done now: in a `hurry` when
   * all promises that can settle have settled, else when the sockets have been read.
   */
  soon(callback: () => void, hurry: boolean): void;
}

/** The clock of the machine. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
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
  },
  soon: (callback, hurry) => {
    if (hurry) process.nextTick(callback);
    else setImmediate(callback);
  },
};

/** Node takes a longer timeout for 1 ms. Who is woken too early looks at the time and waits on. */
const MAX_TIMEOUT_MS = 2_147_483_647;
