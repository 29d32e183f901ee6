/** Calls as promises: a method, its reply, and how long somebody waits for it. */
import type { Call, CallHandle, Reply } from "../protocol/call-queue.ts";
import type { ClientMethod } from "../wire/generated/methods.ts";
import type { Driver } from "./driver.ts";
import { refuseTimeout, type WaitBounds, waitFor } from "./waiting.ts";

/** Whoever sends calls: a channel's machine, or the connection's for channel 0. */
export interface Caller {
  call(call: Call): CallHandle | undefined;
}

/**
 * Sends a synchronous method and resolves with the reply. When a bound is hit first, a method that
 * waits for others is never sent; one that was sent may take effect all the same: its reply is
 * still awaited, for the sake of the order, and given to `late`.
 */
export function callMethod(
  caller: Caller,
  driver: Driver,
  method: ClientMethod,
  { signal, timeoutMs }: WaitBounds,
  late: (reply: Reply) => void = () => {},
): Promise<Reply> {
  const mistake = refuseTimeout(timeoutMs);
  if (mistake !== undefined) return Promise.reject(mistake);
  let handle: CallHandle | undefined;
  let released = false;
  return waitFor<Reply>(
    driver.patientClock,
    { signal, timeoutMs },
    () =>
      handle === undefined || handle.waits
        ? `${method.name} (not sent)`
        : `${method.name} (sent: it may take effect)`,
    (resolve, reject) => {
      const settle = (reply: Reply): void => (released ? late(reply) : resolve(reply));
      handle = caller.call({ method, resolve: settle, reject });
      driver.drive();
    },
    () => {
      released = true;
      handle?.withdraw();
    },
  );
}

/**
 * Sends a method that asks for no reply, in its turn behind the calls that wait, and resolves when
 * it is in the output. When a bound is hit first, it is never sent.
 */
export function sendMethod(
  caller: Caller,
  driver: Driver,
  method: ClientMethod,
  { signal, timeoutMs }: WaitBounds,
): Promise<void> {
  const mistake = refuseTimeout(timeoutMs);
  if (mistake !== undefined) return Promise.reject(mistake);
  let handle: CallHandle | undefined;
  return waitFor<void>(
    driver.patientClock,
    { signal, timeoutMs },
    () => `${method.name} (not sent)`,
    (resolve, reject) => {
      handle = caller.call({ method, sent: resolve, resolve: () => {}, reject });
      driver.drive();
    },
    () => handle?.withdraw(),
  );
}
