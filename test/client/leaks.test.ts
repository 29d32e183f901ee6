import { expect } from "chai";
import { connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure, TimerWatch, until } from "../support/environment.ts";
import { freePort } from "../support/rabbitmq.ts";
import { openPublisher, ScriptedServer } from "../support/scripted-server.ts";

describe("nothing is left behind", () => {
  let broker: EmbeddedBroker;
  let timers: TimerWatch;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());
  beforeEach(() => {
    timers = TimerWatch.start();
  });
  afterEach(() => timers.stop());

  /** What keeps a process alive, but for timers of the test runner itself. */
  function handles(): string[] {
    return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|GetAddrInfo/.test(name));
  }

  it("of 50 connections, one after the other", async () => {
    const before = handles();
    for (let i = 0; i < 50; i++) {
      const connection = await connect(broker.url);
      const publisher = await connection.openPublisher();
      await publisher.publish("", "q", "x", { timeoutMs: 60_000 });
      await connection.close({ timeoutMs: 60_000 });
    }
    await until(() => handles().length === before.length);
    expect(timers.pending).to.equal(0);
  });

  it("of 20 connections at once, however they end", async () => {
    const before = handles();
    const connections = await Promise.all(Array.from({ length: 20 }, () => connect(broker.url)));
    await Promise.all(
      connections.map((connection, i) =>
        i % 2 === 0 ? connection.close() : connection.destroy(new Error("a test")),
      ),
    );
    await Promise.all(connections.map(({ closed }) => closed));
    await until(() => handles().length === before.length && timers.pending === 0);
  });

  it("of 200 channels on one connection", async () => {
    const connection = await connect(broker.url, { channelMax: 20 });
    for (let i = 0; i < 200; i++) {
      // With channel-max 20, a number that did not come back would be missed by the 21st.
      if (i % 2 === 0) {
        const channel = await connection.openChannel();
        await channel.close();
      } else {
        const publisher = await connection.openPublisher();
        await publisher.publish("", "q", "x");
        await publisher.close();
      }
    }
    expect(connection.listenerCount("close")).to.equal(0);
    await connection.close();
    await until(() => timers.pending === 0);
  });

  it("of channels that the broker closed", async () => {
    const connection = await connect(broker.url, { channelMax: 5 });
    for (let i = 0; i < 20; i++) {
      const channel = await connection.openChannel();
      await failure(channel.queueDeclare("none", { passive: true }));
    }
    await connection.close();
  });

  it("of attempts that failed", async () => {
    const before = handles();
    const port = await freePort();
    for (let i = 0; i < 20; i++) {
      await failure(connect({ hostname: "127.0.0.1", port }));
      await failure(connect(`amqp://u:wrong@127.0.0.1:${broker.port}`));
    }
    await until(() => handles().length === before.length);
    await until(() => timers.pending === 0);
  });

  it("of deadlines that were not needed, once the connection is gone", async () => {
    const server = await ScriptedServer.start();
    const { connection, peer } = await server.connect({ heartbeatSeconds: 10 });
    const { publisher } = await openPublisher(connection, peer, { timeoutMs: 60_000 });
    const lost = failure(publisher.publish("", "q", "x"));
    await peer.expectPublishes(1);
    const waiting = failure(publisher.waitForConfirms({ timeoutMs: 60_000 }));
    peer.reset();
    await Promise.all([lost, waiting]);
    await until(() => timers.pending === 0);
    await server.stop();
  });
});
