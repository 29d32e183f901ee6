import { rmSync } from "node:fs";
import { expect } from "chai";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { type ChildResult, compileSources, runScript } from "../support/environment.ts";

/** What only a process of its own can show: what it survives, and when it ends. */
describe("a process that uses the client", function () {
  this.timeout(20_000);

  let broker: EmbeddedBroker;
  let folder: string;
  before(async () => {
    folder = compileSources();
    broker = await startBroker();
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await broker.stop();
  });

  function run(source: string): Promise<ChildResult> {
    const prelude = 'import * as amqp091 from "./index.js"; const url = process.env.URL;';
    return runScript(folder, `${prelude}\n${source}`, { URL: broker.url });
  }

  it("ends by itself after close()", async () => {
    const { code, signal, lines, errors, lingeredMs } = await run(`
      const connection = await amqp091.connect(url);
      const publisher = await connection.openPublisher({ timeoutMs: 60_000 });
      const channel = await connection.openChannel();
      await channel.queueDeclare("ends");
      await publisher.publish("", "ends", "x", { timeoutMs: 30_000 });
      await publisher.waitForConfirms({ timeoutMs: 30_000 });
      await connection.close();
      console.log("closed");
    `);
    expect({ code, signal, lines, errors }).to.deep.equal({
      code: 0,
      signal: null,
      lines: ["closed"],
      errors: "",
    });
    expect(lingeredMs).to.be.below(1_000);
  });

  it("ends by itself with a connection open that was unref()ed, and not before", async () => {
    const { code, signal, lines, lingeredMs } = await run(`
      const connection = await amqp091.connect(url);
      const publisher = await connection.openPublisher();
      connection.unref();
      connection.ref();
      await new Promise((resolve) => setTimeout(resolve, 50).unref());
      console.log("kept alive");
      connection.unref();
      console.log("let go");
    `);
    expect({ code, signal, lines }).to.deep.equal({
      code: 0,
      signal: null,
      lines: ["kept alive", "let go"],
    });
    expect(lingeredMs).to.be.below(1_000);
  });

  it("ends after a connect() that fails", async () => {
    const { code, lines, lingeredMs } = await run(`
      const { port } = new URL(url);
      for (const address of [\`amqp://u:wrong@127.0.0.1:\${port}\`, "amqp://127.0.0.1:1"]) {
        await amqp091.connect(address).catch(({ phase }) => console.log(phase));
      }
    `);
    expect({ code, lines }).to.deep.equal({ code: 0, lines: ["authentication", "tcp"] });
    expect(lingeredMs).to.be.below(1_000);
  });

  it("is told of a publish that nobody looked at, and only of that", async () => {
    const { code, lines } = await run(`
      process.on("unhandledRejection", (error) => console.log("unhandled", error.outcome));
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      const connection = await amqp091.connect(url);

      // Looked at by the batch forms and by waitForConfirms(), so nothing is unhandled.
      const batch = await connection.openPublisher({ maxUnconfirmed: 1 });
      const messages = Array.from({ length: 5 }, () => ({ exchange: "none", routingKey: "", body: "" }));
      await batch.publishAll(messages, { stopOnFailure: false }).catch(({ failed }) =>
        console.log("batch", failed));
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      for (let i = 0; i < 5; i++) channel.basicPublish("none", "", "");
      await channel.waitForConfirms().catch(({ failed }) => console.log("waited", failed));
      const idle = await connection.openChannel();
      await idle.confirmSelect();
      idle.basicPublish("none", "", "");
      await idle.closed;
      await connection.openPublisher().then((publisher) => publisher.close());

      const publisher = await connection.openPublisher();
      publisher.publish("none", "", "nobody looks");
      await publisher.closed;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await connection.close();
      console.log("closed");
    `);
    const [batch, ...rest] = lines;
    expect(batch).to.match(/^batch [1-5]$/);
    expect(rest).to.deep.equal(["waited 5", "unhandled refused", "closed"]);
    expect(code).to.equal(0);
  });

  it("dies of it by default, as of any promise", async () => {
    const { code, errors } = await run(`
      const connection = await amqp091.connect(url);
      const publisher = await connection.openPublisher();
      publisher.publish("none", "", "");
    `);
    expect(code).to.equal(1);
    expect(errors).to.match(/PublishError/);
  });

  it("is told of what its listeners throw, and the connection goes on", async () => {
    const { code, lines } = await run(`
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      const connection = await amqp091.connect(url);
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (const name of ["ack", "return", "close"]) {
        channel.on(name, () => { throw new Error(name); });
      }
      connection.on("close", () => { throw new Error("end"); });
      channel.basicPublish("", queue, "1");
      await channel.waitForConfirms();
      channel.basicPublish("", "nowhere", "2", { mandatory: true });
      await channel.waitForConfirms().catch(() => {});
      const publisher = await connection.openPublisher();
      await publisher.publishAll([{ routingKey: queue, body: "3" }], {
        onSettled: () => { throw new Error("onSettled"); },
      });
      console.log("still there", (await channel.queueDeclare(queue, { passive: true })).messageCount);
      await channel.close();
      await connection.close();
      console.log("closed", await connection.closed);
    `);
    expect(lines.filter((line) => line.startsWith("uncaught")).sort()).to.deep.equal([
      "uncaught ack",
      "uncaught ack",
      "uncaught close",
      "uncaught end",
      "uncaught onSettled",
      "uncaught return",
    ]);
    expect(lines).to.include("still there 2").and.to.include("closed undefined");
    expect(code).to.equal(0);
  });

  it("survives every failure that it has no listener for", async () => {
    const { code, lines, errors } = await run(`
      const { createServer, connect: dial } = await import("node:net");
      const connection = await amqp091.connect(url);
      const channel = await connection.openChannel();
      await channel.queueDeclare("none", { passive: true }).catch(({ replyCode }) =>
        console.log(replyCode));
      const other = await connection.openChannel();
      other.basicPublish("none", "", "");
      console.log((await other.closed).replyCode);

      // A proxy that resets what it has passed on.
      const { port } = new URL(url);
      const sockets = [];
      const proxy = createServer((client) => {
        const broker = dial(port, "127.0.0.1");
        client.pipe(broker).pipe(client);
        for (const each of [client, broker]) each.on("error", () => {});
        sockets.push(client, broker);
      });
      await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
      const cut = await amqp091.connect(\`amqp://guest:guest@127.0.0.1:\${proxy.address().port}\`);
      await cut.openChannel();
      await cut.openPublisher();
      for (const each of sockets) each.resetAndDestroy();
      console.log((await cut.closed).code);
      proxy.close();
      await connection.close();
    `);
    expect({ lines, errors, code }).to.deep.equal({
      lines: ["404", "404", "ERR_AMQP_CONNECTION_LOST"],
      errors: "",
      code: 0,
    });
  });
});
