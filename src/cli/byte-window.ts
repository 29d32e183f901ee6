/**
 * A bound on the bytes of the messages that are under way.
 *
 * The publisher's own window counts messages. That is right for the broker, but each message keeps
 * its body until it is confirmed (a mandatory one may come back), and four thousand lines of a
 * megabyte are four gigabytes.
 */

/** Bytes that were let in and have not come out yet. */
export class ByteWindow {
  readonly #limit: number;
  #bytes = 0;
  #wake: () => void = () => {};

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What has not come out yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lets items through while there is room; one that is larger than the window goes alone. */
  async *pass<T>(
    items: AsyncIterable<T>,
    sizeOf: (item: T) => number,
  ): AsyncGenerator<T, void, undefined> {
    for await (const item of items) {
      const size = sizeOf(item);
      while (this.#bytes > 0 && this.#bytes + size > this.#limit) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      this.#bytes += size;
      yield item;
    }
  }

  /** An item has come out. */
  release(size: number): void {
    this.#bytes -= size;
    this.#wake();
  }
}
