/**
 * Every refusal with the code, the text and the method that RabbitMQ 3.10.8 gave for the very same
 * frames, and what malformed input does.
 */
import { expect } from "chai";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { ClientMethod, Method } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import * as m from "./methods.ts";
import { frameBytes, methodBytes, publishBytes, RawClient, show } from "./raw-client.ts";

type Blamed = Method["name"] | undefined;
type Step = ClientMethod | ((client: RawClient) => void);
type Case = readonly [what: string, steps: readonly Step[], text: string, blamed?: Blamed];

const CODES: Readonly<Record<string, number>> = {
  ...{ ACCESS_REFUSED: 403, NOT_FOUND: 404, RESOURCE_LOCKED: 405, PRECONDITION_FAILED: 406 },
  ...{ FRAME_ERROR: 501, SYNTAX_ERROR: 502, COMMAND_INVALID: 503, CHANNEL_ERROR: 504 },
  ...{ UNEXPECTED_FRAME: 505, NOT_ALLOWED: 530, NOT_IMPLEMENTED: 540 },
};

const ON_DEFAULT = "ACCESS_REFUSED - operation not permitted on the default exchange";
const NO_LAST_QUEUE = "NOT_FOUND - no previously declared queue";
const LOCKED =
  "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be " +
  "originally declared on another connection or the exclusive property value does not match that " +
  "of the original declaration.";

function publish(
  method: Parameters<RawClient["publish"]>[1],
  body: string | Uint8Array = "",
  properties: BasicProperties = {},
): Step {
  return (client) => client.publish(1, method, body, properties);
}

function octets(hex: string): Step {
  return (client) => client.write(Buffer.from(hex, "hex"));
}

function payload(type: number, channel: number, hex: string): Step {
  return (client) => client.write(frameBytes(type, channel, Buffer.from(hex, "hex")));
}

function on(channel: number, method: ClientMethod): Step {
  return (client) => client.send(channel, method);
}

/** The method, header and body frames of a publish. */
function publishFrames(): Uint8Array[] {
  const bytes = Buffer.from(publishBytes(1, { routingKey: "x" }, "body"));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 3);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

function frames(...which: number[]): Step {
  return (client) => {
    for (const i of which) client.write(publishFrames()[i] as Uint8Array);
  };
}

function inequivalent(arg: string, what: string, received: string, current: string): string {
  return (
    `PRECONDITION_FAILED - inequivalent arg '${arg}' for ${what} in vhost '/': ` +
    `received ${received} but current is ${current}`
  );
}

const ttl = (value: number): { arguments: { "x-message-ttl": number } } => ({
  arguments: { "x-message-ttl": value },
});

const soft: readonly Case[] = [
  [
    "an exchange that is not there",
    [m.declareExchange("x", "", { passive: true })],
    "NOT_FOUND - no exchange 'x' in vhost '/'",
    "exchange.declare",
  ],
  [
    "the default exchange, passively",
    [m.declareExchange("", "", { passive: true })],
    ON_DEFAULT,
    "exchange.declare",
  ],
  [
    "declaring the default exchange",
    [m.declareExchange("", "direct", { durable: true })],
    ON_DEFAULT,
    "exchange.declare",
  ],
  [
    "a reserved exchange name",
    [m.declareExchange("amq.x", "direct")],
    "ACCESS_REFUSED - exchange name 'amq.x' contains reserved prefix 'amq.*'",
    "exchange.declare",
  ],
  [
    "a predeclared exchange as another type",
    [m.declareExchange("amq.topic", "fanout", { durable: true })],
    inequivalent("type", "exchange 'amq.topic'", "'fanout'", "'topic'"),
    "exchange.declare",
  ],
  [
    "another type",
    [m.declareExchange("x", "direct"), m.declareExchange("x", "fanout")],
    inequivalent("type", "exchange 'x'", "'fanout'", "'direct'"),
    "exchange.declare",
  ],
  [
    "another durability",
    [m.declareExchange("x", "direct"), m.declareExchange("x", "direct", { durable: true })],
    inequivalent("durable", "exchange 'x'", "'true'", "'false'"),
    "exchange.declare",
  ],
  [
    "another auto-delete",
    [m.declareExchange("x", "direct"), m.declareExchange("x", "direct", { autoDelete: true })],
    inequivalent("auto_delete", "exchange 'x'", "'true'", "'false'"),
    "exchange.declare",
  ],
  [
    "another internal",
    [m.declareExchange("x", "direct"), m.declareExchange("x", "direct", { internal: true })],
    inequivalent("internal", "exchange 'x'", "'true'", "'false'"),
    "exchange.declare",
  ],
  [
    "another alternate exchange",
    [
      m.declareExchange("x", "direct"),
      m.declareExchange("x", "direct", { arguments: { "alternate-exchange": "y" } }),
    ],
    inequivalent("alternate-exchange", "exchange 'x'", "the value 'y' of type 'longstr'", "none"),
    "exchange.declare",
  ],
  ["deleting the default exchange", [m.deleteExchange("")], ON_DEFAULT, "exchange.delete"],
  [
    "deleting a predeclared exchange",
    [m.deleteExchange("amq.direct")],
    "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
    "exchange.delete",
  ],
  [
    "deleting an exchange in use",
    [
      m.declareExchange("x", "fanout"),
      m.declareQueue("q"),
      m.bindQueue("q", "x", ""),
      m.deleteExchange("x", { ifUnused: true }),
    ],
    "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use",
    "exchange.delete",
  ],
  [
    "binding to no exchange",
    [m.bindExchange("nope", "amq.direct", "")],
    "NOT_FOUND - no exchange 'nope' in vhost '/'",
    "exchange.bind",
  ],
  [
    "binding from no exchange",
    [m.bindExchange("amq.direct", "nope", "")],
    "NOT_FOUND - no exchange 'nope' in vhost '/'",
    "exchange.bind",
  ],
  [
    "binding to the default exchange",
    [m.bindExchange("", "amq.direct", "")],
    ON_DEFAULT,
    "exchange.bind",
  ],
  [
    "binding from the default exchange",
    [m.bindExchange("amq.direct", "", "")],
    ON_DEFAULT,
    "exchange.bind",
  ],
  [
    "unbinding from the default exchange",
    [m.unbindExchange("amq.direct", "", "")],
    ON_DEFAULT,
    "exchange.unbind",
  ],

  [
    "a queue that is not there",
    [m.declareQueue("q", { passive: true })],
    "NOT_FOUND - no queue 'q' in vhost '/'",
    "queue.declare",
  ],
  [
    "a name with an umlaut",
    [m.declareQueue("ü'x", { passive: true })],
    "NOT_FOUND - no queue 'ü'x' in vhost '/'",
    "queue.declare",
  ],
  [
    "a queue without a name, passively",
    [m.declareQueue("", { passive: true })],
    "NOT_FOUND - no queue '' in vhost '/'",
    "queue.declare",
  ],
  [
    "a reserved queue name",
    [m.declareQueue("amq.q")],
    "ACCESS_REFUSED - queue name 'amq.q' contains reserved prefix 'amq.*'",
    "queue.declare",
  ],
  [
    "another durability of a queue",
    [m.declareQueue("q"), m.declareQueue("q", { durable: true })],
    inequivalent("durable", "queue 'q'", "'true'", "'false'"),
    "queue.declare",
  ],
  [
    "another auto-delete of a queue",
    [m.declareQueue("q"), m.declareQueue("q", { autoDelete: true })],
    inequivalent("auto_delete", "queue 'q'", "'true'", "'false'"),
    "queue.declare",
  ],
  [
    "a queue that is to become exclusive",
    [m.declareQueue("q"), m.declareQueue("q", { exclusive: true })],
    LOCKED,
    "queue.declare",
  ],
  [
    "a queue that is no longer exclusive",
    [m.declareQueue("q", { exclusive: true }), m.declareQueue("q")],
    LOCKED,
    "queue.declare",
  ],
  [
    "an argument more",
    [m.declareQueue("q"), m.declareQueue("q", ttl(1000))],
    inequivalent("x-message-ttl", "queue 'q'", "the value '1000' of type 'signedint'", "none"),
    "queue.declare",
  ],
  [
    "an argument less",
    [m.declareQueue("q", { arguments: { "x-dead-letter-exchange": "a" } }), m.declareQueue("q")],
    inequivalent("x-dead-letter-exchange", "queue 'q'", "none", "the value 'a' of type 'longstr'"),
    "queue.declare",
  ],
  [
    "another argument",
    [m.declareQueue("q", ttl(1000)), m.declareQueue("q", ttl(2000))],
    inequivalent("x-message-ttl", "queue 'q'", "'2000'", "'1000'"),
    "queue.declare",
  ],
  [
    "binding no queue",
    [m.bindQueue("nope", "amq.direct", "")],
    "NOT_FOUND - no queue 'nope' in vhost '/'",
    "queue.bind",
  ],
  [
    "binding a queue to no exchange",
    [m.bindQueue("nope", "nowhere", "")],
    "NOT_FOUND - no exchange 'nowhere' in vhost '/'",
    "queue.bind",
  ],
  [
    "binding a queue to the default exchange",
    [m.declareQueue("q"), m.bindQueue("q", "", "")],
    ON_DEFAULT,
    "queue.bind",
  ],
  [
    "unbinding a queue from the default exchange",
    [m.declareQueue("q"), m.unbindQueue("q", "", "")],
    ON_DEFAULT,
    "queue.unbind",
  ],
  [
    "a match that headers exchanges do not know",
    [
      m.declareQueue("q"),
      m.bindQueue("q", "amq.headers", "", { arguments: { "x-match": "some" } }),
    ],
    'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x',
    "queue.bind",
  ],
  [
    "a match that is no text",
    [m.declareQueue("q"), m.bindQueue("q", "amq.headers", "", { arguments: { "x-match": 3 } })],
    "PRECONDITION_FAILED - Invalid x-match field type signedint (value 3); expected longstr",
    "queue.bind",
  ],
  [
    "binding the last queue if there is none",
    [m.bindQueue("", "amq.direct", "x")],
    NO_LAST_QUEUE,
    "queue.bind",
  ],
  ["purging the last queue if there is none", [m.purge("")], NO_LAST_QUEUE, "queue.purge"],
  ["deleting the last queue if there is none", [m.deleteQueue("")], NO_LAST_QUEUE, "queue.delete"],
  ["getting from the last queue if there is none", [m.get("")], NO_LAST_QUEUE, "basic.get"],
  [
    "purging no queue",
    [m.purge("nope")],
    "NOT_FOUND - no queue 'nope' in vhost '/'",
    "queue.purge",
  ],
  [
    "getting from no queue",
    [m.get("nope")],
    "NOT_FOUND - no queue 'nope' in vhost '/'",
    "basic.get",
  ],
  [
    "deleting a queue that is not empty",
    [m.declareQueue("q"), publish({ routingKey: "q" }), m.deleteQueue("q", { ifEmpty: true })],
    "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty",
    "queue.delete",
  ],

  [
    "an unknown delivery tag",
    [m.ack(7)],
    "PRECONDITION_FAILED - unknown delivery tag 7",
    "basic.ack",
  ],
  ["delivery tag 0", [m.ack(0)], "PRECONDITION_FAILED - unknown delivery tag 0", "basic.ack"],
  [
    "nack of an unknown tag",
    [m.nack(7, true, false)],
    "PRECONDITION_FAILED - unknown delivery tag 7",
    "basic.nack",
  ],
  [
    "nack of tag 0",
    [m.nack(0, false, false)],
    "PRECONDITION_FAILED - unknown delivery tag 0",
    "basic.nack",
  ],
  [
    "reject of an unknown tag",
    [m.reject(7, false)],
    "PRECONDITION_FAILED - unknown delivery tag 7",
    "basic.reject",
  ],
  [
    "a tag that needed no ack",
    [m.declareQueue("q"), publish({ routingKey: "q" }), m.get("q", true), m.ack(1)],
    "PRECONDITION_FAILED - unknown delivery tag 1",
    "basic.ack",
  ],
  [
    "a tag twice",
    [m.declareQueue("q"), publish({ routingKey: "q" }), m.get("q", false), m.ack(1), m.ack(1)],
    "PRECONDITION_FAILED - unknown delivery tag 1",
    "basic.ack",
  ],

  [
    "publishing to no exchange",
    [publish({ exchange: "x", routingKey: "r" })],
    "NOT_FOUND - no exchange 'x' in vhost '/'",
    "basic.publish",
  ],
  [
    "publishing to an internal exchange",
    [m.declareExchange("x", "fanout", { internal: true }), publish({ exchange: "x" })],
    "ACCESS_REFUSED - cannot publish to internal exchange 'x' in vhost '/'",
    "basic.publish",
  ],
  [
    "another user's name",
    [publish({}, "", { userId: "root" })],
    "PRECONDITION_FAILED - user_id property set to 'root' but authenticated user was 'guest'",
    "basic.publish",
  ],
  [
    "an expiration that is no number",
    [publish({}, "", { expiration: "soon" })],
    "PRECONDITION_FAILED - invalid expiration 'soon': no_integer",
    "basic.publish",
  ],
  [
    "an empty expiration",
    [publish({}, "", { expiration: "" })],
    "PRECONDITION_FAILED - invalid expiration '': no_integer",
    "basic.publish",
  ],
  [
    "an expiration with a rest",
    [publish({}, "", { expiration: "12x" })],
    "PRECONDITION_FAILED - invalid expiration '12x': {leftover_string,\"x\"}",
    "basic.publish",
  ],
  [
    "a negative expiration",
    [publish({}, "", { expiration: "-1" })],
    "PRECONDITION_FAILED - invalid expiration '-1': {value_negative,-1}",
    "basic.publish",
  ],
  [
    "an expiration beyond all timers",
    [publish({}, "", { expiration: "99999999999999" })],
    "PRECONDITION_FAILED - invalid expiration '99999999999999': {value_too_large,99999999999999}",
    "basic.publish",
  ],
  [
    "delivery mode 7",
    [publish({}, "", { deliveryMode: 7 as 1 })],
    "PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,7}",
    "basic.publish",
  ],
  [
    "CC that is a string",
    [publish({}, "", { headers: { CC: "q" } })],
    'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}',
    "basic.publish",
  ],
  [
    "BCC that is a string",
    [publish({}, "", { headers: { BCC: "q" } })],
    'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"BCC",longstr}',
    "basic.publish",
  ],
  [
    "a message over the limit",
    [publish({ exchange: "nope" }, "x".repeat(100_001))],
    "PRECONDITION_FAILED - message size 100001 is larger than configured max size 100000",
    "basic.publish",
  ],
  [
    "transactions on a confirm channel",
    [m.CONFIRM, { name: "tx.select" }],
    "PRECONDITION_FAILED - cannot switch from confirm to tx mode",
    "tx.select",
  ],
  [
    "commit without select",
    [{ name: "tx.commit" }],
    "PRECONDITION_FAILED - channel is not transactional",
    "tx.commit",
  ],
  [
    "rollback without select",
    [{ name: "tx.rollback" }],
    "PRECONDITION_FAILED - channel is not transactional",
    "tx.rollback",
  ],
];

const UNIMPLEMENTED = "COMMAND_INVALID - unimplemented method";
const ON_CHANNEL_0 = "CHANNEL_ERROR - unexpected method in connection state running";
const UNOPENED = "CHANNEL_ERROR - expected 'channel.open'";
const NO_HEADER =
  "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead";
const NO_BODY = "UNEXPECTED_FRAME - expected content body, got non content body frame instead";
const NO_METHOD = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";

const hard: readonly Case[] = [
  [
    "an unknown exchange type",
    [m.declareExchange("x", "nope")],
    "COMMAND_INVALID - unknown exchange type 'nope'",
    "exchange.declare",
  ],
  [
    "a channel opened twice",
    [m.OPEN],
    "CHANNEL_ERROR - second 'channel.open' seen",
    "channel.open",
  ],
  ["a channel that was never opened", [on(2, m.declareQueue("q"))], UNOPENED, "queue.declare"],
  ["a publish on it", [(client) => client.publish(2, {})], UNOPENED, "basic.publish"],
  ["closing it", [on(2, m.CLOSE_CHANNEL)], UNOPENED, "channel.close"],
  ["close-ok for it", [on(2, m.CLOSE_OK)], UNOPENED, "channel.close-ok"],
  ["content on it", [payload(3, 2, "00")], NO_METHOD],
  ["close-ok that nobody asked for", [m.CLOSE_OK], UNIMPLEMENTED, "channel.close-ok"],
  [
    "flow-ok that nobody asked for",
    [{ name: "channel.flow-ok", active: true }],
    UNIMPLEMENTED,
    "channel.flow-ok",
  ],
  [
    "cancel-ok that nobody asked for",
    [{ name: "basic.cancel-ok", consumerTag: "" }],
    UNIMPLEMENTED,
    "basic.cancel-ok",
  ],
  [
    "a method of class connection on a channel",
    [{ name: "connection.open", virtualHost: "/" }],
    UNIMPLEMENTED,
    "connection.open",
  ],
  ["connection.close on a channel", [m.CLOSE_CONNECTION], UNIMPLEMENTED, "connection.close"],
  ["a channel's method on channel 0", [on(0, m.declareQueue("q"))], ON_CHANNEL_0, "queue.declare"],
  ["channel.open on channel 0", [on(0, m.OPEN)], ON_CHANNEL_0, "channel.open"],
  [
    "opening the connection twice",
    [on(0, { name: "connection.open", virtualHost: "/" })],
    ON_CHANNEL_0,
    "connection.open",
  ],
  ["start-ok twice", [(client) => client.startOk()], ON_CHANNEL_0, "connection.start-ok"],
  [
    "connection.close-ok that nobody asked for",
    [on(0, { name: "connection.close-ok" })],
    ON_CHANNEL_0,
    "connection.close-ok",
  ],
  [
    "a pause",
    [{ name: "channel.flow", active: false }],
    "NOT_IMPLEMENTED - active=false",
    "channel.flow",
  ],
  [
    "a prefetch size",
    [{ name: "basic.qos", prefetchSize: 10, prefetchCount: 0, global: false }],
    "NOT_IMPLEMENTED - prefetch_size!=0 (10)",
    "basic.qos",
  ],
  [
    "recovery without requeue",
    [{ name: "basic.recover", requeue: false }],
    "NOT_IMPLEMENTED - requeue=false",
    "basic.recover",
  ],
  [
    "recovery without requeue and answer",
    [{ name: "basic.recover-async", requeue: false }],
    "NOT_IMPLEMENTED - requeue=false",
    "basic.recover-async",
  ],
  [
    "a consumer tag that is taken",
    [
      m.declareQueue("q", { nowait: true }),
      m.consume("q", "t", { nowait: true }),
      m.consume("q", "t"),
    ],
    "NOT_ALLOWED - attempt to reuse consumer tag 't'",
    "basic.consume",
  ],

  ["a header frame out of the blue", [payload(2, 1, "003c000000000000000000000000")], NO_METHOD],
  ["a body frame out of the blue", [payload(3, 1, "00")], NO_METHOD],
  ["a method where a header is due", [frames(0), m.CONFIRM], NO_HEADER, "basic.publish"],
  ["a close where a header is due", [frames(0), m.CLOSE_CHANNEL], NO_HEADER, "basic.publish"],
  ["a publish where a header is due", [frames(0, 0)], NO_HEADER, "basic.publish"],
  ["a body where a header is due", [frames(0, 2)], NO_HEADER, "basic.publish"],
  ["a method where a body is due", [frames(0, 1), m.CONFIRM], NO_BODY, "basic.publish"],
  ["a second header", [frames(0, 1, 1)], NO_BODY, "basic.publish"],
  // From here on the texts are ours.
  [
    "a body that is too long",
    [frames(0, 1), payload(3, 1, "0102030405")],
    "UNEXPECTED_FRAME - a body is longer than its header declared",
    "basic.publish",
  ],
  [
    "a header that ends too early",
    [frames(0), payload(2, 1, "003c000000000000000000048000ff")],
    "FRAME_ERROR - the payload ends inside a short string: 0",
    "basic.publish",
  ],
  [
    "content on channel 0",
    [payload(2, 0, "003c000000000000000000000000")],
    "UNEXPECTED_FRAME - content on channel 0",
  ],
  [
    "a heartbeat on a channel",
    [octets("08000100000000ce")],
    "UNEXPECTED_FRAME - a heartbeat on channel 1",
  ],
  [
    "a heartbeat with a payload",
    [octets("0800000000000141ce")],
    "FRAME_ERROR - a heartbeat with a payload",
  ],
  [
    "a method that ends too early",
    [payload(1, 1, "0032000a0000ff")],
    "FRAME_ERROR - the payload ends inside a short string: 0",
    "queue.declare",
  ],
  [
    "a method without its ids",
    [payload(1, 1, "0032")],
    "FRAME_ERROR - the payload ends inside a long integer: 2",
  ],
  [
    "a method that goes on",
    [
      (client) =>
        client.write(
          frameBytes(
            1,
            1,
            Buffer.concat([methodBytes(1, m.CONFIRM).subarray(7, -1), Buffer.of(1)]),
          ),
        ),
    ],
    "FRAME_ERROR - confirm.select goes on after its last field: 1 octets more",
    "confirm.select",
  ],
  [
    "a method of the server's",
    [payload(1, 1, "0014000b00000000")],
    UNIMPLEMENTED,
    "channel.open-ok",
  ],
  [
    "a method that does not exist",
    [payload(1, 1, "00320063")],
    "COMMAND_INVALID - there is no method with class 50 and id 99: class 50, method 99",
  ],
  [
    "a field of unknown type",
    [payload(1, 1, "0032000a00000178000000000301610000")],
    'SYNTAX_ERROR - a field table has a value of unknown type: "\\u0000" (0)',
    "queue.declare",
  ],
];

/** Octets after which nobody knows where the next frame begins: the broker hangs up by itself. */
const fatal: readonly Case[] = [
  [
    "a frame without its end",
    [octets("01000100000005 0055000a00 00".replaceAll(" ", ""))],
    "FRAME_ERROR - a frame does not end where its size says: 0",
  ],
  [
    "a frame of unknown type",
    [octets("0500010000000000ce")],
    "FRAME_ERROR - a frame begins with 5, which is no frame type",
  ],
  [
    "HTTP",
    [(client) => client.write(Buffer.from("GET / HTTP/1.0\r\n\r\n"))],
    "FRAME_ERROR - a frame begins with 71, which is no frame type",
  ],
  [
    "a frame that is too large",
    [octets("03000100020001")],
    "FRAME_ERROR - a frame is larger than the frame-max that was negotiated: 131081",
  ],
];

describe("the broker refuses", () => {
  let broker: EmbeddedBroker;
  let client: RawClient;
  beforeEach(async () => {
    broker = await startBroker({ maxMessageSize: 100_000 });
    client = await RawClient.open(broker.port);
  });
  afterEach(async () => {
    client.destroy();
    await broker.stop();
  });

  function send(steps: readonly Step[]): void {
    for (const step of steps) {
      if (typeof step === "function") step(client);
      else client.send(1, step);
    }
  }

  function closeOf(text: string, blamed: Blamed): object {
    const { classId, methodId } = blamed === undefined ? NOBODY : METHODS[blamed];
    const replyCode = CODES[text.split(" - ", 1)[0] ?? ""];
    return { replyCode, replyText: text, classId, methodId };
  }

  for (const [what, steps, text, blamed] of soft) {
    it(`${what}, and goes on with other channels and a new one`, async () => {
      send(steps);
      client.send(2, m.OPEN);
      await client.linesUntil("channel.close").then((lines) => {
        const { replyCode, replyText, ...ids } = closeOf(text, blamed) as Record<string, unknown>;
        const fields = JSON.stringify({ replyCode, replyText, ...ids });
        expect(lines.at(-1)).to.equal(`1 channel.close ${fields}`);
      });
      await client.expect("channel.open-ok");
      send([m.CLOSE_OK, m.OPEN, m.declareQueue("new")]);
      await client.expect("channel.open-ok");
      await client.expect("queue.declare-ok");
    });
  }

  for (const [what, steps, text, blamed] of hard) {
    it(`${what}, with the whole connection`, async () => {
      send([...steps, m.declareQueue("after", { nowait: true })]);
      expect(await client.expect("connection.close")).to.include(closeOf(text, blamed));
      client.send(0, { name: "connection.close-ok" });
      expect((await client.untilEnd()).map(show)).to.deep.equal(["0 end {}"]);
      expect(broker.queue("after").exists).to.equal(false);
    });
  }

  for (const [what, steps, text] of fatal) {
    it(`${what}, and hangs up`, async () => {
      send(steps);
      expect(await client.expect("connection.close")).to.include(closeOf(text, undefined));
      expect((await client.untilEnd()).map(show)).to.deep.equal(["0 end {}"]);
    });
  }

  it("one channel more than was negotiated", async () => {
    const small = await RawClient.open(broker.port, { channelMax: 2 });
    small.send(9, m.OPEN);
    await small.expect("channel.open-ok");
    small.send(2, m.OPEN);
    expect(await small.expect("connection.close")).to.include(
      closeOf(
        "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
        undefined,
      ),
    );
    small.destroy();
  });

  it("the exclusive queue of another connection, until that ends", async () => {
    const other = await RawClient.open(broker.port);
    await other.call(1, m.declareQueue("q", { exclusive: true }), "queue.declare-ok");
    await other.call(1, m.bindQueue("q", "amq.direct", "bound"), "queue.bind-ok");
    // A binding that is not there concerns nobody.
    await client.call(1, m.unbindQueue("q", "amq.direct", ""), "queue.unbind-ok");
    for (const method of [
      m.declareQueue("q", { exclusive: true }),
      m.declareQueue("q", { passive: true }),
      m.bindQueue("q", "amq.direct", ""),
      m.unbindQueue("q", "amq.direct", "bound"),
      m.purge("q"),
      m.deleteQueue("q"),
      m.get("q"),
    ]) {
      client.send(1, method);
      expect(await client.expect("channel.close")).to.include(closeOf(LOCKED, method.name));
      send([m.CLOSE_OK, m.OPEN]);
      await client.expect("channel.open-ok");
    }
    // Anybody may publish to it.
    client.publish(1, { routingKey: "q", mandatory: true }, "");
    send([m.CONFIRM]);
    await client.expect("confirm.select-ok");
    expect(broker.queue("q").messageCount).to.equal(1);
    await other.call(0, m.CLOSE_CONNECTION, "connection.close-ok");
    expect(broker.queue("q").exists).to.equal(false);
    other.destroy();
  });

  it("with texts that fit in a short string, and whole characters", async () => {
    send([m.declareExchange("ü".repeat(127), "", { passive: true })]);
    const { replyText } = await client.expect("channel.close");
    expect(replyText).to.equal(`NOT_FOUND - no exchange '${"ü".repeat(113)}...`);
  });

  it("and drops what comes on the channel until close-ok, confirms included", async () => {
    const good = publishBytes(1, { routingKey: "q" }, "b");
    send([m.declareQueue("q"), m.CONFIRM]);
    await client.linesUntil("confirm.select-ok");
    client.write(
      Buffer.concat([
        ...[good, good, publishBytes(1, { exchange: "nope" }, "b"), good],
        ...[methodBytes(1, m.declareQueue("after")), publishBytes(1, { exchange: "nope" }, "b")],
        ...[frameBytes(3, 1, Buffer.of(1)), methodBytes(1, m.CLOSE_CHANNEL)],
      ]),
    );
    await client.expect("channel.close");
    await client.expect("channel.close-ok");
    expect(broker.queue("q").messageCount).to.equal(2);
    expect(broker.queue("after").exists).to.equal(false);
    send([m.CLOSE_OK, m.OPEN, m.CONFIRM, publish({ routingKey: "q" })]);
    await client.expect("channel.open-ok");
    await client.expect("confirm.select-ok");
    expect(await client.expect("basic.ack")).to.include({ deliveryTag: 1, multiple: false });
  });

  it("confirming what came in an earlier read than the error", async () => {
    send([m.CONFIRM, publish({ routingKey: "q" })]);
    await client.linesUntil("basic.ack");
    send([publish({ exchange: "nope" })]);
    await client.expect("channel.close");
  });

  it("a body over the limit at its header, before any of it came", async () => {
    const small = await RawClient.open(broker.port, { frameMax: 4096 });
    const whole = Buffer.from(publishBytes(1, {}, "x".repeat(100_001), {}, 4096));
    small.write(whole.subarray(0, 100));
    await small.expect("channel.close");
    small.write(whole.subarray(100));
    small.send(1, m.CLOSE_OK);
    small.send(1, m.OPEN);
    await small.expect("channel.open-ok");
    small.destroy();
  });
});

const NOBODY = { classId: 0, methodId: 0 };
