/** Waiting for what the embedded broker holds: how each wait is fulfilled, and how it ends otherwise. */
import { expect } from "chai";
import { AbortError, TimeoutError, UsageError } from "../../src/errors.ts";
import { type Channel, type Connection, connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure, stillPending, TimerWatch, until } from "../support/environment.ts";

describe("waiting for the embedded broker", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  let channel: Channel;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url, { connectionName: "waits" });
    channel = await connection.openChannel();
  });
  afterEach(async () => {
    connection.destroy();
    await broker.stop();
  });

  const text = (messages: readonly { readonly body: Uint8Array }[]): string[] =>
    messages.map(({ body }) => Buffer.from(body).toString());

  it("gives messages when there are enough, also of a queue that does not exist yet", async () => {
    const ten = broker.queue("q").waitForMessages(10);
    const some = broker.queue("q").waitForMessages();
    await channel.queueDeclare("q");
    await stillPending(some);
    for (let i = 0; i < 9; i++) channel.basicPublish("", "q", String(i));
    // Which it is, the first of them or all nine, depends on how they were read from the socket.
    expect(text(await some)[0]).to.equal("0");
    await stillPending(ten);
    channel.basicPublish("", "q", "9");
    expect(text(await ten)).to.deep.equal([..."0123456789"]);
    expect(text(await broker.queue("q").waitForMessages(2))).to.have.length(10);
  });

  it("goes on when a queue is purged, expires, or is published to from outside", async () => {
    const queue = broker.queue("q").declare();
    broker.publish("", "q", "1", { expiration: "20" });
    const emptied = queue.waitUntilEmpty();
    await emptied;
    broker.publish("", "q", "2");
    const gone = queue.waitForMessages(0);
    queue.purge();
    expect(await gone).to.deep.equal([]);
    const back = queue.waitForMessages();
    broker.publish("", "q", "3");
    expect(text(await back)).to.deep.equal(["3"]);
    const deleted = broker.waitFor(() => !queue.exists);
    queue.delete();
    expect(await deleted).to.equal(true);
    const idle = broker.queue("idle").declare({ arguments: { "x-expires": 20 } });
    await broker.waitFor(() => !idle.exists);
  });

  it("knows a queue as empty when all that was delivered is acknowledged", async () => {
    const empty = broker.queue("q").waitUntilEmpty();
    await stillPending(empty); // a queue that does not exist is not empty
    await channel.queueDeclare("q");
    await empty;
    broker.publish("", "q", "1");
    const worked = broker.queue("q").waitUntilEmpty();
    const delivery = await channel.basicGet("q");
    await stillPending(worked);
    delivery?.ack();
    await worked;
  });

  it("gives consumers, and knows when there are none", async () => {
    const two = broker.queue("q").waitForConsumers(2);
    await channel.queueDeclare("q");
    await channel.basicConsume("q", { consumerTag: "one" });
    await stillPending(two);
    await channel.basicConsume("q", { consumerTag: "two" });
    expect((await two).map(({ consumerTag }) => consumerTag)).to.deep.equal(["one", "two"]);
    const none = broker.queue("q").waitForConsumers(0);
    await stillPending(none);
    await channel.close();
    expect(await none).to.deep.equal([]);
  });

  it("gives connections, one that is like this, and knows when there are none", async () => {
    const two = broker.waitForConnections(2);
    const named = broker.waitForConnection(({ connectionName }) => connectionName === "other");
    await stillPending(two);
    const other = await connect(broker.url, { connectionName: "other" });
    expect(await two)
      .to.equal(await two)
      .and.to.have.length(2);
    const view = await named;
    expect(view).to.equal((await two)[1]);
    expect(await broker.waitForConnection("other")).to.equal(view);
    const nobody = await failure(broker.waitForConnection("nobody", { timeoutMs: 1 }));
    expect(nobody.message).to.include("for a connection named 'nobody'; the broker has 2 conn");
    const closed = view.waitUntilClosed();
    const none = broker.waitForConnections(0);
    await other.close();
    await closed;
    await stillPending(none);
    connection.destroy();
    expect(await none).to.deep.equal([]);
  });

  it("gives what a condition gives, and looks whenever a client has done something", async () => {
    let looks = 0;
    const mode = broker.waitFor(() => {
      looks++;
      return broker.connections[0]?.channels.find((each) => each.mode === "confirm");
    });
    await stillPending(mode);
    expect(looks).to.equal(1); // nothing happened
    await channel.confirmSelect();
    expect(await mode).to.include({ number: 1, mode: "confirm" });
    expect(await broker.waitFor(() => "at once")).to.equal("at once");
    const fault = new Error("of the test");
    const thrown = broker.waitFor(() => {
      if (broker.queue("q").exists) throw fault;
    });
    broker.queue("q").declare();
    expect(await failure(thrown, Error)).to.equal(fault);
  });

  describe("that is not fulfilled", () => {
    let timers: TimerWatch;
    beforeEach(() => {
      timers = TimerWatch.start();
    });
    afterEach(() => timers.stop());

    it("says what was there instead, and where the test waited", async () => {
      broker.queue("jobs").declare();
      broker.publish("", "jobs", "x");
      broker.publish("", "jobs", "y");
      await channel.basicGet("jobs");
      const late = { timeoutMs: 5 };
      const messages = await failure(broker.queue("jobs").waitForMessages(2, late), TimeoutError);
      expect(messages.message).to.equal(
        "waited 5 ms for queue 'jobs' in vhost '/' to have 2 messages; " +
          "it has 1 message ready, 1 unacknowledged, and no consumers",
      );
      expect(messages.stack).to.include("broker-waits.test.ts");
      expect(messages.stack).to.match(/^TimeoutError: waited 5 ms for queue /);
      const missing = await failure(broker.queue("job").waitForConsumers(1, late), TimeoutError);
      expect(missing.message).to.equal(
        "waited 5 ms for queue 'job' in vhost '/' to have 1 consumer; " +
          "there is no such queue, but 'jobs'",
      );
      const there =
        "the broker has 1 connection: 'waits' of guest (channels 1), " +
        "and 1 queue: 'jobs' (1 ready, 1 unacknowledged, no consumers)";
      const connections = await failure(broker.waitForConnections(3, late), TimeoutError);
      expect(connections.message).to.equal(`waited 5 ms for 3 connections; ${there}`);
      const never = await failure(
        broker.waitFor(() => broker.port === 0, late),
        TimeoutError,
      );
      expect(never.message).to.equal(`waited 5 ms for () => broker.port === 0; ${there}`);
      const [view] = broker.connections;
      const open = await failure(view?.waitUntilClosed(late) as Promise<void>, TimeoutError);
      expect(open.message).to.match(
        /^waited 5 ms for connection \S+ -> \S+ to be closed; it is open$/,
      );
      expect(timers.pending).to.equal(0);
    });

    it("ends by its signal", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const wait = failure(broker.queue("q").waitForMessages(1, { signal }), AbortError);
      controller.abort("enough");
      const error = await wait;
      expect(error.message).to.match(
        /^aborted while waiting for queue 'q' in vhost '\/' to have 1 message;/,
      );
      expect(error.cause).to.equal("enough");
      const again = await failure(broker.waitForConnections(5, { signal }), AbortError);
      expect(again.cause).to.equal("enough");
      expect(await broker.waitForConnections(1, { signal })).to.have.length(1);
      expect(timers.pending).to.equal(0);
    });

    it("ends when the broker stops, at once if it has stopped", async () => {
      const idle = await startBroker();
      const waits = [
        failure(idle.queue("q").waitForMessages(1, { timeoutMs: Infinity }), AbortError),
        failure(idle.waitForConnections(), AbortError),
      ];
      await idle.stop();
      for (const { message } of await Promise.all(waits)) {
        expect(message).to.match(/^the broker was stopped while waiting for (queue|1 )/);
      }
      await failure(
        idle.waitFor(() => false),
        AbortError,
      );
      expect(await idle.waitForConnections(0)).to.deep.equal([]);
      expect(timers.pending).to.equal(0);
    });

    it("ends by itself, after what the broker was started with", async () => {
      const hasty = await startBroker({ waitTimeoutMs: 3 });
      const error = await failure(hasty.waitForConnections(), TimeoutError);
      expect(error.message).to.match(
        /^waited 3 ms for 1 connection; the broker has no connections, and/,
      );
      await hasty.stop();
      // With the default, the deadline is there, and well before Jest's and Vitest's.
      const wait = failure(broker.waitForConnections(9));
      expect(timers.pending).to.equal(1);
      await broker.stop();
      await wait;
    });

    it("ends with what its condition throws, whatever that is", async () => {
      for (const thrown of [new Error("mine"), undefined, 0]) {
        let looks = 0;
        const wait = broker.waitFor(() => {
          if (looks++ > 0) throw thrown;
          return false;
        });
        const ended = wait.then(
          () => "fulfilled",
          (error: unknown) => [error],
        );
        broker.queue("q").declare().purge();
        expect(await ended).to.deep.equal([thrown]);
      }
    });

    it("is refused where its condition is asynchronous, and so would always be fulfilled", async () => {
      const error = await failure(broker.waitFor(async () => false));
      expect(error).to.be.instanceOf(UsageError).with.property("message").that.includes("promise");
    });

    it("is refused where it makes no sense", async () => {
      for (const count of [-1, 0.5, Number.NaN]) {
        await failure(broker.queue("q").waitForMessages(count), UsageError);
      }
      await failure(broker.waitForConnections(1, { timeoutMs: -1 }), UsageError);
      const failed = await failure(startBroker({ waitTimeoutMs: Number.NaN }), UsageError);
      expect(failed.message).to.include("waitTimeoutMs is NaN");
      await until(() => timers.pending === 0);
    });
  });
});
