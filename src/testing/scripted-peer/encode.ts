/**
 * Frames for the scripted peer and for tests of whoever reads them (specification section 4.2):
 *
 *     frame   [type 1][channel 2][size 4][payload][end 0xCE]
 *     method  [class 2][method 2][field]*                         bits share octets, lowest first
 *     header  [class 2][weight 2 = 0][body size 8][flags 2][property]*
 *
 * This encoder has no line in common with the one that the library uses: a mistake in one of them
 * shows as a difference instead of cancelling out. The two have in common the table of ids, names
 * and fields, which is data made from `spec/`; that is held against the bytes of other
 * implementations by this project's golden vectors.
 */
import { BASIC_CLASS_ID, FRAME_END, FRAME_TYPE } from "../../wire/generated/constants.ts";
import { METHODS } from "../../wire/generated/method-table.ts";
import {
  type BasicProperties,
  PROPERTY_FLAG,
  PROPERTY_TYPES,
} from "../../wire/generated/properties.ts";
import { encodeTable, timestamp } from "./encode-table.ts";
import type { ContentMethodName, MethodName, SentFields } from "./method-types.ts";
import { longstr, shortstr, unsigned } from "./octets.ts";

/** A frame, taken apart; {@link encodeFrame} makes its octets. */
export interface Frame {
  /** 1 method, 2 header, 3 body, 8 heartbeat; 0 to 255. */
  readonly type: number;
  /** 0 to 65,535. */
  readonly channel: number;
  readonly payload: Uint8Array;
}

/** The octets of a frame. It checks nothing, so that a test may also build what is wrong. */
export function encodeFrame({ type, channel, payload }: Frame): Uint8Array {
  const head = [unsigned(type, 1), unsigned(channel, 2), unsigned(payload.length, 4)];
  return Buffer.concat([...head, payload, unsigned(FRAME_END, 1)]);
}

/**
 * The frame of a method. Fields that are left out are zero, empty or false; `frame-max` is not heeded.
 *
 *     encodeMethod(1, "basic.ack", { deliveryTag: 3, multiple: true });
 */
export function encodeMethod<N extends MethodName>(
  channel: number,
  name: N,
  fields: SentFields<N> = {} as SentFields<N>,
): Uint8Array {
  const payload = encodeMethodPayload(name, fields as { readonly [name: string]: unknown });
  return encodeFrame({ type: FRAME_TYPE.method, channel, payload });
}

/**
 * A method with its content: method frame, header frame, and as many body frames as `frameMax` asks
 * for (131,072 if absent, 0 is no limit). A body that is text goes out as UTF-8.
 */
export function encodeContent<N extends ContentMethodName>(
  channel: number,
  name: N,
  fields: SentFields<N>,
  body: Uint8Array | string,
  properties: BasicProperties = {},
  frameMax = 131_072,
): Uint8Array {
  const octets = Buffer.from(body as string);
  const room = frameMax === 0 ? octets.length : Math.max(1, frameMax - 8);
  const frames = [
    encodeMethod(channel, name, fields),
    encodeHeader(channel, octets.length, properties),
  ];
  for (let at = 0; at < octets.length; at += room) {
    frames.push(encodeBody(channel, octets.subarray(at, at + room)));
  }
  return Buffer.concat(frames);
}

/** The header frame of a content: how long the body is said to be, and the properties. */
export function encodeHeader(
  channel: number,
  bodySize: number | bigint,
  properties: BasicProperties = {},
): Uint8Array {
  const payload = encodeHeaderPayload(bodySize, properties);
  return encodeFrame({ type: FRAME_TYPE.header, channel, payload });
}

/** One body frame. */
export function encodeBody(channel: number, body: Uint8Array | string): Uint8Array {
  const payload = Buffer.from(body as string);
  return encodeFrame({ type: FRAME_TYPE.body, channel, payload });
}

/** A heartbeat frame; it belongs on channel 0. */
export function encodeHeartbeat(channel = 0): Uint8Array {
  return encodeFrame({ type: FRAME_TYPE.heartbeat, channel, payload: new Uint8Array(0) });
}

/** What is in the frame of a method. */
export function encodeMethodPayload(
  name: MethodName,
  given: { readonly [name: string]: unknown },
): Uint8Array {
  const { classId, methodId, fields } = METHODS[name];
  const known = new Set(fields.map((field) => field.name).concat("name"));
  for (const field of Object.keys(given)) {
    if (!known.has(field)) throw new TypeError(`${name} has no field ${field}`);
  }
  const pieces = [unsigned(classId, 2), unsigned(methodId, 2)];
  let bits: boolean[] = [];
  for (const [at, field] of fields.entries()) {
    if (field.type !== "bit") {
      pieces.push(named(`${name}'s ${field.name}`, () => encodeAs(field.type, given[field.name])));
      continue;
    }
    bits.push(Boolean(given[field.name]));
    if (bits.length < 8 && fields[at + 1]?.type === "bit") continue;
    pieces.push(unsigned(Number.parseInt([...bits].reverse().map(Number).join(""), 2), 1));
    bits = [];
  }
  return Buffer.concat(pieces);
}

/** What is in a header frame. */
export function encodeHeaderPayload(
  bodySize: number | bigint,
  properties: BasicProperties,
): Uint8Array {
  let flags = 0;
  const values: Buffer[] = [];
  for (const [name, type] of PROPERTY_TYPES) {
    if (properties[name] === undefined) continue;
    flags += PROPERTY_FLAG[name];
    values.push(named(`the property ${name}`, () => encodeAs(type, properties[name])));
  }
  const size = unsigned(bodySize, 8);
  const head = [unsigned(BASIC_CLASS_ID, 2), unsigned(0, 2), size, unsigned(flags, 2)];
  return Buffer.concat([...head, ...values]);
}

function encodeAs(type: string, value: unknown): Buffer {
  switch (type) {
    case "octet":
      return unsigned((value ?? 0) as number, 1);
    case "short":
      return unsigned((value ?? 0) as number, 2);
    case "long":
      return unsigned((value ?? 0) as number, 4);
    case "longlong":
      return unsigned((value ?? 0) as number | bigint, 8);
    case "shortstr":
      return shortstr((value ?? "") as string);
    case "longstr":
      return longstr((value ?? "") as string);
    case "table":
      return encodeTable((value ?? {}) as object);
    case "timestamp":
      return timestamp(value as Date);
    default:
      throw new TypeError(`the protocol table has a type that is new: ${type}`);
  }
}

/** Says which field it is that cannot be encoded. */
function named(what: string, encode: () => Buffer): Buffer {
  try {
    return encode();
  } catch (error) {
    throw new TypeError(`${what} cannot be sent: ${(error as Error).message}`, { cause: error });
  }
}
