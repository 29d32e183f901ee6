/**
 * What a broker says when it breaks a rule of AMQP. The octets are put together by hand, because
 * most of them are such as no encoder makes.
 */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";

/** Where a rule is broken. */
export interface Scene {
  /** A channel that is open. */
  readonly channel: number;
  /** A number under which no channel is open. */
  readonly unused: number;
  /** The lowest delivery tag that the client has not used there. */
  readonly nextTag: number;
  /** The last one that was confirmed there, or 0. */
  readonly settledTag: number;
  readonly frameMax: number;
}

/** One way to break a rule. */
export type Misdeed = keyof typeof MISDEEDS;

/** What each of them says. */
export const MISDEEDS = {
  "acks a tag never issued": ({ channel, nextTag }) => confirm("basic.ack", channel, nextTag, 0),
  "acks all up to a tag never issued": ({ channel, nextTag }) =>
    confirm("basic.ack", channel, nextTag + 1000, 1),
  "acks tag 0 alone": ({ channel }) => confirm("basic.ack", channel, 0, 0),
  "nacks a tag never issued": ({ channel, nextTag }) => confirm("basic.nack", channel, nextTag, 0),
  // These two break no rule; nothing comes of them.
  "confirms what it has confirmed": ({ channel, settledTag }) =>
    settledTag === 0 ? [] : confirm("basic.nack", channel, settledTag, 0),
  "returns what nobody sent": ({ channel }) => [...returned(channel), ...header(channel, 0)],
  "speaks on a channel that is not open": ({ unused }) => confirm("basic.ack", unused, 1, 0),
  "sends content where no channel is open": ({ unused }) => frame(BODY, unused, [1]),
  "begins with a header": ({ channel }) => header(channel, 0),
  "begins with a body": ({ channel }) => frame(BODY, channel, [1]),
  "puts a method between method and header": ({ channel }) => [
    ...returned(channel),
    ...confirm("basic.ack", channel, 1, 0),
  ],
  "puts a method between header and body": ({ channel }) => [
    ...returned(channel),
    ...header(channel, 3),
    ...method(channel, "channel.flow", [1]),
  ],
  "sends a second header": ({ channel }) => [
    ...returned(channel),
    ...header(channel, 3),
    ...header(channel, 3),
  ],
  "sends more body than declared": ({ channel }) => [
    ...returned(channel),
    ...header(channel, 3),
    ...frame(BODY, channel, [1, 2]),
    ...frame(BODY, channel, [3, 4]),
  ],
  "declares a body without bound": ({ channel }) => [
    ...returned(channel),
    ...header(channel, 2 ** 40),
    ...frame(BODY, channel, [1]),
  ],
  "sends a frame over frame-max": ({ channel, frameMax }) =>
    frame(BODY, channel, new Array(frameMax - 7).fill(0)),
  "ends a frame wrong": ({ channel }) => [...header(channel, 0).slice(0, -1), 0],
  "sends a frame of no type": () => frame(4, 0, []),
  "sends a heartbeat on a channel": ({ channel }) => frame(HEARTBEAT, channel, []),
  "sends a heartbeat where no channel is open": ({ unused }) => frame(HEARTBEAT, unused, []),
  "sends a heartbeat with a payload": () => frame(HEARTBEAT, 0, [1]),
  "opens a channel twice": ({ channel }) => method(channel, "channel.open-ok", [0, 0, 0, 0]),
  "answers what nobody asked": ({ channel }) => method(channel, "queue.bind-ok", []),
  "closes nobody's channel": ({ channel }) => method(channel, "channel.close-ok", []),
  "delivers to nobody": ({ channel }) => [
    ...method(channel, "basic.deliver", [0, ...long(0), ...long(1), 0, 0, 0]),
    ...header(channel, 0),
  ],
  "cancels nobody's consumer": ({ channel }) => method(channel, "basic.cancel", [1, 65, 1]),
  "tunes again": () => method(0, "connection.tune", [0, 0, ...long(0), 0, 0]),
  "opens the connection twice": () => method(0, "connection.open-ok", [0]),
  "confirms a close that nobody asked for": () => method(0, "connection.close-ok", []),
  "confirms a secret that nobody sent": () => method(0, "connection.update-secret-ok", []),
  "confirms on channel 0": () => confirm("basic.ack", 0, 1, 0),
  "blocks a channel": ({ channel }) => method(channel, "connection.blocked", [0]),
  "sends content on channel 0": () => header(0, 0),
  "publishes to the client": ({ channel }) => method(channel, "basic.publish", [0, 0, 0, 0, 0]),
  "invents a method": ({ channel }) => frame(METHOD, channel, [0, 60, 0, 99]),
  "cuts a method": ({ channel }) => frame(METHOD, channel, [0, 60, 0, 80, 0, 0]),
  "puts octets behind a method": ({ channel }) => method(channel, "channel.flow", [1, 0]),
} as const satisfies { readonly [name: string]: (scene: Scene) => readonly number[] };

/** Those that depend on what the client has used or asked by now. */
export const ABOUT_NOW: ReadonlySet<Misdeed> = new Set([
  ...(["acks a tag never issued", "nacks a tag never issued", "closes nobody's channel"] as const),
  ...(["answers what nobody asked", "confirms a secret that nobody sent"] as const),
  "speaks on a channel that is not open",
  "sends content where no channel is open",
]);

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const HEARTBEAT = 8;

function frame(type: number, channel: number, payload: readonly number[]): number[] {
  return [type, ...short(channel), ...long(payload.length), ...payload, 0xce];
}

function method(channel: number, name: Method["name"], fields: readonly number[]): number[] {
  const { classId, methodId } = METHODS[name];
  return frame(METHOD, channel, [...short(classId), ...short(methodId), ...fields]);
}

function confirm(
  name: "basic.ack" | "basic.nack",
  channel: number,
  tag: number,
  bits: number,
): number[] {
  return method(channel, name, [...long(0), ...long(tag), bits]);
}

/** The method alone: its content is due. */
function returned(channel: number): number[] {
  return method(channel, "basic.return", [...short(312), 0, 0, 0]);
}

function header(channel: number, bodySize: number): number[] {
  const size = [...long(Math.floor(bodySize / 2 ** 32)), ...long(bodySize % 2 ** 32)];
  return frame(HEADER, channel, [...short(60), ...short(0), ...size, ...short(0)]);
}

function short(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function long(value: number): number[] {
  return [...short(Math.floor(value / 0x10000)), ...short(value % 0x10000)];
}
