/** What a publish is given: its options, their checks, and their defaults. */
import { UsageError } from "../errors.ts";
import type { FieldTable } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";

/** How to publish one message; the properties of the message are among the options. */
export interface PublishOptions extends BasicProperties {
  /** Asks for the message back where no queue takes it: `ReturnedError`. Default false. */
  readonly mandatory?: boolean | undefined;
  /**
   * Asks for the message back where no consumer takes it at once. Default false. RabbitMQ does not
   * implement it and closes the whole connection with 540.
   */
  readonly immediate?: boolean | undefined;
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

/**
 * Refuses, with a `UsageError`, what can be encoded and yet cannot be right: RabbitMQ would close
 * the channel for it (406) and take other publishes along.
 */
export function checkProperties(properties: BasicProperties): void {
  const { expiration, deliveryMode, headers } = properties;
  if (expiration !== undefined && !/^\d+$/.test(expiration)) {
    throw new UsageError('expiration must be a string of digits, in milliseconds, as in "60000"');
  }
  if (deliveryMode !== undefined && deliveryMode !== 1 && deliveryMode !== 2) {
    throw new UsageError("deliveryMode must be 1 (transient) or 2 (persistent)");
  }
  if (headers !== undefined) {
    checkRecipients(headers, "CC");
    checkRecipients(headers, "BCC");
  }
}

/** Properties with defaults: a publish's own win, and headers are merged key by key. */
export function withDefaults(
  defaults: BasicProperties | undefined,
  own: BasicProperties,
): BasicProperties {
  if (defaults === undefined) return own;
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) merged[name] = value;
  }
  if (defaults.headers !== undefined && own.headers !== undefined) {
    merged["headers"] = { ...defaults.headers, ...own.headers };
  }
  return merged;
}

/** Sender-selected distribution takes arrays of routing keys (rabbitmq.com/docs/sender-selected). */
function checkRecipients(headers: FieldTable, name: "CC" | "BCC"): void {
  const value = headers[name];
  if (value === undefined) return;
  if (!Array.isArray(value) || value.some((key) => typeof key !== "string")) {
    throw new UsageError(`the header ${name} must be an array of strings`);
  }
}
