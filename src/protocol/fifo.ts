/** First in, first out, with both ends in constant time. */
export class Fifo<T> {
  #items: (T | undefined)[] = EMPTY;
  #head = 0;

  /** How many items wait. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Appends an item. */
  push(item: T): void {
    if (this.#items === EMPTY) this.#items = [item];
    else this.#items.push(item);
  }

  /** The oldest item, left where it is; undefined when there is none. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** The item with so many before it, left where it is; undefined when there are not so many. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = EMPTY;
      this.#head = 0;
    } else if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** How many items are before the first one like this; -1 when none is. */
  indexWhere(test: (item: T) => boolean): number {
    for (let i = this.#head; i < this.#items.length; i++) {
      if (test(this.#items[i] as T)) return i - this.#head;
    }
    return -1;
  }

  /** Takes the item with so many before it; in constant time for the oldest. */
  takeAt(index: number): T | undefined {
    if (index === 0) return this.shift();
    return this.#items.splice(this.#head + index, 1)[0];
  }

  /** The items from the oldest on; nothing may be taken meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T;
  }
}

/** One for all that are empty, which most are most of the time. Nobody changes it. */
const EMPTY: never[] = [];

/** The emptied front is given back when it is half of the array and at least this long. */
const COMPACT_FROM = 1024;
