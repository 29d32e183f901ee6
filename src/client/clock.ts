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
  after: (ms, callback) => new SystemTimer(Math.min(ms, MAX_TIMEOUT_MS), callback),
  soon: (callback, hurry) => {
    if (hurry) process.nextTick(callback);
    else setImmediate(callback);
  },
};

/** A class, because a connection keeps one for its heartbeats: closures are four times as large. */
class SystemTimer implements Timer {
  #callback: (() => void) | undefined;
  readonly #timeout: NodeJS.Timeout;

  constructor(ms: number, callback: () => void) {
    this.#callback = callback;
    this.#timeout = setTimeout(readFirst, ms, this).unref();
  }

  cancel(): void {
    this.#callback = undefined;
    clearTimeout(this.#timeout);
  }

  ring(): void {
    this.#callback?.();
  }
}

/**
 * What lies in the sockets is read before anybody is told to be late: where this program was busy
 * for longer, the answer has often come.
 */
function readFirst(timer: SystemTimer): void {
  setImmediate(ring, timer);
}

function ring(timer: SystemTimer): void {
  timer.ring();
}

/** Node takes a longer timeout for 1 ms. Who is woken too early looks at the time and waits on. */
const MAX_TIMEOUT_MS = 2_147_483_647;
