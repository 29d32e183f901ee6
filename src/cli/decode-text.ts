/**
 * A conversation as text for people: a line for each event, its fields, and below it what belongs to
 * it and what is wrong with it.
 *
 *     event   seconds conn  offset  ch
 *        12  0.004211 1 →      512   1 basic.publish exchange="" routingKey="q" …
 */
import { protocolName } from "../dissect/annotate.ts";
import { explainMethod, explainType } from "../dissect/explain.ts";
import type {
  ConnectionItem,
  EventItem,
  Field,
  Item,
  LinkItem,
  MessageItem,
} from "../dissect/model.ts";
import {
  count,
  describeGap,
  formatContent,
  formatField,
  formatNotice,
  formatOctets,
  formatValue,
} from "./decode-values.ts";
import type { Paint } from "./paint.ts";
import { printable } from "./printable.ts";
import { fold, wrap } from "./table.ts";

/** How it is to look. */
export interface TextOptions {
  readonly paint: Paint;
  /** How wide a line may be, in characters. */
  readonly width: number;
  /** The octets of each field beside it. */
  readonly bytes: boolean;
  /** What the specification says of it. */
  readonly explain: boolean;
}

/** Turns items into lines, one after the other. */
export class ConversationText {
  readonly #options: TextOptions;
  #titled = false;
  /** Of the first event that has a time. */
  #start: number | undefined;
  #links: LinkItem[] = [];
  readonly #states = new Map<number, string>();
  /** The connections of which it has been said that they are encrypted, and by which side. */
  readonly #encrypted = new Set<string>();

  constructor(options: TextOptions) {
    this.#options = options;
  }

  /** The lines of an item. Links are gathered: one method may settle thousands of publishes. */
  lines(item: Item): string[] {
    if (item.kind === "link") {
      this.#links.push(item);
      return [];
    }
    const before = this.flush();
    switch (item.kind) {
      case "connection":
        return [...before, ...this.#connection(item)];
      case "event":
        return [...before, ...this.#event(item)];
      case "message":
        return [...before, ...this.#message(item)];
      default:
        return [...before, this.#options.paint.bad(`note: ${formatNotice(item)}`)];
    }
  }

  /** The lines of what was gathered. */
  flush(): string[] {
    const links = this.#links;
    this.#links = [];
    const { paint } = this.#options;
    return describeLinks(links).flatMap(({ text, good }) =>
      this.#cut(text).map((line) => (good ? paint.good : paint.bad)(INDENT + line)),
    );
  }

  #connection({ id, client, server, state, time }: ConnectionItem): string[] {
    const { paint } = this.#options;
    const before = this.#states.get(id);
    this.#states.set(id, state);
    if (before !== undefined) {
      if (state === "open" || before === state) return [];
      return [paint.dim(`${INDENT}connection ${id}: ${state}`)];
    }
    const names = [client, server].map((end) => printable(end ?? "?"));
    const ends = client === undefined ? "" : `: ${names.join(" → ")}`;
    const since = time === undefined ? "" : `, ${new Date(time).toISOString()}`;
    const middle = state === "unknown" ? " (its beginning was not captured)" : "";
    return [paint.bold(`connection ${id}${ends}${since}${middle}`)];
  }

  #event(event: EventItem): string[] {
    const { paint, explain, bytes } = this.#options;
    if (event.type === "encrypted") return this.#encryptedLine(event);
    const lines = this.#titled ? [] : [paint.dim(TITLES)];
    this.#titled = true;
    const title = titleOf(event);
    const head = `${this.#columns(event)} `;
    if (bytes || explain) {
      lines.push(head + paint.bold(title));
      const doc = event.type === "method" ? explainMethod(event.method ?? "") : undefined;
      if (explain) lines.push(...this.#paragraph(doc ?? explainType(event.type)));
      lines.push(...event.fields.flatMap((field) => this.#field(event, field, 0)));
    } else {
      lines.push(...this.#inline(head, title, event));
    }
    if (event.error !== undefined) lines.push(...this.#error(event));
    return lines;
  }

  #encryptedLine({ connection, from }: EventItem): string[] {
    const key = `${connection} ${from}`;
    if (this.#encrypted.has(key)) return [];
    this.#encrypted.add(key);
    return [`${INDENT}connection ${connection}: what the ${from} sends is encrypted (TLS)`];
  }

  #columns({ id, time, connection, from, offset, channel }: EventItem): string {
    if (time !== undefined) this.#start ??= time;
    const seconds = time === undefined ? "" : ((time - (this.#start ?? 0)) / 1000).toFixed(6);
    const arrow = from === "client" ? "→" : "←";
    return (
      `${String(id).padStart(5)} ${seconds.padStart(10)} ${String(connection).padStart(3)} ${arrow} ` +
      `${String(offset).padStart(7)} ${String(channel ?? "").padStart(3)}`
    );
  }

  /** The fields behind the name, as many as go into a line; the rest below. */
  #inline(head: string, title: string, event: EventItem): string[] {
    const { paint, width } = this.#options;
    const parts = partsOf(event, width - INDENT.length - 20);
    const lines: string[] = [];
    let line = head + paint.bold(title);
    let length = head.length + title.length;
    for (const part of parts.flatMap((text) => this.#cut(text))) {
      if (length + 1 + part.length > width) {
        lines.push(line);
        line = INDENT + part;
        length = line.length;
      } else {
        line += ` ${part}`;
        length += 1 + part.length;
      }
    }
    return [...lines, line];
  }

  /** A part that is longer than a line, in pieces that are not, words permitting. */
  #cut(text: string): string[] {
    const most = this.#options.width - INDENT.length;
    return text.length <= most ? [text] : wrap(text, most);
  }

  #paragraph(text: string): string[] {
    const { width, paint } = this.#options;
    const room = Math.max(width - INDENT.length, LEAST_ROOM);
    return wrap(text, room).map((line) => paint.dim(INDENT + line));
  }

  /**
   * A field: its place, its octets, and beside them its name, its value, its domain and what is said
   * of it. What does not fit into a line goes on below, each in its column.
   */
  #field(event: EventItem, field: Field, depth: number): string[] {
    const { paint, bytes, explain, width } = this.#options;
    const { offset, length, children, bit, doc, part } = field;
    const perLine = width < NARROW ? 4 : 8;
    const hexWidth = bytes ? perLine * 3 - 1 : 0;
    const hidden = field.secret === true && field.value === undefined;
    const end = children === undefined ? offset + length : field.valueOffset;
    const octets = event.bytes.subarray(offset, end);
    const hex = !bytes ? [] : hidden ? [mask(perLine)] : hexColumn(octets, perLine);
    const indent = "  ".repeat(Math.min(depth, MAX_INDENT));
    const room = Math.max(width - INDENT.length - hexWidth - indent.length, LEAST_ROOM);
    const dim = part === "frame" || field.reserved === true;
    const label = this.#label(event, field, room);
    const said = dim ? label.map((line) => paint.dim(line)) : label;
    if (explain && doc !== undefined) said.push(...wrap(doc, room).map((it) => paint.dim(it)));
    const at = `${String(offset).padStart(5)}${bit === undefined ? "" : `.${bit}`}`.padEnd(7);
    const lines = Array.from({ length: Math.max(hex.length, said.length) }, (_, i) => {
      const left = `${i === 0 ? at : " ".repeat(7)} ${(hex[i] ?? "").padEnd(hexWidth)}`;
      return said[i] === undefined ? left.trimEnd() : `${left} ${indent}${said[i]}`;
    });
    return [...lines, ...(children ?? []).flatMap((child) => this.#field(event, child, depth + 1))];
  }

  #label(event: EventItem, field: Field, room: number): string[] {
    const { paint } = this.#options;
    const { type, domain, children } = field;
    const kind = `(${domain === type || domain === "field-value" ? type : `${domain}, ${type}`})`;
    const name = printable(field.name);
    const value = children === undefined ? contentOr(event, field) : "";
    // The kind stays in one piece.
    const lines = fold([name, value].filter(Boolean).join(" "), room);
    if ((lines.at(-1) as string).length + 1 + kind.length <= room)
      lines.push(`${lines.pop()} ${kind}`);
    else lines.push(kind);
    return lines.map((line, i) => {
      const isLast = i === lines.length - 1;
      const text = isLast ? line.slice(0, -kind.length) : line;
      const shown =
        i === 0 && text.startsWith(name) ? paint.bold(name) + text.slice(name.length) : text;
      return isLast ? shown + paint.dim(kind) : shown;
    });
  }

  #error(event: EventItem): string[] {
    const { paint, bytes } = this.#options;
    const { offset, message } = event.error as NonNullable<EventItem["error"]>;
    const where = `octet ${offset} (${event.offset + offset} of its direction)`;
    const lines = this.#cut(`error at ${where}: ${printable(message)}`).map((line) =>
      paint.bad(INDENT + line),
    );
    // The octets, where they are not shown anyway; the wrong one in brackets.
    const from = Math.max(offset - 8, 0);
    const around = event.bytes.subarray(from, offset + 8);
    if (!bytes && around.length > 0) {
      const marked = Array.from(around, (octet, i) => {
        const digits = octet.toString(16).padStart(2, "0");
        return from + i === offset ? paint.bad(`[${digits}]`) : digits;
      });
      lines.push(`${INDENT}${from > 0 ? "… " : ""}${marked.join(" ")}`);
    }
    return lines;
  }

  /** Only where a message has more than one body frame: else all has been said. */
  #message({ bodies, size, body, events, method }: MessageItem): string[] {
    if (bodies < 2) return [];
    const { width, paint } = this.#options;
    const text = `message of ${method}, events ${events[0]} to ${events.at(-1)}: ${count(size, "octet")} `;
    const room = Math.max(width - INDENT.length - text.length - 3, 8);
    return [paint.dim(INDENT + text + formatContent(body, size, room))];
  }
}

const TITLES = "event    seconds conn   offset  ch";
const INDENT = " ".repeat(9);
/** How many octets of a field are shown beside it. */
const MAX_HEX = 64;

/** On a terminal that is narrower, in characters, half as many octets are in a line. */
const NARROW = 72;

/** What stands beside the octets has so much room, however narrow the terminal is. */
const LEAST_ROOM = 20;

/** How many levels of a table are indented; deeper ones are no further to the right. */
const MAX_INDENT = 8;

/** For the octets of a secret, and those that say how many it has, however many there are. */
function mask(perLine: number): string {
  return Array(perLine).fill("**").join(" ");
}

function titleOf({ type, method, missing, bytes }: EventItem): string {
  if (type === "method") return method ?? "method";
  if (type === "protocol-header") return protocolName(bytes);
  if (type === "gap") return describeGap(missing);
  return type === "undecodable" ? `${count(bytes.length, "octet")}, no frame` : type;
}

/** What stands behind the title: a method's arguments, a header's properties, a body's beginning. */
function partsOf(event: EventItem, width: number): string[] {
  const { type, fields, bytes } = event;
  if (type === "undecodable") return [formatContent(bytes, bytes.length, width)];
  if (type === "body") {
    const body = fields.find(({ part }) => part === "body");
    return body === undefined ? [] : [count(body.length, "octet"), contentOf(event, body, width)];
  }
  const shown = fields.filter(
    ({ part, reserved, name }) =>
      (part === "argument" || part === "property" || name === "bodySize" || part === "undecoded") &&
      reserved !== true,
  );
  return shown.map(formatField);
}

function contentOr(event: EventItem, field: Field): string {
  const isContent = field.type === "octets" && field.part !== "frame" && field.secret !== true;
  return isContent ? contentOf(event, field, 24) : formatValue(field);
}

function contentOf({ bytes }: EventItem, { offset, length }: Field, width: number): string {
  return formatContent(bytes.subarray(offset, offset + length), length, width);
}

/** Lines of so many octets; of many only the beginning and how many there are. */
function hexColumn(octets: Uint8Array, perLine: number): string[] {
  const lines: string[] = [];
  // To say that one more line is left out would take as much room as the line.
  const shown = octets.length > MAX_HEX + perLine ? MAX_HEX : octets.length;
  for (let at = 0; at < shown; at += perLine) {
    lines.push(formatOctets(octets.subarray(at, Math.min(at + perLine, shown))));
  }
  if (octets.length > shown) lines.push(`… ${count(octets.length - shown, "octet")} more`);
  return lines;
}

interface Described {
  readonly text: string;
  readonly good: boolean;
}

/** One line for all publishes that one method settles. */
function describeLinks(links: readonly LinkItem[]): Described[] {
  const [first] = links;
  if (first === undefined) return [];
  const confirms = links.filter(({ link }) => link === "confirm");
  const others = links.filter(({ link }) => link !== "confirm");
  return [
    ...others.map(describeLink),
    ...(confirms.length > 0 ? [describeConfirms(confirms)] : []),
  ];
}

function describeLink({ link, first, latencyMs }: LinkItem): Described {
  const after = latencyMs === undefined ? "" : `, ${formatMs(latencyMs)} later`;
  return link === "return"
    ? { text: `returns the message of event ${first}${after}`, good: false }
    : { text: `replies to event ${first}${after}`, good: true };
}

function describeConfirms(confirms: readonly LinkItem[]): Described {
  const [first] = confirms as [LinkItem];
  const last = confirms.at(-1) as LinkItem;
  const good = first.outcome === "ack";
  const verb = good ? "confirms" : "refuses";
  const latencies = confirms.flatMap(({ latencyMs }) => latencyMs ?? []);
  // Math.min() takes only so many arguments.
  const least = latencies.reduce((one, other) => Math.min(one, other), Infinity);
  const most = latencies.reduce((one, other) => Math.max(one, other), 0);
  const returned = confirms.filter((confirm) => confirm.returned).length;
  const back =
    returned === 0 ? "" : confirms.length === 1 ? ", returned" : `, ${returned} returned`;
  if (confirms.length === 1) {
    const after = latencies.length === 0 ? "" : `, ${formatMs(least)} later`;
    return {
      text: `${verb} publish #${first.deliveryTag} (event ${first.first})${back}${after}`,
      good,
    };
  }
  const after = latencies.length === 0 ? "" : `, ${formatMs(least)} to ${formatMs(most)} later`;
  const which = `#${first.deliveryTag} to #${last.deliveryTag} (events ${first.first} to ${last.first})`;
  return {
    text: `${verb} ${count(confirms.length, "publish").replace(/s$/, "es")} ${which}${back}${after}`,
    good,
  };
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(3)} ms` : `${(ms / 1000).toFixed(3)} s`;
}
