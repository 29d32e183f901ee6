/** Waiting with an end: no fault may hang the run. */
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than anything takes that works, on a machine with too much to do. */
const PATIENCE_MS = 30_000;

/** Waits until a condition holds; raises an error that says what was waited for in vain. */
export async function until(
  condition: () => boolean,
  what: string,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  for (const end = performance.now() + patienceMs; !condition(); await sleep(2)) {
    if (performance.now() > end) throw new Error(`${what}: not within ${patienceMs} ms`);
  }
}
