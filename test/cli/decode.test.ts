import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { methodFrame, publishFrames } from "../dissect/support.ts";
import { concat, toHex } from "../wire/octets.ts";
import { run } from "./test-io.ts";

const PIKA = join(__dirname, "..", "dissect", "captures", "pika.pcapng");
const PUBLISH = publishFrames(1, { routingKey: "key", body: "hello" });

describe("amqp091 decode", () => {
  it("shows a capture with a summary", async () => {
    const { code, stdout, stderr } = await run(["decode", PIKA]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(/^connection 1: 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+, \d{4}-/);
    expect(stdout).to.match(/1 → +\d+ +1 basic\.publish exchange="captures"\s+routingKey="a\.b"/);
    expect(stdout).to.match(/body 5 octets "hello"/);
    expect(stdout).to.match(/confirms publish #1 \(event \d+\), [\d.]+ ms later/);
    expect(stdout).to.match(/returns the message of event \d+/);
    expect(stdout)
      .to.match(/response=\(hidden\)\s/)
      .and.not.to.include("guest\\x00");
    expect(stdout).to.match(/connections +1\nframes +\d+ /);
    expect(stdout).to.match(/errors +0\n/);
  });

  it("reads hex, raw octets and its own JSON from standard input, and sees which it is", async () => {
    const raw = await run(["decode"], { input: PUBLISH });
    expect(raw.code).to.equal(0);
    expect(raw.stdout).to.match(/basic\.publish .*routingKey="key"/);
    expect((await run(["decode", "-"], { input: toHex(PUBLISH) })).stdout).to.equal(raw.stdout);
    const json = await run(["decode", "--json", PIKA]);
    expect((await run(["decode", "--json"], { input: json.stdout })).stdout).to.equal(json.stdout);
  });

  it("writes one JSON object on each line", async () => {
    const { stdout } = await run(["decode", "--json"], { input: PUBLISH });
    const items = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(items.map(({ kind }) => kind)).to.deep.equal([
      "connection",
      "event",
      "event",
      "event",
      "message",
      "connection",
    ]);
    expect(items[1]).to.include({
      type: "method",
      method: "basic.publish",
      from: "client",
      offset: 0,
    });
    expect(items[4]).to.deep.include({ body: "68656c6c6f", events: [1, 2, 3] });
  });

  it("shows the octets and the explanation of each field where that is asked for", async () => {
    const { stdout } = await run(["decode", "--bytes", "--explain"], { input: PUBLISH });
    expect(stdout).to.match(/^ +14 {3}03 6b 65 79 +routingKey "key" \(shortstr\)$/m);
    expect(stdout).to.match(/^ +18\.0 00 +mandatory false \(bit\)$/m);
  });

  it("hides secrets unless they are asked for", async () => {
    const response = new TextEncoder().encode("\0user\0hunter2");
    const input = methodFrame(0, { name: "connection.secure-ok", response });
    for (const option of ["--bytes", "--json", "--no-summary"]) {
      const { stdout } = await run(["decode", option], { input });
      expect(stdout.replaceAll(/\s/g, "")).not.to.match(/hunter2|68756e746572/);
      const shown = await run(["decode", option, "--show-secrets"], { input });
      expect(shown.stdout.replaceAll(/\s/g, "")).to.match(/hunter2|68756e746572/);
    }
  });

  it("shows the same mask for a secret of any length, in the value and in its octets", async () => {
    const lines = await Promise.all(
      [1, 12, 100].map(async (length) => {
        const response = new Uint8Array(length).fill(0x61);
        const input = methodFrame(0, { name: "connection.secure-ok", response });
        const { stdout } = await run(["decode", "--bytes"], { input });
        expect(stdout).to.match(new RegExp(`^ +${15 + length} {3}ce +end 206`, "m"));
        return stdout.split("\n").filter((line) => /^ +11 /.test(line) || /^ +[*]/.test(line));
      }),
    );
    for (const shown of lines) {
      expect(shown).to.have.length(1);
      expect(shown[0]).to.match(/^ +11 {3}(\*\* ){8}response \(hidden\) \(longstr\)$/);
    }
  });

  it("filters by connection, channel and method; content goes with its method", async () => {
    const shown = async (...options: string[]): Promise<number> => {
      const { stdout } = await run(["decode", "--json", ...options, PIKA]);
      return stdout.split("\n").filter((line) => line.startsWith('{"kind":"event"')).length;
    };
    const all = await shown();
    const ofPublish = await shown("--method", "basic.publish");
    expect(ofPublish).to.equal(8); // three with a header each, two with a body
    expect(await shown("--method", "basic.publish", "--method", "queue")).to.be.above(ofPublish);
    expect(await shown("--channel", "2")).to.be.within(1, all - 1);
    expect(await shown("--connection", "2")).to.equal(0);
    expect(await shown("--connection", "1")).to.equal(all);
  });

  it("marks mistakes, goes on, and ends with 1", async () => {
    const { code, stdout } = await run(["decode"], { input: concat(Uint8Array.of(0xff), PUBLISH) });
    expect(code).to.equal(1);
    expect(stdout).to.match(
      /error at octet 0 \(0 of its direction\): 0xff begins no frame\n +\[ff\]/,
    );
    expect(stdout)
      .to.match(/basic\.publish/)
      .and.match(/errors +1 +1 octet in no frame/);
  });

  it("says what is wrong with a file", async () => {
    const cut = await run(["decode"], { input: readFileSync(PIKA).subarray(0, -2) });
    expect(cut.code).to.equal(1);
    expect(cut.stderr).to.match(/the capture file ends inside a block/);
    const halves = await run(["decode", "--format", "hex"], { input: "01 0" });
    expect(halves.stderr).to.match(/line 1 has half an octet/);
    const json = await run(["decode", "--format", "json"], { input: "{}" });
    expect(json.stderr).to.match(/line 1 is no line of a conversation/);
    expect((await run(["decode", "/there/is/no/such/file"])).stderr).to.match(/ENOENT/);
  });

  const mistakes: [args: string[], says: RegExp][] = [
    [["--format", "pdf"], /--format must be one of/],
    [["--from", "me"], /--from must be one of/],
    [["--port", "70000"], /at most 65535/],
    [["--port", "1"], /--port is for captures/],
    [["--method", "basic.publsh"], /no method basic\.publsh/],
    [["--channel", "x"], /--channel must be a whole number/],
    [["--json", "--bytes"], /--json and --bytes, not both/],
    [["one", "two"], /one FILE/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, stderr } = await run(["decode", ...args], { input: PUBLISH });
      expect(code).to.equal(2);
      expect(stderr).to.match(says);
    });
  }
});
