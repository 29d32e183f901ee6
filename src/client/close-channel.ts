/** Closing a channel: drain, channel.close, close-ok; or, at the deadline, giving up. */
import type { ChannelMachine } from "../protocol/channel.ts";
import type { Driver } from "./driver.ts";
import { waitFor } from "./waiting.ts";

/** What `close()` of a connection, a channel or a publisher takes. */
export interface CloseOptions {
  /** Stops waiting: closes as if the deadline had passed. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default the connection's `closeTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Closes a channel when `drain` has resolved. Resolves in any case: at the deadline everybody who
 * still waits for something of the channel is told so.
 */
export async function closeChannel(
  channel: ChannelMachine,
  driver: Driver,
  options: CloseOptions,
  closeTimeoutMs: number,
  drain: () => Promise<void>,
): Promise<void> {
  const close = async (): Promise<void> => {
    await drain();
    await new Promise((resolve, reject) => {
      channel.close({ resolve, reject });
      driver.drive();
    });
  };
  try {
    await waitFor<void>(
      driver.clock,
      { signal: options.signal, timeoutMs: options.timeoutMs ?? closeTimeoutMs },
      () => "closing the channel",
      (resolve, reject) => close().then(resolve, reject),
      (error) => {
        channel.abandon(error);
        driver.drive();
      },
    );
  } catch {
    // Closed otherwise, or not in time: everybody who waited for something has been told.
  }
}
