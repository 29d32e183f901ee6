/** Waiting for what a tally counts: `waitForConfirms()`, and the drain before a close. */
import { BatchError } from "../errors.ts";
import type { ConfirmTally, TallyWait } from "../protocol/confirm-tally.ts";
import type { Clock } from "./clock.ts";
import { refuseTimeout, type WaitBounds, waitFor } from "./waiting.ts";

/**
 * Resolves when everything submitted so far has been told, and rejects with a `BatchError` if any
 * of what was submitted since the last call failed.
 */
export function waitForConfirms(
  tally: ConfirmTally,
  clock: Pick<Clock, "after">,
  bounds: WaitBounds,
): Promise<void> {
  const mistake = refuseTimeout(bounds.timeoutMs);
  if (mistake !== undefined) return Promise.reject(mistake);
  let wait: TallyWait | undefined;
  return waitFor<void>(
    clock,
    bounds,
    () => "waiting for confirms",
    (resolve, reject) => {
      wait = tally.wait(({ confirmed, failed, failures }) => {
        if (failed === 0) resolve();
        else reject(new BatchError(confirmed, failed, failures));
      });
    },
    () => wait?.cancel(),
  );
}
