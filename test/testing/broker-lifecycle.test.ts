/** Starting, stopping, heartbeats, clients that do not read, and clients of others. */
import { connect, createServer } from "node:net";
import amqp from "amqplib";
import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { startBroker } from "../../src/testing.ts";
import * as m from "./methods.ts";
import { RawClient, show } from "./raw-client.ts";

/** What keeps the process alive: sockets, servers and timers. */
function resources(): string[] {
  const kinds = new Set(["TCPSocketWrap", "TCPServerWrap", "TCPConnectWrap", "Timeout"]);
  return process.getActiveResourcesInfo().filter((kind) => kinds.has(kind));
}

const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the embedded broker", () => {
  it("leaves nothing behind when 200 of them come and go", async function () {
    this.timeout(20_000);
    await tick(10);
    const before = resources();
    for (let round = 0; round < 20; round++) {
      const brokers = await Promise.all(Array.from({ length: 10 }, () => startBroker()));
      expect(new Set(brokers.map(({ port }) => port)).size).to.equal(10);
      const clients = await Promise.all(
        brokers.map(({ port }, i) =>
          // Some are in the middle of the handshake, some have a heartbeat timer.
          i % 3 === 0 ? RawClient.connect(port) : RawClient.open(port, { heartbeat: i }),
        ),
      );
      await Promise.all(brokers.map((broker) => broker.stop()));
      const endings = await Promise.all(clients.map((client) => client.untilEnd()));
      expect(endings.map((arrivals) => arrivals.length)).to.deep.equal(
        endings.map((_, i) => (i % 3 === 0 ? 1 : 2)),
      );
    }
    await tick(10);
    expect(resources()).to.deep.equal(before);
  });

  it("tells clients that it stops, and can be stopped twice", async () => {
    const broker = await startBroker();
    const client = await RawClient.open(broker.port);
    const stopped = broker.stop();
    expect(broker.stop()).to.equal(stopped);
    await stopped;
    await broker[Symbol.asyncDispose]();
    expect((await client.untilEnd()).map(show)).to.deep.equal([
      '0 connection.close {"replyCode":320,"replyText":"CONNECTION_FORCED - broker forced ' +
        'connection closure with reason \'shutdown\'","classId":0,"methodId":0}',
      "0 end {}",
    ]);
    const refused = await new Promise((resolve) => {
      connect(broker.port, "127.0.0.1").on("error", resolve);
    });
    expect(refused).to.include({ code: "ECONNREFUSED" });
  });

  it("takes the port it is given, or says why not", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const failure = await startBroker({ port }).catch((error: unknown) => error);
    expect(failure).to.include({ code: "EADDRINUSE" });
    await new Promise((resolve) => server.close(resolve));
    const broker = await startBroker({ port });
    expect(broker.port).to.equal(port);
    expect(broker.url).to.equal(`amqp://guest:guest@127.0.0.1:${port}`);
    await broker.stop();
  });

  it("refuses limits that cannot be", async () => {
    for (const options of [
      { frameMax: 4095 },
      { frameMax: 2 ** 32 },
      { channelMax: 65_536 },
      { heartbeatSeconds: 0.5 },
      { maxMessageSize: -1 },
    ]) {
      const failure = await startBroker(options).catch((error: unknown) => error);
      expect(failure, JSON.stringify(options)).to.be.an.instanceOf(UsageError);
    }
  });

  it("encodes what is special in its URL", async () => {
    const broker = await startBroker({ users: { "a@b": "c/d:e" }, vhosts: [""] });
    expect(broker.url).to.equal(`amqp://a%40b:c%2Fd%3Ae@127.0.0.1:${broker.port}/`);
    await broker.stop();
    const open = await startBroker({ users: {} });
    expect(open.url).to.equal(`amqp://127.0.0.1:${open.port}`);
    await open.stop();
  });

  it("sends heartbeats, and drops clients that are silent for two", async () => {
    const broker = await startBroker();
    const client = await RawClient.open(broker.port, { heartbeat: 1 });
    const lively = await RawClient.open(broker.port, { heartbeat: 1 });
    const beats = setInterval(() => lively.heartbeat(), 500);
    const arrivals = await client.untilEnd();
    expect(arrivals.length).to.be.within(3, 6);
    expect(new Set(arrivals.map(({ name }) => name))).to.deep.equal(new Set(["heartbeat", "end"]));
    await lively.call(1, m.CONFIRM, "confirm.select-ok").catch(() => undefined);
    expect(lively.socket.destroyed).to.equal(false);
    clearInterval(beats);
    lively.destroy();
    await broker.stop();
  });

  it("does not read on from a client that does not read", async () => {
    const broker = await startBroker();
    const client = await RawClient.open(broker.port);
    client.socket.pause();
    // Every publish comes back: 60 MB that nobody takes.
    const body = Buffer.alloc(1_000_000);
    for (let i = 0; i < 60; i++) client.publish(1, { routingKey: "x", mandatory: true }, body);
    await tick(300);
    expect(client.socket.writableLength).to.be.greaterThan(30_000_000);
    client.socket.resume();
    client.send(0, m.CLOSE_CONNECTION);
    const arrivals = await client.untilEnd();
    expect(arrivals.filter(({ name }) => name === "basic.return")).to.have.length(60);
    expect(arrivals.at(-2)?.name).to.equal("connection.close-ok");
    await broker.stop();
  });

  it("stops even though a client does not read", async () => {
    const broker = await startBroker();
    const client = await RawClient.open(broker.port);
    client.socket.pause();
    const body = Buffer.alloc(1_000_000);
    for (let i = 0; i < 30; i++) client.publish(1, { routingKey: "x", mandatory: true }, body);
    await tick(50);
    await broker.stop();
    client.destroy();
  });

  describe("with amqplib", () => {
    it("declares, publishes with confirms, gets, and reads errors", async () => {
      const broker = await startBroker();
      const connection = await amqp.connect(broker.url, { noDelay: true });
      const channel = await connection.createConfirmChannel();
      const returned: unknown[] = [];
      channel.on("return", ({ fields }) => returned.push(fields.routingKey));
      await channel.assertExchange("events", "topic");
      await channel.assertQueue("q");
      await channel.bindQueue("q", "events", "user.#");
      for (let i = 0; i < 2000; i++) {
        channel.publish("events", `user.${i % 3}`, Buffer.from(`${i}`), {
          ...{ mandatory: true, persistent: true, headers: { i } },
        });
      }
      channel.publish("events", "nobody", Buffer.from(""), { mandatory: true });
      channel.publish("", "q", Buffer.alloc(500_000, "x"));
      await channel.waitForConfirms();
      expect(returned).to.deep.equal(["nobody"]);
      expect(await channel.checkQueue("q")).to.include({ messageCount: 2001, consumerCount: 0 });
      expect(broker.queue("q").messages[7]?.properties.headers).to.deep.equal({ i: 7 });
      for (let i = 0; i < 2000; i++) {
        const message = await channel.get("q");
        if (message === false) throw new Error("the queue is empty too early");
        expect(message.content.toString()).to.equal(`${i}`);
        expect(message.properties.headers).to.deep.equal({ i });
        channel.ack(message);
      }
      expect(await channel.purgeQueue("q")).to.deep.equal({ messageCount: 1 });
      await channel.deleteQueue("q");

      const other = await connection.createChannel();
      other.on("error", () => {});
      const failure = await other.checkQueue("q").catch((error: unknown) => error);
      expect(failure).to.include({ code: 404, classId: 50, methodId: 10 });
      await channel.assertQueue("");
      await connection.close();
      await broker.stop();
    });

    it("names the reason of a refused login", async () => {
      const broker = await startBroker();
      const url = broker.url.replace("guest:guest", "guest:wrong");
      const failure = await amqp.connect(url).catch((error: Error) => error.message);
      expect(failure).to.match(/403 .*ACCESS.REFUSED/);
      await broker.stop();
    });
  });
});
