/** What a fault applies to: which connections, which messages. */
import type { BasicPublish } from "../../../wire/generated/methods.ts";
import type { BasicProperties } from "../../../wire/generated/properties.ts";
import type { FaultTimes } from "./fault.ts";

/** What is known of a connection. */
export interface FaultyConnectionFacts {
  /** Connections are counted from 1, in the order in which the broker accepted them. */
  readonly id: number;
  /** As RabbitMQ names it: `127.0.0.1:50000 -> 127.0.0.1:5672`. */
  readonly name: string;
  /** The client property `connection_name`; undefined if there is none, and before the login. */
  readonly connectionName: string | undefined;
  /** Who is logged in; undefined before connection.open. */
  readonly user: string | undefined;
  /** The virtual host; undefined before connection.open. */
  readonly vhost: string | undefined;
}

/**
 * Which connections: those of a `connection_name`, one of `broker.connections`, or those that a
 * function picks.
 */
export type ConnectionSelector =
  | string
  | Pick<FaultyConnectionFacts, "name">
  | ((connection: FaultyConnectionFacts) => boolean);

/** What every fault can be limited to. */
export interface FaultScope {
  /** All connections if absent: those that are there and those that will come. */
  readonly connection?: ConnectionSelector | undefined;
}

/** A message as a fault looks at it. */
export interface PublishedMessage {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
}

/** Which publishes a fault strikes: those for which all that is given here is true. */
export interface PublishFaultOptions extends FaultScope, FaultTimes {
  /** How many: 1 if absent, Infinity for all. */
  readonly count?: number | undefined;
  /** The exchange; `""` is the default one. */
  readonly exchange?: string | undefined;
  /** The routing key, or a pattern for it. */
  readonly routingKey?: string | RegExp | undefined;
  /** Whatever else: looks at the message. */
  readonly predicate?: ((message: PublishedMessage) => boolean) | undefined;
}

/** Whether a connection is one of those. */
export function selects(
  selector: ConnectionSelector | undefined,
  facts: FaultyConnectionFacts,
): boolean {
  if (selector === undefined) return true;
  if (typeof selector === "function") return selector(facts);
  if (typeof selector === "string") return selector === facts.connectionName;
  return selector.name === facts.name;
}

/** Whether a basic.publish goes to that exchange with that routing key. */
export function selectsPublish(
  { exchange, routingKey }: Pick<PublishFaultOptions, "exchange" | "routingKey">,
  method: BasicPublish,
): boolean {
  if (exchange !== undefined && exchange !== method.exchange) return false;
  if (routingKey === undefined || routingKey === method.routingKey) return true;
  return routingKey instanceof RegExp && method.routingKey.search(routingKey) >= 0;
}
