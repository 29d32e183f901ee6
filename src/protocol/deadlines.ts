/**
 * Deadlines of things that mostly finish in time. Those with the same timeout expire in the order
 * in which they came, so each timeout has a queue of its own and only the fronts are looked at:
 * adding and expiring cost the same however many wait, and what has finished is let go as soon as
 * it comes to the front.
 */
import { Fifo } from "./fifo.ts";

interface Entry<T> {
  readonly item: T;
  readonly due: number;
}

/** Items with deadlines; time is whatever clock the caller keeps, in milliseconds. */
export class Deadlines<T> {
  readonly #queues: Map<number, Fifo<Entry<T>>> = new Map();
  readonly #isOver: (item: T) => boolean;

  /** `isOver` tells of an item whether its deadline does not matter any more. */
  constructor(isOver: (item: T) => boolean) {
    this.#isOver = isOver;
  }

  /** Gives an item `timeoutMs` from `now` on. */
  add(item: T, timeoutMs: number, now: number): void {
    let queue = this.#queues.get(timeoutMs);
    if (queue === undefined) {
      queue = new Fifo();
      this.#queues.set(timeoutMs, queue);
    }
    queue.push({ item, due: now + timeoutMs });
    this.#trim(queue);
  }

  /** When the next deadline passes; undefined if there is none. */
  next(): number | undefined {
    let next: number | undefined;
    for (const [timeoutMs, queue] of this.#queues) {
      this.#trim(queue);
      const first = queue.peek();
      if (first === undefined) this.#queues.delete(timeoutMs);
      else if (next === undefined || first.due < next) next = first.due;
    }
    return next;
  }

  /** Takes the items whose deadline has passed. */
  expire(now: number): T[] {
    const expired: T[] = [];
    for (const queue of this.#queues.values()) {
      for (let first = queue.peek(); first !== undefined && first.due <= now; ) {
        queue.shift();
        if (!this.#isOver(first.item)) expired.push(first.item);
        first = queue.peek();
      }
    }
    return expired;
  }

  #trim(queue: Fifo<Entry<T>>): void {
    for (let first = queue.peek(); first !== undefined && this.#isOver(first.item); ) {
      queue.shift();
      first = queue.peek();
    }
  }
}
