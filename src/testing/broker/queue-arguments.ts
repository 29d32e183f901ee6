/**
 * The arguments of queues (rabbitmq.com/docs/queues, "Optional Arguments"): what RabbitMQ says of
 * wrong ones when a queue is made, and what the right ones mean.
 */
import type { FieldTable, FieldValue } from "../../wire/field-value.ts";
import { erlangText, erlangTypeOf } from "./erlang-terms.ts";
import { refusal } from "./refusal.ts";

/** What is dropped, or refused, when a queue is full. */
export type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";

/** What a queue obeys. Infinity is no limit. */
export interface QueueRules {
  /** x-message-ttl, in milliseconds. */
  readonly messageTtlMs: number;
  /** x-expires: how long a queue that nobody uses stays, in milliseconds. */
  readonly expiresMs: number;
  /** x-max-length: how many messages may be ready. */
  readonly maxLength: number;
  /** x-max-length-bytes: how many octets of bodies may be ready. */
  readonly maxLengthBytes: number;
  /** x-overflow */
  readonly overflow: Overflow;
  /** x-max-priority */
  readonly maxPriority: number;
  /** x-dead-letter-exchange */
  readonly deadLetterExchange: string | undefined;
  /** x-dead-letter-routing-key */
  readonly deadLetterRoutingKey: string | undefined;
}

/** Refuses arguments as RabbitMQ does; `what` is the queue as its reply texts name it. */
export function checkQueueArguments(args: FieldTable, what: string): void {
  if ((args["x-queue-type"] ?? "classic") === "classic") {
    for (const name of NOT_CLASSIC) {
      if (args[name] === undefined) continue;
      throw invalid(`arg '${name}' for ${what} of queue type rabbit_classic_queue`);
    }
  }
  const exchange = args["x-dead-letter-exchange"];
  if (exchange !== undefined && typeof exchange !== "string") {
    const type = erlangTypeOf(exchange);
    throw invalid(`type '${type}' for arg 'x-dead-letter-exchange' in ${what}`);
  }
  for (const [name, check] of CHECKS) {
    const value = args[name];
    if (value === undefined) continue;
    const fault = check(value, args);
    if (fault !== undefined) throw invalid(`arg '${name}' for ${what}: ${fault}`);
  }
}

/** Refuses arguments of basic.consume; `what` is the queue as reply texts name it. */
export function checkConsumerArguments(args: FieldTable, what: string): void {
  const checks = [
    ["x-priority", integerFault],
    ["x-cancel-on-ha-failover", booleanFault],
  ] as const;
  for (const [name, check] of checks) {
    const value = args[name];
    const fault = value === undefined ? undefined : check(value);
    if (fault !== undefined) throw invalid(`arg '${name}' for ${what}: ${fault}`);
  }
}

/** What the arguments say, once they are checked; undefined if they say nothing of the kind. */
export function queueRules(args: FieldTable): QueueRules | undefined {
  if (!RULES.some((name) => args[name] !== undefined)) return undefined;
  const number = (name: string): number => Number(args[name] ?? Number.POSITIVE_INFINITY);
  const text = (name: string): string | undefined => args[name] as string | undefined;
  return {
    messageTtlMs: number("x-message-ttl"),
    expiresMs: number("x-expires"),
    maxLength: number("x-max-length"),
    maxLengthBytes: number("x-max-length-bytes"),
    overflow: (args["x-overflow"] ?? "drop-head") as Overflow,
    maxPriority: Number(args["x-max-priority"] ?? 0),
    deadLetterExchange: text("x-dead-letter-exchange"),
    deadLetterRoutingKey: text("x-dead-letter-routing-key"),
  };
}

/** What is wrong with a value, in RabbitMQ's words. */
type Check = (value: FieldValue, args: FieldTable) => string | undefined;

function integerFault(value: FieldValue): string | undefined {
  if (Number.isSafeInteger(value) || typeof value === "bigint") return undefined;
  return `"expected integer, got ${erlangTypeOf(value)}"`;
}

function booleanFault(value: FieldValue): string | undefined {
  return typeof value === "boolean" ? undefined : unacceptableType(value);
}

function unacceptableType(value: FieldValue): string {
  return `{unacceptable_type,${erlangTypeOf(value)}}`;
}

const notNegative: Check = (value) =>
  integerFault(value) ?? (Number(value) < 0 ? `{value_negative,${value}}` : undefined);

const positive: Check = (value, args) =>
  notNegative(value, args) ?? (Number(value) === 0 ? "{value_zero,0}" : undefined);

/** Milliseconds that a timer of RabbitMQ can wait. */
const bearable =
  (least: Check): Check =>
  (value, args) =>
    least(value, args) ?? (Number(value) > MAX_TIMER_MS ? `{value_too_large,${value}}` : undefined);

const priority: Check = (value, args) =>
  notNegative(value, args) ??
  (Number(value) > HIGHEST_PRIORITY ? `{max_value_exceeded,${value}}` : undefined);

/** One of some words; otherwise `fault`, which may name the value. */
function oneOf(words: readonly string[], fault: (value: string) => string): Check {
  return (value) => {
    if (typeof value !== "string") return unacceptableType(value);
    return words.includes(value) ? undefined : fault(erlangText(value));
  };
}

const deadLetterRoutingKey: Check = (value, args) => {
  if (typeof value !== "string") return unacceptableType(value);
  return args["x-dead-letter-exchange"] === undefined
    ? "routing_key_but_no_dlx_defined"
    : undefined;
};

/** In RabbitMQ's order, which decides which one is named if several are wrong. */
const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ["x-expires", bearable(positive)],
  ["x-message-ttl", bearable(notNegative)],
  ["x-dead-letter-routing-key", deadLetterRoutingKey],
  ["x-max-length", notNegative],
  ["x-max-length-bytes", notNegative],
  ["x-max-priority", priority],
  [
    "x-overflow",
    oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], () => "invalid_overflow"),
  ],
  ["x-queue-mode", oneOf(["default", "lazy"], (mode) => `"unsupported queue mode '${mode}'"`)],
  ["x-single-active-consumer", booleanFault],
  [
    "x-queue-type",
    oneOf(["classic", "quorum", "stream"], (type) => `"unsupported queue type '${type}'"`),
  ],
];

/** Arguments of the other queue types. */
const NOT_CLASSIC = [
  "x-dead-letter-strategy",
  "x-max-in-memory-length",
  "x-max-in-memory-bytes",
  "x-delivery-limit",
  "x-quorum-initial-group-size",
  "x-max-age",
];

const RULES = [
  "x-message-ttl",
  "x-expires",
  "x-max-length",
  "x-max-length-bytes",
  "x-max-priority",
  "x-dead-letter-exchange",
];

/** RabbitMQ's MAX_EXPIRY_TIMER: ten years. */
export const MAX_TIMER_MS: number = 315_360_000_000;

/** RabbitMQ's MAX_SUPPORTED_PRIORITY. */
const HIGHEST_PRIORITY = 255;

function invalid(detail: string): Error {
  return refusal("preconditionFailed", `invalid ${detail}`);
}
