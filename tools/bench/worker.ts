/**
 * One client doing one work, in a process of its own: `worker.ts '{ client, work, url, queue }'`.
 *
 *     this -> "loaded"       at the start
 *     parent -> { seconds }  this -> Sample  after so many seconds of load; the first also connects
 */
import { CLIENTS, type Contestant, RAW } from "./clients.ts";
import { type Latency, latencyOf } from "./statistics.ts";
import type { Work } from "./work.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly client: Contestant;
  readonly work: Work;
  readonly url: string;
  readonly queue: string;
}

/** What came of one round. */
export interface Sample {
  readonly messages: number;
  readonly seconds: number;
  /** Of this process, in microseconds. */
  readonly cpuMicros: number;
  /** From publish to confirm, of some of the messages. */
  readonly latency: Latency | undefined;
}

/** Puts load on for some seconds; gives the number of messages confirmed. */
type Load = (seconds: number, milliseconds: number[]) => Promise<number>;

async function open({ client, work, url, queue }: WorkerTask): Promise<Load> {
  if (client === RAW) {
    const { RawLine } = await import("./raw.ts");
    const line = await RawLine.open(url, work, queue);
    return async (seconds, milliseconds) => {
      const before = line.confirmed;
      await line.run(after(seconds), milliseconds);
      return line.confirmed - before;
    };
  }
  const publish: (() => Promise<unknown>)[] = [];
  for (let i = 0; i < work.connections; i++) {
    const line = await CLIENTS[client](url);
    for (let j = 0; j < work.channels; j++) publish.push(await line.openPublish(work, queue));
  }
  return (seconds, milliseconds) => promiseLoad(publish, work.window, after(seconds), milliseconds);
}

/** One in so many publishes is timed; with few of them under way there is time for each. */
function timedEvery(window: number): number {
  return Math.min(window, 128);
}

/** Keeps the window full: each promise that resolves makes room for the next publish. */
function promiseLoad(
  publish: readonly (() => Promise<unknown>)[],
  window: number,
  isOver: () => boolean,
  milliseconds: number[],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const every = timedEvery(window);
    let outstanding = 0;
    let sent = 0;
    let stopped = false;
    const confirmed = (): void => {
      outstanding--;
      fill();
    };
    const timed = (from: number): void => {
      milliseconds.push(performance.now() - from);
      confirmed();
    };
    const fill = (): void => {
      while (outstanding < window && !stopped) {
        if (isOver()) stopped = true;
        outstanding++;
        const next = publish[sent % publish.length] as () => Promise<unknown>;
        if (sent++ % every === 0) {
          const from = performance.now();
          next().then(() => timed(from), reject);
        } else {
          next().then(confirmed, reject);
        }
      }
      if (stopped && outstanding === 0) resolve(sent);
    };
    fill();
  });
}

/** Whether so many seconds have passed, which a timer finds out: asking the clock each time costs. */
function after(seconds: number): () => boolean {
  let over = false;
  setTimeout(() => {
    over = true;
  }, 1000 * seconds);
  return () => over;
}

async function measure(load: Load, seconds: number): Promise<Sample> {
  const milliseconds: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  const messages = await load(seconds, milliseconds);
  const took = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  return {
    messages,
    seconds: took / 1000,
    cpuMicros: user + system,
    latency: latencyOf(milliseconds),
  };
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

const task = JSON.parse(process.argv[1] ?? "") as WorkerTask;
let load: Promise<Load> | undefined;
process.on("message", ({ seconds }: { seconds: number }) => {
  load ??= open(task);
  load
    .then((loaded) => measure(loaded, seconds))
    .then((sample) => process.send?.(sample))
    .catch(fail);
});
process.on("disconnect", () => process.exit());
process.send?.("loaded");
