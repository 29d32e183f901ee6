/**
 * Values with their places: the elementary types of AMQP and what field tables hold, each as a
 * {@link Field}. A table that cannot be read to its end keeps what was read before the mistake; the
 * rest of it is an `undecoded` field, and reading goes on behind the table, whose length is known.
 */
import { ProtocolError } from "../errors.ts";
import { MAX_NESTING } from "../wire/field-table.ts";
import { Reader } from "../wire/reader.ts";
import { decodeStrict } from "../wire/text.ts";
import type { EventError, Field, FieldPart } from "./model.ts";

/** Gathers the fields of an event, and the first mistake. */
export class Annotation {
  readonly fields: Field[] = [];
  error: EventError | undefined;
  readonly reader: Reader;
  /** What the table that is being read is part of. */
  #part: FieldPart = "argument";

  /** Reads the octets up to `end`; offsets count from the first of them. */
  constructor(bytes: Uint8Array, end: number) {
    this.reader = new Reader(bytes, 0, end);
  }

  /** Keeps the first mistake. */
  mark(offset: number, message: string): void {
    this.error ??= { offset, message };
  }

  /** Adds the field that `read` reads; false, with the mistake marked, where it cannot be read. */
  add(read: () => Field): boolean {
    const start = this.reader.offset;
    try {
      this.fields.push(read());
      return true;
    } catch (error) {
      this.#markError(error, start);
      this.reader.offset = start;
      return false;
    }
  }

  /** Adds what is left of the reader's octets as a field of its own, if there is anything. */
  addRest(part: FieldPart): void {
    const { reader } = this;
    if (reader.remaining > 0) this.fields.push(octets(reader, "undecoded", part));
  }

  /** One value of an elementary type other than bit. */
  value(name: string, part: FieldPart, domain: string, type: string): Field {
    const { reader } = this;
    const offset = reader.offset;
    if (type === "table") return this.#table(name, part, domain, offset);
    const valueOffset = offset + (type === "shortstr" ? 1 : type === "longstr" ? 4 : 0);
    const value = readElementary(reader, type);
    const length = reader.offset - offset;
    const plain: Field = { name, part, domain, type, value, offset, length, valueOffset };
    const meaning = type === "timestamp" ? dateOf(value as number | bigint) : undefined;
    return meaning === undefined ? plain : { ...plain, meaning };
  }

  #table(name: string, part: FieldPart, domain: string, offset: number): Field {
    const { reader } = this;
    const entries = reader.readSlice(reader.readLong(), "a table");
    this.#part = part;
    const children = this.#entries(entries, 1);
    const length = reader.offset - offset;
    const valueOffset = offset + 4;
    return {
      name,
      part,
      domain,
      type: "table",
      value: undefined,
      offset,
      length,
      valueOffset,
      children,
    };
  }

  #entries(reader: Reader, depth: number): Field[] {
    return this.#members(reader, (start) => {
      const name = reader.readShortstrBytes();
      return this.#entry(reader, decodeStrict(name) ?? hexName(name), start, depth);
    });
  }

  #items(reader: Reader, depth: number): Field[] {
    let index = 0;
    return this.#members(reader, (start) => this.#entry(reader, `${index++}`, start, depth));
  }

  /** Reads members to the end of the reader; what is left behind a mistake is one more field. */
  #members(reader: Reader, read: (start: number) => Field): Field[] {
    const members: Field[] = [];
    while (reader.remaining > 0) {
      const start = reader.offset;
      try {
        members.push(read(start));
      } catch (error) {
        this.#markError(error, start);
        reader.offset = start;
        members.push(octets(reader, "undecoded", "undecoded"));
      }
    }
    return members;
  }

  /** The value of an entry: its type letter, and what follows. */
  #entry(reader: Reader, name: string, offset: number, depth: number): Field {
    const at = reader.offset;
    const type = String.fromCharCode(reader.readOctet());
    const base = { name, part: this.#part, domain: "field-value", type, offset } as const;
    const nested = type === "F" ? "a table" : type === "A" ? "an array" : undefined;
    if (nested !== undefined) {
      if (depth >= MAX_NESTING) {
        throw new Mistake(at, `${nested} is nested more than ${MAX_NESTING} levels deep`);
      }
      const inner = reader.readSlice(reader.readLong(), nested);
      const valueOffset = inner.offset;
      const children =
        type === "F" ? this.#entries(inner, depth + 1) : this.#items(inner, depth + 1);
      const length = reader.offset - offset;
      return { ...base, value: undefined, length, valueOffset, children };
    }
    const read = ENTRY_VALUES[type];
    if (read === undefined) {
      const code = type.charCodeAt(0);
      const shown = code > 0x20 && code < 0x7f ? `"${type}" ` : "";
      throw new Mistake(at, `${shown}(${hex(code)}) is no type of a value in a table`);
    }
    let valueOffset = at + 1;
    if (type === "S" || type === "x") valueOffset += 4;
    const { value, meaning } = read(reader);
    return field({ ...base, value, length: reader.offset - offset, valueOffset, meaning });
  }

  #markError(error: unknown, start: number): void {
    if (error instanceof Mistake) return this.mark(error.offset, error.message);
    if (!(error instanceof ProtocolError)) throw error;
    const { message, expected, got, offset } = error;
    const details = expected === undefined ? "" : `: it takes ${expected}, there are ${got}`;
    this.mark(offset ?? start, message + details);
  }
}

/** What the rest of a reader's octets are when nothing is known of them. */
export function octets(reader: Reader, name: string, part: FieldPart): Field {
  const offset = reader.offset;
  const length = reader.remaining;
  reader.offset = reader.end;
  const type = "octets";
  return { name, part, domain: type, type, value: undefined, offset, length, valueOffset: offset };
}

/** A number of 64 bits as it is given everywhere here. */
export function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A field whose meaning is left out where there is none. */
export function field(
  given: Omit<Field, "meaning"> & { readonly meaning: string | undefined },
): Field {
  const { meaning, ...rest } = given;
  return meaning === undefined ? rest : { ...rest, meaning };
}

/** A mistake at a place, raised where the codec has none of its own. */
class Mistake extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

function readElementary(reader: Reader, type: string): Field["value"] {
  switch (type) {
    case "octet":
      return reader.readOctet();
    case "short":
      return reader.readShort();
    case "long":
      return reader.readLong();
    case "longlong":
    case "timestamp":
      return plainInteger(reader.readUint64());
    case "shortstr": {
      const bytes = reader.readShortstrBytes();
      return decodeStrict(bytes) ?? bytes;
    }
    default: {
      const bytes = reader.readLongstr();
      return decodeStrict(bytes) ?? bytes;
    }
  }
}

interface EntryValue {
  readonly value: Field["value"];
  readonly meaning: string | undefined;
}

/** What each letter of field-value.ts reads, but for tables and arrays. */
const ENTRY_VALUES: { readonly [type: string]: (reader: Reader) => EntryValue } = {
  t: (reader) => {
    const octet = reader.readOctet();
    return plain(octet > 1 ? octet : octet === 1);
  },
  b: (reader) => plain(reader.readInt8()),
  B: (reader) => plain(reader.readOctet()),
  s: (reader) => plain(reader.readInt16()),
  u: (reader) => plain(reader.readShort()),
  I: (reader) => plain(reader.readInt32()),
  i: (reader) => plain(reader.readLong()),
  l: (reader) => plain(plainInteger(reader.readInt64())),
  L: (reader) => plain(plainInteger(reader.readInt64())),
  f: (reader) => plain(reader.readFloat()),
  d: (reader) => plain(reader.readDouble()),
  D: (reader) => {
    const scale = reader.readOctet();
    const value = reader.readInt32();
    return { value, meaning: decimal(value, scale) };
  },
  S: (reader) => {
    const bytes = reader.readLongstr();
    return plain(decodeStrict(bytes) ?? bytes);
  },
  T: (reader) => {
    const value = plainInteger(reader.readUint64());
    return { value, meaning: dateOf(value) };
  },
  V: () => plain(null),
  x: (reader) => plain(reader.readLongstr()),
};

function plain(value: Field["value"]): EntryValue {
  return { value, meaning: undefined };
}

/** `1.23` for 123 and 2; large scales as `123e-200`. */
function decimal(value: number, scale: number): string {
  if (scale === 0) return String(value);
  if (scale > 20) return `${value}e-${scale}`;
  const digits = String(Math.abs(value)).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${value < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** A POSIX time in words; undefined where a `Date` cannot reach so far. */
function dateOf(seconds: number | bigint): string | undefined {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace(".000Z", "Z");
}

/** A name that is not UTF-8, so that it can be shown at all. */
function hexName(name: Uint8Array): string {
  return `0x${Array.from(name, (octet) => octet.toString(16).padStart(2, "0")).join("")}`;
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0")}`;
}
