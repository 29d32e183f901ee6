/**
 * Signals that many publishes share. A million listeners on one AbortSignal would be quadratic, and
 * Node warns from the eleventh on; so each signal gets one listener, whoever shares it.
 */

/** What is aborted with a signal. */
export type Abort = (signal: AbortSignal) => void;

/** One listener for each signal. */
export class SharedSignals {
  readonly #watched: Map<AbortSignal, Watch> = new Map();

  /** Calls `abort` when the signal fires. The result undoes it. */
  watch(signal: AbortSignal, abort: Abort): () => void {
    let watch = this.#watched.get(signal);
    if (watch === undefined) {
      watch = this.#listen(signal);
      this.#watched.set(signal, watch);
    }
    const { aborts, stop } = watch;
    aborts.add(abort);
    return () => {
      aborts.delete(abort);
      if (aborts.size === 0) stop();
    };
  }

  #listen(signal: AbortSignal): Watch {
    const aborts = new Set<Abort>();
    const stop = (): void => {
      signal.removeEventListener("abort", onAbort);
      this.#watched.delete(signal);
    };
    const onAbort = (): void => {
      for (const abort of [...aborts]) abort(signal);
    };
    signal.addEventListener("abort", onAbort);
    return { aborts, stop };
  }
}

interface Watch {
  readonly aborts: Set<Abort>;
  readonly stop: () => void;
}
