/**
 * Writes the elementary domains of AMQP (specification section 4.2.5; the layouts are drawn in
 * reader.ts) into a buffer that grows. A value that its domain cannot hold is refused with a
 * {@link UsageError}, never cut or wrapped; the caller then rolls back with {@link Writer.rollback}
 * and not an octet of the failed piece is left.
 */
import { UsageError } from "../errors.ts";
import { encodeTextInto, isWellFormed } from "./text.ts";

/** From this length on `encodeInto` is quicker than a loop over ASCII. */
const LONG_TEXT = 64;

/** A growing buffer with a cursor at its end. */
export class Writer {
  #bytes: Uint8Array = NOTHING;
  /** How large the buffer is to be that the next octet asks for. */
  #capacity: number;
  #view: DataView | undefined;
  #length = 0;

  /** `capacity` is in octets; it grows as needed. */
  constructor(capacity = 1024) {
    this.#capacity = capacity;
  }

  /** How many octets have been written. */
  get length(): number {
    return this.#length;
  }

  /** What has been written, as a view that the next write may make stale. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets everything written after `length`. */
  rollback(length: number): void {
    this.#length = length;
  }

  /** Hands over what was written; the next octet begins a new buffer of `capacity` octets. */
  detach(capacity: number): Uint8Array {
    const written = this.written;
    this.#bytes = NOTHING;
    this.#capacity = capacity;
    this.#view = undefined;
    this.#length = 0;
    return written;
  }

  /** One octet, 0 to 255. */
  writeOctet(value: number, what = "an octet"): void {
    checkInteger(value, 0, 0xff, what);
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  /** 16 bits, unsigned. */
  writeShort(value: number, what = "a short integer"): void {
    checkInteger(value, 0, 0xffff, what);
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** 32 bits, unsigned. */
  writeLong(value: number, what = "a long integer"): void {
    checkInteger(value, 0, 0xffffffff, what);
    this.#setLong(this.#grow(4), value);
  }

  /** 64 bits, unsigned, from a number: 0 to 2^53 - 1. */
  writeLonglong(value: number, what = "a 64-bit integer"): void {
    checkInteger(value, 0, Number.MAX_SAFE_INTEGER, what);
    const at = this.#grow(8);
    this.#setLong(at, Math.floor(value / 0x100000000));
    this.#setLong(at + 4, value >>> 0);
  }

  /** 8 bits, signed. */
  writeInt8(value: number, what = "a signed octet"): void {
    checkInteger(value, -0x80, 0x7f, what);
    this.writeOctet(value & 0xff);
  }

  /** 16 bits, signed. */
  writeInt16(value: number, what = "a signed 16-bit integer"): void {
    checkInteger(value, -0x8000, 0x7fff, what);
    this.writeShort(value & 0xffff);
  }

  /** 32 bits, signed. */
  writeInt32(value: number, what = "a signed 32-bit integer"): void {
    checkInteger(value, -0x80000000, 0x7fffffff, what);
    this.#setLong(this.#grow(4), value);
  }

  /** 64 bits, signed. */
  writeInt64(value: bigint, what = "a signed 64-bit integer"): void {
    if (BigInt.asIntN(64, value) !== value) {
      throw new UsageError(`${what} is ${value}; it must be from -2^63 to 2^63 - 1`);
    }
    const at = this.#grow(8);
    this.#dataView().setBigInt64(at, value);
  }

  /** 64 bits, unsigned. */
  writeUint64(value: bigint, what = "an unsigned 64-bit integer"): void {
    if (BigInt.asUintN(64, value) !== value) {
      throw new UsageError(`${what} is ${value}; it must be from 0 to 2^64 - 1`);
    }
    const at = this.#grow(8);
    this.#dataView().setBigUint64(at, value);
  }

  /** IEEE 754, 32 bits. */
  writeFloat(value: number): void {
    const at = this.#grow(4);
    this.#dataView().setFloat32(at, value);
  }

  /** IEEE 754, 64 bits. */
  writeDouble(value: number): void {
    const at = this.#grow(8);
    this.#dataView().setFloat64(at, value);
  }

  /** Text of at most 255 octets of UTF-8; an error calls it `what` and then `of`. */
  writeShortstr(value: string, what = "a short string", of = ""): void {
    const at = this.#grow(1);
    const length = this.writeText(value, what, of);
    if (length > 0xff) {
      throw new UsageError(
        `${what}${of} is ${length} octets long in UTF-8; at most 255 are allowed`,
      );
    }
    this.#bytes[at] = length;
  }

  /** At most 255 octets as they are, which need not be UTF-8, with their length before them. */
  writeShortstrBytes(value: Uint8Array, what = "a short string"): void {
    const { length } = value;
    if (length > 0xff) {
      throw new UsageError(`${what} is ${length} octets long; at most 255 are allowed`);
    }
    const at = this.#grow(1 + length);
    this.#bytes[at] = length;
    this.#bytes.set(value, at + 1);
  }

  /** Octets with a 32-bit length before them; text is encoded as UTF-8. */
  writeLongstr(value: Uint8Array | string, what = "a long string"): void {
    const at = this.#grow(4);
    if (typeof value === "string") {
      this.#setLong(at, this.writeText(value, what));
    } else if (value instanceof Uint8Array) {
      this.writeBytes(value);
      this.#setLong(at, value.length);
    } else {
      throw new UsageError(`${what} must be a string or a Uint8Array, not ${describe(value)}`);
    }
  }

  /** POSIX time in whole seconds, 64 bits; a fraction of a second is dropped. */
  writeTimestamp(value: Date, what = "a timestamp"): void {
    const milliseconds = value.getTime();
    if (!(milliseconds >= 0)) {
      throw new UsageError(`${what} is an invalid Date or lies before 1970`);
    }
    this.writeLonglong(Math.floor(milliseconds / 1000));
  }

  /** UTF-8 without a length before it; returns how many octets it took. Errors: as above. */
  writeText(value: string, what: string, of = ""): number {
    if (typeof value !== "string") {
      throw new UsageError(`${what}${of} must be a string, not ${describe(value)}`);
    }
    const at = this.#grow(0, value.length * 3);
    const length = value.length < LONG_TEXT ? this.#writeAscii(value, at) : -1;
    if (length >= 0) {
      this.#length = at + length;
      return length;
    }
    const written = encodeTextInto(value, this.#bytes, at);
    if (written !== value.length && !isWellFormed(value)) {
      throw new UsageError(`${what}${of} has half a surrogate pair, which UTF-8 cannot express`);
    }
    this.#length = at + written;
    return written;
  }

  /** Octets as they are. */
  writeBytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** The seven octets that begin a frame; its type and size are known to be right. */
  writeFrameHeader(type: number, channel: number, size: number): void {
    checkInteger(channel, 0, 0xffff, "the channel number");
    const at = this.#grow(7);
    const b = this.#bytes;
    b[at] = type;
    b[at + 1] = channel >>> 8;
    b[at + 2] = channel;
    this.#setLong(at + 3, size);
  }

  /** Writes once more what was written `start` octets after the beginning. */
  repeat(start: number, length: number): void {
    const at = this.#grow(length);
    this.#bytes.copyWithin(at, start, start + length);
  }

  /** Leaves room for a 32-bit length and returns where it is, for {@link Writer.patchLong}. */
  reserveLong(): number {
    return this.#grow(4);
  }

  /** Fills in 32 bits at a place that {@link Writer.reserveLong} gave. */
  patchLong(at: number, value: number): void {
    this.#setLong(at, value);
  }

  /** Replaces 64 bits that were written before. */
  patchLonglong(at: number, value: number): void {
    this.#setLong(at, Math.floor(value / 0x100000000));
    this.#setLong(at + 4, value >>> 0);
  }

  /** Replaces 16 bits that were written before. */
  patchShort(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  #writeAscii(value: string, at: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) return -1;
      bytes[at + i] = unit;
    }
    return value.length;
  }

  #setLong(at: number, value: number): void {
    const b = this.#bytes;
    b[at] = value >>> 24;
    b[at + 1] = value >>> 16;
    b[at + 2] = value >>> 8;
    b[at + 3] = value;
  }

  /** Takes `length` octets, makes sure of `spare` more, and returns where they begin. */
  #grow(length: number, spare = 0): number {
    const at = this.#length;
    const needed = at + length + spare;
    if (needed > this.#bytes.length) {
      const { length: size } = this.#bytes;
      const grown = new Uint8Array(Math.max(needed, size === 0 ? this.#capacity : size * 2));
      grown.set(this.written);
      this.#bytes = grown;
      this.#view = undefined;
    }
    this.#length = at + length;
    return at;
  }

  #dataView(): DataView {
    this.#view ??= new DataView(this.#bytes.buffer);
    return this.#view;
  }
}

/** A connection that says nothing has no buffer. */
const NOTHING = new Uint8Array(0);

/** Names a value's type for an error message, without showing the value. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return `a value of type ${typeof value}`;
  return Array.isArray(value) ? "an array" : `an object of class ${className(value)}`;
}

function className(value: object): string {
  const { constructor: made } = value as { constructor: unknown };
  return typeof made === "function" ? made.name : "unknown";
}

function checkInteger(value: number, low: number, high: number, what: string): void {
  if (!(Number.isInteger(value) && value >= low && value <= high)) {
    const got = typeof value === "number" ? String(value) : describe(value);
    throw new UsageError(`${what} is ${got}; it must be an integer from ${low} to ${high}`);
  }
}
