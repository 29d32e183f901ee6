import { expect } from "chai";
import {
  type Channel,
  ChannelClosedError,
  type Connection,
  ConnectionClosedError,
  connect,
  tagged,
} from "../../src/index.ts";
import { failure } from "../support/environment.ts";
import { integration } from "../support/rabbitmq.ts";

/** The protocol, method by method, as RabbitMQ answers it. */
integration("Channel against RabbitMQ", (broker) => {
  let connection: Connection;
  let channel: Channel;
  let count = 0;
  const unique = (what: string): string => `amqp091-test-${process.pid}-${what}-${++count}`;

  beforeEach(async () => {
    connection = await connect(broker().url);
    channel = await connection.openChannel();
  });
  afterEach(() => connection.close());

  it("declares, asks for and deletes a queue", async () => {
    const queue = unique("queue");
    const counts = { messageCount: 0, consumerCount: 0 };
    const options = { durable: true, autoDelete: true, arguments: { "x-max-length": 10 } };
    expect(await channel.queueDeclare(queue, options)).to.deep.equal({ queue, ...counts });
    expect(await channel.queueDeclare(queue, { passive: true })).to.deep.equal({
      queue,
      ...counts,
    });
    await channel.confirmSelect(); // the broker's count may be behind what is not confirmed
    channel.basicPublish("", queue, "1");
    channel.basicPublish("", queue, "2");
    await channel.waitForConfirms();
    expect((await channel.queueDeclare(queue, { passive: true })).messageCount).to.equal(2);
    expect(await channel.queueDelete(queue)).to.deep.equal({ messageCount: 2 });
    const error = await failure(channel.queueDeclare(queue, { passive: true }), ChannelClosedError);
    expect(error).to.include({ replyCode: 404, method: "queue.declare" });
    expect(error.replyText).to.include(queue);
    expect(await channel.closed).to.equal(error);
  });

  it("lets the broker choose a name", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    expect(queue).to.match(/^amq\.gen-/);
    const other = await connect(broker().url);
    const elsewhere = await other.openChannel();
    const error = await failure(elsewhere.queueDeclare(queue, { passive: true }));
    expect(error).to.include({ replyCode: 405 });
    await other.close();
  });

  it("refuses to declare a queue in another way, or to delete one that is in use", async () => {
    const { queue } = await channel.queueDeclare(unique("queue"), { exclusive: true });
    await channel.confirmSelect();
    channel.basicPublish("", queue, "x");
    await channel.waitForConfirms();
    const notEmpty = await connection.openChannel();
    const error = await failure(notEmpty.queueDelete(queue, { ifEmpty: true }));
    expect(error).to.include({ replyCode: 406, method: "queue.delete" });
    const otherwise = await connection.openChannel();
    const unequal = failure(otherwise.queueDeclare(queue, { exclusive: true, autoDelete: true }));
    expect(await unequal).to.include({ replyCode: 406, method: "queue.declare" });
    await channel.queueDelete(queue, { ifUnused: true });
  });

  it("purges", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    for (let i = 0; i < 5; i++) channel.basicPublish("", queue, `${i}`);
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 5 });
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 0 });
  });

  it("binds and unbinds a queue", async () => {
    const exchange = unique("exchange");
    await channel.exchangeDeclare(exchange, "topic", { autoDelete: true });
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await channel.queueBind(queue, exchange, "a.#");
    channel.basicPublish(exchange, "a.b", "in");
    channel.basicPublish(exchange, "b.a", "out");
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 1 });
    await channel.queueUnbind(queue, exchange, "a.#");
    channel.basicPublish("", queue, "keeps the order");
    const gone = failure(channel.exchangeDeclare(exchange, "topic", { passive: true }));
    expect(await gone).to.include({ replyCode: 404, method: "exchange.declare" });
  });

  it("declares, binds, unbinds and deletes exchanges", async () => {
    const [source, destination] = [unique("source"), unique("destination")];
    await channel.exchangeDeclare(source, "headers", { durable: true });
    await channel.exchangeDeclare(source, "headers", { durable: true, passive: true });
    await channel.exchangeDeclare(destination, "fanout", { internal: true });
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await channel.queueBind(queue, destination, "");
    const match = { "x-match": "all", kind: tagged("u", 7) };
    await channel.exchangeBind(destination, source, "", match);
    channel.basicPublish(source, "", "in", { headers: { kind: 7 } });
    channel.basicPublish(source, "", "out", { headers: { kind: 8 } });
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 1 });
    const inUse = await connection.openChannel();
    expect(await failure(inUse.exchangeDelete(source, { ifUnused: true }))).to.include({
      replyCode: 406,
      method: "exchange.delete",
    });
    await channel.exchangeUnbind(destination, source, "", match);
    channel.basicPublish(source, "", "out", { headers: { kind: 7 } });
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 0 });
    await channel.exchangeDelete(source, { ifUnused: true });
    await channel.exchangeDelete(destination);
    const internal = unique("internal");
    await channel.exchangeDeclare(internal, "direct", { internal: true, autoDelete: true });
    channel.basicPublish(internal, "", "x");
    expect(await channel.closed).to.include({ replyCode: 403, method: "basic.publish" });
    await (await connection.openChannel()).exchangeDelete(internal);
  });

  it("gives back every property and header as it was sent", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const properties = {
      contentType: "text/plain",
      contentEncoding: "identity",
      headers: {
        void: null,
        yes: true,
        small: -1,
        large: 2 ** 40,
        huge: 2n ** 62n,
        fraction: 1.5,
        text: "ä€😀",
        octets: new Uint8Array([0, 255]),
        when: new Date(1_700_000_000_000),
        list: [1, "a", [false]],
        table: { nested: { deep: 1 } },
      },
      deliveryMode: 2,
      priority: 3,
      correlationId: "c",
      replyTo: "r",
      expiration: "600000",
      messageId: "m",
      timestamp: new Date(1_700_000_000_000),
      type: "t",
      userId: "guest",
      appId: "a",
      clusterId: "cl",
    } as const;
    channel.basicPublish("", queue, "body", properties);
    const delivery = await channel.basicGet(queue);
    expect(delivery?.properties).to.deep.equal(properties);
    expect(Buffer.from(delivery?.body ?? []).toString()).to.equal("body");
  });

  it("gives messages one by one, to be acknowledged or given back", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    for (let i = 0; i < 4; i++) channel.basicPublish("", queue, `${i}`);
    const first = await channel.basicGet(queue);
    expect(first).to.include({
      deliveryTag: 1,
      redelivered: false,
      exchange: "",
      routingKey: queue,
      messageCount: 3,
    });
    channel.basicNack(1);
    const again = await channel.basicGet(queue);
    expect(again).to.include({ deliveryTag: 2, redelivered: true });
    expect(Buffer.from(again?.body ?? []).toString()).to.equal("0");
    channel.basicAck(2);
    await channel.basicGet(queue);
    await channel.basicGet(queue);
    channel.basicAck(4, { multiple: true });
    await channel.basicGet(queue, { noAck: true });
    expect(await channel.basicGet(queue)).to.equal(undefined);
    channel.basicAck(99);
    expect(await channel.closed).to.include({ replyCode: 406, method: "basic.ack" });
  });

  it("moves bodies of any size, to the octet", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const { frameMax } = connection.tuning;
    const sizes = [0, 1, frameMax - 9, frameMax - 8, frameMax - 7, 2 * frameMax, 5_000_000];
    for (const size of sizes) {
      const body = Buffer.from(Array.from({ length: Math.min(size, 1000) }, (_, i) => i * 7));
      channel.basicPublish("", queue, Buffer.alloc(size, body.length === 0 ? 0 : body));
    }
    for (const size of sizes) {
      const delivery = await channel.basicGet(queue, { noAck: true });
      expect(delivery?.body).to.have.length(size);
      const body = Buffer.from(delivery?.body ?? []);
      for (let i = 0; i < size; i += 997) expect(body[i]).to.equal(((i % 1000) * 7) % 256);
    }
  });

  it("counts its confirms from 1, in order or not", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    expect(channel.basicPublish("", queue, "unnumbered")).to.equal(0);
    await channel.confirmSelect();
    const confirmed = new Set<number>();
    let settled = 0;
    channel.on("ack", ({ deliveryTag, multiple }) => {
      for (let tag = multiple ? settled + 1 : deliveryTag; tag <= deliveryTag; tag++) {
        confirmed.add(tag);
      }
      if (multiple) settled = deliveryTag;
    });
    for (let i = 1; i <= 500; i++) expect(channel.basicPublish("", queue, "x")).to.equal(i);
    await channel.waitForConfirms();
    expect(confirmed.size).to.equal(500);
  });

  it("is told of what came back before it is confirmed", async () => {
    await channel.confirmSelect();
    const events: string[] = [];
    channel.on("return", ({ replyCode, routingKey }) => events.push(`${replyCode} ${routingKey}`));
    channel.on("ack", ({ deliveryTag }) => events.push(`ack ${deliveryTag}`));
    channel.basicPublish("", "nowhere", "x", { mandatory: true });
    const error = await failure(channel.waitForConfirms());
    expect(error).to.include({ failed: 1, confirmed: 0 });
    expect(events).to.deep.equal(["312 nowhere", "ack 1"]);
  });

  it("is told of a nack", async () => {
    const { queue } = await channel.queueDeclare("", {
      exclusive: true,
      arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
    });
    await channel.confirmSelect();
    const nacked: number[] = [];
    channel.on("nack", ({ deliveryTag }) => nacked.push(deliveryTag));
    channel.basicPublish("", queue, "1");
    await channel.waitForConfirms();
    channel.basicPublish("", queue, "2");
    expect(await failure(channel.waitForConfirms())).to.include({ failed: 1 });
    expect(nacked).to.deep.equal([2]);
  });

  it("may be opened and closed 200 times", async () => {
    for (let i = 0; i < 200; i++) {
      await using each = await connection.openChannel();
      await each.confirmSelect();
    }
    const all = await Promise.all(Array.from({ length: 200 }, () => connection.openChannel()));
    await Promise.all(all.map((each) => each.close()));
  });

  it("closes the connection for an unknown exchange type, and everybody is told", async () => {
    const other = await connection.openChannel();
    const error = await failure(channel.exchangeDeclare(unique("x"), "no-such-type"));
    expect(error).to.be.instanceOf(ConnectionClosedError);
    expect(error).to.include({ replyCode: 503, method: "exchange.declare" });
    expect(await other.closed).to.equal(error);
    expect(await connection.closed).to.equal(error);
  });
});
