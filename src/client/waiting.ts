/** Waiting that ends: for what is waited for, for a deadline, or for a signal. */
import { AbortError, TimeoutError } from "../errors.ts";
import type { Clock } from "./clock.ts";

/** What bounds a wait. */
export interface WaitBounds {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from the call. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A promise for something that `start` begins. When a bound is hit first, the promise rejects with
 * a `TimeoutError` or `AbortError` that names `what`, and `cancel` is called with it.
 */
export function waitFor<T>(
  clock: Clock,
  bounds: WaitBounds,
  what: string,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  cancel: (error: TimeoutError | AbortError) => void,
): Promise<T> {
  const { signal, timeoutMs } = bounds;
  if (signal?.aborted) return Promise.reject(abortError(signal, what));
  if (signal === undefined && timeoutMs === undefined) return new Promise(start);
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const giveUp = (error: TimeoutError | AbortError): void => {
      end();
      reject(error);
      cancel(error);
    };
    const onAbort = (): void => giveUp(abortError(signal as AbortSignal, what));
    const timer =
      timeoutMs === undefined
        ? undefined
        : clock.after(timeoutMs, () =>
            giveUp(new TimeoutError(`${what} took longer than ${timeoutMs} ms`)),
          );
    signal?.addEventListener("abort", onAbort);
    start(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

/** The error of somebody whose signal fired while waiting for `what`. */
export function abortError(signal: AbortSignal, what: string): AbortError {
  return new AbortError(`${what} was aborted`, { cause: signal.reason });
}
