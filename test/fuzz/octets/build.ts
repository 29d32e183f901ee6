/** Frames put together at random from the table of methods: well-formed ones, with odd contents. */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { PROPERTY_TYPES } from "../../../src/wire/generated/properties.ts";
import { concat } from "../../wire/octets.ts";
import type { Random } from "../random.ts";

/** A frame around a payload. */
export function frameOf(type: number, channel: number, payload: Uint8Array): Uint8Array {
  return concat(octetsOf(type, 1), octetsOf(channel, 2), octetsOf(payload.length, 4), payload, END);
}

/** An unsigned integer in so many octets. */
export function octetsOf(value: number, width: number): Uint8Array {
  const octets = new Uint8Array(width);
  for (let at = width - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) {
    octets[at] = rest % 256;
  }
  return octets;
}

/** Any frame that `sender` may send somewhere. */
export function anyFrame(
  random: Random,
  sender: "client" | "server",
  channels: readonly number[],
): Uint8Array {
  const channel = random.pick(channels);
  const type = random.weighted([
    [8, 1],
    [3, 2],
    [3, 3],
    [1, 8],
  ] as const);
  if (type === 1) return anyMethodFrame(random, random.pick(NAMES[sender]), channel);
  if (type === 2) return frameOf(2, channel, anyHeader(random, random.below(40)));
  if (type === 3) return frameOf(3, channel, random.octets(random.below(40)));
  return frameOf(8, random.percent(80) ? 0 : channel, new Uint8Array(0));
}

/** A method with any arguments. */
export function anyMethodFrame(random: Random, name: Method["name"], channel: number): Uint8Array {
  const { classId, methodId, fields } = METHODS[name];
  const pieces = [octetsOf(classId, 2), octetsOf(methodId, 2)];
  for (let i = 0; i < fields.length; i++) {
    const type = fields[i]?.type as string;
    pieces.push(anyValue(random, type));
    if (type === "bit") while (fields[i + 1]?.type === "bit") i++;
  }
  return frameOf(1, channel, concat(...pieces));
}

/** The payload of a content header with any properties. */
export function anyHeader(random: Random, bodySize: number): Uint8Array {
  let flags = 0;
  const values: Uint8Array[] = [];
  const share = random.pick([0, 10, 50, 100]);
  PROPERTY_TYPES.forEach(([name, type], i) => {
    if (!random.percent(share)) return;
    flags |= 0x8000 >> i;
    if (name === "deliveryMode") values.push(octetsOf(random.between(1, 2), 1));
    else values.push(anyValue(random, type));
  });
  return concat(
    octetsOf(60, 2),
    octetsOf(0, 2),
    octetsOf(bodySize, 8),
    octetsOf(flags, 2),
    ...values,
  );
}

/** A field table with its length. */
export function anyTable(random: Random, depth = 0): Uint8Array {
  const entries: Uint8Array[] = [];
  const count = depth > 2 ? 0 : random.below(4);
  for (let i = 0; i < count; i++) entries.push(anyName(random), anyFieldValue(random, depth));
  return withLength(4, concat(...entries));
}

/** A table or array in a table in a table ..., so many levels deep. */
export function nestedTable(levels: number, letter: "F" | "A"): Uint8Array {
  const name = Uint8Array.of(1, 97);
  const first = concat(name, Uint8Array.of(letter.charCodeAt(0)));
  const opening = letter === "F" ? first : first.subarray(2);
  const each = opening.length + 4;
  const octets = new Uint8Array(4 + first.length + 4 + (levels - 1) * each);
  let at = 0;
  const open = (head: Uint8Array): void => {
    octets.set(head, at);
    at += head.length;
    octets.set(octetsOf(octets.length - at - 4, 4), at);
    at += 4;
  };
  open(new Uint8Array(0));
  open(first);
  for (let level = 1; level < levels; level++) open(opening);
  return octets;
}

/** A short or long string with its length. */
export function withLength(width: 1 | 4, octets: Uint8Array): Uint8Array {
  return concat(octetsOf(octets.length, width), octets);
}

/** Text such as peers send, or such as they should not. */
export function anyText(random: Random, most = 255): Uint8Array {
  const text = random.weighted([
    [10, () => Buffer.from(random.pick(WORDS))],
    [3, () => Buffer.from("x".repeat(random.below(most + 1)))],
    [2, () => random.octets(random.below(12))],
    [1, () => Buffer.alloc(random.below(most + 1), 0xff)],
  ])();
  return text.subarray(0, most);
}

function anyName(random: Random): Uint8Array {
  return withLength(1, random.percent(70) ? Buffer.from(random.pick(WORDS)) : anyText(random));
}

function anyValue(random: Random, type: string): Uint8Array {
  switch (type) {
    case "shortstr":
      return withLength(1, anyText(random));
    case "longstr":
      return withLength(4, anyText(random));
    case "table":
      return anyTable(random);
    case "longlong":
      return octetsOf(random.below(random.pick([4, 12, 2 ** 53])), 8);
    case "bit":
      return octetsOf(random.below(4), 1);
    case "short":
      return octetsOf(random.pick([0, 1, 40, 60, 80, 312, 404, 406, 540, 65_535]), 2);
    case "timestamp":
      return random.percent(80) ? octetsOf(random.below(2 ** 40), 8) : random.octets(8);
    default:
      return octetsOf(random.below(5), WIDTHS[type] as number);
  }
}

function anyFieldValue(random: Random, depth: number): Uint8Array {
  const letter = random.pick(LETTERS);
  const width = FIXED[letter];
  return concat(Buffer.from(letter), width === undefined ? anyLong() : random.octets(width));

  function anyLong(): Uint8Array {
    if (letter === "F") return anyTable(random, depth + 1);
    if (letter !== "A") return withLength(4, anyText(random));
    const count = depth > 2 ? 0 : random.below(4);
    const items = Array.from({ length: count }, () => anyFieldValue(random, depth + 1));
    return withLength(4, concat(...items));
  }
}

const END = Uint8Array.of(0xce);

const NAMES = {
  client: namesFrom("client"),
  server: namesFrom("server"),
};

function namesFrom(sender: "client" | "server"): readonly Method["name"][] {
  const names = Object.keys(METHODS) as Method["name"][];
  return names.filter((name) => METHODS[name].from.includes(sender));
}

/** Names that mean something to brokers, to clients or to JavaScript. */
const WORDS: readonly string[] = [
  ...["", "q", "x", "k", "a.b.c", "#", "*.#", "amq.topic", "direct", "topic", "headers", "fanout"],
  ...["PLAIN", "en_US", "/", "guest", "1000", "-1", "CC", "BCC", "x-match", "all", "any"],
  ...["x-message-ttl", "x-expires", "alternate-exchange", "capabilities", "basic.nack"],
  ...["authentication_failure_close", "NO_ROUTE", "PRECONDITION_FAILED", "\u00e9\u20ac\u{1f600}"],
  ...["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "toJSON", "then"],
];

const LETTERS: readonly string[] = [..."tbBsuIilLfdDSATFVx"];

const FIXED: { readonly [letter: string]: number } = {
  ...{ t: 1, b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, l: 8, L: 8, f: 4, d: 8, D: 5, T: 8, V: 0 },
};

const WIDTHS: { readonly [type: string]: number } = { octet: 1, long: 4 };
