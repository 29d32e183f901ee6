/** Compares what came with what a script expects of it. */
import type { ExpectedBody } from "./method-types.ts";
import { showValue } from "./show.ts";

/**
 * Why a value is not as expected; undefined if it is. What is expected is a predicate for the whole,
 * or an object whose members are each a value to be equal to or a predicate; `undefined` is not
 * looked at.
 */
export function mismatch(expected: unknown, value: object): string | undefined {
  if (typeof expected === "function") {
    return expected(value) === true ? undefined : "the predicate said no";
  }
  for (const [name, wanted] of Object.entries((expected ?? {}) as object)) {
    if (wanted === undefined) continue;
    const got = (value as { readonly [name: string]: unknown })[name];
    if (typeof wanted === "function") {
      if (wanted(got) !== true) return `the predicate for ${name} said no to ${showValue(got)}`;
    } else if (!same(wanted, got)) {
      return `${name} was to be ${showValue(wanted)} and is ${showValue(got)}`;
    }
  }
  return undefined;
}

/** Why a body is not as expected; undefined if it is. */
export function bodyMismatch(
  expected: ExpectedBody | undefined,
  body: Uint8Array,
): string | undefined {
  if (expected === undefined) return undefined;
  if (typeof expected === "function") {
    return expected(body) ? undefined : `the predicate for the body said no to ${showValue(body)}`;
  }
  if (same(expected, body)) return undefined;
  return `the body was to be ${showValue(expected)} and is ${showValue(body)}`;
}

/**
 * Equality as scripts need it: octets by their values whatever array they are in, text and octets
 * as UTF-8, a number and a bigint by their value, members that are `undefined` as if not there.
 */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Uint8Array || b instanceof Uint8Array) return sameOctets(a, b);
  if (typeof a === "bigint" || typeof b === "bigint") {
    return isInteger(a) && isInteger(b) && BigInt(a) === BigInt(b);
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && Object.is(a.getTime(), b.getTime());
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [membersOf(a), membersOf(b)];
  return (
    left.size === right.size &&
    [...left].every(([name, value]) => right.has(name) && same(value, right.get(name)))
  );
}

function sameOctets(a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((value) =>
    typeof value === "string" || value instanceof Uint8Array
      ? Buffer.from(value as string)
      : undefined,
  );
  return left !== undefined && right !== undefined && left.equals(right);
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === "bigint" || Number.isInteger(value);
}

function membersOf(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}
