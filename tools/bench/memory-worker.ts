/**
 * One client holding many of one thing, in a process of its own, so that its memory can be looked at:
 * `memory-worker.ts '{ client, holds, count, url }'`. Each "next" from the parent is one step:
 *
 *     this -> "loaded"      at the start
 *     "next" -> Footprint   with the client loaded and one connection open
 *     "next" -> { held }    it holds what it is asked to, or as many as it could, and says why
 *     "next" -> Footprint   with all of it (the parent has waited for the broker to get everything)
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { CLIENTS, type ClientName } from "./clients.ts";
import { PLAIN } from "./work.ts";

/** What a client can hold many of. */
export type Holding = "outstanding" | "connections" | "channels";

/** What a worker is told. */
export interface MemoryTask {
  readonly client: ClientName;
  readonly holds: Holding;
  readonly count: number;
  readonly url: string;
  readonly queue: string;
}

/** The memory of a process after garbage collection, in octets. */
export interface Footprint {
  /** The JavaScript heap and what hangs on it outside: heapUsed + external. */
  readonly heap: number;
  /** What the operating system counts. */
  readonly rss: number;
}

/** How many are held; fewer than asked with the reason. */
export interface Held {
  readonly held: number;
  readonly reason?: string;
}

/** Publishes between two turns of the event loop, as a program that reads its messages would. */
const BATCH = 1000;

async function* steps(task: MemoryTask): AsyncGenerator<Footprint | Held> {
  const connect = CLIENTS[task.client];
  const line = await connect(task.url);
  yield await footprint();
  const kept: unknown[] = [line];
  const held = await hold(task, async () => {
    if (task.holds === "connections") kept.push(await connect(task.url));
    else kept.push(await line.openIdle());
  });
  yield held;
  yield await footprint();
  // Here so that nothing of it can be collected before.
  if (kept.length === 0) throw new Error("nothing was kept");

  async function hold({ holds, count, queue }: MemoryTask, open: () => Promise<void>) {
    if (holds === "outstanding") {
      const publish = await line.openPublish({ ...PLAIN, id: "", title: "", window: count }, queue);
      for (let i = 0; i < count; i++) {
        publish().catch(ignore);
        if (i % BATCH === BATCH - 1) await nextTurn();
      }
      return { held: count };
    }
    for (let i = 0; i < count; i++) {
      try {
        await open();
      } catch (error) {
        return { held: i, reason: error instanceof Error ? error.message : String(error) };
      }
    }
    return { held: count };
  }
}

/** A program handles what it publishes: all clients bear the same for it. */
function ignore(): void {}

async function footprint(): Promise<Footprint> {
  for (let i = 0; i < 4; i++) {
    await nextTurn();
    globalThis.gc?.();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

const all = steps(JSON.parse(process.argv[1] ?? "") as MemoryTask);
process.on("message", () => {
  all.next().then(({ value }) => process.send?.(value), fail);
});
process.on("disconnect", () => process.exit());
process.send?.("loaded");
