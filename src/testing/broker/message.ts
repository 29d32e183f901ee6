/**
 * A message as the broker keeps it. One object serves however many queues it was routed to, so
 * nobody changes it once it is made.
 *
 * Its properties are there twice. Applications want plain values, but the way from plain values
 * back to octets is not unique: a 5 may have come as an octet or as 64 bits. So for sending, they
 * are kept as they came: RabbitMQ sends the very octets that it was sent.
 */
import type { Content } from "../../protocol/content-assembler.ts";
import { type FieldTable, TaggedTable } from "../../wire/field-value.ts";
import type { BasicPublish } from "../../wire/generated/methods.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import type { SentProperties } from "../../wire/tagged-properties.ts";

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
  /** `properties` as they came: without loss, each header in its type and its place. */
  readonly sentProperties: SentProperties;
  /** The same as octets, where they are still those that came. */
  readonly propertyBytes?: Uint8Array;
  /** The routing key with those that the headers CC and BCC added; undefined if they added none. */
  readonly routingKeys: readonly string[] | undefined;
}

/**
 * Makes a message of what was published. The header `BCC` ("blind carbon copy": more routing keys)
 * is taken off, as its name says (RabbitMQ's page on sender-selected distribution).
 */
export function storedMessage(
  content: Content<BasicPublish>,
  allRoutingKeys: readonly string[],
): StoredMessage {
  const { method, properties, body } = content;
  const { exchange, routingKey } = method;
  const routingKeys = allRoutingKeys.length > 1 ? allRoutingKeys : undefined;
  const { headers } = properties;
  if (headers === undefined || !Object.hasOwn(headers, "BCC")) {
    return new MessageAsCame(content, routingKeys);
  }
  const { taggedProperties } = content;
  const { BCC: _, ...others } = headers;
  const kept = taggedProperties.headers?.entries.filter(([name]) => name !== "BCC") ?? [];
  return {
    ...{ exchange, routingKey, body, routingKeys },
    properties: { ...properties, headers: others },
    sentProperties: { ...taggedProperties, headers: new TaggedTable(kept) },
  };
}

/** A message that is sent as it came. Most are never looked at before, so that is read when it is. */
class MessageAsCame implements StoredMessage {
  readonly #content: Content<BasicPublish>;
  readonly routingKeys: readonly string[] | undefined;

  constructor(content: Content<BasicPublish>, routingKeys: readonly string[] | undefined) {
    this.#content = content;
    this.routingKeys = routingKeys;
  }

  get exchange(): string {
    return this.#content.method.exchange;
  }

  get routingKey(): string {
    return this.#content.method.routingKey;
  }

  get properties(): BasicProperties {
    return this.#content.properties;
  }

  get body(): Uint8Array {
    return this.#content.body;
  }

  get propertyBytes(): Uint8Array {
    return this.#content.propertyBytes;
  }

  get sentProperties(): SentProperties {
    return this.#content.taggedProperties;
  }
}

/** Headers by their names; of those that came twice the last one. */
export function headersByName(headers: FieldTable | TaggedTable | undefined): FieldTable {
  if (!(headers instanceof TaggedTable)) return headers ?? {};
  const decoder = new TextDecoder();
  return Object.fromEntries(
    headers.entries.map(([name, value]) => [
      typeof name === "string" ? name : decoder.decode(name),
      value,
    ]),
  );
}
