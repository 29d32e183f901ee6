/**
 * Whether the properties of a returned message are those of a message that we sent. Brokers may add
 * headers (`x-…` of interceptors), take some away (BCC) and rewrite the reply-to of direct
 * reply-to, so these differences do not count.
 */
import type { FieldValue } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { readProperties, writeProperties } from "../wire/properties.ts";
import { Reader } from "../wire/reader.ts";
import type { SentProperties } from "../wire/tagged-properties.ts";
import { Writer } from "../wire/writer.ts";

/**
 * How like the properties that came back are to those that were sent: the `same`, as far as brokers
 * keep them; `extended` by headers such as brokers add; a `part` of what came; or `other` ones.
 */
export type Likeness = "same" | "extended" | "part" | "other";

/**
 * What a peer that reads the properties sees: 5.0 as 5, a Date in whole seconds, and so on. When a
 * deadline has released them, their owner may make of them what cannot be encoded: undefined.
 */
export function readBack(properties: SentProperties): BasicProperties | undefined {
  try {
    return readProperties(new Reader(encode(properties)));
  } catch {
    return undefined;
  }
}

/** Compares the properties that came back with those that were sent, as a peer reads them. */
export function compareReadBack(sent: BasicProperties | undefined, got: BasicProperties): Likeness {
  if (sent === undefined) return "other";
  const { headers = {}, ...properties } = observed(sent);
  const { headers: gotHeaders = {}, ...gotProperties } = observed(got);
  if (!includes(gotProperties, properties) || !includes(gotHeaders, headers)) return "other";
  const added = Object.keys(gotHeaders).filter((name) => !Object.hasOwn(headers, name));
  if (!includes(properties, gotProperties)) return "part";
  if (added.length === 0) return "same";
  return added.every((name) => name.startsWith("x-")) ? "extended" : "part";
}

/** Equal for properties of which nobody could tell which came back. */
export function observedKey(properties: BasicProperties | undefined): string {
  return properties === undefined ? "" : keyOf(observed(properties));
}

/** Equal for properties that name the same hidden recipients. */
export function recipientsKey(properties: BasicProperties | undefined): string {
  const BCC = properties?.headers?.["BCC"];
  return BCC === undefined ? "" : keyOf({ headers: { BCC } });
}

type Members = Record<string, unknown>;

/** What a message looks like when it comes back. */
function observed(properties: BasicProperties): BasicProperties {
  const { headers = {}, replyTo, ...others } = properties;
  const { BCC: _removed, ...kept } = headers;
  return {
    ...others,
    ...(Object.keys(kept).length === 0 ? {} : { headers: kept }),
    ...(replyTo === undefined ? {} : { replyTo: replyTo.startsWith(DIRECT) ? DIRECT : replyTo }),
  };
}

/** Where RabbitMQ puts an address of its own (rabbitmq.com/docs/direct-reply-to). */
const DIRECT = "amq.rabbitmq.reply-to";

function keyOf(properties: BasicProperties): string {
  try {
    let key = "";
    for (const octet of encode(properties)) key += String.fromCharCode(octet);
    return key;
  } catch {
    // Not all that can be read can be written: a NaN, a time beyond all Dates, and 100 octets that are
    // no UTF-8, which are 300 when they were read.
    return JSON.stringify(properties, exactly);
  }
}

/** What JSON has no word for: 64 bits, numbers that are not finite, and times. */
function exactly(this: Members, name: string, inJson: unknown): unknown {
  const value = this[name];
  if (typeof value === "bigint") return ["bigint", `${value}`];
  if (value instanceof Date) return ["time", `${value.getTime()}`];
  return typeof value === "number" && !Number.isFinite(value) ? [`${value}`] : inJson;
}

function encode(properties: SentProperties): Uint8Array {
  const writer = new Writer();
  writeProperties(writer, properties);
  return writer.written;
}

/** Whether every member of `part` is in `whole` with the same value. */
function includes(whole: Members, part: Members): boolean {
  return Object.entries(part).every(([name, value]) => sameValue(value, whole[name]));
}

/** Deep equality of values as the field table reader makes them. */
function sameValue(a: FieldValue | unknown, b: FieldValue | unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && Object.is(a.getTime(), b.getTime());
  }
  const names = Object.keys(a);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    names.length === Object.keys(b).length &&
    names.every((name) => sameValue(member(a, name), member(b, name)))
  );
}

function member(value: object, name: string): unknown {
  return (value as Record<string, unknown>)[name];
}
