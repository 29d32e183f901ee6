/**
 * Takes a stream of octets apart into frames, without the library's decoder.
 *
 * Where a frame is due and `AMQP` comes, it is a protocol header of eight octets. What is no frame
 * (a type that is none, a wrong end octet) cannot be skipped, because nobody knows how long it is:
 * from there on everything is octets.
 */
import { FRAME_END, FRAME_TYPE } from "../../wire/generated/constants.ts";
import { decodeHeader, decodeMethod } from "./decode.ts";
import { Malformed } from "./octets.ts";
import type { Received } from "./received.ts";

/** One direction of a conversation. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #length = 0;
  /** How many octets it takes to go on. */
  #needed = 1;
  #lost: string | undefined;

  /** Octets that came and are no whole frame yet. */
  get rest(): Uint8Array {
    return this.#joined();
  }

  /** Takes the next octets, which are copied, and gives what they complete. */
  push(piece: Uint8Array): Received[] {
    if (piece.length === 0) return [];
    this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
    const received: Received[] = [];
    while (this.#length >= this.#needed) {
      const next = this.#next(this.#joined());
      if (next === undefined) continue; // more is needed
      received.push(next);
      this.#take(next.octets.length);
    }
    return received;
  }

  /** What begins the stream; undefined if it is not whole, and then `#needed` has grown. */
  #next(stream: Buffer): Received | undefined {
    if (this.#lost !== undefined) return { kind: "octets", why: this.#lost, octets: stream };
    const start = stream.toString("latin1", 0, 4);
    if ("AMQP".startsWith(start)) {
      if (stream.length < 8) return this.#await(8);
      return { kind: "protocol-header", octets: stream.subarray(0, 8) };
    }
    const type = stream.readUInt8(0);
    if (!FRAME_TYPES.has(type)) return this.#lose(`there is no frame of type ${type}`, stream);
    if (stream.length < 7) return this.#await(7);
    const end = 7 + stream.readUInt32BE(3);
    if (stream.length < end + 1) return this.#await(end + 1);
    if (stream[end] !== FRAME_END) {
      const last = `0x${stream.toString("hex", end, end + 1)}`;
      return this.#lose(`a frame does not end with 0xce where its size says, but ${last}`, stream);
    }
    return readFrame(type, stream.readUInt16BE(1), stream.subarray(0, end + 1));
  }

  #await(octets: number): undefined {
    this.#needed = octets;
  }

  #lose(why: string, stream: Buffer): Received {
    this.#lost = why;
    return { kind: "octets", why, octets: stream };
  }

  #joined(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }

  #take(octets: number): void {
    this.#pieces = [this.#joined().subarray(octets)];
    this.#length -= octets;
    this.#needed = 1;
  }
}

const FRAME_TYPES: ReadonlySet<number> = new Set(Object.values(FRAME_TYPE));

function readFrame(type: number, channel: number, octets: Buffer): Received {
  const payload = octets.subarray(7, -1);
  try {
    switch (type) {
      case FRAME_TYPE.method:
        return { kind: "method", channel, method: decodeMethod(payload), octets };
      case FRAME_TYPE.header:
        return { kind: "header", channel, ...decodeHeader(payload), octets };
      case FRAME_TYPE.body:
        return { kind: "body", channel, body: Uint8Array.from(payload), octets };
      default:
        if (payload.length > 0) throw new Malformed("a heartbeat has no payload", 0);
        return { kind: "heartbeat", channel, octets };
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const why = `${error.message} (at octet ${error.offset} of the payload)`;
    return { kind: "malformed", channel, why, octets };
  }
}
