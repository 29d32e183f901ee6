/** `publishAll()`: an iterable of messages, read no faster than the publisher's window allows. */
import {
  AmqpError,
  BatchError,
  type BatchFailure,
  MAX_BATCH_FAILURES,
  PublishError,
  UsageError,
} from "../errors.ts";
import { describe } from "../wire/writer.ts";
import { callListeners } from "./listeners.ts";
import type { Confirmation } from "./publications.ts";
import type { Message, PublishOptions } from "./publish-options.ts";
import { watchSignal } from "./signals.ts";
import { abortError } from "./waiting.ts";

/** What `publishAll()` takes. */
export interface PublishAllOptions<M extends Message = Message> {
  /** Stops reading; what is under way is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Stops reading at the first message that fails; default true. */
  readonly stopOnFailure?: boolean | undefined;
  /**
   * Told of each message how it ended, in the order in which they end. A message that an
   * asynchronous iterable was about to give when the batch was stopped is told `unsent` when it
   * comes, which may be later than the `BatchError`.
   */
  readonly onSettled?: ((message: M, result: MessageResult) => void) | undefined;
}

/** How one message of a batch ended. */
export type MessageResult = Confirmation | PublishError | UsageError;

/** What it needs of a publisher. */
interface MessageSink {
  readonly hasRoom: boolean;
  /** Calls back when no more publishes are accepted; the result undoes it. */
  onRefusing(tell: (reason: AmqpError) => void): () => void;
  ready(options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  submit(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions,
    resolve: (confirmation: Confirmation) => void,
    reject: (error: AmqpError) => void,
  ): void;
}

/** Publishes all messages; rejects with a `BatchError` when any was not confirmed. */
export async function publishAll<M extends Message>(
  publisher: MessageSink,
  messages: Iterable<M> | AsyncIterable<M>,
  options: PublishAllOptions<M>,
): Promise<{ readonly confirmed: number }> {
  const { signal } = options;
  checkIterable(messages);
  const batch = new Batch(options);
  const forget = publisher.onRefusing((reason) => batch.stop(reason));
  const abort = (from: AbortSignal): void => batch.stop(abortError(from, "publishing the batch"));
  if (signal?.aborted) abort(signal);
  const forgetSignal = signal === undefined ? undefined : watchSignal(signal, () => abort(signal));
  await feed(publisher, messages, batch);
  forget();
  forgetSignal?.();
  await batch.settled();
  return batch.result();
}

function checkIterable(messages: unknown): void {
  const iterable =
    typeof messages === "object" &&
    messages !== null &&
    (Symbol.asyncIterator in messages || Symbol.iterator in messages);
  if (!iterable) {
    throw new UsageError(`the messages must be an iterable, not ${describe(messages)}`);
  }
}

/** Reads and publishes until the messages end or the batch is stopped. */
async function feed<M extends Message>(
  publisher: MessageSink,
  messages: Iterable<M> | AsyncIterable<M>,
  batch: Batch<M>,
): Promise<void> {
  let iterator: MessageIterator<M> | undefined;
  try {
    iterator = iterate(messages);
    while (!batch.stopped) {
      // Others who waited for the same room may have taken it.
      while (!publisher.hasRoom && !batch.stopped) {
        const { signal } = batch.end;
        await publisher.ready({ signal }).catch((error) => batch.stop(error));
      }
      if (batch.stopped) break;
      const next = iterator.next();
      const step = isPromise(next) ? await batch.orStopped(next) : next;
      if (step === STOPPED) {
        batch.expectLate(next);
        break;
      }
      checkStep(step);
      if (step.done) return;
      batch.publish(publisher, step.value);
    }
  } catch (error) {
    batch.stop(error);
    return;
  }
  endEarly(iterator);
}

type MessageStep<M> = IteratorResult<M> | Promise<IteratorResult<M>>;

type MessageIterator<M> = Iterator<M> | AsyncIterator<M>;

function iterate<M>(messages: Iterable<M> | AsyncIterable<M>): MessageIterator<M> {
  return Symbol.asyncIterator in messages
    ? messages[Symbol.asyncIterator]()
    : messages[Symbol.iterator]();
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as Partial<PromiseLike<T>> | undefined)?.then === "function";
}

/** The batch was stopped before the iterator answered. */
const STOPPED: unique symbol = Symbol("stopped");

function checkStep(step: unknown): void {
  if (typeof step === "object" && step !== null) return;
  throw new UsageError(`the iterator's next() must give an object, not ${describe(step)}`);
}

/** Tells the iterator to clean up. One that is stuck in `next()` may never answer. */
function endEarly(iterator: MessageIterator<unknown>): void {
  new Promise((resolve) => resolve(iterator.return?.())).catch(() => {});
}

/** No object at all, or one whose members cannot be read. */
function noMessage(cause: unknown): UsageError {
  return new UsageError("the iterable gave what is no message", { cause });
}

function checkMessage(message: unknown): void {
  if (typeof message === "object" && message !== null) return;
  throw new UsageError(`a message must be an object, not ${describe(message)}`);
}

/** The books of one call. */
class Batch<M extends Message> {
  readonly #options: PublishAllOptions<M>;
  readonly #failures: BatchFailure<M>[] = [];
  #confirmed = 0;
  #failed = 0;
  #underWay = 0;
  #cause: unknown;
  #tellSettled: () => void = () => {};
  #tellStopped: () => void = () => {};
  /** Whether no more messages are to be read. */
  stopped = false;
  /** Fires when it is stopped. */
  readonly end: AbortController = new AbortController();

  constructor(options: PublishAllOptions<M>) {
    this.#options = options;
  }

  stop(cause: unknown): void {
    if (this.stopped) return;
    this.stopped = true;
    this.#cause = cause;
    this.end.abort();
    this.#tellStopped();
  }

  /** What was being read when the batch was stopped: if it comes, it is told that it was not sent. */
  expectLate(next: MessageStep<M>): void {
    const tell = (step: IteratorResult<M>): void => {
      if (!step.done) this.#refuse(step.value);
    };
    // What comes may be no step at all; nobody is there any more to be told that.
    Promise.resolve(next)
      .then(tell)
      .catch(() => {});
  }

  /** What the promise gives, or `STOPPED` when the batch is stopped first. */
  orStopped<T>(promise: PromiseLike<T>): Promise<T | typeof STOPPED> {
    // Not Promise.race() with one long-lived promise: it would keep every other one alive.
    return new Promise((resolve, reject) => {
      this.#tellStopped = () => resolve(STOPPED);
      promise.then(resolve, reject);
      if (this.stopped) resolve(STOPPED);
    });
  }

  publish(publisher: MessageSink, message: M): void {
    this.#underWay++;
    const confirmed = (confirmation: Confirmation): void => {
      this.#confirmed++;
      this.#settle(message, confirmation);
    };
    const failed = (error: AmqpError): void => this.#fail(message, error);
    try {
      checkMessage(message);
      const { exchange = "", routingKey, body } = message;
      publisher.submit(exchange, routingKey, body, message, confirmed, failed);
    } catch (error) {
      failed(error instanceof AmqpError ? error : noMessage(error));
    }
  }

  /** Resolves when nothing is under way any more. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#tellSettled = resolve;
    });
  }

  result(): { readonly confirmed: number } {
    if (this.#failed === 0 && this.#cause === undefined) return { confirmed: this.#confirmed };
    throw new BatchError(
      this.#confirmed,
      this.#failed,
      [...this.#failures],
      this.#cause === undefined ? undefined : { cause: this.#cause },
    );
  }

  #fail(message: M, error: AmqpError): void {
    this.#failed++;
    if (this.#failures.length < MAX_BATCH_FAILURES) {
      const deliveryTag = error instanceof PublishError ? error.deliveryTag : 0;
      this.#failures.push({ message, deliveryTag, error });
    }
    if (this.#options.stopOnFailure !== false) this.stop(undefined);
    this.#settle(message, error as PublishError | UsageError);
  }

  #refuse(message: M): void {
    this.#underWay++;
    try {
      checkMessage(message);
      const { exchange = "", routingKey } = message;
      const why = this.#cause instanceof Error ? `: ${this.#cause.message}` : "";
      const text = `a message was not sent, because it came when the batch had been stopped${why}`;
      const details = { deliveryTag: 0, exchange, routingKey, cause: this.#cause };
      this.#fail(message, new PublishError(text, { outcome: "unsent", ...details }));
    } catch (error) {
      this.#fail(message, error instanceof AmqpError ? error : noMessage(error));
    }
  }

  #settle(message: M, result: MessageResult): void {
    const { onSettled } = this.#options;
    // The application's function must not run inside of the parser.
    if (onSettled !== undefined)
      queueMicrotask(() => callListeners(() => onSettled(message, result)));
    if (--this.#underWay === 0) this.#tellSettled();
  }
}
