/**
 * Publishing on one channel: routing, returns, and the numbers of publisher confirms (RabbitMQ's
 * page on confirms).
 *
 * A message is confirmed as soon as it is in its queues, which here is at once. The acks are not
 * sent one by one, though: all messages that came in one read of the socket are confirmed by one
 * ack with `multiple`. Returns go out when they happen, so a message is always returned before it is
 * confirmed, as the definition of class confirm demands.
 */
import type { Content } from "../../protocol/content-assembler.ts";
import type { FieldTable } from "../../wire/field-value.ts";
import { REPLY_CODE } from "../../wire/generated/constants.ts";
import type { BasicAck, BasicPublish, BasicReturn } from "../../wire/generated/methods.ts";
import { type StoredMessage, storedMessage } from "./message.ts";
import { checkProperties, routingKeysOf } from "./published-check.ts";
import { refusal, replyName } from "./refusal.ts";
import type { VirtualHost } from "./virtual-host.ts";

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

  /** Takes a message in; what it returns is to be sent back before the next ack. */
  publish(
    content: Content<BasicPublish>,
    typedHeaders: FieldTable | undefined,
  ): Returned | undefined {
    const { method, properties } = content;
    const exchange = this.#vhost.exchange(method.exchange);
    if (exchange.settings.internal) {
      const where = `'${exchange.name}' in vhost '${this.#vhost.name}'`;
      throw refusal("accessRefused", `cannot publish to internal exchange ${where}`);
    }
    checkProperties(properties, this.#user);
    const routingKeys = routingKeysOf(method.routingKey, properties.headers);
    const message = storedMessage(content, typedHeaders);
    const headers = properties.headers ?? NO_HEADERS;
    const queues = this.#vhost.route(exchange, { routingKeys, headers });
    if (this.#confirming) this.#lastTag++;
    if (method.mandatory && queues.length === 0) return returned(message, REPLY_CODE.noRoute);
    // Nobody can consume yet, so there is never a consumer that is ready at once.
    if (method.immediate) return returned(message, REPLY_CODE.noConsumers);
    for (const queue of queues) queue.add(message);
    return undefined;
  }

  /** The ack for all that was published since the last one; undefined if nothing was. */
  takeAck(): BasicAck | undefined {
    const count = this.#lastTag - this.#lastConfirmed;
    if (count === 0) return undefined;
    this.#lastConfirmed = this.#lastTag;
    return { name: "basic.ack", deliveryTag: this.#lastTag, multiple: count > 1 };
  }
}

const NO_HEADERS: FieldTable = {};

function returned(message: StoredMessage, replyCode: number): Returned {
  const { exchange, routingKey } = message;
  const replyText = replyName(replyCode);
  return { method: { name: "basic.return", replyCode, replyText, exchange, routingKey }, message };
}
