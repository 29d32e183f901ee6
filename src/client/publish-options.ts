/** What a publish is given: its options, their checks, and their defaults. */
import { UsageError } from "../errors.ts";
import { type FieldTable, TaggedTable, TaggedValue } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import type { SentProperties, TaggedProperties } from "../wire/tagged-properties.ts";
import { describe } from "../wire/writer.ts";
import { hasNoProperties, withDefaults } from "./default-properties.ts";
import { refuseTimeout } from "./waiting.ts";

/** How to publish by delivery tag; the properties of the message are among the options. */
export interface BasicPublishOptions extends BasicProperties {
  /** Asks for the message back where no queue takes it: `ReturnedError`. Default false. */
  readonly mandatory?: boolean | undefined;
  /**
   * Asks for the message back where no consumer takes it at once. Default false. RabbitMQ does not
   * implement it and closes the whole connection with 540.
   */
  readonly immediate?: boolean | undefined;
  /**
   * The properties as they are to be on the wire, octet for octet, such as those of a delivery that
   * is passed on: `Delivery.taggedProperties`. They go out as they are, without the publisher's
   * defaults, and plain ones beside them are refused.
   */
  readonly taggedProperties?: TaggedProperties | undefined;
}

/**
 * How to publish one message; its properties are among the options. A promise that a deadline or a
 * signal has rejected as `unknown` leaves its message to the socket: a large body, which is sent
 * without a copy, must not be changed before the connection is closed then.
 */
export interface PublishOptions extends BasicPublishOptions {
  /**
   * Milliseconds from the call until the promise rejects; the clock stands still while the broker
   * has blocked the connection. Default the publisher's `timeoutMs`, else none.
   */
  readonly timeoutMs?: number | undefined;
  /** Rejects the promise when it fires; what was not sent yet is withdrawn. */
  readonly signal?: AbortSignal | undefined;
}

/** A message for `publishAll()`. */
export interface Message extends PublishOptions {
  /** Default the empty name: the default exchange. */
  readonly exchange?: string | undefined;
  readonly routingKey: string;
  readonly body: Uint8Array | string;
}

/** What goes on the wire: the tagged properties, or the plain ones with their defaults. */
export function propertiesToSend(
  defaults: BasicProperties,
  options: BasicPublishOptions,
): SentProperties {
  const { taggedProperties } = options;
  if (taggedProperties === undefined) return withDefaults(defaults, options);
  if (typeof taggedProperties !== "object" || taggedProperties === null) {
    throw new UsageError(`taggedProperties must be an object, not ${describe(taggedProperties)}`);
  }
  if (!hasNoProperties(options)) {
    throw new UsageError("the properties of a publish are either plain or tagged, not both");
  }
  return taggedProperties;
}

/**
 * Refuses, with a `UsageError`, what can be encoded and yet cannot be right: RabbitMQ would close
 * the channel for it (406) and take other publishes along.
 */
export function checkProperties(properties: SentProperties): void {
  const { expiration, deliveryMode, headers } = properties;
  if (expiration !== undefined) checkExpiration(expiration);
  if (deliveryMode !== undefined && deliveryMode !== 1 && deliveryMode !== 2) {
    throw new UsageError("deliveryMode must be 1 (transient) or 2 (persistent)");
  }
  if (typeof headers === "object" && headers !== null) {
    checkRecipients(headers, "CC");
    checkRecipients(headers, "BCC");
  }
}

/** Refuses options that are of the wrong type, before anything is written. */
export function checkPublishOptions(options: PublishOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new UsageError(`the options must be an object, not ${describe(options)}`);
  }
  checkFlag(options.mandatory, "mandatory");
  checkFlag(options.immediate, "immediate");
  const mistake = refuseTimeout(options.timeoutMs);
  if (mistake !== undefined) throw mistake;
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new UsageError(`signal must be an AbortSignal, not ${describe(options.signal)}`);
  }
}

function checkFlag(value: boolean | undefined, name: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new UsageError(`${name} must be true or false, not ${describe(value)}`);
}

/**
 * Refuses a body that is missing: `JSON.stringify(undefined)` is undefined, and to publish nothing
 * instead would hide that.
 */
export function checkBody(body: Uint8Array | string): void {
  if (body === undefined || body === null) {
    throw new UsageError(`body must be a Uint8Array or a string, not ${describe(body)}`);
  }
}

/** RabbitMQ's timers take 32 bits: some 49 days. */
const MAX_EXPIRATION_MS = 4_294_967_295;

function checkExpiration(expiration: string | Uint8Array): void {
  const isTime = typeof expiration === "string" && /^\d+$/.test(expiration);
  if (!isTime || Number(expiration) > MAX_EXPIRATION_MS) {
    throw new UsageError(
      'expiration must be a string of digits, in milliseconds, as in "60000", and at most ' +
        MAX_EXPIRATION_MS,
    );
  }
}

/** Sender-selected distribution takes arrays of routing keys (rabbitmq.com/docs/sender-selected). */
function checkRecipients(headers: FieldTable | TaggedTable, name: "CC" | "BCC"): void {
  if (headers instanceof TaggedTable) {
    for (const [each, keys] of headers.entries) if (each === name) checkKeys(keys, name);
  } else if (headers[name] !== undefined) {
    checkKeys(headers[name], name);
  }
}

function checkKeys(value: unknown, name: string): void {
  const keys = value instanceof TaggedValue && value.type === "A" ? value.value : value;
  if (!Array.isArray(keys) || !keys.every(isLongString)) {
    throw new UsageError(`the header ${name} must be an array of strings`);
  }
}

function isLongString(value: unknown): boolean {
  return value instanceof TaggedValue ? value.type === "S" : typeof value === "string";
}
