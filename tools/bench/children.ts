/** The processes of a benchmark: one that confirms, and one for each client. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { MemoryTask } from "./memory-worker.ts";
import type { BrokerUsage } from "./null-broker.ts";
import type { NullBrokerOptions } from "./null-server.ts";
import type { Sample, WorkerTask } from "./worker.ts";

/** A null broker in a process of its own. */
export interface NullBroker {
  readonly url: string;
  usage(): Promise<BrokerUsage>;
  stop(): Promise<void>;
}

/** Starts a null broker on a port of loopback that is free. */
export async function startNullBroker(options: NullBrokerOptions): Promise<NullBroker> {
  const child = new Child("null-broker.ts", options);
  const { port } = await child.answer<{ port: number }>(START_MS);
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    usage: () => child.ask<BrokerUsage>("usage", START_MS),
    stop: () => child.stop(),
  };
}

/** Starts the embedded broker in a process of its own. */
export async function startEmbeddedBroker(): Promise<Pick<NullBroker, "url" | "stop">> {
  const child = new Child("embedded-broker.ts", {});
  const { url } = await child.answer<{ url: string }>(START_MS);
  return { url, stop: () => child.stop() };
}

/** A client in a process of its own. */
export interface Worker {
  /** Puts load on for so long; the first time it also connects. */
  measure(seconds: number): Promise<Sample>;
  stop(): Promise<void>;
}

/** Starts a client; it connects when it is measured for the first time. */
export async function startWorker(task: WorkerTask): Promise<Worker> {
  const child = new Child("worker.ts", task);
  await child.answer(START_MS);
  return {
    measure: (seconds) => child.ask<Sample>({ seconds }, LOAD_MS + 1000 * seconds),
    stop: () => child.stop(),
  };
}

/** A client in a process of its own that holds something, so that its memory can be looked at. */
export interface Holder {
  /** Asks for the next thing that memory-worker.ts does. */
  next<T>(): Promise<T>;
  stop(): Promise<void>;
}

/** Starts a client that holds what the task says, step by step. */
export async function startHolder(task: MemoryTask): Promise<Holder> {
  const child = new Child("memory-worker.ts", task);
  await child.answer(START_MS);
  return {
    next: <T>() => child.ask<T>("next", LOAD_MS),
    stop: () => child.stop(),
  };
}

/** No process takes so long to start, nor a load so much longer than it was asked to. */
const START_MS = 60_000;
const LOAD_MS = 120_000;

class Child {
  readonly #script: string;
  readonly #process: ChildProcess;

  constructor(script: string, task: unknown) {
    const entry = `require("./tools/bench/${script}")`;
    const flags = ["--expose-gc", "--no-warnings", HEAP, "-r", "ts-node/register"];
    this.#script = script;
    this.#process = spawn(process.execPath, [...flags, "-e", entry, "--", JSON.stringify(task)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }

  /** Sends a message and gives the one that comes next. */
  ask<T>(message: string | object, timeoutMs: number): Promise<T> {
    this.#process.send(message);
    return this.answer<T>(timeoutMs);
  }

  /** The next message; rejects if the process ends first or says nothing for so long. */
  async answer<T>(timeoutMs: number): Promise<T> {
    const over = new AbortController();
    const { signal } = over;
    const timer = setTimeout(() => over.abort(), timeoutMs);
    const message = once(this.#process, "message", { signal }).then(([first]) => first as T);
    const end = once(this.#process, "exit", { signal }).then(([code, killed]) => {
      throw new Error(`${this.#script} ended with ${killed ?? code}`);
    });
    end.catch(() => {});
    try {
      return (await Promise.race([message, end])) as T;
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`${this.#script} did not answer within ${timeoutMs / 1000} s`);
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#process, "exit");
    // A client that is busy for minutes would not hear anything softer.
    this.#process.kill("SIGKILL");
    await ended;
  }
}

/** Room for a million unconfirmed messages of any client. */
const HEAP = "--max-old-space-size=8192";
