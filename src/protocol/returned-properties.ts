/**
 * Whether the properties of a returned message are those of a message that we sent. Brokers may add
 * headers (`x-…` of interceptors), take some away (BCC) and rewrite the reply-to of direct
 * reply-to, so those are left out of the comparison.
 */
import type { FieldValue } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { readProperties, writeProperties } from "../wire/properties.ts";
import { Reader } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";

/**
 * How like the properties that came back are to those that were sent: the `same`, as far as brokers
 * keep them; `extended` by headers such as brokers add; a `part` of what came; or `other` ones.
 */
export type Likeness = "same" | "extended" | "part" | "other";

/** Compares the properties that came back with those that were sent. */
export function compareProperties(sent: BasicProperties, got: BasicProperties): Likeness {
  const expected = asReadBack(sent);
  if (expected === undefined) return "other";
  const [properties, headers] = split(expected);
  const [gotProperties, gotHeaders] = split(got);
  if (!includes(gotProperties, properties) || !includes(gotHeaders, headers)) return "other";
  const added = Object.keys(gotHeaders).filter((name) => !Object.hasOwn(headers, name));
  if (!includes(properties, gotProperties)) return "part";
  if (added.length === 0) return "same";
  return added.every((name) => name.startsWith("x-")) ? "extended" : "part";
}

/** Whether nobody could tell by their properties which of two messages of ours came back. */
export function areAlike(sent: BasicProperties, other: BasicProperties): boolean {
  const seen = asReadBack(other);
  return seen !== undefined && compareProperties(sent, seen) === "same";
}

type Members = Record<string, unknown>;

/** Properties and headers, without what brokers change. */
function split(all: BasicProperties): [properties: Members, headers: Members] {
  const { headers = {}, replyTo: _rewritten, ...properties } = all;
  const { BCC: _removed, ...others } = headers;
  return [properties, others];
}

/** Whether every member of `part` is in `whole` with the same value. */
function includes(whole: Members, part: Members): boolean {
  return Object.entries(part).every(([name, value]) => sameValue(value, whole[name]));
}

/**
 * What a peer that reads the properties sees: 5.0 as 5, a Date in whole seconds, and so on. When a
 * deadline has released them, their owner may make of them what cannot be encoded: undefined.
 */
function asReadBack(properties: BasicProperties): BasicProperties | undefined {
  const writer = new Writer();
  try {
    writeProperties(writer, properties);
  } catch {
    return undefined;
  }
  return readProperties(new Reader(writer.written));
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
