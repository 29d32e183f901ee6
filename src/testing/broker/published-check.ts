/**
 * What RabbitMQ looks at in a message before it takes it, in its order and with its words: the
 * user-id, the expiration, then the rest of the properties. Each is a 406 that closes the channel.
 */
import type { FieldTable, FieldValue } from "../../wire/field-value.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import { erlangTypeOf } from "./erlang-terms.ts";
import { MAX_TIMER_MS } from "./queue-arguments.ts";
import { refusal } from "./refusal.ts";

/** Refuses properties that RabbitMQ refuses; `user` is who is logged in. */
export function checkProperties(properties: BasicProperties, user: string): void {
  const { userId, expiration } = properties;
  if (userId !== undefined && userId !== user) {
    throw invalid(`user_id property set to '${userId}' but authenticated user was '${user}'`);
  }
  if (expiration !== undefined) checkExpiration(expiration);
}

/** Refuses delivery modes that there are not; the headers come first. */
export function checkDeliveryMode({ deliveryMode }: BasicProperties): void {
  if (deliveryMode === undefined || deliveryMode === 1 || deliveryMode === 2) return;
  throw invalid(`invalid message: {delivery_mode_unknown,${deliveryMode}}`);
}

/**
 * The routing key with those that the headers CC and BCC add (RabbitMQ's page on sender-selected
 * distribution). The two must be arrays; what is not a string in them is passed over.
 */
export function routingKeysOf(routingKey: string, headers: FieldTable | undefined): string[] {
  const keys = [routingKey];
  if (headers === undefined) return keys;
  for (const name of ["CC", "BCC"]) {
    const more = headers[name];
    if (more === undefined) continue;
    if (!isArray(more)) {
      throw invalid(
        `invalid message: {unacceptable_type_in_header,"${name}",${erlangTypeOf(more)}}`,
      );
    }
    for (const key of more) if (typeof key === "string") keys.push(key);
  }
  return keys;
}

/** Milliseconds as digits; the errors are those of Erlang's string:to_integer/1. */
function checkExpiration(expiration: string): void {
  const fault = expirationFault(expiration);
  if (fault !== undefined) throw invalid(`invalid expiration '${expiration}': ${fault}`);
}

function expirationFault(expiration: string): string | undefined {
  const digits = /^[+-]?\d+/.exec(expiration)?.[0];
  if (digits === undefined) return "no_integer";
  if (digits.length < expiration.length) {
    return `{leftover_string,"${expiration.slice(digits.length)}"}`;
  }
  const milliseconds = BigInt(digits.replace("+", ""));
  if (milliseconds < 0n) return `{value_negative,${milliseconds}}`;
  if (milliseconds > MAX_TIMER_MS) return `{value_too_large,${milliseconds}}`;
  return undefined;
}

function isArray(value: FieldValue): value is readonly FieldValue[] {
  return Array.isArray(value);
}

function invalid(detail: string): Error {
  return refusal("preconditionFailed", detail);
}
