/**
 * A virtual host: a name space of exchanges and queues, and the bindings between them
 * (specification sections 3.1.2 to 3.1.5). What clients ask for and may not have is refused here,
 * in the order and with the words of RabbitMQ; who gets which reply is the channel's business.
 */
import type {
  BasicConsume,
  ExchangeBind,
  ExchangeDeclare,
  ExchangeDelete,
  ExchangeUnbind,
  QueueDeclare,
  QueueDelete,
} from "../../wire/generated/methods.ts";
import { deadLetter, goesRound } from "./dead-letter.ts";
import { checkSameExchange, checkSameQueue, lasts } from "./equivalence.ts";
import {
  type Binding,
  checkExchangeArguments,
  checkExchangeType,
  type Destination,
  Exchange,
  type Routable,
} from "./exchange.ts";
import type { StoredMessage } from "./message.ts";
import { type DeathReason, Queue, type QueueHost } from "./queue.ts";
import { checkConsumerArguments, checkQueueArguments } from "./queue-arguments.ts";
import { refusal } from "./refusal.ts";
import {
  checkNotDefault,
  checkNotReserved,
  generatedName,
  isGenerated,
  isReserved,
  PREDECLARED,
} from "./reserved-names.ts";

/** What queue.bind and queue.unbind say, the queue's name filled in. */
export interface QueueBinding {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: Binding["arguments"];
}

/** Is told of what happens in a virtual host. It must not throw. */
export interface VirtualHostObserver {
  /** Something is different, and no client is the cause. */
  changed(): void;
  /** A queue or an exchange has come. */
  declared(kind: Destination["kind"], name: string, vhost: string): void;
  /** A queue or an exchange has gone. */
  deleted(kind: Destination["kind"], name: string, vhost: string): void;
}

/** One virtual host. */
export class VirtualHost implements QueueHost {
  readonly name: string;
  readonly #exchanges = new Map<string, Exchange>();
  readonly #queues = new Map<string, Queue>();
  readonly #observer: VirtualHostObserver | undefined;
  #crashed = false;

  constructor(name: string, observer?: VirtualHostObserver) {
    this.name = name;
    this.#observer = observer;
    for (const [exchange, type] of PREDECLARED) {
      this.#exchanges.set(exchange, new Exchange(exchange, { ...SYSTEM_SETTINGS, type }));
    }
  }

  /** All there are. */
  get exchanges(): readonly Exchange[] {
    return [...this.#exchanges.values()];
  }

  /** All there are. */
  get queues(): readonly Queue[] {
    return [...this.#queues.values()];
  }

  /** The exchange of this name; undefined if there is none. */
  findExchange(name: string): Exchange | undefined {
    return this.#exchanges.get(name);
  }

  /** The exchange of this name; 404 if there is none. The empty name is the default exchange. */
  exchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw refusal("notFound", `no ${this.#exchangeText(name)}`);
    return exchange;
  }

  /** exchange.declare */
  declareExchange(method: ExchangeDeclare): void {
    const { exchange: name, type, passive, durable, autoDelete, internal } = method;
    if (passive) {
      checkNotDefault(name);
      this.exchange(name);
      return;
    }
    checkExchangeType(type);
    checkNotDefault(name);
    const known = this.#exchanges.get(name);
    if (known !== undefined) {
      checkSameExchange(known, method, this.#exchangeText(name));
      return;
    }
    checkNotReserved("exchange", name);
    checkExchangeArguments(method.arguments, this.#exchangeText(name));
    const settings = { type, durable, autoDelete, internal, arguments: method.arguments };
    this.#exchanges.set(name, new Exchange(name, settings));
    this.#observer?.declared("exchange", name, this.name);
  }

  /** exchange.delete; in RabbitMQ it is no error if there is none. */
  deleteExchange({ exchange: name, ifUnused }: ExchangeDelete): void {
    checkNotDefault(name);
    if (isReserved(name)) {
      const what = `deletion of system ${this.#exchangeText(name)}`;
      throw refusal("accessRefused", `${what} not allowed`);
    }
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) return;
    if (ifUnused && exchange.inUse) {
      throw refusal("preconditionFailed", `${this.#exchangeText(name)} in use`);
    }
    this.#removeExchange(exchange);
  }

  /** exchange.bind */
  bindExchange(method: ExchangeBind): void {
    const { source, destination, routingKey, arguments: args } = method;
    checkNotDefault(source);
    checkNotDefault(destination);
    const from = this.exchange(source);
    from.bind({ destination: this.exchange(destination), routingKey, arguments: args });
  }

  /** exchange.unbind; it is no error if there is no such binding. */
  unbindExchange(method: ExchangeUnbind): void {
    const { source, destination, routingKey, arguments: args } = method;
    checkNotDefault(source);
    checkNotDefault(destination);
    this.#unbind(source, this.#exchanges.get(destination), routingKey, args);
  }

  /** The queue of this name, whoever asks; undefined if there is none. */
  findQueue(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /** The queue of this name, as `user` may use it: 404 if there is none, 405 if it is another's. */
  queue(name: string, user: object): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw refusal("notFound", `no ${this.#queueText(name)}`);
    const { owner } = queue.settings;
    if (owner !== undefined && owner !== user) throw this.#locked(name);
    return queue;
  }

  /** queue.declare; without a name the queue gets one. */
  declareQueue(method: QueueDeclare, user: object): Queue {
    const known = this.#queues.get(method.queue);
    const owner = method.exclusive ? user : undefined;
    known?.used();
    if (method.passive) return this.queue(method.queue, user);
    // Not even the owner may: RabbitMQ looks at the name before it looks for the queue.
    if (isGenerated(method.queue)) checkNotReserved("queue", method.queue);
    if (known !== undefined) {
      if (known.settings.owner !== owner) throw this.#locked(known.name);
      checkSameQueue(known, method, this.#queueText(known.name));
      return known;
    }
    checkNotReserved("queue", method.queue);
    const name = method.queue === "" ? generatedName() : method.queue;
    const { autoDelete, arguments: args } = method;
    const durable = lasts(method);
    checkQueueArguments(args, this.#queueText(name));
    const queue = new Queue(name, { durable, autoDelete, owner, arguments: args }, this);
    this.#queues.set(name, queue);
    this.#observer?.declared("queue", name, this.name);
    return queue;
  }

  /** The queue that queue.delete may delete; undefined if there is none, which is no error. */
  queueToDelete({ queue: name, ifEmpty, ifUnused }: QueueDelete, user: object): Queue | undefined {
    if (!this.#queues.has(name)) return undefined;
    const queue = this.queue(name, user);
    const fault =
      ifEmpty && queue.messageCount > 0
        ? "not empty"
        : ifUnused && queue.consumerCount > 0
          ? "in use"
          : undefined;
    if (fault === undefined) return queue;
    throw refusal("preconditionFailed", `${this.#queueText(name)} ${fault}`);
  }

  /** Removes a queue with its bindings, its messages and its consumers. */
  removeQueue(queue: Queue): void {
    if (this.#queues.get(queue.name) !== queue) return;
    this.#queues.delete(queue.name);
    this.#removeBindingsTo(queue);
    queue.delete();
    this.#observer?.deleted("queue", queue.name, this.name);
  }

  /** An auto-delete queue goes with its last consumer. */
  removeIfAbandoned(queue: Queue): void {
    if (this.#crashed || !queue.settings.autoDelete || queue.consumerCount > 0) return;
    this.removeQueue(queue);
  }

  /** The queue that somebody may consume from. */
  queueToConsume(name: string, method: BasicConsume, user: object): Queue {
    const queue = this.queue(name, user);
    checkConsumerArguments(method.arguments, this.#queueText(name));
    const forOthers = queue.consumerCount > 0 || queue.singleActiveConsumer;
    if (queue.consumedExclusively || (method.exclusive && forOthers)) {
      throw refusal("accessRefused", `${this.#queueText(name)} in exclusive use`);
    }
    return queue;
  }

  /** queue.bind */
  bindQueue({ queue, exchange, routingKey, arguments: args }: QueueBinding, user: object): void {
    checkNotDefault(exchange);
    const from = this.exchange(exchange);
    from.bind({ destination: this.queue(queue, user), routingKey, arguments: args });
  }

  /**
   * queue.unbind; it is no error if there is no such binding, nor even such a queue. Whose queue it
   * is only counts if there is.
   */
  unbindQueue({ queue, exchange, routingKey, arguments: args }: QueueBinding, user: object): void {
    checkNotDefault(exchange);
    const destination = this.#queues.get(queue);
    if (destination === undefined) return;
    const binding = { destination, routingKey, arguments: args };
    if (!this.#exchanges.get(exchange)?.has(binding)) return;
    this.#unbind(exchange, this.queue(queue, user), routingKey, args);
  }

  /** A connection ended: its exclusive queues end with it. */
  deleteQueuesOf(owner: object): void {
    for (const queue of [...this.#queues.values()]) {
      if (queue.settings.owner === owner) this.removeQueue(queue);
    }
  }

  /** The broker stops: nothing is to happen any more. */
  clear(): void {
    for (const queue of this.#queues.values()) queue.delete();
    this.#queues.clear();
    this.#exchanges.clear();
  }

  /** The broker is killed: what clients leave behind is not tidied up from here on. */
  crash(): void {
    this.#crashed = true;
  }

  /**
   * The broker is back: what is not durable is gone, unless everything is to be kept. Unlike a
   * deletion this is nobody's doing, so an auto-delete exchange stays when its last binding goes.
   */
  recover(keep: "durable" | "everything"): void {
    for (const queue of this.queues) {
      if (keep === "everything" || queue.settings.durable) {
        queue.recover(keep, this.#crashed);
        continue;
      }
      this.#queues.delete(queue.name);
      for (const exchange of this.exchanges) exchange.unbindAll(queue);
      queue.delete();
    }
    for (const exchange of this.exchanges) {
      if (keep === "everything" || exchange.settings.durable) continue;
      this.#exchanges.delete(exchange.name);
      for (const each of this.exchanges) each.unbindAll(exchange);
    }
    this.#crashed = false;
  }

  expired(queue: Queue): void {
    this.removeQueue(queue);
    this.changed();
  }

  changed(): void {
    this.#observer?.changed();
  }

  bury(queue: Queue, message: StoredMessage, reason: DeathReason): void {
    const dead = deadLetter(queue, message, reason);
    const exchange = this.#exchanges.get(dead.exchange);
    if (exchange === undefined) return;
    const { routingKey, routingKeys = [routingKey], properties } = dead;
    const routable = { routingKeys, headers: properties.headers ?? {} };
    for (const each of this.route(exchange, routable)) {
      if (reason === "rejected" || !goesRound(each, dead)) each.add(dead);
    }
  }

  /** The queues that a message published to an exchange goes to, each once. */
  route(exchange: Exchange, message: Routable): readonly Queue[] {
    if (exchange.name === "") return this.#namedQueues(message.routingKeys);
    const queues = new Set<Queue>();
    const exchanges = new Set<Exchange>([exchange]);
    // This loop also visits the exchanges that it adds, and none of them twice.
    for (const each of exchanges) {
      const destinations = each.route(message);
      for (const destination of destinations) {
        if (destination.kind === "queue") queues.add(destination);
        else exchanges.add(destination);
      }
      if (destinations.size > 0 || each.alternate === undefined) continue;
      const alternate = this.#exchanges.get(each.alternate);
      if (alternate !== undefined) exchanges.add(alternate);
    }
    return [...queues];
  }

  #namedQueues(names: readonly string[]): Queue[] {
    const queues: Queue[] = [];
    for (const name of names) {
      const queue = this.#queues.get(name);
      if (queue !== undefined && !queues.includes(queue)) queues.push(queue);
    }
    return queues;
  }

  #unbind(
    source: string,
    destination: Destination | undefined,
    routingKey: string,
    args: Binding["arguments"],
  ): void {
    const exchange = this.#exchanges.get(source);
    if (exchange === undefined || destination === undefined) return;
    const unbound = exchange.unbind({ destination, routingKey, arguments: args });
    if (unbound) this.#removeIfAutoDelete(exchange);
  }

  #removeExchange(exchange: Exchange): void {
    this.#exchanges.delete(exchange.name);
    this.#removeBindingsTo(exchange);
    this.#observer?.deleted("exchange", exchange.name, this.name);
  }

  #removeBindingsTo(destination: Destination): void {
    for (const exchange of [...this.#exchanges.values()]) {
      if (exchange.unbindAll(destination)) this.#removeIfAutoDelete(exchange);
    }
  }

  /** An auto-delete exchange goes when its last binding does, and not before it had one. */
  #removeIfAutoDelete(exchange: Exchange): void {
    if (exchange.settings.autoDelete && !exchange.inUse) this.#removeExchange(exchange);
  }

  #exchangeText(name: string): string {
    return `exchange '${name}' in vhost '${this.name}'`;
  }

  #queueText(name: string): string {
    return `queue '${name}' in vhost '${this.name}'`;
  }

  #locked(name: string): Error {
    return refusal(
      "resourceLocked",
      `cannot obtain exclusive access to locked ${this.#queueText(name)}. It could be originally ` +
        "declared on another connection or the exclusive property value does not match that of " +
        "the original declaration.",
    );
  }
}

const SYSTEM_SETTINGS = { durable: true, autoDelete: false, internal: false, arguments: {} };
