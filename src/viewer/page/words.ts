/** What the page says of an event: its name, its arguments, what came of it. */
import type { LinkItem } from "../../dissect/model.ts";
import type { EventRecord } from "../records.ts";
import type { Conversation, EventRow, FieldNode } from "./conversation.ts";

/** What came of an event, and whether that is good. */
export interface Outcome {
  readonly text: string;
  readonly mood: "good" | "bad" | "back" | "plain";
  /** The id of the event that it speaks of. */
  readonly to: number;
}

/** The name of an event, as in `basic.publish`, `header` or `12 octets missing`. */
export function titleOf({ type, method, missing, length }: EventRecord): string {
  switch (type) {
    case "method":
      return method ?? "method";
    case "protocol-header":
      return "protocol header";
    case "gap":
      return missing
        ? `${count(missing, "octet")} missing`
        : "an unknown number of octets is missing";
    case "undecodable":
      return `${count(length, "octet")}, no frame`;
    case "encrypted":
      return `${count(length, "octet")} of TLS`;
    default:
      return type;
  }
}

/** What stands beside the name: a method's arguments, a header's properties, the size of a body. */
export function argumentsOf(conversation: Conversation, event: EventRecord): string {
  if (event.type === "body") return contentText(conversation, event);
  if (event.type === "encrypted" || event.type === "undecodable") return "";
  return conversation
    .fieldsOf(event)
    .filter(isTelling)
    .map((field) => `${field.shape.name}=${shownValue(field)}`)
    .join(" ");
}

/** Where an event is: its connection and its channel. */
export function placeOf({ connection, channel }: EventRecord): string {
  return `connection ${connection}${channel === undefined ? "" : `, channel ${channel}`}`;
}

/** When an event was, in seconds after the first; empty where that is not known. */
export function secondsOf({ start }: Conversation, time: number | undefined): string {
  return time === undefined ? "" : ((time - (start ?? 0)) / 1000).toFixed(6);
}

/** The value of a field in a line. */
export function shownValue(field: FieldNode): string {
  const { value, meaning, children, shape, offset, length, valueOffset } = field;
  if (children.length > 0) {
    const parts = children.map((child) =>
      shape.type === "A" ? shownValue(child) : `${visible(child.shape.name)}=${shownValue(child)}`,
    );
    return shape.type === "A" ? `[${parts.join(", ")}]` : `{${parts.join(", ")}}`;
  }
  if (value === undefined) {
    if (meaning !== undefined) return `(${meaning})`;
    if (shape.type === "table" || shape.type === "F") return "{}";
    return shape.type === "A" ? "[]" : count(offset + length - valueOffset, "octet");
  }
  if (meaning === undefined) return visible(value);
  return shape.type === "D" ? meaning : `${visible(value)} (${meaning})`;
}

/** What came of an event, or what it brings about, in the order of importance. */
export function outcomesOf({ next, previous }: EventRow): Outcome[] {
  const returned = previous.concat(next).filter(({ link }) => link === "return");
  const replies = next.filter(({ link }) => link === "reply");
  return [
    ...returned.map((link) => describeReturn(link, next.includes(link))),
    ...next.filter(isConfirm).map(describeConfirm),
    ...describeConfirms(previous.filter(isConfirm)),
    ...replies.map(describeReply),
    ...previous.filter(({ link }) => link === "reply").map(describeReplyTo),
  ];
}

/** `0.123 ms`, `1.500 s` */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(3)} ms` : `${(ms / 1000).toFixed(3)} s`;
}

/** `1 octet`, `2,000 octets` */
export function count(number: number, what: string): string {
  return `${NUMBERS.format(number)} ${what}${number === 1 ? "" : "s"}`;
}

/** Made once: that takes far longer than to use it. */
const NUMBERS = new Intl.NumberFormat("en-US");
const TEXT = new TextDecoder();

/** Octets as text, with `\ufffd` for what is none. */
export function textOf(octets: Uint8Array): string {
  return TEXT.decode(octets);
}

/** Text without characters that cannot be seen or that turn others around: they become `\u{…}`. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
  });
}

/** The octets that the page carries of an event. */
export function octetsOf({ bytes }: EventRecord): Uint8Array {
  return Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
}

function contentText(conversation: Conversation, event: EventRecord): string {
  const body = conversation.fieldsOf(event).find(({ shape }) => shape.part === "body");
  if (body === undefined) return "";
  const octets = octetsOf(event).subarray(body.offset, body.offset + body.length);
  const size = count(body.length, "octet");
  const text = textOf(octets);
  const isText = !/\ufffd|(?![\t\n\r])\p{Cc}/u.test(text.slice(0, -1));
  if (!isText || text === "") return size;
  const cut = octets.length < body.length || text.length > 200 ? "…" : "";
  return `${size} ${visible(JSON.stringify(text.slice(0, 200)))}${cut}`;
}

/** Reserved arguments and bits that are not set say nothing. */
function isTelling({ shape, value }: FieldNode): boolean {
  if (shape.reserved === true || (shape.type === "bit" && value === "false")) return false;
  return shape.part === "argument" || shape.part === "property" || shape.name === "bodySize";
}

function isConfirm({ link }: LinkItem): boolean {
  return link === "confirm";
}

function after(ms: number | undefined): string {
  return ms === undefined ? "" : ` ${duration(ms)}`;
}

function describeReturn(link: LinkItem, isPublish: boolean): Outcome {
  const text = isPublish ? `returned${after(link.latencyMs)}` : `returns event ${link.first}`;
  return { text: `↩ ${text}`, mood: "back", to: isPublish ? link.second : link.first };
}

function describeConfirm({ outcome, latencyMs, second, deliveryTag }: LinkItem): Outcome {
  const text = `#${deliveryTag} ${outcome}${after(latencyMs)}`;
  return outcome === "ack"
    ? { text: `✓ ${text}`, mood: "good", to: second }
    : { text: `✗ ${text}`, mood: "bad", to: second };
}

function describeConfirms(links: readonly LinkItem[]): Outcome[] {
  const [first] = links;
  if (first === undefined) return [];
  const last = links.at(-1) as LinkItem;
  const isAck = first.outcome === "ack";
  const tags =
    links.length === 1 ? `#${first.deliveryTag}` : `#${first.deliveryTag}–${last.deliveryTag}`;
  const text = `${isAck ? "✓ confirms" : "✗ refuses"} ${tags}`;
  return [{ text, mood: isAck ? "good" : "bad", to: first.first }];
}

function describeReply({ second, latencyMs }: LinkItem): Outcome {
  return { text: `reply${after(latencyMs) || ` ${second}`}`, mood: "plain", to: second };
}

function describeReplyTo({ first }: LinkItem): Outcome {
  return { text: `to event ${first}`, mood: "plain", to: first };
}
