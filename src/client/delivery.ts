/** Messages that came from a queue, and what is to become of them. */
import { UsageError } from "../errors.ts";
import type { Content } from "../protocol/content-assembler.ts";
import type { OpenDelivery, Settlement } from "../protocol/delivery-ledger.ts";
import type { BasicDeliver, BasicGetOk, ClientMethod } from "../wire/generated/methods.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import type { TaggedProperties } from "../wire/tagged-properties.ts";

/** What an ack takes. */
export interface AckOptions {
  /** Also all deliveries of this channel with lower tags, of every consumer. Default false. */
  readonly multiple?: boolean | undefined;
}

/** What a reject takes. */
export interface RejectOptions {
  /**
   * Whether the message goes back to its queue; else it is dropped, or goes where the queue's dead
   * letters go. Default true.
   */
  readonly requeue?: boolean | undefined;
}

/** What a nack takes. */
export interface NackOptions extends AckOptions, RejectOptions {}

/** The channel that a delivery came on, as far as a delivery needs it. */
export interface SettlingChannel {
  /** Sends a method that has no reply; raises the reason when the channel is closed, or will be. */
  settle(method: ClientMethod): void;
}

/**
 * A message from a queue. It is the client's until it is settled, on the channel that it came on,
 * with one of `ack()`, `nack()` and `reject()`, once. When the channel ends before, it goes back
 * to its queue. Those that were asked for with `noAck` are settled from the beginning.
 *
 * All three only write to the connection's output; a broker answers none of them. They raise
 *
 * - a `UsageError` if the delivery was settled already, or needs no answer. Where a later
 *   delivery's ack with `multiple` covered this one, its own `ack()` does nothing;
 * - the reason why the channel is closed, where it is: a `ChannelClosedError`,
 *   `ConnectionClosedError` or `ConnectionLostError`. The message goes back to its queue then.
 */
export class Delivery {
  /** What `basicAck()`, `basicNack()` and `basicReject()` name it by, on this channel; from 1. */
  readonly deliveryTag: number;
  /** Whether it may have been delivered before. */
  readonly redelivered: boolean;
  /** Where it was published to; empty for the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: BasicProperties;
  /** Octets of its own: nothing else writes to them. */
  readonly body: Uint8Array;
  readonly #content: Content;
  readonly #channel: SettlingChannel;
  readonly #open: OpenDelivery | undefined;

  /** @internal */
  constructor(
    method: BasicGetOk | BasicDeliver,
    content: Content,
    channel: SettlingChannel,
    open: OpenDelivery | undefined,
  ) {
    this.deliveryTag = method.deliveryTag;
    this.redelivered = method.redelivered;
    this.exchange = method.exchange;
    this.routingKey = method.routingKey;
    this.properties = content.properties;
    this.body = content.body;
    this.#content = content;
    this.#channel = channel;
    this.#open = open;
  }

  /**
   * The properties without loss: with the type of each header, headers that came twice, texts that
   * are not UTF-8, and times that no `Date` reaches. For tools, and to pass a message on as it came:
   *
   *     await publisher.publish("", "next", delivery.body, {
   *       taggedProperties: delivery.taggedProperties,
   *     });
   *
   * They are read anew each time that they are asked for.
   */
  get taggedProperties(): TaggedProperties {
    return this.#content.taggedProperties;
  }

  /** It has been dealt with: the broker forgets it (basic.ack). */
  ack(options: AckOptions = {}): void {
    const { multiple = false } = options;
    if (this.#isCoveredByAck) return;
    this.#settle({ name: "basic.ack", deliveryTag: this.deliveryTag, multiple });
  }

  /**
   * It goes back to its queue, or with `requeue: false` away (basic.nack, RabbitMQ's own). For a
   * delivery from a stream RabbitMQ closes the connection (540): ack it, or leave it.
   */
  nack(options: NackOptions = {}): void {
    const { multiple = false, requeue = true } = options;
    this.#settle({ name: "basic.nack", deliveryTag: this.deliveryTag, multiple, requeue });
  }

  /** The same for this one delivery, as every broker has it (basic.reject); nor from a stream. */
  reject(options: RejectOptions = {}): void {
    const { requeue = true } = options;
    this.#settle({ name: "basic.reject", deliveryTag: this.deliveryTag, requeue });
  }

  /** An ack of another one has said what an ack of this one would say. */
  get #isCoveredByAck(): boolean {
    const settlement = this.#open?.settlement;
    return settlement?.method === "basic.ack" && settlement.deliveryTag !== this.deliveryTag;
  }

  #settle(method: ClientMethod): void {
    if (this.#open === undefined) {
      throw new UsageError("a delivery that was asked for with noAck is settled already");
    }
    const { settlement } = this.#open;
    if (settlement !== undefined) throw settledAlready(this.deliveryTag, settlement);
    this.#channel.settle(method);
  }
}

/** A message that `basicGet()` took. */
export class GotDelivery extends Delivery {
  /** Messages that are left in the queue. */
  readonly messageCount: number;

  /** @internal */
  constructor(
    method: BasicGetOk,
    content: Content,
    channel: SettlingChannel,
    open: OpenDelivery | undefined,
  ) {
    super(method, content, channel, open);
    this.messageCount = method.messageCount;
  }
}

/** A message that came to a consumer. */
export class ConsumedDelivery extends Delivery {
  /** The consumer that it came to. */
  readonly consumerTag: string;

  /** @internal */
  constructor(
    content: Content<BasicDeliver>,
    channel: SettlingChannel,
    open: OpenDelivery | undefined,
  ) {
    super(content.method, content, channel, open);
    this.consumerTag = content.method.consumerTag;
  }
}

function settledAlready(tag: number, { method, deliveryTag }: Settlement): UsageError {
  const another = deliveryTag === 0 ? " of all" : ` of all up to ${deliveryTag}`;
  const by = deliveryTag === tag ? method : method + another;
  const hint =
    method === "basic.nack"
      ? " (the end of a loop over consume() gives back what it was given: see keepUnsettled)"
      : "";
  return new UsageError(`delivery ${tag} was settled already, by ${by}${hint}`);
}
