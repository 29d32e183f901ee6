/**
 * The three ways of publishing with confirms that every tutorial on the subject teaches
 * (rabbitmq.com/tutorials/tutorial-seven-java). They differ in how long they wait for the broker:
 *
 *     one by one      publish, wait, publish, wait ...        a round trip for every message
 *     in batches      publish 100, wait, publish 100 ...      a round trip for every hundred
 *     asynchronously  publish ... and hear of confirms        no waiting, but books to keep
 */
import { BatchError, PublishError } from "../errors.ts";
import type { ConfirmEvent, Connection, PublishOptions } from "../index.ts";

/** What a way is given. */
export interface WayTask {
  readonly connection: Connection;
  readonly queue: string;
  /** What to publish, and where to write down what became of it. */
  readonly books: WayBooks;
  /** False when it is time to stop. */
  mayGoOn(): boolean;
}

/** One of the ways. */
export interface Way {
  readonly name: string;
  /** How many messages it publishes unless told otherwise. */
  readonly count: number;
  publish(task: WayTask): Promise<void>;
}

/** What became of the messages of one way, which are numbered from 0. */
export class WayBooks {
  readonly name: string;
  readonly count: number;
  published = 0;
  confirmed = 0;
  returned = 0;
  nacked = 0;
  /** How long it took. */
  ms = 0;
  readonly #isConfirmed: Uint8Array;

  constructor(name: string, count: number) {
    this.name = name;
    this.count = count;
    this.#isConfirmed = new Uint8Array(count);
  }

  /** Every message says which one it is. */
  body(number: number): string {
    return `${this.name} ${number}`;
  }

  wasConfirmed(number: number): boolean {
    return this.#isConfirmed[number] === 1;
  }

  confirm(number: number): void {
    this.#isConfirmed[number] = 1;
    this.confirmed++;
  }

  /** Writes down a failure that can happen to a message; raises what can only happen to a demo. */
  fail(error: unknown): void {
    const outcome = error instanceof PublishError ? error.outcome : undefined;
    if (outcome === "returned") this.returned++;
    else if (outcome === "nacked") this.nacked++;
    else throw error;
  }
}

/** Safe, simple, and slow: the next message waits for the last one's round trip. */
async function publishOneByOne({ connection, queue, books, mayGoOn }: WayTask): Promise<void> {
  const publisher = await connection.openPublisher();
  for (let number = 0; number < books.count && mayGoOn(); number++) {
    books.published++;
    try {
      await publisher.publish("", queue, books.body(number), OPTIONS);
      books.confirm(number);
    } catch (error) {
      books.fail(error);
    }
  }
  await publisher.close();
}

/** One wait for a hundred messages. */
async function publishInBatches({ connection, queue, books, mayGoOn }: WayTask): Promise<void> {
  const publisher = await connection.openPublisher();
  for (let first = 0; first < books.count && mayGoOn(); first += BATCH_SIZE) {
    const length = Math.min(BATCH_SIZE, books.count - first);
    const batch = Array.from({ length }, (_, i) => {
      return { routingKey: queue, body: books.body(first + i), ...OPTIONS };
    });
    books.published += length;
    const failed = new Set<unknown>();
    try {
      await publisher.publishAll(batch, { stopOnFailure: false });
    } catch (error) {
      if (!(error instanceof BatchError) || error.cause !== undefined) throw error;
      for (const failure of error.failures) {
        books.fail(failure.error);
        failed.add(failure.message);
      }
    }
    batch.forEach((message, i) => {
      if (!failed.has(message)) books.confirm(first + i);
    });
  }
  await publisher.close();
}

/**
 * The protocol itself: a publish gets a delivery tag, and one event may confirm many of them. A
 * message that came back is confirmed as well, after its `return`.
 */
async function publishAsynchronously(task: WayTask): Promise<void> {
  const { connection, queue, books, mayGoOn } = task;
  const channel = await connection.openChannel();
  await channel.confirmSelect();

  const outstanding = new Map<number, number>(); // delivery tag -> number of the message
  const returned = new Set<string>();
  let wake = (): void => {};
  const settle = (deliveryTag: number, acked: boolean): void => {
    const number = outstanding.get(deliveryTag);
    if (number === undefined || !outstanding.delete(deliveryTag)) return;
    if (returned.delete(books.body(number))) books.returned++;
    else if (acked) books.confirm(number);
    else books.nacked++;
  };
  const onConfirm = ({ deliveryTag, multiple }: ConfirmEvent, acked: boolean): void => {
    if (!multiple) settle(deliveryTag, acked);
    for (const tag of multiple ? outstanding.keys() : []) {
      if (tag > deliveryTag) break; // a Map keeps the order in which tags were added
      settle(tag, acked);
    }
    wake();
  };
  channel.on("return", ({ body }) => returned.add(Buffer.from(body).toString()));
  channel.on("ack", (event) => onConfirm(event, true));
  channel.on("nack", (event) => onConfirm(event, false));

  let closed: Error | undefined;
  channel.on("close", (error) => {
    closed = error;
    wake();
  });
  const untilOutstanding = async (limit: number): Promise<void> => {
    while (outstanding.size > limit) {
      if (closed !== undefined) throw closed;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  for (let number = 0; number < books.count && mayGoOn(); number++) {
    const deliveryTag = channel.basicPublish("", queue, books.body(number), OPTIONS);
    outstanding.set(deliveryTag, number);
    books.published++;
    await untilOutstanding(MAX_OUTSTANDING);
  }
  await untilOutstanding(0);
  await channel.close();
}

/** The three ways, the slowest first. */
export const WAYS: readonly Way[] = [
  { name: "one by one", count: 2000, publish: publishOneByOne },
  { name: "batches of 100", count: 10_000, publish: publishInBatches },
  { name: "asynchronous", count: 50_000, publish: publishAsynchronously },
];

const BATCH_SIZE = 100;

/** Enough to keep a broker busy; without a limit, memory would be it. */
const MAX_OUTSTANDING = 4096;

/** Persistent, and to be told about if there is no queue to take it. */
const OPTIONS: PublishOptions = { deliveryMode: 2, mandatory: true };
