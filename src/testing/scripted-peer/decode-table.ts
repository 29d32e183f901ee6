/**
 * Field tables as the scripted peer reads them, without the library's codec: plain values, the
 * same ones that the library gives to applications (a test holds the two against each other).
 */
import { type FieldTable, type FieldValue, TaggedValue } from "../../wire/field-value.ts";
import { type Cursor, Malformed } from "./octets.ts";

/** Reads a table; of duplicate names the last one wins. Throws {@link Malformed}. */
export function decodeTable(cursor: Cursor, depth = 1): FieldTable {
  const entries = nested(cursor, depth);
  const table: { [name: string]: FieldValue } = {};
  while (entries.left > 0) {
    const name = entries.shortstr();
    const value = decodeValue(entries, depth);
    // An assignment to `__proto__` would change the prototype.
    const member = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(table, name, member);
  }
  return table;
}

/** Recursion that the other side controls must end somewhere. */
const MAX_NESTING = 64;

function nested(cursor: Cursor, depth: number): Cursor {
  if (depth > MAX_NESTING) {
    throw new Malformed(`a field table has more than ${MAX_NESTING} levels`, cursor.offset);
  }
  return cursor.nested();
}

function decodeValue(cursor: Cursor, depth: number): FieldValue {
  const at = cursor.offset;
  const letter = String.fromCharCode(cursor.unsigned(1));
  switch (letter) {
    case "t":
      return cursor.unsigned(1) !== 0;
    case "b":
      return cursor.signed(1);
    case "B":
      return cursor.unsigned(1);
    case "s":
      return cursor.signed(2);
    case "u":
      return cursor.unsigned(2);
    case "I":
      return cursor.signed(4);
    case "i":
      return cursor.unsigned(4);
    case "l":
    case "L":
      return cursor.signed64();
    case "f":
      return cursor.float();
    case "d":
      return cursor.double();
    case "D":
      return new TaggedValue("D", { scale: cursor.unsigned(1), value: cursor.signed(4) });
    case "S":
      return textOrOctets(cursor.longstr());
    case "A": {
      const items = nested(cursor, depth + 1);
      const array: FieldValue[] = [];
      while (items.left > 0) array.push(decodeValue(items, depth + 1));
      return array;
    }
    case "T":
      return timeOf(cursor.unsigned64());
    case "F":
      return decodeTable(cursor, depth + 1);
    case "V":
      return null;
    case "x":
      return cursor.longstr();
    default:
      throw new Malformed(`a field value has the unknown type ${JSON.stringify(letter)}`, at);
  }
}

/** A time that no `Date` reaches stays a number. */
function timeOf(seconds: number | bigint): Date | TaggedValue {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? new TaggedValue("T", seconds) : date;
}

function textOrOctets(octets: Uint8Array): string | Uint8Array {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return octets;
  }
}
