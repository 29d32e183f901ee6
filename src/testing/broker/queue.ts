/**
 * A queue in memory: messages (message-list.ts), those who consume them (consumers.ts) and the rules
 * that its arguments set (queue-arguments.ts). A queue that nobody consumes from and that has no
 * arguments is no more than its list.
 *
 * Messages go to consumers at once, as many as they can take. What does not fit, or is too old, goes
 * from the front, and from there to the dead-letter exchange if there is one.
 */
import type { FieldTable } from "../../wire/field-value.ts";
import { Alarm } from "./alarm.ts";
import { type Consumer, QueueConsumers } from "./consumers.ts";
import type { StoredMessage } from "./message.ts";
import {
  MessageList,
  type MessageStore,
  PriorityMessageList,
  type QueueEntry,
} from "./message-list.ts";
import { type QueueRules, queueRules } from "./queue-arguments.ts";

/** What a queue is declared with. */
export interface QueueSettings {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that alone may use it; undefined if it is not exclusive. */
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
}

/** Why a message is taken out of its queue otherwise than by an acknowledgement. */
export type DeathReason = "rejected" | "expired" | "maxlen";

/** What a queue asks of its virtual host. */
export interface QueueHost {
  /** A message of a queue with a dead-letter exchange died. */
  bury(queue: Queue, message: StoredMessage, reason: DeathReason): void;
  /** Nobody has used the queue for as long as x-expires says. */
  expired(queue: Queue): void;
  /** Time has taken messages away. */
  changed(): void;
}

/** One queue. */
export class Queue {
  readonly kind = "queue";
  readonly name: string;
  readonly settings: QueueSettings;
  /** What its arguments ask for; undefined if they ask for nothing. */
  readonly rules: QueueRules | undefined;
  readonly #host: QueueHost | undefined;
  readonly #messages: MessageStore;
  #nextPosition = 0;
  #deleted = false;
  /** Octets of bodies that are ready; only counted where x-max-length-bytes asks. */
  #bytes = 0;
  #consumers: QueueConsumers | undefined;
  #delivering = false;
  #unacknowledged = 0;
  /** Whether it has ever had a message that can expire. */
  #mortal = false;
  /** For the message at the front. */
  #messageAlarm: Alarm | undefined;
  #idleAlarm: Alarm | undefined;

  constructor(name: string, settings: QueueSettings, host?: QueueHost) {
    this.name = name;
    this.settings = settings;
    this.rules = queueRules(settings.arguments);
    this.#host = host;
    const highest = this.rules?.maxPriority ?? 0;
    this.#messages = highest > 0 ? new PriorityMessageList(highest) : new MessageList();
    this.used();
  }

  /** Whether it is gone. */
  get deleted(): boolean {
    return this.#deleted;
  }

  /** Messages ready for delivery; those that a client holds unacknowledged do not count. */
  get messageCount(): number {
    return this.#messages.length;
  }

  /** Messages that clients hold and have not settled; in a transaction, not committed. */
  get unacknowledgedCount(): number {
    return this.#unacknowledged;
  }

  get consumerCount(): number {
    return this.#consumers?.size ?? 0;
  }

  /** Its consumers in the order of their tags. */
  get consumers(): readonly Consumer[] {
    return this.#consumers?.sorted() ?? [];
  }

  /** Whether only one of its consumers at a time is given messages. */
  get singleActiveConsumer(): boolean {
    return this.settings.arguments["x-single-active-consumer"] === true;
  }

  /** Whether nobody but its consumer may consume from it. */
  get consumedExclusively(): boolean {
    return this.#consumers?.exclusive ?? false;
  }

  /** Whether a message that came now would go to a consumer at once. */
  get deliversAtOnce(): boolean {
    return this.messageCount === 0 && (this.#consumers?.canTake() ?? false);
  }

  /** The entries that are ready, the next one first. */
  entries(): QueueEntry[] {
    return this.#messages.toArray();
  }

  /** So many more messages are unacknowledged, or fewer. */
  countUnacknowledged(more: number): void {
    this.#unacknowledged += more;
  }

  /** Takes a message in; false if it is full and says so (rabbitmq.com/docs/maxlength). */
  add(message: StoredMessage): boolean {
    const { rules } = this;
    if (rules !== undefined && rules.overflow !== "drop-head" && this.#isFullFor(message)) {
      if (rules.overflow === "reject-publish-dlx") this.#bury(message, "maxlen");
      return false;
    }
    const position = this.#nextPosition++;
    const expiresAt = this.#expiryOf(message);
    const entry = { message, position, expiresAt, redelivered: false };
    if (expiresAt !== undefined) this.#mortal = true;
    this.#messages.push(entry);
    this.#bytes += message.body.length;
    if (this.#consumers !== undefined) this.#deliver(entry);
    if (rules !== undefined) this.#dropWhatIsTooMuch();
    if (this.#mortal) this.#dropExpired();
    return true;
  }

  /** Takes the message at the front, for basic.get; undefined if there is none. */
  take(): QueueEntry | undefined {
    this.used();
    if (this.#mortal) this.#dropExpired();
    const entry = this.#shift();
    if (this.#mortal) this.#dropExpired();
    return entry;
  }

  /**
   * Takes entries back, each to its place, marked as redelivered. They may go to the consumer that
   * had them, which may have stood aside because of them.
   */
  requeue(returned: readonly QueueEntry[], consumer?: Consumer): void {
    if (this.#deleted) return;
    if (consumer !== undefined) this.#consumers?.comeBack(consumer);
    const sorted = [...returned].sort((a, b) => a.position - b.position);
    for (const entry of sorted) {
      entry.redelivered = true;
      this.#bytes += entry.message.body.length;
    }
    this.#messages.putBack(sorted);
    if (this.rules !== undefined) this.#dropWhatIsTooMuch();
    if (this.#mortal) this.#dropExpired();
    this.#deliver();
  }

  /** A client rejected messages that it had: they are gone, or go to the dead-letter exchange. */
  reject(rejected: readonly QueueEntry[]): void {
    if (this.#deleted) return;
    for (const { message } of rejected) this.#bury(message, "rejected");
  }

  /** Throws away what is ready, and returns how many that were. */
  purge(): number {
    const count = this.messageCount;
    this.#messages.clear();
    this.#bytes = 0;
    return count;
  }

  /**
   * The broker was away. What is not persistent is gone, unless the queue keeps everything; after a
   * crash nobody knows any more which messages were delivered, so all count as redelivered.
   */
  recover(keep: "durable" | "everything", crashed: boolean): void {
    // Quorum queues and streams keep every message, whatever its delivery mode says.
    const replicated = /^(quorum|stream)$/.test(String(this.settings.arguments["x-queue-type"]));
    const entries = this.entries();
    this.purge();
    for (const entry of entries) {
      const persistent = entry.message.properties.deliveryMode === PERSISTENT;
      if (keep === "durable" && !replicated && !persistent) continue;
      if (crashed && !replicated) entry.redelivered = true;
      this.#messages.push(entry);
      this.#bytes += entry.message.body.length;
    }
    this.used();
  }

  /**
   * The queue is gone: so are its consumers, and what comes back from clients is dropped. Returns how
   * many messages were ready.
   */
  delete(): number {
    this.#deleted = true;
    this.#messageAlarm?.clear();
    this.#idleAlarm?.clear();
    const consumers = this.#consumers?.sorted() ?? [];
    this.#consumers = undefined;
    for (const consumer of consumers) consumer.settings.receiver.cancelled(consumer);
    return this.purge();
  }

  /** Somebody asked for the queue, so it is in use (rabbitmq.com/docs/ttl, "Queue TTL"). */
  used(): void {
    const expiresMs = this.rules?.expiresMs ?? NEVER;
    if (expiresMs === NEVER || this.#deleted) return;
    this.#idleAlarm ??= new Alarm(() => {
      if (this.consumerCount === 0) this.#host?.expired(this);
    });
    this.#idleAlarm.set(Date.now() + expiresMs);
  }

  /** Delivers to one consumer more. */
  addConsumer(consumer: Consumer): void {
    this.#consumers ??= new QueueConsumers(this.singleActiveConsumer);
    this.#consumers.add(consumer);
    this.#deliver();
  }

  /**
   * One consumer less; what it holds stays with it. Like RabbitMQ's this does not go on to deliver,
   * which matters if another consumer becomes the active one.
   */
  removeConsumer(consumer: Consumer): void {
    this.#consumers?.remove(consumer);
    if (this.#consumers?.size === 0) this.#consumers = undefined;
    this.used();
  }

  /** Consumers that stood aside may be able to take messages again. */
  resume(consumers: readonly Consumer[]): void {
    if (this.#consumers === undefined) return;
    for (const consumer of consumers) this.#consumers.comeBack(consumer);
    this.#deliver();
  }

  /** Hands out what there is; `fresh` has come just now and cannot be too old. */
  #deliver(fresh?: QueueEntry): void {
    if (this.#consumers === undefined) return;
    // A delivery can lead back here: by the end of a connection, or of a message that died.
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (;;) {
        if (this.#mortal) this.#dropExpired(fresh);
        const consumer = this.messageCount === 0 ? undefined : this.#consumers?.next();
        const entry = consumer === undefined ? undefined : this.#shift();
        if (consumer === undefined || entry === undefined) break;
        consumer.deliver(entry);
      }
    } finally {
      this.#delivering = false;
    }
  }

  #shift(): QueueEntry | undefined {
    const entry = this.#messages.shift();
    if (entry !== undefined) this.#bytes -= entry.message.body.length;
    return entry;
  }

  #isFullFor(message: StoredMessage): boolean {
    const { maxLength = NEVER, maxLengthBytes = NEVER } = this.rules ?? {};
    return this.messageCount >= maxLength || this.#bytes + message.body.length > maxLengthBytes;
  }

  #dropWhatIsTooMuch(): void {
    const { maxLength = NEVER, maxLengthBytes = NEVER, overflow } = this.rules ?? {};
    if (overflow !== "drop-head") return;
    while (this.messageCount > maxLength || this.#bytes > maxLengthBytes) {
      const entry = this.#shift();
      if (entry === undefined) break;
      this.#bury(entry.message, "maxlen");
    }
  }

  #expiryOf({ properties: { expiration } }: StoredMessage): number | undefined {
    if (expiration === undefined && this.rules === undefined) return undefined;
    const ttlMs = Math.min(this.rules?.messageTtlMs ?? NEVER, Number(expiration ?? NEVER));
    return ttlMs === NEVER ? undefined : Date.now() + ttlMs;
  }

  /** As in RabbitMQ, a message that is too old is dropped when it has come to the front. */
  #dropExpired(fresh?: QueueEntry): void {
    const now = Date.now();
    let front = this.#messages.first();
    while (front !== undefined && front !== fresh && (front.expiresAt ?? NEVER) <= now) {
      this.#shift();
      this.#bury(front.message, "expired");
      front = this.#messages.first();
    }
    const expiresAt = front?.expiresAt;
    if (expiresAt === undefined || this.#deleted) return;
    this.#messageAlarm ??= new Alarm(() => {
      this.#dropExpired();
      this.#host?.changed();
    });
    if (expiresAt < this.#messageAlarm.at) this.#messageAlarm.set(expiresAt);
  }

  #bury(message: StoredMessage, reason: DeathReason): void {
    if (this.rules?.deadLetterExchange === undefined) return;
    this.#host?.bury(this, message, reason);
  }
}

/** The delivery mode of messages that survive a restart. */
const PERSISTENT = 2;

const NEVER = Number.POSITIVE_INFINITY;
