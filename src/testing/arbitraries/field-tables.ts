/** Field tables: what an application gives, what a lossless reading keeps, what the grammar allows. */
import {
  type FieldTable,
  type FieldType,
  type FieldTypes,
  type FieldValue,
  TaggedTable,
  TaggedValue,
  tagged,
} from "../../wire/field-value.ts";
import type { Arbitrary, FastCheck } from "./fast-check.ts";
import { LAST_SECOND, malformedText, octet, seconds, shortstr, text } from "./text.ts";

/** A value as an application may give it, and as the plain reading gives it back. */
export interface Reading<T = FieldValue> {
  readonly given: T;
  readonly read: T;
}

/** A value of a field table that reads back as it is. */
export function fieldValue(fc: FastCheck): Arbitrary<FieldValue> {
  return readings(fc).value.map(({ read }) => read);
}

/** A field table that reads back as it is. */
export function fieldTable(fc: FastCheck): Arbitrary<FieldTable> {
  return fieldTableReading(fc).map(({ read }) => read);
}

/**
 * A field table with everything that an application may put in, and what is read back: integers
 * that were bigints come as numbers, tags are gone, members that are `undefined` are missing.
 */
export function fieldTableReading(fc: FastCheck): Arbitrary<Reading<FieldTable>> {
  return readings(fc).table;
}

/**
 * A field table as the lossless reading gives it: duplicate names, names and strings that are not
 * UTF-8, every NaN, booleans that are neither 0 nor 1.
 */
export function taggedTable(fc: FastCheck): Arbitrary<TaggedTable> {
  return taggedValues(fc).table;
}

/** A value with its type, as the lossless reading gives it. */
export function taggedValue(fc: FastCheck): Arbitrary<TaggedValue> {
  return taggedValues(fc).value;
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

const FINITE = { noNaN: true, noDefaultInfinity: true };

/** The integer types that a number holds, with their bounds. */
const SMALL_INTEGERS = [
  ["b", -0x80, 0x7f],
  ["B", 0, 0xff],
  ["s", -0x8000, 0x7fff],
  ["u", 0, 0xffff],
  ["I", -0x80000000, 0x7fffffff],
  ["i", 0, 0xffffffff],
] as const;

/** Names with a meaning in JavaScript, and such as an array has, are as good as any. */
function tableName(fc: FastCheck): Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: shortstr(fc) },
    { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "0", "1") },
  );
}

// --- Plain values, each with its reading -------------------------------------------------------

function readings(fc: FastCheck): {
  value: Arbitrary<Reading>;
  table: Arbitrary<Reading<FieldTable>>;
} {
  return fc.letrec<{ value: Reading; array: Reading<FieldValue[]>; table: Reading<FieldTable> }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: "small", maxDepth: 5 },
        { weight: 8, arbitrary: plainLeaf(fc) },
        { weight: 4, arbitrary: forcedLeaf(fc) },
        { weight: 1, arbitrary: tie("array") },
        { weight: 1, arbitrary: tie("table") },
        { weight: 1, arbitrary: tie("array").map(({ given, read }) => forced("A", given, read)) },
        { weight: 1, arbitrary: tie("table").map(({ given, read }) => forced("F", given, read)) },
      ),
      array: fc.array(tie("value"), { maxLength: 5 }).map((items) => ({
        given: items.map(({ given }) => given),
        read: items.map(({ read }) => read),
      })),
      table: fc
        .uniqueArray(
          fc.tuple(tableName(fc), fc.option(tie("value"), { nil: undefined, freq: 12 })),
          {
            selector: ([name]) => name,
            maxLength: 6,
          },
        )
        .map((entries) => ({
          given: Object.fromEntries(entries.map(([name, reading]) => [name, reading?.given])),
          read: Object.fromEntries(
            entries.flatMap(([name, reading]) => (reading ? [[name, reading.read]] : [])),
          ),
        })),
    }),
  );
}

/** Values whose type on the wire is chosen by what they are. */
function plainLeaf(fc: FastCheck): Arbitrary<Reading> {
  const same = fc.oneof<Arbitrary<FieldValue>[]>(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(FINITE),
    text(fc),
    fc.uint8Array(),
    fc.record({ scale: octet(fc), value: fc.integer() }).map((value) => tagged("D", value)),
  );
  return fc.oneof(
    { weight: 8, arbitrary: same.map((value) => ({ given: value, read: value })) },
    {
      weight: 1,
      arbitrary: int64(fc).map((value) => ({ given: value, read: numberIfSafe(value) })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(seconds(fc), fc.integer({ min: 0, max: 999 }))
        .filter(([s, ms]) => s < LAST_SECOND || ms === 0)
        .map(([s, ms]) => ({ given: new Date(s * 1000 + ms), read: new Date(s * 1000) })),
    },
  );
}

/** Values whose type on the wire is forced. */
function forcedLeaf(fc: FastCheck): Arbitrary<Reading> {
  return fc.oneof(
    ...SMALL_INTEGERS.map(([type, min, max]) =>
      fc.integer({ min, max }).map((value) => forced(type, value, value)),
    ),
    int64(fc).map((value) => forced("l", value, numberIfSafe(value))),
    int64(fc).map((value) => forced("L", value, numberIfSafe(value))),
    fc.maxSafeInteger().map((value) => forced("l", value, value)),
    fc.float(FINITE).map((value) => forced("f", value, value)),
    fc.double(FINITE).map((value) => forced("d", value, value)),
    octet(fc).map((value) => forced("t", value, value !== 0)),
    text(fc).map((value) => forced("S", value, value)),
    malformedText(fc).map((value) => forced("S", value, value)),
    seconds(fc).map((value) => forced("T", value, new Date(value * 1000))),
    seconds(fc).map((value) => forced("T", BigInt(value), new Date(value * 1000))),
    fc.constant(forced("V", null, null)),
    fc.uint8Array().map((value) => forced("x", value, value)),
  );
}

function forced<T extends FieldType>(type: T, value: FieldTypes[T], read: FieldValue): Reading {
  return { given: tagged(type, value), read };
}

// --- Tagged values -----------------------------------------------------------------------------

function taggedValues(fc: FastCheck): {
  value: Arbitrary<TaggedValue>;
  table: Arbitrary<TaggedTable>;
} {
  return fc.letrec<{ value: TaggedValue; table: TaggedTable }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 5 },
      { weight: 12, arbitrary: taggedLeaf(fc) },
      {
        weight: 1,
        arbitrary: fc.array(tie("value"), { maxLength: 5 }).map((items) => tagged("A", items)),
      },
      { weight: 1, arbitrary: tie("table").map((table) => tagged("F", table)) },
    ),
    table: fc
      .array(fc.tuple(taggedName(fc), tie("value")), { maxLength: 6 })
      .map((entries) => new TaggedTable(entries)),
  }));
}

/** The few names make duplicates. */
function taggedName(fc: FastCheck): Arbitrary<string | Uint8Array> {
  return fc.oneof(tableName(fc), fc.constantFrom("a", "b"), malformedText(fc, 255));
}

function taggedLeaf(fc: FastCheck): Arbitrary<TaggedValue> {
  const of = <T extends FieldType>(
    type: T,
    ...values: Arbitrary<FieldTypes[T]>[]
  ): Arbitrary<TaggedValue> => fc.oneof(...values).map((value) => new TaggedValue(type, value));
  return fc.oneof(
    ...SMALL_INTEGERS.map(([type, min, max]) => of(type, fc.integer({ min, max }))),
    of("t", fc.boolean(), fc.integer({ min: 2, max: 0xff })),
    of("l", fc.maxSafeInteger(), int64(fc).map(numberIfSafe)),
    of("L", fc.maxSafeInteger(), int64(fc).map(numberIfSafe)),
    of("f", fc.float(FINITE), notFinite(fc, 0x80, 4)),
    of("d", fc.double(FINITE), notFinite(fc, 0xf0, 8)),
    of("D", fc.record({ scale: octet(fc), value: fc.integer() })),
    of("S", text(fc), malformedText(fc)),
    of("T", fc.maxSafeNat(), fc.bigInt({ min: 0n, max: MAX_UINT64 }).map(numberIfSafe)),
    of("V", fc.constant(null)),
    of("x", fc.uint8Array()),
  );
}

/** The infinities and every NaN: all bits of the exponent set, the sign and the rest at will. */
function notFinite(fc: FastCheck, exponentEnd: 0x80 | 0xf0, length: number): Arbitrary<Uint8Array> {
  const fraction = fc.oneof(
    fc.constant(new Uint8Array(length)),
    fc.uint8Array({ minLength: length, maxLength: length, size: "max" }),
  );
  return fc.tuple(fc.constantFrom(0x7f, 0xff), fraction).map(([first, rest]) => {
    return Uint8Array.of(first, (rest[1] as number) | exponentEnd, ...rest.subarray(2));
  });
}

function int64(fc: FastCheck): Arbitrary<bigint> {
  return fc.bigInt({ min: MIN_INT64, max: MAX_INT64 });
}

function numberIfSafe(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
