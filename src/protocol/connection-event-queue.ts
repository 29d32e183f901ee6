/** What happened on a connection and has not been told: most of the time nothing. */
import type { ConnectionEvent } from "./connection-events.ts";

/** Events that nobody has taken yet. */
export class ConnectionEventQueue {
  #events: ConnectionEvent[] | undefined;

  /** Adds one. */
  push(event: ConnectionEvent): void {
    if (this.#events === undefined) this.#events = [event];
    else this.#events.push(event);
  }

  /** Takes all of them, in order. */
  take(): readonly ConnectionEvent[] {
    const events = this.#events ?? NO_EVENTS;
    this.#events = undefined;
    return events;
  }
}

/** One for all that have none. */
const NO_EVENTS: readonly ConnectionEvent[] = [];
