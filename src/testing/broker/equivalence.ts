/**
 * Declaring what exists already is fine as long as it is declared the same (specification section
 * 3.1.4; RabbitMQ's page on queues, "Declaration and Property Equivalence"). Any difference is a 406
 * that names it.
 */
import type { FieldTable, FieldValue } from "../../wire/field-value.ts";
import type { ExchangeDeclare, QueueDeclare } from "../../wire/generated/methods.ts";
import { erlangText, erlangTypeOf, sameValue } from "./erlang-terms.ts";
import type { Exchange } from "./exchange.ts";
import type { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";

/** Refuses a declaration that is not what the exchange is. */
export function checkSameExchange(exchange: Exchange, method: ExchangeDeclare, what: string): void {
  const { type, durable, autoDelete, internal, arguments: args } = exchange.settings;
  checkSame("type", method.type, type, what);
  checkSame("durable", method.durable, durable, what);
  checkSame("auto_delete", method.autoDelete, autoDelete, what);
  checkSame("internal", method.internal, internal, what);
  checkSameArguments(["alternate-exchange"], method.arguments, args, what);
}

/** Refuses a declaration that is not what the queue is; exclusiveness is the caller's business. */
export function checkSameQueue(queue: Queue, method: QueueDeclare, what: string): void {
  const { durable, autoDelete, arguments: args } = queue.settings;
  checkSame("durable", lasts(method), durable, what);
  checkSame("auto_delete", method.autoDelete, autoDelete, what);
  checkSameArguments(QUEUE_ARGUMENTS, method.arguments, args, what);
}

/** Whether a queue is to be durable; exclusive ones never are, whatever they were declared as. */
export function lasts({ durable, exclusive }: QueueDeclare): boolean {
  return durable && !exclusive;
}

function checkSame(
  field: string,
  received: string | boolean,
  current: string | boolean,
  what: string,
): void {
  if (received === current) return;
  throw inequivalent(field, what, `'${received}'`, `'${current}'`);
}

function checkSameArguments(
  names: readonly string[],
  received: FieldTable,
  current: FieldTable,
  what: string,
): void {
  for (const name of names) {
    const { [name]: theirs } = received;
    const { [name]: ours } = current;
    const { [name]: meant = theirs } = theirs === undefined ? USUAL : {};
    const { [name]: is = ours } = ours === undefined ? USUAL : {};
    if (sameValue(meant, is)) continue;
    if (theirs === undefined || ours === undefined) {
      throw inequivalent(name, what, withType(theirs), withType(ours));
    }
    throw inequivalent(name, what, `'${erlangText(theirs)}'`, `'${erlangText(ours)}'`);
  }
}

function inequivalent(name: string, what: string, received: string, current: string): Error {
  return refusal(
    "preconditionFailed",
    `inequivalent arg '${name}' for ${what}: received ${received} but current is ${current}`,
  );
}

function withType(value: FieldValue | undefined): string {
  if (value === undefined) return "none";
  return `the value '${erlangText(value)}' of type '${erlangTypeOf(value)}'`;
}

/** What an argument is if it is not there. */
const USUAL: FieldTable = { "x-queue-type": "classic" };

/** The arguments that RabbitMQ compares; others may differ. */
const QUEUE_ARGUMENTS = [
  "x-expires",
  "x-message-ttl",
  "x-dead-letter-exchange",
  "x-dead-letter-routing-key",
  "x-dead-letter-strategy",
  "x-max-length",
  "x-max-length-bytes",
  "x-max-in-memory-length",
  "x-max-in-memory-bytes",
  "x-max-priority",
  "x-overflow",
  "x-queue-mode",
  "x-queue-type",
  "x-single-active-consumer",
  "x-quorum-initial-group-size",
];
