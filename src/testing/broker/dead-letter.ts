/**
 * Dead-lettering (rabbitmq.com/docs/dlx): a message that was rejected, grew too old or did not fit
 * any more is published again, to the exchange that the arguments of its queue name. What happened
 * to it is told in its headers: `x-death` is an array of tables, the latest death first, one for
 * each queue and reason with a count.
 */
import type { FieldTable, FieldValue } from "../../wire/field-value.ts";
import { tagged } from "../../wire/field-value.ts";
import type { SentProperties } from "../../wire/tagged-properties.ts";
import { headersByName, type StoredMessage } from "./message.ts";
import type { DeathReason, Queue } from "./queue.ts";

/** The message to publish for one that died in a queue with a dead-letter exchange. */
export function deadLetter(
  queue: Queue,
  message: StoredMessage,
  reason: DeathReason,
): StoredMessage {
  const { deadLetterExchange = "", deadLetterRoutingKey } = queue.rules ?? {};
  const death = { queue: queue.name, reason, message };
  const properties = afterDeath(message.properties, death, (count) => count);
  const sentProperties = afterDeath(message.sentProperties, death, (count) => tagged("l", count));
  return {
    exchange: deadLetterExchange,
    routingKey: deadLetterRoutingKey ?? message.routingKey,
    properties: deadLetterRoutingKey === undefined ? properties : withoutCc(properties),
    body: message.body,
    sentProperties: deadLetterRoutingKey === undefined ? sentProperties : withoutCc(sentProperties),
    routingKeys: deadLetterRoutingKey === undefined ? message.routingKeys : undefined,
  };
}

/**
 * Whether a dead message would go round for ever: it has been in this queue before, and since then
 * nobody rejected it. Such a message is dropped.
 */
export function goesRound(queue: Queue, { properties }: StoredMessage): boolean {
  const deaths = deathsOf(properties.headers);
  const before = deaths.findIndex((death) => death["queue"] === queue.name);
  if (before < 0) return false;
  return deaths.slice(0, before + 1).every((death) => death["reason"] !== "rejected");
}

interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly message: StoredMessage;
}

/** The properties with the death in their headers, and without the expiration. */
function afterDeath<P extends SentProperties>(
  properties: P,
  death: Death,
  countOf: (count: number) => FieldValue,
): WithHeaders<P> {
  const { expiration: _, headers: before, ...others } = properties;
  const headers = headersByName(before);
  const { queue, reason, message } = death;
  // Looked up where the values are plain; those that stay are the ones of these headers.
  const deaths = deathsOf(message.properties.headers);
  const kept = tablesOf(headers["x-death"]);
  const known = deaths.findIndex((each) => each["queue"] === queue && each["reason"] === reason);
  const table =
    known < 0
      ? newDeath(death, countOf(1))
      : { ...deaths[known], count: countOf(Number(deaths[known]?.["count"] ?? 0) + 1) };
  const first = kept.length === 0;
  const listed = [first ? table : sorted(table), ...kept.filter((_, i) => i !== known)];
  const firstDeath = {
    "x-first-death-exchange": message.exchange,
    "x-first-death-queue": queue,
    "x-first-death-reason": reason,
  };
  const told = { ...headers, ...(first ? firstDeath : {}), "x-death": listed };
  return { ...others, headers: sorted(told) };
}

type WithHeaders<P> = Omit<P, "headers" | "expiration"> & { readonly headers: FieldTable };

/** In RabbitMQ's order. */
function newDeath({ queue, reason, message }: Death, count: FieldValue): FieldTable {
  const { exchange, routingKey, properties } = message;
  const cc = properties.headers?.["CC"];
  const { expiration } = properties;
  return {
    ...{ count, reason, queue, time: new Date(Math.floor(Date.now() / 1000) * 1000), exchange },
    "routing-keys": [routingKey, ...(Array.isArray(cc) ? cc : [])],
    ...(expiration === undefined ? {} : { "original-expiration": expiration }),
  };
}

function deathsOf(headers: FieldTable | undefined): FieldTable[] {
  return tablesOf(headers?.["x-death"]).map((death) => (isTable(death) ? death : {}));
}

/** The elements of an array; of anything else there are none. */
function tablesOf(value: unknown): FieldValue[] {
  const array = value instanceof Object && "value" in value ? value.value : value;
  return Array.isArray(array) ? array : [];
}

function isTable(value: FieldValue): value is FieldTable {
  return typeof value === "object" && value !== null;
}

function withoutCc<P extends { readonly headers: FieldTable }>(properties: P): P {
  const { CC: _, ...headers } = properties.headers;
  return { ...properties, headers };
}

/** RabbitMQ sorts the fields of a table when it sets one. */
function sorted(table: FieldTable): FieldTable {
  const byName = Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(byName);
}
