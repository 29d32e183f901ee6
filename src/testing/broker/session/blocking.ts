/**
 * A connection under a resource alarm (rabbitmq.com/docs/alarms, rabbitmq.com/docs/connection-blocked).
 *
 *     free --alarm--> blocking --a message is published--> blocked --no alarm any more--> free
 *
 * Who publishes nothing is not blocked: RabbitMQ waits for the header of the next message, says
 * connection.blocked to clients that want to know, and reads nothing more from the socket, so that
 * the rest of the message, methods and heartbeats wait as well. What was published before and is not
 * confirmed yet is confirmed when it is over, and so is that message.
 */
import type { ConnectionBlocked, ConnectionUnblocked } from "../../../wire/generated/methods.ts";

/** Why a connection is to be blocked. */
export interface BlockingReason {
  readonly reason: string;
  /** Does not wait for a message. */
  readonly atOnce: boolean;
  /** It has come to it. */
  readonly whenBlocked: () => void;
}

/** What blocking does with a connection. */
export interface BlockingHost {
  /** Tells the client, if it wants to know. */
  tell(method: ConnectionBlocked | ConnectionUnblocked): void;
  stopReading(reason: object): void;
  goOnReading(reason: object): void;
}

/** The alarms that concern one connection. */
export class Blocking {
  readonly #host: BlockingHost;
  readonly #alarms = new Map<object, BlockingReason>();
  #blocked = false;
  /** What the client was told, or would have been had it wanted to know. */
  #reason: string | undefined;

  constructor(host: BlockingHost) {
    this.#host = host;
  }

  /** Whether there is no alarm. */
  get idle(): boolean {
    return this.#alarms.size === 0;
  }

  /** Why it is blocked; undefined as long as it is not. */
  get reason(): string | undefined {
    return this.#blocked ? this.#reason : undefined;
  }

  /** One alarm more; `key` tells it from others. */
  add(key: object, alarm: BlockingReason): void {
    this.#alarms.set(key, alarm);
    if (this.#blocked) alarm.whenBlocked();
    else if (alarm.atOnce) this.#block();
  }

  /** One alarm less. The client hears of it when it was the last. */
  remove(key: object): void {
    if (!this.#alarms.delete(key) || !this.idle || !this.#blocked) return;
    this.#blocked = false;
    this.#host.tell({ name: "connection.unblocked" });
    this.#host.goOnReading(this);
  }

  /** A part of a message has come. */
  published(): void {
    if (!this.#blocked && !this.idle) this.#block();
  }

  #block(): void {
    this.#blocked = true;
    this.#host.stopReading(this);
    const [first] = this.#alarms.values();
    this.#reason = first?.reason;
    if (first !== undefined) {
      this.#host.tell({ name: "connection.blocked", reason: first.reason });
    }
    for (const { whenBlocked } of [...this.#alarms.values()]) whenBlocked();
  }
}
