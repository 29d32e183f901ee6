/**
 * Reads the elementary domains of AMQP from octets (specification section 4.2.5). Integers are
 * unsigned and in network byte order, strings carry their length:
 *
 *     octet   short      long               longlong (64 bits)
 *     [ 1 ]   [ 2 ]      [ 4 ]              [ 8 ]
 *
 *     shortstr                longstr                     table
 *     [len 1][octets ...]     [len 4][octets ...]         [len 4][name shortstr, type 1, value]*
 *
 * Nothing is believed: each read checks that the octets are there, and raises a
 * {@link ProtocolError} where they are not.
 */
import { ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "./generated/constants.ts";
import { decodeLenient } from "./text.ts";

/** A cursor over octets that belong to somebody else. What it returns is always a copy. */
export class Reader {
  /** The octets read from; they are never changed. */
  readonly bytes: Uint8Array;
  /** The next octet to read. */
  offset: number;
  /** Where reading ends. */
  readonly end: number;
  readonly #origin: number;
  #view: DataView | undefined;

  /** Reads from `start` up to `end`; errors count their offset from `origin`. */
  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, origin: number = start) {
    this.bytes = bytes;
    this.offset = start;
    this.end = end;
    this.#origin = origin;
  }

  /** How many octets are left. */
  get remaining(): number {
    return this.end - this.offset;
  }

  /** The distance from the start of the payload: what errors give as `offset`. */
  get position(): number {
    return this.offset - this.#origin;
  }

  /** One octet, 0 to 255. */
  readOctet(): number {
    const at = this.#advance(1, "an octet");
    return this.bytes[at] as number;
  }

  /** 16 bits, unsigned. */
  readShort(): number {
    const at = this.#advance(2, "a short integer");
    const b = this.bytes;
    return ((b[at] as number) << 8) | (b[at + 1] as number);
  }

  /** 32 bits, unsigned. */
  readLong(): number {
    const at = this.#advance(4, "a long integer");
    return readLongAt(this.bytes, at);
  }

  /**
   * 64 bits, unsigned, as a number. Delivery tags and body sizes are counters that never come
   * near 2^53; one that does is refused, because a number could not hold it exactly.
   */
  readLonglong(): number {
    const at = this.#advance(8, "a 64-bit integer");
    const high = readLongAt(this.bytes, at);
    if (high > 0x1fffff) {
      throw new ProtocolError("a 64-bit counter is beyond what this client can hold exactly", {
        replyCode: REPLY_CODE.syntaxError,
        expected: "at most 9007199254740991",
        got: this.#dataView().getBigUint64(at).toString(),
        offset: this.position - 8,
      });
    }
    return high * 0x100000000 + readLongAt(this.bytes, at + 4);
  }

  /** 8 bits, signed. */
  readInt8(): number {
    return (this.readOctet() << 24) >> 24;
  }

  /** 16 bits, signed. */
  readInt16(): number {
    return (this.readShort() << 16) >> 16;
  }

  /** 32 bits, signed. */
  readInt32(): number {
    return this.readLong() | 0;
  }

  /** 64 bits, signed, exactly. */
  readInt64(): bigint {
    const at = this.#advance(8, "a 64-bit integer");
    return this.#dataView().getBigInt64(at);
  }

  /** 64 bits, unsigned, exactly. */
  readUint64(): bigint {
    return BigInt.asUintN(64, this.readInt64());
  }

  /** IEEE 754, 32 bits. */
  readFloat(): number {
    const at = this.#advance(4, "a 32-bit float");
    return this.#dataView().getFloat32(at);
  }

  /** IEEE 754, 64 bits. */
  readDouble(): number {
    const at = this.#advance(8, "a 64-bit float");
    return this.#dataView().getFloat64(at);
  }

  /** A string of at most 255 octets; what is not UTF-8 in it becomes U+FFFD. */
  readShortstr(): string {
    const length = this.readOctet();
    const at = this.#advance(length, "a short string");
    return decodeLenient(this.bytes, at, at + length);
  }

  /** The octets of a short string, as a copy. */
  readShortstrBytes(): Uint8Array {
    return this.readBytes(this.readOctet(), "a short string");
  }

  /** A string of octets with a 32-bit length, as a copy. */
  readLongstr(): Uint8Array {
    return this.readBytes(this.readLong(), "a long string");
  }

  /** POSIX time in seconds, 64 bits; an invalid `Date` where a `Date` cannot reach so far. */
  readTimestamp(): Date {
    return new Date(Number(this.readUint64()) * 1000);
  }

  /** So many octets, as a copy. */
  readBytes(length: number, what: string): Uint8Array {
    const at = this.#advance(length, what);
    // Not slice(): sockets deliver Buffers, and a Buffer's slice() is no copy.
    return new Uint8Array(this.bytes.subarray(at, at + length));
  }

  /** A reader over the next `length` octets, which this one skips. */
  readSlice(length: number, what: string): Reader {
    const at = this.#advance(length, what);
    return new Reader(this.bytes, at, at + length, this.#origin);
  }

  /** Raises unless every octet has been read. */
  expectEnd(what: string): void {
    if (this.offset !== this.end) {
      throw new ProtocolError(`${what} goes on after its last field`, {
        replyCode: REPLY_CODE.frameError,
        expected: "the end of the payload",
        got: `${this.remaining} octets more`,
        offset: this.position,
      });
    }
  }

  #advance(length: number, what: string): number {
    const at = this.offset;
    if (length > this.end - at) {
      throw new ProtocolError(`the payload ends inside ${what}`, {
        replyCode: REPLY_CODE.frameError,
        expected: `${length} octets`,
        got: `${this.end - at}`,
        offset: this.position,
      });
    }
    this.offset = at + length;
    return at;
  }

  #dataView(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }
}

function readLongAt(b: Uint8Array, at: number): number {
  return (
    (((b[at] as number) << 24) |
      ((b[at + 1] as number) << 16) |
      ((b[at + 2] as number) << 8) |
      (b[at + 3] as number)) >>>
    0
  );
}
