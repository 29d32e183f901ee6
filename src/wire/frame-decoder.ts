/**
 * Finds frames in a stream of octets that comes in pieces of any size.
 *
 * A frame that lies whole in a piece is given as a view of it, without a copy. One that is cut is
 * gathered in a buffer of the decoder's own, which never holds more than one frame and grows only
 * as octets really arrive. The frame's type and size are checked as soon as they are there: a
 * frame over the limit is refused before a single octet of its payload is kept.
 */
import { ProtocolError } from "../errors.ts";
import { FRAME_HEADER_SIZE, FRAME_OVERHEAD } from "./frame.ts";
import { FRAME_END, FRAME_TYPE, REPLY_CODE } from "./generated/constants.ts";

/** A frame whose payload has not been looked at: `bytes` from `start` up to `end`. */
export interface RawFrame {
  /** One of `FRAME_TYPE`. */
  readonly type: number;
  /** 0 to 65,535. */
  readonly channel: number;
  /** Where the payload lies; valid until the decoder's next call. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Push pieces in, pull frames out. */
export class FrameDecoder {
  /** The largest frame accepted, in octets, all eight octets around the payload included. */
  maxFrameSize: number;
  #piece: Uint8Array = NOTHING;
  #offset = 0;
  #partial: Uint8Array = NOTHING;
  #partialLength = 0;
  readonly #frame: { -readonly [K in keyof RawFrame]: RawFrame[K] } = {
    type: 0,
    channel: 0,
    bytes: NOTHING,
    start: 0,
    end: 0,
  };

  constructor(maxFrameSize: number) {
    this.maxFrameSize = maxFrameSize;
  }

  /** How many octets of an unfinished frame are held. */
  get buffered(): number {
    return this.#partialLength;
  }

  /** These octets, which begin with a frame; valid until the next call. */
  get unfinished(): Uint8Array {
    return this.#partial.subarray(0, this.#partialLength);
  }

  /** Takes the next piece of the stream; the one before must have been read to its end. */
  push(piece: Uint8Array): void {
    this.#piece = piece;
    this.#offset = 0;
  }

  /** What is left of the piece that was pushed, for whoever takes the stream over. */
  get unread(): Uint8Array {
    return this.#piece.subarray(this.#offset);
  }

  /**
   * The next frame, or undefined when the piece is used up. The object and its octets are valid
   * until the next call.
   */
  next(): RawFrame | undefined {
    const frame = this.#partialLength > 0 ? this.#nextFromPartial() : this.#nextFromPiece();
    if (frame === undefined) this.#letGo();
    return frame;
  }

  /** A small piece may be all that is left of a large buffer; it must not stay until the next. */
  #letGo(): void {
    this.#piece = NOTHING;
    this.#offset = 0;
    this.#frame.bytes = NOTHING;
  }

  #nextFromPiece(): RawFrame | undefined {
    const left = this.#piece.length - this.#offset;
    if (left === 0) return undefined;
    const size = this.#checkHeader(this.#piece, this.#offset, left);
    if (left < size) {
      this.#gather(left);
      return undefined;
    }
    const at = this.#offset;
    this.#offset += size;
    return this.#finish(this.#piece, at, size);
  }

  #nextFromPartial(): RawFrame | undefined {
    if (!this.#fill(FRAME_HEADER_SIZE)) return undefined;
    const size = this.#checkHeader(this.#partial, 0, this.#partialLength);
    if (!this.#fill(size)) return undefined;
    this.#partialLength = 0;
    return this.#finish(this.#partial, 0, size);
  }

  /** Gathers up to `length` octets of the frame under way; false if there are not enough yet. */
  #fill(length: number): boolean {
    const wanted = length - this.#partialLength;
    if (wanted > 0) this.#gather(Math.min(wanted, this.#piece.length - this.#offset));
    return this.#partialLength >= length;
  }

  #gather(length: number): void {
    const needed = this.#partialLength + length;
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(needed, this.#partial.length * 2));
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    const from = this.#offset;
    this.#partial.set(this.#piece.subarray(from, from + length), this.#partialLength);
    this.#partialLength = needed;
    this.#offset += length;
  }

  /** Checks what is there of a frame's header; returns the frame's whole size, once it is known. */
  #checkHeader(bytes: Uint8Array, at: number, available: number): number {
    const type = bytes[at] as number;
    if (!FRAME_TYPES.has(type)) {
      throw new ProtocolError(`a frame begins with ${type}, which is no frame type`, {
        replyCode: REPLY_CODE.frameError,
        expected: [...FRAME_TYPES].join(", "),
        got: String(type),
      });
    }
    if (available < FRAME_HEADER_SIZE) return FRAME_HEADER_SIZE;
    const size =
      (((bytes[at + 3] as number) << 24) |
        ((bytes[at + 4] as number) << 16) |
        ((bytes[at + 5] as number) << 8) |
        (bytes[at + 6] as number)) >>>
      0;
    if (size + FRAME_OVERHEAD > this.maxFrameSize) {
      throw new ProtocolError("a frame is larger than the frame-max that was negotiated", {
        replyCode: REPLY_CODE.frameError,
        expected: `at most ${this.maxFrameSize} octets`,
        got: String(size + FRAME_OVERHEAD),
      });
    }
    return size + FRAME_OVERHEAD;
  }

  #finish(bytes: Uint8Array, at: number, size: number): RawFrame {
    const end = at + size - 1;
    if (bytes[end] !== FRAME_END) {
      throw new ProtocolError("a frame does not end where its size says", {
        replyCode: REPLY_CODE.frameError,
        expected: String(FRAME_END),
        got: String(bytes[end]),
        offset: size - FRAME_OVERHEAD,
      });
    }
    const frame = this.#frame;
    frame.type = bytes[at] as number;
    frame.channel = ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    frame.bytes = bytes;
    frame.start = at + FRAME_HEADER_SIZE;
    frame.end = end;
    return frame;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
const FRAME_TYPES: ReadonlySet<number> = new Set(Object.values(FRAME_TYPE));
