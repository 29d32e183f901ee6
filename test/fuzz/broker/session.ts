/**
 * What two clients of the embedded broker write when everything is in order: the handshake, then
 * declarations, bindings, publishes with all kinds of properties, gets and acknowledgements. The
 * broker's answers are not waited for; nothing here depends on what they say.
 */
import type { FieldTable } from "../../../src/wire/field-value.ts";
import type { ClientMethod, Method, QueueDeclare } from "../../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";
import { contentFrames, heartbeatFrame, methodFrame, splitFrames } from "../../protocol/support.ts";
import { anyHeader, anyMethodFrame, frameOf } from "../octets/build.ts";
import type { Random } from "../random.ts";
import type { Octets } from "../steps.ts";

/** What happens to the connection of a client beside its octets. */
export interface BrokerAction {
  readonly do: "stall" | "drain" | "hang up" | "shut down";
  readonly who: number;
}

/** How many clients there are. */
export const CLIENTS = 2;

/** The frame-max of the broker; its clients agree. */
export const FRAME_MAX = 4096;

/** The largest message that the broker takes, in octets. */
export const MAX_MESSAGE = 6000;

/** Both clients, their frames in any order. */
export function brokerSession(random: Random): (Octets | BrokerAction)[] {
  const clients = Array.from({ length: CLIENTS }, (_, who) => {
    const client = new Client(random, who);
    client.connect();
    for (let left = random.between(2, 20); left > 0; left--) client.goOn();
    client.end();
    return client.steps;
  });
  const steps: (Octets | BrokerAction)[] = [];
  while (clients.some((each) => each.length > 0)) {
    // Some frames of the one, then some of the other.
    for (const each of clients) steps.push(...each.splice(0, random.between(1, 12)));
  }
  return steps;
}

class Client {
  readonly steps: (Octets | BrokerAction)[] = [];
  readonly #random: Random;
  readonly #who: number;
  #channels: number[] = [];

  constructor(random: Random, who: number) {
    this.#random = random;
    this.#who = who;
  }

  connect(): void {
    const random = this.#random;
    this.#write(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    const [mechanism, login, ...more] = random.pick(LOGINS);
    this.#say(0, {
      name: "connection.start-ok",
      clientProperties: {
        capabilities: {
          authentication_failure_close: random.percent(50),
          consumer_cancel_notify: true,
        },
      },
      mechanism,
      response: Buffer.from(login, "latin1"),
      locale: "en_US",
    });
    for (const text of more) {
      this.#say(0, { name: "connection.secure-ok", response: Buffer.from(text) });
    }
    const heartbeat = random.pick([0, 0, 60]);
    this.#say(0, { name: "connection.tune-ok", channelMax: 5, frameMax: FRAME_MAX, heartbeat });
    this.#say(0, { name: "connection.open", virtualHost: "/" });
    this.#openChannel();
    this.#say(1, { ...DECLARE, arguments: random.percent(70) ? {} : random.pick(ARGUMENTS) });
    if (random.percent(70)) this.#say(1, { name: "confirm.select", nowait: false });
  }

  goOn(): void {
    const random = this.#random;
    if (this.#channels.length === 0) this.#openChannel();
    const channel = random.pick(this.#channels);
    random.weighted<() => void>([
      [8, () => this.#publish(channel)],
      [6, () => this.#say(channel, random.pick(METHODS)(random))],
      [4, () => this.#say(channel, { ...GET, noAck: random.percent(30) })],
      [2, () => this.#acknowledge(channel)],
      [2, () => this.#write(anyMethodFrame(random, random.pick(DECLARATIONS), channel))],
      [1, () => this.#openChannel()],
      [1, () => this.#say(channel, { name: "confirm.select", nowait: false })],
      [1, () => this.#write(heartbeatFrame())],
      [1, () => this.#closeChannel(channel)],
      [1, () => this.steps.push({ do: random.pick(["stall", "drain"]), who: this.#who })],
    ])();
  }

  end(): void {
    const name = "connection.close";
    const reason = { replyCode: 200, replyText: "bye", classId: 0, methodId: 0 };
    if (this.#random.percent(40)) this.#say(0, { name, ...reason });
    else if (this.#random.percent(10)) this.steps.push({ do: "shut down", who: this.#who });
  }

  #openChannel(): void {
    const channel = this.#channels.length + 1;
    if (channel > 3) return;
    this.#channels.push(channel);
    this.#say(channel, { name: "channel.open" });
  }

  #closeChannel(channel: number): void {
    if (channel !== this.#channels.at(-1)) return;
    this.#channels.pop();
    const reason = { replyCode: 200, replyText: "done", classId: 0, methodId: 0 };
    this.#say(channel, { name: "channel.close", ...reason });
  }

  #publish(channel: number): void {
    const random = this.#random;
    const exchange = random.pick(["", "", "amq.topic", "amq.headers", "amq.fanout", "x"]);
    const flags = { mandatory: random.percent(40), immediate: random.percent(5) };
    const target = { exchange, routingKey: random.pick(["q", "q", "a.b.c", "none"]), ...flags };
    const method = { name: "basic.publish" as const, ...target };
    const size = random.pick([0, 1, 20, 5000, MAX_MESSAGE]);
    if (random.percent(30)) {
      // Any properties: most brokers would refuse some of them.
      this.#say(channel, method);
      this.#write(frameOf(2, channel, anyHeader(random, 5)));
      this.#write(frameOf(3, channel, Buffer.from("12345")));
      return;
    }
    const properties = random.pick(PROPERTIES);
    this.#write(contentFrames(channel, method, "x".repeat(size), properties, FRAME_MAX));
  }

  #acknowledge(channel: number): void {
    const random = this.#random;
    const deliveryTag = random.below(4);
    const multiple = random.percent(40);
    this.#say(
      channel,
      random.pick<ClientMethod>([
        { name: "basic.ack", deliveryTag, multiple },
        { name: "basic.nack", deliveryTag, multiple, requeue: random.percent(50) },
        { name: "basic.reject", deliveryTag, requeue: random.percent(50) },
      ]),
    );
  }

  #say(channel: number, method: ClientMethod): void {
    this.#write(methodFrame(channel, method));
  }

  #write(octets: Uint8Array): void {
    const isFrames = octets[0] !== 65;
    for (const frame of isFrames ? splitFrames(octets) : [octets]) {
      this.steps.push({ do: "octets", octets: frame, who: this.#who });
    }
  }
}

/** Something that may happen to a connection at any time. */
export function anyBrokerAction(random: Random): BrokerAction {
  const who = random.below(CLIENTS);
  return { do: random.pick(["stall", "stall", "drain", "hang up", "shut down"]), who };
}

const FLAGS = {
  passive: false,
  durable: false,
  exclusive: false,
  autoDelete: false,
  nowait: false,
};
const DECLARE: QueueDeclare = { name: "queue.declare", queue: "q", ...FLAGS, arguments: {} };
const GET = { name: "basic.get", queue: "q", noAck: false } as const;

/** A table without its length, as AMQPLAIN has it. */
/** Mechanism, first response, further ones. */
const LOGINS: readonly (readonly [string, string, ...string[]])[] = [
  ["PLAIN", "\0guest\0guest"],
  ["PLAIN", "\0guest\0guest"],
  ["PLAIN", "\0guest\0guest"],
  ["AMQPLAIN", "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"],
  ["RABBIT-CR-DEMO", "guest", "My password is guest"],
];

const METHODS: readonly ((random: Random) => ClientMethod)[] = [
  (random) => ({
    name: "queue.declare",
    queue: random.pick(["", "q", "r"]),
    ...FLAGS,
    exclusive: random.percent(20),
    passive: random.percent(20),
    autoDelete: random.percent(20),
    arguments: random.pick(ARGUMENTS),
  }),
  (random) => ({
    name: "exchange.declare",
    exchange: random.pick(["x", "y", "amq.direct"]),
    type: random.pick(["direct", "topic", "fanout", "headers", "none"]),
    ...FLAGS,
    internal: random.percent(10),
    arguments: random.pick([{}, { "alternate-exchange": "y" }]),
  }),
  (random) => ({
    name: "queue.bind",
    queue: random.pick(["", "q", "r"]),
    exchange: random.pick(["x", "y", "amq.topic", "amq.headers", "amq.fanout"]),
    routingKey: random.pick(["", "a.*.c", "#", "a.#.#.c"]),
    nowait: random.percent(20),
    arguments: random.pick([{}, { "x-match": "any", a: 1 }, { a: null }, { "x-match": 5 }]),
  }),
  (random) => ({
    name: "exchange.bind",
    source: random.pick(["x", "y", "amq.topic"]),
    destination: random.pick(["x", "y", "amq.topic"]),
    routingKey: "#",
    nowait: false,
    arguments: {},
  }),
  () => ({ name: "queue.purge", queue: "q", nowait: false }),
  () => ({ name: "queue.delete", queue: "q", ifUnused: false, ifEmpty: false, nowait: false }),
  () => ({ name: "exchange.delete", exchange: "x", ifUnused: false, nowait: false }),
  () => ({ name: "channel.flow", active: true }),
  (random) => ({
    name: "basic.consume",
    queue: random.pick(["", "q", "r"]),
    consumerTag: random.pick(["", "c", "d", "e"]),
    noLocal: false,
    noAck: random.percent(30),
    exclusive: random.percent(10),
    nowait: random.percent(20),
    arguments: random.pick([{}, {}, { "x-priority": 3 }, { "x-priority": "3" }]),
  }),
  (random) => ({
    ...{ name: "basic.qos", prefetchSize: 0, prefetchCount: random.below(4) },
    global: random.percent(50),
  }),
  (random) => ({
    ...{ name: "basic.cancel", consumerTag: random.pick(["c", "d"]), nowait: random.percent(20) },
  }),
  (random) => ({ name: "basic.recover", requeue: random.percent(90) }),
  (random) => ({ name: "basic.recover-async", requeue: random.percent(90) }),
  () => ({ name: "tx.select" }),
  () => ({ name: "tx.commit" }),
  () => ({ name: "tx.rollback" }),
];

const DEAD_LETTERS = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q" };

const ARGUMENTS: readonly FieldTable[] = [
  ...[{}, { "x-message-ttl": 5 }, { "x-expires": { toString: 1 } }, { "x-max-priority": 3 }],
  ...[
    { "x-message-ttl": 0, ...DEAD_LETTERS },
    { "x-max-length": 1, ...DEAD_LETTERS },
  ],
  ...[{ "x-max-length-bytes": 30, "x-overflow": "reject-publish" }, { "x-expires": 1 }],
  ...[{ "x-single-active-consumer": true }, { "x-max-length": 0, ...DEAD_LETTERS }],
];

/** What is declared and bound with any arguments. */
const DECLARATIONS: readonly Method["name"][] = [
  ...(["queue.declare", "queue.bind", "queue.unbind", "queue.delete"] as const),
  ...(["exchange.declare", "exchange.bind", "exchange.unbind", "exchange.delete"] as const),
];

const PROPERTIES: readonly BasicProperties[] = [
  {},
  { deliveryMode: 2, contentType: "text/plain" },
  { headers: { CC: ["a.b.c", "r"], BCC: ["q"] }, expiration: "1000" },
  { headers: { a: 1, b: [{ c: new Date(0) }] }, userId: "guest", timestamp: new Date(0) },
];
