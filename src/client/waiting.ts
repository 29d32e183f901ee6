/** Waiting that ends: for what is waited for, for a deadline, or for a signal. */
import { AbortError, TimeoutError, UsageError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { watchSignal } from "./signals.ts";

/**
 * What bounds a wait; none where absent. Whoever waits is released with a `TimeoutError` or an
 * `AbortError` then. What was sent by then may take effect all the same.
 */
export interface WaitBounds {
  /** Ends the wait when it fires; its reason is the `cause` of the `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds from the call, on a clock that stands still while the broker has blocked the
   * connection; `AbortSignal.timeout()` does not stand still.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * A promise for something that `start` begins. When a bound is hit first, the promise rejects with
 * a `TimeoutError` or `AbortError` that names `what`, asked then, and `cancel` is called with it;
 * where the signal had fired before, without `start`.
 */
export function waitFor<T>(
  clock: Pick<Clock, "after">,
  bounds: WaitBounds,
  what: () => string,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  cancel: (error: TimeoutError | AbortError) => void,
): Promise<T> {
  const { signal, timeoutMs } = bounds;
  if (signal?.aborted) {
    const error = abortError(signal, what());
    cancel(error);
    return Promise.reject(error);
  }
  if (signal === undefined && timeoutMs === undefined) return new Promise(start);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer?.cancel();
      forgetSignal?.();
    };
    const giveUp = (error: TimeoutError | AbortError): void => {
      end();
      reject(error);
      cancel(error);
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.after(timeoutMs, () =>
            giveUp(new TimeoutError(`${what()} took longer than ${timeoutMs} ms`)),
          );
    const forgetSignal =
      signal === undefined
        ? undefined
        : watchSignal(signal, () => giveUp(abortError(signal, what())));
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    try {
      start((value) => {
        end();
        resolve(value);
      }, fail);
    } catch (error) {
      fail(error);
    }
  });
}

/** What is wrong with a deadline; undefined where nothing is. */
export function refuseTimeout(timeoutMs: number | undefined): UsageError | undefined {
  return timeoutMs === undefined || (timeoutMs >= 0 && Number.isFinite(timeoutMs))
    ? undefined
    : new UsageError("timeoutMs must be a number of milliseconds, 0 or more");
}

/** The error of somebody whose signal fired while waiting for `what`. */
export function abortError(signal: AbortSignal, what: string): AbortError {
  return new AbortError(`${what} was aborted`, { cause: signal.reason });
}
