/**
 * The publisher: a channel in confirm mode where every publish is a promise that settles once, with
 * the truth.
 */
import {
  type AbortError,
  type AmqpError,
  ChannelClosedError,
  CLOSED_BY_US,
  UsageError,
  withoutStackTrace,
} from "../errors.ts";
import type { ChannelEvent, ChannelMachine } from "../protocol/channel.ts";
import { ConfirmTally } from "../protocol/confirm-tally.ts";
import { publishError } from "../protocol/publication.ts";
import { PublishDeadline } from "../protocol/publish-deadline.ts";
import { type PublishRoute, routeOf } from "../protocol/publish-route.ts";
import type { PublishWindow, WindowLimits } from "../protocol/publish-window.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { type CloseOptions, closeChannel } from "./close-channel.ts";
import { waitForConfirms } from "./confirms.ts";
import { fixDefaults } from "./default-properties.ts";
import type { Driver } from "./driver.ts";
import { Ending } from "./ending.ts";
import { AbortablePublication, type Confirmation, ToldPublication } from "./publications.ts";
import { type PublishAllOptions, publishAll } from "./publish-all.ts";
import {
  checkBody,
  checkProperties,
  checkPublishOptions,
  type Message,
  type PublishOptions,
  propertiesToSend,
} from "./publish-options.ts";
import { watchSignal } from "./signals.ts";
import { abortError, refuseTimeout, type WaitBounds, waitFor } from "./waiting.ts";

/** What `openPublisher()` takes. */
export interface PublisherOptions {
  /** Publishes that may be sent and not confirmed; default 4,096. */
  readonly maxUnconfirmed?: number | undefined;
  /** Publishes that may wait for that window; default 1,000,000. */
  readonly maxQueued?: number | undefined;
  /** Octets of the bodies that may wait; default 256 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * Properties of every publish, as they are now; its own win, and headers are merged key by key.
   */
  readonly properties?: BasicProperties | undefined;
  /** Milliseconds until a publish rejects without its confirm; default none. */
  readonly timeoutMs?: number | undefined;
  /** Aborts the opening. */
  readonly signal?: AbortSignal | undefined;
}

/** What a publisher is made from. */
export interface PublisherPlan {
  readonly limits: WindowLimits;
  /** Properties of every publish, which nobody changes. */
  readonly defaults: BasicProperties;
  readonly timeoutMs: number | undefined;
}

/** Raises a `UsageError` for options that cannot be right, before a channel is opened. */
export function planPublisher(options: PublisherOptions): PublisherPlan {
  const limits = limitsOf(options);
  checkCount(limits.maxUnconfirmed, "maxUnconfirmed", 1);
  checkCount(limits.maxQueued, "maxQueued", 0);
  checkCount(limits.maxQueuedBytes, "maxQueuedBytes", 0);
  const { timeoutMs } = options;
  checkTimeout(timeoutMs);
  return { limits, defaults: fixDefaults(options.properties), timeoutMs };
}

/** The same object for all that have the defaults. */
function limitsOf({ maxUnconfirmed, maxQueued, maxQueuedBytes }: PublisherOptions): WindowLimits {
  if ((maxUnconfirmed ?? maxQueued ?? maxQueuedBytes) === undefined) return DEFAULT_LIMITS;
  return {
    maxUnconfirmed: maxUnconfirmed ?? DEFAULT_LIMITS.maxUnconfirmed,
    maxQueued: maxQueued ?? DEFAULT_LIMITS.maxQueued,
    maxQueuedBytes: maxQueuedBytes ?? DEFAULT_LIMITS.maxQueuedBytes,
  };
}

const DEFAULT_LIMITS: WindowLimits = {
  // Several times what a broker on the same network confirms in one round trip.
  maxUnconfirmed: 4096,
  // So that `Promise.all` over a hundred thousand publishes works without a thought.
  maxQueued: 1_000_000,
  maxQueuedBytes: 268_435_456,
};

/** Publishes with confirms; `connection.openPublisher()` makes one. */
export class Publisher implements AsyncDisposable {
  readonly #channel: ChannelMachine;
  readonly #window: PublishWindow;
  readonly #driver: Driver;
  readonly #closeTimeoutMs: number;
  readonly #defaults: BasicProperties;
  readonly #timeoutMs: number | undefined;
  readonly #tally = new ConfirmTally();
  readonly #ending = new Ending();
  #route: PublishRoute | undefined;
  #closing: Promise<void> | undefined;
  #refusal: AmqpError | undefined;
  #refusalWatchers: Set<(reason: AmqpError) => void> | undefined;

  /** @internal */
  constructor(
    channel: ChannelMachine,
    window: PublishWindow,
    driver: Driver,
    closeTimeoutMs: number,
    plan: PublisherPlan,
  ) {
    this.#channel = channel;
    this.#window = window;
    this.#driver = driver;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#defaults = plan.defaults;
    channel.fixedProperties = plan.defaults;
    this.#timeoutMs = plan.timeoutMs;
  }

  /**
   * What it came to when it is over: resolves, never rejects; undefined after our own close, unless
   * that had to give up at its deadline.
   */
  get closed(): Promise<AmqpError | undefined> {
    return this.#ending.promise;
  }

  /** Publishes that were sent and whose confirm has not come. */
  get unconfirmed(): number {
    return this.#channel.ledger.open;
  }

  /** Publishes that wait for the window. */
  get queued(): number {
    return this.#window.queued;
  }

  /**
   * Publishes a message. The promise settles exactly once: it resolves when the broker has confirmed
   * it, and, if it is mandatory or immediate, has not returned it.
   *
   * @param exchange The empty name is the default exchange, which routes to the queue that is named
   *   by the routing key.
   * @param body Text is sent as UTF-8. It belongs to the client until the promise settles.
   * @throws PublishError with the `outcome`; `ReturnedError` where it came back.
   * @throws UsageError for arguments that cannot be sent; nothing was written then.
   */
  publish(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<Confirmation> {
    return new Promise((resolve, reject) => {
      this.submit(exchange, routingKey, body, options, resolve, reject);
    });
  }

  /** Publishes to a queue by its name, through the default exchange. */
  sendToQueue(
    queue: string,
    body: Uint8Array | string,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<Confirmation> {
    return this.publish("", queue, body, options);
  }

  /**
   * Publishes all messages of an iterable, which is read no faster than the window allows, and
   * resolves when each is confirmed.
   *
   * @throws BatchError when any was not, with each that failed; what was under way has settled then.
   */
  publishAll<M extends Message>(
    messages: Iterable<M> | AsyncIterable<M>,
    options: PublishAllOptions<M> = {},
  ): Promise<{ readonly confirmed: number }> {
    return publishAll(this, messages, options);
  }

  /**
   * Resolves when everything published so far has settled.
   *
   * @throws BatchError when any of it failed since the last call.
   */
  waitForConfirms(options: WaitBounds = {}): Promise<void> {
    return waitForConfirms(this.#tally, this.#driver.patientClock, options);
  }

  /**
   * Resolves when a publish would go straight out: window, queue and socket all have room. Several
   * who wait are told at once, and the first who publishes may take the room.
   *
   * @throws AmqpError when no more publishes are accepted, also if `close()` is called meanwhile.
   */
  ready(options: WaitBounds = {}): Promise<void> {
    const refusal = this.#refusal ?? refuseTimeout(options.timeoutMs);
    if (refusal !== undefined) return Promise.reject(refusal);
    const waiter = { resolve: () => {}, reject: (_error: AmqpError) => {} };
    return waitFor<void>(
      this.#driver.patientClock,
      options,
      () => "waiting for room to publish",
      (resolve, reject) => {
        waiter.resolve = resolve;
        waiter.reject = reject;
        this.#window.whenRoom(waiter);
      },
      () => this.#window.forgetWaiter(waiter),
    );
  }

  /**
   * Stops accepting, waits for outstanding confirms up to the deadline, then closes the channel.
   * Resolves in any case: what became of each message is in its own promise.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const mistake = refuseTimeout(options.timeoutMs);
    if (mistake !== undefined) return Promise.reject(mistake);
    this.#closing ??= closeChannel(this.#channel, this.#driver, options, this.#closeTimeoutMs, () =>
      this.drain(),
    );
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal Whether a publish would go straight out. */
  get hasRoom(): boolean {
    return this.#window.hasRoom;
  }

  /** @internal Publishes, and tells by calls instead of a promise. */
  submit(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions,
    resolve: (confirmation: Confirmation) => void,
    reject: (error: AmqpError) => void,
  ): void {
    checkPublishOptions(options);
    const properties = propertiesToSend(this.#defaults, options);
    checkBody(body);
    checkProperties(properties);
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const { signal } = options;
    const Kind = signal === undefined ? ToldPublication : AbortablePublication;
    this.#route = routeOf(this.#route, exchange, routingKey, options, properties);
    const publication = new Kind(this.#tally, this.#route, body, properties, resolve, reject);
    const refusal = this.#refusal ?? refuseAborted(signal);
    try {
      if (refusal !== undefined) {
        this.#window.check(publication);
        publication.fail(publishError(publication, "unsent", refusal));
        return;
      }
      this.#window.submit(publication);
    } catch (error) {
      publication.withdraw();
      throw error;
    }
    this.#driver.driveOutput();
    if (publication.told) return;
    if (timeoutMs !== undefined) this.#setDeadline(publication, timeoutMs);
    if (signal !== undefined) this.#watch(publication as AbortablePublication, signal);
  }

  /** @internal */
  async selectConfirms(signal: AbortSignal | undefined): Promise<void> {
    await waitFor(
      this.#driver.clock,
      { signal },
      () => "opening a publisher",
      (resolve, reject) => {
        this.#channel.call({
          method: { name: "confirm.select", nowait: false },
          resolve,
          reject,
        });
        this.#driver.drive();
      },
      (error) => {
        this.#channel.abandon(error);
        this.#driver.drive();
      },
    );
  }

  /** @internal */
  handle(event: ChannelEvent): void {
    if (event.type !== "closed") return;
    this.#refuse(this.#channel.closeError as AmqpError);
    this.#ending.settle(event.error);
  }

  /** @internal Stops accepting and waits until everything accepted has settled. */
  drain(): Promise<void> {
    this.#refuse(new ChannelClosedError(CLOSED_BY_US));
    return new Promise((resolve) => this.#tally.whenIdle(resolve));
  }

  /** @internal Calls back when no more publishes are accepted; the result undoes it. */
  onRefusing(tell: (reason: AmqpError) => void): () => void {
    if (this.#refusal !== undefined) tell(this.#refusal);
    this.#refusalWatchers ??= new Set();
    this.#refusalWatchers.add(tell);
    return () => this.#refusalWatchers?.delete(tell);
  }

  #refuse(reason: AmqpError): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = reason;
    this.#window.rejectWaiters(reason);
    for (const tell of this.#refusalWatchers ?? []) tell(reason);
  }

  #setDeadline(publication: ToldPublication, timeoutMs: number): void {
    this.#driver.setDeadline(new PublishDeadline(publication, this.#window, timeoutMs), timeoutMs);
  }

  #watch(publication: AbortablePublication, signal: AbortSignal): void {
    publication.forgetSignal = watchSignal(signal, () => {
      this.#window.release(publication, abortedPublish(signal));
      this.#driver.drive();
    });
  }
}

const NO_OPTIONS: PublishOptions = {};

function refuseAborted(signal: AbortSignal | undefined): AbortError | undefined {
  return signal?.aborted ? abortedPublish(signal) : undefined;
}

/** One error for all publishes that share a signal: it may be a million. */
function abortedPublish(signal: AbortSignal): AbortError {
  let error = ABORTED.get(signal);
  if (error === undefined) {
    error = withoutStackTrace(() => abortError(signal, "the publish"));
    ABORTED.set(signal, error);
  }
  return error;
}

const ABORTED: WeakMap<AbortSignal, AbortError> = new WeakMap();

function checkCount(value: number, name: string, least: number): void {
  if (!(Number.isInteger(value) && value >= least)) {
    throw new UsageError(`${name} must be a whole number of at least ${least}`);
  }
}

function checkTimeout(timeoutMs: number | undefined): void {
  const mistake = refuseTimeout(timeoutMs);
  if (mistake !== undefined) throw mistake;
}
