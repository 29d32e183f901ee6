/** What clients need of memory for what they hold: each in a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { type NullBroker, startHolder, startNullBroker } from "./children.ts";
import type { ClientName } from "./clients.ts";
import type { Target } from "./measure.ts";
import type { Footprint, Held, Holding } from "./memory-worker.ts";

/** What is held, and how many of it. */
export interface MemoryWork {
  readonly holds: Holding;
  readonly title: string;
  readonly count: number;
  /** At most so many times what the leanest peer needs. */
  readonly promised: number;
}

/** What all clients are asked to hold. */
export const MEMORY_WORKS: readonly MemoryWork[] = [
  {
    holds: "outstanding",
    title: "unconfirmed messages of 16 B on one channel",
    count: 1_000_000,
    promised: 1,
  },
  { holds: "connections", title: "idle connections", count: 1000, promised: 1 },
  {
    holds: "channels",
    title: "channels in confirm mode on one connection",
    count: 2000,
    promised: 1,
  },
];

/** How much more memory a client needed with all that it held than without. */
export interface MemoryResult {
  readonly client: ClientName;
  /** How many it held: all, unless a reason says why not. */
  readonly held: number;
  /** Octets on the JavaScript heap and outside of it; for all. */
  readonly heap: number;
  /** Octets that the operating system counts; for all. */
  readonly rss: number;
  readonly reason: string | undefined;
}

/** One thing to hold with what all made of it. */
export interface MemoryMeasured {
  readonly work: MemoryWork;
  readonly results: readonly MemoryResult[];
}

/** A real broker confirms what it gets, so nothing stays unconfirmed there. */
export function canHold({ holds }: MemoryWork, target: Target): boolean {
  return target.url === undefined || holds !== "outstanding";
}

/** Measures one work, client after client. */
export async function measureMemory(
  work: MemoryWork,
  clients: readonly ClientName[],
  target: Target,
): Promise<MemoryMeasured> {
  const results: MemoryResult[] = [];
  for (const client of clients) results.push(await measureClient(work, client, target));
  return { work, results };
}

/** As RabbitMQ proposes: what a client keeps for its heartbeats belongs to a connection. */
const HEARTBEAT_SECONDS = 60;

async function measureClient(
  work: MemoryWork,
  client: ClientName,
  target: Target,
): Promise<MemoryResult> {
  const { holds, count } = work;
  const broker =
    target.url === undefined
      ? await startNullBroker({
          acks: "coalesced",
          ackEvery: 1,
          withhold: true,
          heartbeatSeconds: HEARTBEAT_SECONDS,
        })
      : undefined;
  const url = target.url ?? (broker as NullBroker).url;
  const holder = await startHolder({ client, holds, count, url, queue: target.queue });
  try {
    const before = await holder.next<Footprint>();
    const { held, reason } = await holder.next<Held>();
    if (holds === "outstanding") await arrived(broker as NullBroker, held);
    const after = await holder.next<Footprint>();
    const heap = after.heap - before.heap;
    return { client, held, reason, heap, rss: after.rss - before.rss };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { client, held: 0, heap: Number.NaN, rss: Number.NaN, reason };
  } finally {
    await holder.stop();
    await broker?.stop();
  }
}

/** Resolves when the broker has all messages, so that none waits in the client to be written. */
async function arrived(broker: NullBroker, count: number): Promise<void> {
  let before = 0;
  let since = performance.now();
  for (;;) {
    const { messages } = await broker.usage();
    if (messages >= count) return;
    const now = performance.now();
    if (messages > before) since = now;
    if (now - since > STALL_MS) throw new Error(`only ${messages} of ${count} messages were sent`);
    before = messages;
    await sleep(POLL_MS);
  }
}

const POLL_MS = 50;
/** A client that sends nothing for so long is not going to. */
const STALL_MS = 30_000;
