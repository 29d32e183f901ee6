/**
 * Cuts the octets of one direction into pieces: frames, the `AMQP` header, and what is neither.
 *
 * Unlike the client's decoder this one does not end at the first mistake. Where a frame's size is
 * believable and another frame follows behind it, a wrong end is the frame's own mistake. Elsewhere
 * the next place is searched that looks like a frame (plausible.ts), and all octets up to there are
 * given as `undecodable`, in blocks. How the octets are chopped changes nothing in what comes out.
 *
 * What is held is never more than one frame; a frame that says it is larger than `maxFrameSize` is
 * taken for a mistake.
 */
import { FRAME_HEADER_SIZE, FRAME_OVERHEAD } from "../wire/frame.ts";
import { FRAME_END, PROTOCOL_HEADER } from "../wire/generated/constants.ts";
import type { EventError } from "./model.ts";
import { frameSize, isFrameType, looksLikeFrame, looksLikeWholeFrame } from "./plausible.ts";

/** A piece of one direction. */
export interface Piece {
  readonly kind: "frame" | "protocol-header" | "undecodable" | "encrypted" | "gap";
  /** Of its first octet, in its direction, those of gaps counted. */
  readonly offset: number;
  /** A copy. */
  readonly bytes: Uint8Array;
  readonly error: EventError | undefined;
  /** Of a gap: how many octets are missing. */
  readonly missing: number | undefined;
}

/**
 * The largest frame that is waited for, in octets: 128 times RabbitMQ's default frame-max. It
 * bounds what a direction holds in memory.
 */
export const MAX_FRAME_SIZE = 16_777_216;

/** What is no frame is given in blocks of at most so many octets. */
export const BLOCK_SIZE = 4096;

/**
 * In a search no frame larger than RabbitMQ's default frame-max is believed: each must be there in
 * whole before one can tell, and what is behind it waits.
 */
const SEARCH_MAX = 131_072;

/** Push octets in, pull pieces out. */
export class Framer {
  readonly #maxFrameSize: number;
  readonly #searchMax: number;
  #bytes: Uint8Array = new Uint8Array(1024);
  #start = 0;
  #end = 0;
  /** Of `#start`, in the direction. */
  #offset = 0;
  #mode: "frames" | "search" | "skip" | "encrypted" = "frames";
  /** In a search: the octet that is looked at next. */
  #scan = 0;
  /** In a search or a skip: what is said of its first block. */
  #error: EventError | undefined;
  /** In a skip: where it ends, in the direction. */
  #skipUntil = 0;
  /** Where the frame would have ended that `finish` gave in part; 0 where there is none. */
  #cutFrameEnd = 0;

  /** `midstream`: the first octet may be anywhere in a frame. */
  constructor(midstream: boolean, maxFrameSize: number = MAX_FRAME_SIZE) {
    this.#maxFrameSize = maxFrameSize;
    this.#searchMax = Math.min(SEARCH_MAX, maxFrameSize);
    if (midstream) this.#search(0, { offset: 0, message: "the beginning is not a frame's" });
  }

  /** How many octets are held. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Whether the next octets are the rest of a frame that `finish` gave in part. */
  get isInFrame(): boolean {
    return this.#mode === "skip";
  }

  /** Takes the next octets. */
  push(piece: Uint8Array): void {
    const length = this.#end - this.#start;
    if (this.#end + piece.length > this.#bytes.length) {
      const needed = length + piece.length;
      const fits = needed <= this.#bytes.length / 2;
      const target = fits ? this.#bytes : new Uint8Array(Math.max(needed * 2, 1024));
      target.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = target;
      this.#scan -= this.#start;
      this.#start = 0;
      this.#end = length;
    }
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /** The next piece that is complete. */
  next(): Piece | undefined {
    return this.#next(undefined);
  }

  /**
   * Nothing more comes, or octets are missing: what is left, as it is. Call it until it gives nothing
   * more.
   */
  finish(why: "end" | "gap"): Piece | undefined {
    return this.#next(why);
  }

  /** So many octets are missing here, 0: nobody knows how many. Call it when {@link finish} gives nothing more. */
  gap(missing: number): Piece {
    const offset = this.#offset;
    this.#offset += missing;
    const frameEnd = this.#mode === "skip" ? this.#skipUntil : this.#cutFrameEnd;
    this.#cutFrameEnd = 0;
    if (missing > 0 && frameEnd >= this.#offset) this.#skip(frameEnd);
    else if (this.#mode !== "encrypted") this.#search(0, undefined);
    return { kind: "gap", offset, bytes: NOTHING, error: undefined, missing };
  }

  #next(why: Ending): Piece | undefined {
    switch (this.#mode) {
      case "frames":
        return this.#nextFrame(why);
      case "search":
        return this.#nextFound(why);
      case "skip":
        return this.#nextSkipped(why);
      default:
        return this.#block(this.#end, "encrypted", why !== undefined);
    }
  }

  #nextFrame(why: Ending): Piece | undefined {
    const available = this.#end - this.#start;
    if (available === 0) return undefined;
    const first = this.#bytes[this.#start] as number;
    if (this.#offset === 0 && first >= 0x14 && first <= 0x17) {
      const look = this.#looksLikeTls();
      if (look === undefined && why === undefined) return undefined;
      if (look === true) {
        this.#mode = "encrypted";
        return this.#next(why);
      }
    }
    if (first === PROTOCOL_HEADER[0]) return this.#nextProtocolHeader(available, why);
    if (!isFrameType(first)) {
      return this.#searchOn(0, `${hex(first)} begins no frame`, why);
    }
    if (available < FRAME_HEADER_SIZE) return this.#cut(available, undefined, why);
    const size = frameSize(this.#bytes, this.#start);
    if (size > this.#maxFrameSize) {
      return this.#searchOn(3, `a frame of ${size} octets is not believable`, why);
    }
    if (available < size) return this.#cut(available, size, why);
    if (this.#bytes[this.#start + size - 1] === FRAME_END) {
      return this.#take(size, "frame", undefined);
    }
    const at = this.#start + size;
    const behind = looksLikeFrame(this.#bytes, at, this.#end, this.#maxFrameSize);
    if (typeof behind === "number" && why === undefined) return undefined;
    if (behind === "yes" || (why !== undefined && available === size)) {
      return this.#take(size, "frame", undefined);
    }
    return this.#searchOn(3, `no frame ends where this size, ${size - FRAME_OVERHEAD}, says`, why);
  }

  #nextProtocolHeader(available: number, why: Ending): Piece | undefined {
    for (let i = 0; i < Math.min(available, 4); i++) {
      if (this.#bytes[this.#start + i] !== PROTOCOL_HEADER[i]) {
        return this.#searchOn(i, "neither a frame nor the AMQP header", why);
      }
    }
    if (available >= PROTOCOL_HEADER.length) {
      return this.#take(PROTOCOL_HEADER.length, "protocol-header", undefined);
    }
    if (why === undefined) return undefined;
    const message = `${ENDING[why]} inside the AMQP header`;
    return this.#take(available, "undecodable", { offset: available, message });
  }

  /** The frame is not there in whole: waits, or gives what there is of it. */
  #cut(available: number, size: number | undefined, why: Ending): Piece | undefined {
    if (why === undefined) return undefined;
    if (size !== undefined && why === "end" && this.#holdsAFrame()) {
      return this.#searchOn(3, `a frame of ${size} octets goes beyond the end of the input`, why);
    }
    const of = size === undefined ? "" : ` of ${size}`;
    const message = `${ENDING[why]} inside a frame: ${available}${of} octets are there`;
    if (size !== undefined) this.#cutFrameEnd = this.#offset + size;
    return this.#take(available, "frame", { offset: available, message });
  }

  /** Whether there is a whole frame behind the first octet: then this one's size is wrong. */
  #holdsAFrame(): boolean {
    for (let at = this.#start + 1; at < this.#end; at++) {
      if (looksLikeWholeFrame(this.#bytes, at, this.#end, this.#searchMax) === "yes") return true;
    }
    return false;
  }

  #nextFound(why: Ending): Piece | undefined {
    if (this.#offset === 0 && this.#scan === this.#start && this.#start < this.#end) {
      const look = this.#looksLikeTls();
      if (look === undefined && why === undefined) return undefined;
      if (look === true) {
        this.#mode = "encrypted";
        return this.#next(why);
      }
    }
    for (; this.#scan < this.#end; this.#scan++) {
      if (this.#scan - this.#start >= BLOCK_SIZE) return this.#takeFound(BLOCK_SIZE);
      const look = this.#looksLikeAny();
      if (look === "yes") {
        this.#mode = "frames";
        const length = this.#scan - this.#start;
        return length === 0 ? this.#next(why) : this.#takeFound(length);
      }
      if (look !== "no" && why === undefined) return undefined;
    }
    const left = this.#end - this.#start;
    if (left >= BLOCK_SIZE) return this.#takeFound(BLOCK_SIZE);
    return why === undefined || left === 0 ? undefined : this.#takeFound(left);
  }

  #looksLikeAny(): "yes" | "no" | number {
    if (this.#bytes[this.#scan] !== PROTOCOL_HEADER[0]) {
      return looksLikeWholeFrame(this.#bytes, this.#scan, this.#end, this.#searchMax);
    }
    for (let i = 0; i < PROTOCOL_HEADER.length; i++) {
      if (this.#scan + i >= this.#end) return PROTOCOL_HEADER.length;
      if (this.#bytes[this.#scan + i] !== PROTOCOL_HEADER[i]) return "no";
    }
    return "yes";
  }

  #nextSkipped(why: Ending): Piece | undefined {
    const left = this.#skipUntil - this.#offset;
    if (left > 0) {
      const end = Math.min(this.#end, this.#start + left);
      return this.#block(end, "undecodable", why !== undefined || end - this.#start === left);
    }
    this.#mode = "frames";
    return this.#next(why);
  }

  /** A block, or what there is up to `end` where no more is waited for. */
  #block(end: number, kind: "undecodable" | "encrypted", all: boolean): Piece | undefined {
    const there = end - this.#start;
    if (there >= BLOCK_SIZE) return this.#take(BLOCK_SIZE, kind, undefined);
    return all && there > 0 ? this.#take(there, kind, undefined) : undefined;
  }

  /** A TLS record: its type, the version 3.x. Undefined where it takes more octets to tell. */
  #looksLikeTls(): boolean | undefined {
    const [type = 0, major, minor] = this.#bytes.subarray(this.#start, this.#end);
    if (type < 0x14 || type > 0x17) return false;
    if (major === undefined) return undefined;
    if (major !== 3) return false;
    return minor === undefined ? undefined : minor <= 4;
  }

  #searchOn(offset: number, message: string, why: Ending): Piece | undefined {
    this.#search(this.#start + 1, { offset, message });
    return this.#next(why);
  }

  #search(from: number, error: EventError | undefined): void {
    this.#mode = "search";
    this.#scan = Math.max(from, this.#start);
    this.#error = error;
  }

  #skip(until: number): void {
    this.#mode = "skip";
    this.#skipUntil = until;
  }

  #takeFound(length: number): Piece {
    let error = this.#error;
    this.#error = undefined;
    // What looks like a frame may begin before the octet that is wrong.
    if (error !== undefined && error.offset >= length) error = { ...error, offset: length - 1 };
    const ahead = this.#scan - this.#start - length;
    const piece = this.#take(length, "undecodable", error);
    this.#scan = this.#start + ahead;
    return piece;
  }

  #take(length: number, kind: Piece["kind"], error: EventError | undefined): Piece {
    const bytes = this.#bytes.slice(this.#start, this.#start + length);
    const offset = this.#offset;
    this.#start += length;
    this.#offset += length;
    if (this.#start === this.#end) this.#letGo();
    return { kind, offset, bytes, error, missing: undefined };
  }

  /** A large buffer must not stay for the small frames that follow. */
  #letGo(): void {
    this.#start = 0;
    this.#end = 0;
    if (this.#bytes.length > KEPT) this.#bytes = new Uint8Array(1024);
  }
}

/** Why no more octets are waited for; undefined while they are. */
type Ending = "end" | "gap" | undefined;

const ENDING = {
  end: "the input ends",
  gap: "octets are missing from the capture",
} as const;

const KEPT = 262_144;
const NOTHING = new Uint8Array(0);

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0")}`;
}
