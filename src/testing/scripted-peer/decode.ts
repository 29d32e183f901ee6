/**
 * What a peer said, read without the library's codec; encode.ts has the layouts and says why.
 */
import { BASIC_CLASS_ID } from "../../wire/generated/constants.ts";
import { METHODS } from "../../wire/generated/method-table.ts";
import type { Method } from "../../wire/generated/methods.ts";
import {
  type BasicProperties,
  PROPERTY_FLAG,
  PROPERTY_TYPES,
} from "../../wire/generated/properties.ts";
import { decodeTable } from "./decode-table.ts";
import type { MethodName } from "./method-types.ts";
import { Cursor, Malformed } from "./octets.ts";

/** Reads what is in the frame of a method; reserved fields are passed over. Throws {@link Malformed}. */
export function decodeMethod(payload: Uint8Array): Method {
  const cursor = new Cursor(payload);
  const [classId, methodId] = [cursor.unsigned(2), cursor.unsigned(2)];
  const name = NAMES.get(`${classId} ${methodId}`);
  if (name === undefined) throw new Malformed(`there is no method ${classId}.${methodId}`, 0);
  const method: { [field: string]: unknown } = { name };
  let bits = 0;
  let octet = 0;
  for (const { name: field, type, reserved } of METHODS[name].fields) {
    let value: unknown;
    if (type === "bit") {
      if (bits % 8 === 0) octet = cursor.unsigned(1);
      value = ((octet >> (bits % 8)) & 1) === 1;
      bits++;
    } else {
      bits = 0;
      value = decodeAs(type, cursor);
    }
    if (!reserved) method[field] = value;
  }
  expectAllRead(cursor);
  return method as unknown as Method;
}

/** What is in a header frame. */
export interface ContentHeader {
  /** How long the body is said to be, in octets. */
  readonly bodySize: number;
  readonly properties: BasicProperties;
}

/** Reads what is in a header frame. Throws {@link Malformed}. */
export function decodeHeader(payload: Uint8Array): ContentHeader {
  const cursor = new Cursor(payload);
  const classId = cursor.unsigned(2);
  if (classId !== BASIC_CLASS_ID) throw new Malformed(`class ${classId} has no content`, 0);
  const weight = cursor.unsigned(2);
  if (weight !== 0) throw new Malformed(`the weight is ${weight} and not 0`, 2);
  const bodySize = Number(cursor.unsigned64());
  let flags = cursor.unsigned(2);
  const properties: { [name: string]: unknown } = {};
  for (const [name, type] of PROPERTY_TYPES) {
    if ((flags & PROPERTY_FLAG[name]) === 0) continue;
    flags -= PROPERTY_FLAG[name];
    properties[name] = decodeAs(type, cursor);
  }
  if (flags !== 0)
    throw new Malformed(`there is no property for the flag 0x${flags.toString(16)}`, 12);
  expectAllRead(cursor);
  return { bodySize, properties };
}

const NAMES: ReadonlyMap<string, MethodName> = new Map(
  (Object.keys(METHODS) as MethodName[]).map((name) => {
    const { classId, methodId } = METHODS[name];
    return [`${classId} ${methodId}`, name];
  }),
);

function decodeAs(type: string, cursor: Cursor): unknown {
  switch (type) {
    case "octet":
      return cursor.unsigned(1);
    case "short":
      return cursor.unsigned(2);
    case "long":
      return cursor.unsigned(4);
    case "longlong":
      return cursor.unsigned64();
    case "shortstr":
      return cursor.shortstr();
    case "longstr":
      return cursor.longstr();
    case "table":
      return decodeTable(cursor);
    case "timestamp":
      return new Date(Number(cursor.unsigned64()) * 1000);
    default:
      throw new TypeError(`the protocol table has a type that is new: ${type}`);
  }
}

function expectAllRead(cursor: Cursor): void {
  if (cursor.left > 0) {
    throw new Malformed(`${cursor.left} octets are left after the last field`, cursor.offset);
  }
}
