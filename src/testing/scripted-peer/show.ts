/** What came and what is expected, in one line that a person can read. */
import type { Method } from "../../wire/generated/methods.ts";
import { hexOf } from "./octets.ts";
import type { Received } from "./received.ts";

/** A received thing in one line. */
export function show(received: Received): string {
  switch (received.kind) {
    case "method":
      return `channel ${received.channel}: ${showMethod(received.method)}`;
    case "header":
      return (
        `channel ${received.channel}: header of ${plural(received.bodySize, "octet")} ` +
        showValue(received.properties)
      );
    case "body":
      return (
        `channel ${received.channel}: body frame of ${plural(received.body.length, "octet")} ` +
        showValue(received.body)
      );
    case "heartbeat":
      return received.channel === 0 ? "heartbeat" : `channel ${received.channel}: heartbeat`;
    case "protocol-header":
      return `protocol header AMQP ${hexOf(received.octets.subarray(4))}`;
    case "malformed":
      return `channel ${received.channel}: malformed, ${received.why}: ${hexOf(received.octets, 64)}`;
    case "octets":
      return `octets (${received.why}): ${hexOf(received.octets, 64)}`;
    case "end":
      return ENDS[received.how];
  }
}

const ENDS = {
  end: "the end of the stream",
  reset: "the end of the stream, by a reset",
  "hung-up": "the end, because this side had hung up",
};

/** A method in one line: its name and its fields, without what is secret. */
export function showMethod(method: Method): string {
  const { name, ...fields } = method;
  const open = Object.entries(fields).map(([field, value]) =>
    SECRET.has(field) && value instanceof Uint8Array
      ? `${field}: <${plural(value.length, "octet")}>`
      : `${field}: ${showValue(value)}`,
  );
  return open.length === 0 ? name : `${name} { ${open.join(", ")} }`;
}

/** The fields that carry passwords and tokens. */
const SECRET: ReadonlySet<string> = new Set(["response", "newSecret"]);

/** A value in one line, shortened where it is long. */
export function showValue(value: unknown, depth = 0): string {
  if (typeof value === "string") return JSON.stringify(shorten(value, 200));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return value.name === "" ? "<a predicate>" : `<${value.name}>`;
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof Uint8Array) return showOctets(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (depth > 4) return "…";
  if (Array.isArray(value)) {
    return `[${value.slice(0, 20).map((item) => showValue(item, depth + 1))}]`;
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${name}: ${showValue(member, depth + 1)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** "1 octet", "2 octets". */
export function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function showOctets(octets: Uint8Array): string {
  const text = Buffer.from(octets.subarray(0, 200)).toString("latin1");
  if (octets.length === 0 || !/^[\x20-\x7e\r\n\t]+$/.test(text)) return `<${hexOf(octets)}>`;
  return JSON.stringify(octets.length > 200 ? `${text}…` : text);
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
