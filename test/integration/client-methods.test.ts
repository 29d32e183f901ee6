import { expect } from "chai";
import {
  type Channel,
  ChannelClosedError,
  type Connection,
  ConnectionClosedError,
  type ConsumedDelivery,
  connect,
  UsageError,
} from "../../src/index.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { failure, until, within } from "../support/environment.ts";

/** Each method that a client may send, by its name in the specification, as brokers answer it. */
againstBothBrokers("every method", (url) => {
  let connection: Connection;
  let channel: Channel;
  let count = 0;
  const unique = (what: string): string => `amqp091-test-${process.pid}-m-${what}-${++count}`;

  beforeEach(async () => {
    connection = await connect(url());
    channel = await connection.openChannel();
  });
  afterEach(() => connection.close());

  async function ownQueue(...bodies: readonly string[]): Promise<string> {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    for (const body of bodies) channel.basicPublish("", queue, body);
    await eventually(async () => (await ready(queue)) === bodies.length);
    return queue;
  }

  async function ready(queue: string): Promise<number> {
    return (await channel.queueDeclare(queue, { passive: true })).messageCount;
  }

  /** What the broker does behind its answer is done soon. */
  async function eventually(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition()));
  }

  /** Why the connection ends, whose channel the call was on. */
  async function endOfConnection(call: Promise<unknown>): Promise<ConnectionClosedError> {
    const error = await failure(call, ConnectionClosedError);
    expect(await connection.closed).to.equal(error);
    return error;
  }

  it("connection.update-secret is answered", async () => {
    await connection.updateSecret("a fresh token", "the old one expires");
    await connection.openChannel();
  });

  describe("channel.flow", () => {
    it("resumes what was never paused", async () => {
      expect(await channel.channelFlow(true)).to.deep.equal({ active: true });
    });

    it("is refused where it would pause", async () => {
      const error = await endOfConnection(channel.channelFlow(false));
      expect(error).to.include({ replyCode: 540, method: "channel.flow" });
    });
  });

  describe("with nowait", () => {
    it("exchange.declare, exchange.bind, exchange.unbind and exchange.delete keep their order", async () => {
      const [source, destination] = [unique("source"), unique("destination")];
      const queue = await ownQueue();
      const nowait = { nowait: true } as const;
      await Promise.all([
        channel.exchangeDeclare(source, "fanout", nowait),
        channel.exchangeDeclare(destination, "fanout", nowait),
        channel.queueBind(queue, destination, "", {}, nowait),
        channel.exchangeBind(destination, source, "", {}, nowait),
      ]);
      channel.basicPublish(source, "", "in");
      await eventually(async () => (await ready(queue)) === 1);
      await channel.exchangeUnbind(destination, source, "", {}, nowait);
      channel.basicPublish(source, "", "out");
      channel.basicPublish(destination, "", "in");
      await eventually(async () => (await ready(queue)) === 2);
      await channel.exchangeDelete(source, nowait);
      await channel.exchangeDelete(destination, nowait);
      const gone = failure(channel.exchangeDeclare(source, "fanout", { passive: true }));
      expect(await gone).to.include({ replyCode: 404 });
    });

    it("queue.declare, queue.bind, queue.unbind, queue.purge and queue.delete keep their order", async () => {
      const queue = unique("queue");
      const nowait = { nowait: true } as const;
      expect(await channel.queueDeclare(queue, { exclusive: true, ...nowait })).to.equal(undefined);
      await channel.queueBind(queue, "amq.fanout", "", {}, nowait);
      channel.basicPublish("", queue, "gone");
      expect(await channel.queuePurge(queue, nowait)).to.equal(undefined);
      expect(await ready(queue)).to.equal(0);
      await channel.queueUnbind(queue, "amq.fanout", "");
      expect(await channel.queueDelete(queue, nowait)).to.equal(undefined);
      const gone = failure(channel.queueDeclare(queue, { passive: true }));
      expect(await gone).to.include({ replyCode: 404 });
    });

    it("queue.declare of an empty name makes a queue that an empty name stands for", async () => {
      await channel.queueDeclare("", { exclusive: true, nowait: true });
      channel.basicPublish("", "", "nowhere: no queue has an empty name");
      expect(await channel.queueDelete("")).to.deep.equal({ messageCount: 0 });
    });

    it("confirm.select numbers the publishes behind it", async () => {
      const queue = await ownQueue();
      const selecting = channel.confirmSelect({ nowait: true });
      expect(channel.basicPublish("", queue, "first")).to.equal(1);
      await selecting;
      await channel.waitForConfirms();
    });

    it("basic.consume and basic.cancel start and end a consumer", async () => {
      const queue = await ownQueue("one", "two");
      const deliveries: ConsumedDelivery[] = [];
      channel.on("deliver", (delivery) => deliveries.push(delivery));
      const { consumerTag } = await channel.basicConsume(queue, { nowait: true });
      expect(consumerTag).to.not.equal("");
      await until(() => deliveries.length === 2);
      await channel.basicCancel(consumerTag, { nowait: true });
      channel.basicAck(2, { multiple: true });
      channel.basicPublish("", queue, "three");
      await eventually(async () => (await ready(queue)) === 1);
      expect(deliveries.map((each) => each.consumerTag)).to.deep.equal([consumerTag, consumerTag]);
    });

    it("tells of a refusal by the close of the channel", async () => {
      const queue = await ownQueue();
      await channel.queueBind(queue, unique("missing"), "", {}, { nowait: true });
      const error = await within(5000, channel.closed);
      expect(error).to.be.instanceOf(ChannelClosedError);
      expect(error).to.include({ replyCode: 404, method: "queue.bind" });
      expect(await failure(channel.queuePurge(queue, { nowait: true }))).to.equal(error);
    });
  });

  describe("basic.qos", () => {
    it("bounds what one consumer holds", async () => {
      const queue = await ownQueue("1", "2", "3");
      let delivered = 0;
      channel.on("deliver", () => delivered++);
      await channel.basicQos({ prefetchCount: 2 });
      await channel.basicConsume(queue);
      await until(() => delivered === 2);
      expect(await ready(queue)).to.equal(1);
      channel.basicAck(1);
      await until(() => delivered === 3);
    });

    it("bounds with `global` what all consumers of a channel hold", async () => {
      const [one, other] = [await ownQueue("1", "2"), await ownQueue("3", "4")];
      let delivered = 0;
      channel.on("deliver", () => delivered++);
      await channel.basicQos({ prefetchCount: 3, global: true });
      await channel.basicConsume(one);
      await channel.basicConsume(other);
      await until(() => delivered === 3);
      expect((await ready(one)) + (await ready(other))).to.equal(1);
    });

    it("is refused for a number of octets", async () => {
      const call = channel.basicQos({ prefetchCount: 0, prefetchSize: 1000 });
      expect(await endOfConnection(call)).to.include({ replyCode: 540, method: "basic.qos" });
    });

    it("refuses what is no number of messages", async () => {
      for (const prefetchCount of [-1, 65_536, 1.5, Number.NaN]) {
        await failure(channel.basicQos({ prefetchCount }), UsageError);
      }
      await channel.basicQos({ prefetchCount: 65_535 });
    });
  });

  describe("basic.consume", () => {
    it("gives what the broker calls the consumer, and its messages as events", async () => {
      const queue = await ownQueue();
      const deliveries: ConsumedDelivery[] = [];
      channel.on("deliver", (delivery) => deliveries.push(delivery));
      const { consumerTag } = await channel.basicConsume(queue, { noAck: true });
      expect(consumerTag).to.match(/^amq\.ctag-/);
      channel.basicPublish("", queue, "x", { type: "t" });
      await until(() => deliveries.length === 1);
      expect(deliveries[0]).to.include({
        consumerTag,
        deliveryTag: 1,
        redelivered: false,
        exchange: "",
        routingKey: queue,
      });
      expect(deliveries[0]?.properties).to.deep.equal({ type: "t" });
      expect(Buffer.from(deliveries[0]?.body ?? []).toString()).to.equal("x");
      expect(await channel.basicCancel(consumerTag)).to.deep.equal({ consumerTag });
    });

    it("takes a name once", async () => {
      const queue = await ownQueue();
      expect(await channel.basicConsume(queue, { consumerTag: "mine" })).to.deep.equal({
        consumerTag: "mine",
      });
      await failure(channel.basicConsume(queue, { consumerTag: "mine" }), UsageError);
      await channel.basicCancel("mine");
      await channel.basicConsume(queue, { consumerTag: "mine" });
    });

    it("is told when the queue is deleted", async () => {
      const queue = await ownQueue();
      const cancelled: unknown[] = [];
      channel.on("cancel", (event) => cancelled.push(event));
      await channel.basicConsume(queue, { consumerTag: "c" });
      await channel.queueDelete(queue);
      await until(() => cancelled.length === 1);
      expect(cancelled).to.deep.equal([{ consumerTag: "c" }]);
      expect(await channel.basicCancel("c")).to.deep.equal({ consumerTag: "c" });
    });
  });

  it("basic.cancel leaves open what was delivered", async () => {
    const queue = await ownQueue("1");
    let delivery: ConsumedDelivery | undefined;
    channel.on("deliver", (each) => {
      delivery = each;
    });
    const { consumerTag } = await channel.basicConsume(queue);
    await until(() => delivery !== undefined);
    await channel.basicCancel(consumerTag);
    expect(await ready(queue)).to.equal(0);
    delivery?.nack();
    await eventually(async () => (await ready(queue)) === 1);
  });

  it("basic.publish reaches a queue, basic.get takes it, and basic.ack settles it once", async () => {
    const queue = await ownQueue("1");
    const got = await channel.basicGet(queue);
    expect(got).to.include({ deliveryTag: 1, messageCount: 0 });
    got?.ack();
    expect(() => got?.ack()).to.throw(UsageError, "delivery 1 was settled already, by basic.ack");
    const raw = await connection.openChannel();
    raw.basicAck(1);
    expect(await raw.closed).to.include({ replyCode: 406, method: "basic.ack" });
    expect(await channel.basicGet(queue)).to.equal(undefined);
  });

  it("basic.nack gives back, or with `multiple` drops all up to a tag", async () => {
    const queue = await ownQueue("1", "2", "3");
    const first = await channel.basicGet(queue);
    first?.nack();
    const again = [await channel.basicGet(queue), await channel.basicGet(queue)];
    expect(again.map((each) => each?.redelivered)).to.deep.equal([true, false]);
    again[1]?.nack({ multiple: true, requeue: false });
    expect(() => again[0]?.nack()).to.throw(UsageError, "by basic.nack of all up to 3");
    expect(() => again[0]?.ack()).to.throw(UsageError);
    const last = await channel.basicGet(queue);
    expect(last?.messageCount).to.equal(0);
    channel.basicNack(4, { requeue: false });
    expect(await channel.basicGet(queue)).to.equal(undefined);
  });

  it("basic.reject gives back, or hands on to the dead letters", async () => {
    const dead = await ownQueue();
    const { queue } = await channel.queueDeclare("", {
      exclusive: true,
      arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead },
    });
    channel.basicPublish("", queue, "x");
    let got = await channel.basicGet(queue);
    while (got === undefined) got = await channel.basicGet(queue);
    got.reject();
    const again = await channel.basicGet(queue);
    expect(again?.redelivered).to.equal(true);
    channel.basicReject(2, { requeue: false });
    await eventually(async () => (await ready(dead)) === 1);
    const letter = await channel.basicGet(dead, { noAck: true });
    expect(letter?.properties.headers).to.have.property("x-death");
    expect(() => letter?.ack()).to.throw(UsageError, "noAck");
  });

  describe("basic.recover", () => {
    it("has everything that is open delivered again", async () => {
      const queue = await ownQueue("1", "2");
      const first = await channel.basicGet(queue);
      await channel.basicRecover();
      expect(() => first?.ack()).to.throw(UsageError, "by basic.recover");
      const again = await channel.basicGet(queue);
      expect(again).to.include({ deliveryTag: 2, redelivered: true });
      again?.ack();
      expect(await ready(queue)).to.equal(1);
    });

    it("is refused where it would deliver to the same consumer", async () => {
      const error = await endOfConnection(channel.basicRecover({ requeue: false }));
      expect(error).to.include({ replyCode: 540, method: "basic.recover" });
    });
  });

  it("basic.recover-async does the same, and is never answered", async () => {
    const queue = await ownQueue("1");
    await channel.basicGet(queue);
    channel.basicRecoverAsync();
    await eventually(async () => (await ready(queue)) === 1);
    expect(await channel.basicGet(queue)).to.include({ deliveryTag: 2, redelivered: true });
  });

  describe("tx.select", () => {
    it("keeps publishes back until tx.commit, and tx.rollback drops them", async () => {
      const queue = await ownQueue();
      await channel.txSelect();
      channel.basicPublish("", queue, "kept");
      expect(await ready(queue)).to.equal(0);
      await channel.txCommit();
      await eventually(async () => (await ready(queue)) === 1);
      channel.basicPublish("", queue, "dropped");
      await channel.txRollback();
      await channel.txCommit();
      expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 1 });
    });

    it("keeps acks back as well, and tx.rollback opens the deliveries again", async () => {
      const queue = await ownQueue("1", "2");
      await channel.txSelect();
      const got = [await channel.basicGet(queue), await channel.basicGet(queue)];
      got[1]?.ack({ multiple: true });
      expect(() => got[1]?.ack()).to.throw(UsageError);
      await channel.txRollback();
      got[1]?.ack();
      await channel.txCommit();
      got[0]?.nack();
      await channel.txCommit();
      expect((await channel.basicGet(queue))?.redelivered).to.equal(true);
    });

    it("sends nothing while a commit is under way", async () => {
      const queue = unique("durable");
      await channel.queueDeclare(queue, { durable: true });
      await channel.txSelect();
      channel.basicPublish("", queue, "x", { deliveryMode: 2 });
      await channel.txCommit();
      const got = await channel.basicGet(queue);
      channel.basicPublish("", queue, "x".repeat(1_000_000), { deliveryMode: 2 });
      const committing = channel.txCommit();
      expect(() => channel.basicPublish("", queue, "y")).to.throw(UsageError, "await txCommit()");
      got?.ack(); // waits for the end of the commit, and belongs to the next one
      await committing;
      await channel.txCommit();
      expect(await channel.queueDelete(queue)).to.deep.equal({ messageCount: 1 });
    });

    it("is refused in confirm mode", async () => {
      await channel.confirmSelect();
      expect(await failure(channel.txSelect())).to.include({ replyCode: 406, method: "tx.select" });
    });
  });
});
