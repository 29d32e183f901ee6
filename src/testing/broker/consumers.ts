/**
 * Who consumes from a queue, and whose turn it is.
 *
 * Consumers of the highest priority come first (rabbitmq.com/docs/consumer-priority); among those of
 * one priority the turn goes round. One that cannot take a message, because of its prefetch, its
 * channel's, or because its client does not read, stands aside until it can, and then comes last.
 *
 * With a single active consumer (rabbitmq.com/docs/consumers, "Single Active Consumer") nobody else
 * has a turn as long as that one is there.
 */
import type { QueueEntry } from "./message-list.ts";
import type { Queue } from "./queue.ts";

/** The channel of a consumer. */
export interface Receiver {
  /** Whether the channel as a whole can take a message now. */
  readonly open: boolean;
  /** Gives a message to one of its consumers. */
  deliver(consumer: Consumer, entry: QueueEntry): void;
  /** The queue is gone, and with it the consumer. */
  cancelled(consumer: Consumer): void;
}

/** What a consumer is made of. */
export interface ConsumerSettings {
  readonly tag: string;
  readonly queue: Queue;
  readonly receiver: Receiver;
  /** Whether messages need no acknowledgement. */
  readonly noAck: boolean;
  /** Whether it is the only one of its queue. */
  readonly exclusive: boolean;
  /** x-priority; 0 is usual. */
  readonly priority: number;
  /** How many unacknowledged messages it may have; Infinity is no limit. */
  readonly prefetch: number;
}

/** One consumer. */
export class Consumer {
  readonly settings: ConsumerSettings;
  /** Since when it stands aside: the later, the higher; 0 if it does not. */
  aside = 0;
  #unacknowledged = 0;

  constructor(settings: ConsumerSettings) {
    this.settings = settings;
  }

  /** Whether it can take a message now. */
  get ready(): boolean {
    const { prefetch, receiver } = this.settings;
    return this.#unacknowledged < prefetch && receiver.open;
  }

  /** How many messages it was given that are not settled. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** Gives it a message. */
  deliver(entry: QueueEntry): void {
    const { noAck, receiver } = this.settings;
    if (!noAck) this.#unacknowledged++;
    receiver.deliver(this, entry);
  }

  /** So many of its messages were acknowledged, or given back. */
  settled(count: number): void {
    this.#unacknowledged -= count;
  }
}

let lastAside = 0;

/** The consumers of one queue. */
export class QueueConsumers {
  /** The highest priority first. */
  readonly #ranks: Rank[] = [];
  readonly #all = new Set<Consumer>();
  readonly #singleActive: boolean;
  #active: Consumer | undefined;

  constructor(singleActive: boolean) {
    this.#singleActive = singleActive;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether one of them is exclusive. */
  get exclusive(): boolean {
    for (const { settings } of this.#all) return settings.exclusive;
    return false;
  }

  /** All of them in the order of their tags, which is the order in which RabbitMQ cancels them. */
  sorted(): Consumer[] {
    return [...this.#all].sort((a, b) => (a.settings.tag < b.settings.tag ? -1 : 1));
  }

  /** One more. */
  add(consumer: Consumer): void {
    this.#all.add(consumer);
    this.#active ??= consumer;
    this.#rankOf(consumer).inTurn.add(consumer);
  }

  /** One less. */
  remove(consumer: Consumer): void {
    this.#all.delete(consumer);
    this.#rankOf(consumer).inTurn.delete(consumer);
    if (this.#active === consumer) this.#active = this.#first();
  }

  /** It may be able to take messages again. */
  comeBack(consumer: Consumer): void {
    if (consumer.aside === 0 || !consumer.ready || !this.#all.has(consumer)) return;
    consumer.aside = 0;
    this.#rankOf(consumer).inTurn.add(consumer);
  }

  /** Whose turn it is; undefined if nobody can take a message. */
  next(): Consumer | undefined {
    if (this.#singleActive) return this.#nextIfActive();
    for (const { inTurn } of this.#ranks) {
      for (const consumer of inTurn) {
        if (consumer.ready) {
          if (inTurn.size > 1) {
            inTurn.delete(consumer);
            inTurn.add(consumer);
          }
          return consumer;
        }
        inTurn.delete(consumer);
        consumer.aside = ++lastAside;
      }
    }
    return undefined;
  }

  /** Whether anybody can take a message, and nobody's turn is over for the question. */
  canTake(): boolean {
    if (this.#singleActive) return this.#active?.ready ?? false;
    for (const { inTurn } of this.#ranks) {
      for (const { ready } of inTurn) if (ready) return true;
    }
    return false;
  }

  #nextIfActive(): Consumer | undefined {
    const active = this.#active;
    if (active === undefined || active.ready) return active;
    this.#rankOf(active).inTurn.delete(active);
    active.aside = ++lastAside;
    return undefined;
  }

  /** Of the highest priority the one that came first. */
  #first(): Consumer | undefined {
    let first: Consumer | undefined;
    for (const each of this.#all) {
      if (first === undefined || each.settings.priority > first.settings.priority) first = each;
    }
    return first;
  }

  #rankOf({ settings: { priority } }: Consumer): Rank {
    let at = this.#ranks.findIndex((rank) => rank.priority <= priority);
    if (at < 0) at = this.#ranks.length;
    const rank = this.#ranks[at];
    if (rank?.priority === priority) return rank;
    const added = { priority, inTurn: new Set<Consumer>() };
    this.#ranks.splice(at, 0, added);
    return added;
  }
}

/** Consumers of one priority, the one whose turn it is first. */
interface Rank {
  readonly priority: number;
  readonly inTurn: Set<Consumer>;
}
