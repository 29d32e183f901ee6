/** From the items of a conversation to the records of a page. */
import { explainField, explainMethod, explainType } from "../dissect/explain.ts";
import type { EventItem, Field, Item } from "../dissect/model.ts";
import type { FieldRecord, PageRecord, ShapeRecord } from "./records.ts";

/** How many octets of an event a page carries: of what is content, and of all else. */
const MAX_CONTENT = 1024;
const MAX_OCTETS = 16_384;

/** How much of a value a page carries, in characters; its octets are there beside it. */
const MAX_VALUE = 2000;

/** What a page holds can still be opened by a browser: about 500 octets for an event. */
const MAX_EVENTS = 100_000;

/** Turns items into records, one after the other. */
export class RecordWriter {
  readonly #maxEvents: number;
  readonly #texts = new Map<string, number>();
  readonly #shapes = new Map<string, number>();
  #records: PageRecord[] = [];
  #events = 0;
  #leftOut = 0;

  /** `maxEvents`: how many events are taken; the others are only counted. */
  constructor(maxEvents: number = MAX_EVENTS) {
    this.#maxEvents = maxEvents;
  }

  /** The records of some items. */
  write(items: readonly Item[]): PageRecord[] {
    for (const item of items) this.#write(item);
    return this.#take();
  }

  /** What is to be said at the end. */
  end(): PageRecord[] {
    if (this.#leftOut > 0) {
      const message = `The page has the first ${this.#events} events; ${this.#leftOut} more are left out.`;
      this.#records.push({ kind: "notice", message });
    }
    return this.#take();
  }

  #take(): PageRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  #write(item: Item): void {
    if (item.kind === "event") {
      if (this.#events < this.#maxEvents) this.#writeEvent(item);
      else this.#leftOut++;
      return;
    }
    // What follows from an event that is left out would point to nothing.
    if (this.#leftOut > 0 && item.kind !== "connection" && item.kind !== "notice") return;
    if (item.kind === "message") {
      const { kind, events, bodies, size } = item;
      this.#records.push({ kind, events, bodies, size });
    } else {
      this.#records.push(item);
    }
  }

  #writeEvent(event: EventItem): void {
    this.#events++;
    const { id, connection, from, time, offset, type, channel, method, missing, error } = event;
    const { bytes } = event;
    const isContent = type === "body" || type === "undecodable" || type === "encrypted";
    const carried = bytes.subarray(0, isContent ? MAX_CONTENT : MAX_OCTETS);
    const doc = (method !== undefined && type === "method" && explainMethod(method)) || undefined;
    const text = this.#text(doc ?? explainType(type));
    const fields = event.fields.map((field) => this.#field(method, field));
    this.#records.push({
      ...({ kind: "event", id, connection, from, time, offset, type, channel, method } as const),
      ...{ missing, error, text, fields, length: bytes.length },
      bytes: Buffer.from(masked(carried, event.fields)).toString("base64"),
    });
  }

  #field(method: string | undefined, field: Field): FieldRecord {
    const { offset, length, valueOffset, meaning = null, children } = field;
    const value = children === undefined ? valueText(field.value) : null;
    const shape = this.#shape(method, field);
    const base = [shape, offset, length, valueOffset] as const;
    if (children !== undefined) {
      return [...base, value, meaning, children.map((child) => this.#field(method, child))];
    }
    if (meaning !== null) return [...base, value, meaning];
    return value === null ? base : [...base, value];
  }

  #shape(method: string | undefined, field: Field): number {
    const { name, part, domain, type, bit, reserved, secret } = field;
    const text = this.#text(field.doc ?? explainField(method, field));
    const shape: ShapeRecord = {
      ...({ kind: "shape", name, part, domain, type, bit, reserved, secret, text } as const),
    };
    const key = JSON.stringify(shape);
    let number = this.#shapes.get(key);
    if (number === undefined) {
      number = this.#shapes.size;
      this.#shapes.set(key, number);
      this.#records.push(shape);
    }
    return number;
  }

  #text(text: string | undefined): number | undefined {
    if (text === undefined) return undefined;
    let number = this.#texts.get(text);
    if (number === undefined) {
      number = this.#texts.size;
      this.#texts.set(text, number);
      this.#records.push({ kind: "text", text });
    }
    return number;
  }
}

/** A copy without what says how long a secret is; its own octets have been hidden before. */
function masked(bytes: Uint8Array, fields: readonly Field[]): Uint8Array {
  const copy = bytes.slice();
  for (const { offset, length, secret, value } of fields) {
    if (secret && value === undefined) copy.fill(STAR, offset, offset + length);
  }
  return copy;
}

const STAR = 0x2a;

/** A value as people read it; null where there is none. */
function valueText(value: Field["value"]): string | null {
  if (value === undefined) return null;
  if (typeof value === "string") {
    const cut = value.length > MAX_VALUE;
    return JSON.stringify(cut ? value.slice(0, MAX_VALUE) : value) + (cut ? "…" : "");
  }
  if (value instanceof Uint8Array) {
    const cut = value.length > MAX_VALUE / 2;
    const digits = Buffer.from(value.subarray(0, MAX_VALUE / 2)).toString("hex");
    return `0x${digits}${cut ? "…" : ""}`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}
