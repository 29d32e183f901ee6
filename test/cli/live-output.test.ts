/** What is shown and written down while it happens, to somebody who is slower than that. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect } from "chai";
import { LiveOutput } from "../../src/cli/live-output.ts";
import { Recorder } from "../../src/cli/tap-record.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import { publishFrames } from "../dissect/support.ts";
import { until } from "../support/environment.ts";
import { concat } from "../wire/octets.ts";
import { run } from "./test-io.ts";

/** Takes the first text and no other until it is let go. */
class Slow extends Writable {
  text = "";
  #go: (() => void) | undefined;
  #isFree = false;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.#isFree) done();
    else this.#go = done;
  }

  letGo(): void {
    this.#isFree = true;
    this.#go?.();
  }
}

describe("a live output", () => {
  it("drops what a slow reader does not take, tells how much, and goes on", async () => {
    const slow = new Slow();
    const output = new LiveOutput(slow, (dropped) => `[${dropped} dropped]\n`);
    let made = 0;
    const line = `${"x".repeat(1023)}\n`;
    for (let i = 0; i < 10_000; i++) {
      output.write(1, () => {
        made++;
        return line;
      });
    }
    expect(slow.writableLength).to.be.within(4_000_000, 5_000_000);
    expect(made).to.be.below(5000); // what is not shown is not made
    const drained = new Promise<void>((resolve) => slow.once("drain", resolve));
    slow.letGo();
    await drained;
    output.write(1, () => "and on\n");
    await output.end("the end\n", 10_000);
    expect(slow.text.replaceAll(line, "")).to.equal(
      `[${10_000 - made} dropped]\nand on\nthe end\n`,
    );
  });

  it("does not wait for a reader that never reads, or is gone", async () => {
    const never = new LiveOutput(new Slow(), () => "");
    never.write(1, () => "x");
    await never.end("the end\n", 1);
    const gone = new Slow();
    const output = new LiveOutput(gone, () => "");
    gone.destroy(new Error("EPIPE"));
    await new Promise((resolve) => gone.once("close", resolve));
    expect(output.isGone).to.equal(true);
    output.write(1, () => {
      throw new Error("made for nobody");
    });
    await output.end("the end\n", 10_000);
    expect(gone.text).to.equal("");
  });
});

describe("a recording", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amqp091-record-"));
  });
  after(() => rm(folder, { recursive: true }));

  for (const name of ["slow.jsonl", "slow.pcapng"]) {
    it(`says in ${name} what is missing when the disk is too slow`, async () => {
      const file = join(folder, name);
      const recorder = await Recorder.open(file, "", 5000);
      const dissector = new Dissector();
      const ends = { client: "127.0.0.1:1", server: "127.0.0.1:5672" };
      const octets = publishFrames(1, { body: "x".repeat(500) });
      const all = Array.from({ length: 20 }, () => octets);
      recorder.push([dissector.open({ ...ends, time: 1000 })]);
      const header = new TextEncoder().encode("AMQP\0\0\x09\x01");
      recorder.push(dissector.push(1, "client", header, 1000));
      for (const each of all) recorder.push(dissector.push(1, "client", each, 1001)); // in one turn
      await until(() => recorder.waiting === 0);
      recorder.push(dissector.push(1, "client", octets, 1002));
      recorder.endConnection(1, "client", "end", 1002);
      await recorder.close();
      expect(recorder.error).to.equal(undefined);
      const { stdout } = await run(["decode", "--json", file]);
      const events = stdout
        .split("\n")
        .filter((line) => line.startsWith('{"kind":"event"'))
        .map((line) => JSON.parse(line));
      const gaps = events.filter(({ type }) => type === "gap");
      expect(gaps).to.have.length(1);
      const kept = events.reduce((sum, { bytes }) => sum + bytes.length / 2, 0);
      expect(gaps[0].missing).to.be.above(3000);
      expect(kept + gaps[0].missing).to.equal(8 + concat(...all, octets).length);
    });
  }

  it("is empty at first, and keeps the error of a disk", async () => {
    const file = join(folder, "again.jsonl");
    await (await Recorder.open(file, "")).close();
    expect(await readFile(file, "utf8")).to.equal("");
    const full = await Recorder.open("/dev/full", "");
    const dissector = new Dissector();
    full.push([dissector.open({})]);
    await full.close();
    expect(full.error).to.have.property("code", "ENOSPC");
  });
});
