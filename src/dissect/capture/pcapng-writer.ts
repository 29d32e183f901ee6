/**
 * Writes what is known of conversations as a capture file (pcapng) that Wireshark and decode read:
 * the octets of each event become TCP segments of a connection that is made up around them, with the
 * event's own time. What is written is what the items hold: without TLS, and without the secrets
 * that were hidden in them.
 *
 * Wireshark takes what is on port 5672 for AMQP, and what is on 5671 for TLS, which this is no more.
 * So the server's port is always written as 5672, whatever it is.
 */
import type { ConnectionItem, Item, Side } from "../model.ts";

/** How a TCP connection went away. */
export type Ending = "end" | "reset";

/** Turns items into blocks of a capture file. */
export class PcapngWriter {
  readonly #flows = new Map<number, Flow>();

  /** What a file begins with; `comment` is shown in Wireshark's properties of the file. */
  begin(comment: string): Uint8Array {
    const section = new Uint8Array(16);
    const view = new DataView(section.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, true);
    view.setUint16(4, 1, true);
    view.setUint32(8, 0xffffffff, true); // the length is not known
    view.setUint32(12, 0xffffffff, true);
    const description = new Uint8Array(8);
    new DataView(description.buffer).setUint16(0, LINKTYPE_RAW, true);
    const text = new TextEncoder().encode(comment);
    return join([
      block(SECTION, [section, option(OPTION_COMMENT, text), option(OPTION_END, NOTHING)]),
      block(INTERFACE, [description]),
    ]);
  }

  /** The packets that an item comes to; none for what says nothing of octets. */
  item(item: Item): Uint8Array {
    if (item.kind === "connection") return this.#open(item);
    if (item.kind !== "event") return NOTHING;
    const flow = this.#flows.get(item.connection);
    if (flow === undefined) return NOTHING;
    const { from, bytes, time, missing } = item;
    const packets: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += SEGMENT) {
      packets.push(segment(flow, from, PSH | ACK, bytes.subarray(at, at + SEGMENT), time));
    }
    // Octets that nobody has: the sequence goes on behind them.
    flow.next[from] = (flow.next[from] + (missing ?? 0)) >>> 0;
    return join(packets);
  }

  /** The end of a TCP connection, and by whom. */
  end(connection: number, by: Side, how: Ending, time: number | undefined): Uint8Array {
    const flow = this.#flows.get(connection);
    if (flow === undefined) return NOTHING;
    this.#flows.delete(connection);
    if (how === "reset") return segment(flow, by, RST | ACK, NOTHING, time);
    return join([by, otherSide(by)].map((side) => segment(flow, side, FIN | ACK, NOTHING, time)));
  }

  #open({ id, client, server, time }: ConnectionItem): Uint8Array {
    if (this.#flows.has(id)) return NOTHING;
    const ends = {
      client: parseEnd(client) ?? {
        address: Uint8Array.of(127, 0, 0, 1),
        port: 1024 + (id % 64512),
      },
      server: parseEnd(server) ?? { address: Uint8Array.of(127, 0, 0, 1), port: AMQP_PORT },
    };
    const isV4 = ends.client.address.length === 4 && ends.server.address.length === 4;
    const address = (side: Side): Uint8Array =>
      isV4 ? ends[side].address : mapped(ends[side].address);
    const flow: Flow = {
      address: { client: address("client"), server: address("server") },
      port: { client: ends.client.port, server: AMQP_PORT },
      next: { client: 0, server: 0 },
    };
    this.#flows.set(id, flow);
    return join([
      segment(flow, "client", SYN, NOTHING, time),
      segment(flow, "server", SYN | ACK, NOTHING, time),
      segment(flow, "client", ACK, NOTHING, time),
    ]);
  }
}

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_COMMENT = 1;

/** Packets begin with the header of IP. */
const LINKTYPE_RAW = 101;

const AMQP_PORT = 5672;

/** Octets in a packet: with its headers less than the 65,535 that IP can tell. */
const SEGMENT = 60_000;

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;

const NOTHING: Uint8Array = new Uint8Array(0);

interface Flow {
  readonly address: { readonly [S in Side]: Uint8Array };
  readonly port: { readonly [S in Side]: number };
  /** The sequence number of the next octet. */
  readonly next: { [S in Side]: number };
}

function segment(
  flow: Flow,
  from: Side,
  flags: number,
  payload: Uint8Array,
  time: number | undefined,
): Uint8Array {
  const to = otherSide(from);
  const tcp = new Uint8Array(TCP_SIZE + payload.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, flow.port[from]);
  view.setUint16(2, flow.port[to]);
  view.setUint32(4, flow.next[from]);
  if (flags & ACK) view.setUint32(8, flow.next[to]);
  view.setUint8(12, (TCP_SIZE / 4) << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 65_535);
  tcp.set(payload, TCP_SIZE);
  const taken = payload.length + (flags & (SYN | FIN) ? 1 : 0);
  flow.next[from] = (flow.next[from] + taken) >>> 0;
  const packet = inIp(flow.address[from], flow.address[to], tcp);
  return enhancedPacket(packet, time ?? 0);
}

const TCP_SIZE = 20;
const TCP = 6;

/** Fills in the checksum of TCP, and puts the header of IP before it. */
function inIp(from: Uint8Array, to: Uint8Array, tcp: Uint8Array): Uint8Array {
  const pseudo = join([from, to, Uint8Array.of(0, TCP, tcp.length >>> 8, tcp.length & 0xff)]);
  new DataView(tcp.buffer).setUint16(16, checksum([pseudo, tcp]));
  if (from.length === 16) {
    const header = new Uint8Array(8);
    const view = new DataView(header.buffer);
    view.setUint8(0, 6 << 4);
    view.setUint16(4, tcp.length);
    view.setUint8(6, TCP);
    view.setUint8(7, 64);
    return join([header, from, to, tcp]);
  }
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, header.length + tcp.length);
  view.setUint8(6, 0x40); // do not fragment
  view.setUint8(8, 64);
  view.setUint8(9, TCP);
  header.set(from, 12);
  header.set(to, 16);
  view.setUint16(10, checksum([header]));
  return join([header, tcp]);
}

/** RFC 1071; each piece but the last has an even number of octets. */
function checksum(pieces: readonly Uint8Array[]): number {
  let sum = 0;
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i += 2) {
      sum += ((piece[i] as number) << 8) | (piece[i + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** The time in milliseconds becomes one in microseconds, the unit where a file names none. */
function enhancedPacket(packet: Uint8Array, time: number): Uint8Array {
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  const microseconds = BigInt(Math.round(time * 1000));
  view.setUint32(4, Number(microseconds >> 32n), true);
  view.setUint32(8, Number(microseconds & 0xffffffffn), true);
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  return block(ENHANCED_PACKET, [head, padded(packet)]);
}

function option(code: number, value: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  return join([head, padded(value)]);
}

function block(type: number, body: readonly Uint8Array[]): Uint8Array {
  const content = join(body);
  const whole = new Uint8Array(content.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  whole.set(content, 8);
  view.setUint32(whole.length - 4, whole.length, true);
  return whole;
}

/** Filled up to a multiple of four octets. */
function padded(bytes: Uint8Array): Uint8Array {
  return join([bytes, new Uint8Array(-bytes.length & 3)]);
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function otherSide(side: Side): Side {
  return side === "client" ? "server" : "client";
}

interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

/** `127.0.0.1:5672` or `[::1]:5672`; undefined for a name. */
function parseEnd(text: string | undefined): End | undefined {
  const match = /^(?:\[([^\]]+)\]|([\d.]+)):(\d+)$/.exec(text ?? "");
  if (match === null) return undefined;
  const [, v6, v4, port] = match;
  const address = v6 === undefined ? parseV4(v4 as string) : parseV6(v6);
  return address && { address, port: Number(port) };
}

function parseV4(text: string): Uint8Array | undefined {
  const numbers = text.split(".").map(Number);
  const fits = numbers.length === 4 && numbers.every((number) => number <= 255);
  return fits ? Uint8Array.from(numbers) : undefined;
}

/** RFC 4291, section 2.2, without a zone. */
function parseV6(text: string): Uint8Array | undefined {
  const [front = "", back, more] = (text.split("%", 1)[0] as string).split("::");
  const groups = (part: string): number[] => part.split(":").filter(Boolean).flatMap(groupOf);
  const head = groups(front);
  const tail = groups(back ?? "");
  const missing = 8 - head.length - tail.length;
  if (more !== undefined || missing < 0 || (missing > 0 && back === undefined)) return undefined;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((group) => [group >>> 8, group & 0xff]));
}

/** A group, or the two that an IPv4 address at the end comes to. */
function groupOf(text: string): number[] {
  const v4 = text.includes(".") ? parseV4(text) : undefined;
  if (v4 === undefined) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = v4;
  return [(a << 8) | b, (c << 8) | d];
}

/** An IPv4 address as one of IPv6 (RFC 4291, section 2.5.5.2). */
function mapped(address: Uint8Array): Uint8Array {
  if (address.length === 16) return address;
  return join([new Uint8Array(10), Uint8Array.of(0xff, 0xff), address]);
}
