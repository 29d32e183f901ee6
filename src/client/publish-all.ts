/** `publishAll()`: an iterable of messages, read no faster than the publisher's window allows. */
import {
  type AmqpError,
  BatchError,
  type BatchFailure,
  MAX_BATCH_FAILURES,
  PublishError,
  type UsageError,
} from "../errors.ts";
import { callListeners } from "./listeners.ts";
import type { Confirmation } from "./publications.ts";
import type { Message, PublishOptions } from "./publish-options.ts";
import { abortError } from "./waiting.ts";

/** What `publishAll()` takes. */
export interface PublishAllOptions {
  /** Stops reading; what is under way is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Stops reading at the first message that fails; default true. */
  readonly stopOnFailure?: boolean | undefined;
  /** Told of each message how it ended, in the order in which they end. */
  readonly onSettled?: ((message: Message, result: MessageResult) => void) | undefined;
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
export async function publishAll(
  publisher: MessageSink,
  messages: Iterable<Message> | AsyncIterable<Message>,
  options: PublishAllOptions,
): Promise<{ readonly confirmed: number }> {
  const { signal } = options;
  const batch = new Batch(options);
  const onAbort = (): void => batch.stop(abortError(signal as AbortSignal, "publishing the batch"));
  const forget = publisher.onRefusing((reason) => batch.stop(reason));
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();
  await feed(publisher, messages, batch);
  forget();
  signal?.removeEventListener("abort", onAbort);
  await batch.settled();
  return batch.result();
}

/** Reads and publishes until the messages end or the batch is stopped. */
async function feed(
  publisher: MessageSink,
  messages: Iterable<Message> | AsyncIterable<Message>,
  batch: Batch,
): Promise<void> {
  let iterator: MessageIterator | undefined;
  try {
    iterator = iterate(messages);
    while (!batch.stopped) {
      if (!publisher.hasRoom) await batch.orStopped(publisher.ready({}));
      if (batch.stopped) break;
      const next = iterator.next();
      const step = next instanceof Promise ? await batch.orStopped(next) : next;
      if (step === undefined) break;
      if (step.done) return;
      batch.publish(publisher, step.value);
    }
  } catch (error) {
    batch.stop(error);
    return;
  }
  endEarly(iterator);
}

type MessageIterator = Iterator<Message> | AsyncIterator<Message>;

function iterate(messages: Iterable<Message> | AsyncIterable<Message>): MessageIterator {
  return Symbol.asyncIterator in messages
    ? messages[Symbol.asyncIterator]()
    : messages[Symbol.iterator]();
}

/** Tells the iterator to clean up. One that is stuck in `next()` may never answer. */
function endEarly(iterator: MessageIterator): void {
  new Promise((resolve) => resolve(iterator.return?.())).catch(() => {});
}

/** The books of one call. */
class Batch {
  readonly #options: PublishAllOptions;
  readonly #failures: BatchFailure<Message>[] = [];
  #confirmed = 0;
  #failed = 0;
  #underWay = 0;
  #cause: unknown;
  #tellSettled: () => void = () => {};
  #tellStopped: () => void = () => {};
  /** Whether no more messages are to be read. */
  stopped = false;

  constructor(options: PublishAllOptions) {
    this.#options = options;
  }

  stop(cause: unknown): void {
    if (this.stopped) return;
    this.stopped = true;
    this.#cause = cause;
    this.#tellStopped();
  }

  /** What the promise gives, or undefined when the batch is stopped first. */
  orStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    // Not Promise.race() with one long-lived promise: it would keep every other one alive.
    return new Promise((resolve, reject) => {
      this.#tellStopped = () => resolve(undefined);
      promise.then(resolve, reject);
      if (this.stopped) resolve(undefined);
    });
  }

  publish(publisher: MessageSink, message: Message): void {
    this.#underWay++;
    const confirmed = (confirmation: Confirmation): void => {
      this.#confirmed++;
      this.#settle(message, confirmation);
    };
    const failed = (error: AmqpError): void => {
      this.#failed++;
      if (this.#failures.length < MAX_BATCH_FAILURES) {
        const deliveryTag = error instanceof PublishError ? error.deliveryTag : 0;
        this.#failures.push({ message, deliveryTag, error });
      }
      if (this.#options.stopOnFailure !== false) this.stop(undefined);
      this.#settle(message, error as PublishError | UsageError);
    };
    try {
      const { exchange = "", routingKey, body } = message;
      publisher.submit(exchange, routingKey, body, message, confirmed, failed);
    } catch (error) {
      failed(error as AmqpError);
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
      this.#failures,
      this.#cause === undefined ? undefined : { cause: this.#cause },
    );
  }

  #settle(message: Message, result: MessageResult): void {
    const { onSettled } = this.#options;
    // The application's function must not run inside of the parser.
    if (onSettled !== undefined)
      queueMicrotask(() => callListeners(() => onSettled(message, result)));
    if (--this.#underWay === 0) this.#tellSettled();
  }
}
