/**
 * One message in JSON, on one line (ndjson.org):
 *
 *     {"routingKey": "hello", "body": "hello world"}
 *     {"exchange": "logs", "routingKey": "a.b", "body": {"base64": "AAEC"}, "mandatory": false,
 *      "properties": {"priority": 5, "headers": {"try": 1}, "timestamp": "2026-01-01T00:00:00Z"}}
 *
 * Strict about names and JSON types: a property with a typing error would else be left out of the
 * message in silence. Ranges and lengths are the client's business, which refuses what it cannot
 * encode.
 */
import { withDefaults } from "../client/default-properties.ts";
import type { BasicProperties, Message } from "../index.ts";
import { PROPERTY_TYPES } from "../wire/generated/properties.ts";

/** What a line may leave out. */
export interface MessageDefaults {
  readonly exchange: string | undefined;
  readonly routingKey: string | undefined;
  readonly mandatory: boolean;
  /** A line's own win, and headers are merged one by one. */
  readonly properties: Pick<BasicProperties, "deliveryMode" | "contentType" | "headers">;
}

/** A line that is no message; says what is wrong with it. */
export class InvalidLineError extends Error {
  override get name(): string {
    return "InvalidLineError";
  }
}

/** Reads a line; undefined where it is blank. Raises an {@link InvalidLineError}. */
export function parseJsonLine(line: Uint8Array, defaults: MessageDefaults): Message | undefined {
  const text = decode(line).trim();
  if (text === "") return undefined;
  const value = checkRecord(parse(text), "the line");
  checkNames(value, "the line", ["exchange", "routingKey", "body", "mandatory", "properties"]);
  const exchange = optional(value, "exchange", "string") ?? defaults.exchange ?? "";
  const routingKey = optional(value, "routingKey", "string") ?? defaults.routingKey;
  if (routingKey === undefined) {
    throw new InvalidLineError("routingKey is missing, and no --queue or --routing-key is given");
  }
  const mandatory = optional(value, "mandatory", "boolean") ?? defaults.mandatory;
  const properties = withDefaults(defaults.properties, parseProperties(value["properties"]));
  return { ...properties, exchange, routingKey, mandatory, body: parseBody(value["body"]) };
}

type JsonRecord = { readonly [name: string]: unknown };

function decode(line: Uint8Array): string {
  try {
    return UTF_8.decode(line);
  } catch {
    throw new InvalidLineError("it is not UTF-8");
  }
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidLineError(`it is not JSON: ${(error as SyntaxError).message}`);
  }
}

function parseBody(body: unknown): Uint8Array | string {
  if (typeof body === "string") return body;
  const fault = 'body must be a string or {"base64": "..."}';
  if (body === undefined) throw new InvalidLineError(`body is missing; ${fault}`);
  if (!isRecord(body)) throw new InvalidLineError(fault);
  checkNames(body, "body", ["base64"]);
  const { base64 } = body;
  if (typeof base64 !== "string" || base64.length % 4 !== 0 || !BASE64.test(base64)) {
    throw new InvalidLineError("body.base64 is not base64 (RFC 4648 section 4, with padding)");
  }
  return Buffer.from(base64, "base64");
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function parseProperties(value: unknown): BasicProperties {
  if (value === undefined) return {};
  const record = checkRecord(value, "properties");
  checkNames(
    record,
    "properties",
    PROPERTY_TYPES.map(([name]) => name),
  );
  const entries = PROPERTY_TYPES.flatMap(([name, type]) => {
    const property = record[name];
    return property === undefined ? [] : [[name, parseProperty(property, name, type)]];
  });
  return Object.fromEntries(entries);
}

/** By the elementary type that the property has on the wire. */
function parseProperty(value: unknown, name: string, type: string): unknown {
  switch (type) {
    case "shortstr":
      return check(value, "string", `properties.${name}`);
    case "octet":
      return check(value, "number", `properties.${name}`);
    case "timestamp":
      return parseTimestamp(value, `properties.${name}`);
    default:
      return checkRecord(value, `properties.${name}`);
  }
}

/** AMQP counts in seconds since 1970, and people write dates. */
function parseTimestamp(value: unknown, what: string): Date {
  const date =
    typeof value === "number"
      ? new Date(value * 1000)
      : typeof value === "string" && ISO_DATE.test(value)
        ? new Date(value)
        : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidLineError(`${what} must be seconds since 1970 or an ISO 8601 date and time`);
  }
  return date;
}

/** Date.parse() takes much else, and takes some of it for local time. */
const ISO_DATE = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/;

function optional(record: JsonRecord, name: string, type: "string"): string | undefined;
function optional(record: JsonRecord, name: string, type: "boolean"): boolean | undefined;
function optional(record: JsonRecord, name: string, type: string): unknown {
  const value = record[name];
  return value === undefined ? undefined : check(value, type, name);
}

function check(value: unknown, type: string, what: string): unknown {
  if (typeof value === type) return value;
  throw new InvalidLineError(`${what} must be a ${type}, not ${kindOf(value)}`);
}

function checkRecord(value: unknown, what: string): JsonRecord {
  if (isRecord(value)) return value;
  throw new InvalidLineError(`${what} must be an object, not ${kindOf(value)}`);
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function checkNames(record: JsonRecord, what: string, names: readonly string[]): void {
  const stray = Object.keys(record).find((name) => !names.includes(name));
  if (stray === undefined) return;
  throw new InvalidLineError(
    `${what} has ${JSON.stringify(stray)}, which is not one of ${names.join(", ")}`,
  );
}
