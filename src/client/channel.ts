/** A channel as an application holds it: the protocol, method by method. */
import { type AmqpError, ChannelClosedError, CLOSED_BY_US, UsageError } from "../errors.ts";
import type { ChannelEvent, ChannelMachine } from "../protocol/channel.ts";
import { ConfirmTally } from "../protocol/confirm-tally.ts";
import { ChannelMethods } from "./channel-methods.ts";
import { type CloseOptions, closeChannel } from "./close-channel.ts";
import { waitForConfirms } from "./confirms.ts";
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

/**
 * One channel, in the field's own terms: a method for each method that AMQP lets a client send.
 * Every promise rejects with a `ChannelClosedError` when the broker closes the channel instead of
 * answering, with a `ConnectionClosedError` or `ConnectionLostError` when the connection ends, and
 * with a `UsageError` for arguments that cannot be encoded.
 */
export class Channel extends ChannelMethods implements AsyncDisposable {
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
  #draining = false;

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver, closeTimeoutMs: number) {
    super(machine, driver);
    this.#machine = machine;
    this.#driver = driver;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
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

  #refuseIfPaused(): void {
    if (this.#machine.flowActive) return;
    throw new UsageError("the broker has paused this channel; wait for the event flow");
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
