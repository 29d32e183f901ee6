/**
 * Octets of either side to frames, and the frames of one channel to methods with their content,
 * strictly: what breaks a rule of AMQP is found, with the reply code that answers it. The model
 * broker reads the client with it, and the judge both sides. Above the fields of methods and
 * headers it shares nothing with the client.
 */
import { readClientMethod, readServerMethod } from "../../../src/wire/generated/codec.ts";
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";
import { readContentHeader } from "../../../src/wire/properties.ts";
import { Reader } from "../../../src/wire/reader.ts";

/** A frame that keeps the rules of framing. */
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

/** What cannot be read; on a channel, where its frame says so. */
export interface Broken {
  readonly type: "broken";
  readonly channel: number | undefined;
  readonly rule: BrokenRule;
}

/** A rule of AMQP was broken; what follows cannot be trusted. */
export class BrokenRule extends Error {
  /** What the specification answers. */
  readonly replyCode: number;

  constructor(replyCode: number, text: string) {
    super(`${replyCode}: ${text}`);
    this.replyCode = replyCode;
  }
}

/** The frames that `side` writes. */
export class FrameStream {
  readonly #side: "client" | "server";
  readonly #frameMax: number;
  #greeting: number;
  #held: Uint8Array = new Uint8Array(0);
  #isBroken = false;

  constructor(side: "client" | "server", frameMax: number) {
    this.#side = side;
    this.#frameMax = frameMax;
    this.#greeting = side === "client" ? PROTOCOL_HEADER_SIZE : 0;
  }

  /** The frames that these octets complete; raises for what is none. */
  push(octets: Uint8Array): Frame[] {
    return this.read(octets).map((frame) => {
      if (frame.type === "broken") throw frame.rule;
      return frame;
    });
  }

  /** The frames that these octets complete, up to the first that breaks a rule of framing. */
  read(octets: Uint8Array): (Frame | Broken)[] {
    const skipped = Math.min(this.#greeting, octets.length);
    this.#greeting -= skipped;
    const fresh = octets.subarray(skipped);
    const all = this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh]);
    const frames: (Frame | Broken)[] = [];
    let at = 0;
    for (let size = 0; at < all.length && !this.#isBroken; at += size) {
      const rest = all.subarray(at);
      try {
        size = this.#sizeOf(rest);
        if (size > rest.length) break;
        if (rest[size - 1] !== FRAME_END) throw new BrokenRule(501, "a frame ends wrong");
        frames.push(this.#frame(rest.subarray(0, size)));
      } catch (error) {
        this.#isBroken = true;
        frames.push({ type: "broken", channel: undefined, rule: error as BrokenRule });
      }
    }
    this.#held = all.slice(at);
    return frames;
  }

  /** The octets of the frame that begins here, or one more than there are. */
  #sizeOf(octets: Uint8Array): number {
    if (TYPES[octets[0] as number] === undefined) throw new BrokenRule(501, "a frame of no type");
    if (octets.length < HEADER_SIZE) return octets.length + 1;
    const size = long(octets, 3) + HEADER_SIZE + 1;
    if (size > this.#frameMax) throw new BrokenRule(501, "a frame over frame-max");
    return size;
  }

  #frame(octets: Uint8Array): Frame | Broken {
    const type = TYPES[octets[0] as number] as Frame["type"];
    const channel = short(octets, 1);
    const payload = octets.slice(HEADER_SIZE, -1);
    if (type === "body") return { type, channel, octets: payload };
    if (type === "heartbeat") {
      if (channel !== 0) return broken(undefined, 505, "a heartbeat on a channel");
      if (payload.length > 0) return broken(undefined, 501, "a heartbeat with a payload");
      return { type, channel };
    }
    try {
      if (type === "method") return { type, channel, method: readMethod(payload, this.#side) };
      return { type, channel, ...readContentHeader(new Reader(payload)) };
    } catch (error) {
      if (error instanceof BrokenRule) return { type: "broken", channel, rule: error };
      return broken(channel, 501, `a ${type} cannot be read: ${(error as Error).message}`);
    }
  }
}

function readMethod(payload: Uint8Array, side: "client" | "server"): Method {
  const id = payload.length < 4 ? undefined : long(payload, 0);
  if (id !== undefined && !SENDERS.get(id)?.includes(side)) {
    throw new BrokenRule(
      503,
      `method ${Math.floor(id / 0x10000)} ${id % 0x10000} is none of a ${side}`,
    );
  }
  const reader = new Reader(payload);
  const method = side === "client" ? readClientMethod(reader) : readServerMethod(reader);
  if (reader.remaining > 0) throw new BrokenRule(501, "octets behind the fields of a method");
  return method;
}

function broken(channel: number | undefined, replyCode: number, text: string): Broken {
  return { type: "broken", channel, rule: new BrokenRule(replyCode, text) };
}

function short(octets: Uint8Array, at: number): number {
  return (octets[at] as number) * 0x100 + (octets[at + 1] as number);
}

function long(octets: Uint8Array, at: number): number {
  return short(octets, at) * 0x10000 + short(octets, at + 2);
}

/** A method, with its content where it has one. */
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
      if (this.#method !== undefined) throw new BrokenRule(505, `${frame.method.name} in content`);
      if (!METHODS[frame.method.name].content)
        return { method: frame.method, properties: {}, body: "" };
      this.#method = frame.method;
      return undefined;
    }
    if (frame.type === "header") {
      if (this.#method === undefined || this.#header !== undefined)
        throw new BrokenRule(505, "a header");
      this.#header = frame;
    } else if (frame.type === "body") {
      if (this.#header === undefined) throw new BrokenRule(505, "a body without a header");
      this.#pieces.push(frame.octets);
    }
    return this.#finish();
  }

  #finish(): Command | undefined {
    const method = this.#method;
    const header = this.#header;
    if (method === undefined || header === undefined) return undefined;
    const body = Buffer.concat(this.#pieces);
    if (body.length > header.bodySize) throw new BrokenRule(505, "a body longer than declared");
    if (body.length < header.bodySize) return undefined;
    this.#method = undefined;
    this.#header = undefined;
    this.#pieces = [];
    return { method, properties: header.properties, body: body.toString() };
  }
}

const PROTOCOL_HEADER_SIZE = 8;
/** Type, channel and size. */
const HEADER_SIZE = 7;
const FRAME_END = 0xce;
const TYPES: readonly (Frame["type"] | undefined)[] = Object.assign(new Array(256), {
  1: "method",
  2: "header",
  3: "body",
  8: "heartbeat",
});

/** Who may send each method, by its two ids as one number. */
const SENDERS: ReadonlyMap<number, readonly string[]> = new Map(
  Object.values(METHODS).map(({ classId, methodId, from }) => [classId * 0x10000 + methodId, from]),
);
