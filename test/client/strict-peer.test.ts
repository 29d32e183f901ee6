import { expect } from "chai";
import {
  type AmqpError,
  BatchError,
  type Channel,
  type Connection,
  connect,
  ProtocolError,
  PublishError,
  type Publisher,
} from "../../src/index.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { Method, ServerMethod } from "../../src/wire/generated/methods.ts";
import { failure, within } from "../support/environment.ts";
import {
  methodFrame,
  openChannel,
  openConfirmChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

/** The channels of each test: a publisher with two publishes open, another with one, and a call. */
const PUBLISHER = 1;
const BYSTANDER = 2;
const CHANNEL = 3;
/** Was opened and closed again. */
const CLOSED = 4;
const UNOPENED = 9;
const FRAME_MAX = 4096;
const MAX_BODY_BYTES = 1000;

/** One way to break a rule, and what the client is to make of it. */
interface Breach {
  readonly what: string;
  /** The octets that break it, in hex. */
  readonly octets: string;
  readonly replyCode: number;
  /** A part of the message that tells which rule it was. */
  readonly says: RegExp;
  readonly expected?: string | RegExp;
  readonly got?: string | RegExp;
  readonly offset?: number;
  /** For a rule of one channel, which alone is closed then. */
  readonly channel?: number;
  /** The method that the close of the channel names. */
  readonly names?: Method["name"];
}

/** A frame in hex; without its size, that of the payload. */
function frame(type: number, channel: number, payload = "", end = "ce"): string {
  const digits = payload.replaceAll(" ", "");
  return hex(type, 1) + hex(channel, 2) + hex(digits.length / 2, 4) + digits + end;
}

function hex(number: number, octets: number): string {
  return number.toString(16).padStart(2 * octets, "0");
}

function octetsOf(breach: Breach): Uint8Array {
  return Buffer.from(breach.octets.replaceAll(" ", ""), "hex");
}

/** A method frame in hex: the ids of the method and its arguments as they are given. */
function method(channel: number, name: Method["name"], args = ""): string {
  const { classId, methodId } = METHODS[name];
  return frame(1, channel, hex(classId, 2) + hex(methodId, 2) + args);
}

/** A method that is well formed. */
function sent(channel: number, what: ServerMethod): string {
  return Buffer.from(methodFrame(channel, what)).toString("hex");
}

function confirm(
  name: "basic.ack" | "basic.nack",
  channel: number,
  deliveryTag: number,
  multiple: boolean,
): string {
  const fields = { deliveryTag, multiple };
  return sent(
    channel,
    name === "basic.ack" ? { name, ...fields } : { name, ...fields, requeue: false },
  );
}

const RETURN = sent(PUBLISHER, {
  name: "basic.return",
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "e",
  routingKey: "k",
});

function header(channel: number, bodySize: number, properties = "0000"): string {
  return frame(2, channel, `003c0000${hex(bodySize, 8)}${properties}`);
}

function body(channel: number, size: number): string {
  return frame(3, channel, "62".repeat(size));
}

const TABLE_FLAG = "2000";

const CONFIRMS: readonly Breach[] = (["basic.ack", "basic.nack"] as const).flatMap((name) => {
  const says = /delivery tag that was never issued/;
  const rule = { replyCode: 406, says, channel: PUBLISHER, names: name };
  return [
    {
      ...rule,
      what: `${name} above the last tag that was written`,
      octets: confirm(name, PUBLISHER, 3, false),
      expected: "1 to 2",
      got: "3",
    },
    {
      ...rule,
      what: `${name} of all up to a tag above the last one`,
      octets: confirm(name, PUBLISHER, 3, true),
      expected: "1 to 2",
      got: "3",
    },
    {
      ...rule,
      what: `${name} of tag 0, which stands for all and needs \`multiple\``,
      octets: confirm(name, PUBLISHER, 0, false),
      expected: "1 to 2",
      got: "0",
    },
    {
      ...rule,
      what: `${name} of the largest tag that a number holds`,
      octets: confirm(name, PUBLISHER, Number.MAX_SAFE_INTEGER, true),
      expected: "1 to 2",
      got: "9007199254740991",
    },
    {
      ...rule,
      what: `${name} on a channel where nothing was published`,
      octets: confirm(name, CHANNEL, 1, false),
      expected: "none: nothing was published",
      got: "1",
      channel: CHANNEL,
    },
    {
      what: `${name} of a tag beyond what can be counted`,
      octets: method(PUBLISHER, name, "0020000000000000" + "00"),
      replyCode: 502,
      says: /64-bit counter/,
      expected: "at most 9007199254740991",
      got: "9007199254740992",
      offset: 4,
    },
  ];
});

const CHANNELS: readonly Breach[] = [CLOSED, UNOPENED, 65_535].flatMap((number) => {
  const rule = { replyCode: 504, says: new RegExp(`channel ${number}, which is not open`) };
  const state = number === CLOSED ? "closed again" : "never opened";
  return [
    ["a method", sent(number, { name: "basic.ack", deliveryTag: 1, multiple: false })],
    ["a content header", header(number, 1)],
    ["a body", body(number, 1)],
    ["a close", sent(number, { name: "channel.close-ok" })],
  ].map(([what, octets]) => ({
    ...rule,
    what: `${what} on channel ${number}, which was ${state}`,
    octets: octets as string,
    expected: "a frame for an open channel",
    got: `channel ${number}`,
  }));
});

const FRAMES: readonly Breach[] = [
  ...[0, 4, 7, 9, 65, 255].map((type) => ({
    what: `a frame of type ${type}`,
    octets: frame(type, 0),
    replyCode: 501,
    says: /no frame type/,
    expected: "1, 2, 3, 8",
    got: `${type}`,
  })),
  ...["00", "cd", "cf"].map((end) => ({
    what: `a frame that ends in ${end}`,
    octets: frame(1, PUBLISHER, "0102030405", end),
    replyCode: 501,
    says: /does not end where its size says/,
    expected: "206",
    got: String(Number.parseInt(end, 16)),
    offset: 5,
  })),
  {
    what: "a frame whose size is one short",
    octets: "01 0001 00000004 003c0050 00 ce".replaceAll(" ", ""),
    replyCode: 501,
    says: /does not end where its size says/,
    expected: "206",
    got: "0",
    offset: 4,
  },
  ...[FRAME_MAX - 7, FRAME_MAX, 0xffff_ffff].map((size) => ({
    what: `the beginning of a frame with ${size} octets of payload`,
    octets: `030001${hex(size, 4)}`,
    replyCode: 501,
    says: /larger than the frame-max that was negotiated/,
    expected: `at most ${FRAME_MAX} octets`,
    got: `${size + 8}`,
  })),
  {
    what: "a heartbeat on a channel",
    octets: frame(8, PUBLISHER),
    replyCode: 505,
    says: /heartbeat came on a channel/,
    expected: "an empty frame on channel 0",
    got: "0 octets on channel 1",
  },
  {
    what: "a heartbeat on a channel that is not open",
    octets: frame(8, UNOPENED),
    replyCode: 505,
    says: /heartbeat came on a channel/,
    got: `0 octets on channel ${UNOPENED}`,
  },
  {
    what: "a heartbeat with a payload",
    octets: frame(8, 0, "00"),
    replyCode: 501,
    says: /heartbeat came .*with a payload/,
    expected: "an empty frame on channel 0",
    got: "1 octets on channel 0",
  },
  ...[header(0, 0), body(0, 1)].map((octets, i) => ({
    what: `a content ${i === 0 ? "header" : "body"} on channel 0`,
    octets,
    replyCode: 504,
    says: /content came on channel 0/,
    expected: "a method frame or a heartbeat",
    got: `a frame of type ${i + 2}`,
  })),
];

const CONTENT: readonly Breach[] = [
  {
    what: "a content header without a method",
    octets: header(PUBLISHER, 1),
    replyCode: 505,
    says: /a method was due and a content header came/,
    expected: "a method",
    got: "a content header",
  },
  {
    what: "a body without a method",
    octets: body(PUBLISHER, 1),
    replyCode: 505,
    says: /a method was due and a body frame came/,
    expected: "a method",
    got: "a body frame",
  },
  {
    what: "a body without a header",
    octets: RETURN + body(PUBLISHER, 1),
    replyCode: 505,
    says: /a content header was due and a body frame came/,
    expected: "a content header",
    got: "a body frame",
  },
  {
    what: "a second header",
    octets: RETURN + header(PUBLISHER, 2) + header(PUBLISHER, 2),
    replyCode: 505,
    says: /a body frame was due and a content header came/,
    expected: "a body frame",
    got: "a content header",
  },
  {
    what: "a body frame after the whole of the body",
    octets: RETURN + header(PUBLISHER, 2) + body(PUBLISHER, 2) + body(PUBLISHER, 1),
    replyCode: 505,
    says: /a method was due and a body frame came/,
  },
  {
    what: "a body for content that has none",
    octets: RETURN + header(PUBLISHER, 0) + body(PUBLISHER, 1),
    replyCode: 505,
    says: /a method was due and a body frame came/,
  },
  {
    what: "a body longer than declared",
    octets: RETURN + header(PUBLISHER, 4) + body(PUBLISHER, 2) + body(PUBLISHER, 3),
    replyCode: 505,
    says: /body is longer than its header declared/,
    expected: "4 octets",
    got: "5 or more",
  },
  ...(
    [
      ["basic.ack", sent(PUBLISHER, { name: "basic.ack", deliveryTag: 1, multiple: false })],
      ["channel.flow", sent(PUBLISHER, { name: "channel.flow", active: false })],
      ["basic.return", RETURN],
    ] as const
  ).flatMap(([name, octets]) => [
    {
      what: `${name} where a header is due`,
      octets: RETURN + octets,
      replyCode: 505,
      says: new RegExp(`a content header was due and ${name} came`),
      expected: "a content header",
      got: name,
    },
    {
      what: `${name} where a body is due`,
      octets: RETURN + header(PUBLISHER, 4) + body(PUBLISHER, 1) + octets,
      replyCode: 505,
      says: new RegExp(`a body frame was due and ${name} came`),
      expected: "a body frame",
      got: name,
    },
  ]),
  {
    what: "a header of another class",
    octets: RETURN + frame(2, PUBLISHER, "0032 0000 0000000000000000 0000"),
    replyCode: 501,
    says: /content header has the wrong class or weight/,
    expected: "class 60, weight 0",
    got: "class 50, weight 0",
    offset: 0,
  },
  {
    what: "a header with a weight",
    octets: RETURN + frame(2, PUBLISHER, "003c 0001 0000000000000000 0000"),
    replyCode: 501,
    says: /content header has the wrong class or weight/,
    got: "class 60, weight 1",
    offset: 0,
  },
  {
    what: "a header with flags of properties that do not exist",
    octets: RETURN + header(PUBLISHER, 0, "0001"),
    replyCode: 502,
    says: /properties that do not exist/,
    expected: /^flags within 0xfffc$/,
    got: "0x1",
    offset: 12,
  },
  {
    what: "a header that is cut off",
    octets: RETURN + frame(2, PUBLISHER, "003c 0000 00000000"),
    replyCode: 501,
    says: /payload ends inside a 64-bit integer/,
    expected: "8 octets",
    got: "4",
    offset: 4,
  },
  {
    what: "a header without the property that it announces",
    octets: RETURN + header(PUBLISHER, 0, "8000 05 6162"),
    replyCode: 501,
    says: /payload ends inside a short string/,
    expected: "5 octets",
    got: "2",
    offset: 15,
  },
  {
    what: "a header that goes on after its last property",
    octets: RETURN + header(PUBLISHER, 0, "0000 00"),
    replyCode: 501,
    says: /the content header goes on after its last field/,
    got: "1 octets more",
    offset: 14,
  },
  {
    what: "a body size beyond what can be counted",
    octets: RETURN + frame(2, PUBLISHER, "003c 0000 ffffffffffffffff 0000"),
    replyCode: 502,
    says: /64-bit counter/,
    got: "18446744073709551615",
    offset: 4,
  },
  {
    what: "headers with a value of an unknown type",
    octets: RETURN + header(PUBLISHER, 0, `${TABLE_FLAG} 00000003 01 61 7a`),
    replyCode: 502,
    says: /field table has a value of unknown type/,
    expected: /^one of /,
    got: '"z" (122)',
    offset: 20,
  },
  {
    what: "headers longer than their frame",
    octets: RETURN + header(PUBLISHER, 0, `${TABLE_FLAG} 000000ff 01 61 74 01`),
    replyCode: 501,
    says: /payload ends inside /,
    expected: "255 octets",
    got: "4",
    offset: 18,
  },
  {
    what: "headers nested without an end",
    octets: RETURN + header(PUBLISHER, 0, `${TABLE_FLAG} ${nestedTables(200)}`),
    replyCode: 502,
    says: /nested too deeply/,
    got: "more",
  },
  {
    what: "a body of more than maxBodyBytes, at its header",
    octets: RETURN + header(PUBLISHER, MAX_BODY_BYTES + 1),
    replyCode: 406,
    says: /larger than maxBodyBytes/,
    expected: `at most ${MAX_BODY_BYTES} octets`,
    got: `${MAX_BODY_BYTES + 1}`,
    channel: PUBLISHER,
  },
  {
    what: "a body of more than memory holds, at its header",
    octets: RETURN + frame(2, PUBLISHER, "003c 0000 001fffffffffffff 0000"),
    replyCode: 406,
    says: /larger than maxBodyBytes/,
    got: "9007199254740991",
    channel: PUBLISHER,
  },
];

function nestedTables(depth: number): string {
  let table = "";
  for (let i = 0; i < depth; i++) {
    const entry = i === 0 ? "" : `0161${hex("F".charCodeAt(0), 1)}${table}`;
    table = hex(entry.length / 2, 4) + entry;
  }
  return table;
}

const METHOD_FRAMES: readonly Breach[] = [
  {
    what: "a method of an unknown class",
    octets: frame(1, PUBLISHER, "0063 000a"),
    replyCode: 503,
    says: /no method with class 99 and id 10/,
    expected: "a method that a server may send",
    got: "class 99, method 10",
    offset: 0,
  },
  {
    what: "an unknown method of a known class",
    octets: frame(1, PUBLISHER, "003c 0063"),
    replyCode: 503,
    says: /no method with class 60 and id 99/,
    got: "class 60, method 99",
    offset: 0,
  },
  {
    what: "a method without its ids",
    octets: frame(1, PUBLISHER, "003c 00"),
    replyCode: 501,
    says: /payload ends inside /,
    got: /^[0-3]$/,
  },
  {
    what: "an empty method frame",
    octets: frame(1, 0),
    replyCode: 501,
    says: /payload ends inside /,
    got: "0",
    offset: 0,
  },
  {
    what: "a method whose arguments are cut off",
    octets: method(PUBLISHER, "basic.ack", "00000000 00"),
    replyCode: 501,
    says: /payload ends inside a 64-bit integer/,
    expected: "8 octets",
    got: "5",
    offset: 4,
  },
  {
    what: "a method without its last argument",
    octets: method(PUBLISHER, "basic.ack", "0000000000000001"),
    replyCode: 501,
    says: /payload ends inside an octet/,
    expected: "1 octets",
    got: "0",
    offset: 12,
  },
  {
    what: "a method with a short string longer than its frame",
    octets: method(PUBLISHER, "channel.close", "0194 ff 61"),
    replyCode: 501,
    says: /payload ends inside a short string/,
    expected: "255 octets",
    got: "1",
    offset: 7,
  },
  {
    what: "a method that goes on after its last argument",
    octets: method(PUBLISHER, "basic.ack", "0000000000000001 00 00"),
    replyCode: 501,
    says: /basic\.ack goes on after its last field/,
    expected: "the end of the payload",
    got: "1 octets more",
    offset: 13,
  },
  ...(
    [
      ["queue.declare", CHANNEL],
      ["basic.publish", PUBLISHER],
      ["basic.get", CHANNEL],
      ["confirm.select", CHANNEL],
      ["tx.commit", CHANNEL],
      ["channel.open", CHANNEL],
      ["connection.open", 0],
      ["connection.start-ok", 0],
      ["connection.update-secret", 0],
    ] as const
  ).map(([name, channel]) => ({
    what: `${name}, which only a client may send`,
    octets: method(channel, name),
    replyCode: 503,
    says: new RegExp(`a server may not send ${name}`),
    expected: "a method that a server may send",
    got: name,
    offset: 0,
  })),
];

const OPEN_OK: ServerMethod = { name: "connection.open-ok" };
const TUNE: ServerMethod = { name: "connection.tune", channelMax: 0, frameMax: 0, heartbeat: 0 };
const START: ServerMethod = {
  name: "connection.start",
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: {},
  mechanisms: Buffer.from("PLAIN"),
  locales: Buffer.from("en_US"),
};
const TABLE_OF_OPEN = /connection\.blocked or connection\.unblocked or .*connection\.close$/;

const STATES: readonly Breach[] = [
  ...(
    [
      ["connection.open-ok a second time", OPEN_OK],
      ["connection.tune a second time", TUNE],
      ["connection.start a second time", START],
      ["connection.secure after the login", secure()],
      ["connection.close-ok to no close", { name: "connection.close-ok" }],
      ["a method of a channel on channel 0", { name: "channel.open-ok" }],
      ["a confirm on channel 0", { name: "basic.ack", deliveryTag: 1, multiple: false }],
    ] as const satisfies readonly (readonly [string, ServerMethod])[]
  ).map(([what, each]) => ({
    what,
    octets: sent(0, each),
    replyCode: 503,
    says: new RegExp(`${each.name} came on channel 0 while the connection was open`),
    expected: TABLE_OF_OPEN,
    got: each.name,
  })),
  {
    what: "an answer to no secret",
    octets: sent(0, { name: "connection.update-secret-ok" }),
    replyCode: 503,
    says: /connection\.update-secret-ok came, which answers nothing that was asked/,
    expected: "no reply",
    got: "connection.update-secret-ok",
  },
  {
    what: "channel.open-ok a second time",
    octets: sent(PUBLISHER, { name: "channel.open-ok" }),
    replyCode: 503,
    says: /channel\.open-ok came for a channel that is open/,
    expected: "channel.close",
    got: "channel.open-ok",
  },
  {
    what: "channel.close-ok to no close",
    octets: sent(PUBLISHER, { name: "channel.close-ok" }),
    replyCode: 503,
    says: /channel\.close-ok came for a channel that is open/,
    expected: "channel.close",
    got: "channel.close-ok",
  },
  ...(
    [
      { name: "confirm.select-ok" },
      { name: "queue.bind-ok" },
      { name: "channel.flow-ok", active: true },
      { name: "basic.get-empty" },
      { name: "connection.blocked", reason: "on a channel" },
      { name: "connection.close-ok" },
    ] as const satisfies readonly ServerMethod[]
  ).map((each) => ({
    what: `${each.name} on a channel where nothing was asked`,
    octets: sent(PUBLISHER, each),
    replyCode: 503,
    says: new RegExp(`${each.name} came, which answers nothing that was asked`),
    expected: "no reply",
    got: each.name,
  })),
  {
    what: "a delivery where nothing is consumed",
    octets:
      sent(CHANNEL, {
        name: "basic.deliver",
        consumerTag: "c",
        deliveryTag: 1,
        redelivered: false,
        exchange: "",
        routingKey: "q",
      }) + header(CHANNEL, 0),
    replyCode: 503,
    says: /basic\.deliver came, which answers nothing that was asked/,
    expected: "queue.declare-ok",
    got: "basic.deliver",
  },
  {
    what: "the answer to another call",
    octets: sent(CHANNEL, { name: "queue.delete-ok", messageCount: 0 }),
    replyCode: 503,
    says: /queue\.delete-ok came, which answers nothing that was asked/,
    expected: "queue.declare-ok",
    got: "queue.delete-ok",
  },
];

function secure(): ServerMethod {
  return { name: "connection.secure", challenge: Buffer.from("again") };
}

describe("a peer that breaks a rule", () => {
  const server = useScriptedServer();

  interface Scene {
    readonly connection: Connection;
    readonly peer: Peer;
    readonly publisher: Publisher;
    readonly bystander: Publisher;
    readonly channel: Channel;
    /** Two of the publisher, one of the bystander. */
    readonly publishes: readonly Promise<unknown>[];
    /** A third one of the publisher, behind its window. */
    readonly queued: Promise<unknown>;
    /** queue.declare, on the channel. */
    readonly call: Promise<unknown>;
  }

  async function setTheScene(): Promise<Scene> {
    const { connection, peer } = await server().connect(
      { maxBodyBytes: MAX_BODY_BYTES },
      { frameMax: FRAME_MAX },
    );
    const { publisher } = await openPublisher(connection, peer, { maxUnconfirmed: 2 });
    const { publisher: bystander } = await openPublisher(connection, peer);
    const { channel } = await openChannel(connection, peer);
    const closed = await openChannel(connection, peer);
    expect(closed.number).to.equal(CLOSED);
    await Promise.all([closed.channel.close(), peer.acceptChannelClose()]);
    const publishes = [
      publisher.publish("e", "k", "1", { mandatory: true }),
      publisher.publish("e", "k", "2"),
      bystander.publish("e", "k", "3"),
    ];
    const queued = publisher.publish("e", "k", "queued");
    await peer.expectPublishes(3);
    const call = channel.queueDeclare("q");
    await peer.expect("queue.declare");
    for (const each of [...publishes, queued, call]) each.catch(() => {});
    return { connection, peer, publisher, bystander, channel, publishes, queued, call };
  }

  function expectRule(error: unknown, breach: Breach): void {
    expect(error).to.be.instanceOf(ProtocolError);
    const { message, replyCode, expected, got, offset, code } = error as ProtocolError;
    expect({ replyCode, code }).to.deep.equal({
      replyCode: breach.replyCode,
      code: "ERR_AMQP_PROTOCOL",
    });
    expect(message).to.match(breach.says);
    expectDetail(expected, breach.expected);
    expectDetail(got, breach.got);
    if (breach.offset !== undefined) expect(offset).to.equal(breach.offset);
  }

  function expectDetail(detail: string | undefined, wanted: string | RegExp | undefined): void {
    if (wanted === undefined) return;
    if (typeof wanted === "string") expect(detail).to.equal(wanted);
    else expect(detail).to.match(wanted);
  }

  /** The connection is over, everybody knows why, and the peer was told. */
  async function expectConnectionClosed(scene: Scene, breach: Breach): Promise<void> {
    const { connection, peer, publisher, bystander, channel, publishes, queued, call } = scene;
    const closed = await within(2_000, connection.closed);
    expectRule(closed, breach);
    for (const each of [publisher, bystander, channel]) expect(await each.closed).to.equal(closed);
    for (const each of publishes) {
      const error = await within(500, failure(each, PublishError));
      expect(error).to.include({ outcome: "unknown", mayBeDelivered: true, cause: closed });
    }
    const unsent = await within(500, failure(queued, PublishError));
    expect(unsent).to.include({ outcome: "unsent", mayBeDelivered: false, cause: closed });
    expect(await failure(call)).to.equal(closed);
    const { method: close, channel: number } = await peer.expect("connection.close");
    expect(number).to.equal(0);
    const { replyCode, replyText } = close;
    expect({ replyCode, replyText }).to.deep.equal({
      replyCode: breach.replyCode,
      replyText: (closed as AmqpError).message,
    });
    await peer.expectEnd();
  }

  /** The channel is over, the peer was told, and all others go on. */
  async function expectChannelClosed(scene: Scene, breach: Breach, at: number): Promise<void> {
    const { connection, peer, publisher, bystander, channel, publishes, queued, call } = scene;
    const own = at === PUBLISHER ? publisher : channel;
    const closed = await within(2_000, own.closed);
    expectRule(closed, breach);
    const { method: close, channel: number } = await peer.expect("channel.close");
    expect(number).to.equal(at);
    const { replyCode, replyText, classId, methodId } = close;
    expect({ replyCode, replyText }).to.deep.equal({
      replyCode: breach.replyCode,
      replyText: (closed as AmqpError).message,
    });
    const ids = breach.names === undefined ? { classId: 0, methodId: 0 } : METHODS[breach.names];
    expect({ classId, methodId }).to.deep.equal({ classId: ids.classId, methodId: ids.methodId });
    if (at === PUBLISHER) {
      for (const each of publishes.slice(0, 2)) {
        const error = await failure(each, PublishError);
        expect(error).to.include({ outcome: "unknown", mayBeDelivered: true, cause: closed });
      }
      const late = publisher.publish("e", "k", "late");
      for (const each of [queued, late]) {
        expect(await failure(each)).to.include({ outcome: "unsent", cause: closed });
      }
    } else {
      expect(await failure(call)).to.equal(closed);
      peer.ack(PUBLISHER, 2, true);
      await Promise.all(publishes.slice(0, 2));
      await peer.expectPublishes(1);
      peer.ack(PUBLISHER, 3);
      await queued;
    }
    // What the peer says on this channel before it answers the close is not looked at any more.
    peer.ack(at, 77);
    peer.write(`hex:${header(at, 5)}`);
    peer.write(`hex:${body(at, 5)}`);
    peer.send(at, { name: "channel.close-ok" });
    peer.ack(BYSTANDER, 1);
    expect(await within(500, publishes[2] as Promise<unknown>)).to.deep.equal({ deliveryTag: 1 });
    const next = await openPublisher(connection, peer);
    const publish = next.publisher.publish("e", "k", "4");
    await peer.expectPublishes(1);
    peer.ack(next.number, 1);
    await publish;
    expect(await bystander.ready()).to.equal(undefined);
  }

  for (const [group, breaches] of Object.entries({
    "of confirms": CONFIRMS,
    "of channels": CHANNELS,
    "of frames": FRAMES,
    "of content": CONTENT,
    "of methods": METHOD_FRAMES,
    "of states": STATES,
  })) {
    describe(group, () => {
      for (const breach of breaches) {
        it(`by ${breach.what}`, async () => {
          const { channel } = breach;
          const scene = await setTheScene();
          scene.peer.write(octetsOf(breach));
          if (channel === undefined) await expectConnectionClosed(scene, breach);
          else await expectChannelClosed(scene, breach, channel);
        });
      }

      it("also where the octets come one by one", async function oneByOne() {
        this.timeout(20_000);
        for (const breach of breaches) {
          const octets = octetsOf(breach);
          if (octets.length > 200) continue; // the nested tables
          const { connection, peer, publisher, channel } = await setTheScene();
          await peer.chop(octets, 1);
          const over =
            breach.channel === undefined
              ? connection
              : breach.channel === PUBLISHER
                ? publisher
                : channel;
          expectRule(await within(2_000, over.closed), breach);
          connection.destroy();
        }
      });
    });
  }

  it("is told once, however many rules it breaks", async () => {
    const { connection, peer } = await server().connect();
    peer.write(`hex:${frame(8, 7)}${frame(2, 0)}`);
    peer.write("garbage");
    const closed = await within(500, connection.closed);
    expect(closed).to.include({ replyCode: 505 });
    await peer.expect("connection.close");
    await peer.expectEnd();
    expect(await connection.closed).to.equal(closed);
  });

  it("is not told again where the connection is being closed", async () => {
    const { connection, peer } = await server().connect();
    const closing = connection.close();
    await peer.expect("connection.close");
    peer.write(`hex:${frame(8, 7)}`);
    await within(500, closing);
    expect(await connection.closed)
      .to.be.instanceOf(ProtocolError)
      .and.to.include({
        replyCode: 505,
      });
    await peer.expectEnd();
  });

  it("is not told again where the channel is being closed", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    channel.basicPublish("e", "k", "1");
    const closing = channel.close({ timeoutMs: 30 });
    const failed = failure(channel.waitForConfirms(), BatchError);
    await peer.expectPublishes(1);
    await peer.expect("channel.close");
    await closing;
    peer.ack(number, 9);
    peer.send(number, { name: "channel.close-ok" });
    expect((await failed).failures[0]?.error).to.include({ outcome: "unknown" });
    await openChannel(connection, peer);
  });

  it("does not change what was confirmed before, in the same octets", async () => {
    const { connection, peer, publisher, publishes } = await setTheScene();
    peer.write(
      `hex:${confirm("basic.ack", PUBLISHER, 1, false)}${confirm("basic.nack", PUBLISHER, 2, false)}` +
        `${frame(8, 7)}${confirm("basic.ack", BYSTANDER, 1, false)}`,
    );
    await within(500, connection.closed);
    expect(await publishes[0]).to.deep.equal({ deliveryTag: 1 });
    expect(await failure(publishes[1] as Promise<unknown>)).to.include({ outcome: "nacked" });
    expect(await failure(publishes[2] as Promise<unknown>)).to.include({ outcome: "unknown" });
    expect(publisher.unconfirmed).to.equal(0);
  });

  describe("while the connection is being made,", () => {
    const cases: readonly (readonly [
      what: string,
      play: (peer: Peer) => Promise<unknown>,
      phase: string,
      replyCode: number,
      says: RegExp,
    ])[] = [
      [
        "with connection.tune before the login",
        async (peer) => {
          await peer.next();
          peer.send(0, TUNE);
        },
        "handshake",
        503,
        /connection\.tune came on channel 0 while the connection was greeting/,
      ],
      [
        "with connection.open-ok before connection.tune",
        async (peer) => {
          await peer.start();
          peer.send(0, OPEN_OK);
        },
        "authentication",
        503,
        /connection\.open-ok came on channel 0 while the connection was authenticated/,
      ],
      [
        "with connection.tune twice",
        async (peer) => {
          await peer.start();
          await peer.tune();
          peer.send(0, TUNE);
        },
        "open",
        503,
        /connection\.tune came on channel 0 while the connection was opening/,
      ],
      [
        "with a channel's frame",
        async (peer) => {
          await peer.start();
          await peer.tune();
          peer.ack(1, 1);
        },
        "open",
        504,
        /channel 1, which is not open/,
      ],
      [
        "with a heartbeat on a channel",
        async (peer) => {
          await peer.start();
          peer.write(`hex:${frame(8, 1)}`);
        },
        "authentication",
        505,
        /heartbeat/,
      ],
    ];
    for (const [what, play, phase, replyCode, says] of cases) {
      it(what, async () => {
        const connecting = failure(connect(server().url), ProtocolError);
        await play(await server().accept());
        const error = await within(2_000, connecting);
        expect(error).to.include({ phase, replyCode });
        expect(error.message).to.match(says);
      });
    }
  });
});
