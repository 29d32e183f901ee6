/** A channel as an application holds it: the protocol, method by method. */
import { type AmqpError, ChannelClosedError, CLOSED_BY_US, UsageError } from "../errors.ts";
import type { ChannelEvent, ChannelMachine } from "../protocol/channel.ts";
import { ConfirmTally } from "../protocol/confirm-tally.ts";
import type { OpenDelivery } from "../protocol/delivery-ledger.ts";
import { type PublishRoute, routeOf } from "../protocol/publish-route.ts";
import { NO_PROPERTIES } from "../wire/properties.ts";
import type { NowaitOptions } from "./channel-calls.ts";
import { ChannelMethods } from "./channel-methods.ts";
import { type CloseOptions, closeChannel } from "./close-channel.ts";
import { waitForConfirms } from "./confirms.ts";
import type { ConsumeOptions } from "./consume-options.ts";
import { Consumer } from "./consumer.ts";
import { ConsumedDelivery } from "./delivery.ts";
import type { Driver } from "./driver.ts";
import { Ending } from "./ending.ts";
import { callListeners } from "./listeners.ts";
import { TalliedPublication } from "./publications.ts";
import {
  type BasicPublishOptions,
  checkBody,
  checkProperties,
  checkPublishOptions,
  propertiesToSend,
} from "./publish-options.ts";
import { refuseTimeout, type WaitBounds } from "./waiting.ts";

/**
 * One channel, in the field's own terms: a method for each method that AMQP lets a client send.
 * Every promise rejects with a `ChannelClosedError` when the broker closes the channel instead of
 * answering, with a `ConnectionClosedError` or `ConnectionLostError` when the connection ends, and
 * with a `UsageError` for arguments that cannot be encoded.
 */
export class Channel extends ChannelMethods implements AsyncDisposable {
  readonly #machine: ChannelMachine;
  readonly #driver: Driver;
  readonly #closeTimeoutMs: number;
  readonly #tally = new ConfirmTally();
  /** Those of `consume()`, by their tags. */
  readonly #consumers: Map<string, Consumer> = new Map();
  readonly #ending = new Ending();
  #route: PublishRoute | undefined;
  #closing: Promise<void> | undefined;
  #draining = false;

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver, closeTimeoutMs: number) {
    super(machine, driver);
    this.#machine = machine;
    this.#driver = driver;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  /**
   * What it came to when it is over: resolves, never rejects; undefined after our own close, unless
   * that had to give up at its deadline.
   */
  get closed(): Promise<AmqpError | undefined> {
    return this.#ending.promise;
  }

  /**
   * Publishes. The message is on its way when this returns and cannot be withdrawn; the result is
   * its delivery tag, 0 before confirm.select.
   *
   * @throws UsageError for arguments that cannot be sent, when 64 MiB of output wait already, while
   *   the broker has paused the channel with channel.flow, or while a transaction ends.
   */
  basicPublish(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: BasicPublishOptions = {},
  ): number {
    checkPublishOptions(options);
    checkBody(body);
    const properties = propertiesToSend(NO_PROPERTIES, options);
    checkProperties(properties);
    if (this.#driver.machine.pendingBytes > MAX_PENDING_BYTES) {
      throw new UsageError(
        `more than ${MAX_PENDING_BYTES} octets wait to be sent; await waitForConfirms() first, ` +
          "or use a Publisher, which queues",
      );
    }
    this.#route = routeOf(this.#route, exchange, routingKey, options, properties);
    const publication = new TalliedPublication(this.#tally, this.#route, body, properties);
    try {
      this.#refuseWhile();
      this.#refuseIfClosing();
      const deliveryTag = this.#machine.publish(publication);
      publication.keepCopies();
      this.#driver.driveOutput();
      if (deliveryTag === 0) publication.withdraw();
      return deliveryTag;
    } catch (error) {
      publication.withdraw();
      throw error;
    }
  }

  /**
   * Consumes from a queue: `for await (const delivery of channel.consume("q")) { …; delivery.ack(); }`.
   * Nothing is sent before the loop asks for its first message: then basic.qos with `prefetch`, for
   * this consumer alone, and basic.consume. Any number of consumers may share a channel.
   *
   * The loop ends
   *
   * - by `break` or an error in its body: basic.cancel is sent, and what it did not settle goes back
   *   to the queue (see `keepUnsettled`);
   * - by `basicCancel(consumer.consumerTag)`, after what had arrived: for who stops it from outside;
   * - with a `ConsumerCancelledError` when the broker ends the consumer, because the queue was
   *   deleted for example, after what had arrived by then;
   * - with the reason when the channel or the connection is lost, and with an `AbortError` when the
   *   signal fires;
   * - quietly when this client closes the channel or the connection. What it was given and did not
   *   ack by then goes back; `break` first where the last one is to be acked.
   *
   * On a transactional channel (`txSelect()`) acks, and what goes back, count with `txCommit()`.
   *
   * @throws UsageError at once for a `prefetch`, a `priority` or a name that cannot be; the loop raises
   *   one for what cannot be encoded, such as a name of more than 255 octets.
   */
  consume(queue: string, options: ConsumeOptions = {}): Consumer {
    const host = {
      machine: this.#machine,
      driver: this.#driver,
      closeTimeoutMs: this.#closeTimeoutMs,
      register: (consumer: Consumer): void => {
        this.claimConsumerTag(consumer.consumerTag);
        this.#consumers.set(consumer.consumerTag, consumer);
      },
      forget: (consumer: Consumer): void => {
        const { consumerTag } = consumer;
        if (this.#consumers.get(consumerTag) !== consumer) return;
        this.#consumers.delete(consumerTag);
        this.yieldConsumerTag(consumerTag);
      },
    };
    return new Consumer(host, queue, options.consumerTag ?? this.chooseConsumerTag(), options);
  }

  /** @inheritdoc */
  override async basicCancel(
    consumerTag: string,
    options: NowaitOptions = {},
  ): Promise<{ readonly consumerTag: string }> {
    const { nowait = false } = options;
    if (!(nowait && this.#consumers.has(consumerTag))) {
      return super.basicCancel(consumerTag, options);
    }
    // The loop of `consume()` would wait for a message that never comes: it is told by the answer.
    super.basicCancel(consumerTag, { ...options, nowait: false }).catch(() => {});
    return { consumerTag };
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
    return waitForConfirms(this.#tally, this.#driver.patientClock, options);
  }

  /**
   * Stops accepting publishes, waits for outstanding confirms up to the deadline, then closes.
   * Resolves in any case.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const mistake = refuseTimeout(options.timeoutMs);
    if (mistake !== undefined) return Promise.reject(mistake);
    for (const consumer of this.#consumers.values()) consumer.closed(undefined);
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
      case "deliver":
        return this.#deliver(new ConsumedDelivery(event.content, this.settling, event.open), event);
      case "cancel": {
        const { consumerTag } = event;
        this.#consumers.get(consumerTag)?.cancelled();
        return callListeners(() => this.emit("cancel", { consumerTag }));
      }
      case "left":
        return this.#consumers.get(event.consumerTag)?.left();
      case "closed":
        for (const consumer of this.#consumers.values()) consumer.closed(event.error);
        this.#consumers.clear();
        this.#ending.settle(event.error);
        return callListeners(() => this.emit("close", event.error));
    }
  }

  /** @internal Stops accepting publishes and waits until those that were accepted have settled. */
  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((resolve) => this.#tally.whenIdle(resolve));
  }

  #deliver(
    delivery: ConsumedDelivery,
    { open }: { readonly open: OpenDelivery | undefined },
  ): void {
    const consumer = this.#consumers.get(delivery.consumerTag);
    if (consumer !== undefined) consumer.push(delivery, open);
    else callListeners(() => this.emit("deliver", delivery));
  }

  #refuseWhile(): void {
    if (!this.#machine.flowActive) {
      throw new UsageError("the broker has paused this channel; wait for the event flow");
    }
    if (this.#machine.endsTransaction) {
      throw new UsageError("a transaction is about to end; await txCommit() or txRollback() first");
    }
  }

  #refuseIfClosing(): void {
    if (!this.#draining || this.#machine.closeError !== undefined) return;
    throw new ChannelClosedError(CLOSED_BY_US);
  }
}

/**
 * `basicPublish()` cannot wait, so its bound is not the window's but one that memory can bear: a
 * broker that has blocked the connection reads nothing for minutes.
 */
const MAX_PENDING_BYTES = 67_108_864;
