/**
 * The first octets from a peer. A client opens with `AMQP` 0 0 9 1, and an AMQP 0-9-1 server
 * answers with a method frame. Anything else is somebody else, or a broker that wants another
 * version: that one answers with the eight octets that it does speak (specification section
 * 4.2.2). The first octet of a method frame is 1, so the others are told apart by one look.
 */
import { ProtocolError } from "../errors.ts";
import { FRAME_TYPE, PROTOCOL_HEADER, REPLY_CODE } from "../wire/generated/constants.ts";
import type { ConnectionStart } from "../wire/generated/methods.ts";
import { decodeLenient } from "../wire/text.ts";

/** Holds the first octets back until they tell whether the peer speaks AMQP 0-9-1. */
export class Greeting {
  #held: Uint8Array | undefined = new Uint8Array(0);

  /** What can be decoded as frames now; raises a `ProtocolError` for another protocol. */
  take(bytes: Uint8Array): Uint8Array {
    if (this.#held === undefined) return bytes;
    const start = new Uint8Array(this.#held.length + bytes.length);
    start.set(this.#held);
    start.set(bytes, this.#held.length);
    const known = checkGreeting(start);
    this.#held = known ? undefined : start;
    return known ? start : start.subarray(0, 0);
  }
}

/**
 * Looks at the first octets: true if they begin a frame, false if there are too few to say. Raises
 * a `ProtocolError` that names what the peer speaks instead.
 */
export function checkGreeting(bytes: Uint8Array): boolean {
  const first = bytes[0];
  if (first === undefined) return false;
  if (first === FRAME_TYPE.method) return true;
  if (first === PROTOCOL_HEADER[0] && isPrefix(bytes) && bytes.length < PROTOCOL_HEADER.length) {
    return false;
  }
  throw new ProtocolError(`the peer does not speak AMQP 0-9-1: ${identifyPeer(bytes)}`, {
    replyCode: REPLY_CODE.frameError,
    expected: "a method frame",
    got: describeStart(bytes),
    offset: 0,
  });
}

/**
 * A server may offer an older version of the protocol in connection.start than it was asked for.
 * There is none that a client of 0-9-1 can do with: it goes without a word (class connection,
 * method start, rule client-support). The revision is not told there.
 */
export function checkVersion({ versionMajor, versionMinor }: ConnectionStart): void {
  const [, , , , , major, minor] = PROTOCOL_HEADER;
  if (versionMajor === major && versionMinor === minor) return;
  throw new ProtocolError("the server offers another version of AMQP than 0-9-1", {
    replyCode: REPLY_CODE.frameError,
    expected: `${major}-${minor}`,
    got: `${versionMajor}-${versionMinor}`,
  });
}

/** Says what the peer seems to be, and what to do about it. */
function identifyPeer(bytes: Uint8Array): string {
  const start = decodeLenient(bytes, 0, Math.min(bytes.length, 8));
  if (isPrefix(bytes)) {
    const [, , , , id, ...version] = bytes;
    return `it answered with the protocol header "AMQP" ${id} ${version.slice(0, 3).join(" ")}`;
  }
  if (start.startsWith("HTTP/")) return "it answered like a web server; is the port right?";
  // TLS records begin with 20 to 23 and the version, 3 and something (RFC 8446, section 5.1).
  if ((bytes[0] as number) >= 20 && (bytes[0] as number) <= 23 && (bytes[1] ?? 3) === 3) {
    return "it speaks TLS on this port; use amqps: or the option tls";
  }
  return "is the port right?";
}

/** Whether the octets begin like a protocol header. */
function isPrefix(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4).every((octet, i) => octet === PROTOCOL_HEADER[i]);
}

/** The first line, as far as it is printable, or the first octets in hex. */
function describeStart(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 32);
  const text = decodeLenient(head, 0, head.length).split(/\r?\n/)[0] as string;
  if (/^[\x20-\x7e]+$/.test(text)) return JSON.stringify(text);
  return [...head.subarray(0, 8)].map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
}
