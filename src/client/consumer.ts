/**
 * A consumer as an async iterator. The broker sends up to `prefetch` messages ahead; they wait here
 * until the loop asks for them. A loop that is slow to ack is sent no more: that is the whole
 * backpressure, and it needs nothing of this side.
 */
import { type AmqpError, ConsumerCancelledError } from "../errors.ts";
import type { ChannelMachine } from "../protocol/channel.ts";
import type { OpenDelivery } from "../protocol/delivery-ledger.ts";
import { Fifo } from "../protocol/fifo.ts";
import {
  type ConsumeOptions,
  checkConsumeOptions,
  consumeMethod,
  DEFAULT_PREFETCH,
} from "./consume-options.ts";
import type { ConsumedDelivery } from "./delivery.ts";
import type { Driver } from "./driver.ts";
import { watchSignal } from "./signals.ts";
import { abortError, waitFor } from "./waiting.ts";

/** What a consumer needs of its channel. */
export interface ConsumerHost {
  readonly machine: ChannelMachine;
  readonly driver: Driver;
  /** How long the end of a loop waits for the broker's answer. */
  readonly closeTimeoutMs: number;
  /** From now on deliveries go to this consumer; raises where its tag is in use. */
  register(consumer: Consumer): void;
  forget(consumer: Consumer): void;
}

interface Received {
  readonly delivery: ConsumedDelivery;
  readonly open: OpenDelivery | undefined;
}

interface Waiter {
  resolve(result: IteratorResult<ConsumedDelivery, undefined>): void;
  reject(error: AmqpError): void;
}

/** How the iteration ends. */
interface Ending {
  readonly error: AmqpError | undefined;
  /** Whether what has arrived is still handed out before. */
  readonly handOut: boolean;
}

/**
 * The messages of a queue, one by one: `channel.consume()` makes it, and `for await` reads it. The
 * consumer starts with the first `next()`. It can be iterated once, by several at a time if they
 * call `next()` themselves.
 */
export class Consumer
  implements AsyncIterableIterator<ConsumedDelivery, undefined>, AsyncDisposable
{
  /** Its name on this channel, as in `ConsumedDelivery.consumerTag`. */
  readonly consumerTag: string;
  readonly #host: ConsumerHost;
  readonly #queue: string;
  readonly #options: ConsumeOptions;
  readonly #received = new Fifo<Received>();
  readonly #waiting = new Fifo<Waiter>();
  #started = false;
  /** Whether the broker may have a consumer for it. */
  #subscribed = false;
  #ending: Ending | undefined;
  #leaving: Promise<void> | undefined;
  #forgetSignal: (() => void) | undefined;

  /** @internal */
  constructor(host: ConsumerHost, queue: string, consumerTag: string, options: ConsumeOptions) {
    checkConsumeOptions(options);
    this.#host = host;
    this.#queue = queue;
    this.consumerTag = consumerTag;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the consumer, as `return()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /**
   * The next message; `done` when the consumer was ended here, by `basicCancel()` after what had
   * arrived, or its channel or connection closed by this client.
   *
   * @throws ConsumerCancelledError when the broker ended it: the queue was deleted, or moves. What
   *   had arrived before is handed out first.
   * @throws AmqpError when the channel or the connection ended otherwise, at once: what had arrived
   *   goes back to its queue. With `noAck` it is handed out first.
   * @throws AbortError when the signal fired.
   */
  next(): Promise<IteratorResult<ConsumedDelivery, undefined>> {
    if (!this.#started) this.#start();
    if (this.#handsOut) {
      const delivery = this.#takeReceived();
      if (delivery !== undefined) return Promise.resolve({ done: false, value: delivery });
    }
    if (this.#ending !== undefined) return endOf(this.#ending);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /**
   * Ends the consumer: basic.cancel is sent, and what came and was not settled goes back to its
   * queue (see `keepUnsettled`). Resolves when the broker has answered, when nothing can be
   * awaited any more, or when the connection's `closeTimeoutMs` has passed. `break` calls it, and
   * so does an error in the loop.
   */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#started = true;
    this.#end({ error: undefined, handOut: false });
    const { driver, closeTimeoutMs } = this.#host;
    try {
      await waitFor<void>(
        driver.clock,
        { timeoutMs: closeTimeoutMs },
        () => "ending a consumer",
        (resolve, reject) => this.#leave().then(resolve, reject),
        () => {},
      );
    } catch {
      // Not answered in time: what comes until it is answered still goes back.
    }
    return { done: true, value: undefined };
  }

  /** @internal A message came. */
  push(delivery: ConsumedDelivery, open: OpenDelivery | undefined): void {
    if (open !== undefined && !isFromStream(delivery)) open.holder = this;
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#received.push({ delivery, open });
    else waiter.resolve({ done: false, value: delivery });
  }

  /** @internal The broker has ended it. */
  cancelled(): void {
    this.#subscribed = false;
    this.#host.forget(this);
    const error = new ConsumerCancelledError(this.consumerTag, this.#queue);
    this.#end({ error, handOut: true });
  }

  /** @internal This client has ended it by its name: nothing more comes. */
  left(): void {
    this.#subscribed = false;
    this.#host.forget(this);
    this.#end({ error: undefined, handOut: true });
  }

  /** @internal The channel is closed, or will be; undefined where that was our wish. */
  closed(error: AmqpError | undefined): void {
    this.#subscribed = false;
    this.#end({ error, handOut: this.#options.noAck === true });
  }

  #start(): void {
    this.#started = true;
    const { machine, driver } = this.#host;
    const { signal, noAck = false, prefetch = DEFAULT_PREFETCH } = this.#options;
    if (signal?.aborted) return this.#abort(signal);
    try {
      this.#host.register(this);
    } catch (error) {
      return this.#end({ error: error as AmqpError, handOut: false });
    }
    if (signal !== undefined) this.#forgetSignal = watchSignal(signal, () => this.#abort(signal));
    this.#subscribed = true;
    const resolve = (): void => {};
    // Both at once, so that no other consumer's basic.qos gets between them.
    if (!noAck) {
      const limit = { prefetchSize: 0, prefetchCount: prefetch, global: false };
      machine.call({ method: { name: "basic.qos", ...limit }, resolve, reject: () => {} });
    }
    const method = consumeMethod(this.#queue, this.consumerTag, this.#options);
    machine.call({ method, resolve, reject: (error) => this.#refused(error) });
    driver.drive();
  }

  #refused(error: AmqpError): void {
    this.#subscribed = false;
    this.#host.forget(this);
    this.#end({ error, handOut: false });
  }

  #abort(signal: AbortSignal): void {
    const error = abortError(signal, `consuming from ${this.#queue}`);
    this.#end({ error, handOut: false });
    void this.#leave();
  }

  /** Not what could not be acked any more: that goes back, and comes again. */
  get #handsOut(): boolean {
    if (this.#ending === undefined) return true;
    const { noAck = false } = this.#options;
    const ackable = noAck || this.#host.machine.closeError === undefined;
    return this.#ending.handOut && ackable;
  }

  #takeReceived(): ConsumedDelivery | undefined {
    for (;;) {
      const received = this.#received.shift();
      if (received === undefined) return undefined;
      // One that went back meanwhile (basic.recover, a nack with `multiple`) will come again.
      const { settlement } = received.open ?? {};
      if (settlement === undefined || settlement.method === "basic.ack") return received.delivery;
    }
  }

  /** The first ending counts, but for what is handed out: after a later one that may be nothing. */
  #end(ending: Ending): void {
    this.#forgetSignal?.();
    this.#forgetSignal = undefined;
    const { error, handOut } = this.#ending ?? ending;
    this.#ending = { error, handOut: handOut && ending.handOut };
    for (let waiter = this.#waiting.shift(); waiter; waiter = this.#waiting.shift()) {
      endOf(this.#ending).then(waiter.resolve, waiter.reject);
    }
  }

  /** Ends the consumer at the broker, once, and gives back what it had sent. */
  #leave(): Promise<void> {
    this.#leaving ??= this.#cancel().then(() => this.#giveBack());
    return this.#leaving;
  }

  #cancel(): Promise<void> {
    if (!this.#subscribed) return Promise.resolve();
    const { machine, driver } = this.#host;
    const { consumerTag } = this;
    return new Promise((resolve) => {
      machine.call({
        method: { name: "basic.cancel", consumerTag, nowait: false },
        resolve: () => resolve(),
        reject: () => resolve(),
      });
      driver.drive();
    });
  }

  #giveBack(): void {
    const { machine, driver } = this.#host;
    this.#host.forget(this);
    const held = this.#options.keepUnsettled
      ? [...this.#received].flatMap(({ open }) => (open?.holder === this ? open : []))
      : [...machine.deliveries].filter(({ holder }) => holder === this);
    try {
      for (const { deliveryTag, settlement } of held) {
        if (settlement !== undefined) continue;
        machine.send({ name: "basic.nack", deliveryTag, multiple: false, requeue: true });
      }
      driver.driveOutput();
    } catch {
      // The channel is closed, or about to be: what it has not acked goes back by itself.
    }
    while (this.#received.shift() !== undefined);
  }
}

/**
 * A stream keeps its messages whatever is done with a delivery, and RabbitMQ closes the connection for
 * a basic.nack (540, rabbitmq.com/docs/streams). So what it sent is left as it is: never acked, as
 * somebody may have sent this header on to a queue where that would lose the message.
 */
function isFromStream({ properties }: ConsumedDelivery): boolean {
  return properties.headers?.["x-stream-offset"] !== undefined;
}

function endOf({ error }: Ending): Promise<IteratorReturnResult<undefined>> {
  return error === undefined
    ? Promise.resolve({ done: true, value: undefined })
    : Promise.reject(error);
}
