/** Fields of a conversation as text: in a line, and one below the other beside their octets. */
import type { Field, NoticeItem } from "../dissect/model.ts";
import { printable } from "./printable.ts";

/** How much of a text or of octets is shown, in characters and octets. */
const MAX_TEXT = 200;
const MAX_OCTETS = 32;

/** `name=value`, without spaces that are not in a value. */
export function formatField(field: Field): string {
  return `${printableName(field.name)}=${formatValue(field)}`;
}

/** The value alone. */
export function formatValue({
  value,
  children,
  type,
  meaning,
  secret,
  length,
  valueOffset,
  offset,
}: Field): string {
  if (secret && value === undefined && meaning !== undefined) return `(${meaning})`;
  if (children !== undefined) return formatNested(children, type === "A");
  if (value === undefined) return `${count(offset + length - valueOffset, "octet")}`;
  const shown = formatScalar(value);
  if (meaning === undefined) return shown;
  // A decimal's own number is only half of it.
  return type === "D" ? meaning : `${shown} (${meaning})`;
}

/** `1 octet`, `2 octets` */
export function count(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}

/** A notice, with the connection that it is about. */
export function formatNotice({ connection, message }: NoticeItem): string {
  const about = connection === undefined ? "" : `connection ${connection}: `;
  return about + printable(message);
}

/** What a gap is called; the number is 0, or not there, where nobody knows it. */
export function describeGap(missing: number | undefined): string {
  return missing ? `${count(missing, "octet")} missing` : "an unknown number of octets is missing";
}

/** Octets as pairs of digits with a space between. */
export function formatOctets(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

/** Text in quotes, or digits for what is none; the beginning of what is long. */
export function formatContent(octets: Uint8Array, size: number, width: number): string {
  const most = octets.subarray(0, Math.max(width, 8));
  const text = Buffer.from(most).toString("utf8");
  // The last character may be cut.
  const isText = !/[\ufffd]/.test(text.slice(0, -1)) && !CONTROL.test(text);
  const cut = most.length < size ? "…" : "";
  if (isText) return `${printable(JSON.stringify(text.replace(/\ufffd$/, "")))}${cut}`;
  const digits = most.subarray(0, Math.max(Math.floor(width / 3), 4));
  return `${formatOctets(digits)}${digits.length < size ? " …" : ""}`;
}

const CONTROL = /(?![\t\n\r])\p{Cc}/u;

function formatNested(children: readonly Field[], isArray: boolean): string {
  const members = children.map((child) => (isArray ? formatValue(child) : formatField(child)));
  return isArray ? `[${members.join(", ")}]` : `{${members.join(", ")}}`;
}

function formatScalar(value: Exclude<Field["value"], undefined>): string {
  if (typeof value === "string") {
    const cut = value.length > MAX_TEXT;
    const text = cut ? value.slice(0, MAX_TEXT) : value;
    return `${printable(JSON.stringify(text))}${cut ? "…" : ""}`;
  }
  if (value instanceof Uint8Array) {
    const cut = value.length > MAX_OCTETS ? " …" : "";
    return `0x${formatOctets(value.subarray(0, MAX_OCTETS)).replaceAll(" ", "")}${cut}`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function printableName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : printable(JSON.stringify(name.slice(0, MAX_TEXT)));
}
