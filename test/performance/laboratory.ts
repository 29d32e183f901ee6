/** Lets a process of its own publish and count, beside a broker in another. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { compileSources } from "../support/environment.ts";
import { type Confirms, CountingBroker } from "./broker.ts";

/** Where the client and the meter lie compiled. */
export class Laboratory {
  readonly #folder = compileSources();

  constructor() {
    compileMeter(this.#folder);
  }

  /** What a function of meter.ts counts in a fresh process; the broker is here. */
  async run<W extends keyof Meter>(
    what: W,
    confirms: Confirms,
    ...args: Parameters<Meter[W]> extends [unknown, ...infer Rest] ? Rest : never
  ): Promise<Awaited<ReturnType<Meter[W]>>> {
    const broker = await CountingBroker.start(confirms);
    try {
      return await run<Awaited<ReturnType<Meter[W]>>>(
        this.#folder,
        `import { connect } from "./index.js";
         import { ${what} } from "./meter.js";
         const open = () => connect("${broker.url}");
         console.log(JSON.stringify(await ${what}(open, ...${JSON.stringify(args)})));`,
      );
    } finally {
      await broker.stop();
    }
  }

  /** Removes what was compiled. */
  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

type Meter = Pick<
  typeof import("./meter.ts"),
  "allocated" | "traffic" | "continuousTraffic" | "retained"
>;

async function run<T>(folder: string, source: string): Promise<T> {
  const child = spawn(process.execPath, [...FLAGS, "--input-type=module", "--eval", source], {
    cwd: folder,
    // Code that is watched for coverage is not the code that runs elsewhere.
    env: { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "" },
    timeout: PATIENCE_MS,
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`the process ended with ${code ?? signal}: ${errors}`);
  return JSON.parse(output);
}

function compileMeter(folder: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(__dirname, "meter.ts"), "utf8"), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
    },
  });
  writeFileSync(join(folder, "meter.js"), outputText);
}

const FLAGS = [
  "--expose-gc",
  // In MiB: several times what a round allocates, so that there is no collection in it.
  "--min-semi-space-size=64",
  "--max-semi-space-size=64",
  // Compiles at the same publish in each run, and not when another core has had the time.
  "--single-threaded",
  // Code that a collection throws away would be compiled, and counted, again.
  "--no-flush-bytecode",
];

/** Many times what it takes on two busy cores. */
const PATIENCE_MS = 60_000;
