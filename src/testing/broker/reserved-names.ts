/**
 * Names that are the broker's own: what begins with `amq.` (specification sections 3.1.3.2 and
 * 1.7.2.1), and the default exchange, which has no name and routes by the names of queues.
 */
import { randomBytes } from "node:crypto";
import type { ExchangeType } from "./exchange.ts";
import { refusal } from "./refusal.ts";

/** The exchanges that every virtual host has. */
export const PREDECLARED: readonly (readonly [name: string, type: ExchangeType])[] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
];

/** Refuses the default exchange, which cannot be declared, bound or deleted. */
export function checkNotDefault(exchange: string): void {
  if (exchange !== "") return;
  throw refusal("accessRefused", "operation not permitted on the default exchange");
}

/** Refuses names that only the broker may give. */
export function checkNotReserved(kind: "exchange" | "queue", name: string): void {
  if (!isReserved(name)) return;
  throw refusal("accessRefused", `${kind} name '${name}' contains reserved prefix 'amq.*'`);
}

/** Whether only the broker may give this name. */
export function isReserved(name: string): boolean {
  return name.startsWith("amq.");
}

/** Whether it is one of {@link generatedName}'s. */
export function isGenerated(name: string): boolean {
  return name.startsWith(GENERATED);
}

/** `amq.gen-` and 22 characters of base64 that are safe in URLs, as RabbitMQ has it. */
export function generatedName(): string {
  return `${GENERATED}${randomBytes(16).toString("base64url")}`;
}

const GENERATED = "amq.gen-";
