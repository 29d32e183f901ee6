/**
 * Octets of properties on their way through a broker, such as no other client's interface lets one
 * send or see: RabbitMQ keeps the properties of a message as octets and sends the same ones, unless it
 * has to change something. Only then does it write them anew: to take out a BCC, to tell of a death,
 * to fill in an address for direct reply-to, and in quorum queues and streams.
 */
import { expect } from "chai";
import {
  type Channel,
  type Connection,
  connect,
  type Delivery,
  type ReturnedError,
  type TaggedProperties,
  TaggedTable,
  tagged,
} from "../../src/index.ts";
import { Reader } from "../../src/protocol.ts";
import { writeProperties } from "../../src/wire/properties.ts";
import { readTaggedProperties } from "../../src/wire/tagged-properties.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { HeaderTap } from "../support/interoperation/header-tap.ts";
import { integration } from "../support/rabbitmq.ts";
import { hex, written } from "../wire/octets.ts";

/** Values that a plain reading makes something else of. */
const ODD: [name: string | Uint8Array, value: ReturnType<typeof tagged>][] = [
  ["twice", tagged("B", 1)],
  ["twice", tagged("u", 1)],
  [hex("6e ff"), tagged("V", null)],
  ["", tagged("x", hex("00"))],
  ["10", tagged("s", -1)],
  ["9", tagged("i", 4294967295)],
  ["__proto__", tagged("F", new TaggedTable([["constructor", tagged("b", -1)]]))],
  ["seven", tagged("t", 7)],
  ["single", tagged("f", -0)],
  ["double", tagged("d", 5)],
  ["long", tagged("l", 5)],
  ["otherLong", tagged("L", -5)],
  ["otherMost", tagged("L", 2n ** 63n - 1n)],
  ["negative", tagged("D", { scale: 1, value: -1 })],
  ["text", tagged("S", hex("61 ff"))],
  ["nanoseconds", tagged("T", 1_700_000_000_000_000_000n)],
  ["list", tagged("A", [tagged("u", 1), tagged("x", hex("ff")), tagged("A", [])])],
];
const TEXTS: TaggedProperties = {
  contentType: hex("ff"),
  contentEncoding: hex("fe"),
  correlationId: hex("00 01 ff"),
  replyTo: hex("fd"),
  messageId: hex("80"),
  type: hex("c3 28"),
  appId: hex("ed a0 80"), // half a surrogate pair
  clusterId: hex("f5"),
};
const CASES: { readonly [what: string]: TaggedProperties } = {
  "headers in every type, twice, out of order, with names that are no UTF-8": {
    headers: new TaggedTable(ODD),
  },
  "texts that are no UTF-8": TEXTS,
  "a time of 2^63 seconds": { timestamp: tagged("T", 2n ** 63n) },
  "the last time of all": { timestamp: tagged("T", 2n ** 64n - 1n) },
  "all of it": {
    ...TEXTS,
    headers: new TaggedTable(ODD),
    timestamp: tagged("T", 0),
    deliveryMode: 1,
    priority: 255,
    expiration: "0003600000",
    userId: "guest",
  },
};

againstBothBrokers("property octets", (url, kind) => {
  let tap: HeaderTap;
  let connection: Connection;
  let channel: Channel;
  let queue = "";

  beforeEach(async () => {
    tap = await HeaderTap.start(url());
    connection = await connect(tap.url);
    channel = await connection.openChannel();
    queue = (await channel.queueDeclare("", { exclusive: true })).queue;
  });
  afterEach(async () => {
    await connection.close();
    await tap.stop();
  });

  async function publish(taggedProperties: TaggedProperties): Promise<void> {
    const publisher = await connection.openPublisher({ properties: { deliveryMode: 2 } });
    await publisher.publish("", queue, "body", { taggedProperties });
    await publisher.close();
  }

  async function get(from = queue): Promise<Delivery> {
    const got = await channel.basicGet(from, { noAck: true });
    if (got === undefined) throw new Error(`${from} is empty`);
    return got;
  }

  for (const [what, sent] of Object.entries(CASES)) {
    it(`arrive as they were sent: ${what}`, async () => {
      const octets = written((writer) => writeProperties(writer, sent));
      await publish(sent);
      const { taggedProperties } = await get();
      expect(tap.published).to.deep.equal([octets]);
      expect(tap.delivered).to.deep.equal([octets]);
      expect(taggedProperties).to.deep.equal(sent);
    });
  }

  it("are the same when a consumer passes a message on, by each way to publish", async () => {
    const sent = CASES["all of it"] as TaggedProperties;
    const publisher = await connection.openPublisher({ properties: { appId: "not this one" } });
    await publish(sent);
    let hops = 0;
    for await (const { body, taggedProperties } of channel.consume(queue, { noAck: true })) {
      hops++;
      if (hops === 1) await publisher.sendToQueue(queue, body, { taggedProperties });
      if (hops === 2) {
        await publisher.publishAll([{ routingKey: queue, body, taggedProperties }]);
      }
      if (hops === 3) channel.basicPublish("", queue, body, { taggedProperties });
      if (hops === 4) break;
    }
    const octets = written((writer) => writeProperties(writer, sent));
    expect(tap.published).to.deep.equal([octets, octets, octets, octets]);
    expect(tap.delivered).to.deep.equal(tap.published);
  });

  it("are written anew for a BCC, which is taken out", async () => {
    const headers = new TaggedTable([...ODD, ["BCC", tagged("A", [tagged("S", "nobody")])]]);
    await publish({ headers, contentType: hex("ff") });
    const { taggedProperties } = await get();
    expect(taggedProperties.contentType).to.deep.equal(hex("ff"));
    // RabbitMQ knows one 64-bit integer, and booleans that are 0 or 1. A decimal has no sign there,
    // against the errata (section 3), and the same 32 bits.
    const kept = ODD.map(([name, { type, value }]) => {
      if (kind !== "RabbitMQ") return [name, tagged(type, value)];
      if (type === "L") return [name, tagged("l", value as number)];
      return [name, name === "seven" ? tagged("t", true) : tagged(type, value)];
    });
    expect(taggedProperties.headers?.entries).to.deep.equal(kept);
  });

  it("are written anew for a dead letter, whose other headers keep their values", async () => {
    const { queue: grave } = await channel.queueDeclare("", { exclusive: true });
    const died = await channel.queueDeclare("", {
      exclusive: true,
      arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": grave },
    });
    const headers = new TaggedTable([
      ["octet", tagged("B", 5)],
      ["negative", tagged("D", { scale: 1, value: -1 })],
      ["big", tagged("l", 2n ** 63n - 1n)],
    ]);
    channel.basicPublish("", died.queue, "", {
      taggedProperties: { headers, messageId: hex("ff"), expiration: "3600000" },
    });
    let dead: Delivery | undefined;
    while (dead === undefined) dead = await channel.basicGet(died.queue);
    dead.reject({ requeue: false });
    let buried: Delivery | undefined;
    while (buried === undefined) buried = await channel.basicGet(grave, { noAck: true });
    const { taggedProperties, properties } = buried;
    expect(taggedProperties.messageId).to.deep.equal(hex("ff"));
    expect(properties.expiration).to.equal(undefined);
    const entries = new Map(taggedProperties.headers?.entries ?? []);
    for (const [name, value] of headers.entries) expect(entries.get(name)).to.deep.equal(value);
    expect(properties.headers).to.have.property("x-death").that.has.length(1);
  });

  it("are known again in a message that comes back, whatever they are, and are all there", async () => {
    const publisher = await connection.openPublisher();
    const outcome = (promise: Promise<unknown>): Promise<TaggedProperties | "confirmed"> =>
      promise.then(
        () => "confirmed",
        ({ returned }: ReturnedError) => returned.taggedProperties,
      );
    // Also those that cannot be written as they were read: 100 octets become 300.
    const all = { ...CASES, "a long text": { messageId: new Uint8Array(100).fill(0xff) } };
    const sent = Object.values(all).flatMap((taggedProperties) => [
      publisher.publish("", `${queue}-missing`, "", { taggedProperties, mandatory: true }),
      publisher.publish("", queue, "", { taggedProperties, mandatory: true }),
      publisher.publish("", `${queue}-missing`, "", { taggedProperties, mandatory: true }),
    ]);
    const expected = Object.values(all).flatMap((each) => [each, "confirmed", each]);
    expect(await Promise.all(sent.map(outcome))).to.deep.equal(expected);
  });

  it("are given anew each time, so that what a reader does to them changes nothing", async () => {
    await publish({ messageId: hex("ff"), headers: new TaggedTable(ODD) });
    const delivery = await get();
    (delivery.taggedProperties.messageId as Uint8Array).fill(0);
    expect(delivery.taggedProperties.messageId).to.deep.equal(hex("ff"));
    const [octets = ""] = tap.published;
    expect(readTaggedProperties(new Reader(hex(octets)))).to.deep.equal(delivery.taggedProperties);
  });
});

/** What the embedded broker does not have: direct reply-to, and queues that keep a count or an offset. */
integration("property octets that RabbitMQ writes anew", (broker) => {
  const sent = new TaggedTable([
    ["b", tagged("L", 5)],
    ["b", tagged("B", 1)],
    ["a", tagged("t", 7)],
  ]);
  /** Its one 64-bit integer, and booleans that are 0 or 1. */
  const rewritten = [
    ["b", tagged("l", 5)],
    ["b", tagged("B", 1)],
    ["a", tagged("t", true)],
  ];
  const messageId = hex("ff");
  let connection: Connection;
  let channel: Channel;
  beforeEach(async () => {
    connection = await connect(broker().url);
    channel = await connection.openChannel();
  });
  afterEach(() => connection.close());

  async function get(queue: string): Promise<Delivery> {
    for (;;) {
      const got = await channel.basicGet(queue);
      if (got !== undefined) return got;
    }
  }

  it("for direct reply-to, whose address it fills in", async () => {
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const replyTo = "amq.rabbitmq.reply-to";
    await channel.basicConsume(replyTo, { noAck: true });
    channel.basicPublish("", queue, "", {
      taggedProperties: { replyTo, messageId, headers: sent },
    });
    const { taggedProperties } = await get(queue);
    expect(taggedProperties.replyTo).to.match(/^amq\.rabbitmq\.reply-to\../);
    expect(taggedProperties.headers?.entries).to.deep.equal(rewritten);
    expect(taggedProperties.messageId).to.deep.equal(messageId);
  });

  it("for a quorum queue, which counts deliveries and sorts the headers", async function () {
    this.timeout(20_000);
    const { queue } = await channel.queueDeclare(`amqp091-test-${process.pid}-octets-quorum`, {
      durable: true,
      arguments: { "x-queue-type": "quorum" },
    });
    channel.basicPublish("", queue, "", { taggedProperties: { messageId, headers: sent } });
    const sorted = [rewritten[2], rewritten[0], rewritten[1]];
    for (const deliveries of [0, 1]) {
      const delivery = await get(queue);
      const count = ["x-delivery-count", tagged("l", deliveries)];
      expect(delivery.taggedProperties.headers?.entries).to.deep.equal([...sorted, count]);
      expect(delivery.taggedProperties.messageId).to.deep.equal(messageId);
      delivery.nack();
    }
    await channel.queueDelete(queue);
  });

  it("for a stream, which tells the offset", async function () {
    this.timeout(20_000);
    const { queue } = await channel.queueDeclare(`amqp091-test-${process.pid}-octets-stream`, {
      durable: true,
      arguments: { "x-queue-type": "stream" },
    });
    const publisher = await connection.openPublisher();
    await publisher.publish("", queue, "", { taggedProperties: { messageId, headers: sent } });
    const options = { arguments: { "x-stream-offset": "first" }, prefetch: 1 };
    for await (const delivery of channel.consume(queue, options)) {
      const { entries = [] } = delivery.taggedProperties.headers ?? {};
      expect(entries).to.deep.include(["x-stream-offset", tagged("l", 0)]);
      expect(entries.filter(([name]) => name === "b")).to.deep.equal(rewritten.slice(0, 2));
      expect(delivery.taggedProperties.messageId).to.deep.equal(messageId);
      delivery.ack();
      break;
    }
    await channel.queueDelete(queue);
  });
});
