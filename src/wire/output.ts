/**
 * What is to be written to the peer next. Small things are encoded one behind the other into one
 * buffer; large bodies stay where they are and are only referred to, so that they are never
 * copied. {@link Output.take} gives the pieces in order:
 *
 *     encoded:   [method][header][frame 7]         [end 1][method][header] ...
 *     referred:                           [ body  ]
 */
import { Writer } from "./writer.ts";

/** A queue of octets: write at the end, take all of it. */
export class Output {
  /** Where to encode; what is written here goes out in order with the references. */
  readonly writer: Writer = new Writer(INITIAL_CAPACITY);
  #epoch = 0;
  #references: Reference[] = [];
  #referredLength = 0;

  /** How many octets wait to be taken. */
  get length(): number {
    return this.writer.length + this.#referredLength;
  }

  /** Goes up whenever what was written is taken or forgotten; until then it lies where it was. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Queues octets without a copy: they must not change until they are on the wire. */
  refer(bytes: Uint8Array): void {
    this.#references.push({ at: this.writer.length, bytes });
    this.#referredLength += bytes.length;
  }

  /** How many references are queued: with the length of what is encoded, where the output ends. */
  get references(): number {
    return this.#references.length;
  }

  /** Forgets what came after so much that is encoded and so many references. */
  rollback(length: number, references: number): void {
    this.#epoch++;
    this.writer.rollback(length);
    for (const { bytes } of this.#references.splice(references))
      this.#referredLength -= bytes.length;
  }

  /** Forgets everything, and gives back a buffer that had to grow for it. */
  clear(): void {
    if (this.writer.length > MAX_CAPACITY) this.writer.detach(INITIAL_CAPACITY);
    this.rollback(0, 0);
  }

  /** All pieces in order; the output is empty afterwards. */
  take(): Uint8Array[] {
    this.#epoch++;
    const { length } = this.writer;
    const capacity = Math.min(Math.max(length + (length >>> 3), INITIAL_CAPACITY), MAX_CAPACITY);
    const references = this.#references;
    const encoded = this.writer.detach(capacity);
    if (references.length === 0) return [encoded];
    this.#references = [];
    this.#referredLength = 0;
    const pieces: Uint8Array[] = [];
    let from = 0;
    for (const { at, bytes } of references) {
      pieces.push(encoded.subarray(from, at), bytes);
      from = at;
    }
    pieces.push(encoded.subarray(from));
    return pieces;
  }
}

interface Reference {
  /** How much of the encoded octets goes before it. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The first buffer: room for a handshake, or for some fifty small messages. */
const INITIAL_CAPACITY = 4096;

/**
 * The next buffer has room for an eighth more than the last one held, up to this: what a connection
 * writes before it waits for its socket, and some more. A buffer that has to grow on the way is
 * copied. To remember the largest of several writes, or to use old buffers again once the socket
 * has done with them, was tried: no gain that could be told from noise.
 */
const MAX_CAPACITY = 1_310_720;
