/**
 * A transaction of one channel (specification section 1.9; rabbitmq.com/docs/semantics): publishes
 * and acknowledgements wait for tx.commit. Routing happens when a message is published, so a
 * queue that is bound later does not get it.
 */
import type { Routed } from "./publishing.ts";
import type { Fate, Held } from "./unacknowledged.ts";

/** Acknowledgements that wait. */
export interface Settlement {
  readonly held: readonly Held[];
  readonly fate: Fate;
}

/** What waits for the end of the transaction. */
export class Transaction {
  #publishes: Routed[] = [];
  #settlements: Settlement[] = [];

  /** A message to store at the commit. */
  publish(routed: Routed): void {
    this.#publishes.push(routed);
  }

  /** Messages to settle at the commit. */
  settle(held: readonly Held[], fate: Fate): void {
    this.#settlements.push({ held, fate });
  }

  /** Takes everything out, each in the order in which it came: the next transaction begins. */
  take(): { readonly publishes: readonly Routed[]; readonly settlements: readonly Settlement[] } {
    const taken = { publishes: this.#publishes, settlements: this.#settlements };
    this.#publishes = [];
    this.#settlements = [];
    return taken;
  }
}
