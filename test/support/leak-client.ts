/**
 * The measuring of a process for leaks. It imports nothing of ours but types: the process is given
 * the client, compiled, and prints what it saw as JSON.
 */
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection, ConnectOptions } from "../../src/index.ts";

/** What is there at one moment, after garbage collections. */
export interface Snapshot {
  /** What `process.getActiveResourcesInfo()` names, sorted. */
  readonly resources: readonly string[];
  /** Timers that were set and neither fired nor were cleared. */
  readonly timers: number;
  /** Listeners on the process, on the signal that all share, and on the connection that is open. */
  readonly listeners: readonly [process: number, signal: number, connection: number];
  /** Connections, channels and publishers that are not collected, but for the one that is open. */
  readonly alive: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

/** What the process prints. */
export interface LeakReport {
  readonly before: Snapshot;
  /** With a connection open, before and after the work. */
  readonly opened: Snapshot;
  readonly worked: Snapshot;
  readonly after: Snapshot;
  /** How the operations of the work ended, and how often. */
  readonly endings: Readonly<Record<string, number>>;
}

/** What the ways to work are given. */
export interface Tools {
  /** Given to everything that takes one, in all of the process; it never fires. */
  readonly signal: AbortSignal;
  connect(options?: ConnectOptions): Promise<Connection>;
  /** Counts something until it is collected. */
  watch<T extends object>(it: T): T;
  /** Notes how something ended; never rejects. */
  end(promise: Promise<unknown>): Promise<void>;
}

/** Does its work so many times, on the connection that is open or others. */
export type Work = (connection: Connection, count: number, tools: Tools) => Promise<void>;

/** Works and measures: a tenth of it first, so that everything has been made that stays. */
export async function measure(
  connect: (url: string, options: ConnectOptions) => Promise<Connection>,
  url: string,
  work: Work,
  count: number,
): Promise<LeakReport> {
  const endings: Record<string, number> = {};
  const { signal } = new AbortController();
  const looker = new Looker(signal);
  const tools: Tools = {
    signal,
    watch: (it) => looker.watch(it),
    connect: async (options) => looker.watch(await connect(url, { signal, ...options })),
    end: async (promise) => {
      const ending = await promise.then(() => "resolved", nameOf);
      endings[ending] = (endings[ending] ?? 0) + 1;
    },
  };
  const workOnce = async (times: number): Promise<Pick<LeakReport, "opened" | "worked">> => {
    const connection = await tools.connect();
    const opened = await looker.look(connection);
    await work(connection, times, tools);
    const worked = await looker.look(connection);
    await connection.close({ timeoutMs: 10, signal });
    return { opened, worked };
  };
  await workOnce(Math.ceil(count / 10));
  for (const ending of Object.keys(endings)) delete endings[ending];
  const before = await looker.look();
  const during = await workOnce(count);
  return { before, ...during, after: await looker.look(), endings };
}

/** Takes snapshots. */
class Looker {
  readonly #signal: AbortSignal;
  readonly #timers = countTimers();
  #alive = 0;
  readonly #registry = new FinalizationRegistry(() => this.#alive--);

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  watch<T extends object>(it: T): T {
    this.#alive++;
    this.#registry.register(it, undefined);
    return it;
  }

  async look(connection?: Connection): Promise<Snapshot> {
    for (let round = 0; round < 6; round++) {
      // In a task of its own, where nothing of ours is on the stack.
      await global.gc?.({ execution: "async", type: "major" });
      await sleep(5);
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return {
      resources: process.getActiveResourcesInfo().sort(),
      timers: this.#timers.size,
      listeners: [
        countListeners(process),
        getEventListeners(this.#signal, "abort").length,
        connection === undefined ? 0 : countListeners(connection),
      ],
      alive: connection === undefined ? this.#alive : this.#alive - 1,
      heapUsed,
      arrayBuffers,
    };
  }
}

/** Longer than any of this takes. */
export const HOUR = 3_600_000;

/** Does something so many times, some of them at once. */
export async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const AT_ONCE = 40;

function nameOf(error: unknown): string {
  const { name, outcome } = error as Error & { readonly outcome?: string };
  return outcome ?? name;
}

function countListeners(emitter: NodeJS.EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

function countTimers(): ReadonlySet<unknown> {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Set<unknown>();
  const set = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      callback(...args);
    }, ms);
    timers.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(set, setTimeout) as typeof globalThis.setTimeout;
  globalThis.clearTimeout = ((timer: NodeJS.Timeout | undefined) => {
    timers.delete(timer);
    clearTimeout(timer);
  }) as typeof globalThis.clearTimeout;
  return timers;
}
