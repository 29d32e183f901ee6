/**
 * Waiting for something to be so in the broker. Nothing is polled: whenever the broker has done
 * something, every condition that is waited for is looked at again. A wait always ends: when it is
 * fulfilled, at its deadline, by its signal, or when the broker stops.
 */
import { AbortError, type AmqpError, TimeoutError, UsageError } from "../../errors.ts";

/** What bounds a wait. */
export interface WaitOptions {
  /** Milliseconds from the call; default the broker's `waitTimeoutMs`. Infinity is no deadline. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait when it fires; its reason is the `cause` of the `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** What is waited for. */
export interface Wish<T> {
  /** What it is, to go after "waited for". */
  readonly what: string;
  /** The value, once there is one. What it throws ends the wait. */
  readonly look: () => T | undefined;
  /** What is there instead, for the error. */
  readonly found: () => string;
}

/** Those who wait for one broker. */
export class Waiting {
  readonly #timeoutMs: number;
  readonly #waits = new Set<Wait>();
  #due = false;
  #stopped = false;

  /** `timeoutMs` is the deadline of waits that name none. */
  constructor(timeoutMs: number) {
    checkTimeout("waitTimeoutMs", timeoutMs);
    this.#timeoutMs = timeoutMs;
  }

  /** Something may be different now: looks again when what goes on at the moment is done. */
  changed(): void {
    if (this.#waits.size === 0 || this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      for (const wait of [...this.#waits]) wait.look();
    });
  }

  /** The broker stops: nothing more will come. */
  stop(): void {
    this.#stopped = true;
    for (const wait of [...this.#waits]) wait.giveUp();
  }

  /** Waits, or has no need to. */
  wait<T>(wish: Wish<T>, options: WaitOptions = {}): Promise<T> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    // Taken here, where the stack leads to the line of the test.
    const here = new Error();
    const fail = (how: string, make: (message: string) => AmqpError): AmqpError =>
      withStackOf(here, make(`${how} for ${wish.what}; ${wish.found()}`));
    return new Promise((resolve, reject) => {
      checkTimeout("timeoutMs", timeoutMs);
      const value = wish.look();
      if (value !== undefined) return resolve(value);
      const aborted = (): void => {
        const cause = signal?.reason;
        giveUp(fail("aborted while waiting", (message) => new AbortError(message, { cause })));
      };
      const late = (): void =>
        giveUp(fail(`waited ${timeoutMs} ms`, (message) => new TimeoutError(message)));
      const wait: Wait = {
        look: () => {
          try {
            const value = wish.look();
            if (value === undefined) return;
            end();
            resolve(value);
          } catch (error) {
            giveUp(error); // whatever it is: undefined can be thrown, too
          }
        },
        giveUp: () =>
          giveUp(
            fail("the broker was stopped while waiting", (message) => new AbortError(message)),
          ),
      };
      const end = (): void => {
        this.#waits.delete(wait);
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
      };
      const giveUp = (error: unknown): void => {
        end();
        reject(error);
      };
      const timer = timeoutMs < LONGEST_WAIT_MS ? setTimeout(late, timeoutMs) : undefined;
      this.#waits.add(wait);
      signal?.addEventListener("abort", aborted);
      if (signal?.aborted) aborted();
      else if (this.#stopped) wait.giveUp();
    });
  }
}

/** One who waits. */
interface Wait {
  look(): void;
  giveUp(): void;
}

/** The wish for so many of something: at least `count`, or none at all if that is 0. */
export function enough(count: number, there: number): boolean {
  if (!Number.isInteger(count) || count < 0) {
    throw new UsageError(`count is ${count}; it must be a whole number, at least 0`);
  }
  return count === 0 ? there === 0 : there >= count;
}

/** `1 message`, `2 messages`, `no messages` */
export function plural(count: number, what: string): string {
  return `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`;
}

/** What setTimeout() takes at most. */
const LONGEST_WAIT_MS = 2 ** 31;

function checkTimeout(name: string, ms: number): void {
  if (ms >= 0) return;
  throw new UsageError(`${name} is ${ms}; it must be a number of milliseconds, at least 0`);
}

function withStackOf({ stack = "" }: Error, error: AmqpError): AmqpError {
  const frames = stack.slice(stack.indexOf("\n"));
  error.stack = `${error.name}: ${error.message}${frames}`;
  return error;
}
