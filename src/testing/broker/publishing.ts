/**
 * Publishing on one channel: routing, returns, and the numbers of publisher confirms (RabbitMQ's
 * page on confirms).
 *
 * A message is confirmed as soon as it is in its queues, which here is at once. The acks are not
 * sent one by one, though: all messages that came in one read of the socket are confirmed by one
 * ack with `multiple`, unless a queue refused one of them. Returns go out when they happen, so a
 * message is always returned before it is confirmed, as the definition of class confirm demands.
 */
import type { Content } from "../../protocol/content-assembler.ts";
import type { FieldTable } from "../../wire/field-value.ts";
import { REPLY_CODE } from "../../wire/generated/constants.ts";
import type {
  BasicAck,
  BasicNack,
  BasicPublish,
  BasicReturn,
} from "../../wire/generated/methods.ts";
import { type StoredMessage, storedMessage } from "./message.ts";
import { checkProperties, routingKeysOf } from "./published-check.ts";
import type { Queue } from "./queue.ts";
import { refusal, replyName } from "./refusal.ts";
import type { VirtualHost } from "./virtual-host.ts";

/** A message with the queues that it goes to. */
export interface Routed {
  readonly method: BasicPublish;
  readonly message: StoredMessage;
  readonly queues: readonly Queue[];
}

/** A message that goes back to its publisher. */
export interface Returned {
  readonly method: BasicReturn;
  readonly message: StoredMessage;
}

/** The publishing side of a channel. */
export class Publishing {
  readonly #vhost: VirtualHost;
  readonly #user: string;
  #confirming = false;
  #lastTag = 0;
  #lastConfirmed = 0;
  /** What queues refused and is not told yet. */
  #rejected: number[] = [];

  constructor(vhost: VirtualHost, user: string) {
    this.#vhost = vhost;
    this.#user = user;
  }

  /** Whether confirm.select was received. */
  get confirming(): boolean {
    return this.#confirming;
  }

  /** Numbers publishes from here on; asked again, the numbers go on. */
  select(): void {
    this.#confirming = true;
  }

  /** Looks at a message and finds out where it goes. */
  route(content: Content<BasicPublish>, typedHeaders: FieldTable | undefined): Routed {
    const { method, properties } = content;
    const exchange = this.#vhost.exchange(method.exchange);
    if (exchange.settings.internal) {
      const where = `'${exchange.name}' in vhost '${this.#vhost.name}'`;
      throw refusal("accessRefused", `cannot publish to internal exchange ${where}`);
    }
    checkProperties(properties, this.#user);
    const routingKeys = routingKeysOf(method.routingKey, properties.headers);
    const message = storedMessage(content, typedHeaders, routingKeys);
    const headers = properties.headers ?? NO_HEADERS;
    const queues = this.#vhost.route(exchange, { routingKeys, headers });
    return { method, message, queues };
  }

  /** Takes a message in; what it returns is to be sent back before the next ack. */
  store({ method, message, queues }: Routed): Returned | undefined {
    if (this.#confirming) this.#lastTag++;
    if (method.mandatory && queues.length === 0) return returned(message, REPLY_CODE.noRoute);
    if (method.immediate) return storeAtOnce(message, queues);
    let taken = true;
    for (const queue of queues) taken = queue.add(message) && taken;
    if (!taken && this.#confirming) this.#rejected.push(this.#lastTag);
    return undefined;
  }

  /** What tells of all that was published since the last time. */
  takeConfirms(): readonly (BasicAck | BasicNack)[] {
    const confirms: (BasicAck | BasicNack)[] = [];
    for (const deliveryTag of this.#rejected) {
      this.#ackUpTo(deliveryTag - 1, confirms);
      // Everything before is settled, so `multiple` says nothing; both bits are as RabbitMQ has them.
      confirms.push({ name: "basic.nack", deliveryTag, multiple: true, requeue: true });
      this.#lastConfirmed = deliveryTag;
    }
    if (this.#rejected.length > 0) this.#rejected = [];
    this.#ackUpTo(this.#lastTag, confirms);
    return confirms;
  }

  #ackUpTo(deliveryTag: number, confirms: (BasicAck | BasicNack)[]): void {
    const count = deliveryTag - this.#lastConfirmed;
    if (count === 0) return;
    this.#lastConfirmed = deliveryTag;
    confirms.push({ name: "basic.ack", deliveryTag, multiple: count > 1 });
  }
}

const NO_HEADERS: FieldTable = {};

/** To consumers that are ready, and nowhere else (specification section 1.8.3.3, "immediate"). */
function storeAtOnce(message: StoredMessage, queues: readonly Queue[]): Returned | undefined {
  const ready = queues.filter((queue) => queue.deliversAtOnce);
  for (const queue of ready) queue.add(message);
  return ready.length === 0 ? returned(message, REPLY_CODE.noConsumers) : undefined;
}

function returned(message: StoredMessage, replyCode: number): Returned {
  const { exchange, routingKey } = message;
  const replyText = replyName(replyCode);
  return { method: { name: "basic.return", replyCode, replyText, exchange, routingKey }, message };
}
