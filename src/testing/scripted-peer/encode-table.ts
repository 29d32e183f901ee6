/**
 * Field tables for the scripted peer, written without the library's codec (specification section
 * 4.2.5.5, type letters as RabbitMQ has them: its errata, section 3).
 *
 * Plain values get the letter that the library documents for them; `tagged()` forces any other. A
 * peer that misbehaves may say what the library refuses: NaN and infinities go out as they are.
 */
import { type FieldValue, TaggedTable, TaggedValue } from "../../wire/field-value.ts";
import { longstr, shortstr, signed, unsigned } from "./octets.ts";

/** A table, with its length in four octets before it. Members that are `undefined` are left out. */
export function encodeTable(table: object): Buffer {
  const entries =
    table instanceof TaggedTable
      ? table.entries
      : Object.entries(table as { [name: string]: FieldValue | undefined });
  const pieces = entries.flatMap(([name, value]) =>
    value === undefined ? [] : [shortstr(name), encodeValue(value)],
  );
  return longstr(Buffer.concat(pieces));
}

function encodeValue(value: FieldValue): Buffer {
  const [letter, content] = value instanceof TaggedValue ? [value.type, value.value] : plain(value);
  return Buffer.concat([Buffer.from(letter, "latin1"), encodeAs(letter, content)]);
}

function plain(value: FieldValue): [letter: string, content: unknown] {
  if (value === null) return ["V", value];
  if (value instanceof Date) return ["T", value];
  if (value instanceof Uint8Array) return ["x", value];
  if (Array.isArray(value)) return ["A", value];
  switch (typeof value) {
    case "boolean":
      return ["t", value];
    case "string":
      return ["S", value];
    case "bigint":
      return ["l", value];
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return ["d", value];
      return [value >= -0x8000_0000 && value <= 0x7fff_ffff ? "I" : "l", value];
    case "object":
      return ["F", value];
    default:
      throw new TypeError(`a field table cannot hold ${typeof value}`);
  }
}

function encodeAs(letter: string, content: unknown): Buffer {
  const number = content as number;
  switch (letter) {
    case "t":
    case "B":
      return unsigned(Number(number), 1);
    case "b":
      return signed(number, 1);
    case "s":
      return signed(number, 2);
    case "u":
      return unsigned(number, 2);
    case "I":
      return signed(number, 4);
    case "i":
      return unsigned(number, 4);
    case "l":
    case "L":
      return signed(number, 8);
    case "f":
      return float(content as number | Uint8Array, 4);
    case "d":
      return float(content as number | Uint8Array, 8);
    case "D": {
      const { scale, value } = content as { readonly scale: number; readonly value: number };
      return Buffer.concat([unsigned(scale, 1), signed(value, 4)]);
    }
    case "S":
    case "x":
      return longstr(content as string | Uint8Array);
    case "A":
      return longstr(Buffer.concat((content as readonly FieldValue[]).map(encodeValue)));
    case "T":
      return timestamp(content as Date | number | bigint);
    case "F":
      return encodeTable(content as object);
    case "V":
      return Buffer.alloc(0);
    default:
      throw new TypeError(`"${letter}" is no type of a field value`);
  }
}

/** POSIX time in whole seconds. */
export function timestamp(time: Date | number | bigint): Buffer {
  return unsigned(time instanceof Date ? Math.floor(time.getTime() / 1000) : time, 8);
}

function float(value: number | Uint8Array, length: 4 | 8): Buffer {
  if (typeof value !== "number") return Buffer.from(value);
  const octets = Buffer.alloc(length);
  if (length === 4) octets.writeFloatBE(value);
  else octets.writeDoubleBE(value);
  return octets;
}
