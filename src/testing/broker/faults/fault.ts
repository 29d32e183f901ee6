/**
 * What all faults have in common: how often they strike, and what a test can do with one that it has
 * set.
 */
import { UsageError } from "../../../errors.ts";
import type { Waiting, WaitOptions } from "../waiting.ts";

/**
 * A fault that was set. It strikes as often as its `count` says and is over then; until it is over it
 * can be cleared. With `using` it is cleared at the end of the block.
 *
 *     const fault = broker.faults.nack({ count: 3 });
 *     …
 *     await fault.done;      // it has struck three times
 */
export interface Fault extends Disposable {
  /** What it does: the name of the method of {@link BrokerFaults} that set it. */
  readonly name: string;
  /** How often it has struck. What a strike is, the method that sets the fault says. */
  readonly struck: number;
  /** How often it will strike from here on; 0 when it is over, Infinity if it goes on and on. */
  readonly remaining: number;
  /** Resolves when it is over, cleared or not, with how often it has struck. Never rejects. */
  readonly done: Promise<number>;
  /**
   * Waits until it has struck that often; 1 if absent. Rejects with an Error if it is over before
   * that and, like every wait of the broker, at the deadline with a `TimeoutError`: what could not be
   * struck (publishes outside of confirm mode, say) is not waited for without end.
   */
  waitForStrikes(strikes?: number, options?: WaitOptions): Promise<void>;
  /** Ends it: everything goes on as if it had never been set. Idempotent. */
  clear(): void;
}

/** How often a fault strikes. */
export interface FaultTimes {
  /** How often: an integer from 1 up, or Infinity. */
  readonly count?: number | undefined;
  /** How many that it could strike are let pass before; 0 if absent. */
  readonly after?: number | undefined;
}

/** Those who wait for faults, and what is said of the broker to those who waited in vain. */
export interface FaultWaits {
  readonly waiting: Pick<Waiting, "wait" | "changed">;
  readonly describe: () => string;
}

/** A fault, as the broker handles it. */
export class ActiveFault implements Fault {
  readonly name: string;
  readonly done: Promise<number>;
  readonly #whenOver: () => void;
  readonly #waits: FaultWaits;
  #passing: number;
  #remaining: number;
  #struck = 0;
  #resolve: (struck: number) => void = () => {};

  /** `whenOver` takes the fault out of the places where it strikes; it is called once. */
  constructor(
    name: string,
    { count = 1, after = 0 }: FaultTimes,
    whenOver: () => void,
    waits: FaultWaits,
  ) {
    if (!(count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && count > 0))) {
      throw new UsageError(`count is ${count}; it must be an integer from 1 up, or Infinity`);
    }
    if (!(Number.isSafeInteger(after) && after >= 0)) {
      throw new UsageError(`after is ${after}; it must be an integer from 0 up`);
    }
    this.name = name;
    this.#whenOver = whenOver;
    this.#waits = waits;
    this.#remaining = count;
    this.#passing = after;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get struck(): number {
    return this.#struck;
  }

  get remaining(): number {
    return this.#remaining;
  }

  /** It could strike here: true if it does. */
  strikes(): boolean {
    if (this.#remaining === 0) return false;
    if (this.#passing > 0) {
      this.#passing--;
      return false;
    }
    this.#remaining--;
    this.#struck++;
    if (this.#remaining === 0) this.#end();
    else this.#waits.waiting.changed();
    return true;
  }

  waitForStrikes(strikes = 1, options?: WaitOptions): Promise<void> {
    const { waiting, describe } = this.#waits;
    const wish = {
      what: `the fault "${this.name}" to strike ${strikes === 1 ? "once" : `${strikes} times`}`,
      look: () => this.#hasStruck(strikes),
      found: () => `it struck ${this.#struck} times; ${describe()}`,
    };
    return waiting.wait(wish, options).then(() => {});
  }

  clear(): void {
    if (this.#remaining === 0) return;
    this.#remaining = 0;
    this.#end();
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #end(): void {
    this.#whenOver();
    this.#waits.waiting.changed();
    this.#resolve(this.#struck);
  }

  /** Raises if it never will have. */
  #hasStruck(strikes: number): true | undefined {
    if (!(Number.isSafeInteger(strikes) && strikes > 0)) {
      throw new UsageError(`strikes is ${strikes}; it must be an integer from 1 up`);
    }
    if (this.#struck >= strikes) return true;
    if (this.#remaining > 0) return undefined;
    const times = `${this.#struck} times and not ${strikes}`;
    throw new Error(`the fault "${this.name}" is over; it struck ${times}`);
  }
}
