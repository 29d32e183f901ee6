/**
 * Consuming on one channel (specification sections 1.8.3.3 to 1.8.3.7): its consumers, its prefetch
 * (rabbitmq.com/docs/consumer-prefetch) and the messages that its client holds.
 *
 * basic.qos counts in two ways. With `global` false it says what each consumer gets that comes
 * after it; with `global` true it bounds all of the channel together, and that at once. As in
 * RabbitMQ the former takes the latter's bound off.
 */
import { randomBytes } from "node:crypto";
import type {
  BasicCancel,
  BasicConsume,
  BasicDeliver,
  BasicQos,
} from "../../wire/generated/methods.ts";
import { Consumer, type Receiver } from "./consumers.ts";
import type { StoredMessage } from "./message.ts";
import type { QueueEntry } from "./message-list.ts";
import { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";
import { type Fate, type Held, settle, Unacknowledged } from "./unacknowledged.ts";
import type { VirtualHost } from "./virtual-host.ts";

/** What consuming needs of its channel. */
export interface ConsumingHost {
  readonly vhost: VirtualHost;
  /** Whether the client takes messages. */
  readonly open: boolean;
  /** Sends a message. */
  deliver(method: BasicDeliver, message: StoredMessage): void;
  /** Whether a message of this queue is to be delivered twice, which is a fault. */
  deliversTwice(queue: string): boolean;
  /** Tells the client that a consumer is no more, if it wants to know. */
  notifyCancelled(method: BasicCancel): void;
}

/** The consuming side of a channel. */
export class Consuming implements Receiver {
  readonly #host: ConsumingHost;
  readonly #unacknowledged = new Unacknowledged();
  readonly #consumers = new Map<string, Consumer>();
  #prefetch = NO_LIMIT;
  /** Of the whole channel. */
  #limit = NO_LIMIT;
  /** How many messages count towards it. */
  #volume = 0;
  #released = false;

  constructor(host: ConsumingHost) {
    this.#host = host;
  }

  get open(): boolean {
    return !this.#released && this.#volume < this.#limit && this.#host.open;
  }

  /** How many messages each new consumer may hold; 0 is no limit. */
  get prefetch(): number {
    return this.#prefetch === NO_LIMIT ? 0 : this.#prefetch;
  }

  /** How many messages all consumers together may hold; 0 is no limit. */
  get globalPrefetch(): number {
    return this.#limit === NO_LIMIT ? 0 : this.#limit;
  }

  /** How many messages the client holds that are not settled. */
  get unacknowledgedCount(): number {
    return this.#unacknowledged.size;
  }

  /** Its consumers, the first one first. */
  get consumers(): readonly Consumer[] {
    return [...this.#consumers.values()];
  }

  /** basic.qos */
  qos({ prefetchSize, prefetchCount, global }: BasicQos): void {
    if (prefetchSize > 0) {
      throw refusal("notImplemented", `prefetch_size!=0 (${prefetchSize})`);
    }
    const count = prefetchCount === 0 ? NO_LIMIT : prefetchCount;
    if (!global) this.#prefetch = count;
    // Like RabbitMQ's this also counts what came by basic.get, as it is when the limit begins.
    if (this.#limit === NO_LIMIT) this.#volume = this.#unacknowledged.size;
    this.#limit = global ? count : NO_LIMIT;
  }

  /** The tag for basic.consume: the client's, or one that is made up. */
  tagFor({ consumerTag }: BasicConsume): string {
    if (this.#consumers.has(consumerTag)) {
      throw refusal("notAllowed", `attempt to reuse consumer tag '${consumerTag}'`);
    }
    return consumerTag === "" ? `amq.ctag-${randomBytes(16).toString("base64url")}` : consumerTag;
  }

  /** Begins to deliver. */
  consume(tag: string, queue: Queue, { noAck, exclusive, arguments: args }: BasicConsume): void {
    const priority = Number(args["x-priority"] ?? 0);
    const prefetch = noAck ? NO_LIMIT : this.#prefetch;
    const settings = { tag, queue, receiver: this, noAck, exclusive, priority, prefetch };
    const consumer = new Consumer(settings);
    this.#consumers.set(tag, consumer);
    queue.addConsumer(consumer);
  }

  /** basic.cancel; it is no error if there is no such consumer. */
  cancel(tag: string): void {
    const consumer = this.#consumers.get(tag);
    if (consumer === undefined) return;
    this.#consumers.delete(tag);
    this.#leave(consumer);
  }

  /** A message that was asked for: its tag. */
  hold(queue: Queue, entry: QueueEntry, noAck: boolean): number {
    return noAck
      ? this.#unacknowledged.nextTag()
      : this.#unacknowledged.hold(queue, entry, undefined);
  }

  /** Takes out one delivery tag, or all up to it; 406 if it is not there. */
  take(deliveryTag: number, multiple: boolean): Held[] {
    return this.#unacknowledged.take(deliveryTag, multiple);
  }

  /** Takes out all delivery tags. */
  takeAll(): Held[] {
    return this.#unacknowledged.takeAll();
  }

  /** Takes back what was taken out: a transaction was rolled back. */
  putBack(held: readonly Held[]): void {
    this.#unacknowledged.putBack(held);
  }

  /** Settles what was taken out. */
  settle(held: readonly Held[], fate: Fate): void {
    const wasFull = this.#volume >= this.#limit;
    settle(held, fate);
    if (this.#limit === NO_LIMIT) return;
    // RabbitMQ counts these off when the queues have heard of them.
    const delivered = held.filter(({ consumer }) => consumer !== undefined).length;
    this.#volume = Math.max(0, this.#volume - delivered);
    if (wasFull) this.resume();
  }

  /** Goes on to deliver after the channel could take nothing; who stood aside first comes first. */
  resume(): void {
    const byQueue = new Map<Queue, Consumer[]>();
    const aside = [...this.#consumers.values()].filter((consumer) => consumer.aside > 0);
    for (const consumer of aside.sort((a, b) => a.aside - b.aside)) {
      const { queue } = consumer.settings;
      byQueue.set(queue, [...(byQueue.get(queue) ?? []), consumer]);
    }
    for (const [queue, consumers] of byQueue) queue.resume(consumers);
  }

  /** The channel is over: its consumers go, what is not acknowledged goes back to its queues. */
  release(alsoHeld: readonly Held[]): void {
    this.#released = true;
    const consumers = [...this.#consumers.values()];
    this.#consumers.clear();
    for (const consumer of consumers) this.#leave(consumer);
    settle([...this.#unacknowledged.takeAll(), ...alsoHeld], "requeued");
    for (const { settings } of consumers) settings.queue.resume([]);
  }

  deliver(consumer: Consumer, entry: QueueEntry): void {
    const { tag: consumerTag, noAck, queue } = consumer.settings;
    const deliveryTag = noAck
      ? this.#unacknowledged.nextTag()
      : this.#unacknowledged.hold(queue, entry, consumer);
    if (this.#limit !== NO_LIMIT && !noAck) this.#volume++;
    const { message, redelivered } = entry;
    const { exchange, routingKey } = message;
    const method = { name: "basic.deliver", consumerTag, exchange, routingKey } as const;
    this.#host.deliver({ ...method, deliveryTag, redelivered }, message);
    if (!this.#host.deliversTwice(queue.name)) return;
    const again = noAck
      ? this.#unacknowledged.nextTag()
      : this.#unacknowledged.hold(NOWHERE, entry, undefined);
    this.#host.deliver({ ...method, deliveryTag: again, redelivered: true }, message);
  }

  /** The broker cancels consumers; what they hold stays with them. Returns how many. */
  cancelFromHere(picks: (queue: string, consumerTag: string) => boolean): number {
    const picked = [...this.#consumers.values()].filter(({ settings: { queue, tag } }) =>
      picks(queue.name, tag),
    );
    for (const consumer of picked) {
      this.#consumers.delete(consumer.settings.tag);
      this.#leave(consumer);
      const { tag: consumerTag } = consumer.settings;
      this.#host.notifyCancelled({ name: "basic.cancel", consumerTag, nowait: true });
    }
    return picked.length;
  }

  /**
   * What the client holds comes again, as if it had lost its connection; what it says of the tags
   * that it had counts for nothing. Returns how many messages that are.
   */
  redeliver(picks: (queue: string) => boolean): number {
    const held = this.#unacknowledged.takeAll();
    const isPicked = ({ queue }: Held): boolean => queue !== NOWHERE && picks(queue.name);
    const again = held.filter(isPicked);
    const tags = again.map(({ tag, entry }) => ({
      ...{ tag, entry, queue: NOWHERE, consumer: undefined },
    }));
    this.putBack([...held.filter((each) => !isPicked(each)), ...tags]);
    this.settle(again, "requeued");
    return again.length;
  }

  cancelled({ settings: { tag } }: Consumer): void {
    this.#consumers.delete(tag);
    this.#host.notifyCancelled({ name: "basic.cancel", consumerTag: tag, nowait: true });
  }

  #leave(consumer: Consumer): void {
    const { queue } = consumer.settings;
    queue.removeConsumer(consumer);
    this.#host.vhost.removeIfAbandoned(queue);
  }
}

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Where delivery tags lead that stand for nothing: what is given back to it, it drops. */
const NOWHERE = new Queue("", {
  ...{ durable: false, autoDelete: false, owner: undefined, arguments: {} },
});
NOWHERE.delete();
