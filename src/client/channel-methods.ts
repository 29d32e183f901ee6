/**
 * The methods of a channel that ask the broker for something, one of ours for each of the
 * protocol's: the leading arguments by position, the others in one options object. This file has
 * the classes basic, tx, confirm and channel; channel-topology.ts those before.
 */
import { UsageError } from "../errors.ts";
import type { ChannelMachine } from "../protocol/channel.ts";
import { consumerTagInUse } from "../protocol/consumer-table.ts";
import type { FieldTable } from "../wire/field-value.ts";
import type { BasicConsumeOk, BasicGetOk, ClientMethod } from "../wire/generated/methods.ts";
import type { NowaitOptions } from "./channel-calls.ts";
import { TopologyMethods } from "./channel-topology.ts";
import {
  type AckOptions,
  GotDelivery,
  type NackOptions,
  type RejectOptions,
  type SettlingChannel,
} from "./delivery.ts";
import type { Driver } from "./driver.ts";
import type { WaitBounds } from "./waiting.ts";

/** What basic.qos takes. */
export interface BasicQosOptions extends WaitBounds {
  /** Deliveries that may be open, 0 to 65,535; 0 means any number. */
  readonly prefetchCount: number;
  /**
   * Octets that may be open; 0, the default, means any number. RabbitMQ has no other: it closes the
   * connection (540).
   */
  readonly prefetchSize?: number | undefined;
  /**
   * False, the default: for each consumer that comes from now on. True: for all of the channel
   * together, which quorum queues and streams refuse (540). That is RabbitMQ's reading
   * (rabbitmq.com/docs/consumer-prefetch), not the specification's.
   */
  readonly global?: boolean | undefined;
}

/** What basic.consume takes beside the name of the queue. */
export interface BasicConsumeOptions extends NowaitOptions {
  /**
   * The consumer's name on this channel, at most 255 octets. Default: the broker chooses one, or
   * with `nowait` this client.
   */
  readonly consumerTag?: string | undefined;
  /** Messages that were published on this connection stay away. RabbitMQ ignores it. */
  readonly noLocal?: boolean | undefined;
  /** Messages count as acked when they were sent. Default false. */
  readonly noAck?: boolean | undefined;
  /** Nobody else may consume from the queue; 403 where somebody does. Default false. */
  readonly exclusive?: boolean | undefined;
  /** Such as `x-priority` or `x-stream-offset`. Default none. */
  readonly arguments?: FieldTable | undefined;
}

/** What basic.get takes beside the name of the queue. */
export interface BasicGetOptions extends WaitBounds {
  /** The message counts as acked when it was sent. Default false. */
  readonly noAck?: boolean | undefined;
}

/**
 * Methods and their replies, one at a time: a method is sent when the one before was answered. Where
 * a wait is bounded and the bound was hit, the error says whether the method had been sent.
 */
export abstract class ChannelMethods extends TopologyMethods {
  readonly #machine: ChannelMachine;
  #tagsChosen = 0;
  /** Of consumers that were asked for here, and that the machine may not know yet. */
  #consumerTags: Set<string> | undefined;
  readonly #settling: SettlingChannel = { settle: (method) => this.send(method) };

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver) {
    super(machine, driver);
    this.#machine = machine;
  }

  /** @internal What the deliveries of this channel are settled through. */
  protected get settling(): SettlingChannel {
    return this.#settling;
  }

  /** @internal A consumer tag that is not in use on this channel. */
  protected chooseConsumerTag(): string {
    for (;;) {
      const tag = `consumer-${++this.#tagsChosen}`;
      if (!this.#hasConsumer(tag)) return tag;
    }
  }

  /** @internal Takes a name for a consumer; raises where another one has it. */
  protected claimConsumerTag(consumerTag: string): void {
    if (this.#hasConsumer(consumerTag)) throw consumerTagInUse(consumerTag);
    this.#consumerTags ??= new Set();
    this.#consumerTags.add(consumerTag);
  }

  /** @internal From now on it is up to the machine to know whether it is in use. */
  protected yieldConsumerTag(consumerTag: string): void {
    this.#consumerTags?.delete(consumerTag);
  }

  /** Asks for a confirm of every publish from now on; publishes are numbered from 1. */
  async confirmSelect(options: NowaitOptions = {}): Promise<void> {
    await this.callOrSend({ name: "confirm.select", nowait: options.nowait ?? false }, options);
  }

  /**
   * Makes publishes and acks of this channel count only when `txCommit()` was answered. A channel is
   * either transactional or in confirm mode (406). RabbitMQ's transactions are slow, and atomic only
   * where a single queue is concerned (rabbitmq.com/docs/semantics).
   */
  async txSelect(bounds: WaitBounds = {}): Promise<void> {
    await this.call({ name: "tx.select" }, bounds);
  }

  /**
   * Commits what was published and acked since the last commit or rollback. Until it is answered
   * `basicPublish()` raises a `UsageError`, and acks wait: RabbitMQ closes the connection for
   * methods that come in between.
   */
  async txCommit(bounds: WaitBounds = {}): Promise<void> {
    await this.call({ name: "tx.commit" }, bounds);
  }

  /**
   * Drops what was published since the last commit, and takes back the acks: the deliveries are
   * open again, for another ack. They are not delivered anew; `basicRecover()` does that.
   */
  async txRollback(bounds: WaitBounds = {}): Promise<void> {
    await this.call({ name: "tx.rollback" }, bounds);
  }

  /**
   * Asks the broker to pause (false) or resume (true) deliveries on this channel; resolves with what
   * is so now. RabbitMQ knows only true: for false it closes the connection (540). Use
   * `basicQos()` there. The broker's own channel.flow is answered by itself, and an event.
   */
  async channelFlow(
    active: boolean,
    bounds: WaitBounds = {},
  ): Promise<{ readonly active: boolean }> {
    const reply = await this.callFor("channel.flow-ok", { name: "channel.flow", active }, bounds);
    return { active: reply.active };
  }

  /** Limits how many deliveries may be open; for consumers that come later. */
  async basicQos(options: BasicQosOptions): Promise<void> {
    const { prefetchCount, prefetchSize = 0, global = false } = options;
    await this.call({ name: "basic.qos", prefetchSize, prefetchCount, global }, options);
  }

  /**
   * Starts a consumer whose messages are events `deliver`; listen before, or the first may be
   * missed. `consume()` does all of it, and is what most programs want: nothing slows these events
   * down but `basicQos()`. A consumer that is answered when its deadline has passed is cancelled.
   */
  async basicConsume(
    queue: string,
    options: BasicConsumeOptions = {},
  ): Promise<{ readonly consumerTag: string }> {
    const { noLocal = false, noAck = false, exclusive = false, nowait = false } = options;
    const consumerTag = options.consumerTag ?? (nowait ? this.chooseConsumerTag() : "");
    const method = {
      name: "basic.consume",
      queue,
      consumerTag,
      noLocal,
      noAck,
      exclusive,
      nowait,
      arguments: options.arguments ?? {},
    } as const;
    if (consumerTag !== "") this.claimConsumerTag(consumerTag);
    try {
      if (nowait) {
        await this.callOrSend(method, options);
        return { consumerTag };
      }
      const { method: reply } = await this.call(method, options, (late) => {
        if (late.method.name === "basic.consume-ok") this.#cancelLate(late.method.consumerTag);
      });
      return { consumerTag: (reply as BasicConsumeOk).consumerTag };
    } finally {
      this.yieldConsumerTag(consumerTag);
    }
  }

  /**
   * Ends a consumer. Deliveries may come until it is answered, and with `nowait` for a while after;
   * those that are open stay open. A loop over `consume()` is given what came, and ends.
   */
  async basicCancel(
    consumerTag: string,
    options: NowaitOptions = {},
  ): Promise<{ readonly consumerTag: string }> {
    const { nowait = false } = options;
    await this.callOrSend({ name: "basic.cancel", consumerTag, nowait }, options);
    return { consumerTag };
  }

  /**
   * Takes one message from a queue; undefined when it is empty. With `noAck` it is the broker's no
   * more as soon as it was sent; without, it is to be acked. One that comes when its deadline has
   * passed is given back to the queue, unless it was asked for with `noAck`: then it is lost.
   */
  async basicGet(queue: string, options: BasicGetOptions = {}): Promise<GotDelivery | undefined> {
    const { noAck = false } = options;
    const { method, content } = await this.call(
      { name: "basic.get", queue, noAck },
      options,
      (late) => {
        if (!noAck && late.method.name === "basic.get-ok") this.#giveBack(late.method.deliveryTag);
      },
    );
    if (method.name === "basic.get-empty" || content === undefined) return undefined;
    const got = content.method as BasicGetOk;
    const open = this.#machine.deliveries.get(got.deliveryTag);
    return new GotDelivery(got, content, this.#settling, open);
  }

  /**
   * Acknowledges a delivery, or with `multiple` all up to it; tag 0 with `multiple` means all there
   * are. For a tag that is not open the broker closes the channel (406); `Delivery.ack()` sees to
   * it that this does not happen.
   */
  basicAck(deliveryTag: number, options: AckOptions = {}): void {
    this.#sendTagged({ name: "basic.ack", deliveryTag, multiple: options.multiple ?? false });
  }

  /**
   * Gives a delivery back (`requeue`, the default) or up, or with `multiple` all up to it. A method
   * of RabbitMQ's (rabbitmq.com/docs/nack); other brokers have only `basicReject()`.
   */
  basicNack(deliveryTag: number, options: NackOptions = {}): void {
    const { multiple = false, requeue = true } = options;
    this.#sendTagged({ name: "basic.nack", deliveryTag, multiple, requeue });
  }

  /** Gives one delivery back (`requeue`, the default) or up. */
  basicReject(deliveryTag: number, options: RejectOptions = {}): void {
    this.#sendTagged({ name: "basic.reject", deliveryTag, requeue: options.requeue ?? true });
  }

  /**
   * Has all open deliveries of this channel delivered again, with new tags and `redelivered`, and
   * with `requeue`, the default, to anybody who consumes. RabbitMQ knows only that: without, it
   * closes the connection (540).
   */
  async basicRecover(
    options: WaitBounds & { readonly requeue?: boolean | undefined } = {},
  ): Promise<void> {
    await this.call({ name: "basic.recover", requeue: options.requeue ?? true }, options);
  }

  /**
   * The same without an answer. What is on its way meanwhile may or may not be concerned, so that
   * no ack is safe.
   *
   * @deprecated Since AMQP 0-9-1 itself (class basic, recover-async); `basicRecover()` is answered.
   */
  basicRecoverAsync(options: { readonly requeue?: boolean | undefined } = {}): void {
    this.send({ name: "basic.recover-async", requeue: options.requeue ?? true });
  }

  #hasConsumer(consumerTag: string): boolean {
    return (
      this.#consumerTags?.has(consumerTag) === true ||
      this.#machine.consumers.get(consumerTag) !== undefined
    );
  }

  /** Nobody waits for this consumer any more. */
  #cancelLate(consumerTag: string): void {
    // A channel that is closed has no consumers.
    queueMicrotask(() => this.basicCancel(consumerTag).catch(() => {}));
  }

  /** Nobody waits for this delivery any more: it goes back to its queue. */
  #giveBack(deliveryTag: number): void {
    // Not from within the machine that is handing on the reply.
    queueMicrotask(() => {
      try {
        this.basicNack(deliveryTag);
      } catch {
        // The channel is closed, or about to be: what it has not acked goes back by itself.
      }
    });
  }

  /** Checked here, because one that waits behind a transaction is encoded later. */
  #sendTagged(method: ClientMethod & { readonly deliveryTag: number }): void {
    if (!(Number.isSafeInteger(method.deliveryTag) && method.deliveryTag >= 0)) {
      throw new UsageError("a delivery tag is a whole number, 0 or more");
    }
    this.send(method);
  }
}
