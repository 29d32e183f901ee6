/**
 * What the party under test writes must be in order whatever it reads: whole frames within the
 * limit, every one well-formed, content without a gap, and nothing behind a close but what belongs
 * there. Read with the second parser, not with the one under test.
 */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { check } from "../fault.ts";
import { Envelope, longAt, shortAt } from "./envelope.ts";
import { layoutOf, methodIn } from "./layout.ts";

/** The content of a message, and whose it is. */
export interface WrittenContent {
  readonly method: string;
  readonly body: Uint8Array;
}

/** Reads one side of a connection. */
export class Written {
  /** The largest frame allowed now. */
  limit: number;
  /** All octets so far. */
  octets = 0;
  /** How often each method was written on a channel: `3 channel.close-ok`. */
  readonly counts: Map<string, number> = new Map();
  /** The last connection.close, as it was written. */
  close: { readonly replyCode: number; readonly replyText: string } | undefined;
  readonly #sender: "client" | "server";
  readonly #onMethod: (channel: number, name: string) => void;
  readonly #onContent: (content: WrittenContent) => void;
  readonly #envelope = new Envelope();
  readonly #contents: Map<number, Content> = new Map();
  #header: number;

  /** A `header` is so many octets that come before the first frame. */
  constructor(
    sender: "client" | "server",
    options: {
      readonly limit: number;
      readonly header: number;
      readonly onMethod: (channel: number, name: string) => void;
      readonly onContent?: (content: WrittenContent) => void;
    },
  ) {
    this.#sender = sender;
    this.limit = options.limit;
    this.#header = options.header;
    this.#onMethod = options.onMethod;
    this.#onContent = options.onContent ?? (() => {});
  }

  /** The next octets; the party writes whole frames only. */
  push(octets: Uint8Array): void {
    this.octets += octets.length;
    const skipped = Math.min(this.#header, octets.length);
    this.#header -= skipped;
    const frames = this.#envelope.push(octets.subarray(skipped), this.limit);
    const { broken, rest } = this.#envelope;
    check(broken === undefined, "it writes a broken frame", () => broken as string);
    check(rest === 0, "it writes a part of a frame");
    for (const frame of frames) this.#read(frame);
  }

  /** How often a method was written on a channel. */
  count(channel: number, name: Method["name"]): number {
    return this.counts.get(`${channel} ${name}`) ?? 0;
  }

  #read(frame: Uint8Array): void {
    const channel = shortAt(frame, 1);
    const { fault } = layoutOf(frame, this.#sender);
    check(fault === undefined, "it writes a malformed frame", () => `${fault}: ${hexOf(frame)}`);
    if (frame[0] === 8) return check(channel === 0, "it writes a heartbeat on a channel");
    if (frame[0] === 1) this.#method(frame, channel, methodIn(frame) as Method["name"]);
    else this.#content(frame, channel);
  }

  #method(frame: Uint8Array, channel: number, name: Method["name"]): void {
    check(!this.#contents.has(channel), "it writes content with a gap", () => name);
    if (name === "connection.close") {
      const replyText = Buffer.from(frame.subarray(14, -5)).toString();
      this.close = { replyCode: shortAt(frame, 11), replyText };
    }
    const key = `${channel} ${name}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.#onMethod(channel, name);
    if (METHODS[name].content) this.#contents.set(channel, new Content(name));
  }

  #content(frame: Uint8Array, channel: number): void {
    const content = this.#contents.get(channel);
    check(content !== undefined, "it writes content without a method");
    content.push(frame);
    if (content.left > 0) return;
    this.#contents.delete(channel);
    this.#onContent({ method: content.method, body: Buffer.concat(content.pieces) });
  }
}

class Content {
  readonly method: string;
  readonly pieces: Uint8Array[] = [];
  left = Number.POSITIVE_INFINITY;

  constructor(method: string) {
    this.method = method;
  }

  push(frame: Uint8Array): void {
    const isHeader = this.left === Number.POSITIVE_INFINITY;
    check((frame[0] === 2) === isHeader, "it writes content in the wrong order");
    if (isHeader) {
      this.left = longAt(frame, 11) * 0x1_0000_0000 + longAt(frame, 15);
    } else {
      this.pieces.push(frame.slice(7, -1));
      this.left -= frame.length - 8;
      check(this.left >= 0, "it writes a body that is longer than declared");
    }
  }
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets.subarray(0, 200)).toString("hex");
}
