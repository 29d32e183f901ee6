/**
 * Exchanges (specification section 3.1.3): a table of bindings, and per type a rule by which they
 * are matched with a message.
 *
 * | type | a binding matches if |
 * |---|---|
 * | direct | its routing key is the message's |
 * | fanout | always |
 * | topic | its pattern matches the message's routing key (topic.ts) |
 * | headers | its arguments match the message's headers (headers-match.ts) |
 *
 * Bindings lead to queues or to further exchanges (RabbitMQ's page on exchange to exchange
 * bindings).
 */
import { inspect } from "node:util";
import type { FieldTable } from "../../wire/field-value.ts";
import { erlangTypeOf } from "./erlang-terms.ts";
import { checkHeadersBinding, headersMatch } from "./headers-match.ts";
import type { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";
import { topicMatches, topicWords } from "./topic.ts";

/** The types there are. */
export type ExchangeType = "direct" | "fanout" | "topic" | "headers";

/** What an exchange is declared with. */
export interface ExchangeSettings {
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/** What messages flow into. */
export type Destination = Queue | Exchange;

/** What leads from an exchange to a destination; all three together are its identity. */
export interface Binding {
  readonly destination: Destination;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** What routing looks at. */
export interface Routable {
  /** The routing key, and those from the headers CC and BCC. */
  readonly routingKeys: readonly string[];
  readonly headers: FieldTable;
}

/** One exchange. */
export class Exchange {
  readonly kind = "exchange";
  readonly name: string;
  readonly settings: ExchangeSettings;
  readonly #bindings = new Map<string, Binding>();
  readonly #matcher: Matcher;

  constructor(name: string, settings: ExchangeSettings) {
    this.name = name;
    this.settings = settings;
    this.#matcher = MATCHERS[settings.type]();
  }

  /** What leads away from it, the oldest first. */
  get bindings(): readonly Binding[] {
    return [...this.#bindings.values()];
  }

  /** Whether any binding leads away from it. */
  get inUse(): boolean {
    return this.#bindings.size > 0;
  }

  /** Where the messages go that no binding matches. */
  get alternate(): string | undefined {
    const name = this.settings.arguments["alternate-exchange"];
    return typeof name === "string" ? name : undefined;
  }

  /** Whether there is this binding. */
  has(binding: Binding): boolean {
    return this.#bindings.has(identityOf(binding));
  }

  /** Adds a binding; the same twice is one. */
  bind(binding: Binding): void {
    if (this.settings.type === "headers") checkHeadersBinding(binding.arguments);
    const identity = identityOf(binding);
    if (this.#bindings.has(identity)) return;
    this.#bindings.set(identity, binding);
    this.#matcher.add(binding);
  }

  /** Removes a binding; false if there was none. */
  unbind(binding: Binding): boolean {
    const identity = identityOf(binding);
    const known = this.#bindings.get(identity);
    if (known === undefined) return false;
    this.#bindings.delete(identity);
    this.#matcher.remove(known);
    return true;
  }

  /** Removes all bindings to a destination that goes away; false if there was none. */
  unbindAll(destination: Destination): boolean {
    let found = false;
    for (const binding of [...this.#bindings.values()]) {
      if (binding.destination === destination) found = this.unbind(binding) || found;
    }
    return found;
  }

  /** Where a message goes from here, each destination once. */
  route(message: Routable): Set<Destination> {
    const destinations = new Set<Destination>();
    this.#matcher.match(message, destinations);
    return destinations;
  }
}

/** Refuses types that there are not. */
export function checkExchangeType(type: string): asserts type is ExchangeType {
  if (Object.hasOwn(MATCHERS, type)) return;
  // RabbitMQ's words depend on whether it knows the word at all; it knows the empty one.
  const why = type === "" ? "invalid" : "unknown";
  throw refusal("commandInvalid", `${why} exchange type '${type}'`);
}

/** Refuses arguments as RabbitMQ does; `what` is the exchange as its reply texts name it. */
export function checkExchangeArguments(args: FieldTable, what: string): void {
  const alternate = args["alternate-exchange"];
  if (alternate === undefined || typeof alternate === "string") return;
  const type = erlangTypeOf(alternate);
  throw refusal(
    "preconditionFailed",
    `invalid type '${type}' for arg 'alternate-exchange' in ${what}`,
  );
}

/** The rule of one type, and the bindings in the form that suits it. */
interface Matcher {
  add(binding: Binding): void;
  remove(binding: Binding): void;
  match(message: Routable, destinations: Set<Destination>): void;
}

class DirectMatcher implements Matcher {
  readonly #byKey = new Map<string, Set<Binding>>();

  add(binding: Binding): void {
    const { routingKey } = binding;
    const bindings = this.#byKey.get(routingKey) ?? new Set();
    this.#byKey.set(routingKey, bindings.add(binding));
  }

  remove(binding: Binding): void {
    const bindings = this.#byKey.get(binding.routingKey);
    bindings?.delete(binding);
    if (bindings?.size === 0) this.#byKey.delete(binding.routingKey);
  }

  match({ routingKeys }: Routable, destinations: Set<Destination>): void {
    for (const key of routingKeys) {
      for (const { destination } of this.#byKey.get(key) ?? []) destinations.add(destination);
    }
  }
}

class FanoutMatcher implements Matcher {
  readonly #bindings = new Set<Binding>();

  add(binding: Binding): void {
    this.#bindings.add(binding);
  }

  remove(binding: Binding): void {
    this.#bindings.delete(binding);
  }

  match(_message: Routable, destinations: Set<Destination>): void {
    for (const { destination } of this.#bindings) destinations.add(destination);
  }
}

class TopicMatcher implements Matcher {
  readonly #patterns = new Map<Binding, readonly string[]>();

  add(binding: Binding): void {
    this.#patterns.set(binding, topicWords(binding.routingKey));
  }

  remove(binding: Binding): void {
    this.#patterns.delete(binding);
  }

  match({ routingKeys }: Routable, destinations: Set<Destination>): void {
    for (const key of routingKeys) {
      const words = topicWords(key);
      for (const [{ destination }, pattern] of this.#patterns) {
        if (topicMatches(pattern, words)) destinations.add(destination);
      }
    }
  }
}

class HeadersMatcher implements Matcher {
  readonly #bindings = new Set<Binding>();

  add(binding: Binding): void {
    this.#bindings.add(binding);
  }

  remove(binding: Binding): void {
    this.#bindings.delete(binding);
  }

  match({ headers }: Routable, destinations: Set<Destination>): void {
    for (const { destination, arguments: args } of this.#bindings) {
      if (headersMatch(args, headers)) destinations.add(destination);
    }
  }
}

const MATCHERS: { readonly [T in ExchangeType]: () => Matcher } = {
  direct: () => new DirectMatcher(),
  fanout: () => new FanoutMatcher(),
  topic: () => new TopicMatcher(),
  headers: () => new HeadersMatcher(),
};

/** Two bindings are the same if this is. Zero octets keep the parts apart. */
function identityOf({ destination, routingKey, arguments: args }: Binding): string {
  const { kind, name } = destination;
  return [kind, name, routingKey, inspect(args, WHOLE)].join("\0");
}

/** Everything, in an order that does not depend on the sender. */
const WHOLE = {
  depth: Number.POSITIVE_INFINITY,
  maxArrayLength: Number.POSITIVE_INFINITY,
  maxStringLength: Number.POSITIVE_INFINITY,
  breakLength: Number.POSITIVE_INFINITY,
  sorted: true,
} as const;
