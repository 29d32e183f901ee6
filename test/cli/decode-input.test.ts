import { Readable } from "node:stream";
import { expect } from "chai";
import type { EventItem, Item } from "../../src/dissect/model.ts";
import { bodyFrame, publishFrames } from "../dissect/support.ts";
import { concat, toHex } from "../wire/octets.ts";
import { run } from "./test-io.ts";

const PUBLISH = publishFrames(1, { routingKey: "key", body: "hello" });

function itemsOf(stdout: string): Item[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function eventsOf(stdout: string): EventItem[] {
  return itemsOf(stdout).filter((item) => item.kind === "event");
}

describe("what amqp091 decode reads", () => {
  it("is hex in one line of any length, in pieces of any size", async () => {
    const octets = concat(...Array.from({ length: 200 }, () => PUBLISH));
    const raw = await run(["decode"], { input: octets });
    for (const text of [Buffer.from(octets).toString("hex"), toHex(octets)]) {
      for (const size of [100, 4096, text.length]) {
        const pieces: Buffer[] = [];
        for (let at = 0; at < text.length; at += size) {
          pieces.push(Buffer.from(text.slice(at, at + size)));
        }
        const { code, stdout } = await run(["decode"], { input: Readable.from(pieces) });
        expect(code).to.equal(0);
        expect(stdout).to.equal(raw.stdout);
      }
    }
  });

  it("is told to be raw where nothing of it can be read", async () => {
    const { stdout } = await run(["decode"], { input: "hello, this is no hex\n" });
    expect(stdout).to.match(
      /note: read as raw octets, and there is no frame in them; --format hex\?/,
    );
    const asked = await run(["decode", "--format", "raw"], { input: "hello\n" });
    expect(asked.stdout).not.to.include("note:");
    const some = await run(["decode"], { input: concat(Uint8Array.of(0xff), PUBLISH) });
    expect(some.stdout).not.to.include("note:");
  });

  it("is told to be swapped where a dump is of words", async () => {
    const input = "0000000 4d41 5051 0000 0109\n0000008\n";
    const { stdout } = await run(["decode"], { input });
    expect(stdout).to.match(/^note: octets look swapped in pairs \(4d41 = MA\).*use hexdump -C$/m);
  });

  it("may be nothing, which is told", async () => {
    for (const args of [["decode"], ["decode", "--json"], ["decode", "--format", "pcap"]]) {
      const { code, stdout, stderr } = await run(args, { input: "" });
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
      expect(stderr).to.equal("amqp091: there is nothing in the input\n");
    }
    const blank = await run(["decode", "--format", "hex"], { input: "# nothing\n" });
    expect(blank).to.include({ code: 1, stdout: "" });
    expect(blank.stderr).to.match(/there are no octets in the input/);
  });

  it("is not summed up where it is not what it was said to be", async () => {
    for (const format of ["pcap", "pcapng"]) {
      const input = "x".repeat(100);
      const { code, stdout, stderr } = await run(["decode", "--format", format], { input });
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
      expect(stderr).to.match(new RegExp(`not a ${format} file`));
    }
  });
});

describe("a recording", () => {
  const recorded = (...events: [connection: number, octets: Uint8Array][]): string[] =>
    events.map(([connection, octets]) => {
      const bytes = Buffer.from(octets).toString("hex");
      return JSON.stringify({ kind: "event", connection, from: "client", bytes });
    });

  it("with lines that cannot be read is read on behind them, with a gap in each connection", async () => {
    const [one, two] = recorded([1, PUBLISH], [2, PUBLISH]);
    const input = [one, two, '{"kind":"event","conn', "[]", "", one, two].join("\n");
    const { code, stdout, stderr } = await run(["decode", "--json"], { input });
    expect(code).to.equal(1);
    expect(stderr).to.match(/line 3 is no line of a conversation: .* \(and 1 more like it\)\n$/);
    const notices = itemsOf(stdout).flatMap((item) => (item.kind === "notice" ? item.message : []));
    expect(notices).to.have.length(2);
    expect(notices[1]).to.match(/^line 4 is no line of a conversation: not an item/);
    for (const connection of [1, 2]) {
      const events = eventsOf(stdout).filter((event) => event.connection === connection);
      const types = events.map(({ type, from }) => (from === "client" ? type : `server ${type}`));
      const publish = ["method", "header", "body"];
      expect(types).to.deep.equal([...publish, "gap", "server gap", ...publish]);
      expect(events.map(({ error }) => error)).to.deep.equal(types.map(() => undefined));
    }
    const text = await run(["decode"], { input });
    expect(text.stdout)
      .to.match(/^note: line 3 is no line/m)
      .and.match(/ an unknown number of octets is missing$/m)
      .and.match(/^errors +4 +4 gaps of unknown size$/m);
    // What was decoded is a recording itself.
    const again = await run(["decode", "--json"], { input: stdout });
    expect(eventsOf(again.stdout)).to.deep.equal(eventsOf(stdout));
  });

  it("has its notices where they were, of the connection as it is numbered here", async () => {
    const opened = '{"kind":"connection","id":7,"client":"c:1","server":"s:2","state":"handshake"}';
    const [line = ""] = recorded([7, PUBLISH]);
    const said = {
      kind: "notice",
      connection: 7,
      time: 12.5,
      message: "the server \u001b[1mreset it",
    };
    const refused = '{"kind":"notice","message":"c:3 was closed: no broker"}';
    const input = [opened, line, refused, JSON.stringify(said), line].join("\n");
    const { code, stdout } = await run(["decode", "--json"], { input });
    expect(code).to.equal(0);
    const kinds = itemsOf(stdout).flatMap((item) => (item.kind === "message" ? [] : item.kind));
    const publish = Array(3).fill("event");
    const whole = ["connection", ...publish, "notice", "notice", ...publish, "connection"];
    expect(kinds).to.deep.equal(whole);
    const notices = itemsOf(stdout).filter(({ kind }) => kind === "notice");
    expect(notices).to.deep.equal([JSON.parse(refused), { ...said, connection: 1 }]);
    const text = await run(["decode"], { input });
    expect(text.stdout.split("\n").filter((shown) => shown.startsWith("note"))).to.deep.equal([
      "note: c:3 was closed: no broker",
      "note: connection 1: the server \\x1b[1mreset it",
    ]);
    // And what was decoded has them too.
    expect((await run(["decode", "--json"], { input: stdout })).stdout).to.equal(stdout);
  });

  it("with a notice that says nothing is refused there", async () => {
    const { stderr } = await run(["decode"], { input: '{"kind":"notice","connection":1}\n' });
    expect(stderr).to.match(/line 1 is no line of a conversation: a notice has a message/);
  });

  it("does not write to the terminal what its addresses say", async () => {
    const line = { kind: "connection", id: 1, client: "\u001b]0;x", state: "handshake" };
    const { stdout } = await run(["decode"], { input: JSON.stringify(line) });
    expect(stdout).to.match(/^connection 1: \\x1b\]0;x → \?$/m);
  });

  it("that lost a part of a frame is found again at the next one", async () => {
    const frame = bodyFrame(1, new Uint8Array(100));
    const lines = recorded([1, PUBLISH], [1, frame.subarray(0, 50)], [1, PUBLISH]);
    lines.splice(2, 0, "?");
    const { stdout } = await run(["decode", "--json"], { input: lines.join("\n") });
    const events = eventsOf(stdout).slice(-3);
    expect(events.map(({ type }) => type)).to.deep.equal(["method", "header", "body"]);
  });

  it("that ends inside a line has no gap", async () => {
    const { code, stdout, stderr } = await run(["decode", "--json"], {
      input: `${recorded([1, PUBLISH])[0]}\n{"kind":"ev`,
    });
    expect(code).to.equal(1);
    expect(stderr).to.match(/line 2 is no line of a conversation/);
    expect(eventsOf(stdout).map(({ type }) => type)).to.deep.equal(["method", "header", "body"]);
  });

  it("of which much cannot be read says so of ten lines, and how many there are", async () => {
    const input = `${recorded([1, PUBLISH])[0]}\n${"?\n".repeat(5000)}`;
    const { stdout, stderr } = await run(["decode"], { input });
    expect(stdout.match(/^note: /gm)).to.have.length(10);
    expect(stderr).to.match(/\(and 4999 more like it\)/);
  });

  it("with a gap that is no number of octets is refused there", async () => {
    for (const missing of ["-1", "0.5", '"3"', "1e300"]) {
      const line = `{"kind":"event","connection":1,"from":"client","bytes":"","missing":${missing}}`;
      const { stderr } = await run(["decode"], { input: `${line}\n` });
      expect(stderr).to.match(/line 1 is no line of a conversation: what is missing is a number/);
    }
  });

  it("may begin with a byte order mark, and have lines of Windows", async () => {
    const [line] = recorded([1, PUBLISH]);
    const plain = await run(["decode"], { input: `${line}\n` });
    const other = await run(["decode"], { input: `\ufeff${line}\r\n\r\n` });
    expect(other).to.deep.equal(plain);
    expect(plain.code).to.equal(0);
  });
});
