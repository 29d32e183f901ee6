/**
 * From a packet to a TCP segment: the link layer, IP, TCP.
 *
 * Link layers (tcpdump.org/linktypes.html): Ethernet with VLAN tags, Linux cooked (both versions),
 * BSD loopback in either byte order, raw IP. Fragments of IP are not put together.
 */
import type { Packet } from "./packet.ts";

/** A TCP segment. */
export interface Segment {
  /** Address and port, as in `127.0.0.1:5672` or `[::1]:5672`. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number | undefined;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly reset: boolean;
  /** What was kept of its octets. */
  readonly payload: Uint8Array;
  /** How many octets it had. */
  readonly length: number;
}

/** The segment in a packet, or why there is none: another protocol, a fragment, a cut header. */
export type Read = Segment | "other" | "fragment" | "cut" | "unknown-link-type";

/** Finds the TCP segment in a packet. */
export function readSegment({ linkType, bytes, originalLength }: Packet): Read {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const ip = ipOffset(linkType, view);
    if (typeof ip === "string") return ip;
    return readIp(view, ip, originalLength);
  } catch (error) {
    // Reading behind the end of the view: the packet was cut.
    if (error instanceof RangeError) return "cut";
    throw error;
  }
}

const ETHERNET = 1;
const LOOPBACK_NATIVE = 0;
const LOOPBACK = 108;
const COOKED = 113;
const COOKED_2 = 276;
const RAW: readonly number[] = [12, 14, 101, 228, 229];

const IP: readonly number[] = [0x0800, 0x86dd];
const VLAN: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** Where IP begins. */
function ipOffset(linkType: number, view: DataView): number | "other" | "unknown-link-type" {
  switch (linkType) {
    case ETHERNET:
      return behindEtherType(view, 12);
    case COOKED:
      return behindEtherType(view, 14);
    case COOKED_2:
      // The type comes first here, and 18 octets of other things follow it.
      return VLAN.includes(view.getUint16(0))
        ? behindEtherType(view, 22) // behind the tag
        : ipOr(view.getUint16(0), 20);
    case LOOPBACK_NATIVE:
    case LOOPBACK:
      // The address family, 2 or one of many for IPv6, in the byte order of who captured it.
      return 4;
    default:
      return RAW.includes(linkType) ? 0 : "unknown-link-type";
  }
}

function behindEtherType(view: DataView, at: number): number | "other" {
  let offset = at;
  while (VLAN.includes(view.getUint16(offset))) offset += 4;
  return ipOr(view.getUint16(offset), offset + 2);
}

function ipOr(etherType: number, offset: number): number | "other" {
  return IP.includes(etherType) ? offset : "other";
}

function readIp(view: DataView, at: number, originalLength: number): Read {
  const version = view.getUint8(at) >> 4;
  if (version === 4) return readIp4(view, at, originalLength);
  return version === 6 ? readIp6(view, at, originalLength) : "other";
}

const TCP = 6;

function readIp4(view: DataView, at: number, originalLength: number): Read {
  const headerLength = (view.getUint8(at) & 0x0f) * 4;
  const fragment = view.getUint16(at + 6) & 0x3fff;
  if (headerLength < 20 || view.getUint8(at + 9) !== TCP) return "other";
  if (fragment !== 0) return "fragment";
  // 0 where the network card was to cut what is larger than fits.
  const total = view.getUint16(at + 2) || originalLength - at;
  const octets = [0, 1, 2, 3];
  const address = (offset: number): string =>
    octets.map((i) => view.getUint8(at + offset + i)).join(".");
  return readTcp(view, at + headerLength, at + total, address(12), address(16));
}

/** Extension headers whose second octet is their length in units of 8 octets, less one. */
const EXTENSIONS: readonly number[] = [0, 43, 60, 135];
const FRAGMENT = 44;
const AUTHENTICATION = 51;

function readIp6(view: DataView, at: number, originalLength: number): Read {
  const length = view.getUint16(at + 4) || originalLength - at - 40;
  let next = view.getUint8(at + 6);
  let offset = at + 40;
  for (;;) {
    if (EXTENSIONS.includes(next)) {
      next = view.getUint8(offset);
      offset += (view.getUint8(offset + 1) + 1) * 8;
    } else if (next === AUTHENTICATION) {
      next = view.getUint8(offset);
      offset += (view.getUint8(offset + 1) + 2) * 4;
    } else {
      break;
    }
  }
  if (next === FRAGMENT) return view.getUint8(offset) === TCP ? "fragment" : "other";
  if (next !== TCP) return "other";
  const address = (from: number): string => `[${address6(view, at + from)}]`;
  return readTcp(view, offset, at + 40 + length, address(8), address(24));
}

/** Eight groups, the longest run of zeros as `::` (RFC 5952). */
function address6(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + i * 2).toString(16));
  const text = groups.join(":");
  const runs = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((a, b) => (b.length > a.length ? b : a), "");
  if (longest === "") return text;
  const start = text.search(new RegExp(`\\b${longest}\\b`)); // not the end of fe80
  const before = text.slice(0, start).replace(/:$/, "");
  return `${before}::${text.slice(start + longest.length).replace(/^:/, "")}`;
}

function readTcp(view: DataView, at: number, end: number, from: string, to: string): Read {
  const headerLength = (view.getUint8(at + 12) >> 4) * 4;
  if (headerLength < 20) return "other";
  const flags = view.getUint8(at + 13);
  const sourcePort = view.getUint16(at);
  const destinationPort = view.getUint16(at + 2);
  const start = Math.min(at + headerLength, view.byteLength);
  // What is behind `end` is padding of the link layer.
  const kept = Math.max(Math.min(end, view.byteLength), start);
  return {
    source: `${from}:${sourcePort}`,
    destination: `${to}:${destinationPort}`,
    sourcePort,
    destinationPort,
    sequence: view.getUint32(at + 4),
    acknowledgement: flags & 0x10 ? view.getUint32(at + 8) : undefined,
    syn: (flags & 0x02) !== 0,
    fin: (flags & 0x01) !== 0,
    reset: (flags & 0x04) !== 0,
    payload: new Uint8Array(view.buffer, view.byteOffset + start, kept - start),
    length: Math.max(end - at - headerLength, 0),
  };
}
