/**
 * Rules that the specification makes for a client and that only the broker can check: what comes of
 * breaking them, and where RabbitMQ does not mind. spec/rules.md has all rules and their tests.
 */
import { expect } from "chai";
import {
  type Channel,
  ChannelClosedError,
  type Connection,
  type ConsumedDelivery,
  connect,
} from "../../src/index.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { failure, until } from "../support/environment.ts";

/** What is broken, how, and the reply code with which the channel is closed. */
type Breach = readonly [
  what: string,
  breakIt: (channel: Channel, name: string) => Promise<unknown>,
  replyCode: number,
];

const PASSIVE = { passive: true } as const;
const EXCLUSIVE = { exclusive: true } as const;

const EXCHANGES: readonly Breach[] = [
  [
    "exchange.declare, passively, of one that is not there",
    (channel, name) => channel.exchangeDeclare(name, "direct", PASSIVE),
    404,
  ],
  [
    "exchange.declare of a name that is reserved",
    (channel, name) => channel.exchangeDeclare(`amq.${name}`, "direct"),
    403,
  ],
  [
    "exchange.declare of one that is there, as another type",
    (channel) => channel.exchangeDeclare("amq.fanout", "direct", { durable: true }),
    406,
  ],
  [
    "exchange.declare of one that is there, with another durability",
    (channel) => channel.exchangeDeclare("amq.fanout", "fanout", { durable: false }),
    406,
  ],
  ["exchange.delete of the default exchange", (channel) => channel.exchangeDelete(""), 403],
  [
    "exchange.delete, if unused, of one that is in use",
    async (channel, name) => {
      await channel.exchangeDeclare(name, "fanout", { autoDelete: true });
      const { queue } = await channel.queueDeclare("", EXCLUSIVE);
      await channel.queueBind(queue, name, "");
      await channel.exchangeDelete(name, { ifUnused: true });
    },
    406,
  ],
  [
    "exchange.bind to one that is not there",
    (channel, name) => channel.exchangeBind(name, "amq.fanout", ""),
    404,
  ],
];

const QUEUES: readonly Breach[] = [
  [
    "queue.declare, passively, of one that is not there",
    (channel, name) => channel.queueDeclare(name, PASSIVE),
    404,
  ],
  [
    "queue.declare of a name that is reserved",
    (channel, name) => channel.queueDeclare(`amq.${name}`, EXCLUSIVE),
    403,
  ],
  [
    "queue.declare of one that is there, with other arguments",
    async (channel, name) => {
      await channel.queueDeclare(name, EXCLUSIVE);
      await channel.queueDeclare(name, { ...EXCLUSIVE, arguments: { "x-max-length": 1 } });
    },
    406,
  ],
  [
    "queue.bind of one that is not there",
    (channel, name) => bind(channel, name, "amq.direct"),
    404,
  ],
  [
    "queue.bind to an exchange that is not there",
    async (channel, name) => bind(channel, await ownQueue(channel), name),
    404,
  ],
  [
    "queue.bind to the default exchange",
    async (channel) => bind(channel, await ownQueue(channel), ""),
    403,
  ],
  [
    "queue.bind of no name, where none was declared on the channel",
    (channel) => bind(channel, "", "amq.direct"),
    404,
  ],
  [
    "queue.unbind of no name, where none was declared on the channel",
    (channel) => channel.queueUnbind("", "amq.direct", "k"),
    404,
  ],
  [
    "queue.purge of no name, where none was declared on the channel",
    (channel) => channel.queuePurge(""),
    404,
  ],
  [
    "queue.delete of no name, where none was declared on the channel",
    (channel) => channel.queueDelete(""),
    404,
  ],
  ["queue.purge of one that is not there", (channel, name) => channel.queuePurge(name), 404],
  [
    "queue.delete, if unused, of one with a consumer",
    async (channel) => {
      const queue = await ownQueue(channel);
      await channel.basicConsume(queue);
      await channel.queueDelete(queue, { ifUnused: true });
    },
    406,
  ],
  [
    "queue.delete, if empty, of one with a message",
    async (channel) => {
      await channel.queueDelete(await ownQueue(channel, "m"), { ifEmpty: true });
    },
    406,
  ],
];

const MESSAGES: readonly Breach[] = [
  [
    "basic.consume from a queue that is not there",
    (channel, name) => channel.basicConsume(name),
    404,
  ],
  ["basic.get from a queue that is not there", (channel, name) => channel.basicGet(name), 404],
  [
    "basic.consume, exclusively, from a queue that has a consumer",
    async (channel) => {
      const queue = await ownQueue(channel);
      await channel.basicConsume(queue);
      await channel.basicConsume(queue, EXCLUSIVE);
    },
    403,
  ],
  [
    "basic.publish to an exchange that is not there",
    (channel, name) => {
      channel.basicPublish(name, "k", "m");
      return channel.basicQos({ prefetchCount: 1 });
    },
    404,
  ],
  [
    "basic.publish to an internal exchange",
    async (channel, name) => {
      await channel.exchangeDeclare(name, "fanout", { internal: true, autoDelete: true });
      // A binding that goes with its queue takes the exchange along.
      await channel.queueBind(await ownQueue(channel), name, "");
      channel.basicPublish(name, "k", "m");
      await channel.basicQos({ prefetchCount: 1 });
    },
    403,
  ],
  [
    "basic.ack of a tag that was not delivered",
    (channel) => {
      channel.basicAck(7);
      return channel.basicQos({ prefetchCount: 1 });
    },
    406,
  ],
  [
    "basic.ack of the same message twice",
    async (channel) => {
      const queue = await ownQueue(channel, "m");
      await channel.basicGet(queue);
      channel.basicAck(1);
      channel.basicAck(1);
      await channel.basicQos({ prefetchCount: 1 });
    },
    406,
  ],
  [
    "basic.nack of a tag that was not delivered",
    (channel) => {
      channel.basicNack(7);
      return channel.basicQos({ prefetchCount: 1 });
    },
    406,
  ],
  [
    "basic.reject of a tag that was not delivered",
    (channel) => {
      channel.basicReject(7);
      return channel.basicQos({ prefetchCount: 1 });
    },
    406,
  ],
  ["tx.commit on a channel without transactions", (channel) => channel.txCommit(), 406],
  ["tx.rollback on a channel without transactions", (channel) => channel.txRollback(), 406],
  [
    "confirm.select on a channel with transactions",
    async (channel) => {
      await channel.txSelect();
      await channel.confirmSelect();
    },
    406,
  ],
];

againstBothBrokers("the rules that a broker checks", (url, kind) => {
  let connection: Connection;
  let channel: Channel;
  let count = 0;
  const unique = (): string => `amqp091-test-${process.pid}-r-${++count}`;

  beforeEach(async () => {
    connection = await connect(url());
    channel = await connection.openChannel();
  });
  afterEach(() => connection.close());

  describe("refuses, with the channel alone,", () => {
    for (const [what, breakIt, replyCode] of [...EXCHANGES, ...QUEUES, ...MESSAGES]) {
      it(what, async () => {
        const error = await failure(breakIt(channel, unique()), ChannelClosedError);
        const [method] = what.split(/[ ,]/, 1);
        expect(error).to.include({ replyCode, method });
        expect(await channel.closed).to.equal(error);
        await connection.openChannel();
      });
    }
  });

  it("an exclusive queue is out of reach for another connection, whatever it asks", async () => {
    const queue = unique(); // the broker's own names are reserved, which it sees first
    await channel.queueDeclare(queue, EXCLUSIVE);
    channel.basicPublish("", queue, "m");
    await holds(channel, queue, 1);
    await bind(channel, queue, "amq.direct");
    const other = await connect(url());
    const ways: ((channel: Channel) => Promise<unknown>)[] = [
      (each) => each.queueDeclare(queue, PASSIVE),
      (each) => each.queueDeclare(queue, EXCLUSIVE),
      (each) => bind(each, queue, "amq.direct"),
      (each) => each.queueUnbind(queue, "amq.direct", "k"),
      (each) => each.queuePurge(queue),
      (each) => each.queueDelete(queue),
      (each) => each.basicConsume(queue),
      (each) => each.basicGet(queue),
    ];
    for (const ask of ways) {
      const error = await failure(ask(await other.openChannel()), ChannelClosedError);
      expect(error).to.have.property("replyCode", 405);
    }
    await other.close();
    expect((await channel.basicGet(queue))?.body.toString()).to.equal("109");
  });

  it("a reserved name may be declared where the exchange is there", async () => {
    await channel.exchangeDeclare("amq.fanout", "fanout", { durable: true });
    await channel.exchangeDeclare("amq.fanout", "fanout", PASSIVE);
  });

  if (kind === "RabbitMQ") {
    // The embedded broker lets it be declared again, and refuses the unbinding with 405.
    it("a reserved name may not be declared where the queue is there, but passively", async () => {
      const queue = await ownQueue(channel);
      await channel.queueDeclare(queue, PASSIVE);
      const error = await failure(channel.queueDeclare(queue, EXCLUSIVE), ChannelClosedError);
      expect(error).to.include({ replyCode: 403, method: "queue.declare" });
    });

    it("what is not bound may be unbound from an exclusive queue of another connection", async () => {
      const queue = await ownQueue(channel);
      const other = await connect(url());
      await (await other.openChannel()).queueUnbind(queue, "amq.direct", "k");
      await other.close();
    });
  }

  it("what is not there may be deleted and unbound", async () => {
    const [exchange, queue] = [unique(), unique()];
    await channel.exchangeDelete(exchange);
    await channel.exchangeUnbind(exchange, "amq.direct", "k");
    expect(await channel.queueDelete(queue)).to.deep.equal({ messageCount: 0 });
    await channel.queueUnbind(queue, exchange, "k");
    await channel.queueUnbind(await ownQueue(channel), "amq.direct", "k");
  });

  it("a name may have any characters, and 255 octets", async () => {
    const start = `${unique()} / ä€🐇 "'#`;
    const name = start + "n".repeat(255 - Buffer.byteLength(start));
    await channel.exchangeDeclare(name, "fanout", { autoDelete: true });
    expect((await channel.queueDeclare(name, EXCLUSIVE)).queue).to.equal(name);
    await channel.queueBind(name, name, name);
    channel.basicPublish(name, name, "m");
    await holds(channel, name, 1);
    expect(await channel.basicGet(name)).to.include({ exchange: name, routingKey: name });
  });

  it("a zero octet in text, a long name in a table and a cluster id come back as they were sent", async () => {
    const queue = await ownQueue(channel);
    const headers = { ["n".repeat(255)]: 1, "": 2, "1 § zero\0": 3 };
    const properties = { headers, type: "a\0b", clusterId: "reserved" };
    await channel.queueBind(queue, "amq.direct", "k\0");
    channel.basicPublish("amq.direct", "k\0", "m", properties);
    await holds(channel, queue, 1);
    const got = await channel.basicGet(queue);
    expect(got?.routingKey).to.equal("k\0");
    expect(got?.properties).to.deep.equal(properties);
  });

  it("a binding twice is one, and brings a message once", async () => {
    const queue = await ownQueue(channel);
    await bind(channel, queue, "amq.direct", queue);
    await bind(channel, queue, "amq.direct", queue);
    await bind(channel, queue, "amq.fanout");
    await channel.confirmSelect();
    channel.basicPublish("amq.direct", queue, "m");
    await channel.waitForConfirms();
    expect((await channel.queueDeclare(queue, PASSIVE)).messageCount).to.equal(1);
  });

  it("queues without a name get one each, which stands for the empty name on their channel", async () => {
    const names = new Set<string>();
    for (let i = 0; i < 10; i++) names.add((await channel.queueDeclare("", EXCLUSIVE)).queue);
    expect(names).to.have.property("size", 10);
    const last = [...names].at(-1) as string;
    await channel.queueBind("", "amq.direct", "");
    // Neither queue nor key: the key is the name of the queue as well.
    channel.basicPublish("amq.direct", last, "m");
    await holds(channel, last, 1);
  });

  it("consumer and delivery tags belong to their channel: two may have the same", async () => {
    const channels = [channel, await connection.openChannel()];
    const bodies: string[] = [];
    for (const each of channels) {
      const deliveries: ConsumedDelivery[] = [];
      each.on("deliver", (delivery) => deliveries.push(delivery));
      await each.basicConsume(await ownQueue(each, `${bodies.length}`), { consumerTag: "same" });
      await until(() => deliveries.length === 1);
      const [delivery] = deliveries as [ConsumedDelivery];
      expect(delivery).to.include({ consumerTag: "same", deliveryTag: 1 });
      bodies.push(Buffer.from(delivery.body).toString());
      delivery.ack(); // on its own channel, or the broker would close the other one for the second
    }
    for (const each of channels) await each.basicQos({ prefetchCount: 1 });
    expect(bodies).to.deep.equal(["0", "1"]);
  });
});

/** A queue of this connection, with these messages in it. */
async function ownQueue(channel: Channel, ...bodies: readonly string[]): Promise<string> {
  const { queue } = await channel.queueDeclare("", EXCLUSIVE);
  for (const body of bodies) channel.basicPublish("", queue, body);
  await holds(channel, queue, bodies.length);
  return queue;
}

/** What was published without a confirm is there soon. */
async function holds(channel: Channel, queue: string, count: number): Promise<void> {
  while ((await channel.queueDeclare(queue, PASSIVE)).messageCount !== count);
}

function bind(channel: Channel, queue: string, exchange: string, key = "k"): Promise<void> {
  return channel.queueBind(queue, exchange, key);
}
