/** Lets a process of its own work, be measured, and hands on what it saw. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { compileSources } from "./environment.ts";
import type { LeakReport } from "./leak-client.ts";
import { LeakPeer } from "./leak-peer.ts";

/** Where the client and the work lie compiled. */
export class LeakLaboratory {
  readonly #folder = compileSources();

  constructor() {
    for (const name of ["leak-client", "leak-work", "leak-standing"]) compile(name, this.#folder);
  }

  /** Lets a fresh process do so much work of leak-work.ts or leak-standing.ts; its peer is here. */
  async measure(work: string, count: number): Promise<LeakReport> {
    const peer = await LeakPeer.start();
    try {
      return await run(
        this.#folder,
        `import { connect } from "./index.js";
         import { measure } from "./leak-client.js";
         import * as work from "./leak-work.js";
         import * as standing from "./leak-standing.js";
         const { ${work} } = { ...work, ...standing };
         console.log(JSON.stringify(await measure(connect, "${peer.url}", ${work}, ${count})));`,
      );
    } finally {
      await peer.stop();
    }
  }

  /** Removes what was compiled. */
  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

async function run(folder: string, source: string): Promise<LeakReport> {
  const args = [...FLAGS, "--input-type=module", "--eval", source];
  const child = spawn(process.execPath, args, { cwd: folder, timeout: PATIENCE_MS });
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

function compile(name: string, folder: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(__dirname, `${name}.ts`), "utf8"), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
    },
  });
  writeFileSync(join(folder, `${name}.js`), outputText);
}

/**
 * Optimized code lies on the heap, too, and comes and goes by megabytes; without it, the same work
 * leaves the same heap to a few kilobytes.
 */
const FLAGS = ["--expose-gc", "--no-opt"];

/** Several times what it takes on two busy cores. */
const PATIENCE_MS = 120_000;
