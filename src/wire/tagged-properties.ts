/**
 * Properties without loss. The plain reading (properties.ts) is what applications want, and it is
 * not one to one: a header 5 may have come as one octet or as 64 bits, what is not UTF-8 in a short
 * string becomes U+FFFD, and a time may lie beyond what a `Date` reaches. The tagged reading keeps
 * all of it, so that writing it again gives the octets that came.
 */
import { plainInteger, readTaggedTable } from "./field-table.ts";
import { type TaggedTable, TaggedValue } from "./field-value.ts";
import { type BasicProperties, PROPERTY_FLAG, PROPERTY_TYPES } from "./generated/properties.ts";
import { readPropertyFlags } from "./properties.ts";
import type { Reader } from "./reader.ts";
import { decodeStrict } from "./text.ts";

/**
 * The properties of a message as they are on the wire: each header with its type and in its place,
 * each text that is not UTF-8 as its octets, and the timestamp as a {@link TaggedValue} of type `T`,
 * in seconds: a number where it is safe, else a bigint. They can be published as they are.
 */
export type TaggedProperties = {
  readonly [P in keyof BasicProperties]: Tagged<NonNullable<BasicProperties[P]>> | undefined;
};

/** The properties that can be sent: plain, tagged, or some of each. */
export type SentProperties = {
  readonly [P in keyof BasicProperties]: BasicProperties[P] | TaggedProperties[P];
};

/** What a header frame is written from: values, or the octets that another header brought. */
export type PropertySource = SentProperties | Uint8Array;

/** What the tagged reading has where the plain one has a `T`. */
type Tagged<T> = T extends string
  ? string | Uint8Array
  : T extends number
    ? T
    : T extends Date
      ? TaggedValue<"T">
      : TaggedTable;

/** Reads the flags and the values of the properties, and keeps all that is on the wire. */
export function readTaggedProperties(reader: Reader): TaggedProperties {
  const flags = readPropertyFlags(reader);
  const properties: Record<string, unknown> = {};
  for (const [name, type] of PROPERTY_TYPES) {
    if (flags & PROPERTY_FLAG[name]) properties[name] = READERS[type as PropertyType](reader);
  }
  return properties;
}

type PropertyType = "shortstr" | "octet" | "table" | "timestamp";

const READERS: { readonly [T in PropertyType]: (reader: Reader) => unknown } = {
  shortstr: (reader) => {
    const bytes = reader.readShortstrBytes();
    return decodeStrict(bytes) ?? bytes;
  },
  octet: (reader) => reader.readOctet(),
  table: readTaggedTable,
  timestamp: (reader) => new TaggedValue("T", plainInteger(reader.readUint64())),
};
