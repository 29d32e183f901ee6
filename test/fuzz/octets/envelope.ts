/**
 * Frames without a look into them, read by a second parser that shares nothing with the one under
 * test (specification section 2.3.5): what it finds broken must not be let pass.
 */

/** Octets of a frame around its payload. */
export const OVERHEAD = 8;

/** A stream of octets in pieces, to whole frames. */
export class Envelope {
  /** What is wrong; after that nothing is read any more. */
  broken: string | undefined;
  #kept: Uint8Array = new Uint8Array(64);
  #length = 0;

  /** Octets of a frame that is not whole yet. */
  get rest(): number {
    return this.#length;
  }

  /** The frames that these octets complete, if none is over `limit`. */
  push(octets: Uint8Array, limit: number): Uint8Array[] {
    if (this.broken !== undefined) return [];
    this.#keep(octets);
    const stream = this.#kept.subarray(0, this.#length);
    const frames: Uint8Array[] = [];
    let at = 0;
    for (let size = this.#sizeAt(stream, at, limit); size !== undefined; ) {
      frames.push(stream.slice(at, at + size));
      at += size;
      size = this.#sizeAt(stream, at, limit);
    }
    this.#kept.copyWithin(0, at, this.#length);
    this.#length -= at;
    return frames;
  }

  #keep(octets: Uint8Array): void {
    const length = this.#length + octets.length;
    if (length > this.#kept.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#kept.subarray(0, this.#length));
      this.#kept = larger;
    }
    this.#kept.set(octets, this.#length);
    this.#length = length;
  }

  /** The size of the frame that lies here; undefined if it is not whole, or broken. */
  #sizeAt(stream: Uint8Array, at: number, limit: number): number | undefined {
    if (at >= stream.length) return undefined;
    const type = stream[at] as number;
    if (type !== 1 && type !== 2 && type !== 3 && type !== 8) {
      this.broken = `frame type ${type}`;
      return undefined;
    }
    if (stream.length - at < 7) return undefined;
    const size = longAt(stream, at + 3) + OVERHEAD;
    if (size > limit) {
      this.broken = `a frame of ${size} octets, where ${limit} are allowed`;
      return undefined;
    }
    if (stream.length - at < size) return undefined;
    const end = stream[at + size - 1];
    if (end !== 0xce) {
      this.broken = `a frame ends with ${end}`;
      return undefined;
    }
    return size;
  }
}

/** 32 bits, unsigned. */
export function longAt(octets: Uint8Array, at: number): number {
  return shortAt(octets, at) * 0x10000 + shortAt(octets, at + 2);
}

/** 16 bits, unsigned. */
export function shortAt(octets: Uint8Array, at: number): number {
  return (octets[at] as number) * 0x100 + (octets[at + 1] as number);
}
