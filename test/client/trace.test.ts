/** The client's channels of diagnostics_channel: what they tell, and what they cost nobody. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import { TapProxy } from "../../src/cli/tap-proxy.ts";
import {
  ConnectionTrace,
  FRAME_RECEIVED,
  FRAME_SENT,
  type TracedClose,
  type TracedFrame,
} from "../../src/client/trace.ts";
import { describeFrame } from "../../src/client/trace-environment.ts";
import { connect, traceTo } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { run } from "../cli/test-io.ts";
import { methodFrame, publishFrames } from "../dissect/support.ts";
import { compileSources, runScript, until } from "../support/environment.ts";
import { concat, hex, toHex } from "../wire/octets.ts";

const CHANNELS = ["frame.sent", "frame.received", "connection.closed"].map((it) => `amqp091:${it}`);

describe("the client's trace", () => {
  let broker: EmbeddedBroker;
  let folder: string;
  before(async () => {
    broker = await startBroker();
    folder = mkdtempSync(join(tmpdir(), "amqp091-trace-"));
  });
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  const frames: TracedFrame[] = [];
  const closes: TracedClose[] = [];
  const listen = (message: unknown): void => {
    if (typeof (message as TracedFrame).direction === "string") frames.push(message as TracedFrame);
    else closes.push(message as TracedClose);
  };
  const listenTo = (...names: (string | symbol)[]): void => {
    for (const name of names) subscribe(name, listen);
  };
  afterEach(() => {
    for (const name of CHANNELS) unsubscribe(name, listen);
    frames.length = 0;
    closes.length = 0;
  });

  async function publishOnce(url = broker.url): Promise<void> {
    const connection = await connect(url);
    const publisher = await connection.openPublisher();
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await publisher.publish("", queue, "x".repeat(300_000));
    await channel.basicGet(queue, { noAck: true }); // it comes in several pieces
    await connection.updateSecret("n3w-s3cret");
    await connection.close();
  }

  it("tells each frame, and together all octets that went over the socket", async () => {
    const octets = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
    const { hostname, port } = new URL(broker.url);
    const proxy = await TapProxy.start(
      {
        listen: { hostname: "127.0.0.1", port: 0 },
        listenTls: undefined,
        to: { hostname, port: Number(port) },
        toTls: undefined,
      },
      {
        opened: () => ({
          octets: (from, bytes) => octets[from].push(Uint8Array.from(bytes)),
          ended: () => {},
          closed: () => {},
        }),
        refused: () => {},
      },
    );
    listenTo(...CHANNELS);
    await publishOnce(`amqp://guest:guest@127.0.0.1:${proxy.port}`);
    await proxy.close();
    const of = (direction: string): Uint8Array =>
      concat(
        ...frames
          .filter((frame) => frame.direction === direction)
          .map(({ octetsWithSecrets }) => octetsWithSecrets),
      );
    expect(Buffer.compare(of("sent"), concat(...octets.client))).to.equal(0);
    expect(Buffer.compare(of("received"), concat(...octets.server))).to.equal(0);
    const names = frames.map(({ method, type }) => method ?? type);
    expect(names.slice(0, 3)).to.deep.equal([
      "protocol-header",
      "connection.start",
      "connection.start-ok",
    ]);
    expect(names).to.include.members(["basic.publish", "header", "body", "basic.ack"]);
    expect(names.slice(-2)).to.deep.equal(["connection.close", "connection.close-ok"]);
    const [first] = frames as [TracedFrame];
    expect(first.client).to.match(/^127\.0\.0\.1:\d+$/);
    expect(first.server).to.equal(`127.0.0.1:${proxy.port}`);
    expect(first.time).to.be.closeTo(Date.now(), 5000);
    expect(new Set(frames.map(({ connection }) => connection)).size).to.equal(1);
    expect(frames.find(({ method }) => method === "basic.publish")?.channel).to.equal(1);
    await until(() => closes.length > 0);
    expect(closes).to.have.length(1);
    expect(closes[0]).to.include({ connection: first.connection, error: undefined });
  });

  it("hides passwords, but from those who ask for them", async () => {
    listenTo(...CHANNELS);
    await publishOnce();
    const secrets = /guest\0?guest|\0guest|n3w-s3cret/;
    for (const frame of frames) {
      expect(Buffer.from(frame.octets).toString("latin1")).not.to.match(secrets);
      expect(inspect(frame, { depth: 9, showHidden: true, maxArrayLength: null })).not.to.match(
        /octetsWithSecrets: Uint8|#/,
      );
      expect(JSON.stringify(frame)).not.to.include("octetsWithSecrets");
      expect(frame.octets).to.have.length(frame.octetsWithSecrets.length);
    }
    const startOk = frames.find(({ method }) => method === "connection.start-ok") as TracedFrame;
    expect(Buffer.from(startOk.octets).toString("latin1")).to.match(/PLAIN.{4}\*{12}.en_US/s);
    const asked = frames.map((frame) => Buffer.from(frame.octetsWithSecrets).toString("latin1"));
    expect(asked.join(""))
      .to.match(/\0guest\0guest/)
      .and.match(/n3w-s3cret/);
    const secret = methodFrame(0, {
      name: "connection.secure-ok",
      response: new TextEncoder().encode("hunter2"),
    });
    new ConnectionTrace(undefined).sent([secret]);
    expect(Buffer.from(frames.at(-1)?.octets ?? []).toString("latin1")).to.include("*******");
  });

  it("gives octets that nobody else has: a listener may keep and change them", async () => {
    listenTo(...CHANNELS);
    const body = new Uint8Array(200_000).fill(7);
    const connection = await connect(broker.url);
    const publisher = await connection.openPublisher();
    const overwrite = (message: unknown): void => {
      (message as TracedFrame).octets.fill(0);
    };
    subscribe(FRAME_SENT.name, overwrite);
    try {
      await publisher.publish("", "nowhere", body);
    } finally {
      unsubscribe(FRAME_SENT.name, overwrite);
    }
    expect(body.every((octet) => octet === 7)).to.equal(true);
    await connection.close();
  });

  it("begins with the first frame that is complete after somebody listens", () => {
    const all = [
      publishFrames(3, { routingKey: "a", body: "hello" }),
      methodFrame(0, { name: "connection.blocked", reason: "low on memory" }),
      publishFrames(4, { routingKey: "b", body: "x".repeat(100) }),
    ];
    const stream = concat(...all);
    const lengths = framesOf(stream);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 })), fc.nat(20), (cuts, from) => {
        frames.length = 0;
        const decoder = new FrameDecoder(4096);
        const trace = new ConnectionTrace(undefined);
        let at = 0;
        let missed = 0;
        const pieces = [...cuts, stream.length].map((size) => {
          const piece = stream.slice(at, at + size);
          at += size;
          return piece;
        });
        for (const [i, piece] of pieces.entries()) {
          if (i === from) listenTo(FRAME_RECEIVED.name);
          if (FRAME_RECEIVED.hasSubscribers) trace.received(decoder.unfinished, piece);
          decoder.push(piece);
          while (decoder.next() !== undefined) if (i < from) missed++;
        }
        unsubscribe(FRAME_RECEIVED.name, listen);
        const got = frames.map(({ octets, type }) => [type, octets.length]);
        expect(got).to.deep.equal(lengths.slice(missed));
      }),
    );
  });

  it("tells what is no frame as it is, and goes on with the next octets", () => {
    listenTo(FRAME_RECEIVED.name);
    const trace = new ConnectionTrace(undefined);
    const nothing = new Uint8Array(0);
    trace.received(nothing, new TextEncoder().encode("HTTP/1.1 400 Bad Request"));
    trace.received(nothing, hex("41 4d 51 50 03 01 00 00"));
    trace.received(nothing, hex("08 00 00 00 00 00 00 cf")); // a wrong end
    trace.received(nothing, hex("01 00 01 00 00 00 04 00 3c 00 63 ce"));
    expect(frames.map(({ type, method }) => [type, method])).to.deep.equal([
      ["undecodable", undefined],
      ["protocol-header", undefined],
      ["undecodable", undefined],
      ["method", "60.99"],
    ]);
  });

  it("costs one look at a channel for each write and each read, and nothing for a publish", async () => {
    const looks = { sent: 0, received: 0 };
    const count = (channel: object, name: keyof typeof looks): void => {
      Object.defineProperty(channel, "hasSubscribers", {
        configurable: true,
        get() {
          looks[name]++;
          return false;
        },
      });
    };
    const connection = await connect(broker.url);
    const publisher = await connection.openPublisher();
    count(FRAME_SENT, "sent");
    count(FRAME_RECEIVED, "received");
    try {
      const all = Array.from({ length: 1000 }, () => publisher.publish("", "nowhere", "x"));
      await Promise.all(all);
    } finally {
      for (const channel of [FRAME_SENT, FRAME_RECEIVED]) {
        delete (channel as { hasSubscribers?: boolean }).hasSubscribers;
      }
    }
    await connection.close();
    expect(looks.sent).to.be.within(1, 20);
    expect(looks.received).to.be.within(1, 500);
  });

  it("traceTo() writes a file that decode reads, with the same octets", async () => {
    const file = join(folder, "trace.jsonl");
    listenTo(...CHANNELS);
    const trace = traceTo(file);
    await publishOnce();
    trace.stop();
    trace.stop();
    await publishOnce(); // nobody writes this down
    const { connection } = frames[0] as TracedFrame;
    const ours = frames.filter((frame) => frame.connection === connection);
    const { code, stdout } = await run(["decode", "--json", file]);
    expect(code).to.equal(0);
    const events = stdout
      .split("\n")
      .filter((line) => line.startsWith('{"kind":"event"'))
      .map((line) => JSON.parse(line));
    expect(events.map(({ bytes }) => bytes)).to.deep.equal(
      ours.map(({ octets }) => Buffer.from(octets).toString("hex")),
    );
    expect(events.map(({ time }) => time)).to.deep.equal(ours.map(({ time }) => time));
    const text = await run(["decode", file]);
    expect(text.stdout).to.match(/^connection 1: 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+, /);
    expect(text.stdout)
      .to.match(/confirms publish #1/)
      .and.match(/connection 1: closed/);
    expect(readFileSync(file, "utf8")).not.to.include(Buffer.from("n3w-s3cret").toString("hex"));
  });

  it("traceTo() writes passwords where that is asked for, and says what cannot be opened", async () => {
    const file = join(folder, "secrets.jsonl");
    const trace = traceTo(file, { showSecrets: true });
    await publishOnce();
    trace.stop();
    expect(readFileSync(file, "utf8")).to.include(Buffer.from("n3w-s3cret").toString("hex"));
    expect(() => traceTo(join(folder, "no", "file"))).to.throw(/ENOENT/);
    expect(FRAME_SENT.hasSubscribers).to.equal(false);
  });

  it("describes a frame in one line", () => {
    listenTo(FRAME_SENT.name);
    const trace = new ConnectionTrace(undefined);
    trace.sent([publishFrames(3, { routingKey: "a\nb", body: "hello" })]);
    trace.sent([hex("08 00 00 00 00 00 00 ce")]);
    trace.sent([hex("41 4d 51 50 00 00 09 01")]);
    const lines = frames.map((frame) => describeFrame(frame).replace(/^\d+ /, ""));
    expect(lines[0]).to.match(
      /^-> channel 3 basic\.publish \{.*routingKey: 'a\\nb'.*\} \(\d+ octets\)$/,
    );
    expect(lines[1]).to.match(/^-> channel 3 header \{.*bodySize: 5.*\} \(\d+ octets\)$/);
    expect(lines.slice(2)).to.deep.equal([
      "-> channel 3 body (13 octets)",
      "-> channel 0 heartbeat (8 octets)",
      "-> protocol-header (8 octets)",
    ]);
  });

  describe("by the environment", function () {
    this.timeout(20_000);
    let compiled: string;
    before(() => {
      compiled = compileSources();
    });
    after(() => rmSync(compiled, { recursive: true }));

    const program = `
      import { connect } from "./index.js";
      const connection = await connect(process.env.URL);
      await connection.openPublisher();
      await connection.close();
      console.log("done");
    `;

    it("NODE_DEBUG=amqp091 prints a line for each frame", async () => {
      const env = { URL: broker.url, NODE_DEBUG: "amqp091" };
      const { lines, errors } = await runScript(compiled, program, env);
      expect(lines).to.deep.equal(["done"]);
      const told = errors.trimEnd().split("\n");
      expect(told[0]).to.match(/^AMQP091 \d+: 1 -> protocol-header \(8 octets\)$/);
      expect(errors).to.match(/: 1 -> channel 0 connection\.start-ok \{.*mechanism: 'PLAIN'/);
      expect(errors).to.match(/: 1 <- channel 1 confirm\.select-ok \(12 octets\)\n/);
      expect(errors).not.to.match(/guest|67 75 65 73 74/);
      expect(told.every((line) => /^AMQP091 \d+: 1 (->|<-|closed)/.test(line))).to.equal(true);
    });

    it("AMQP091_TRACE=FILE writes a file, and a name that cannot be is a warning", async () => {
      const name = join(folder, "%p.jsonl");
      const env = { URL: broker.url, AMQP091_TRACE: name };
      const { lines, errors } = await runScript(
        compiled,
        `${program}; console.log(process.pid)`,
        env,
      );
      expect(errors).to.equal("");
      const { code, stdout } = await run(["decode", name.replace("%p", lines[1] as string)]);
      expect(code).to.equal(0);
      expect(stdout).to.match(/confirm\.select-ok/);
      const wrong = { URL: broker.url, AMQP091_TRACE: join(folder, "no", "file") };
      const warned = await runScript(compiled, program, wrong);
      expect(warned.lines).to.deep.equal(["done"]);
      expect(warned.errors).to.match(/AMQP091_TRACE: ENOENT/);
    });

    it("AMQP091_TRACE=FILE gives each worker and each child process a file of its own", async () => {
      const before = readdirSync(folder);
      const source = `
        import { spawnSync } from "node:child_process";
        import { once } from "node:events";
        import { Worker } from "node:worker_threads";
        ${program}
        const index = JSON.stringify(new URL("./index.js", import.meta.url));
        const work = "import(" + index + ").then(async ({ connect }) => {" +
          "const connection = await connect(process.env.URL); await connection.close(); })";
        const workers = [1, 2].map(() => new Worker(work, { eval: true }));
        await Promise.all(workers.map((worker) => once(worker, "exit")));
        const child = spawnSync(process.execPath, ["-e", work]);
        console.log(child.pid, child.stderr.toString());
      `;
      const env = { URL: broker.url, AMQP091_TRACE: join(folder, "shared.jsonl") };
      const { lines, errors } = await runScript(compiled, source, env);
      expect(errors).to.equal("");
      const child = (lines[1] as string).trim();
      const names = ["", `-${child}`, "-thread1", "-thread2"].map((own) => `shared${own}.jsonl`);
      const files = readdirSync(folder).filter((name) => !before.includes(name));
      expect(files.sort()).to.deep.equal(names.sort());
      for (const name of names) {
        const file = join(folder, name);
        expect(statSync(file).mode & 0o777, name).to.equal(0o600);
        const { code, stdout } = await run(["decode", file]);
        expect(code, name).to.equal(0);
        expect(stdout, name).to.match(/connection\.close-ok/);
      }
    });

    it("nobody listens without it", async () => {
      const source = `
        import { channel } from "node:diagnostics_channel";
        ${program}
        console.log(channel("amqp091:frame.sent").hasSubscribers);
      `;
      const { lines } = await runScript(compiled, source, { URL: broker.url });
      expect(lines).to.deep.equal(["done", "false"]);
    });
  });
});

/** The types and lengths of frames, found without the code that is tested. */
function framesOf(stream: Uint8Array): [type: string, length: number][] {
  const types = ["", "method", "header", "body"];
  const found: [string, number][] = [];
  const digits = toHex(stream).replaceAll(" ", "");
  for (let at = 0; at < stream.length; ) {
    const length = Number.parseInt(digits.slice(2 * at + 6, 2 * at + 14), 16) + 8;
    found.push([types[stream[at] as number] as string, length]);
    at += length;
  }
  return found;
}
