/**
 * RabbitMQ prints values from field tables as Erlang sees them, types included. Its reply texts are
 * full of that, so the names of the types are here.
 */
import { inspect } from "node:util";
import {
  type FieldType,
  type FieldValue,
  fieldTypeOf,
  TaggedValue,
} from "../../wire/field-value.ts";

/** What RabbitMQ calls the type that a value came with; `undefined` is none at all. */
export function erlangTypeOf(value: FieldValue | undefined): string {
  const type = value instanceof TaggedValue ? value.type : fieldTypeOf(value);
  return type === undefined ? "undefined" : TYPE_NAMES[type];
}

/** A value as `~p` would print it within a sentence; strings without quotes. */
export function erlangText(value: FieldValue | undefined): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return `<<${value.join(",")}>>`;
  return typeof value === "object" && !(value instanceof Date) ? inspect(value) : String(value);
}

/** From rabbit_binary_parser.erl. */
const TYPE_NAMES: { readonly [T in FieldType]: string } = {
  t: "bool",
  b: "byte",
  B: "unsignedbyte",
  s: "short",
  u: "unsignedshort",
  I: "signedint",
  i: "unsignedint",
  l: "long",
  L: "long",
  f: "float",
  d: "double",
  D: "decimal",
  S: "longstr",
  A: "array",
  T: "timestamp",
  F: "table",
  V: "void",
  x: "binary",
};
