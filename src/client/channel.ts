/** A channel as an application holds it: the protocol, method by method. */
import { EventEmitter } from "node:events";
import { type AmqpError, ChannelClosedError, CLOSED_BY_US, UsageError } from "../errors.ts";
import type { Reply } from "../protocol/call-queue.ts";
import type { ChannelEvent, ChannelMachine } from "../protocol/channel.ts";
import { ConfirmTally } from "../protocol/confirm-tally.ts";
import type { ReturnedMessage } from "../protocol/returned-error.ts";
import type { FieldTable } from "../wire/field-value.ts";
import type { BasicGetOk, ClientMethod, Method } from "../wire/generated/methods.ts";
import { type CloseOptions, closeChannel } from "./close-channel.ts";
import { waitForConfirms } from "./confirms.ts";
import { type Delivery, toDelivery } from "./delivery.ts";
import type { Driver } from "./driver.ts";
import { callListeners } from "./listeners.ts";
import { TalliedPublication } from "./publications.ts";
import {
  type BasicPublishOptions,
  checkBody,
  checkProperties,
  checkPublishOptions,
} from "./publish-options.ts";
import { refuseTimeout, type WaitBounds } from "./waiting.ts";

/** The events of a {@link Channel}. */
export interface ChannelEvents {
  /** The broker has the messages: one, or with `multiple` all up to this tag. */
  ack: [confirm: ConfirmEvent];
  /** The broker could not take them. */
  nack: [confirm: ConfirmEvent];
  /** A mandatory or immediate message came back. */
  return: [message: ReturnedMessage];
  /** The broker pauses (false) or resumes (true) publishes on this channel. */
  flow: [active: boolean];
  /** The last event: undefined after our own `close()`. */
  close: [reason: AmqpError | undefined];
}

/** A confirm as it came. */
export interface ConfirmEvent {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}

/** What exchange.declare takes beside name and type. */
export interface ExchangeDeclareOptions {
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
export interface QueueDeclareOptions {
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

/**
 * One channel, in the field's own terms: a method for each method that AMQP lets a client send.
 * Every promise rejects with a `ChannelClosedError` when the broker closes the channel instead of
 * answering, with a `ConnectionClosedError` or `ConnectionLostError` when the connection ends, and
 * with a `UsageError` for arguments that cannot be encoded.
 */
export class Channel extends EventEmitter<ChannelEvents> implements AsyncDisposable {
  /**
   * What it came to when it is over: resolves, never rejects; undefined after our own close, unless
   * that had to give up at its deadline.
   */
  readonly closed: Promise<AmqpError | undefined>;
  readonly #machine: ChannelMachine;
  readonly #driver: Driver;
  readonly #closeTimeoutMs: number;
  readonly #tally = new ConfirmTally();
  #resolveClosed!: (error: AmqpError | undefined) => void;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver, closeTimeoutMs: number) {
    super();
    this.#machine = machine;
    this.#driver = driver;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Asks for a confirm of every publish from now on; publishes are numbered from 1. */
  async confirmSelect(): Promise<void> {
    await this.#call({ name: "confirm.select", nowait: false });
  }

  /**
   * Publishes. The message is on its way when this returns and cannot be withdrawn; the result is
   * its delivery tag, 0 before confirm.select.
   *
   * @throws UsageError for arguments that cannot be sent, when 64 MiB of output wait already, or
   *   while the broker has paused the channel with channel.flow.
   */
  basicPublish(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: BasicPublishOptions = {},
  ): number {
    checkPublishOptions(options);
    checkBody(body);
    checkProperties(options);
    if (this.#driver.machine.pendingBytes > MAX_PENDING_BYTES) {
      throw new UsageError(
        `more than ${MAX_PENDING_BYTES} octets wait to be sent; await waitForConfirms() first, ` +
          "or use a Publisher, which queues",
      );
    }
    const publication = new TalliedPublication(
      this.#tally,
      exchange,
      routingKey,
      body,
      options,
      options,
    );
    try {
      this.#refuseIfPaused();
      this.#refuseIfClosing();
      const deliveryTag = this.#machine.publish(publication);
      this.#driver.driveOutput();
      if (deliveryTag === 0) publication.withdraw();
      return deliveryTag;
    } catch (error) {
      publication.withdraw();
      throw error;
    }
  }

  /**
   * Resolves when every publish so far has been confirmed.
   *
   * @throws BatchError when any of those since the last call was not, each with its outcome.
   * @throws UsageError before confirm.select.
   */
  waitForConfirms(options: WaitBounds = {}): Promise<void> {
    if (!this.#machine.confirming) {
      return Promise.reject(new UsageError("call confirmSelect() before waitForConfirms()"));
    }
    return waitForConfirms(this.#tally, this.#driver.clock, options);
  }

  /** Takes one message from a queue; undefined when it is empty. */
  async basicGet(
    queue: string,
    options: { readonly noAck?: boolean | undefined } = {},
  ): Promise<Delivery | undefined> {
    const { method, content } = await this.#call({
      name: "basic.get",
      queue,
      noAck: options.noAck ?? false,
    });
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
    await this.#call({
      name: "exchange.declare",
      exchange,
      type,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      autoDelete: options.autoDelete ?? false,
      internal: options.internal ?? false,
      nowait: false,
      arguments: options.arguments ?? {},
    });
  }

  /** Deletes an exchange; with `ifUnused` only when nothing is bound to it. */
  async exchangeDelete(
    exchange: string,
    options: { readonly ifUnused?: boolean | undefined } = {},
  ): Promise<void> {
    const ifUnused = options.ifUnused ?? false;
    await this.#call({ name: "exchange.delete", exchange, ifUnused, nowait: false });
  }

  /** Binds an exchange to another one: messages flow from `source` to `destination`. */
  async exchangeBind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
  ): Promise<void> {
    const binding = { destination, source, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "exchange.bind", ...binding });
  }

  /** Undoes {@link Channel.exchangeBind}; the arguments must be the same. */
  async exchangeUnbind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
  ): Promise<void> {
    const binding = { destination, source, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "exchange.unbind", ...binding });
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
    const reply = await this.#callFor("queue.declare-ok", {
      name: "queue.declare",
      queue,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      exclusive: options.exclusive ?? false,
      autoDelete: options.autoDelete ?? false,
      nowait: false,
      arguments: options.arguments ?? {},
    });
    const { messageCount, consumerCount } = reply;
    return { queue: reply.queue, messageCount, consumerCount };
  }

  /** Binds a queue to an exchange. */
  async queueBind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
  ): Promise<void> {
    const binding = { queue, exchange, routingKey, nowait: false, arguments: args };
    await this.#call({ name: "queue.bind", ...binding });
  }

  /** Undoes {@link Channel.queueBind}; the arguments must be the same. */
  async queueUnbind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
  ): Promise<void> {
    await this.#call({ name: "queue.unbind", queue, exchange, routingKey, arguments: args });
  }

  /** Drops all messages that are ready in a queue. */
  async queuePurge(queue: string): Promise<{ readonly messageCount: number }> {
    const { messageCount } = await this.#callFor("queue.purge-ok", {
      name: "queue.purge",
      queue,
      nowait: false,
    });
    return { messageCount };
  }

  /** Deletes a queue: with `ifUnused` only without consumers, with `ifEmpty` only without messages. */
  async queueDelete(
    queue: string,
    options: {
      readonly ifUnused?: boolean | undefined;
      readonly ifEmpty?: boolean | undefined;
    } = {},
  ): Promise<{ readonly messageCount: number }> {
    const { messageCount } = await this.#callFor("queue.delete-ok", {
      name: "queue.delete",
      queue,
      ifUnused: options.ifUnused ?? false,
      ifEmpty: options.ifEmpty ?? false,
      nowait: false,
    });
    return { messageCount };
  }

  /**
   * Stops accepting publishes, waits for outstanding confirms up to the deadline, then closes.
   * Resolves in any case.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const mistake = refuseTimeout(options.timeoutMs);
    if (mistake !== undefined) return Promise.reject(mistake);
    this.#closing ??= closeChannel(this.#machine, this.#driver, options, this.#closeTimeoutMs, () =>
      this.drain(),
    );
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  handle(event: ChannelEvent): void {
    switch (event.type) {
      case "ack":
      case "nack": {
        const { deliveryTag, multiple } = event;
        return callListeners(() => this.emit(event.type, { deliveryTag, multiple }));
      }
      case "return":
        return callListeners(() => this.emit("return", event.message));
      case "flow":
        return callListeners(() => this.emit("flow", event.active));
      case "closed":
        this.#resolveClosed(event.error);
        return callListeners(() => this.emit("close", event.error));
    }
  }

  /** @internal Stops accepting publishes and waits until those that were accepted have settled. */
  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => this.#tally.whenIdle(resolve));
  }

  #draining = false;

  #refuseIfPaused(): void {
    if (this.#machine.flowActive) return;
    throw new UsageError("the broker has paused this channel; wait for the event flow");
  }

  #refuseIfClosing(): void {
    if (!this.#draining || this.#machine.closeError !== undefined) return;
    throw new ChannelClosedError(CLOSED_BY_US);
  }

  #call(method: ClientMethod): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#machine.call({ method, resolve, reject });
      this.#driver.drive();
    });
  }

  /** A call with one kind of reply, which the call queue has checked. */
  async #callFor<N extends Method["name"]>(
    _reply: N,
    method: ClientMethod,
  ): Promise<Extract<Method, { name: N }>> {
    return (await this.#call(method)).method as Extract<Method, { name: N }>;
  }

  #send(method: ClientMethod): void {
    this.#machine.send(method);
    this.#driver.driveOutput();
  }
}

/**
 * `basicPublish()` cannot wait, so its bound is not the window's but one that memory can bear: a
 * broker that has blocked the connection reads nothing for minutes.
 */
const MAX_PENDING_BYTES = 67_108_864;
