/**
 * Messages in the order of their positions: in at the end, out at the front, and one that a client
 * gives back goes where it was, so that the order of publishing survives (specification section
 * 4.7).
 *
 *     entries   [ undefined, undefined, a, b, c, d ]
 *                                       ^ head          taken: head moves right
 *                            ^ requeued: head moves left
 *
 * Room in front of the head is given up when it is more than half of the array, which makes both
 * ends O(1) on average.
 */
import type { StoredMessage } from "./message.ts";

/** A message at its place in a queue. */
export interface QueueEntry {
  readonly message: StoredMessage;
  /** Where it belongs: grows with each message that is published. */
  readonly position: number;
  /** When it is dropped unless it is taken, in milliseconds of Date.now(); undefined is never. */
  readonly expiresAt: number | undefined;
  /** Whether a client has had it before. */
  redelivered: boolean;
}

/** What a queue keeps its messages in. */
export interface MessageStore {
  readonly length: number;
  /** All of them, the next one first; a new array. */
  toArray(): QueueEntry[];
  /** The next one. */
  first(): QueueEntry | undefined;
  /** Puts one at the end. */
  push(entry: QueueEntry): void;
  /** Takes the next one; undefined if there is none. */
  shift(): QueueEntry | undefined;
  /** Takes entries back, each to its place; `sorted` is by position. */
  putBack(sorted: QueueEntry[]): void;
  /** Forgets all. */
  clear(): void;
}

/** Messages in one row. */
export class MessageList implements MessageStore {
  #entries: (QueueEntry | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  toArray(): QueueEntry[] {
    return this.#entries.slice(this.#head) as QueueEntry[];
  }

  first(): QueueEntry | undefined {
    return this.#head === this.#entries.length ? undefined : this.#entries[this.#head];
  }

  push(entry: QueueEntry): void {
    this.#entries.push(entry);
  }

  shift(): QueueEntry | undefined {
    const head = this.#head;
    if (head === this.#entries.length) return undefined;
    const entry = this.#entries[head];
    this.#entries[head] = undefined;
    this.#head = head + 1;
    if (this.#head === this.#entries.length && this.#head >= COMPACT_FROM) {
      this.clear();
    } else if (this.#head >= COMPACT_FROM && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  putBack(sorted: QueueEntry[]): void {
    this.#makeRoom(sorted.length);
    // The last one first: each finds its place at, or near, the front.
    for (const entry of sorted.reverse()) this.#insert(entry);
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
  }

  /** Sees to it that there is room for so many in front of the head. */
  #makeRoom(count: number): void {
    if (this.#head >= count) return;
    const room = new Array<undefined>(count).fill(undefined);
    this.#entries = [...room, ...this.toArray()];
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

/**
 * Messages by priority (rabbitmq.com/docs/priority): a row for each, of which the highest that has
 * any comes first. What a client gives back goes to its place in its row.
 */
export class PriorityMessageList implements MessageStore {
  /** The highest priority first. */
  readonly #rows: readonly MessageList[];
  #length = 0;

  /** Priorities go from 0 to `highest`; what is above counts as that. */
  constructor(highest: number) {
    this.#rows = Array.from({ length: highest + 1 }, () => new MessageList());
  }

  get length(): number {
    return this.#length;
  }

  toArray(): QueueEntry[] {
    return this.#rows.flatMap((row) => row.toArray());
  }

  first(): QueueEntry | undefined {
    return this.#rows.find(({ length }) => length > 0)?.first();
  }

  push(entry: QueueEntry): void {
    this.#rowOf(entry).push(entry);
    this.#length++;
  }

  shift(): QueueEntry | undefined {
    const entry = this.#rows.find(({ length }) => length > 0)?.shift();
    if (entry !== undefined) this.#length--;
    return entry;
  }

  putBack(sorted: QueueEntry[]): void {
    const byRow = new Map<MessageList, QueueEntry[]>();
    for (const entry of sorted) {
      const row = this.#rowOf(entry);
      const entries = byRow.get(row);
      if (entries === undefined) byRow.set(row, [entry]);
      else entries.push(entry);
    }
    this.#length += sorted.length;
    for (const [row, entries] of byRow) row.putBack(entries);
  }

  clear(): void {
    for (const row of this.#rows) row.clear();
    this.#length = 0;
  }

  #rowOf({ message }: QueueEntry): MessageList {
    const highest = this.#rows.length - 1;
    const priority = Math.min(message.properties.priority ?? 0, highest);
    return this.#rows[highest - priority] as MessageList;
  }
}

/** Below this many free places at the front compaction is not worth its while. */
const COMPACT_FROM = 1024;
