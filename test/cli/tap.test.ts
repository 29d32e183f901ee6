/** `amqp091 tap` between clients and the embedded broker, or sockets that say what a test says. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import amqp from "amqplib";
import { expect } from "chai";
import { connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure, until } from "../support/environment.ts";
import { PIKA, pikaPublish, withProgram } from "../support/interoperation/programs.ts";
import { addressOf, TapCommand } from "./tap-command.ts";
import { run } from "./test-io.ts";

describe("amqp091 tap", () => {
  let broker: EmbeddedBroker;
  let folder: string;
  let tap: TapCommand | undefined;
  before(async () => {
    broker = await startBroker();
    folder = await mkdtemp(join(tmpdir(), "amqp091-tap-"));
  });
  after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(() => tap?.stop());

  async function start(...args: string[]): Promise<TapCommand> {
    tap = await TapCommand.start(addressOf(broker.url), ...args);
    return tap;
  }

  async function publishThrough({ url }: TapCommand, body = "hello"): Promise<void> {
    const connection = await connect(url);
    const publisher = await connection.openPublisher();
    await (await connection.openChannel()).queueDeclare("tapped");
    await publisher.sendToQueue("tapped", body);
    await failure(publisher.publish("", "nowhere", body, { mandatory: true }));
    await connection.close();
  }

  const isClosed = (): boolean => /closed$/m.test(tap?.stdout ?? "");

  it("shows our client's conversation as decode does, and a summary at the end", async () => {
    const { io, ...its } = await start();
    await publishThrough(tap as TapCommand);
    await until(isClosed);
    expect(await tap?.stop()).to.equal(0);
    expect(io.stdout.text).to.match(/^connection 1: 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+, \d{4}-/);
    expect(io.stdout.text).to.include(`→ ${addressOf(broker.url)},`);
    expect(io.stdout.text).to.match(/1 → +\d+ +\d basic\.publish exchange="" routingKey="tapped"/);
    expect(io.stdout.text).to.match(/confirms publish #1 \(event \d+\), [\d.]+ ms later/);
    expect(io.stdout.text).to.match(/returns the message of event \d+/);
    expect(io.stdout.text).to.match(/response=\(hidden\)\s/);
    expect(io.stdout.text).to.match(/\n\nconnections +1\nframes +\d+ .*\n(.*\n)*errors +0\n$/);
    expect(io.stderr.text).to.match(
      /^amqp091: listening on 127\.0\.0\.1:\d+, to 127\.0\.0\.1:\d+; Ctrl-C ends it\n$/,
    );
    expect(io.listening).to.equal(false);
    expect(its.port).to.be.above(0);
  });

  it("carries amqplib", async () => {
    await start("--json");
    const connection = await amqp.connect(tap?.url as string);
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    const body = Buffer.alloc(300_000, 7);
    channel.sendToQueue(queue, body);
    await channel.waitForConfirms();
    const got = await channel.get(queue, { noAck: true });
    expect(got !== false && got.content.equals(body)).to.equal(true);
    await connection.close();
    await until(() => tap?.items.some(({ state }) => state === "closed") === true);
    const { items } = tap as TapCommand;
    expect(items.filter(({ error }) => error !== undefined)).to.deep.equal([]);
    expect(
      items.find(({ method, kind }) => kind === "message" && method === "basic.get-ok").size,
    ).to.equal(300_000);
  });

  withProgram(PIKA, () => {
    it("carries pika", async () => {
      await start("--json");
      const connection = await connect(broker.url);
      await (await connection.openChannel()).queueDeclare("for-pika");
      await pikaPublish(tap?.port as number, "for-pika");
      await until(() => tap?.items.some(({ state }) => state === "closed") === true);
      const published = tap?.items.filter(
        ({ kind, method }) => kind === "message" && method === "basic.publish",
      );
      expect(published?.length).to.be.above(0);
      expect(broker.queue("for-pika").messageCount).to.equal(published?.length);
      await connection.close();
    }).timeout(20_000);
  });

  it("numbers several connections, and shows only what is asked for", async () => {
    await start("--json", "--connection", "2", "--method", "basic.publish");
    const connections = [await connect(tap?.url as string), await connect(tap?.url as string)];
    for (const connection of connections) {
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      channel.basicPublish("", "nowhere", "hello");
      await channel.waitForConfirms();
      await connection.close();
    }
    await until(() => tap?.items.some(({ state }) => state === "closed") === true);
    const items = tap?.items.filter(({ kind }) => kind === "event") ?? [];
    expect(items.map(({ connection, type }) => [connection, type])).to.deep.equal([
      [2, "method"],
      [2, "header"],
      [2, "body"],
    ]);
  });

  for (const name of ["record.jsonl", "record.pcapng"]) {
    it(`records all of it, without secrets, in ${name}, which decode reads`, async () => {
      const file = join(folder, name);
      await start("--json", "--record", file);
      await publishThrough(tap as TapCommand, "x".repeat(200_000));
      await until(() => tap?.items.some(({ state }) => state === "closed") === true);
      expect(await tap?.stop()).to.equal(0);
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
      const octets = await readFile(file, "latin1");
      expect(octets).not.to.match(/guest\0guest|\0guest|00677565737400/);
      const { code, stdout } = await run(["decode", "--json", file]);
      expect(code).to.equal(0);
      // biome-ignore lint/suspicious/noExplicitAny: lines of JSON
      const eventsOf = (text: string): any[] =>
        text
          .split("\n")
          .filter((line) => line.startsWith('{"kind":"event"'))
          .map((line) => JSON.parse(line));
      const told = (text: string): unknown[] =>
        eventsOf(text).map(({ from, bytes, method, error }) => ({ from, bytes, method, error }));
      expect(told(stdout)).to.deep.equal(told(tap?.stdout as string));
      const [first] = eventsOf(tap?.stdout as string);
      expect(eventsOf(stdout)[0].time).to.be.closeTo(first.time, 0.001);
    });
  }

  it("writes a page that holds the conversation, without secrets", async () => {
    const file = join(folder, "page.html");
    await start("--html", file);
    await publishThrough(tap as TapCommand, "a body of the page");
    await until(isClosed);
    expect(await tap?.stop()).to.equal(0);
    const page = await readFile(file, "utf8");
    expect(page)
      .to.match(/^<!doctype html>/i)
      .and.match(/<\/html>\s*$/);
    expect(page).to.include("basic.publish").and.include("queue.declare-ok");
    expect(page).not.to.match(/00677565737400|guest\\u0000/);
    const nowhere = await run(["tap", "--listen", "0", "--html", join(folder, "no", "file")]);
    expect(nowhere).to.include({ code: 1 });
  });

  it("shows and records passwords where that is asked for", async () => {
    const file = join(folder, "secrets.jsonl");
    await start("--show-secrets", "--record", file);
    await publishThrough(tap as TapCommand);
    await until(isClosed);
    await tap?.stop();
    expect(tap?.stdout).to.include("\\u0000guest\\u0000guest");
    expect(await readFile(file, "latin1")).to.include("00677565737400");
  });

  it("shows nothing but the summary and what went wrong with --quiet", async () => {
    await start("--quiet");
    await publishThrough(tap as TapCommand);
    await tap?.stop();
    expect(tap?.stdout).to.match(/^\nconnections +1\n/);
  });

  it("ends all connections at Ctrl-C", async () => {
    await start();
    const connection = await connect(tap?.url as string);
    expect(await tap?.stop()).to.equal(0);
    expect((await connection.closed)?.name).to.equal("ConnectionLostError");
    await failure(connect(tap?.url as string));
  });

  it("closes a client when the broker is away, and says so in a line", async () => {
    const away = createServer();
    await new Promise<void>((resolve) => away.listen(0, "127.0.0.1", resolve));
    const { port } = away.address() as { port: number };
    await new Promise((resolve) => away.close(resolve));
    tap = await TapCommand.start(`127.0.0.1:${port}`);
    await failure(connect(tap.url));
    await until(() => tap?.stdout !== "");
    expect(tap.stdout).to.match(
      /^note: 127\.0\.0\.1:\d+ was closed: could not connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/,
    );
  });

  it("says in a line that a port is in use, or a file cannot be written", async () => {
    const port = new URL(broker.url).port;
    const used = await run(["tap", "--listen", port]);
    expect(used).to.include({ code: 1, stdout: "" });
    expect(used.stderr).to.equal(
      `amqp091: port ${port} of 127.0.0.1 is in use; --listen names another, and 0 takes one that is free\n`,
    );
    const file = await run(["tap", "--listen", "0", "--record", join(folder, "no", "file")]);
    expect(file.code).to.equal(1);
    expect(file.stderr).to.match(/^amqp091: ENOENT.*\n$/);
  });

  const mistakes: [args: string[], says: RegExp][] = [
    [["--listen", "x"], /port of --listen must be a whole number/],
    [["--listen", "65536"], /at most 65535/],
    [["--listen", ":5673"], /0\.0\.0\.0 is every address/],
    [["--listen", "::1:x"], /whole number/],
    [["--to", "amqp://h:x"], /port/],
    [["--ca", "/there/is/none", "--to", "amqps://h"], /--ca cannot be read: ENOENT/],
    [["--servername", "x", "--to", "h"], /TLS to the broker takes a URL/],
    [["--tls-listen-key", "x"], /--tls-listen-key is nothing without --tls-listen-cert/],
    [["--tls-listen-cert", __filename], /--tls-listen-cert cannot be used/],
    [["--json", "--bytes"], /--json and --bytes, not both/],
    [["--json", "--quiet"], /--json and --quiet, not both/],
    [["--method", "basic.publsh"], /no method basic\.publsh/],
    [["FILE"], /Unexpected argument/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuses ${args.map((arg) => (arg === __filename ? "no certificate" : arg)).join(" ")}`, async () => {
      const { code, stderr } = await run(["tap", ...args]);
      expect({ code, stderr: stderr.replaceAll(/\s+/g, " ") }).to.have.property("code", 2);
      expect(stderr).to.match(says);
    });
  }
});
