/** The embedded broker goes away and comes back; test/integration has RabbitMQ do the same. */
import { connect as connectSocket, createServer } from "node:net";
import { expect } from "chai";
import { AbortError, ConnectionLostError, UsageError } from "../../src/errors.ts";
import { connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure, stillPending } from "../support/environment.ts";
import { surviveRestart } from "./restart-scenario.ts";

describe("a restart of the embedded broker", () => {
  let broker: EmbeddedBroker;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  const SURVIVORS = {
    exists: {
      ...{ durable: true, transient: false, consumed: false, unconsumed: true, mine: false },
      ...{ priorities: true, safe: true },
      ...{ "durable-x": true, "transient-x": false, "auto-x": true, "amq.topic": true },
    },
    messages: {
      durable: ["held (redelivered)", "held, then requeued (redelivered)", "ready", "expires"],
      unconsumed: [],
      priorities: ["high", "low"],
      safe: ["persistent", "transient"],
    },
    ways: { "durable-x k": true, "durable-x t": false, "amq.topic a.b": true },
  };

  it("keeps what is durable", async () => {
    const { port } = broker;
    expect(await surviveRestart(broker.url, () => broker.restart())).to.deep.equal({
      closed: "320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
      ...SURVIVORS,
    });
    expect(broker.port).to.equal(port);
  });

  it("tidies nothing up when it is cut off, and takes every message for delivered", async () => {
    const restart = () => broker.restart({ connections: "cut" });
    const { durable, priorities, ...others } = SURVIVORS.messages;
    const marked = (bodies: readonly string[]) =>
      bodies.map((body) => `${body.replace(" (redelivered)", "")} (redelivered)`);
    expect(await surviveRestart(broker.url, restart)).to.deep.equal({
      ...SURVIVORS,
      closed: "ConnectionLostError",
      exists: { ...SURVIVORS.exists, consumed: true },
      messages: {
        ...{ ...others, durable: marked(durable), priorities: marked(priorities) },
        consumed: [],
      },
    });
    // The next one is in good order again.
    broker.publish("", "unconsumed", "later", { deliveryMode: 2 });
    await broker.restart();
    const { messages } = broker.queue("unconsumed");
    expect(messages.map(({ redelivered }) => redelivered)).to.deep.equal([false]);
  });

  it("keeps all but what belongs to a connection, if it is asked to", async () => {
    const restart = () => broker.restart({ keep: "everything" });
    const { exists, messages, ways } = await surviveRestart(broker.url, restart);
    expect(exists).to.deep.equal({
      ...SURVIVORS.exists,
      ...{ transient: true, "transient-x": true },
    });
    expect(messages["durable"]).to.deep.equal([
      ...["held (redelivered)", "held, transient (redelivered)"],
      ...["held, then requeued (redelivered)", "ready", "ready, transient"],
      ...["ready, no delivery mode", "expires"],
    ]);
    expect(messages["transient"]).to.deep.equal(["persistent"]);
    expect(ways["durable-x t"]).to.equal(true);
  });

  it("marks no message as redelivered that nobody has had", async () => {
    // When the one consumer goes, the other is the active one, and would get what is there.
    const args = { "x-single-active-consumer": true };
    const queue = broker.queue("q").declare({ durable: true, arguments: args });
    for (let i = 0; i < 4; i++) broker.publish("", "q", String(i), { deliveryMode: 2 });
    for (const prefetchCount of [1, 10]) {
      const channel = await (await connect(broker.url)).openChannel();
      await channel.basicQos({ prefetchCount });
      await channel.basicConsume("q");
    }
    expect([queue.messageCount, queue.unacknowledgedCount]).to.deep.equal([3, 1]);
    await broker.restart();
    const marks = queue.messages.map(({ redelivered }) => redelivered);
    expect(marks).to.deep.equal([true, false, false, false]);
    expect(queue.unacknowledgedCount).to.equal(0);
  });

  it("refuses connections while it is away, and goes on waiting", async () => {
    const connection = await connect(broker.url);
    const waiting = broker.waitForConnection(({ connectionName }) => connectionName === "again");
    let refused: unknown;
    await broker.restart({
      async whileDown() {
        refused = await new Promise((resolve) =>
          connectSocket(broker.port, "127.0.0.1").on("error", resolve),
        );
        await stillPending(waiting);
        expect(broker.connections).to.deep.equal([]);
      },
    });
    expect(refused).to.include({ code: "ECONNREFUSED" });
    await connection.closed;
    const again = await connect(broker.url, { connectionName: "again" });
    expect(await waiting).to.include({ connectionName: "again", open: true });
    await again.close();
  });

  it("can be done again and again, also with clients in the middle of a handshake", async () => {
    broker.queue("q").declare({ durable: true });
    for (let i = 0; i < 5; i++) {
      broker.publish("", "q", String(i), { deliveryMode: 2 });
      const socket = connectSocket(broker.port, "127.0.0.1");
      await new Promise((resolve) => socket.once("connect", resolve));
      const gone = new Promise((resolve) => socket.once("close", resolve));
      await broker.restart({ connections: i % 2 === 0 ? "cut" : "close" });
      await gone;
    }
    expect(broker.queue("q").messageCount).to.equal(5);
  });

  it("comes back though what was done meanwhile failed", async () => {
    const fault = new Error("of the test");
    const restarted = broker.restart({ whileDown: () => Promise.reject(fault) });
    expect(await failure(restarted, Error)).to.equal(fault);
    await (await connect(broker.url)).close();
  });

  it("is one at a time, and none when the broker was stopped, also while it is away", async () => {
    const { port } = broker;
    let second: unknown;
    await broker.restart({
      async whileDown() {
        second = await broker.restart().catch((error: unknown) => error);
        await broker.stop();
      },
    });
    expect(second)
      .to.be.an.instanceOf(UsageError)
      .with.property("message")
      .that.includes("already");
    await failure(broker.restart(), UsageError);
    const refused = await failure(connect({ port }), ConnectionLostError);
    expect(String(refused.cause)).to.include("ECONNREFUSED");
    await failure(broker.waitForConnections(), AbortError);
  });

  it("fails if somebody else has the port, and the broker is stopped then", async () => {
    const thief = createServer();
    const restarted = broker.restart({
      whileDown: () => new Promise<void>((done) => thief.listen(broker.port, "127.0.0.1", done)),
    });
    expect(await failure(restarted, Error)).to.include({ code: "EADDRINUSE" });
    await failure(broker.waitForConnections(), AbortError);
    await new Promise((resolve) => thief.close(resolve));
  });
});
