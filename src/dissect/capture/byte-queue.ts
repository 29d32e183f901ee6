/** Octets that come in pieces of any size, and are read in pieces of a size that is known. */
export class ByteQueue {
  #bytes = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  /** How many octets are there. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds octets at the end. */
  push(piece: Uint8Array): void {
    const { length } = this;
    if (this.#end + piece.length > this.#bytes.length) {
      const needed = length + piece.length;
      const fits = needed <= this.#bytes.length / 2;
      const target = fits ? this.#bytes : new Uint8Array(needed * 2);
      target.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = target;
      this.#start = 0;
      this.#end = length;
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The first so many octets, which stay; valid until the next call. */
  peek(length: number): DataView | undefined {
    if (this.length < length) return undefined;
    return new DataView(this.#bytes.buffer, this.#start, length);
  }

  /** Takes the first so many octets, which must be there; a copy. */
  take(length: number): Uint8Array {
    const taken = this.#bytes.slice(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }

  /** Throws away as many of the first octets as there are, up to `length`; tells how many. */
  skip(length: number): number {
    const skipped = Math.min(length, this.length);
    this.#start += skipped;
    return skipped;
  }
}
