/** What the client's tests need around them: failures, child processes, certificates, handles. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { generate } from "selfsigned";
import ts from "typescript";
import { AmqpError } from "../../src/errors.ts";

/** The interface that has ::1; undefined where this machine has no IPv6, as many containers. */
export const IPV6_LOOPBACK: string | undefined = Object.entries(networkInterfaces()).find(
  ([, addresses]) => addresses?.some(({ address }) => address === "::1"),
)?.[0];

const REPOSITORY = join(__dirname, "../..");

/** The error that a promise rejects with, which must be of this class. */
export async function failure<E extends Error = AmqpError>(
  promise: Promise<unknown>,
  // An abstract class is fine, and its constructor is nobody's business here.
  type: abstract new (...args: never[]) => E = AmqpError as never,
): Promise<E> {
  const { error } = await promise.then(
    (value) => ({ error: new Error(`a failure was due, and this came: ${inspect(value)}`) }),
    (reason: unknown) => ({ error: reason }),
  );
  if (error instanceof type) return error;
  throw new Error(`a ${type.name} was due, and this came: ${inspect(error)}`, { cause: error });
}

/** Fails if a promise is settled already: what was to hold it up did not. */
export async function stillPending(promise: Promise<unknown>, afterMs = 30): Promise<void> {
  const settled = promise.then(
    () => "resolved",
    (error: unknown) => `rejected with ${inspect(error)}`,
  );
  const state = await Promise.race([settled, delay(afterMs).then(() => "pending")]);
  if (state !== "pending") throw new Error(`the promise was to be pending, and is ${state}`);
}

/** What a promise gives, or an error after so many milliseconds instead of a hanging test. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Symbol();
  const controller = new AbortController();
  const result = await Promise.race([promise, delay(ms, controller.signal).then(() => late)]);
  controller.abort();
  if (result === late) throw new Error(`nothing came within ${ms} ms`);
  return result as T;
}

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => clearTimeout(timer));
  });
}

/** Waits until a condition holds; the test's own timeout is the deadline. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}

/** Everything that a log could show of a value: message, stack, cause, hidden members, JSON. */
export function everythingShown(value: unknown): string {
  const shown = [inspect(value, { depth: 20, showHidden: true, getters: true })];
  for (let error = value; error instanceof Error; error = error.cause) {
    shown.push(String(error), error.message, error.stack ?? "");
    if (error instanceof AggregateError) shown.push(...error.errors.map(everythingShown));
  }
  shown.push(JSON.stringify(value, (_key, member) => (isBig(member) ? `${member}` : member)) ?? "");
  return shown.join("\n");
}

function isBig(value: unknown): value is bigint {
  return typeof value === "bigint";
}

/** How a child process went. */
export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
  /** Milliseconds from its last line on standard output to its end. */
  readonly lingeredMs: number;
}

/**
 * The sources as plain JavaScript in a folder of their own, for processes that are not to pay for
 * ts-node, whose start takes longer than all that they do. The caller removes the folder.
 */
export function compileSources(): string {
  const folder = mkdtempSync(join(tmpdir(), "amqp091-js-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const sources = join(REPOSITORY, "src");
  for (const name of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(sources, name), "utf8"), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(folder, name.replace(/ts$/, "js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  return folder;
}

/**
 * Runs JavaScript, a module, in a Node process of its own, in a folder of compiled sources: it
 * imports the client as `./index.js`. Killed if it does not end by itself.
 */
export async function runScript(
  folder: string,
  source: string,
  environment: Readonly<Record<string, string>> = {},
  timeoutMs = 15_000,
): Promise<ChildResult> {
  const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: folder,
    env: { ...process.env, ...environment },
    timeout: timeoutMs,
  });
  let output = "";
  let errors = "";
  let lastLineAt = performance.now();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    lastLineAt = performance.now();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  let endedAt = 0;
  child.once("exit", () => {
    endedAt = performance.now();
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const lines = output.split("\n").filter((line) => line !== "");
  return { code, signal, lines, errors, lingeredMs: endedAt - lastLineAt };
}

/** A certificate for `localhost` and 127.0.0.1 that nobody but itself vouches for. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate. */
export async function selfSignedCertificate(): Promise<SelfSigned> {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** Counts the timers that were set and neither fired nor were cleared, from `start` on. */
export class TimerWatch {
  readonly #pending: Set<unknown> = new Set();
  readonly #saved = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  static start(): TimerWatch {
    return new TimerWatch();
  }

  private constructor() {
    const { setTimeout, clearTimeout } = this.#saved;
    const pending = this.#pending;
    const set = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = setTimeout(() => {
        pending.delete(timer);
        callback(...args);
      }, ms);
      pending.add(timer);
      return timer;
    };
    globalThis.setTimeout = Object.assign(set, setTimeout) as typeof globalThis.setTimeout;
    globalThis.clearTimeout = ((timer: NodeJS.Timeout | undefined) => {
      pending.delete(timer);
      clearTimeout(timer);
    }) as typeof globalThis.clearTimeout;
  }

  get pending(): number {
    return this.#pending.size;
  }

  stop(): void {
    Object.assign(globalThis, this.#saved);
  }
}
