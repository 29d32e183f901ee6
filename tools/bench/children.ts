/** The processes of a benchmark: one that confirms, and one for each client. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { NullBrokerOptions } from "./null-broker.ts";
import type { Sample, WorkerTask } from "./worker.ts";

/** A null broker in a process of its own. */
export interface NullBroker {
  readonly url: string;
  /** Microseconds of CPU that it has used. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a null broker on a port of loopback that is free. */
export async function startNullBroker(options: NullBrokerOptions): Promise<NullBroker> {
  const child = start("null-broker.ts", options);
  const { port } = await answer<{ port: number }>(child);
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    cpuMicros: async () => {
      child.send("cpu");
      return (await answer<{ cpuMicros: number }>(child)).cpuMicros;
    },
    stop: () => stop(child),
  };
}

/** A client that is connected and warm. */
export interface Worker {
  measure(seconds: number): Promise<Sample>;
  stop(): Promise<void>;
}

/** Starts a client and waits until it is warm. */
export async function startWorker(task: WorkerTask): Promise<Worker> {
  const child = start("worker.ts", task);
  await answer(child);
  return {
    measure: (seconds) => {
      child.send({ seconds });
      return answer<Sample>(child);
    },
    stop: () => stop(child),
  };
}

/** Runs something to its end and gives the one thing that it says. */
export async function ask<T>(script: string, task: unknown): Promise<T> {
  const child = start(script, task);
  try {
    return await answer<T>(child);
  } finally {
    await stop(child);
  }
}

function start(script: string, task: unknown): ChildProcess {
  const entry = `require("./tools/bench/${script}")`;
  const flags = ["--expose-gc", "--no-warnings", "-r", "ts-node/register"];
  return spawn(process.execPath, [...flags, "-e", entry, "--", JSON.stringify(task)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const gone = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.slice(-2).join(" ")} ended with ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, "message", { signal: ended.signal }), gone]);
    return message as T;
  } finally {
    gone.catch(() => {});
    ended.abort();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
