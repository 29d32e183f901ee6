/**
 * Takes a frame apart field by field, for the tables of spec/walk.md: which octets are which field,
 * and what they say. It reads with spec/amqp-0-9-1.json and DataView alone, not with the codec of
 * src/wire, so that the two can be held against each other.
 */
import { loadSpec, type Spec, type SpecClass, type SpecMethod } from "../spec.ts";

/** Whose frame it is. */
export type Sender = "client" | "server";

/** One field of a frame. */
export interface Row {
  readonly octets: Uint8Array;
  /** As the specification calls it; a dot for each table that it lies in. */
  readonly field: string;
  readonly value: string;
  /** What the protocol table says about it. */
  readonly doc: string;
}

/** A frame in its parts. */
export interface Dissected {
  /** A method's name, or `header`, `body`, `heartbeat`, `protocol-header`. */
  readonly name: string;
  readonly rows: readonly Row[];
}

/** Takes a frame, or the protocol header, apart; raises an error where it is no such thing. */
export function dissect(frame: Uint8Array): Dissected {
  const cursor = new Cursor(frame);
  const name = cursor.peekText(4) === SPEC.protocol.name ? header(cursor) : anyFrame(cursor);
  if (!cursor.atEnd) throw new Error(`octets are left behind ${name}`);
  return { name, rows: cursor.rows };
}

/** A text as a value in a table. */
export function showText(text: string): string {
  return JSON.stringify(text).replaceAll("\\u0000", "\\0");
}

const SPEC: Spec = loadSpec();

function header(cursor: Cursor): string {
  cursor.take(4, "protocol", (octets) => showText(textOf(octets)), "The protocol, in letters.");
  cursor.number(1, "protocol-id", "0 for AMQP itself.");
  cursor.number(1, "version-major", "AMQP 0-9-1: major 0 …");
  cursor.number(1, "version-minor", "… minor 9 …");
  cursor.number(1, "revision", "… revision 1.");
  return "protocol-header";
}

function anyFrame(cursor: Cursor): string {
  const { frames } = SPEC;
  const kinds = Object.entries(frames).filter(([kind]) => kind !== "end" && kind !== "minSize");
  const kind = kinds.find(([, type]) => type === cursor.peek())?.[0];
  if (kind === undefined) throw new Error(`no frame has type ${cursor.peek()}`);
  cursor.number(1, "type", "What kind of frame it is.", kind);
  cursor.number(2, "channel", "Which conversation; 0 is the connection's own.");
  const size = cursor.number(
    4,
    "size",
    "Octets of the payload: all that follows, up to the frame-end.",
  );
  const end = cursor.position + size;
  const name = payload(kind, cursor, end);
  if (cursor.position !== end) throw new Error(`${name} is not as long as its frame says`);
  const last = cursor.number(1, "frame-end", "Always ce; anything else and the stream is lost.");
  if (last !== frames.end) throw new Error("the frame-end is missing");
  return name;
}

function payload(kind: string, cursor: Cursor, end: number): string {
  switch (kind) {
    case "method":
      return method(cursor);
    case "header":
      contentHeader(cursor);
      return kind;
    case "body":
      cursor.take(end - cursor.position, "body", (octets) => showText(textOf(octets)), BODY_DOC);
      return kind;
    default:
      return kind;
  }
}

function method(cursor: Cursor): string {
  const of = classOf(cursor.peekNumber(2));
  cursor.number(2, "class", of.doc, of.name);
  const found = of.methods.find(({ id }) => id === cursor.peekNumber(2));
  if (found === undefined) throw new Error(`class ${of.name} has no such method`);
  cursor.number(2, "method", found.doc, found.name);
  fields(cursor, found);
  return `${of.name}.${found.name}`;
}

function fields(cursor: Cursor, { fields }: SpecMethod): void {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as SpecMethod["fields"][number];
    const { type, doc } = typeOf(field.domain);
    if (type !== "bit") {
      element(cursor, type, field.name, field.doc ?? doc);
      continue;
    }
    const isBit = (at: number): boolean =>
      at < fields.length && typeOf((fields[at] as typeof field).domain).type === "bit";
    const bits = [field];
    while (isBit(i + 1) && bits.length < 8) bits.push(fields[++i] as typeof field);
    const octet = cursor.peek();
    if (octet >> bits.length !== 0) throw new Error("a bit is set that has no meaning");
    const values = bits.map(({ name }, bit) => ({ name, value: (octet >> bit) & 1 }));
    const value =
      values.length === 1
        ? `${octet}`
        : values.map((each) => `${each.name} ${each.value}`).join(", ");
    const docs = bits.map((bit) => bit.doc ?? typeOf(bit.domain).doc).join(" ");
    cursor.take(1, bits.map(({ name }) => name).join(", "), () => value, docs);
  }
}

function contentHeader(cursor: Cursor): void {
  const of = classOf(cursor.peekNumber(2));
  cursor.number(2, "class", "Only class basic has content.", of.name);
  cursor.number(2, "weight", "Never used; always 0.");
  cursor.number(8, "body-size", "Octets of the whole body, over however many frames it comes.");
  const flags = cursor.peekNumber(2);
  const present = (of.properties ?? []).filter(({ bit }) => (flags >> bit) & 1);
  const names = present.map(({ name }) => name).join(", ");
  cursor.take(2, "property-flags", () => (names === "" ? "none" : names), FLAGS_DOC);
  for (const { name, type, doc } of present) element(cursor, type, name, doc);
}

/** A value of an elementary type. */
function element(cursor: Cursor, type: string, name: string, doc: string): void {
  const size = SIZES[type];
  if (size !== undefined) return void cursor.number(size, name, doc);
  switch (type) {
    case "shortstr":
      return cursor.take(1 + cursor.peek(), name, (octets) => showText(textOf(octets, 1)), doc);
    case "longstr":
      return cursor.take(4 + cursor.peekNumber(4), name, (o) => showText(textOf(o, 4)), doc);
    case "table":
      return table(cursor, name, doc, 0);
    default:
      throw new Error(`the walk has no ${type} yet`);
  }
}

function table(cursor: Cursor, path: string, doc: string, head: number): void {
  const size = cursor.peekNumber(4, head);
  cursor.take(head + 4, path, () => `a table of ${size} octets`, doc);
  const end = cursor.position + size;
  while (cursor.position < end) {
    const length = cursor.peek();
    const name = cursor.peekText(length, 1);
    const type = cursor.peekText(1, 1 + length);
    const start = length + 2;
    const inner = `${path}.${name}`;
    if (type === "F") table(cursor, inner, "Tag `F`: a table in the table.", start);
    else if (type === "t") {
      cursor.take(
        start + 1,
        inner,
        (octets) => showBoolean(octets[start]),
        "Tag `t`: true or false, one octet.",
      );
    } else if (type === "S") {
      const all = start + 4 + cursor.peekNumber(4, start);
      const show = (octets: Uint8Array): string => showText(textOf(octets, start + 4));
      cursor.take(all, inner, show, "Tag `S`: a text behind four octets of length.");
    } else throw new Error(`the walk has no field of type ${type} yet`);
  }
}

/** Strict: an octet that is neither is an error here. */
function showBoolean(octet: number | undefined): string {
  if (octet !== 0 && octet !== 1) throw new Error(`${octet} is neither true nor false`);
  return String(octet === 1);
}

function classOf(id: number): SpecClass {
  const found = SPEC.classes.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no class ${id}`);
  return found;
}

function typeOf(domain: string): { readonly type: string; readonly doc: string } {
  return SPEC.domains.find(({ name }) => name === domain) as Spec["domains"][number];
}

const SIZES: { readonly [type: string]: number } = { octet: 1, short: 2, long: 4, longlong: 8 };
const BODY_DOC = "The message, as it is.";
const FLAGS_DOC = "Which properties follow: a bit for each, the first property in the highest.";

/** Strict: octets that are no UTF-8 are an error here. */
function textOf(octets: Uint8Array, from = 0): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets.subarray(from));
}

/** Goes over octets and takes them into rows. */
class Cursor {
  readonly rows: Row[] = [];
  position = 0;
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get atEnd(): boolean {
    return this.position === this.#octets.length;
  }

  take(size: number, field: string, show: (octets: Uint8Array) => string, doc: string): void {
    const octets = this.#look(size);
    this.position += size;
    this.rows.push({ octets, field, value: show(octets), doc });
  }

  /** A number, big-endian, with the name that it stands for. */
  number(size: number, field: string, doc: string, name?: string): number {
    const value = this.peekNumber(size);
    this.take(size, field, () => (name === undefined ? `${value}` : `${value} (${name})`), doc);
    return value;
  }

  peek(): number {
    return this.peekNumber(1);
  }

  peekNumber(size: number, ahead = 0): number {
    return this.#look(size, ahead).reduce((value, octet) => value * 256 + octet, 0);
  }

  peekText(size: number, ahead = 0): string {
    return String.fromCharCode(...this.#look(size, ahead));
  }

  #look(size: number, ahead = 0): Uint8Array {
    const from = this.position + ahead;
    if (from + size > this.#octets.length) throw new Error("the frame is cut off");
    return this.#octets.subarray(from, from + size);
  }
}
