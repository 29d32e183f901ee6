/** Runs a program of spec/walk.md, with another network or clock in place of the real ones. */
import ts from "typescript";
import * as amqp091 from "../../src/index.ts";

/** What a program imports that is not as usual. */
export interface Surroundings {
  /** In place of the package's `connect()`. */
  connect(url: string): Promise<amqp091.Connection>;
  /** In place of `setTimeout()` of `node:timers/promises`. */
  sleep(ms: number): Promise<unknown>;
}

/** Runs a program to its end and gives the lines that it prints. */
export async function runProgram(program: string, around: Surroundings): Promise<string[]> {
  // Top-level await stays as it is in the body of an asynchronous function.
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const modules: { readonly [name: string]: object } = {
    amqp091: { ...amqp091, connect: around.connect },
    "node:timers/promises": { setTimeout: around.sleep },
  };
  const lines: string[] = [];
  const log = (...values: unknown[]): void => void lines.push(values.join(" "));
  const body = new AsyncFunction("require", "exports", "console", outputText) as Body;
  await body((name) => modules[name], {}, { log });
  return lines;
}

type Body = (
  require: (name: string) => unknown,
  exports: object,
  console: { log(...values: unknown[]): void },
) => Promise<void>;

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
