/**
 * Items as lines of JSON, and the way back: what was written can be taken apart again, so that a
 * recording of a live conversation is a file like any other. model.ts says how values are written.
 */
import type { Item, NoticeItem, Side } from "./model.ts";

/** An item as one line, without its end. */
export function itemToJson(item: Item): string {
  return JSON.stringify(item, replace);
}

/** What a line of JSON says that is not found again in octets: these, their ends, and notices. */
export type RecordedItem =
  | {
      readonly kind: "connection";
      readonly id: number;
      readonly client: string | undefined;
      readonly server: string | undefined;
      readonly state: string;
      readonly time: number | undefined;
    }
  | {
      readonly kind: "event";
      readonly connection: number;
      readonly from: Side;
      readonly time: number | undefined;
      readonly bytes: Uint8Array;
      readonly missing: number | undefined;
    }
  | NoticeItem;

/**
 * Reads a line that {@link itemToJson} wrote; undefined for an item that is found again in the
 * octets. Raises a `SyntaxError` for what is no such line.
 */
export function recordedFromJson(line: string): RecordedItem | undefined {
  const item: unknown = JSON.parse(line);
  if (!isObject(item)) throw new SyntaxError("not an object");
  const { kind } = item;
  if (kind === "connection" && isId(item["id"])) {
    const { id, client, server, state, time } = item;
    const ends = { client: text(client), server: text(server) };
    return { kind, id, ...ends, state: text(state) ?? "", time: number(time) };
  }
  if (kind === "event" && isId(item["connection"])) {
    const { connection, from, time, bytes, type } = item;
    const missing = item["missing"] ?? (type === "gap" ? 0 : undefined);
    if ((from !== "client" && from !== "server") || typeof bytes !== "string") {
      throw new SyntaxError("an event has a side and bytes");
    }
    if (missing !== undefined && !(isId(missing) && missing >= 0)) {
      throw new SyntaxError("what is missing is a number of octets");
    }
    return { kind, connection, from, time: number(time), bytes: fromHex(bytes), missing };
  }
  if (kind === "notice") {
    const { connection, time, message } = item;
    if (typeof message !== "string") throw new SyntaxError("a notice has a message");
    return {
      kind,
      connection: isId(connection) ? connection : undefined,
      time: number(time),
      message,
    };
  }
  if (kind === "message" || kind === "link") return undefined;
  throw new SyntaxError("not an item of a conversation");
}

/** Octets as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += DIGITS[bytes[i] as number];
  return text;
}

/** And back; raises a `SyntaxError` for anything else. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-f]/i.test(text)) throw new SyntaxError("not hexadecimal");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(i * 2, i * 2 + 2), 16);
  }
  return bytes;
}

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, octet) =>
  octet.toString(16).padStart(2, "0"),
);

function replace(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return key === "bytes" || key === "body" ? toHex(value) : { hex: toHex(value) };
  }
  if (typeof value === "bigint") return { bigint: value.toString() };
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { float: Object.is(value, -0) ? "-0" : String(value) };
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
