/**
 * Field tables (specification section 4.2.5.5), in two readings.
 *
 *     table   [length 4][entry]*        entry  [name shortstr][value]
 *     array   [length 4][value]*        value  [type letter 1][octets that the type asks for]
 *
 * Lengths count octets, not entries (RabbitMQ's errata, section 4). The plain reading gives
 * JavaScript values and is what applications see; the tagged reading keeps every type letter,
 * duplicate and odd octet, so that writing it again gives the same bytes. field-value.ts has the
 * letters.
 */
import { ProtocolError, UsageError } from "../errors.ts";
import {
  describeFieldValue,
  type FieldTable,
  type FieldType,
  type FieldTypes,
  type FieldValue,
  fieldTypeOf,
  TaggedTable,
  TaggedValue,
} from "./field-value.ts";
import { REPLY_CODE } from "./generated/constants.ts";
import type { Reader } from "./reader.ts";
import { decodeLenient, decodeStrict } from "./text.ts";
import type { Writer } from "./writer.ts";

/**
 * How deep tables and arrays may nest. Neither the specification nor RabbitMQ sets a bound, but a
 * frame of 128 KiB has room for 25,000 levels, and recursion that a peer controls must end
 * somewhere. JSON that people write stays under ten.
 */
export const MAX_NESTING = 64;

/** Reads a table into a plain object; of duplicate names the last one wins. */
export function readTable(reader: Reader): FieldTable {
  return readTableAt(reader, 1);
}

/** Reads a table and keeps all that is on the wire. */
export function readTaggedTable(reader: Reader): TaggedTable {
  return readTaggedTableAt(reader, 1);
}

/** Writes a table; what cannot be expressed is refused with a `UsageError` that names it. */
export function writeTable(writer: Writer, table: FieldTable | TaggedTable, what = "table"): void {
  writeTableAt(writer, table, what, 1);
}

/** Writes a time: a `Date` in whole seconds, or the seconds themselves, 0 to 2^64 - 1. */
export function writeTime(writer: Writer, value: Date | number | bigint, what: string): void {
  if (value instanceof Date) writer.writeTimestamp(value, what);
  else writer.writeUint64(toBigInt(value, what), what);
}

/** A 64-bit integer as a number where that is safe, else as it is. */
export function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readTableAt(reader: Reader, depth: number): FieldTable {
  const entries = openNested(reader, depth, "a table");
  const table: Record<string, FieldValue> = {};
  while (entries.remaining > 0) {
    const name = entries.readShortstr();
    const value = readValue(entries, depth);
    if (name === "__proto__") {
      // Assigning to it would replace the prototype instead of adding a member.
      Object.defineProperty(table, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else {
      table[name] = value;
    }
  }
  return table;
}

function readValue(reader: Reader, depth: number): FieldValue {
  const type = readType(reader);
  switch (type) {
    case "t":
      return reader.readOctet() !== 0;
    case "l":
    case "L":
      return plainInteger(reader.readInt64());
    case "f":
      return reader.readFloat();
    case "d":
      return reader.readDouble();
    case "D":
      return new TaggedValue("D", { scale: reader.readOctet(), value: reader.readInt32() });
    case "S": {
      const bytes = reader.readLongstr();
      return decodeStrict(bytes) ?? bytes;
    }
    case "A": {
      const items = openNested(reader, depth + 1, "an array");
      const array: FieldValue[] = [];
      while (items.remaining > 0) array.push(readValue(items, depth + 1));
      return array;
    }
    case "T":
      return readTime(reader);
    case "F":
      return readTableAt(reader, depth + 1);
    case "V":
      return null;
    case "x":
      return reader.readLongstr();
    default:
      return readSmallInteger(reader, type);
  }
}

function readTaggedTableAt(reader: Reader, depth: number): TaggedTable {
  const source = openNested(reader, depth, "a table");
  const entries: [string | Uint8Array, TaggedValue][] = [];
  while (source.remaining > 0) {
    const name = source.readShortstrBytes();
    entries.push([decodeStrict(name) ?? name, readTaggedValue(source, depth)]);
  }
  return new TaggedTable(entries);
}

function readTaggedValue(reader: Reader, depth: number): TaggedValue {
  const type = readType(reader);
  switch (type) {
    case "t": {
      const octet = reader.readOctet();
      return new TaggedValue(type, octet > 1 ? octet : octet === 1);
    }
    case "l":
    case "L":
      return new TaggedValue(type, plainInteger(reader.readInt64()));
    case "f":
    case "d":
      return new TaggedValue(type, readExactFloat(reader, type));
    case "T":
      return new TaggedValue(type, plainInteger(reader.readUint64()));
    case "A": {
      const items = openNested(reader, depth + 1, "an array");
      const array: TaggedValue[] = [];
      while (items.remaining > 0) array.push(readTaggedValue(items, depth + 1));
      return new TaggedValue(type, array);
    }
    case "F":
      return new TaggedValue(type, readTaggedTableAt(reader, depth + 1));
    case "D":
      return new TaggedValue(type, { scale: reader.readOctet(), value: reader.readInt32() });
    case "S": {
      const bytes = reader.readLongstr();
      return new TaggedValue(type, decodeStrict(bytes) ?? bytes);
    }
    case "V":
      return new TaggedValue(type, null);
    case "x":
      return new TaggedValue(type, reader.readLongstr());
    default:
      return new TaggedValue(type, readSmallInteger(reader, type));
  }
}

/** A time that no `Date` reaches, such as nanoseconds taken for seconds, stays as it came. */
function readTime(reader: Reader): Date | TaggedValue {
  const seconds = reader.readUint64();
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? new TaggedValue("T", plainInteger(seconds)) : date;
}

type SmallInteger = "b" | "B" | "s" | "u" | "I" | "i";

function readSmallInteger(reader: Reader, type: SmallInteger): number {
  switch (type) {
    case "b":
      return reader.readInt8();
    case "B":
      return reader.readOctet();
    case "s":
      return reader.readInt16();
    case "u":
      return reader.readShort();
    case "I":
      return reader.readInt32();
    case "i":
      return reader.readLong();
  }
}

/**
 * A NaN has 2^52 spellings and JavaScript keeps one, and neither it nor an infinity is ever written
 * as a number (see writeFloat): such a float is given as its octets.
 */
function readExactFloat(reader: Reader, type: "f" | "d"): number | Uint8Array {
  const start = reader.offset;
  const value = type === "f" ? reader.readFloat() : reader.readDouble();
  if (Number.isFinite(value)) return value;
  return new Uint8Array(reader.bytes.subarray(start, reader.offset));
}

function readType(reader: Reader): FieldType {
  const at = reader.offset;
  const position = reader.position;
  const letter = String.fromCharCode(reader.readOctet());
  if (letter in TYPE_NAMES) return letter as FieldType;
  throw new ProtocolError("a field table has a value of unknown type", {
    replyCode: REPLY_CODE.syntaxError,
    expected: `one of ${Object.keys(TYPE_NAMES).join(" ")}`,
    got: `${JSON.stringify(decodeLenient(reader.bytes, at, at + 1))} (${letter.charCodeAt(0)})`,
    offset: position,
  });
}

function openNested(reader: Reader, depth: number, what: string): Reader {
  if (depth > MAX_NESTING) {
    throw new ProtocolError("a field table is nested too deeply", {
      replyCode: REPLY_CODE.syntaxError,
      expected: `at most ${MAX_NESTING} levels`,
      got: "more",
      offset: reader.position,
    });
  }
  return reader.readSlice(reader.readLong(), what);
}

function writeTableAt(
  writer: Writer,
  table: FieldTable | TaggedTable,
  what: string,
  depth: number,
): void {
  if (typeof table !== "object" || table === null || fieldTypeOf(table) !== "F") {
    throw new UsageError(`${what} must be an object, not ${describeFieldValue(table)}`);
  }
  checkDepth(depth, what);
  const at = writer.reserveLong();
  const start = writer.length;
  if (table instanceof TaggedTable) {
    for (const [name, value] of table.entries) {
      writeName(writer, name, what);
      writeValue(writer, value, `${what}.${String(name)}`, depth);
    }
  } else {
    for (const name of Object.keys(table)) {
      const value = table[name];
      if (value === undefined) continue;
      writer.writeShortstr(name, NAME_IN, what);
      writeValue(writer, value, name, depth);
    }
  }
  writer.patchLong(at, writer.length - start);
}

function writeName(writer: Writer, name: string | Uint8Array, what: string): void {
  if (typeof name === "string") writer.writeShortstr(name, NAME_IN, what);
  else writer.writeShortstrBytes(name, NAME_IN + what);
}

const NAME_IN = "a name in ";

function writeValue(writer: Writer, value: FieldValue, what: string, depth: number): void {
  // Most values are text: they need not go through the table of writers.
  if (typeof value === "string") {
    writer.writeOctet(TEXT_LETTER);
    writer.writeLongstr(value, what);
    return;
  }
  if (value instanceof TaggedValue) {
    if (!Object.hasOwn(TAGGED_WRITERS, value.type)) {
      throw new UsageError(`${what} is tagged ${JSON.stringify(value.type)}, which is no type`);
    }
    writer.writeOctet(value.type.charCodeAt(0));
    (TAGGED_WRITERS[value.type] as TaggedWriter)(writer, value.value as never, what, depth);
    return;
  }
  const type = fieldTypeOf(value);
  if (type === undefined) {
    throw new UsageError(
      `${what} is ${describeFieldValue(value)}, which a field table cannot hold; ` +
        "it takes null, booleans, finite numbers, bigints, strings, Dates, Uint8Arrays, " +
        "arrays and objects of these",
    );
  }
  writer.writeOctet(type.charCodeAt(0));
  (TAGGED_WRITERS[type] as TaggedWriter)(writer, value as never, what, depth);
}

const TEXT_LETTER = 0x53; // S

type TaggedWriter = (writer: Writer, value: never, what: string, depth: number) => void;

const TAGGED_WRITERS: {
  [T in FieldType]: (writer: Writer, value: FieldTypes[T], what: string, depth: number) => void;
} = {
  t: (writer, value, what) =>
    writer.writeOctet(typeof value === "boolean" ? Number(value) : value, what),
  b: (writer, value, what) => writer.writeInt8(value, what),
  B: (writer, value, what) => writer.writeOctet(value, what),
  s: (writer, value, what) => writer.writeInt16(value, what),
  u: (writer, value, what) => writer.writeShort(value, what),
  I: (writer, value, what) => writer.writeInt32(value, what),
  i: (writer, value, what) => writer.writeLong(value, what),
  l: (writer, value, what) => writer.writeInt64(toBigInt(value, what), what),
  L: (writer, value, what) => writer.writeInt64(toBigInt(value, what), what),
  f: (writer, value, what) => writeFloat(writer, value, what, 4),
  d: (writer, value, what) => writeFloat(writer, value, what, 8),
  D: (writer, value, what) => {
    if (typeof value !== "object" || value === null) {
      throw new UsageError(`${what} must be a scale and a value, not ${describeFieldValue(value)}`);
    }
    writer.writeOctet(value.scale, `the scale of ${what}`);
    writer.writeInt32(value.value, what);
  },
  S: (writer, value, what) => writer.writeLongstr(value, what),
  A: (writer, value, what, depth) => writeArray(writer, value, what, depth + 1),
  T: writeTime,
  F: (writer, value, what, depth) => writeTableAt(writer, value, what, depth + 1),
  V: () => {},
  x: (writer, value, what) => writer.writeLongstr(value, what),
};

/** The letters that are types; derived so that it cannot fall behind. */
const TYPE_NAMES: { readonly [letter: string]: unknown } = TAGGED_WRITERS;

function writeArray(
  writer: Writer,
  array: readonly FieldValue[],
  what: string,
  depth: number,
): void {
  if (!Array.isArray(array)) {
    throw new UsageError(`${what} must be an array, not ${describeFieldValue(array)}`);
  }
  checkDepth(depth, what);
  const at = writer.reserveLong();
  const start = writer.length;
  for (let i = 0; i < array.length; i++) {
    writeValue(writer, array[i] as FieldValue, `${what}[${i}]`, depth);
  }
  writer.patchLong(at, writer.length - start);
}

/**
 * RabbitMQ's channel process crashes on a NaN or an infinity in a table and takes the connection
 * with it (541, seen on 3.10.8), so neither is written as a number. Octets are taken as they are.
 */
function writeFloat(writer: Writer, value: number | Uint8Array, what: string, octets: 4 | 8): void {
  if (value instanceof Uint8Array) {
    if (value.length !== octets) {
      throw new UsageError(`${what} has ${value.length} octets; this float takes ${octets}`);
    }
    writer.writeBytes(value);
  } else if (!Number.isFinite(value) || (octets === 4 && !Number.isFinite(Math.fround(value)))) {
    const bits = octets * 8;
    throw new UsageError(
      `${what} is ${describeFieldValue(value)}; it must be a finite number of ${bits} bits`,
    );
  } else if (octets === 4) {
    writer.writeFloat(value);
  } else {
    writer.writeDouble(value);
  }
}

function toBigInt(value: number | bigint, what: string): bigint {
  if (typeof value === "bigint") return value;
  if (Number.isSafeInteger(value)) return BigInt(value);
  throw new UsageError(`${what} is ${describeFieldValue(value)}; it must be an integer`);
}

function checkDepth(depth: number, what: string): void {
  if (depth > MAX_NESTING) {
    throw new UsageError(`${what} is nested more than ${MAX_NESTING} levels deep`);
  }
}
