/**
 * What npm would publish, as a stranger gets it: packed, installed into an empty folder, imported,
 * required, compiled against and run. The other tests run the sources compiled to CommonJS in
 * memory, so this is the proof of the ESM that we ship. Run it with `npm run test:package`.
 */

import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";

const ROOT = resolve(__dirname, "..", "..");

describe("the package", () => {
  let folder = "";
  let consumer = "";
  let installed = "";
  let tarball = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amqp091-package-"));
    consumer = join(folder, "consumer");
    installed = join(consumer, "node_modules", "amqp091");
    await run("npm", ["pack", "--pack-destination", folder], ROOT);
    const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    expect(packed).to.have.length(1);
    tarball = join(folder, packed[0] ?? "");

    await cp(join(__dirname, "consumer"), consumer, { recursive: true });
    // There is nothing to download: no dependencies.
    await run("npm", ["install", "--offline", "--no-save", tarball], consumer);
    await symlink(join(ROOT, "node_modules", "@types"), join(consumer, "node_modules", "@types"));
  });

  after(() => rm(folder, { recursive: true }));

  it("brings its licence, its changelog and the sources that its maps point to", async () => {
    const files = (await readdir(installed, { recursive: true })).map((name) => name.toString());
    expect(files).to.include.members(["LICENSE", "README.md", "CHANGELOG.md", "package.json"]);
    expect([...new Set(files.map((file) => file.split("/", 1)[0]))]).to.have.members([
      ...["LICENSE", "README.md", "CHANGELOG.md", "package.json"],
      ...["dist", "src"],
    ]);
    const maps = files.filter((file) => file.endsWith(".map"));
    expect(maps).to.include("dist/index.js.map").and.to.include("dist/index.d.ts.map");
    for (const map of maps) {
      const { sources } = JSON.parse(await readFile(join(installed, map), "utf8"));
      for (const source of sources) {
        const path = relative(installed, resolve(installed, dirname(map), source));
        expect(files, `${map} points to ${source}`).to.include(path);
      }
    }
  });

  it("publishes and reads a message when imported", async () => {
    expect(await run(process.execPath, ["run.mjs"], consumer)).to.equal("from ESM true\n");
  });

  it("publishes and reads a message when required", async () => {
    expect(await run(process.execPath, ["run.cjs"], consumer)).to.equal("from require true\n");
  });

  it("exports the same names to import and require()", async () => {
    for (const entry of ["amqp091", "amqp091/protocol", "amqp091/testing"]) {
      const script = `
        const required = Object.keys(require("${entry}")).sort();
        import("${entry}").then((imported) => {
          const names = Object.keys(imported).filter((name) => name !== "module.exports").sort();
          console.log(JSON.stringify([required, names]));
        });`;
      const output = await run(process.execPath, ["--input-type=commonjs", "-e", script], consumer);
      const [required, names] = JSON.parse(output);
      expect(required).to.deep.equal(names);
      expect(names).not.to.deep.equal([]);
    }
  });

  it("compiles in strict TypeScript, its declarations included", async () => {
    const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    expect(await run(process.execPath, [compiler, "-p", "."], consumer)).to.equal("");
  });

  it("needs no fast-check unless it is used", async () => {
    await expectFailure(run(process.execPath, ["-e", 'require("fast-check")'], consumer));
    // The tests before this one have imported and compiled all of amqp091/testing without it.
    const imports =
      'import { arbitraries } from "amqp091/testing"; console.log(typeof arbitraries);';
    const output = await run(process.execPath, ["--input-type=module", "-e", imports], consumer);
    expect(output).to.equal("function\n");
  });

  it("makes arbitraries with the fast-check of whoever has it, typed as its own", async () => {
    const theirs = join(consumer, "node_modules", "fast-check");
    await symlink(join(ROOT, "node_modules", "fast-check"), theirs);
    const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    await run(process.execPath, [compiler, "-p", "tsconfig.fast-check.json"], consumer);
    const output = await run(process.execPath, [join("compiled", "fast-check.js")], consumer);
    expect(output).to.equal("with fast-check true\n");
    await rm(theirs);
  });

  it("brings the command", async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
    const command = join(consumer, "node_modules", ".bin", "amqp091");
    expect((await run(command, ["--version"], consumer)).trim()).to.equal(version);
    expect(await run(command, ["--help"], consumer)).to.match(/\bpublish\b/);
  });

  it("runs the README's commands as they stand there", async () => {
    const readme = await readFile(join(installed, "README.md"), "utf8");
    const lines = [...readme.matchAll(/^```sh\n(npx amqp091 .*)\n```$/gm)].map(([, line]) => line);
    expect(lines).to.have.length(2);
    await cp(join(installed, "README.md"), join(consumer, "README.md"));
    const capture = join(ROOT, "test/dissect/captures/pika.pcapng");
    await cp(capture, join(consumer, "capture.pcapng"));
    for (const line of lines as string[]) {
      await run("/bin/sh", ["-c", line], consumer);
      const missing = line.replace(/(README|capture)\.\w+$/, "missing");
      await expectFailure(run("/bin/sh", ["-c", missing], consumer));
    }
    const page = await readFile(join(consumer, "talk.html"), "utf8");
    expect(page)
      .to.match(/^<!doctype html>/i)
      .and.to.include("</html>");
  });

  it("satisfies publint", async () => {
    await run(tool("publint"), [tarball, "--strict"], ROOT);
  });

  it("satisfies attw (are the types wrong?)", async () => {
    await run(tool("attw"), [tarball, "--profile", "esm-only"], ROOT);
  });
});

async function expectFailure(running: Promise<unknown>): Promise<void> {
  const ended = await running.then(
    () => "well",
    () => "badly",
  );
  expect(ended).to.equal("badly");
}

function tool(name: string): string {
  return join(ROOT, "node_modules", ".bin", name);
}

/** Standard output of a command, or an error that shows all that it printed. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed\n${stdout}${stderr}`, { cause: error });
  }
}
