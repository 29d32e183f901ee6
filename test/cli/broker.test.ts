/** `amqp091 broker`, run in this process on streams of the test. */
import { createServer } from "node:net";
import { expect } from "chai";
import { runCommandLine } from "../../src/cli/commands.ts";
import { type Connection, connect } from "../../src/index.ts";
import { failure, until } from "../support/environment.ts";
import { TestIo } from "./test-io.ts";

describe("amqp091 broker", () => {
  let io: TestIo;
  let ended: Promise<number>;
  afterEach(async () => {
    io.interrupt();
    await ended;
  });

  /** Starts it, and gives its URL. */
  async function start(...args: string[]): Promise<string> {
    io = new TestIo();
    ended = runCommandLine(["broker", "--port", "0", ...args], io);
    await until(() => io.stdout.text.endsWith("\n"));
    return io.stdout.text.trimEnd();
  }

  const lines = (): string[] =>
    io.stderr.text
      .trimEnd()
      .split("\n")
      .map((line) =>
        line.replace(/^\d\d:\d\d:\d\d /, "").replaceAll(/127\.0\.0\.1:\d+/g, "CLIENT"),
      );

  it("says its URL, and serves until Ctrl-C", async () => {
    const url = await start();
    expect(url).to.match(/^amqp:\/\/guest:guest@127\.0\.0\.1:\d+$/);
    const connection = await connect(url);
    io.interrupt();
    expect(await ended).to.equal(0);
    expect(await connection.closed).to.include({ replyCode: 320 });
    expect(io.stdout.text).to.equal(`${url}\n`);
    expect(lines()[0]).to.equal("amqp091: the broker runs; Ctrl-C ends it");
    expect(lines().at(-1)).to.equal("amqp091: the broker has stopped");
    expect(io.listening).to.equal(false);
    await failure(connect(url));
  });

  it("serves until SIGTERM, too", async () => {
    await start();
    io.terminate();
    expect(await ended).to.equal(0);
  });

  it("says who comes and goes, and what goes wrong, a line for each", async () => {
    const url = await start();
    const named = await connect(url, { connectionName: "a\nname\u001b[2J" });
    const channel = await named.openChannel();
    await failure(channel.queueDeclare("none", { passive: true }));
    await named.close();
    const lost = await connect(url);
    lost.destroy();
    await failure(connect(url.replace("guest:guest", "guest:secret")));
    await until(() => lines().length === 7);
    expect(lines()).to.deep.equal([
      "amqp091: the broker runs; Ctrl-C ends it",
      "CLIENT (a name\\x1b[2J) connected as guest, virtual host /",
      "CLIENT (a name\\x1b[2J) channel 1 was closed: " +
        "404 NOT_FOUND - no queue 'none' in vhost '/'",
      "CLIENT (a name\\x1b[2J) closed",
      "CLIENT connected as guest, virtual host /",
      "CLIENT was lost: no connection.close came",
      "CLIENT was not let in: ACCESS_REFUSED - Login was refused using authentication mechanism " +
        "PLAIN. For details see the broker logfile.",
    ]);
    expect(io.stderr.text).not.to.include("secret");
  });

  it("says more with --verbose: what is declared, and how many messages are where", async () => {
    const url = await start("--verbose", "--vhost", "/", "--vhost", "two");
    const connection = await connect(`${url}/two`);
    const channel = await connection.openChannel();
    await channel.exchangeDeclare("x", "fanout");
    await channel.queueDeclare("q");
    for (let i = 0; i < 1234; i++) channel.basicPublish("", "q", "");
    await until(() => lines().length === 5);
    expect(lines().slice(2)).to.deep.equal([
      "declared exchange x in virtual host two",
      "declared queue q in virtual host two",
      "q in virtual host two: 1,234 ready, 0 unacknowledged",
    ]);
    await connection.close();
  });

  it("says nothing but the URL with --quiet", async () => {
    const connection = await connect(await start("--quiet"));
    await connection.close();
    io.interrupt();
    await ended;
    expect(io.stderr.text).to.equal("");
  });

  it("lets in whom it is told to, where it is told to, with what it is told to", async () => {
    const url = await start(
      ...["--host", "localhost", "--user", "me:a:b@c", "--user", "you:", "--vhost", "v/1"],
      ...["--max-message-size", "5", "--heartbeat", "5"],
    );
    expect(url).to.match(/^amqp:\/\/me:a%3Ab%40c@localhost:\d+\/v%2F1$/);
    const connection: Connection = await connect(url);
    expect(connection.tuning.heartbeatSeconds).to.equal(5);
    const publisher = await connection.openPublisher();
    await publisher.publish("", "q", "12345");
    const error = await failure(publisher.publish("", "q", "123456"));
    expect(error.message).to.include("larger than configured max size 5");
    await connection.close();
    await (await connect(url.replace("me:a%3Ab%40c", "you:"))).close();
    await failure(connect(url.replace("me:a%3Ab%40c", "guest:guest")));
  });

  it("says in one line that the port is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    io = new TestIo();
    ended = runCommandLine(["broker", "--port", String(port)], io);
    expect(await ended).to.equal(1);
    expect(io.stdout.text).to.equal("");
    expect(io.stderr.text).to.equal(
      `amqp091: port ${port} of 127.0.0.1 is in use; --port names another, and 0 takes one that is free\n`,
    );
    await new Promise((resolve) => server.close(resolve));
  });
});
