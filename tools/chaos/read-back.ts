/** Queues, exchanges and reading back, by another client (amqplib): the one under test has no say. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Channel, connect } from "amqplib";
import type { Account } from "./account.ts";
import { idOf } from "./letter.ts";

/** Does something on a channel of its own, on a connection of its own. */
export async function withChannel<T>(
  url: string,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const connection = await connect(url);
  // What fails rejects the call that it concerns; without a listener it would end the process.
  connection.on("error", () => {});
  try {
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    return await work(channel);
  } finally {
    await connection.close().catch(() => {});
  }
}

/** Takes everything out of these queues and enters it in the account. */
export async function readBack(
  url: string,
  queues: readonly string[],
  account: Account,
): Promise<void> {
  await Promise.all(
    queues.map((queue) => withChannel(url, (channel) => drain(channel, queue, account))),
  );
}

/** Takes what is in a queue at the moment; gives the number of messages. */
export async function takeAll(channel: Channel, queue: string, account: Account): Promise<number> {
  for (let taken = 0; ; taken++) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) return taken;
    account.found(queue, idOf(message.properties.messageId), message.content);
  }
}

/** Until it stays empty: what a dead connection had sent may still be on its way in the broker. */
async function drain(channel: Channel, queue: string, account: Account): Promise<void> {
  for (let last = false; ; last = true) {
    const taken = await takeAll(channel, queue, account);
    if (taken === 0 && last) return;
    await sleep(QUIET_MS);
  }
}

/** How long a queue must have been empty for its messages to be complete. */
const QUIET_MS = 150;
