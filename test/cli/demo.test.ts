import { expect } from "chai";
import { runCommandLine } from "../../src/cli/commands.ts";
import { readBack } from "../../src/cli/demo-read-back.ts";
import { WAYS, WayBooks } from "../../src/cli/demo-ways.ts";
import { ChannelClosedError, type Connection, connect, PublishError } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { run, TestIo } from "./test-io.ts";

describe("amqp091 demo", () => {
  it("publishes in three ways, reads all of it back, and shows how publishes fail", async () => {
    const { code, stdout, stderr } = await run(["demo", "--messages", "250"]);
    expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: "" });
    expect(stdout).to.match(/^Broker {2}embedded/m);
    for (const { name } of WAYS) {
      expect(stdout).to.match(
        new RegExp(`^${name} +250 +250 +0 +0 +\\d+\\.\\d\\d s +[\\d,]+$`, "m"),
      );
    }
    expect(stdout).to.match(/^Read back 750 messages in .*\n0 missing, 0 there twice/m);
    expect(stdout)
      .to.match(/ returned +no\n.*312 NO_ROUTE/)
      .and.match(/ refused +no\n(.*\n)*.*404/);
    expect(stdout.includes("\x1b")).to.equal(false);
  });

  it("works on the broker that AMQP_URL names, without showing its password", async () => {
    const broker = await startBroker({ users: { me: "secret" } });
    try {
      const env = { AMQP_URL: broker.url };
      const { code, stdout } = await run(["demo", "--messages", "10"], { env });
      expect(code).to.equal(0);
      expect(stdout)
        .to.include(`127.0.0.1:${broker.port}`)
        .and.not.match(/embedded in|secret/);
      const [, queue = ""] = /^Queue {3}([\w-]+),/m.exec(stdout) ?? [];
      expect(queue).not.to.equal("");
      expect(broker.queue(queue).exists).to.equal(false);
    } finally {
      await broker.stop();
    }
  });

  it("cleans up when it is interrupted", async () => {
    const broker = await startBroker();
    const io = new TestIo({ env: { AMQP_URL: broker.url } });
    io.stdout.isTTY = true;
    const running = runCommandLine(["demo", "--messages", "1000000"], io);
    while (!io.stdout.text.includes("confirmed\x1b") && !io.stdout.text.includes("one by one")) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    io.interrupt();
    expect(await running).to.equal(130);
    expect(io.stdout.text).to.include("Interrupted").and.not.include("Read back");
    const [, queue = ""] = /Queue {3}([\w-]+),/.exec(io.stdout.text) ?? [];
    expect(broker.queue(queue).exists).to.equal(false);
    await broker.stop();
  });

  it("fails when there is no broker", async () => {
    const broker = await startBroker();
    await broker.stop();
    const { code, stdout, stderr } = await run(["demo", "--url", broker.url]);
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: "" });
    expect(stderr).to.match(/^amqp091: .*ECONNREFUSED/);
  });
});

describe("the demo's books", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url);
    await (await connection.openChannel()).queueDeclare("q", { durable: true });
  });
  afterEach(async () => {
    await connection.close();
    await broker.stop();
  });

  for (const way of WAYS) {
    it(`are kept ${way.name} where messages come back`, async () => {
      const books = new WayBooks(way.name, 250);
      await way.publish({ connection, queue: "nowhere", books, mayGoOn: () => true });
      expect(books).to.include({ published: 250, confirmed: 0, returned: 250, nacked: 0 });
      expect(books.wasConfirmed(0)).to.equal(false);
    });

    it(`stop ${way.name} when it is time`, async () => {
      const books = new WayBooks(way.name, 1_000);
      await way.publish({ connection, queue: "q", books, mayGoOn: () => books.published < 100 });
      expect(books).to.include({ published: 100, confirmed: 100 });
    });

    it(`end ${way.name} when the broker goes away`, async function () {
      this.timeout(10_000);
      const books = new WayBooks(way.name, 10_000_000);
      const publishing = way.publish({ connection, queue: "q", books, mayGoOn: () => true });
      const outcome = publishing.then(
        () => undefined,
        (error: unknown) => error,
      );
      while (books.confirmed < 100) await new Promise((resolve) => setTimeout(resolve, 1));
      await broker.stop();
      expect(await outcome).to.be.instanceOf(Error);
    });
  }

  it("count nacks, and no failure that ends the demo", () => {
    const books = new WayBooks("way", 1);
    const details = { deliveryTag: 1, exchange: "", routingKey: "q" };
    books.fail(new PublishError("nacked", { ...details, outcome: "nacked" }));
    expect(books.nacked).to.equal(1);
    for (const error of [
      new PublishError("unknown", { ...details, outcome: "unknown" }),
      new ChannelClosedError({ replyCode: 200, replyText: "closed" }),
    ]) {
      expect(() => books.fail(error)).to.throw(error.message);
    }
  });

  it("find what is missing, there twice, or not ours", async () => {
    const books = new WayBooks("way", 10);
    const publisher = await connection.openPublisher();
    const numbers = [0, 1, 2, 2, 2, 3, 5, 6, 7, 8, 9]; // 4 is lost, 2 is there three times
    for (const number of numbers) await publisher.sendToQueue("q", books.body(number));
    for (const text of ["", "way", "way 10", "way -1", "way x", "other 1", "way 1.5"]) {
      await publisher.sendToQueue("q", text);
    }
    for (let number = 0; number < 9; number++) books.confirm(number);
    const { signal } = new AbortController();
    let count = 0;
    const result = await readBack(connection, "q", [books], signal, () => count++);
    expect(result).to.deep.equal({ missing: 1, double: 2, strange: 7 });
    expect(count).to.equal(18);
  });
});
