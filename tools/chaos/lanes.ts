/**
 * The three ways to publish with confirms, each until no more messages are wanted or its channel is
 * closed. What the client says of the whole must be what it says of each.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  AmqpError,
  BatchError,
  type Channel,
  ChannelClosedError,
  type Connection,
  PublishError,
  type Publisher,
} from "../../src/index.ts";
import type { Account } from "./account.ts";
import type { Happenings } from "./happenings.ts";
import type { Letter } from "./letter.ts";
import type { LetterMessage, Posting, Told } from "./posting.ts";
import type { Random } from "./random.ts";

/** One channel on each connection of a workload, and what is published on it. */
export interface Lane {
  /**
   * `promises`: a promise for each publish; `batch`: `publishAll()`; `tags`: `basicPublish()` and
   * `waitForConfirms()` on a Channel.
   */
  readonly way: "promises" | "batch" | "tags";
  /** How many may be unconfirmed. */
  readonly window: number;
  /** The next message. */
  write(id: number): Letter;
}

/** What a lane is fed with on one connection. */
export interface Feed {
  readonly lane: Lane;
  readonly account: Account;
  readonly happenings: Happenings;
  readonly random: Random;
  readonly posting: Posting;
  /** No more messages are wanted. */
  isOver(): boolean;
  /** Enough was published at full speed. */
  isWalking(): boolean;
  nextLetter(): Letter;
  /** Is to be told of each publisher, for the check that nothing is left in it. */
  opened(publisher: Publisher): void;
}

/** Publishes on one channel until it is closed or no more is wanted. */
export async function publishOn(connection: Connection, feed: Feed): Promise<void> {
  if (feed.lane.way === "tags") {
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    return publishByTag(channel, feed);
  }
  const publisher = await connection.openPublisher({ maxUnconfirmed: feed.lane.window });
  feed.opened(publisher);
  return feed.lane.way === "batch" ? publishBatch(publisher, feed) : publishEach(publisher, feed);
}

/** At a walk, so many messages a step. */
const WALK = 4;
const WALK_MS = 10;
/** A BatchError keeps 1,000 failures, with 4 MiB of bodies: this many are never more than that. */
const MOST_BY_TAG = 150;
/** What is open on a connection that works is confirmed long before. */
const PATIENCE_MS = 20_000;

/** In bursts, some larger than the window, so that some wait in the client. */
async function publishEach(publisher: Publisher, feed: Feed): Promise<void> {
  const { posting, random, lane } = feed;
  const isClosed = watchClosed(publisher, feed);
  const told: Told = { confirmed: 0, failed: 0 };
  while (!feed.isOver() && !isClosed()) {
    const size = feed.isWalking() ? WALK : random.integer(1, 2 * lane.window);
    for (let i = 0; i < size; i++) {
      posting.publish(publisher, feed.nextLetter(), told).catch(rethrow);
    }
    if (feed.isWalking()) await sleep(WALK_MS);
    else if (!(await isReady(publisher))) break;
  }
  const wait = publisher.waitForConfirms({ timeoutMs: PATIENCE_MS });
  compare("waitForConfirms()", told, await resultOf(wait, feed), feed);
}

/** With publishAll(), which reads as fast as the window allows. */
async function publishBatch(publisher: Publisher, feed: Feed): Promise<void> {
  const { posting, account, happenings } = feed;
  watchClosed(publisher, feed);
  const told: Told = { confirmed: 0, failed: 0 };
  let last: Letter | undefined;
  const read = async function* (): AsyncGenerator<LetterMessage> {
    for (let i = 1; !feed.isOver(); i++) {
      last = feed.nextLetter();
      yield posting.message(last);
      if (feed.isWalking() && i % WALK === 0) await sleep(WALK_MS);
    }
  };
  const messages = read();
  const batch = publisher.publishAll(messages, {
    stopOnFailure: false,
    onSettled: (message, result) => posting.settled(message, result, told),
  });
  const result = await resultOf(batch, feed);
  compare("publishAll()", told, result, feed);
  await messages.return(undefined);
  // A batch that is stopped while it asks for the next message drops that one.
  const stopped = result instanceof BatchError && result.cause !== undefined;
  if (stopped && last !== undefined && account.withdraw(last.id)) {
    happenings.count("read and not published");
  }
}

/** A window's worth at a time, and then a wait that names those that failed by their tags. */
async function publishByTag(channel: Channel, feed: Feed): Promise<void> {
  const { posting, random, lane } = feed;
  const isClosed = watchClosed(channel, feed);
  while (!feed.isOver() && !isClosed()) {
    const open: Map<number, Letter> = new Map();
    const size = feed.isWalking() ? WALK : random.integer(1, Math.min(lane.window, MOST_BY_TAG));
    for (let i = 0; i < size && !isClosed(); i++) {
      const letter = feed.nextLetter();
      const deliveryTag = posting.publishByTag(channel, letter);
      if (deliveryTag === undefined) break;
      open.set(deliveryTag, letter);
    }
    const told: Told = { confirmed: 0, failed: 0 };
    const result = await resultOf(channel.waitForConfirms({ timeoutMs: PATIENCE_MS }), feed);
    if (result === "no answer") return;
    for (const failure of result === "all confirmed" ? [] : result.failures) {
      const letter = open.get(failure.deliveryTag);
      if (letter === undefined) {
        feed.account.violation("a BatchError names a tag that is not open", String(failure.error));
        continue;
      }
      open.delete(failure.deliveryTag);
      posting.failed(letter, failure.error, told);
      if (!(failure.error instanceof PublishError)) continue;
      if (failure.error.deliveryTag === failure.deliveryTag) continue;
      feed.account.violation(
        "a BatchError and its failure differ in the tag",
        String(failure.error),
      );
    }
    for (const letter of open.values()) posting.confirmed(letter, told);
    compare("waitForConfirms()", told, result, feed);
    if (feed.isWalking()) await sleep(WALK_MS);
  }
}

/** Enters on the books what rejects with something that is not of the library. */
export function checkKind(error: unknown, what: string, account: Account): void {
  if (error instanceof AmqpError) return;
  account.violation(`${what} rejects with what is no AmqpError`, String(error));
}

function watchClosed(channel: Channel | Publisher, feed: Feed): () => boolean {
  let closed = false;
  channel.closed
    .then((reason) => {
      closed = true;
      if (reason instanceof ChannelClosedError) feed.happenings.count("channel closed");
    })
    .catch(() => {});
  return () => closed;
}

/** How a wait for many publishes ended; `no answer` is on the books already. */
type BatchResult = BatchError | "all confirmed" | "no answer";

async function resultOf(wait: Promise<unknown>, feed: Feed): Promise<BatchResult> {
  try {
    await wait;
    return "all confirmed";
  } catch (error) {
    if (error instanceof BatchError) return error;
    feed.account.violation("a batch rejects with what is no BatchError", String(error));
    return "no answer";
  }
}

/** What a wait says of all must be what was said of each. */
function compare(what: string, told: Told, result: BatchResult, feed: Feed): void {
  if (result === "no answer") return;
  const { confirmed, failed } =
    result === "all confirmed" ? { confirmed: told.confirmed, failed: 0 } : result;
  if (confirmed === told.confirmed && failed === told.failed) return;
  feed.account.violation(
    `${what} counts otherwise than the publishes`,
    `${confirmed} confirmed and ${failed} failed, for ${told.confirmed} and ${told.failed}`,
  );
}

/** Waits for room; false when there will be none any more. */
async function isReady(publisher: Publisher): Promise<boolean> {
  try {
    await publisher.ready();
    return true;
  } catch {
    return false;
  }
}

/** Not a failed publish, which is on the books, but a mistake of this tool: ends the process. */
function rethrow(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
