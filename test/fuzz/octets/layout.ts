/**
 * Where the fields of a frame lie, found by walking along what the specification says of each
 * method. It serves twice: mutations know what they change, and as a second opinion on which frames
 * are well-formed, because it shares no code with the codec.
 */
import { METHODS, type MethodDescription } from "../../../src/wire/generated/method-table.ts";
import { PROPERTY_TYPES } from "../../../src/wire/generated/properties.ts";
import { longAt, shortAt } from "./envelope.ts";

/** What a field is; `length` is that of a string, `table` that of a table or an array. */
export type FieldKind =
  | "type"
  | "channel"
  | "size"
  | "end"
  | "class"
  | "method"
  | "flags"
  | "body size"
  | "integer"
  | "letter"
  | "length"
  | "table"
  | "text";

/** A field and its place in the frame. */
export interface Field {
  readonly kind: FieldKind;
  readonly at: number;
  readonly width: number;
  /** Where that ends which a `size`, `length` or `table` is the length of. */
  readonly until?: number;
}

/** What there is to know of a frame. */
export interface Layout {
  readonly fields: readonly Field[];
  /** The reply code of the first rule that the payload breaks; undefined if it breaks none. */
  readonly fault: number | undefined;
}

/** Tables and arrays may nest so deep; written here once more, so that it cannot be lifted unseen. */
export const NESTING_LIMIT = 64;

/** Walks along a frame that `sender` wrote; an envelope that is broken is taken for whole. */
export function layoutOf(frame: Uint8Array, sender: "client" | "server"): Layout {
  const walker = new Walker(frame, sender);
  let fault: number | undefined;
  try {
    walker.payload();
  } catch (stopped) {
    if (!(stopped instanceof Stopped)) throw stopped;
    fault = stopped.replyCode;
  }
  return { fields: walker.fields, fault };
}

/** The name of the method in a frame; undefined if there is none. */
export function methodIn(frame: Uint8Array): string | undefined {
  if (frame[0] !== 1 || frame.length < 12) return undefined;
  return BY_ID.get(longAt(frame, 7))?.[0];
}

/** The first rule that was broken. */
class Stopped {
  readonly replyCode: number;
  constructor(replyCode: number) {
    this.replyCode = replyCode;
  }
}

const FRAME_ERROR = 501;
const SYNTAX_ERROR = 502;
const COMMAND_INVALID = 503;

class Walker {
  readonly fields: Field[] = [];
  readonly #octets: Uint8Array;
  readonly #sender: "client" | "server";
  #at = 7;
  #end: number;

  constructor(frame: Uint8Array, sender: "client" | "server") {
    this.#octets = frame;
    this.#sender = sender;
    this.#end = Math.max(frame.length - 1, 7);
    if (frame.length < 8) return;
    this.fields.push(
      { kind: "type", at: 0, width: 1 },
      { kind: "channel", at: 1, width: 2 },
      { kind: "size", at: 3, width: 4, until: this.#end },
      { kind: "end", at: this.#end, width: 1 },
    );
  }

  payload(): void {
    const type = this.#octets[0];
    if (type === 1) this.#method();
    else if (type === 2) this.#header();
    else if (this.#end > this.#at) this.#take("text", this.#end - this.#at);
  }

  #method(): void {
    const at = this.#at;
    this.#need(4);
    this.#take("class", 2);
    this.#take("method", 2);
    const [, description] = BY_ID.get(longAt(this.#octets, at)) ?? [];
    if (!description?.from.includes(this.#sender)) throw new Stopped(COMMAND_INVALID);
    const { fields } = description;
    for (let i = 0; i < fields.length; i++) {
      const type = fields[i]?.type as string;
      if (type === "bit") {
        this.#take("integer", 1);
        for (let bits = 1; fields[i + 1]?.type === "bit" && bits < 8; bits++) i++;
      } else {
        this.#value(type);
      }
    }
    this.#expectEnd();
  }

  #header(): void {
    const at = this.#at;
    this.#take("class", 2);
    this.#take("integer", 2);
    if (shortAt(this.#octets, at) !== 60 || shortAt(this.#octets, at + 2) !== 0) {
      throw new Stopped(FRAME_ERROR);
    }
    this.#counter("body size");
    const flags = shortAt(this.#octets, this.#take("flags", 2));
    if ((flags & 3) !== 0) throw new Stopped(SYNTAX_ERROR);
    PROPERTY_TYPES.forEach(([, type], i) => {
      if (flags & (0x8000 >> i)) this.#value(type);
    });
    this.#expectEnd();
  }

  #value(type: string): void {
    switch (type) {
      case "shortstr":
        return this.#string(1);
      case "longstr":
        return this.#string(4);
      case "table":
        return this.#table(1);
      case "longlong":
        return this.#counter("integer");
      default:
        this.#take("integer", WIDTHS[type] as number);
    }
  }

  /** 64 bits that must not be over 2^53 - 1. */
  #counter(kind: "integer" | "body size"): void {
    const at = this.#take(kind, 8);
    if (longAt(this.#octets, at) > 0x1fffff) throw new Stopped(SYNTAX_ERROR);
  }

  #string(width: 1 | 4): void {
    this.#need(width);
    const at = this.#at;
    const length = width === 1 ? (this.#octets[at] as number) : longAt(this.#octets, at);
    this.#at += width;
    // The length stays where its text is cut off: it may be what is wrong.
    const until = Math.min(this.#at + length, this.#end);
    this.fields.push({ kind: "length", at, width, until });
    if (length > 0) this.#take("text", length);
  }

  #table(depth: number): void {
    this.#nested(depth, () => {
      this.#string(1);
      this.#fieldValue(depth);
    });
  }

  #nested(depth: number, entry: () => void): void {
    if (depth > NESTING_LIMIT) throw new Stopped(SYNTAX_ERROR);
    this.#need(4);
    const at = this.#at;
    const length = longAt(this.#octets, at);
    this.#at += 4;
    const until = this.#at + length;
    this.fields.push({ kind: "table", at, width: 4, until: Math.min(until, this.#end) });
    this.#need(length);
    const end = this.#end;
    this.#end = until;
    while (this.#at < until) entry();
    this.#end = end;
  }

  #fieldValue(depth: number): void {
    const letter = String.fromCharCode(this.#octets[this.#take("letter", 1)] as number);
    if (letter === "S" || letter === "x") return this.#string(4);
    if (letter === "F") return this.#table(depth + 1);
    if (letter === "A") return this.#nested(depth + 1, () => this.#fieldValue(depth + 1));
    const width = LETTERS[letter];
    if (width === undefined) throw new Stopped(SYNTAX_ERROR);
    if (width > 0) this.#take("integer", width);
  }

  #take(kind: FieldKind, width: number): number {
    const at = this.#at;
    if (at < this.#end) {
      this.fields.push({ kind, at, width: Math.min(width, this.#end - at) });
    }
    this.#need(width);
    this.#at += width;
    return at;
  }

  #need(width: number): void {
    if (width > this.#end - this.#at) throw new Stopped(FRAME_ERROR);
  }

  #expectEnd(): void {
    if (this.#at !== this.#end) throw new Stopped(FRAME_ERROR);
  }
}

const BY_ID: ReadonlyMap<number, readonly [name: string, MethodDescription]> = new Map(
  Object.entries(METHODS).map((entry) => [entry[1].classId * 0x10000 + entry[1].methodId, entry]),
);

const WIDTHS: { readonly [type: string]: number } = { octet: 1, short: 2, long: 4, timestamp: 8 };

/** The letters of table values of a fixed width (RabbitMQ's errata, section 3). */
const LETTERS: { readonly [letter: string]: number } = {
  ...{ t: 1, b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, l: 8, L: 8, f: 4, d: 8, D: 5, T: 8, V: 0 },
};
