/**
 * Arbitraries for fast-check: everything that travels in AMQP, made from the protocol table.
 *
 *     fc.assert(fc.property(clientMethod(), (method) => …));
 *
 * What they make can be encoded, and unless told otherwise it reads back as it was given: a plain
 * table has no `undefined` members, a `Date` is at a whole second, a 64-bit integer is a bigint
 * only where a number could not hold it.
 */
import fc from "fast-check";
import {
  type FieldTable,
  type FieldType,
  type FieldTypes,
  type FieldValue,
  TaggedTable,
  TaggedValue,
  tagged,
} from "../../src/wire/field-value.ts";
import { writeMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_END, FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type {
  ClientMethod,
  ContentMethod,
  Method,
  ServerMethod,
} from "../../src/wire/generated/methods.ts";
import { type BasicProperties, PROPERTY_TYPES } from "../../src/wire/generated/properties.ts";
import { writeContentHeader } from "../../src/wire/properties.ts";
import { Writer } from "../../src/wire/writer.ts";

/** The method of that name. */
export type MethodNamed<N extends Method["name"]> = Extract<Method, { readonly name: N }>;

/** A frame, taken apart; {@link encodeFrame} makes its octets. */
export interface Frame {
  /** One of `FRAME_TYPE`. */
  readonly type: number;
  /** 0 to 65,535. */
  readonly channel: number;
  readonly payload: Uint8Array;
}

/** A value as an application may give it, and as the plain reading gives it back. */
export interface Reading<T = FieldValue> {
  readonly given: T;
  readonly read: T;
}

/** Text of at most 255 octets of UTF-8: mostly short, from all of Unicode, well-formed. */
export function shortstr(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 63 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 63, size: "max" }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 255, size: "max" }) },
  );
}

/** Well-formed text of any length that is practical. */
export function text(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200, size: "max" }) },
  );
}

/** Octets that are no UTF-8: the first one begins nothing. */
export function malformedText(maxLength = 20): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: maxLength - 1 }).map((rest) => Uint8Array.of(0xff, ...rest));
}

/** A point in time at a whole second, from 1970 to as far as a `Date` reaches. */
export function timestamp(): fc.Arbitrary<Date> {
  return seconds().map((s) => new Date(s * 1000));
}

/** A value of a field table that reads back as it is. */
export function fieldValue(): fc.Arbitrary<FieldValue> {
  return readings().value.map(({ read }) => read);
}

/** A field table that reads back as it is. */
export function fieldTable(): fc.Arbitrary<FieldTable> {
  return fieldTableReading().map(({ read }) => read);
}

/**
 * A field table with everything that an application may put in, and what is read back: integers
 * that were bigints come as numbers, tags are gone, members that are `undefined` are missing.
 */
export function fieldTableReading(): fc.Arbitrary<Reading<FieldTable>> {
  return readings().table;
}

/**
 * A field table as the lossless reading gives it: duplicate names, names and strings that are not
 * UTF-8, every NaN, booleans that are neither 0 nor 1.
 */
export function taggedTable(): fc.Arbitrary<TaggedTable> {
  return taggedValues().table;
}

/** A value with its type, as the lossless reading gives it. */
export function taggedValue(): fc.Arbitrary<TaggedValue> {
  return taggedValues().value;
}

/** A field table on the wire, length first: any octets that the grammar allows. */
export function fieldTableBytes(): fc.Arbitrary<Uint8Array> {
  return tableGrammar();
}

/** The properties of a message, each there or not; all of them are such as RabbitMQ accepts. */
export function basicProperties(): fc.Arbitrary<BasicProperties> {
  const members = PROPERTY_TYPES.map(([name, type]) => [name, propertyValue(name, type)]);
  return fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true });
}

/** A method by its name, with any arguments. */
export function method<N extends Method["name"]>(name: N): fc.Arbitrary<MethodNamed<N>> {
  const members: Record<string, fc.Arbitrary<unknown>> = { name: fc.constant(name) };
  for (const field of METHODS[name].fields) {
    if (!field.reserved) members[field.name] = fieldOfType(field.type);
  }
  return fc.record(members, { noNullPrototype: true }) as fc.Arbitrary<unknown> as fc.Arbitrary<
    MethodNamed<N>
  >;
}

/** Any method. */
export function anyMethod(): fc.Arbitrary<Method> {
  return fc.oneof(...METHOD_NAMES.map(method));
}

/** Any method that a client may send. */
export function clientMethod(): fc.Arbitrary<ClientMethod> {
  return fc.oneof(...METHOD_NAMES.filter(sentBy("client")).map(method)) as fc.Arbitrary<never>;
}

/** Any method that a server may send. */
export function serverMethod(): fc.Arbitrary<ServerMethod> {
  return fc.oneof(...METHOD_NAMES.filter(sentBy("server")).map(method)) as fc.Arbitrary<never>;
}

/** Any method that content follows. */
export function contentMethod(): fc.Arbitrary<ContentMethod> {
  const names = METHOD_NAMES.filter((name) => METHODS[name].content);
  return fc.oneof(...names.map(method)) as fc.Arbitrary<never>;
}

/** A frame of any type, with a payload that this type may have; each by itself, in no order. */
export function frame(): fc.Arbitrary<Frame> {
  const channel = fc.integer({ min: 0, max: 0xffff });
  const { method: methodType, header, body, heartbeat } = FRAME_TYPE;
  return fc.oneof(
    fc.record({
      type: fc.constant(methodType),
      channel,
      payload: anyMethod().map((value) => encode((writer) => writeMethod(writer, value))),
    }),
    fc.record({ type: fc.constant(header), channel, payload: contentHeaderPayload() }),
    fc.record({ type: fc.constant(body), channel, payload: fc.uint8Array({ size: "medium" }) }),
    fc.constant({ type: heartbeat, channel: 0, payload: new Uint8Array(0) }),
  );
}

/** The octets of a frame. It checks nothing, so that a test may also build what is wrong. */
export function encodeFrame({ type, channel, payload }: Frame): Uint8Array {
  return join(u8(type), u16(channel), u32(payload.length), payload, u8(FRAME_END));
}

/** One stream of octets, cut at the places given: 0 and the same place twice make empty pieces. */
export function chop(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
  return [...places, stream.length].map((end, i) => stream.slice(places[i - 1] ?? 0, end));
}

const METHOD_NAMES = Object.keys(METHODS) as Method["name"][];

/** The last second that a `Date` can hold. */
const LAST_SECOND = 8_640_000_000_000;

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

function sentBy(sender: "client" | "server"): (name: Method["name"]) => boolean {
  return (name) => METHODS[name].from.includes(sender);
}

function fieldOfType(type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case "bit":
      return fc.boolean();
    case "octet":
      return fc.integer({ min: 0, max: 0xff });
    case "short":
      return fc.integer({ min: 0, max: 0xffff });
    case "long":
      return fc.integer({ min: 0, max: 0xffffffff });
    case "longlong":
      return fc.maxSafeNat();
    case "shortstr":
      return shortstr();
    case "longstr":
      return fc.uint8Array();
    case "table":
      return fieldTable();
    case "timestamp":
      return timestamp();
    default:
      throw new Error(`the protocol table has a type that is new: ${type}`);
  }
}

function propertyValue(name: keyof BasicProperties, type: string): fc.Arbitrary<unknown> {
  if (name === "deliveryMode") return fc.constantFrom(1, 2);
  if (name === "expiration") return fc.nat().map(String);
  return fieldOfType(type);
}

function contentHeaderPayload(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.maxSafeNat(), basicProperties())
    .map(([size, properties]) => encode((writer) => writeContentHeader(writer, size, properties)));
}

function seconds(): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: LAST_SECOND });
}

/** Names with a meaning in JavaScript, and such as an array has, are as good as any. */
function tableName(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: shortstr() },
    { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "0", "1") },
  );
}

// --- Plain values, each with its reading -------------------------------------------------------

function readings(): { value: fc.Arbitrary<Reading>; table: fc.Arbitrary<Reading<FieldTable>> } {
  return fc.letrec<{ value: Reading; array: Reading<FieldValue[]>; table: Reading<FieldTable> }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: "small", maxDepth: 5 },
        { weight: 8, arbitrary: plainLeaf() },
        { weight: 4, arbitrary: forcedLeaf() },
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
        .uniqueArray(fc.tuple(tableName(), fc.option(tie("value"), { nil: undefined, freq: 12 })), {
          selector: ([name]) => name,
          maxLength: 6,
        })
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
function plainLeaf(): fc.Arbitrary<Reading> {
  const same = fc.oneof<fc.Arbitrary<FieldValue>[]>(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(FINITE),
    text(),
    fc.uint8Array(),
    fc.record({ scale: octet(), value: fc.integer() }).map((value) => tagged("D", value)),
  );
  return fc.oneof(
    { weight: 8, arbitrary: same.map((value) => ({ given: value, read: value })) },
    { weight: 1, arbitrary: int64().map((value) => ({ given: value, read: numberIfSafe(value) })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(seconds(), fc.integer({ min: 0, max: 999 }))
        .filter(([s, ms]) => s < LAST_SECOND || ms === 0)
        .map(([s, ms]) => ({ given: new Date(s * 1000 + ms), read: new Date(s * 1000) })),
    },
  );
}

/** Values whose type on the wire is forced. */
function forcedLeaf(): fc.Arbitrary<Reading> {
  return fc.oneof(
    ...SMALL_INTEGERS.map(([type, min, max]) =>
      fc.integer({ min, max }).map((value) => forced(type, value, value)),
    ),
    int64().map((value) => forced("l", value, numberIfSafe(value))),
    int64().map((value) => forced("L", value, numberIfSafe(value))),
    fc.maxSafeInteger().map((value) => forced("l", value, value)),
    fc.float(FINITE).map((value) => forced("f", value, value)),
    fc.double(FINITE).map((value) => forced("d", value, value)),
    octet().map((value) => forced("t", value, value !== 0)),
    text().map((value) => forced("S", value, value)),
    malformedText().map((value) => forced("S", value, value)),
    seconds().map((value) => forced("T", value, new Date(value * 1000))),
    seconds().map((value) => forced("T", BigInt(value), new Date(value * 1000))),
    fc.constant(forced("V", null, null)),
    fc.uint8Array().map((value) => forced("x", value, value)),
  );
}

function forced<T extends FieldType>(type: T, value: FieldTypes[T], read: FieldValue): Reading {
  return { given: tagged(type, value), read };
}

// --- Tagged values -----------------------------------------------------------------------------

function taggedValues(): {
  value: fc.Arbitrary<TaggedValue>;
  table: fc.Arbitrary<TaggedTable>;
} {
  return fc.letrec<{ value: TaggedValue; table: TaggedTable }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 5 },
      { weight: 12, arbitrary: taggedLeaf() },
      {
        weight: 1,
        arbitrary: fc.array(tie("value"), { maxLength: 5 }).map((items) => tagged("A", items)),
      },
      { weight: 1, arbitrary: tie("table").map((table) => tagged("F", table)) },
    ),
    table: fc
      .array(fc.tuple(taggedName(), tie("value")), { maxLength: 6 })
      .map((entries) => new TaggedTable(entries)),
  }));
}

/** The few names make duplicates. */
function taggedName(): fc.Arbitrary<string | Uint8Array> {
  return fc.oneof(tableName(), fc.constantFrom("a", "b"), malformedText(255));
}

function taggedLeaf(): fc.Arbitrary<TaggedValue> {
  const of = <T extends FieldType>(
    type: T,
    ...values: fc.Arbitrary<FieldTypes[T]>[]
  ): fc.Arbitrary<TaggedValue> => fc.oneof(...values).map((value) => new TaggedValue(type, value));
  return fc.oneof(
    ...SMALL_INTEGERS.map(([type, min, max]) => of(type, fc.integer({ min, max }))),
    of("t", fc.boolean(), fc.integer({ min: 2, max: 0xff })),
    of("l", fc.maxSafeInteger(), int64().map(numberIfSafe)),
    of("L", fc.maxSafeInteger(), int64().map(numberIfSafe)),
    of("f", fc.float(FINITE), notFinite(0x80, 4)),
    of("d", fc.double(FINITE), notFinite(0xf0, 8)),
    of("D", fc.record({ scale: octet(), value: fc.integer() })),
    of("S", text(), malformedText()),
    of("T", fc.maxSafeNat(), fc.bigInt({ min: 0n, max: MAX_UINT64 }).map(numberIfSafe)),
    of("V", fc.constant(null)),
    of("x", fc.uint8Array()),
  );
}

/** The infinities and every NaN: all bits of the exponent set, the sign and the rest at will. */
function notFinite(exponentEnd: 0x80 | 0xf0, length: number): fc.Arbitrary<Uint8Array> {
  const fraction = fc.oneof(
    fc.constant(new Uint8Array(length)),
    fc.uint8Array({ minLength: length, maxLength: length, size: "max" }),
  );
  return fc.tuple(fc.constantFrom(0x7f, 0xff), fraction).map(([first, rest]) => {
    return Uint8Array.of(first, (rest[1] as number) | exponentEnd, ...rest.subarray(2));
  });
}

// --- The grammar -------------------------------------------------------------------------------

function tableGrammar(): fc.Arbitrary<Uint8Array> {
  const fixed = (letters: string, length: number): fc.Arbitrary<Uint8Array> =>
    fc
      .tuple(
        fc.constantFrom(...letters),
        fc.uint8Array({ minLength: length, maxLength: length, size: "max" }),
      )
      .map(([letter, octets]) => join(u8(letter.charCodeAt(0)), octets));
  const sized = (letters: string, octets: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
    fc
      .tuple(fc.constantFrom(...letters), octets)
      .map(([letter, value]) => join(u8(letter.charCodeAt(0)), u32(value.length), value));
  const { entries } = fc.letrec<{ value: Uint8Array; items: Uint8Array; entries: Uint8Array }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: "small", maxDepth: 5 },
        { weight: 2, arbitrary: fixed("tbB", 1) },
        { weight: 1, arbitrary: fixed("su", 2) },
        { weight: 2, arbitrary: fixed("Iif", 4) },
        { weight: 1, arbitrary: fixed("D", 5) },
        { weight: 2, arbitrary: fixed("lLdT", 8) },
        { weight: 1, arbitrary: fixed("V", 0) },
        { weight: 3, arbitrary: sized("Sx", fc.uint8Array()) },
        { weight: 1, arbitrary: sized("A", tie("items")) },
        { weight: 1, arbitrary: sized("F", tie("entries")) },
      ),
      items: fc.array(tie("value"), { maxLength: 5 }).map((values) => join(...values)),
      entries: fc
        .array(fc.tuple(fc.uint8Array({ maxLength: 255 }), tie("value")), { maxLength: 6 })
        .map((pairs) => join(...pairs.flatMap(([name, value]) => [u8(name.length), name, value]))),
    }),
  );
  return entries.map((octets) => join(u32(octets.length), octets));
}

// --- Small things ------------------------------------------------------------------------------

function octet(): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 0xff });
}

function int64(): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: MIN_INT64, max: MAX_INT64 });
}

function numberIfSafe(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function encode(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.written;
}

function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
