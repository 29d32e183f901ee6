/**
 * Plays about errors that end the connection: what is not allowed, not implemented, out of place or
 * malformed. Each has a client of its own.
 */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { ClientMethod } from "../../../src/wire/generated/methods.ts";
import * as m from "../methods.ts";
import { frameBytes, methodBytes, publishBytes } from "../raw-client.ts";
import type { Play, Stage } from "./stage.ts";

/** What a client writes, on a connection with channel 1 open. */
type Octets = Uint8Array | readonly Uint8Array[];

/** Each is written by a client of its own, whose name tells what it is. */
async function each(stage: Stage, cases: Readonly<Record<string, Octets>>): Promise<void> {
  for (const [name, octets] of Object.entries(cases)) {
    const client = await stage.client(name);
    await client.write(...(octets instanceof Uint8Array ? [octets] : octets));
  }
}

/** The payload of a frame, in hexadecimal. */
function frame(type: number, channel: number, hex: string): Uint8Array {
  return frameBytes(type, channel, Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

/** The method, header and body frames of a publish to a queue that is not there. */
function publishFrames(): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const bytes = Buffer.from(publishBytes(1, { routingKey: "there is none" }, "body"));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 3);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames as [Uint8Array, Uint8Array, Uint8Array];
}

const one = (method: ClientMethod): Uint8Array => methodBytes(1, method);
const OPEN_VHOST: ClientMethod = { name: "connection.open", virtualHost: "/" };

export const errors: Readonly<Record<string, Play>> = {
  "what is not implemented or not allowed": async (stage) => {
    const q = stage.name("q");
    const owner = await stage.client("owner");
    await owner.do(1, m.declareQueue(q));
    const quietly = m.consume(q, "t", { nowait: true });
    await each(stage, {
      "prefetch size": one({ ...m.qos(1), prefetchSize: 10 }),
      "flow off": one({ name: "channel.flow", active: false }),
      "recover without requeue": one({ ...m.RECOVER, requeue: false }),
      "recover-async without requeue": one({ ...m.RECOVER_ASYNC, requeue: false }),
      "no such type": one(m.declareExchange(stage.name("x"), "no-such-type")),
      "no type at all": one(m.declareExchange(stage.name("x"), "")),
      "no name and no type": one(m.declareExchange("", "")),
      "a tag twice": [one(quietly), one(m.consume(q, "t"))],
      "a tag twice, no queue": [one(quietly), one(m.consume(stage.name("none"), "t"))],
    });
  },

  "methods on channels that are not open, or are": (stage) =>
    each(stage, {
      "open twice": one(m.OPEN),
      "declare on 2": methodBytes(2, m.declareQueue("q")),
      "publish on 2": publishBytes(2, { routingKey: "q" }, "b"),
      "close 2": methodBytes(2, m.CLOSE_CHANNEL),
      "close-ok on 2": methodBytes(2, m.CLOSE_OK),
      "content on 2": frame(3, 2, "00"),
      "header on 2": frame(2, 2, "003c 0000 0000000000000000 0000"),
      "close-ok on 1": one(m.CLOSE_OK),
      "flow-ok on 1": one({ name: "channel.flow-ok", active: true }),
      "cancel-ok on 1": one({ name: "basic.cancel-ok", consumerTag: "t" }),
    }),

  "channels that are closed are closed": async (stage) => {
    for (const method of [m.CLOSE_CHANNEL, m.CLOSE_OK, m.declareQueue("q", { passive: true })]) {
      const client = await stage.client(method.name);
      await client.do(1, m.CLOSE_CHANNEL);
      await client.write(one(method));
    }
  },

  "methods on the wrong channel": (stage) =>
    each(stage, {
      "declare on 0": methodBytes(0, m.declareQueue("q")),
      "channel.open on 0": methodBytes(0, m.OPEN),
      "connection.open again": methodBytes(0, OPEN_VHOST),
      "connection.close-ok unasked": methodBytes(0, { name: "connection.close-ok" }),
      "tune-ok again": methodBytes(0, {
        ...{ name: "connection.tune-ok", channelMax: 10, frameMax: 8192, heartbeat: 0 },
      }),
      "connection.open on 1": one(OPEN_VHOST),
      "connection.close on 1": one(m.CLOSE_CONNECTION),
      "connection.close-ok on 1": one({ name: "connection.close-ok" }),
    }),

  "frames out of place": (stage) => {
    const [method, header, body] = publishFrames();
    return each(stage, {
      "a header first": header,
      "a body first": body,
      "a method for a header": [method, one(m.CONFIRM)],
      "a close for a header": [method, one(m.CLOSE_CHANNEL)],
      "a publish for a header": [method, method],
      "a body for a header": [method, body],
      "a method for a body": [method, header, one(m.CONFIRM)],
      "a second header": [method, header, header],
      "heartbeats between": [method, frame(8, 0, ""), header, frame(8, 0, ""), body],
      "a body in pieces": [
        method,
        header,
        frame(3, 1, "62"),
        frame(3, 1, ""),
        frame(3, 1, "6f6479"),
      ],
      "a header for class 50": [method, frame(2, 1, "0032 0000 0000000000000000 0000")],
      "a header with a weight": [method, frame(2, 1, "003c 0001 0000000000000000 0000")],
      "content on 0": frame(2, 0, "003c 0000 0000000000000000 0000"),
      "a heartbeat on 1": frame(8, 1, ""),
      "a heartbeat on 1, then": [frame(8, 1, ""), one(m.CONFIRM)],
      "a heartbeat with a payload": frame(8, 0, "41"),
    });
  },

  "a body that is longer than its header says": async (stage) => {
    const [method, header] = publishFrames();
    const a = await stage.client("a");
    await a.write(method, header, frame(3, 1, "0102030405"));
  },

  "frames that are malformed": (stage) => {
    const [method] = publishFrames();
    const { classId } = METHODS["queue.declare"];
    const queueClass = classId.toString(16).padStart(4, "0");
    return each(stage, {
      "no such method": frame(1, 1, `${queueClass} 0063`),
      "no such class": frame(1, 1, "0100 000a"),
      "a method of the server's": frame(1, 1, "0014 000b 00000000"),
      "no such method on 0": frame(1, 0, "000a 0063"),
      "a method without its ids": frame(1, 1, "0032"),
      "a method that is empty": frame(1, 1, ""),
      "a method that ends too early": frame(1, 1, `${queueClass} 000a 0000 ff`),
      "a method that goes on": frame(1, 1, "0055 000a 00 01"),
      "a field of unknown type": frame(1, 1, `${queueClass} 000a 0000 0178 00 00000003 0161 00`),
      "a table that ends too early": frame(1, 1, `${queueClass} 000a 0000 0178 00 000000ff 0161`),
      "a header that ends too early": [method, frame(2, 1, "003c 0000 0000000000000004 8000 ff")],
      "a header without its flags": [method, frame(2, 1, "003c 0000 0000000000000004")],
      "a property of unknown type": [
        method,
        frame(2, 1, "003c 0000 0000000000000000 2000 00000003 0161 00"),
      ],
      "properties that go on": [method, frame(2, 1, "003c 0000 0000000000000000 0000 ff")],
      "more flags than there are": [method, frame(2, 1, "003c 0000 0000000000000000 0002 0000")],
    });
  },

  "octets that are no frames": (stage) =>
    each(stage, {
      "a frame without its end": Buffer.from(
        "01000100000005 0055000a00 00".replace(/ /g, ""),
        "hex",
      ),
      "a frame of type 5": Buffer.from("0500010000000000ce", "hex"),
      "a frame of type 0": Buffer.from("0000010000000000ce", "hex"),
      HTTP: Buffer.from("GET / HTTP/1.0\r\n\r\n"),
      "another greeting": Buffer.from("AMQP\x00\x00\x09\x01", "latin1"),
      "a frame that is too large": Buffer.from("03000100020001", "hex"),
      "a frame that is far too large": Buffer.from("030001ffffffff", "hex"),
    }),

  "errors on one channel leave the others alone": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(2, m.OPEN, m.declareQueue(q), m.consume(q, "t"));
    await a.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.OPEN, m.ack(1));
    await a.publish(2, { routingKey: q }, ["1"]);
    await a.do(2, m.ack(1));
    await a.do(0, m.CLOSE_CONNECTION);
  },
};
