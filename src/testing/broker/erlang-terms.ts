/**
 * RabbitMQ prints values from field tables as Erlang sees them, types included. Its reply texts are
 * full of that, so the names of the types are here.
 */
import { isDeepStrictEqual } from "node:util";
import {
  type Decimal,
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

/** A value within a sentence: strings without quotes, all else as {@link erlangTerm} has it. */
export function erlangText(value: FieldValue | undefined): string {
  return typeof value === "string" ? value : erlangTerm(value);
}

/** A value as Erlang's `~p` prints what RabbitMQ makes of it. */
export function erlangTerm(value: FieldValue | undefined): string {
  if (typeof value === "string") return value === "" ? "<<>>" : `<<${JSON.stringify(value)}>>`;
  if (value === null || value === undefined) return "undefined";
  if (value instanceof Uint8Array) return `<<${value.join(",")}>>`;
  if (value instanceof Date) return `${value.getTime() / 1000}`;
  if (value instanceof TaggedValue) {
    const { value: untagged } = value;
    const { scale, value: digits } = untagged as Decimal;
    return value.type === "D" ? `{${scale},${digits}}` : erlangTerm(untagged as FieldValue);
  }
  if (Array.isArray(value)) {
    return `[${value.map((each) => `{${erlangTypeOf(each)},${erlangTerm(each)}}`).join(",")}]`;
  }
  if (typeof value !== "object") return String(value);
  const fields = Object.entries(value).map(
    ([name, each]) => `{${erlangTerm(name)},${erlangTypeOf(each)},${erlangTerm(each)}}`,
  );
  return `[${fields.join(",")}]`;
}

/** Whether RabbitMQ takes two values for the same: in tables, the order of the fields counts. */
export function sameValue(one: FieldValue | undefined, other: FieldValue | undefined): boolean {
  if (!isDeepStrictEqual(one, other)) return false;
  return typeof one !== "object" || erlangTerm(one) === erlangTerm(other);
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
