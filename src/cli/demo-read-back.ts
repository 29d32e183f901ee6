/**
 * Takes every message out of the queue and compares them with the books. Counting them would not do:
 * one that is missing and one that is there twice make the right number.
 */
import type { Connection } from "../index.ts";
import type { WayBooks } from "./demo-ways.ts";

/** What the comparison found. */
export interface ReadBack {
  /** Confirmed, and not in the queue. */
  readonly missing: number;
  /** In the queue once more than once. */
  readonly double: number;
  /** In the queue, and never published by this run. */
  readonly strange: number;
}

/** Empties the queue; `onMessage` is called for each message, for a progress line. */
export async function readBack(
  connection: Connection,
  queue: string,
  all: readonly WayBooks[],
  signal: AbortSignal,
  onMessage: () => void,
): Promise<ReadBack> {
  const shelves = new Map(all.map((books) => [books.name, new Uint8Array(books.count)]));
  let double = 0;
  let strange = 0;
  const take = (text: string): void => {
    const space = text.lastIndexOf(" ");
    const shelf = shelves.get(text.slice(0, space));
    const number = Number(text.slice(space + 1));
    const before = shelf?.[number];
    if (shelf === undefined || before === undefined) strange++;
    else if (before === 0) shelf[number] = 1;
    else double++;
    onMessage();
  };
  const workers = Array.from({ length: CHANNELS }, () => drain(connection, queue, signal, take));
  await Promise.all(workers);
  const missing = all.reduce((sum, books) => {
    const shelf = shelves.get(books.name);
    let lost = 0;
    for (let n = 0; n < books.count; n++) if (books.wasConfirmed(n) && shelf?.[n] !== 1) lost++;
    return sum + lost;
  }, 0);
  return { missing, double, strange };
}

/** basic.get asks for one message and waits for it, so several channels ask side by side. */
const CHANNELS = 16;

async function drain(
  connection: Connection,
  queue: string,
  signal: AbortSignal,
  take: (text: string) => void,
): Promise<void> {
  const channel = await connection.openChannel();
  while (!signal.aborted) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) break;
    take(Buffer.from(delivery.body).toString());
  }
  await channel.close();
}
