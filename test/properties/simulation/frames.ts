/**
 * Octets of either side to frames, and the frames of one channel to methods with their content.
 * The model broker reads the client with it, and the judge both.
 */
import { FrameDecoder } from "../../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../../src/wire/generated/codec.ts";
import { FRAME_TYPE, PROTOCOL_HEADER } from "../../../src/wire/generated/constants.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";
import { readContentHeader } from "../../../src/wire/properties.ts";
import { Reader } from "../../../src/wire/reader.ts";

export type Frame =
  | { readonly type: "method"; readonly channel: number; readonly method: Method }
  | {
      readonly type: "header";
      readonly channel: number;
      readonly bodySize: number;
      readonly properties: BasicProperties;
    }
  | { readonly type: "body"; readonly channel: number; readonly octets: Uint8Array }
  | { readonly type: "heartbeat"; readonly channel: number };

/** The frames that `side` writes; raises for what is none, and for one over `frameMax`. */
export class FrameStream {
  readonly #side: "client" | "server";
  readonly #decoder: FrameDecoder;
  #greeting = 0;

  constructor(side: "client" | "server", frameMax: number) {
    this.#side = side;
    this.#decoder = new FrameDecoder(frameMax);
    if (side === "client") this.#greeting = PROTOCOL_HEADER.length;
  }

  /** The frames that these octets complete. */
  push(octets: Uint8Array): Frame[] {
    const skipped = Math.min(this.#greeting, octets.length);
    this.#greeting -= skipped;
    this.#decoder.push(octets.subarray(skipped));
    const frames: Frame[] = [];
    for (let raw = this.#decoder.next(); raw !== undefined; raw = this.#decoder.next()) {
      const { channel } = raw;
      const reader = new Reader(raw.bytes, raw.start, raw.end);
      if (raw.type === FRAME_TYPE.method) {
        const read = this.#side === "client" ? readClientMethod : readServerMethod;
        frames.push({ type: "method", channel, method: read(reader) });
      } else if (raw.type === FRAME_TYPE.header) {
        frames.push({ type: "header", channel, ...readContentHeader(reader) });
      } else if (raw.type === FRAME_TYPE.body) {
        const body = raw.bytes.slice(raw.start, raw.end);
        frames.push({ type: "body", channel, octets: body });
      } else {
        frames.push({ type: "heartbeat", channel });
      }
    }
    return frames;
  }
}

/** A method, with the content of a basic.publish or basic.return. */
export interface Command {
  readonly method: Method;
  readonly properties: BasicProperties;
  readonly body: string;
}

/** Puts the frames of one channel together; raises when another comes between those of a content. */
export class CommandStream {
  #method: Method | undefined;
  #header: Extract<Frame, { type: "header" }> | undefined;
  #pieces: Uint8Array[] = [];

  /** The command that this frame completes. */
  push(frame: Frame): Command | undefined {
    if (frame.type === "method") {
      if (this.#method !== undefined) throw new Error(`505: ${frame.method.name} within content`);
      if (!CONTENT.has(frame.method.name))
        return { method: frame.method, properties: {}, body: "" };
      this.#method = frame.method;
      return undefined;
    }
    if (frame.type === "header") {
      if (this.#method === undefined || this.#header !== undefined)
        throw new Error("505: a header");
      this.#header = frame;
    } else if (frame.type === "body") {
      if (this.#header === undefined) throw new Error("505: a body without a header");
      this.#pieces.push(frame.octets);
    }
    return this.#finish();
  }

  #finish(): Command | undefined {
    const method = this.#method;
    const header = this.#header;
    if (method === undefined || header === undefined) return undefined;
    const body = Buffer.concat(this.#pieces);
    if (body.length > header.bodySize) throw new Error("501: a body is longer than declared");
    if (body.length < header.bodySize) return undefined;
    this.#method = undefined;
    this.#header = undefined;
    this.#pieces = [];
    return { method, properties: header.properties, body: body.toString() };
  }
}

const CONTENT: ReadonlySet<string> = new Set(["basic.publish", "basic.return"]);
