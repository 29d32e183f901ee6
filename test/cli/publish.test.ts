import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { runCommandLine } from "../../src/cli/commands.ts";
import { type Channel, connect } from "../../src/index.ts";
import { type EmbeddedBroker, type QueuedMessage, startBroker } from "../../src/testing.ts";
import { openInput, type Ran, run, TestIo } from "./test-io.ts";

describe("amqp091 publish", () => {
  let broker: EmbeddedBroker;
  let folder = "";
  beforeEach(async () => {
    broker = await startBroker();
    folder = await mkdtemp(join(tmpdir(), "amqp091-cli-"));
  });
  afterEach(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  function publish(args: string, input?: string | Uint8Array | Readable): Promise<Ran> {
    return run(["publish", ...args.split(" ")], { input, env: { AMQP_URL: broker.url } });
  }
  function messages(queue = "q"): readonly QueuedMessage[] {
    return broker.queue(queue).messages;
  }
  function bodies(queue = "q"): string[] {
    return messages(queue).map(({ body }) => Buffer.from(body).toString("latin1"));
  }

  it("publishes the lines of standard input, persistent, and says so", async () => {
    const { code, stdout, stderr } = await publish("--queue q --declare", "one\r\n\ntwo");
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: "" });
    expect(stderr).to.match(/^3 messages in .*\n.*\nconfirmed +3 .*\n$/);
    expect(bodies()).to.deep.equal(["one\r", "", "two"]);
    expect(messages().map(({ properties }) => properties)).to.deep.equal(
      Array(3).fill({ deliveryMode: 2 }),
    );
  });

  it("publishes the lines of a file, with properties", async () => {
    const file = join(folder, "input");
    await writeFile(file, "a\nb\n");
    const args = `--queue q --declare --transient --content-type t/x --header k=v=w --header l= ${file}`;
    expect(await publish(args)).to.include({ code: 0 });
    expect(bodies()).to.deep.equal(["a", "b"]);
    expect(messages()[1]?.properties).to.deep.equal({
      deliveryMode: 1,
      contentType: "t/x",
      headers: { k: "v=w", l: "" },
    });
  });

  it("publishes a whole file as one message", async () => {
    const input = Buffer.from([0, 255, 10, 13, 10]);
    expect(await publish("--queue q --declare --whole-file -", input)).to.include({ code: 0 });
    expect(bodies()).to.deep.equal([input.toString("latin1")]);
    expect(await publish("--queue q --whole-file", "")).to.include({ code: 0 });
    expect(bodies()).to.have.length(2);
  });

  it("sends nothing of an empty input", async () => {
    const { code, stderr } = await publish("--queue q --declare", "");
    expect(code).to.equal(0);
    expect(stderr).to.match(/^0 messages in/);
  });

  it("publishes to an exchange", async () => {
    await inChannel(broker, async (channel) => {
      await channel.queueDeclare("q");
      await channel.queueBind("q", "amq.topic", "a.*");
    });
    const args = "--exchange amq.topic --routing-key a.b";
    expect(await publish(args, "x\n")).to.include({ code: 0 });
    expect(messages()[0]).to.include({ exchange: "amq.topic", routingKey: "a.b" });
    const unrouted = await publish("--exchange amq.topic", "x\n");
    expect(unrouted.code).to.equal(1);
    expect(unrouted.stderr).to.match(/^returned +1 /m);
  });

  it("is silent with --quiet, unless something failed", async () => {
    const quiet = await publish("--queue q --declare --quiet", "x\n");
    expect(quiet).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    const failed = await publish("--queue nope --quiet", "x\n");
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.match(/^returned +1 /m);
  });

  it("says which lines came back, and goes on", async () => {
    const { code, stderr } = await publish("--queue nope", "x\n".repeat(2_000));
    expect(code).to.equal(1);
    expect(stderr).to.match(/^returned +2,000 /m);
    expect(stderr).to.include('line 1: publish to queue "nope" was returned: 312 NO_ROUTE\n');
    expect(stderr).to.include("and 1,995 more\n");
  });

  it("lets the broker drop them when told to", async () => {
    expect(await publish("--queue nope --no-mandatory", "x\n")).to.include({ code: 0 });
  });

  it("publishes NDJSON, and says which lines are no messages", async () => {
    const input = [
      '{"body":"first"}',
      "",
      '{"routingKey":"other","body":{"base64":"AAE="},"properties":{"priority":7}}',
      "{",
      '{"body":"x","properties":{"expiration":"soon"}}',
      `{"body":"x","routingKey":"${"k".repeat(256)}"}`,
      '{"body":"last"}',
    ];
    const args = "--ndjson --queue q --declare";
    const { code, stderr } = await publish(args, input.join("\n"));
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^confirmed +3 /m)
      .and.match(/^invalid +\d /m);
    expect(stderr)
      .to.match(/^line 4: it is not JSON/m)
      .and.match(/^line 5: .*expiration/m);
    expect(bodies()).to.deep.equal(["first", "last"]);
    expect(bodies("other")).to.deep.equal(["\0\x01"]);
    expect(messages("other")[0]?.properties).to.deep.equal({ deliveryMode: 2, priority: 7 });
  });

  it("tells a refusal and what it did to the others", async () => {
    const input =
      '{"routingKey":"q","body":"a"}\n{"exchange":"none","routingKey":"k","body":"b"}\n' +
      '{"routingKey":"q","body":"c"}\n';
    const { code, stderr } = await publish("--ndjson", input);
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^refused +1 /m)
      .and.match(/^line 2: .* 404 NOT_FOUND/m);
  });

  it("publishes nothing when the exchange is not there", async () => {
    const { code, stderr } = await publish("--exchange none", "x\n");
    expect(code).to.equal(1);
    expect(stderr).to.match(/^amqp091: .*404 NOT_FOUND - no exchange 'none'/);
  });

  it("stops when a queue cannot be declared", async () => {
    await inChannel(broker, (channel) => channel.queueDeclare("q", { durable: false }));
    const { code, stderr } = await publish("--queue q --declare", "x\n");
    expect(code).to.equal(1);
    expect(stderr).to.match(/^stopped before the first line,.*406 PRECONDITION_FAILED/m);
  });

  it("cannot read what is not there", async () => {
    const missing = await publish(`--queue q ${join(folder, "none")}`);
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.match(/^amqp091: ENOENT/);
    const directory = await publish(`--queue q ${folder}`);
    expect(directory.code).to.equal(1);
    expect(directory.stderr).to.match(/^stopped before the first line,.*EISDIR/m);
  });

  it("cannot publish where nobody listens, and shows no password", async () => {
    const { port } = broker;
    await broker.stop();
    const { code, stderr } = await publish(
      `--queue q --url amqp://u:secret@127.0.0.1:${port}`,
      "x",
    );
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^amqp091: .*ECONNREFUSED/)
      .and.not.include("secret");
  });

  it("shows no password of a login that is refused", async () => {
    const url = `amqp://guest:secret@127.0.0.1:${broker.port}`;
    const { code, stderr } = await publish(`--queue q --url ${url}`, "x");
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/ACCESS_REFUSED/)
      .and.not.include("secret");
  });

  it("uses an embedded broker where there is no other, and says so", async () => {
    const { code, stderr } = await run(["publish", "--queue", "q"], { input: "a\nb\n" });
    expect(code).to.equal(0);
    expect(stderr).to.match(/^amqp091: no AMQP_URL and no --url: using the embedded broker/);
    expect(stderr).to.match(/^confirmed +2 /m);
  });

  it("tells what was confirmed when the broker goes away, without waiting for more input", async () => {
    const input = openInput();
    const running = publish("--queue q --declare", input);
    input.write("one\ntwo\nthr");
    await until(() => messages().length === 2);
    await broker.stop();
    const { code, stderr } = await running;
    expect(code).to.equal(1);
    expect(stderr).to.match(/^confirmed +2 /m);
    expect(stderr).to.match(/^stopped after line 2,.*320/m);
    expect(input.destroyed).to.equal(true);
  });

  it("ends when it is interrupted, with a summary", async () => {
    const input = openInput();
    const io = new TestIo({ input, env: { AMQP_URL: broker.url } });
    const running = runCommandLine(["publish", "--queue", "q", "--declare"], io);
    input.write("one\ntwo\n");
    await until(() => messages().length === 2);
    io.interrupt();
    expect(await running).to.equal(130);
    expect(io.stderr.text)
      .to.match(/^confirmed +2 /m)
      .and.match(/^stopped after line 2,.*interr/m);
    expect(input.destroyed).to.equal(true);
  });

  it("ends when it is interrupted while it connects", async () => {
    const io = new TestIo({ input: openInput(), env: { AMQP_URL: broker.url } });
    const running = runCommandLine(["publish", "--queue", "q"], io);
    await until(() => io.listening);
    io.interrupt();
    expect(await running).to.equal(130);
    expect(io.stderr.text).to.match(/interrupted before anything/);
  });

  it("shows progress on a terminal, but not over what is typed there", async () => {
    for (const typed of [false, true]) {
      const input = Object.assign(openInput(), { isTTY: typed });
      const io = new TestIo({ input, env: { AMQP_URL: broker.url } });
      io.stderr.isTTY = true;
      const running = runCommandLine(["publish", "--queue", "q", "--declare"], io);
      input.write("one\n");
      await new Promise((resolve) => setTimeout(resolve, 250));
      input.end();
      expect(await running).to.equal(0);
      expect(io.stderr.text.includes("\r\x1b[K1 confirmed, ")).to.equal(!typed);
      expect(io.stderr.text.includes("Ctrl-D ends")).to.equal(typed);
      expect(io.stderr.text).to.include("\x1b[32mconfirmed");
    }
  });

  it("reads no further ahead than the window allows", async () => {
    let read = 0;
    let ahead = 0;
    async function* input(): AsyncGenerator<Buffer> {
      for (; read < 2_000; read++) {
        ahead = Math.max(ahead, read - broker.queue("q").messageCount);
        yield Buffer.from("line\n");
      }
    }
    const args = "--queue q --declare --max-unconfirmed 10";
    expect(await publish(args, Readable.from(input()))).to.include({ code: 0 });
    expect(messages()).to.have.length(2_000);
    expect(ahead).to.be.within(1, 20);
  });
});

async function inChannel(
  broker: EmbeddedBroker,
  use: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  const connection = await connect(broker.url);
  await use(await connection.openChannel());
  await connection.close();
}

/** Waits for something to become true; mocha's timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
