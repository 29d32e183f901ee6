/**
 * A message as the broker keeps it. One object serves however many queues it was routed to, so
 * nobody changes it once it is made.
 *
 * Its properties are there twice if it has headers. Applications want plain values, but the way
 * from plain values back to octets is not unique: a 5 may have come as an octet or as 64 bits. So
 * for sending, the headers are kept with the types that they came with.
 */
import type { Content, Payload } from "../../protocol/content-assembler.ts";
import { readTaggedTable } from "../../wire/field-table.ts";
import type { FieldTable, TaggedValue } from "../../wire/field-value.ts";
import type { BasicPublish } from "../../wire/generated/methods.ts";
import { type BasicProperties, PROPERTY_FLAG } from "../../wire/generated/properties.ts";
import { Reader } from "../../wire/reader.ts";

/** A message in the broker. */
export interface BrokerMessage {
  /** The exchange that it was published to; empty for the default one. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: BasicProperties;
  /** As published; not a copy, so leave it as it is. */
  readonly body: Uint8Array;
}

/** The same with what is sent to clients. */
export interface StoredMessage extends BrokerMessage {
  /** `properties` with each header in the type that it came with. */
  readonly sentProperties: BasicProperties;
  /** The routing key with those that the headers CC and BCC added; undefined if they added none. */
  readonly routingKeys: readonly string[] | undefined;
}

/**
 * Makes a message of what was published. The header `BCC` ("blind carbon copy": more routing keys)
 * is taken off, as its name says (RabbitMQ's page on sender-selected distribution).
 */
export function storedMessage(
  { method, properties, body }: Content<BasicPublish>,
  typedHeaders: FieldTable | undefined,
  allRoutingKeys: readonly string[],
): StoredMessage {
  const { exchange, routingKey } = method;
  const routingKeys = allRoutingKeys.length > 1 ? allRoutingKeys : undefined;
  if (properties.headers === undefined) {
    return { exchange, routingKey, properties, body, sentProperties: properties, routingKeys };
  }
  const shown = { ...properties, headers: withoutBcc(properties.headers) };
  const sentProperties = { ...properties, headers: withoutBcc(typedHeaders ?? properties.headers) };
  return { exchange, routingKey, properties: shown, body, sentProperties, routingKeys };
}

/** Reads the headers from the payload of a header frame with their types; undefined if none. */
export function readTypedHeaders({ bytes, start, end }: Payload): FieldTable | undefined {
  const reader = new Reader(bytes, start, end);
  reader.offset += 12; // class id, weight and body size
  const flags = reader.readShort();
  if ((flags & PROPERTY_FLAG.headers) === 0) return undefined;
  if (flags & PROPERTY_FLAG.contentType) reader.readShortstr();
  if (flags & PROPERTY_FLAG.contentEncoding) reader.readShortstr();
  const headers: [string, TaggedValue][] = [];
  for (const [name, value] of readTaggedTable(reader).entries) {
    headers.push([typeof name === "string" ? name : new TextDecoder().decode(name), value]);
  }
  return Object.fromEntries(headers);
}

function withoutBcc(headers: FieldTable): FieldTable {
  if (!Object.hasOwn(headers, "BCC")) return headers;
  const { BCC: _, ...others } = headers;
  return others;
}
