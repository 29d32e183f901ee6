/** Queues, looked at and worked on from outside of the protocol. */
import type { FieldTable } from "../../../wire/field-value.ts";
import type { BrokerMessage } from "../message.ts";
import type { Queue } from "../queue.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { enough, plural, type Waiting, type WaitOptions, type Wish } from "../waiting.ts";
import { asSent, done, OPERATOR } from "./actions.ts";
import { type BrokerConsumer, consumerView } from "./connection-view.ts";

/** A message that lies in a queue. */
export interface QueuedMessage extends BrokerMessage {
  /** Whether a client has had it before. */
  readonly redelivered: boolean;
}

/** What a queue can be declared with. */
export interface BrokerQueueOptions {
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Is deleted when its last consumer is gone. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Such as `x-max-length` or `x-dead-letter-exchange`. Default none. */
  readonly arguments?: FieldTable | undefined;
}

/**
 * A queue by its name, whether it exists or not: what is said is what is true at the moment. A queue
 * that does not exist has no messages and no consumers, and what it was declared with is undefined.
 *
 * The waits are also for queues that do not exist yet. They end at once if what is waited for is so
 * already, and otherwise with the event that makes it so; at the deadline they reject with a
 * `TimeoutError` that says what was there instead.
 */
export interface BrokerQueue {
  readonly name: string;
  readonly vhost: string;
  readonly exists: boolean;
  readonly durable: boolean | undefined;
  /** Whether only the connection that declared it may use it. */
  readonly exclusive: boolean | undefined;
  readonly autoDelete: boolean | undefined;
  readonly arguments: FieldTable | undefined;
  /** Messages that are ready; those that a client holds unacknowledged do not count. */
  readonly messageCount: number;
  /** Messages that clients hold and have not acked, nacked or rejected. */
  readonly unacknowledgedCount: number;
  readonly consumerCount: number;
  /** Its consumers as they are now. A new array each time. */
  readonly consumers: readonly BrokerConsumer[];
  /** The messages that are ready, the next one first. A new array each time. */
  readonly messages: readonly QueuedMessage[];

  /**
   * Waits until at least so many messages (default 1) are ready, and gives all that are. Messages
   * that go to a consumer at once are never ready. With 0 it waits until there are none.
   */
  waitForMessages(count?: number, options?: WaitOptions): Promise<readonly QueuedMessage[]>;
  /** Waits until there are at least so many consumers (default 1), or with 0 none, and gives them. */
  waitForConsumers(count?: number, options?: WaitOptions): Promise<readonly BrokerConsumer[]>;
  /** Waits until the queue exists and no message is ready or unacknowledged: all work is done. */
  waitUntilEmpty(options?: WaitOptions): Promise<void>;

  /**
   * Declares it, as a client would. Raises a `UsageError` with RabbitMQ's words if it exists with
   * other options, or if the arguments are wrong.
   */
  declare(options?: BrokerQueueOptions): BrokerQueue;
  /** Binds it to an exchange; the routing key is empty by default. `UsageError` if it cannot be. */
  bind(exchange: string, routingKey?: string, args?: FieldTable): BrokerQueue;
  /** Throws away the messages that are ready, and says how many; 0 if there is no such queue. */
  purge(): number;
  /** Deletes it, and says how many messages were ready; its consumers are told (basic.cancel). */
  delete(): number;
}

/** The view of a queue. */
export class QueueView implements BrokerQueue {
  readonly name: string;
  readonly #vhost: VirtualHost;
  readonly #waiting: Waiting;

  constructor(name: string, vhost: VirtualHost, waiting: Waiting) {
    this.name = name;
    this.#vhost = vhost;
    this.#waiting = waiting;
  }

  get vhost(): string {
    return this.#vhost.name;
  }

  get exists(): boolean {
    return this.#queue !== undefined;
  }

  get durable(): boolean | undefined {
    return this.#queue?.settings.durable;
  }

  get exclusive(): boolean | undefined {
    const queue = this.#queue;
    return queue === undefined ? undefined : queue.settings.owner !== undefined;
  }

  get autoDelete(): boolean | undefined {
    return this.#queue?.settings.autoDelete;
  }

  get arguments(): FieldTable | undefined {
    return this.#queue?.settings.arguments;
  }

  get messageCount(): number {
    return this.#queue?.messageCount ?? 0;
  }

  get unacknowledgedCount(): number {
    return this.#queue?.unacknowledgedCount ?? 0;
  }

  get consumerCount(): number {
    return this.#queue?.consumerCount ?? 0;
  }

  get consumers(): readonly BrokerConsumer[] {
    return this.#queue?.consumers.map(consumerView) ?? [];
  }

  get messages(): readonly QueuedMessage[] {
    const entries = this.#queue?.entries() ?? [];
    return entries.map(({ message, redelivered }) => {
      const { exchange, routingKey, properties, body } = message;
      return { exchange, routingKey, properties, body, redelivered };
    });
  }

  waitForMessages(count = 1, options?: WaitOptions): Promise<readonly QueuedMessage[]> {
    return this.#wait(
      plural(count, "message"),
      () => (enough(count, this.messageCount) && this.exists ? this.messages : undefined),
      options,
    );
  }

  waitForConsumers(count = 1, options?: WaitOptions): Promise<readonly BrokerConsumer[]> {
    return this.#wait(
      plural(count, "consumer"),
      () => (enough(count, this.consumerCount) && this.exists ? this.consumers : undefined),
      options,
    );
  }

  waitUntilEmpty(options?: WaitOptions): Promise<void> {
    const empty = () =>
      this.exists && this.messageCount + this.unacknowledgedCount === 0 ? true : undefined;
    return this.#wait("no messages, ready or unacknowledged", empty, options).then(() => {});
  }

  declare(options: BrokerQueueOptions = {}): BrokerQueue {
    const { durable = false, autoDelete = false, arguments: args = {} } = options;
    const method = asSent({
      ...{ name: "queue.declare", queue: this.name, durable, autoDelete, arguments: args },
      ...{ passive: false, exclusive: false, nowait: true },
    });
    return this.#do(() =>
      this.#vhost.declareQueue(method, this.#queue?.settings.owner ?? OPERATOR),
    );
  }

  bind(exchange: string, routingKey = "", args: FieldTable = {}): BrokerQueue {
    const method = asSent({
      ...{ name: "queue.bind", queue: this.name, exchange, routingKey, arguments: args },
      nowait: true,
    });
    return this.#do(() => this.#vhost.bindQueue(method, this.#queue?.settings.owner ?? OPERATOR));
  }

  purge(): number {
    const count = this.#queue?.purge() ?? 0;
    this.#waiting.changed();
    return count;
  }

  delete(): number {
    const queue = this.#queue;
    const count = queue?.messageCount ?? 0;
    if (queue !== undefined) this.#vhost.removeQueue(queue);
    this.#waiting.changed();
    return count;
  }

  get #queue(): Queue | undefined {
    return this.#vhost.findQueue(this.name);
  }

  #wait<T>(what: string, look: Wish<T>["look"], options?: WaitOptions): Promise<T> {
    const queue = `queue '${this.name}' in vhost '${this.vhost}'`;
    return this.#waiting.wait(
      {
        what: `${queue} to have ${what}`,
        look,
        found: () => describeQueue(this.#queue, this.#vhost),
      },
      options,
    );
  }

  #do(work: () => unknown): BrokerQueue {
    done(work);
    this.#waiting.changed();
    return this;
  }
}

/** What is to be said of a queue that is not as it was expected to be. */
function describeQueue(queue: Queue | undefined, vhost: VirtualHost): string {
  if (queue === undefined) {
    const others = vhost.queues.map(({ name }) => `'${name}'`);
    const listed = others.slice(0, NAMES_SHOWN).join(", ");
    const more = others.length > NAMES_SHOWN ? ` and ${others.length - NAMES_SHOWN} more` : "";
    return `there is no such queue, ${others.length === 0 ? "nor any other" : `but ${listed}${more}`}`;
  }
  const { messageCount, unacknowledgedCount, consumerCount } = queue;
  const messages = `${plural(messageCount, "message")} ready, ${unacknowledgedCount} unacknowledged`;
  return `it has ${messages}, and ${plural(consumerCount, "consumer")}`;
}

const NAMES_SHOWN = 10;
