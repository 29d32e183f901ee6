/**
 * Signals that many share. A million listeners on one AbortSignal would be quadratic, and Node warns
 * from the eleventh on; so each signal gets one listener, whoever shares it.
 */

/** Calls `onAbort` when the signal fires, once. The result undoes it. */
export function watchSignal(signal: AbortSignal, onAbort: () => void): () => void {
  const watch = WATCHED.get(signal) ?? listen(signal);
  // Each has an entry of its own, so that the same function may watch twice.
  const entry = { onAbort };
  watch.entries.add(entry);
  return () => {
    watch.entries.delete(entry);
    if (watch.entries.size === 0) watch.stop();
  };
}

interface Watch {
  readonly entries: Set<{ readonly onAbort: () => void }>;
  readonly stop: () => void;
}

const WATCHED: WeakMap<AbortSignal, Watch> = new WeakMap();

function listen(signal: AbortSignal): Watch {
  const entries: Watch["entries"] = new Set();
  const stop = (): void => {
    signal.removeEventListener("abort", abort);
    WATCHED.delete(signal);
  };
  const abort = (): void => {
    stop();
    for (const { onAbort } of entries) onAbort();
  };
  const watch = { entries, stop };
  WATCHED.set(signal, watch);
  signal.addEventListener("abort", abort);
  return watch;
}
