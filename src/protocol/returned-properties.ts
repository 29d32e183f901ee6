/**
 * Whether the properties of a returned message are those of a message that we sent. Brokers may add
 * headers (`x-…` of interceptors), take some away (BCC) and rewrite the reply-to of direct
 * reply-to, so every property and header that we sent is looked for, and nothing else.
 */
import type { FieldValue } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { readProperties, writeProperties } from "../wire/properties.ts";
import { Reader } from "../wire/reader.ts";
import { Writer } from "../wire/writer.ts";

/** Whether `got`, from a basic.return, can be `sent` after a broker had it. */
export function sameProperties(sent: BasicProperties, got: BasicProperties): boolean {
  const expected: Record<string, unknown> = { ...asReadBack(sent) };
  const { headers = {}, ...rest } = expected as BasicProperties;
  const { replyTo: _rewritten, ...properties } = rest;
  return (
    includes(got as Record<string, unknown>, properties) &&
    includes((got.headers ?? {}) as Record<string, unknown>, withoutBcc(headers))
  );
}

/** Whether every member of `part` is in `whole` with the same value. */
function includes(whole: Record<string, unknown>, part: object): boolean {
  return Object.entries(part).every(([name, value]) => sameValue(value, whole[name]));
}

function withoutBcc(headers: object): object {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "BCC"));
}

/** What a peer that reads the properties sees: 5.0 as 5, a Date in whole seconds, and so on. */
function asReadBack(properties: BasicProperties): BasicProperties {
  const writer = new Writer();
  writeProperties(writer, properties);
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
