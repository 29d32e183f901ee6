/** What our own publisher, and amqplib's, make of each fault: the outcomes that design promises. */
import { once } from "node:events";
import amqp from "amqplib";
import { expect } from "chai";
import {
  type Connection,
  ConnectionLostError,
  connect,
  PublishError,
  type Publisher,
  ReturnedError,
} from "../../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../../src/testing.ts";

describe("with a fault, a publisher", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  let publisher: Publisher;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url, { connectionName: "tested" });
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    publisher = await connection.openPublisher();
  });
  afterEach(async () => {
    connection.destroy();
    await broker.stop();
  });

  /** So many publishes in one go, and what each came to: "confirmed" or the outcome. */
  async function outcomes(count = 1, options = {}): Promise<string[]> {
    return settled(
      Array.from({ length: count }, (_, i) => publisher.publish("", "q", `${i + 1}`, options)),
    );
  }

  async function settled(publishes: readonly Promise<unknown>[]): Promise<string[]> {
    return (await Promise.allSettled(publishes)).map((result) => {
      if (result.status === "fulfilled") return "confirmed";
      expect(result.reason).to.be.an.instanceOf(PublishError);
      return (result.reason as PublishError).outcome;
    });
  }

  function count(): number {
    return broker.queue("q").messageCount;
  }

  it("says nacked of a nack, wherever the message is", async () => {
    broker.faults.nack({ after: 1 });
    broker.faults.nack({ after: 2, store: true });
    expect(await outcomes(4)).to.deep.equal(["confirmed", "nacked", "confirmed", "nacked"]);
    expect(count()).to.equal(3);
  });

  it("says returned of a mandatory publish that came back, with the words of the broker", async () => {
    broker.faults.return({ replyCode: 313, replyText: "NO_CONSUMERS", after: 1 });
    const publishes = [1, 2, 3].map((i) => publisher.publish("", "q", `${i}`, { mandatory: true }));
    expect(await settled(publishes)).to.deep.equal(["confirmed", "returned", "confirmed"]);
    const error = await publishes[1]?.catch((reason: unknown) => reason);
    expect(error).to.be.an.instanceOf(ReturnedError);
    expect((error as ReturnedError).returned).to.include({ replyCode: 313 });
    expect(count()).to.equal(2);
  });

  it("believes a broker that lies", async () => {
    broker.faults.lose();
    expect(await outcomes(2)).to.deep.equal(["confirmed", "confirmed"]);
    expect(count()).to.equal(1);
  });

  it("says unknown when a confirm never comes: at its deadline, or when the connection is lost", async () => {
    broker.faults.dropConfirm({ after: 1 });
    expect(await outcomes(3, { timeoutMs: 100 })).to.deep.equal([
      ...["confirmed", "unknown", "confirmed"],
    ]);
    broker.faults.dropConfirm();
    const publishes = [1, 2].map((i) => publisher.publish("", "q", `${i}`));
    await publishes[1];
    broker.faults.cut({ how: "reset" });
    expect(await settled(publishes)).to.deep.equal(["unknown", "confirmed"]);
    expect(await connection.closed).to.be.an.instanceOf(ConnectionLostError);
    expect(count()).to.equal(5);
  });

  it("settles each by its own confirm, late, shuffled, twice, together, in pieces", async () => {
    const { faults } = broker;
    faults.confirms({ batch: 7, delayMs: 20, order: "shuffled", multiple: "random" });
    faults.split({ octets: 5, random: true });
    faults.delay({ ms: 1, jitterMs: 3 });
    faults.nack({ count: 10, predicate: ({ body }) => Buffer.from(body).toString().endsWith("3") });
    faults.duplicateConfirm({ count: 10, after: 20 });
    const expected = Array.from({ length: 100 }, (_, i) => (i % 10 === 2 ? "nacked" : "confirmed"));
    expect(await outcomes(100), `seed ${broker.seed}`).to.deep.equal(expected);
    expect(publisher.unconfirmed).to.equal(0);
    expect(count()).to.equal(90);
  });

  it("waits for confirms that are held", async () => {
    const held = broker.faults.holdConfirms();
    const publishes = [1, 2, 3].map((i) => publisher.publish("", "q", `${i}`));
    await held.waitForStrikes(3);
    held.release(1);
    await publishes[0];
    expect(publisher.unconfirmed).to.equal(2);
    held.clear();
    expect(await settled(publishes)).to.deep.equal(["confirmed", "confirmed", "confirmed"]);
  });

  it("says unprocessed of what came after a publish that was refused", async () => {
    broker.faults.refuse("basic.publish", {
      ...{ replyCode: 404, replyText: "NOT_FOUND - no exchange 'a' in vhost '/'", after: 1 },
    });
    const publishes = ["", "a", ""].map((exchange) => publisher.publish(exchange, "q", "x"));
    expect(await settled(publishes)).to.deep.equal(["unknown", "refused", "unprocessed"]);
    expect(count()).to.equal(1);
  });

  it("says unknown where a channel is closed for no fault of a publish", async () => {
    const held = broker.faults.holdConfirms();
    const publishes = [1, 2].map((i) => publisher.publish("", "q", `${i}`));
    await held.waitForStrikes(2);
    broker.faults.closeChannels({ replyCode: 406, replyText: "PRECONDITION_FAILED - so there" });
    expect(await settled(publishes)).to.deep.equal(["unknown", "unknown"]);
    expect(await publisher.closed).to.include({ replyCode: 406 });
    expect(connection.blockedReason).to.equal(undefined);
  });

  it("breaks off a channel on which a tag is confirmed that it never had", async () => {
    broker.faults.send({ name: "basic.ack", deliveryTag: 5, multiple: false });
    expect(await publisher.closed).to.include({ replyCode: 406 });
  });

  it("says unknown of what an operator's close left open, and unsent of what comes after", async () => {
    broker.faults.dropConfirm({ store: true });
    const publish = publisher.publish("", "q", "1");
    await broker.queue("q").waitForMessages(1);
    broker.faults.closeConnections({ connection: "tested" });
    expect(await settled([publish])).to.deep.equal(["unknown"]);
    expect(await connection.closed).to.include({ replyCode: 320 });
    expect(await outcomes()).to.deep.equal(["unsent"]);
  });

  it("is blocked and goes on, and its deadlines stand still", async () => {
    const blocked = once(connection, "blocked");
    const fault = broker.faults.block({ reason: "no room" });
    const publishes = [1, 2].map((i) => publisher.publish("", "q", `${i}`, { timeoutMs: 300 }));
    expect(await blocked).to.deep.equal(["no room"]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const unblocked = once(connection, "unblocked");
    fault.clear();
    await unblocked;
    expect(await settled(publishes)).to.deep.equal(["confirmed", "confirmed"]);
  });

  it("holds back while the broker asks it to", async () => {
    const fault = broker.faults.stopFlow();
    expect(fault.struck).to.equal(2);
    await (await connection.openChannel()).close(); // so the answers are through
    const publish = publisher.publish("", "q", "1");
    await (await connection.openChannel()).close();
    expect(count()).to.equal(0);
    fault.clear();
    expect(await settled([publish])).to.deep.equal(["confirmed"]);
  });

  for (const [what, options, stored] of [
    ["on a publish", { on: "basic.publish", after: 2 }, 2],
    ["inside of one", { inside: "basic.publish", after: 2 }, 2],
  ] as const) {
    it(`says unknown of what was cut off, ${what}`, async () => {
      broker.faults.cut(options);
      expect(await outcomes(4)).to.deep.equal(["confirmed", "confirmed", "unknown", "unknown"]);
      expect(count()).to.equal(stored);
    });
  }

  it("says unknown of a message whose confirm was cut in the middle", async () => {
    broker.faults.cut({ inside: "basic.ack" });
    expect(await outcomes()).to.deep.equal(["unknown"]);
    expect(count()).to.equal(1);
  });

  it("is told where connecting failed", async () => {
    for (const [set, phase] of [
      [() => broker.faults.refuseConnections({ count: 1, how: "end" }), "handshake"],
      [() => broker.faults.refuse("connection.start-ok", { replyCode: 403 }), "authentication"],
      [() => broker.faults.cut({ on: "connection.open" }), "open"],
      [() => broker.faults.refuse("connection.open", { replyCode: 530 }), "open"],
    ] as const) {
      const fault = set();
      const failure = await connect(broker.url).catch((error: unknown) => error);
      expect(failure, fault.name).to.include({ phase });
      expect(await fault.done).to.equal(1);
    }
    const silent = broker.faults.refuseConnections({ how: "silence" });
    const options = { connectTimeoutMs: 100 };
    const failure = await connect(broker.url, options).catch((error: Error) => error);
    expect(failure).to.be.an.instanceOf(Error);
    expect(silent.struck).to.equal(1);
  });

  it("of amqplib's sees nacks, returns and lost connections", async () => {
    const other = await amqp.connect(broker.url);
    const failed = once(other, "error");
    const channel = await other.createConfirmChannel();
    const returned = once(channel, "return");
    const send = (): Promise<string> =>
      new Promise((resolve) => {
        channel.sendToQueue("q", Buffer.from("x"), {}, (error) => resolve(error ? "failed" : "ok"));
      });
    broker.faults.nack();
    broker.faults.return();
    expect(await Promise.all([send(), send(), send()])).to.deep.equal(["failed", "ok", "ok"]);
    expect((await returned)[0].fields).to.include({ replyText: "NO_ROUTE" });
    broker.faults.cut({ inside: "basic.ack", connection: ({ id }) => id === 2 });
    void send();
    expect((await failed)[0]).to.be.an.instanceOf(Error);
  });

  it("of amqplib's is blocked, and consumers of amqplib's are cancelled", async () => {
    const other = await amqp.connect(broker.url);
    const channel = await other.createConfirmChannel();
    const blocked = once(other, "blocked");
    const fault = broker.faults.block({ reason: "low on disk", connection: ({ id }) => id === 2 });
    channel.sendToQueue("q", Buffer.from("x"));
    expect((await blocked)[0]).to.equal("low on disk");
    const unblocked = once(other, "unblocked");
    fault.clear();
    await unblocked;
    await channel.waitForConfirms();
    const messages: unknown[] = [];
    await channel.consume("q", (message) => messages.push(message?.fields.redelivered ?? null));
    await broker.waitFor(() => messages.length === 1);
    broker.faults.redeliver();
    broker.faults.cancelConsumers();
    await broker.waitFor(() => messages.length === 3).catch(() => {});
    await channel.checkQueue("q");
    expect(messages).to.deep.equal([false, true, null]);
    await other.close();
  });
});
