/**
 * One client doing one work, in a process of its own: `worker.ts '{ client, work, url, queue }'`.
 *
 *     parent -> { seconds }     this -> Sample     after so many seconds of load
 *                               this -> "ready"    once it is connected and warm
 */
import { CLIENTS, type ClientName, RAW } from "./clients.ts";
import { RawLine } from "./raw.ts";
import type { Work } from "./work.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly client: ClientName | typeof RAW;
  readonly work: Work;
  readonly url: string;
  readonly queue: string;
  readonly warmUpSeconds: number;
}

/** What came of one round. */
export interface Sample {
  readonly messages: number;
  readonly seconds: number;
  /** Of this process, in microseconds. */
  readonly cpuMicros: number;
  /** Milliseconds from publish to confirm, of some of the messages, in ascending order. */
  readonly latencies: readonly number[];
}

/** Every so many publishes one is timed. */
const TIMED_EVERY = 128;
const MOST_LATENCIES = 4096;

async function main(task: WorkerTask): Promise<void> {
  const load = await open(task);
  await load(task.warmUpSeconds);
  process.on("message", (message: { seconds: number }) => {
    measure(load, message.seconds).then((sample) => process.send?.(sample), fail);
  });
  process.send?.("ready");
}

/** Puts load on for some seconds; gives the number of messages confirmed. */
type Load = (seconds: number, latencies?: number[]) => Promise<number>;

async function open({ client, work, url, queue }: WorkerTask): Promise<Load> {
  if (client === RAW) {
    const line = await RawLine.open(url, work, queue);
    return async (seconds) => {
      const before = line.confirmed;
      await line.run(after(seconds));
      return line.confirmed - before;
    };
  }
  const lines = await CLIENTS[client](url, work, queue);
  return (seconds, latencies) => promiseLoad(lines.publish, work.window, after(seconds), latencies);
}

/** Keeps the window full: each promise that resolves makes room for the next publish. */
function promiseLoad(
  publish: readonly (() => Promise<unknown>)[],
  window: number,
  isOver: () => boolean,
  latencies: number[] | undefined,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let outstanding = 0;
    let sent = 0;
    let stopped = false;
    const confirmed = (): void => {
      outstanding--;
      fill();
    };
    const timed = (from: number): void => {
      if (latencies !== undefined && latencies.length < MOST_LATENCIES) {
        latencies.push(performance.now() - from);
      }
      confirmed();
    };
    const fill = (): void => {
      while (outstanding < window && !stopped) {
        if (isOver()) stopped = true;
        outstanding++;
        const next = publish[sent % publish.length] as () => Promise<unknown>;
        if (sent++ % TIMED_EVERY === 0) {
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
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  const from = performance.now();
  const messages = await load(seconds, latencies);
  const took = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return { messages, seconds: took / 1000, cpuMicros: user + system, latencies };
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

process.on("disconnect", () => process.exit());
main(JSON.parse(process.argv[1] ?? "") as WorkerTask).catch(fail);
