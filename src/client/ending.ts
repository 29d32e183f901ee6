/** The promise behind `closed`: made when somebody asks, because on most channels nobody does. */
import type { AmqpError } from "../errors.ts";

/** How something ended, for those who ask before and for those who ask afterwards. */
export class Ending {
  #promise: Promise<AmqpError | undefined> | undefined;
  #resolve: ((reason: AmqpError | undefined) => void) | undefined;

  /** Resolves when it has ended. The same promise each time. */
  get promise(): Promise<AmqpError | undefined> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  /** It ended: undefined where we ended it ourselves. */
  settle(reason: AmqpError | undefined): void {
    if (this.#resolve === undefined) this.#promise ??= Promise.resolve(reason);
    else this.#resolve(reason);
  }
}
