/** Frames, and conversations taken apart at once, for the tests of the dissector. */
import { Dissector } from "../../src/dissect/dissector.ts";
import type {
  EventItem,
  Field,
  Item,
  LinkItem,
  MessageItem,
  Side,
} from "../../src/dissect/model.ts";
import type { DissectOptions, OpenOptions } from "../../src/dissect/options.ts";
import { writeMethodFrame } from "../../src/wire/frame.ts";
import { FRAME_END, FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { writeContentHeader } from "../../src/wire/properties.ts";
import { concat, encoded } from "../wire/octets.ts";

/** Octets that a side sends, with their time. */
export type Said = readonly [from: Side, octets: Uint8Array, time?: number];

/** A frame of any kind. */
export function frame(type: number, channel: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(7);
  const view = new DataView(head.buffer);
  view.setUint8(0, type);
  view.setUint16(1, channel);
  view.setUint32(3, payload.length);
  return concat(head, payload, Uint8Array.of(FRAME_END));
}

export function methodFrame(channel: number, method: Method): Uint8Array {
  return encoded((writer) => writeMethodFrame(writer, channel, method, 1_000_000));
}

export function headerFrame(
  channel: number,
  size: number,
  properties: BasicProperties,
): Uint8Array {
  return frame(
    FRAME_TYPE.header,
    channel,
    encoded((writer) => writeContentHeader(writer, size, properties)),
  );
}

export function bodyFrame(channel: number, body: Uint8Array): Uint8Array {
  return frame(FRAME_TYPE.body, channel, body);
}

/** A publish with its content, in one piece. */
export function publishFrames(
  channel: number,
  options: {
    readonly exchange?: string;
    readonly routingKey?: string;
    readonly mandatory?: boolean;
    readonly body?: string;
    readonly properties?: BasicProperties;
  } = {},
): Uint8Array {
  const { exchange = "", routingKey = "q", mandatory = false, properties = {} } = options;
  const method = {
    name: "basic.publish",
    exchange,
    routingKey,
    mandatory,
    immediate: false,
  } as const;
  return contentFrames(channel, method, options.body ?? "", properties);
}

/** A method with its content. */
export function contentFrames(
  channel: number,
  method: Method,
  text: string,
  properties: BasicProperties = {},
): Uint8Array {
  const body = new TextEncoder().encode(text);
  const bodies = body.length === 0 ? [] : [bodyFrame(channel, body)];
  return concat(
    methodFrame(channel, method),
    headerFrame(channel, body.length, properties),
    ...bodies,
  );
}

/** Takes a conversation apart, to its end. */
export function dissect(said: readonly Said[], options: DissectOptions & OpenOptions = {}): Item[] {
  const dissector = new Dissector(options);
  const connection = dissector.open(options);
  const items: Item[] = [connection];
  for (const [from, octets, time] of said) {
    for (const item of dissector.push(connection.id, from, octets, time)) items.push(item);
  }
  return [...items, ...dissector.end(connection.id)];
}

export function eventsOf(items: readonly Item[]): EventItem[] {
  return items.filter((item) => item.kind === "event");
}

export function messagesOf(items: readonly Item[]): MessageItem[] {
  return items.filter((item) => item.kind === "message");
}

export function linksOf(items: readonly Item[]): LinkItem[] {
  return items.filter((item) => item.kind === "link");
}

/** The fields that have no children; entries of tables are among them. */
export function leavesOf(fields: readonly Field[]): Field[] {
  return fields.flatMap((field) => [field, ...leavesOf(field.children ?? [])]);
}
