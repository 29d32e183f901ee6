/**
 * The delivery tags of one channel: what a client was given and has not acknowledged
 * (specification section 1.8.3.13). Tags count up from 1, also for messages that need no
 * acknowledgement.
 */
import type { Queue, QueueEntry } from "./queue.ts";
import { refusal } from "./refusal.ts";

/** A message that a client holds. */
export interface Held {
  readonly queue: Queue;
  readonly entry: QueueEntry;
}

/** Delivery tags and what they stand for. */
export class Unacknowledged {
  /** In the order of the tags. */
  readonly #held = new Map<number, Held>();
  #lastTag = 0;

  /** The tag for a delivery; `held` is undefined if it needs no acknowledgement. */
  add(held: Held | undefined): number {
    const tag = ++this.#lastTag;
    if (held !== undefined) this.#held.set(tag, held);
    return tag;
  }

  /**
   * Takes out one tag or, with `multiple`, all up to it; 0 then means all there are. A tag that is
   * not there is a 406 (specification section 1.8.3.13, rule "valid").
   */
  settle(tag: number, multiple: boolean): Held[] {
    if (multiple && tag === 0) return this.settleAll();
    const held = this.#held.get(tag);
    if (held === undefined) throw refusal("preconditionFailed", `unknown delivery tag ${tag}`);
    if (!multiple) {
      this.#held.delete(tag);
      return [held];
    }
    const settled: Held[] = [];
    for (const [each, message] of this.#held) {
      if (each > tag) break;
      this.#held.delete(each);
      settled.push(message);
    }
    return settled;
  }

  /** Takes out everything. */
  settleAll(): Held[] {
    const settled = [...this.#held.values()];
    this.#held.clear();
    return settled;
  }
}

/** Gives messages back to the queues that they came from. */
export function requeue(messages: readonly Held[]): void {
  const byQueue = new Map<Queue, QueueEntry[]>();
  for (const { queue, entry } of messages) {
    const entries = byQueue.get(queue) ?? [];
    if (entries.length === 0) byQueue.set(queue, entries);
    entries.push(entry);
  }
  for (const [queue, entries] of byQueue) queue.requeue(entries);
}
