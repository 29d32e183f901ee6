/**
 * The methods of a channel that ask the broker for something, one of ours for each of the
 * protocol's: the leading arguments by position, the others in one options object.
 */
import { EventEmitter } from "node:events";
import type { Reply } from "../protocol/call-queue.ts";
import type { ChannelMachine } from "../protocol/channel.ts";
import type { FieldTable } from "../wire/field-value.ts";
import type { BasicGetOk, ClientMethod, Method } from "../wire/generated/methods.ts";
import { callMethod } from "./calls.ts";
import type { ChannelEvents } from "./channel-events.ts";
import { type Delivery, toDelivery } from "./delivery.ts";
import type { Driver } from "./driver.ts";
import type { WaitBounds } from "./waiting.ts";

/** What exchange.declare takes beside name and type. */
export interface ExchangeDeclareOptions extends WaitBounds {
  /** Only asks whether it exists; 404 if not. Default false. */
  readonly passive?: boolean | undefined;
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Is deleted when nothing is bound to it any more. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Takes messages from other exchanges only. Default false. */
  readonly internal?: boolean | undefined;
  readonly arguments?: FieldTable | undefined;
}

/** What queue.declare takes beside the name. */
export interface QueueDeclareOptions extends WaitBounds {
  /** Only asks whether it exists; 404 if not. Default false. */
  readonly passive?: boolean | undefined;
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Belongs to this connection and goes with it. Default false. */
  readonly exclusive?: boolean | undefined;
  /** Is deleted when its last consumer is gone. Default false. */
  readonly autoDelete?: boolean | undefined;
  readonly arguments?: FieldTable | undefined;
}

/** What exchange.delete takes beside the name. */
export interface ExchangeDeleteOptions extends WaitBounds {
  /** Only when nothing is bound to it. Default false. */
  readonly ifUnused?: boolean | undefined;
}

/** What queue.delete takes beside the name. */
export interface QueueDeleteOptions extends WaitBounds {
  /** Only when it has no consumers. Default false. */
  readonly ifUnused?: boolean | undefined;
  /** Only when it has no messages. Default false. */
  readonly ifEmpty?: boolean | undefined;
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
export abstract class ChannelMethods extends EventEmitter<ChannelEvents> {
  readonly #machine: ChannelMachine;
  readonly #driver: Driver;

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver) {
    super();
    this.#machine = machine;
    this.#driver = driver;
  }

  /** Asks for a confirm of every publish from now on; publishes are numbered from 1. */
  async confirmSelect(bounds: WaitBounds = {}): Promise<void> {
    await this.#call({ name: "confirm.select", nowait: false }, bounds);
  }

  /**
   * Takes one message from a queue; undefined when it is empty. With `noAck` it is the broker's no
   * more as soon as it was sent; without, it is to be acked. One that comes when its deadline has
   * passed is given back to the queue, unless it was asked for with `noAck`: then it is lost.
   */
  async basicGet(queue: string, options: BasicGetOptions = {}): Promise<Delivery | undefined> {
    const { noAck = false } = options;
    const { method, content } = await this.#call(
      { name: "basic.get", queue, noAck },
      options,
      (late) => {
        if (!noAck && late.method.name === "basic.get-ok") this.#giveBack(late.method.deliveryTag);
      },
    );
    if (method.name === "basic.get-empty" || content === undefined) return undefined;
    return toDelivery(content.method as BasicGetOk, content);
  }

  /** Acknowledges a delivery, or with `multiple` all up to it. */
  basicAck(deliveryTag: number, options: { readonly multiple?: boolean | undefined } = {}): void {
    this.#send({ name: "basic.ack", deliveryTag, multiple: options.multiple ?? false });
  }

  /** Gives a delivery back (`requeue`, the default) or up, or with `multiple` all up to it. */
  basicNack(
    deliveryTag: number,
    options: {
      readonly multiple?: boolean | undefined;
      readonly requeue?: boolean | undefined;
    } = {},
  ): void {
    const { multiple = false, requeue = true } = options;
    this.#send({ name: "basic.nack", deliveryTag, multiple, requeue });
  }

  /** Declares an exchange: `direct`, `fanout`, `topic`, `headers` or a type of a plugin. */
  async exchangeDeclare(
    exchange: string,
    type: string,
    options: ExchangeDeclareOptions = {},
  ): Promise<void> {
    const method: ClientMethod = {
      name: "exchange.declare",
      exchange,
      type,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      autoDelete: options.autoDelete ?? false,
      internal: options.internal ?? false,
      nowait: false,
      arguments: options.arguments ?? {},
    };
    await this.#call(method, options);
  }

  /** Deletes an exchange; with `ifUnused` only when nothing is bound to it. */
  async exchangeDelete(exchange: string, options: ExchangeDeleteOptions = {}): Promise<void> {
    const ifUnused = options.ifUnused ?? false;
    await this.#call({ name: "exchange.delete", exchange, ifUnused, nowait: false }, options);
  }

  /**
   * Binds an exchange to another one: messages flow from `source` to `destination`.
   *
   * @param args The arguments of the binding; deadline and signal come behind them.
   */
  async exchangeBind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
    bounds: WaitBounds = {},
  ): Promise<void> {
    const binding = { destination, source, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "exchange.bind", ...binding }, bounds);
  }

  /**
   * Undoes `exchangeBind()`; the arguments must be the same.
   *
   * @param args The arguments of the binding; deadline and signal come behind them.
   */
  async exchangeUnbind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
    bounds: WaitBounds = {},
  ): Promise<void> {
    const binding = { destination, source, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "exchange.unbind", ...binding }, bounds);
  }

  /** Declares a queue; an empty name lets the broker choose one. */
  async queueDeclare(
    queue = "",
    options: QueueDeclareOptions = {},
  ): Promise<{
    readonly queue: string;
    readonly messageCount: number;
    readonly consumerCount: number;
  }> {
    const method: ClientMethod = {
      name: "queue.declare",
      queue,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      exclusive: options.exclusive ?? false,
      autoDelete: options.autoDelete ?? false,
      nowait: false,
      arguments: options.arguments ?? {},
    };
    const reply = await this.#callFor("queue.declare-ok", method, options);
    const { messageCount, consumerCount } = reply;
    return { queue: reply.queue, messageCount, consumerCount };
  }

  /**
   * Binds a queue to an exchange.
   *
   * @param args The arguments of the binding; deadline and signal come behind them.
   */
  async queueBind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
    bounds: WaitBounds = {},
  ): Promise<void> {
    const binding = { queue, exchange, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "queue.bind", ...binding }, bounds);
  }

  /**
   * Undoes `queueBind()`; the arguments must be the same.
   *
   * @param args The arguments of the binding; deadline and signal come behind them.
   */
  async queueUnbind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
    bounds: WaitBounds = {},
  ): Promise<void> {
    const binding = { queue, exchange, routingKey, arguments: args };
    await this.#call({ name: "queue.unbind", ...binding }, bounds);
  }

  /** Drops all messages that are ready in a queue. */
  async queuePurge(
    queue: string,
    bounds: WaitBounds = {},
  ): Promise<{ readonly messageCount: number }> {
    const method: ClientMethod = { name: "queue.purge", queue, nowait: false };
    const { messageCount } = await this.#callFor("queue.purge-ok", method, bounds);
    return { messageCount };
  }

  /** Deletes a queue: with `ifUnused` only without consumers, with `ifEmpty` only without messages. */
  async queueDelete(
    queue: string,
    options: QueueDeleteOptions = {},
  ): Promise<{ readonly messageCount: number }> {
    const { ifUnused = false, ifEmpty = false } = options;
    const method: ClientMethod = { name: "queue.delete", queue, ifUnused, ifEmpty, nowait: false };
    const { messageCount } = await this.#callFor("queue.delete-ok", method, options);
    return { messageCount };
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

  #call(method: ClientMethod, bounds: WaitBounds, late?: (reply: Reply) => void): Promise<Reply> {
    return callMethod(this.#machine, this.#driver, method, bounds, late);
  }

  /** A call with one kind of reply, which the call queue has checked. */
  async #callFor<N extends Method["name"]>(
    _reply: N,
    method: ClientMethod,
    bounds: WaitBounds,
  ): Promise<Extract<Method, { name: N }>> {
    return (await this.#call(method, bounds)).method as Extract<Method, { name: N }>;
  }

  #send(method: ClientMethod): void {
    this.#machine.send(method);
    this.#driver.driveOutput();
  }
}
