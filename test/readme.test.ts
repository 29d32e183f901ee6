/**
 * The README's code runs: every TypeScript block is type checked as a consumer would compile it and
 * then executed, against the embedded broker where it names one, and prints what its comments say;
 * every shell block is either a command of ours, which is run, or one that .ci/run runs.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import ts from "typescript";
import { startBroker } from "../src/testing.ts";

const root = process.cwd();
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code], i) => ({
  title: `block ${i + 1}: ${code?.trim().split("\n")[0]}`,
  language,
  code: code ?? "",
}));
const scripts = blocks.filter(({ language }) => language === "ts");
const commands = blocks.filter(({ language }) => language === "sh");

const ENTRIES: { readonly [specifier: string]: string } = {
  amqp091: "src/index.ts",
  "amqp091/protocol": "src/protocol.ts",
  "amqp091/testing": "src/testing.ts",
};

describe("the README", () => {
  it("has only blocks that this test knows how to run", () => {
    expect(scripts.length + commands.length).to.equal(blocks.length);
    expect(scripts.length).to.be.greaterThan(5);
  });

  it("has TypeScript that compiles in the strictest mode", function () {
    this.timeout(60_000);
    expect(typeCheck(scripts.map(({ code }) => code))).to.deep.equal([]);
  });

  for (const { title, code } of scripts) {
    it(`runs ${title}`, async function () {
      this.timeout(30_000); // the first one loads, and so compiles, everything
      const broker = await startBroker();
      try {
        const printed = await run(
          code.replaceAll("amqp://guest:guest@localhost", broker.url),
          broker.port,
        );
        const promised = [...code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)];
        expect(printed.filter((line) => promised.some(([, said]) => said === line))).to.deep.equal(
          promised.map(([, said]) => said),
        );
      } finally {
        await broker.stop();
      }
    });
  }

  for (const { title, code } of commands) {
    it(`has ${title} in the gate`, () => {
      const gate = readFileSync(join(root, ".ci", "run"), "utf8");
      for (const command of code.trim().split("&&")) {
        // The package test runs what begins with npx, as it stands, where the package is installed.
        const words = command.trim().replace(/^npx amqp091.*/, "test:package");
        expect(gate).to.include(words);
      }
    });
  }
});

/** Compiles the blocks as modules of their own, with the package's names bound to its sources. */
function typeCheck(codes: readonly string[]): string[] {
  const files = new Map(codes.map((code, i) => [join(root, "test", `readme-${i}.mts`), code]));
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
      ts.sys,
      root,
    ).options,
    noUnusedLocals: false,
    paths: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, [`./${path}`]])),
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, ...rest) => {
    const code = files.get(name);
    return code === undefined
      ? getSourceFile.call(host, name, ...rest)
      : ts.createSourceFile(name, code, ts.ScriptTarget.ESNext, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()]
    .flatMap((name) => {
      const source = program.getSourceFile(name);
      return [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ];
    })
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

type Run = (require: (name: string) => unknown, exports: object, console: object) => Promise<void>;

/**
 * Runs a block as the body of an asynchronous function: its top-level await stays as it is. Gives
 * what it printed.
 */
async function run(code: string, port: number): Promise<string[]> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const body = new AsyncFunction("require", "exports", "console", outputText) as Run;
  const load = createRequire(join(root, "package.json"));
  const require = (name: string): unknown => {
    if (name.startsWith("node:")) return load(name);
    const exported = load(join(root, ENTRIES[name] as string)) as Record<string, unknown>;
    const { connect } = exported as { connect?: (first: unknown) => unknown };
    if (connect === undefined) return exported;
    // A block that names the host in options means the usual port; the test's broker has another.
    const atPort = (first: unknown) =>
      connect(typeof first === "object" ? { ...first, port } : first);
    return { ...exported, connect: atPort };
  };
  const printed: string[] = [];
  await body(require, {}, { log: (...values: unknown[]) => printed.push(values.join(" ")) });
  return printed;
}
