/**
 * What all faults have in common: how often they strike, and what a test can do with one that it has
 * set.
 */
import { UsageError } from "../../../errors.ts";

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
   * Resolves when it has struck that often; 1 if absent. Rejects with an Error if it is over before
   * that. (It does not time out: a test does.)
   */
  waitForStrikes(strikes?: number): Promise<void>;
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

/** A fault, as the broker handles it. */
export class ActiveFault implements Fault {
  readonly name: string;
  readonly done: Promise<number>;
  readonly #whenOver: () => void;
  #passing: number;
  #remaining: number;
  #struck = 0;
  #resolve: (struck: number) => void = () => {};
  #waiting: Waiting[] = [];

  /** `whenOver` takes the fault out of the places where it strikes; it is called once. */
  constructor(name: string, { count = 1, after = 0 }: FaultTimes, whenOver: () => void) {
    if (!(count === Number.POSITIVE_INFINITY || (Number.isSafeInteger(count) && count > 0))) {
      throw new UsageError(`count is ${count}; it must be an integer from 1 up, or Infinity`);
    }
    if (!(Number.isSafeInteger(after) && after >= 0)) {
      throw new UsageError(`after is ${after}; it must be an integer from 0 up`);
    }
    this.name = name;
    this.#whenOver = whenOver;
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
    this.#waiting = this.#waiting.filter(({ strikes, resolve }) => {
      if (this.#struck < strikes) return true;
      resolve();
      return false;
    });
    if (this.#remaining === 0) this.#end();
    return true;
  }

  waitForStrikes(strikes = 1): Promise<void> {
    if (this.#struck >= strikes) return Promise.resolve();
    if (this.#remaining === 0) return Promise.reject(this.#overTooEarly(strikes));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ strikes, resolve, reject });
    });
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
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { strikes, reject } of waiting) reject(this.#overTooEarly(strikes));
    this.#resolve(this.#struck);
  }

  #overTooEarly(strikes: number): Error {
    return new Error(
      `the fault "${this.name}" is over; it struck ${this.#struck} times and not ${strikes}`,
    );
  }
}

interface Waiting {
  readonly strikes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}
