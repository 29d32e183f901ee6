import { expect } from "chai";
import { connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure, TimerWatch, until } from "../support/environment.ts";
import type { LeakReport, Snapshot } from "../support/leak-client.ts";
import { LeakLaboratory } from "../support/leak-process.ts";
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

/** In a process of its own, which has nothing on its heap but the client. */
describe("the heap, the handles and the listeners are what they were", function () {
  this.timeout(120_000);

  const MEBIBYTE = 1_048_576;
  let laboratory: LeakLaboratory;
  before(() => {
    laboratory = new LeakLaboratory();
  });
  after(() => laboratory.close());

  /** All at once, so that a failure shows all that has grown. */
  function expectTheSame(before: Snapshot, after: Snapshot, most = 0): void {
    const { alive } = after;
    expect({
      ...after,
      alive: alive - before.alive <= most ? "no more" : `${alive - before.alive} more`,
      heapUsed: grown(after.heapUsed - before.heapUsed),
      arrayBuffers: grown(after.arrayBuffers - before.arrayBuffers),
    }).to.deep.equal({
      ...before,
      alive: "no more",
      heapUsed: "within 1 MiB",
      arrayBuffers: "within 1 MiB",
    });
  }

  function grown(octets: number): string {
    return octets < MEBIBYTE ? "within 1 MiB" : `grown by ${octets} octets`;
  }

  /** `most` objects may still be held while the connection lives on. */
  function expectNothingLeft({ before, opened, worked, after }: LeakReport, most = 0): void {
    expectTheSame(opened, worked, most);
    expectTheSame(before, after);
    // The same before and after would be a leak, too, if it was made while all warmed up.
    expect(before).to.include({ timers: 0, alive: 0 });
    expect(before.listeners.slice(1)).to.deep.equal([0, 0]);
  }

  it("after 10,000 channels, on the connection that lives on and after it", async () => {
    const report = await laboratory.measure("channels", 10_000);
    // A thousand of each kind: leak-work.ts has ten of them.
    const { resolved = 0, AbortError = 0, ...others } = report.endings;
    // On a busy machine an answer may come before the abort.
    expect([resolved + AbortError, AbortError > 2900]).to.deep.equal([10_000, true]);
    expect(others).to.deep.equal({
      BatchError: 2000,
      ChannelClosedError: 2000,
      TimeoutError: 1000,
      nacked: 1000,
      refused: 1000,
      returned: 1000,
      unknown: 4000,
      unprocessed: 1000,
      unsent: 2000,
    });
    expectNothingLeft(report);
  });

  it("after 1,000 connections that were lost", async () => {
    const report = await laboratory.measure("connections", 1_000);
    const { endings } = report;
    // Fifty of each kind, of which twelve have a dozen operations under way and eight one.
    const settled = Object.values(endings).reduce((sum, times) => sum + times, 0);
    expect(settled).to.equal(50 * (12 * 12 + 8));
    expect(endings).to.include.keys(
      ...["ConnectionLostError", "ConnectionClosedError", "ProtocolError"],
      ...["AbortError", "TimeoutError", "BatchError", "unknown", "unsent"],
    );
    expectNothingLeft(report);
  });

  const BESIDE: readonly (readonly [work: string, what: string])[] = [
    ["deadlines", "deadlines that were met, behind an earlier one that is not over"],
    ["mandatory", "mandatory publishes, behind one of the same key that is not confirmed"],
    ["waits", "waits for confirms that were given up, behind one that was not"],
    ["waitsAfterFailures", "waits for confirms that were given up, with failures to be told"],
    ["batches", "batches that were given up while they waited for room"],
  ];
  for (const [work, what] of BESIDE) {
    it(`after 1,000 ${what}`, async () => {
      const report = await laboratory.measure(work, 1_000);
      expect(Object.values(report.endings)).to.deep.equal([1_000]);
      expectNothingLeft(report, 64); // a constant, such as what is sorted out now and then
    });
  }
});
