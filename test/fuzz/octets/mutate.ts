/**
 * Changes to one frame that know its structure: a field gets a value on some border, a string or a
 * table grows or shrinks with all the lengths around it kept right (or not), a payload is cut.
 */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import { concat } from "../../wire/octets.ts";
import type { Random } from "../random.ts";
import { anyTable, anyText, nestedTable, octetsOf } from "./build.ts";
import { longAt } from "./envelope.ts";
import { type Field, type Layout, layoutOf } from "./layout.ts";

/** The frame with one change. */
export function mutate(
  random: Random,
  frame: Uint8Array,
  sender: "client" | "server",
  channels: readonly number[],
): Uint8Array {
  if (frame.length < 8) return flip(random, frame);
  const layout = layoutOfAny(frame, sender);
  const change = random.weighted(CHANGES);
  return change({ random, frame, layout, channels }) ?? flip(random, frame);
}

/** Frames of the other side get in, too, and have their fields all the same. */
function layoutOfAny(frame: Uint8Array, sender: "client" | "server"): Layout {
  const layout = layoutOf(frame, sender);
  if (layout.fault === undefined) return layout;
  const other = layoutOf(frame, sender === "client" ? "server" : "client");
  return other.fields.length > layout.fields.length ? other : layout;
}

/** The frame without the contents of one of its strings and tables, for each of them. */
export function emptied(frame: Uint8Array): Uint8Array[] {
  if (frame.length < 8) return [];
  return (["client", "server"] as const).flatMap((sender) => {
    const layout = layoutOf(frame, sender);
    return layout.fields.flatMap(({ kind, at, width, until = 0 }) => {
      if (kind === "size" || until <= at + width) return [];
      return [replace(frame, layout, at + width, until, new Uint8Array(0))];
    });
  });
}

interface Subject {
  readonly random: Random;
  readonly frame: Uint8Array;
  readonly layout: Layout;
  readonly channels: readonly number[];
}

/** Gives undefined where the frame has nothing to change in this way. */
type Change = (subject: Subject) => Uint8Array | undefined;

const CHANGES: readonly (readonly [weight: number, change: Change])[] = [
  [12, setField],
  [2, ({ random, frame }) => flip(random, frame)],
  [3, insertText],
  [2, removeText],
  [4, replaceTable],
  [3, replaceString],
  [2, cutPayload],
  [1, appendToPayload],
  [1, ({ random, frame }) => frame.slice(0, random.below(frame.length))],
];

function setField({ random, frame, layout, channels }: Subject): Uint8Array | undefined {
  // What is inside leads further than what is around it.
  const inside = random.percent(60);
  const settable = layout.fields.filter(
    ({ kind }) => kind !== "text" && !(inside && AROUND.has(kind)),
  );
  if (settable.length === 0) return undefined;
  const bodySize = settable.find(({ kind }) => kind === "body size");
  const prefersSize = bodySize !== undefined && random.percent(30);
  const { kind, at, width } = prefersSize ? bodySize : random.pick(settable);
  const changed = new Uint8Array(frame);
  changed.set(newValue(random, kind, frame.subarray(at, at + width), channels), at);
  return changed;
}

const AROUND: ReadonlySet<Field["kind"]> = new Set([
  ...(["type", "channel", "size", "end", "class", "method"] as const),
]);

function newValue(
  random: Random,
  kind: Field["kind"],
  old: Uint8Array,
  channels: readonly number[],
): Uint8Array {
  const { length } = old;
  if (kind === "channel" && random.percent(80)) return octetsOf(random.pick(channels), 2);
  if (kind === "type") return octetsOf(random.pick([0, 1, 2, 3, 4, 8, 65, 206, 255]), 1);
  if (kind === "class" && random.percent(80)) return octetsOf(random.pick(CLASSES), 2);
  if (kind === "method" && random.percent(80))
    return octetsOf(10 * random.below(12) + random.below(2), 2);
  if (kind === "letter" && random.percent(70))
    return Buffer.from(random.pick([..."tIlDSATFVxsLZ"]));
  if (kind === "integer" && random.percent(50)) return octetsOf(random.below(14), length);
  return random.pick(BORDERS)(old, random);
}

/** Values where something ends, for any width. */
const BORDERS: readonly ((old: Uint8Array, random: Random) => Uint8Array)[] = [
  ({ length }) => new Uint8Array(length),
  ({ length }) => new Uint8Array(length).fill(0xff),
  ({ length }) => concat(Uint8Array.of(0x7f), new Uint8Array(length - 1).fill(0xff)),
  ({ length }) => concat(Uint8Array.of(0x80), new Uint8Array(length - 1)),
  ({ length }) => octetsOf(2 ** (4 * length), length),
  ({ length }) => (length === 8 ? octetsOf(2 ** 53 - 1, 8) : octetsOf(1, length)),
  ({ length }) => (length === 8 ? octetsOf(2 ** 53, 8) : octetsOf(2, length)),
  ({ length }) => (length === 8 ? octetsOf(2 ** 31, 8) : octetsOf(3, length)),
  (old) => plus(old, 1),
  (old) => plus(old, -1),
  (old, random) => plus(old, random.between(-20, 20)),
  ({ length }, random) => random.octets(length),
  ({ length }, random) => octetsOf(random.below(2000), length),
];

function insertText({ random, frame, layout }: Subject): Uint8Array | undefined {
  const lengths = layout.fields.filter(({ until }) => until !== undefined);
  if (lengths.length === 0) return undefined;
  const { at, width, until } = random.pick(lengths);
  const where = random.between(at + width, until as number);
  return replace(frame, layout, where, where, random.octets(random.between(1, 9)));
}

function removeText({ random, frame, layout }: Subject): Uint8Array | undefined {
  const texts = layout.fields.filter(({ kind }) => kind === "text");
  if (texts.length === 0) return undefined;
  const { at, width } = random.pick(texts);
  const from = random.between(at, at + width - 1);
  return replace(frame, layout, from, random.between(from + 1, at + width), new Uint8Array(0));
}

function replaceTable({ random, frame, layout }: Subject): Uint8Array | undefined {
  const tables = layout.fields.filter(({ kind }) => kind === "table");
  if (tables.length === 0) return undefined;
  const { at, width, until } = random.pick(tables);
  const levels = random.weighted([
    [3, 64],
    [4, 65],
    [3, 500],
    [2, 18_000],
  ]);
  const table = random.percent(60)
    ? nestedTable(levels, random.pick(["F", "A"]))
    : anyTable(random);
  // The old length is put right like those around it, so only what it is the length of is new.
  return replace(frame, layout, at + width, until as number, table.subarray(4));
}

function replaceString({ random, frame, layout }: Subject): Uint8Array | undefined {
  const strings = layout.fields.filter(({ kind }) => kind === "length");
  if (strings.length === 0) return undefined;
  const { at, width, until } = random.pick(strings);
  return replace(frame, layout, at + width, until as number, anyText(random));
}

function cutPayload({ random, frame, layout }: Subject): Uint8Array | undefined {
  if (frame.length === 8) return undefined;
  const end = frame.length - 1;
  return replace(frame, layout, random.between(7, end - 1), end, new Uint8Array(0));
}

function appendToPayload({ random, frame, layout }: Subject): Uint8Array | undefined {
  const end = frame.length - 1;
  return replace(frame, layout, end, end, random.octets(random.between(1, 9)));
}

function flip(random: Random, frame: Uint8Array): Uint8Array {
  const changed = new Uint8Array(frame);
  if (frame.length === 0) return random.octets(1);
  const at = random.below(frame.length);
  changed[at] = (frame[at] as number) ^ (random.percent(50) ? 1 << random.below(8) : random.next());
  return changed;
}

/** Octets in place of others; the lengths that lie around them are put right. */
function replace(
  frame: Uint8Array,
  { fields }: Layout,
  from: number,
  to: number,
  octets: Uint8Array,
): Uint8Array {
  const grown = octets.length - (to - from);
  const changed = concat(frame.subarray(0, from), octets, frame.subarray(to));
  for (const { at, width, until } of fields) {
    if (until === undefined || at + width > from || until < to) continue;
    const old = width === 1 ? (frame[at] as number) : longAt(frame, at);
    changed.set(octetsOf((old + grown) >>> 0, width), at);
  }
  return changed;
}

function plus(old: Uint8Array, change: number): Uint8Array {
  const bits = 8 * old.length;
  const value = old.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
  let rest = BigInt.asUintN(bits, value + BigInt(change));
  const octets = new Uint8Array(old.length);
  for (let at = old.length - 1; at >= 0; at--, rest >>= 8n) octets[at] = Number(rest & 0xffn);
  return octets;
}

const CLASSES: readonly number[] = [
  ...new Set(Object.values(METHODS).map(({ classId }) => classId)),
];
