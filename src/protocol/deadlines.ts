/**
 * Deadlines of things that mostly finish in time: a binary heap, the earliest deadline on top. What
 * has finished is let go when it comes to the top, and when so much of it has gathered that the heap
 * has doubled, it is sorted out at once; so the cost of one deadline does not depend on how many
 * finish early, or in which order.
 */

interface Entry<T> {
  readonly item: T;
  readonly due: number;
  /** Which was added first, where deadlines are the same. */
  readonly order: number;
}

/** Items with deadlines; time is whatever clock the caller keeps, in milliseconds. */
export class Deadlines<T> {
  #heap: Entry<T>[] = [];
  #sortOutAt = SORT_OUT_FROM;
  #added = 0;
  readonly #isOver: (item: T) => boolean;

  /** `isOver` tells of an item whether its deadline does not matter any more. */
  constructor(isOver: (item: T) => boolean) {
    this.#isOver = isOver;
  }

  /** How many deadlines are kept, finished ones that were not let go yet included. */
  get size(): number {
    return this.#heap.length;
  }

  /** Gives an item `timeoutMs` from `now` on. */
  add(item: T, timeoutMs: number, now: number): void {
    this.#push({ item, due: now + timeoutMs, order: this.#added++ });
    if (this.#heap.length >= this.#sortOutAt) this.#sortOut();
  }

  /** When the next deadline passes; undefined if there is none. */
  next(): number | undefined {
    let first = this.#heap[0];
    while (first !== undefined && this.#isOver(first.item)) {
      this.#pop();
      first = this.#heap[0];
    }
    return first?.due;
  }

  /** Takes the items whose deadline has passed, the earliest first. */
  expire(now: number): T[] {
    const expired: T[] = [];
    for (let due = this.next(); due !== undefined && due <= now; due = this.next()) {
      expired.push(this.#pop());
    }
    return expired;
  }

  #sortOut(): void {
    const entries = this.#heap;
    this.#heap = [];
    for (const entry of entries) if (!this.#isOver(entry.item)) this.#push(entry);
    this.#sortOutAt = Math.max(SORT_OUT_FROM, 2 * this.#heap.length);
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry<T>;
      if (isBefore(parent, entry)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  /** Takes the top; the heap must not be empty. */
  #pop(): T {
    const heap = this.#heap;
    const top = heap[0] as Entry<T>;
    const last = heap.pop() as Entry<T>;
    if (heap.length > 0) this.#sink(last);
    return top.item;
  }

  /** Puts an entry in place of the top. */
  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      const left = heap[below] as Entry<T>;
      const right = heap[below + 1];
      const least = right !== undefined && isBefore(right, left) ? below + 1 : below;
      const child = heap[least] as Entry<T>;
      if (isBefore(entry, child)) break;
      heap[at] = child;
      at = least;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

/** Fewer entries than this are not worth sorting out; so many finished ones may be held on to. */
const SORT_OUT_FROM = 64;
