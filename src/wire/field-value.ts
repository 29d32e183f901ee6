/**
 * The values that a field table holds, as JavaScript sees them.
 *
 * Every value on the wire has a one-letter type. The specification and the brokers disagree about
 * some of the letters; these are the ones in use (RabbitMQ's errata, section 3):
 *
 * | letter | type | plain JavaScript |
 * |---|---|---|
 * | `t` | boolean | boolean |
 * | `b` `B` | 8 bits, signed and unsigned | number |
 * | `s` `u` | 16 bits, signed and unsigned | number |
 * | `I` `i` | 32 bits, signed and unsigned | number |
 * | `l` | 64 bits, signed | number where safe, else bigint |
 * | `L` | 64 bits; RabbitMQ reads it as signed, and so do we | number where safe, else bigint |
 * | `f` `d` | IEEE 754, 32 and 64 bits | number |
 * | `D` | decimal: a scale and a 32-bit integer | a {@link TaggedValue} |
 * | `S` | long string | string, or Uint8Array where it is not UTF-8 |
 * | `A` | array | array |
 * | `T` | POSIX time in seconds | Date, or a {@link TaggedValue} beyond what a Date reaches |
 * | `F` | table | object |
 * | `V` | void | null |
 * | `x` | octets | Uint8Array |
 */
import { describe } from "./writer.ts";

/** What each type letter carries in a {@link TaggedValue}. */
export interface FieldTypes {
  t: boolean | number;
  b: number;
  B: number;
  s: number;
  u: number;
  I: number;
  i: number;
  l: number | bigint;
  L: number | bigint;
  f: number | Uint8Array;
  d: number | Uint8Array;
  D: Decimal;
  S: string | Uint8Array;
  A: readonly FieldValue[];
  T: Date | number | bigint;
  F: FieldTable | TaggedTable;
  V: null;
  x: Uint8Array;
}

/** A type letter of the wire. */
export type FieldType = keyof FieldTypes;

/** `value` divided by ten to the power of `scale`; portable from 0 to 2^31 - 1 only. */
export interface Decimal {
  /** 0 to 255. */
  readonly scale: number;
  /** 32 bits, signed. */
  readonly value: number;
}

/** What a field table holds; `undefined` members of a table are left out. */
export type FieldValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly FieldValue[]
  | FieldTable
  | TaggedValue;

/** A field table: names of at most 255 octets, and their values. */
export type FieldTable = { readonly [name: string]: FieldValue | undefined };

/**
 * A field table whose reading loses nothing: its entries in the order of the wire, duplicates
 * included, each with its type; a name that is not UTF-8 is given as octets.
 */
export class TaggedTable {
  /** Name and value, in the order of the wire. */
  readonly entries: readonly (readonly [name: string | Uint8Array, value: TaggedValue])[];

  constructor(entries: readonly (readonly [name: string | Uint8Array, value: TaggedValue])[]) {
    this.entries = entries;
  }
}

/** A value with the type that it has, or shall have, on the wire; {@link tagged} makes one. */
export class TaggedValue<T extends FieldType = FieldType> {
  /** The type letter. */
  readonly type: T;
  /** What it carries. */
  readonly value: FieldTypes[T];

  constructor(type: T, value: FieldTypes[T]) {
    this.type = type;
    this.value = value;
  }
}

/**
 * Forces the type that a value has on the wire: `tagged("u", 5)` is a 16-bit unsigned 5, where a
 * plain 5 would go out as 32 bits. Whether the value fits is checked when it is encoded.
 */
export function tagged<T extends FieldType>(type: T, value: FieldTypes[T]): TaggedValue<T> {
  return new TaggedValue(type, value);
}

/** The type letter that a plain value goes out with; undefined where there is none for it. */
export function fieldTypeOf(value: unknown): FieldType | undefined {
  switch (typeof value) {
    case "string":
      return "S";
    case "number":
      return numberType(value);
    case "boolean":
      return "t";
    case "bigint":
      return "l";
    case "object":
      return objectType(value);
    default:
      return undefined;
  }
}

/** Names what a value is, for the error that refuses it. */
export function describeFieldValue(value: unknown): string {
  return typeof value === "number" ? String(value) : describe(value);
}

function numberType(value: number): FieldType | undefined {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return value === (value | 0) ? "I" : "l";
  }
  return Number.isFinite(value) ? "d" : undefined;
}

function objectType(value: object | null): FieldType | undefined {
  if (value === null) return "V";
  if (Object.getPrototypeOf(value) === Object.prototype) return "F";
  if (Array.isArray(value)) return "A";
  if (value instanceof Uint8Array) return "x";
  if (value instanceof Date) return "T";
  return value instanceof TaggedTable || isPlain(value) ? "F" : undefined;
}

/** A Map, a URL and the like would go out as an empty table: only plain objects are tables. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // The root of another realm's objects is not ours, but has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
