/**
 * Octets for the scripted peer: from hex, from values, and back. Everything in this folder that
 * makes or reads bytes rests on this file and on Node's `Buffer`, on nothing of `src/wire`.
 */

/** Octets as a script gives them: bytes, or hex digits with spaces and line breaks at will. */
export type Octets = Uint8Array | string;

/**
 * The octets that were given, in a copy. Throws a `TypeError` on text that is not hex: a script that
 * means text says `Buffer.from("…")`.
 */
export function octetsOf(octets: Octets): Buffer {
  if (typeof octets !== "string") return Buffer.from(octets);
  const digits = octets.replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new TypeError(`octets are given as bytes or as pairs of hex digits, not as "${octets}"`);
  }
  return Buffer.from(digits, "hex");
}

/** Octets in hex, two digits and a space each; of many, the first ones and how many there are. */
export function hexOf(octets: Uint8Array, most = 32): string {
  const shown = Buffer.from(octets.subarray(0, most)).toString("hex").replace(/..\B/g, "$& ");
  return octets.length <= most ? shown : `${shown} … (${octets.length} octets)`;
}

/** An integer without a sign, the most significant octet first. */
export function unsigned(value: number | bigint, length: 1 | 2 | 4 | 8): Buffer {
  return integer(value, length, 0n, 2n ** BigInt(8 * length) - 1n);
}

/** An integer in two's complement. */
export function signed(value: number | bigint, length: 1 | 2 | 4 | 8): Buffer {
  const half = 2n ** BigInt(8 * length - 1);
  return integer(value, length, -half, half - 1n);
}

/** Text of at most 255 octets, with its length in one octet before it. */
export function shortstr(text: string | Uint8Array): Buffer {
  const octets = Buffer.from(text as string);
  return Buffer.concat([unsigned(octets.length, 1), octets]);
}

/** Octets or text with their length in four octets before them. */
export function longstr(text: string | Uint8Array): Buffer {
  const octets = Buffer.from(text as string);
  return Buffer.concat([unsigned(octets.length, 4), octets]);
}

/** What a peer said cannot be read: the reason, and how many octets into the payload. */
export class Malformed extends Error {
  /** Octets from the start of the payload. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** A place in octets that are being read; every read moves it on. */
export class Cursor {
  /** Octets that were read so far. */
  offset: number;
  readonly #octets: Buffer;
  readonly #end: number;

  constructor(octets: Uint8Array, offset = 0, end: number = octets.length) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    this.offset = offset;
    this.#end = end;
  }

  /** Octets that are left. */
  get left(): number {
    return this.#end - this.offset;
  }

  /** The next octets, in a copy. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return Uint8Array.from(this.#octets.subarray(start, start + length));
  }

  /** An integer without a sign. */
  unsigned(length: 1 | 2 | 4): number {
    return this.#octets.readUIntBE(this.#advance(length), length);
  }

  /** An integer in two's complement. */
  signed(length: 1 | 2 | 4): number {
    return this.#octets.readIntBE(this.#advance(length), length);
  }

  /** 64 bits without a sign: a bigint where a number is not exact. */
  unsigned64(): number | bigint {
    return plain(this.#octets.readBigUInt64BE(this.#advance(8)));
  }

  /** 64 bits in two's complement: a bigint where a number is not exact. */
  signed64(): number | bigint {
    return plain(this.#octets.readBigInt64BE(this.#advance(8)));
  }

  /** A float of 32 bits. */
  float(): number {
    return this.#octets.readFloatBE(this.#advance(4));
  }

  /** A float of 64 bits. */
  double(): number {
    return this.#octets.readDoubleBE(this.#advance(8));
  }

  /** Text with its length in one octet before it; what is not UTF-8 shows as U+FFFD. */
  shortstr(): string {
    return Buffer.from(this.take(this.unsigned(1))).toString("utf8");
  }

  /** Octets with their length in four octets before them. */
  longstr(): Uint8Array {
    return this.take(this.unsigned(4));
  }

  /** A part with its own end, behind its length in four octets; this cursor goes on after it. */
  nested(): Cursor {
    const length = this.unsigned(4);
    const start = this.#advance(length);
    return new Cursor(this.#octets, start, start + length);
  }

  #advance(length: number): number {
    const start = this.offset;
    if (length > this.left) {
      throw new Malformed(`${length} octets are due and ${this.left} are left`, start);
    }
    this.offset += length;
    return start;
  }
}

function plain(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function integer(value: number | bigint, length: number, min: bigint, max: bigint): Buffer {
  if (typeof value === "number" ? !Number.isInteger(value) : typeof value !== "bigint") {
    throw new TypeError(`${String(value)} is no integer`);
  }
  let rest = BigInt(value);
  if (rest < min || rest > max) {
    throw new RangeError(`${value} does not fit in ${length} octets, which take ${min} to ${max}`);
  }
  const octets = Buffer.alloc(length);
  for (let at = length - 1; at >= 0; at--) {
    octets[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return octets;
}
