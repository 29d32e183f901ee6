/** Exchanges and bindings, looked at and worked on from outside of the protocol. */
import type { FieldTable } from "../../../wire/field-value.ts";
import type { Binding, Exchange, ExchangeType } from "../exchange.ts";
import type { VirtualHost } from "../virtual-host.ts";
import type { Waiting } from "../waiting.ts";
import { asSent, done } from "./actions.ts";

/** What an exchange can be declared with, beside its type. */
export interface BrokerExchangeOptions {
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Is deleted when its last binding is gone. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Takes messages from other exchanges only. Default false. */
  readonly internal?: boolean | undefined;
  /** Such as `alternate-exchange`. Default none. */
  readonly arguments?: FieldTable | undefined;
}

/** A binding: what matches it goes from the exchange to the destination. */
export interface BrokerBinding {
  /** The exchange that messages come from. */
  readonly source: string;
  /** The queue or exchange that they go to. */
  readonly destination: string;
  readonly destinationType: "queue" | "exchange";
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/**
 * An exchange by its name, whether it exists or not: what is said is what is true at the moment, and
 * undefined if there is no such exchange. The default exchange has the empty name.
 */
export interface BrokerExchange {
  readonly name: string;
  readonly vhost: string;
  readonly exists: boolean;
  readonly type: ExchangeType | undefined;
  readonly durable: boolean | undefined;
  readonly autoDelete: boolean | undefined;
  readonly internal: boolean | undefined;
  readonly arguments: FieldTable | undefined;
  /**
   * The bindings that lead away from it, the oldest first. A new array each time. Those of the
   * default exchange, which has one to every queue, are not listed.
   */
  readonly bindings: readonly BrokerBinding[];
  /**
   * Declares it, as a client would. Raises a `UsageError` with RabbitMQ's words if it exists with
   * other options, or if that cannot be.
   */
  declare(type: ExchangeType, options?: BrokerExchangeOptions): BrokerExchange;
  /** Binds it to another exchange, from which messages come then. `UsageError` if it cannot be. */
  bind(source: string, routingKey?: string, args?: FieldTable): BrokerExchange;
  /** Deletes it with its bindings; it is no error if there is none. */
  delete(): void;
}

/** The view of an exchange. */
export class ExchangeView implements BrokerExchange {
  readonly name: string;
  readonly #vhost: VirtualHost;
  readonly #waiting: Waiting;

  constructor(name: string, vhost: VirtualHost, waiting: Waiting) {
    this.name = name;
    this.#vhost = vhost;
    this.#waiting = waiting;
  }

  get vhost(): string {
    return this.#vhost.name;
  }

  get exists(): boolean {
    return this.#exchange !== undefined;
  }

  get type(): ExchangeType | undefined {
    return this.#exchange?.settings.type;
  }

  get durable(): boolean | undefined {
    return this.#exchange?.settings.durable;
  }

  get autoDelete(): boolean | undefined {
    return this.#exchange?.settings.autoDelete;
  }

  get internal(): boolean | undefined {
    return this.#exchange?.settings.internal;
  }

  get arguments(): FieldTable | undefined {
    return this.#exchange?.settings.arguments;
  }

  get bindings(): readonly BrokerBinding[] {
    return this.#exchange?.bindings.map((binding) => bindingView(this.name, binding)) ?? [];
  }

  declare(type: ExchangeType, options: BrokerExchangeOptions = {}): BrokerExchange {
    const { durable = false, autoDelete = false, internal = false } = options;
    const method = asSent({
      ...{ name: "exchange.declare", exchange: this.name, type, durable, autoDelete, internal },
      ...{ arguments: options.arguments ?? {}, passive: false, nowait: true },
    });
    return this.#do(() => this.#vhost.declareExchange(method));
  }

  bind(source: string, routingKey = "", args: FieldTable = {}): BrokerExchange {
    const method = asSent({
      ...{ name: "exchange.bind", source, destination: this.name, routingKey, arguments: args },
      nowait: true,
    });
    return this.#do(() => this.#vhost.bindExchange(method));
  }

  delete(): void {
    const method = { name: "exchange.delete", exchange: this.name, ifUnused: false, nowait: true };
    this.#do(() => this.#vhost.deleteExchange({ ...method, name: "exchange.delete" }));
  }

  get #exchange(): Exchange | undefined {
    return this.#vhost.findExchange(this.name);
  }

  #do(work: () => void): BrokerExchange {
    done(work);
    this.#waiting.changed();
    return this;
  }
}

function bindingView(
  source: string,
  { destination, routingKey, arguments: args }: Binding,
): BrokerBinding {
  const { name, kind } = destination;
  return { source, destination: name, destinationType: kind, routingKey, arguments: args };
}
