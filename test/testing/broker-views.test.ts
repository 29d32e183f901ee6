/** What can be looked at in the embedded broker, and what can be done to it, without a connection. */
import { expect } from "chai";
import { ConnectionClosedError, UsageError } from "../../src/errors.ts";
import { type Channel, type Connection, connect } from "../../src/index.ts";
import { type BrokerEvent, type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure } from "../support/environment.ts";

describe("looking into the embedded broker", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  let channel: Channel;
  let events: BrokerEvent[];
  beforeEach(async () => {
    events = [];
    broker = await startBroker({ vhosts: ["/", "two"], onEvent: (event) => events.push(event) });
    connection = await connect(broker.url, { connectionName: "views", heartbeatSeconds: 7 });
    channel = await connection.openChannel();
  });
  afterEach(async () => {
    connection.destroy();
    await broker.stop();
  });

  const text = (body: Uint8Array): string => Buffer.from(body).toString();

  describe("shows queues", () => {
    it("as they were declared, and as nothing where they were not", async () => {
      const args = { "x-max-length": 5 };
      await channel.queueDeclare("q", { durable: true, arguments: args });
      await channel.queueDeclare("mine", { exclusive: true, autoDelete: true });
      const seen = (queue: Seen) => {
        const { name, vhost, exists, durable, exclusive, autoDelete } = queue;
        return {
          ...{ name, vhost, exists, durable, exclusive, autoDelete },
          arguments: queue.arguments,
        };
      };
      const q = { name: "q", vhost: "/", exists: true };
      const mine = { name: "mine", vhost: "/", exists: true };
      expect(broker.queues().map(seen)).to.deep.equal([
        { ...q, durable: true, exclusive: false, autoDelete: false, arguments: args },
        { ...mine, durable: false, exclusive: true, autoDelete: true, arguments: {} },
      ]);
      const nothing = { durable: undefined, exclusive: undefined, autoDelete: undefined };
      expect(seen(broker.queue("q", "two"))).to.deep.equal({
        ...{ name: "q", vhost: "two", exists: false, ...nothing, arguments: undefined },
      });
      expect(broker.queues("two")).to.deep.equal([]);
    });
    type Seen = ReturnType<EmbeddedBroker["queue"]>;

    it("with their messages and consumers, and what is not settled until it is", async () => {
      await channel.queueDeclare("q");
      const queue = broker.queue("q");
      const counts = () => [queue.messageCount, queue.unacknowledgedCount, queue.consumerCount];
      for (const body of ["a", "b", "c", "d"]) {
        channel.basicPublish("", "q", body, { messageId: body });
      }
      await queue.waitForMessages(4);
      expect(counts()).to.deep.equal([4, 0, 0]);
      const message = queue.messages[1];
      expect(message).to.include({ exchange: "", routingKey: "q", redelivered: false });
      expect([text(message?.body ?? new Uint8Array()), message?.properties]).to.deep.equal([
        "b",
        { messageId: "b" },
      ]);

      await channel.basicQos({ prefetchCount: 3 });
      const { consumerTag } = await channel.basicConsume("q", { consumerTag: "tag" });
      expect(counts()).to.deep.equal([1, 3, 1]);
      const consumer = { consumerTag, queue: "q", noAck: false, exclusive: false };
      const told = [{ ...consumer, priority: 0, prefetch: 3, unacknowledgedCount: 3 }];
      expect(queue.consumers).to.deep.equal(told);
      expect(broker.connections[0]?.channels).to.deep.equal([
        {
          ...{ number: 1, mode: "normal", prefetch: 3, globalPrefetch: 0 },
          ...{ unacknowledgedCount: 3, consumers: told },
        },
      ]);

      channel.basicAck(1);
      await broker.waitFor(() => queue.messageCount === 0);
      expect(counts()).to.deep.equal([0, 3, 1]);
      await channel.basicCancel("tag");
      channel.basicReject(2, { requeue: false });
      channel.basicNack(3, { requeue: true });
      await queue.waitForMessages(1);
      expect(counts()).to.deep.equal([1, 1, 0]);
      expect(queue.messages.map(({ redelivered }) => redelivered)).to.deep.equal([true]);
      await channel.basicGet("q");
      expect(counts()).to.deep.equal([0, 2, 0]);
      await channel.close();
      expect(counts()).to.deep.equal([2, 0, 0]);
      expect(queue.messages.map(({ body }) => text(body))).to.deep.equal(["c", "d"]);
    });

    it("with what a transaction acknowledged, until it commits", async () => {
      broker.queue("q").declare();
      broker.publish("", "q", "1");
      broker.publish("", "q", "2");
      await channel.txSelect();
      for (let i = 0; i < 2; i++) await channel.basicGet("q");
      channel.basicAck(1);
      await channel.basicQos({ prefetchCount: 0 });
      expect(broker.queue("q").unacknowledgedCount).to.equal(2);
      await channel.txCommit();
      expect(broker.queue("q").unacknowledgedCount).to.equal(1);
      expect(broker.connections[0]?.channels[0]?.mode).to.equal("transaction");
    });
  });

  it("shows exchanges and bindings", async () => {
    await channel.exchangeDeclare("x", "topic", { durable: true, internal: true });
    await channel.exchangeDeclare("y", "headers", { autoDelete: true });
    await channel.queueDeclare("q");
    const args = { "x-match": "any", kind: "a" };
    await channel.exchangeBind("x", "y", "", args);
    await channel.queueBind("q", "x", "a.#");
    const { type, durable, internal, autoDelete, exists } = broker.exchange("x");
    expect([type, durable, internal, autoDelete, exists]).to.deep.equal([
      ...["topic", true, true, false, true],
    ]);
    const toQueue = { source: "x", destination: "q", destinationType: "queue" };
    const toExchange = { source: "y", destination: "x", destinationType: "exchange" };
    expect(broker.bindings()).to.deep.equal([
      { ...toQueue, routingKey: "a.#", arguments: {} },
      { ...toExchange, routingKey: "", arguments: args },
    ]);
    expect(broker.exchange("y").bindings).to.deep.equal([broker.bindings()[1]]);
    expect(broker.exchange("z").exists).to.equal(false);
    expect(broker.exchange("z").type).to.equal(undefined);
    expect(broker.exchanges().map(({ name }) => name)).to.deep.equal([
      ...["", "amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "x", "y"],
    ]);
  });

  it("shows why a connection is blocked, for as long as it is", async () => {
    const [view] = broker.connections;
    const fault = broker.faults.block({ reason: "no room" });
    // Under an alarm, but it has not published anything.
    expect(view?.blocked).to.equal(undefined);
    const idle = await connect(broker.url);
    channel.basicPublish("", "q", "1");
    const blocked = await broker.waitForConnection((each) => each.blocked !== undefined);
    expect([blocked, blocked.blocked]).to.deep.equal([view, "no room"]);
    expect(broker.connections.map((each) => each.blocked)).to.deep.equal(["no room", undefined]);
    const second = broker.faults.block({ reason: "no memory" });
    fault.clear();
    expect(view?.blocked).to.equal("no room");
    second.clear();
    expect(view?.blocked).to.equal(undefined);
    broker.faults.block({ reason: "at once", atOnce: true });
    expect(broker.connections.map((each) => each.blocked)).to.deep.equal(["at once", "at once"]);
    view?.close();
    expect(view?.blocked).to.equal(undefined);
    idle.destroy();
  });

  it("shows connections and channels", async () => {
    const other = await connect(broker.url, { vhost: "two", frameMax: 5000, channelMax: 9 });
    const [first, second, ...more] = broker.connections;
    expect(more).to.deep.equal([]);
    expect(first).to.include({ connectionName: "views", user: "guest", vhost: "/", open: true });
    expect(first?.name).to.match(
      new RegExp(`^127\\.0\\.0\\.1:\\d+ -> 127\\.0\\.0\\.1:${broker.port}$`),
    );
    expect(first?.clientProperties["product"]).to.equal("amqp091");
    expect(first?.tuning).to.deep.equal({ ...connection.tuning, heartbeatSeconds: 7 });
    expect(second).to.include({ connectionName: undefined, vhost: "two" });
    expect(second?.tuning).to.include({ frameMax: 5000, channelMax: 9 });
    expect(broker.connections[0]).to.equal(first);

    const publisher = await connection.openPublisher();
    await channel.basicQos({ prefetchCount: 10, global: true });
    const channels = first?.channels.map(({ mode, prefetch, globalPrefetch }) => [
      ...[mode, prefetch, globalPrefetch],
    ]);
    expect(channels).to.deep.equal([
      ["normal", 0, 10],
      ["confirm", 0, 0],
    ]);
    await publisher.close();
    expect(first?.channels.map(({ number }) => number)).to.deep.equal([1]);

    await connection.close();
    await broker.waitForConnections(1);
    expect(broker.connections).to.deep.equal([second]);
    expect(first).to.include({ open: false, user: "guest" });
    expect(first?.channels).to.deep.equal([]);
    await other.close();
  });

  it("closes a connection as RabbitMQ's management plugin does, or as it is told", async () => {
    const [view] = broker.connections;
    const other = await connect(broker.url);
    view?.close();
    expect(view?.open).to.equal(false);
    expect(await connection.closed)
      .to.be.an.instanceOf(ConnectionClosedError)
      .and.include({
        replyCode: 320,
        replyText: "CONNECTION_FORCED - Closed via management plugin",
      });
    const [second] = broker.connections;
    expect(() => second?.close({ replyCode: 65_536 })).to.throw(UsageError, "replyCode is 65536");
    second?.close({ replyCode: 541, replyText: "on purpose" });
    expect(await other.closed).to.include({ replyCode: 541, replyText: "on purpose" });
    second?.close();
    await second?.waitUntilClosed();
  });

  it("declares, binds, publishes, purges and deletes", async () => {
    broker.exchange("x").declare("fanout", { durable: true });
    broker.exchange("y").declare("direct").bind("x", "k");
    const queue = broker.queue("q").declare({ durable: true, arguments: { "x-max-priority": 3 } });
    expect(queue.bind("y", "k")).to.equal(queue);
    expect(queue.arguments).to.deep.equal({ "x-max-priority": 3 });
    const body = new Uint8Array([1, 2, 3]);
    const headers = { n: 5, when: new Date(1_000_000_000_000), deep: { list: [1, "a"] } };
    const properties = { headers, priority: 2, userId: "anybody" };
    expect(broker.publish("x", "k", body, properties)).to.deep.equal(["q"]);
    body.fill(0); // it has a copy
    expect(broker.publish("x", "other", "")).to.deep.equal([]);
    const delivery = await channel.basicGet("q");
    expect([...(delivery?.body ?? [])]).to.deep.equal([1, 2, 3]);
    expect(delivery?.properties).to.deep.equal(properties);
    const large = "x".repeat(300_000);
    expect(broker.publish("", "q", large)).to.deep.equal(["q"]);
    expect((await channel.basicGet("q"))?.body.length).to.equal(300_000);

    broker.publish("", "q", "1");
    broker.publish("", "q", "2");
    expect(queue.purge()).to.equal(2);
    broker.publish("", "q", "3");
    expect(queue.delete()).to.equal(1);
    expect([queue.exists, queue.delete(), queue.purge()]).to.deep.equal([false, 0, 0]);
    broker.exchange("y").delete();
    expect(broker.exchange("y").exists).to.equal(false);
    expect(broker.bindings()).to.deep.equal([]);
    expect(broker.queue("q", "two").declare().vhost).to.equal("two");
    expect(broker.publish("", "q", "", {}, "two")).to.deep.equal(["q"]);
  });

  it("delivers what is published from outside to those who consume, and tells who is deleted", async () => {
    broker.queue("q").declare();
    const cancelled = new Promise((resolve) => channel.on("cancel", resolve));
    const got = new Promise<string>((resolve) =>
      channel.on("deliver", ({ body }) => resolve(text(body))),
    );
    await channel.basicConsume("q", { consumerTag: "c", noAck: true });
    broker.publish("", "q", "hello");
    expect(await got).to.equal("hello");
    broker.queue("q").delete();
    await cancelled;
  });

  it("refuses what RabbitMQ refuses, with its words, and what cannot be sent", async () => {
    await channel.queueDeclare("mine", { exclusive: true });
    broker.queue("q").declare();
    const refused: [what: string, work: () => unknown][] = [
      [
        "inequivalent arg 'durable' for queue 'q'",
        () => broker.queue("q").declare({ durable: true }),
      ],
      ["cannot obtain exclusive access to locked", () => broker.queue("mine").declare()],
      ["no exchange 'none' in vhost '/'", () => broker.queue("q").bind("none")],
      ["no exchange 'none' in vhost '/'", () => broker.publish("none", "", "")],
      ["no queue 'none' in vhost '/'", () => broker.queue("none").bind("amq.topic")],
      ["reserved prefix", () => broker.exchange("amq.x").declare("direct")],
      ["invalid expiration", () => broker.publish("", "q", "", { expiration: "soon" })],
      ["larger than", () => broker.publish("", "q", new Uint8Array(17_000_000))],
      ["queue is 256 octets long", () => broker.queue("x".repeat(256)).declare()],
      ["no vhost 'three'; there are: '/', 'two'", () => broker.queues("three")],
    ];
    for (const [what, work] of refused) expect(work, what).to.throw(UsageError, what);
    broker.queue("mine").bind("amq.topic", "k"); // somebody else's, but not for a test
    expect(broker.publish("amq.topic", "k", "")).to.deep.equal(["mine"]);
  });

  describe("tells of events", () => {
    const plain = () =>
      events.map((event) =>
        "connection" in event ? { ...event, connection: event.connection.connectionName } : event,
      );

    it("of queues, exchanges, channels and connections, in order", async () => {
      await channel.exchangeDeclare("x", "direct", { autoDelete: true });
      await channel.queueDeclare("q");
      await channel.queueBind("q", "x", "");
      await channel.queueDelete("q");
      await failure(channel.queueDeclare("q", { passive: true }));
      await connection.close();
      await broker.waitFor(() => plain().length === 7);
      const of = { connection: "views" };
      expect(plain()).to.deep.equal([
        { type: "connectionOpened", ...of },
        { type: "exchangeDeclared", name: "x", vhost: "/" },
        { type: "queueDeclared", name: "q", vhost: "/" },
        { type: "exchangeDeleted", name: "x", vhost: "/" },
        { type: "queueDeleted", name: "q", vhost: "/" },
        {
          ...{ type: "channelClosed", ...of, channel: 1, replyCode: 404 },
          replyText: "NOT_FOUND - no queue 'q' in vhost '/'",
        },
        { type: "connectionClosed", ...of, by: "client", replyCode: 200, replyText: "closed" },
      ]);
    });

    it("of connections that the broker, the network or nobody ended", async () => {
      broker.connections[0]?.close();
      const lost = await connect(broker.url, { connectionName: "lost" });
      lost.destroy();
      await failure(connect(`amqp://guest:wrong@127.0.0.1:${broker.port}`));
      await failure(connect(broker.url, { vhost: "none" }));
      await broker.waitFor(() => events.length === 6);
      const told = plain().map((event) => [
        event.type,
        "by" in event ? event.by : "reason" in event ? event.reason.slice(0, 50) : "",
      ]);
      expect(told).to.have.deep.members([
        ["connectionOpened", ""],
        ["connectionOpened", ""],
        ["connectionClosed", "broker"],
        ["connectionClosed", "network"],
        ["connectionRefused", "ACCESS_REFUSED - Login was refused using authentic"],
        ["connectionRefused", "NOT_ALLOWED - vhost none not found"],
      ]);
    });
  });
});
