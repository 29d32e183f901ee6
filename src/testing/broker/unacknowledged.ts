/**
 * The delivery tags of one channel: what a client was given and has not acknowledged
 * (specification section 1.8.3.13). Tags count up from 1, also for messages that need no
 * acknowledgement.
 */
import type { Consumer } from "./consumers.ts";
import type { QueueEntry } from "./message-list.ts";
import type { Queue } from "./queue.ts";
import { refusal } from "./refusal.ts";

/** A message that a client holds. */
export interface Held {
  readonly tag: number;
  readonly queue: Queue;
  readonly entry: QueueEntry;
  /** Who was given it; undefined if it came by basic.get. */
  readonly consumer: Consumer | undefined;
}

/** What becomes of messages that were held. */
export type Fate = "acknowledged" | "requeued" | "rejected";

/** Delivery tags and what they stand for. */
export class Unacknowledged {
  /** In the order of the tags. */
  #held = new Map<number, Held>();
  #lastTag = 0;

  /** How many messages are held. */
  get size(): number {
    return this.#held.size;
  }

  /** The next tag, for a message that needs no acknowledgement. */
  nextTag(): number {
    return ++this.#lastTag;
  }

  /** The next tag, for a message that is held from here on. */
  hold(queue: Queue, entry: QueueEntry, consumer: Consumer | undefined): number {
    const tag = ++this.#lastTag;
    this.#held.set(tag, { tag, queue, entry, consumer });
    queue.countUnacknowledged(1);
    return tag;
  }

  /**
   * Takes out one tag or, with `multiple`, all up to it; 0 then means all there are. A tag that is
   * not there is a 406 (specification section 1.8.3.13, rule "valid").
   */
  take(tag: number, multiple: boolean): Held[] {
    if (multiple && tag === 0) return this.takeAll();
    const held = this.#held.get(tag);
    if (held === undefined) throw refusal("preconditionFailed", `unknown delivery tag ${tag}`);
    if (!multiple) {
      this.#held.delete(tag);
      return [held];
    }
    const taken: Held[] = [];
    for (const [each, message] of this.#held) {
      if (each > tag) break;
      this.#held.delete(each);
      taken.push(message);
    }
    return taken;
  }

  /** Takes out everything. */
  takeAll(): Held[] {
    const taken = [...this.#held.values()];
    this.#held.clear();
    return taken;
  }

  /** Puts back what was taken: a transaction was rolled back. */
  putBack(taken: readonly Held[]): void {
    if (taken.length === 0) return;
    const all = [...this.#held.values(), ...taken].sort((a, b) => a.tag - b.tag);
    this.#held = new Map(all.map((held) => [held.tag, held]));
  }
}

/**
 * Tells queues and consumers what became of messages that were held. Like RabbitMQ's this goes queue
 * by queue and consumer by consumer, in the order of their names, what came by basic.get first.
 */
export function settle(messages: readonly Held[], fate: Fate): void {
  const [first] = messages;
  if (first === undefined) return;
  const { queue, consumer } = first;
  if (messages.every((held) => held.queue === queue && held.consumer === consumer)) {
    settleTogether(first, messages, fate);
    return;
  }
  const groups = new Map<string, Held[]>();
  for (const held of messages) {
    const name = `${held.queue.name}\0${held.consumer?.settings.tag ?? ""}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [held]);
    else group.push(held);
  }
  for (const name of [...groups.keys()].sort()) {
    const group = groups.get(name) as Held[];
    settleTogether(group[0] as Held, group, fate);
  }
}

/** First the consumer has room again, then the messages come back: it may be to the same one. */
function settleTogether({ queue, consumer }: Held, messages: readonly Held[], fate: Fate): void {
  consumer?.settled(messages.length);
  queue.countUnacknowledged(-messages.length);
  if (fate === "requeued") {
    queue.requeue(
      messages.map(({ entry }) => entry),
      consumer,
    );
    return;
  }
  if (fate === "rejected") queue.reject(messages.map(({ entry }) => entry));
  if (consumer !== undefined && consumer.aside > 0) queue.resume([consumer]);
}
