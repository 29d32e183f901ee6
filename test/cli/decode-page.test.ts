/** `amqp091 decode --html`: which files it writes, and which it leaves alone. */
import {
  copyFileSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { run } from "./test-io.ts";

const PIKA = join(__dirname, "..", "dissect", "captures", "pika.pcapng");

describe("amqp091 decode --html", () => {
  let folder: string;
  let input: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "amqp091-page-"));
    input = join(folder, "in.pcapng");
    copyFileSync(PIKA, input);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const aliases: [title: string, make: (name: string) => void][] = [
    ["by its own name", () => {}],
    ["by a symbolic link", (name) => symlinkSync(input, name)],
    ["by another name of the same file", (name) => linkSync(input, name)],
  ];
  for (const [title, make] of aliases) {
    it(`refuses to write over its input, ${title}`, async () => {
      const output = title.includes("own") ? input : join(folder, "out.html");
      make(output);
      const { code, stdout, stderr } = await run(["decode", "--html", output, input]);
      expect(code).to.equal(2);
      expect(stderr).to.match(/^amqp091: --html would write over the input\n/);
      expect(stdout).to.equal("");
      expect(readFileSync(input).equals(readFileSync(PIKA))).to.equal(true);
    });
  }

  it("refuses to write over its input where that is standard input", async () => {
    const stdin = createReadStream("", { fd: openSync(input, "r") });
    const { code, stderr } = await run(["decode", "--html", input], { input: stdin });
    expect(code).to.equal(2);
    expect(stderr).to.match(/would write over the input/);
    expect(readFileSync(input).equals(readFileSync(PIKA))).to.equal(true);
  });

  it("writes over a page that was there, and what it held is gone", async () => {
    const output = join(folder, "out.html");
    copyFileSync(PIKA, output);
    const { code } = await run(["decode", "--html", output, "--method", "confirm", input]);
    expect(code).to.equal(0);
    const page = readFileSync(output, "utf8");
    expect(page).to.match(/^<!doctype html>[\s\S]*<\/html>\n$/);
  });

  it("says in the page what is wrong with its input", async () => {
    const output = join(folder, "out.html");
    truncateSync(input, statSync(input).size - 10);
    const { code, stderr } = await run(["decode", "--html", output, input]);
    expect(code).to.equal(1);
    const fault = /^amqp091: (.+)\n$/.exec(stderr)?.[1];
    expect(fault).to.match(/ends inside/);
    const notices = readFileSync(output, "utf8").match(/"kind":"notice".*/g);
    expect(notices?.at(-1)).to.include(`"message":"The input: ${fault}"`);
  });

  it("makes a page that nobody else can read", async () => {
    const output = join(folder, "out.html");
    await run(["decode", "--html", output, input]);
    expect(statSync(output).mode & 0o777).to.equal(0o600);
  });

  for (const other of ["--json", "--bytes", "--explain"]) {
    it(`refuses --html together with ${other}, and writes nothing`, async () => {
      const output = join(folder, "out.html");
      const { code, stdout, stderr } = await run(["decode", "--html", output, other, input]);
      expect(code).to.equal(2);
      expect(stderr).to.include(`--html and ${other}, not both`);
      expect(stdout).to.equal("");
      expect(existsSync(output)).to.equal(false);
    });
  }

  it("says what the system says of a page that cannot be written", async () => {
    mkdirSync(join(folder, "directory"));
    for (const [output, says] of [
      [join(folder, "no", "such", "out.html"), /^amqp091: ENOENT: .*out\.html'\n$/],
      [join(folder, "directory"), /^amqp091: EISDIR: .*directory'\n$/],
    ] as const) {
      const { code, stdout, stderr } = await run(["decode", "--html", output, input]);
      expect(code).to.equal(1);
      expect(stderr).to.match(says);
      expect(stdout).to.equal("");
    }
    expect(readdirSync(folder).sort()).to.deep.equal(["directory", "in.pcapng"]);
  });

  it("says that the disk is full, and does not say that there is a page", async () => {
    const { code, stdout, stderr } = await run(["decode", "--html", "/dev/full", input]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/^amqp091: ENOSPC: /);
    expect(stdout).to.equal("");
  });

  it("says of an input that is nothing what it says without a page, and sums up nothing", async () => {
    const output = join(folder, "out.html");
    for (const given of ["", "# nothing\n"]) {
      const args = ["decode", "--format", "hex"];
      const without = await run(args, { input: given });
      const { code, stdout, stderr } = await run([...args, "--html", output], { input: given });
      expect(stderr).to.equal(without.stderr);
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: `The page is ${output}\n` });
      expect(readFileSync(output, "utf8")).to.match(/"message":"The input: there (is|are) no/);
    }
  });

  it("writes what it has of an input that breaks off", async () => {
    const output = join(folder, "out.html");
    const stdin = new PassThrough();
    stdin.write(readFileSync(input).subarray(0, -298));
    const running = run(["decode", "--html", output], { input: stdin });
    stdin.end();
    const { code, stdout, stderr } = await running;
    expect(code).to.equal(1);
    expect(stdout).to.include(`The page is ${output}\n`);
    expect(stderr).to.match(/ends inside a block/);
    const page = readFileSync(output, "utf8");
    expect(page).to.match(/"kind":"notice","message":"The input: the capture file ends inside/);
    expect(page).to.include("connection.close");
  });
});
