/**
 * A queue in memory: messages go in at the end and out at the front, and one that a client gives
 * back goes where it was, so that the order of publishing survives (specification section 4.7).
 *
 *     entries   [ undefined, undefined, a, b, c, d ]
 *                                       ^ head          taken: head moves right
 *                            ^ requeued: head moves left
 *
 * Room in front of the head is given up when it is more than half of the array, which makes both
 * ends O(1) on average.
 */
import type { FieldTable } from "../../wire/field-value.ts";
import type { StoredMessage } from "./message.ts";

/** A message at its place in a queue. */
export interface QueueEntry {
  readonly message: StoredMessage;
  /** Where it belongs: grows with each message that is published. */
  readonly position: number;
  /** Whether a client has had it before. */
  redelivered: boolean;
}

/** What a queue is declared with. */
export interface QueueSettings {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that alone may use it; undefined if it is not exclusive. */
  readonly owner: object | undefined;
  readonly arguments: FieldTable;
}

/** One queue. */
export class Queue {
  readonly kind = "queue";
  readonly name: string;
  readonly settings: QueueSettings;
  #entries: (QueueEntry | undefined)[] = [];
  #head = 0;
  #nextPosition = 0;
  #deleted = false;

  constructor(name: string, settings: QueueSettings) {
    this.name = name;
    this.settings = settings;
  }

  /** Messages ready for delivery; those that a client holds unacknowledged do not count. */
  get messageCount(): number {
    return this.#entries.length - this.#head;
  }

  /** The entries that are ready, the next one first. */
  entries(): QueueEntry[] {
    return this.#entries.slice(this.#head) as QueueEntry[];
  }

  /** Puts a message at the end. */
  add(message: StoredMessage): void {
    this.#entries.push({ message, position: this.#nextPosition++, redelivered: false });
  }

  /** Takes the message at the front; undefined if there is none. */
  take(): QueueEntry | undefined {
    const head = this.#head;
    if (head === this.#entries.length) return undefined;
    const entry = this.#entries[head];
    this.#entries[head] = undefined;
    this.#head = head + 1;
    if (this.#head >= COMPACT_FROM && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  /** Takes entries back, each to its place, marked as redelivered. */
  requeue(returned: readonly QueueEntry[]): void {
    if (this.#deleted) return;
    const sorted = [...returned].sort((a, b) => a.position - b.position);
    for (const entry of sorted) entry.redelivered = true;
    this.#makeRoom(sorted.length);
    // The last one first: each finds its place at, or near, the front.
    for (const entry of sorted.reverse()) this.#insert(entry);
  }

  /** Throws away what is ready, and returns how many that were. */
  purge(): number {
    const count = this.messageCount;
    this.#entries = [];
    this.#head = 0;
    return count;
  }

  /** The queue is gone: what comes back from clients is dropped. Returns how many were ready. */
  delete(): number {
    this.#deleted = true;
    return this.purge();
  }

  /** Sees to it that there is room for so many in front of the head. */
  #makeRoom(count: number): void {
    if (this.#head >= count) return;
    const room = new Array<undefined>(count).fill(undefined);
    this.#entries = [...room, ...this.entries()];
    this.#head = count;
  }

  /** Moves what belongs before the entry one to the left; costs as much as that is. */
  #insert(entry: QueueEntry): void {
    const entries = this.#entries;
    this.#head--;
    let at = this.#head;
    for (let next = entries[at + 1]; next !== undefined; next = entries[at + 1]) {
      if (next.position > entry.position) break;
      entries[at++] = next;
    }
    entries[at] = entry;
  }
}

/** Below this many free places at the front compaction is not worth its while. */
const COMPACT_FROM = 1024;
