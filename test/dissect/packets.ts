/** Packets of TCP, put together octet by octet, and what a capture of them comes to. */
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import type { Packet } from "../../src/dissect/capture/packet.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import type { Item } from "../../src/dissect/model.ts";
import { concat, hex } from "../wire/octets.ts";

export function u16(value: number, little = false): Uint8Array {
  const octets = new Uint8Array(2);
  new DataView(octets.buffer).setUint16(0, value, little);
  return octets;
}

export function u32(value: number, little = false): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, value, little);
  return octets;
}

export interface Tcp {
  readonly from?: number;
  readonly to?: number;
  readonly sequence: number;
  readonly flags?: number;
  readonly acknowledgement?: number;
  readonly payload?: Uint8Array;
}

export const SYN = 2;
export const FIN = 1;
export const ACK = 16;

export function tcp({
  from = 40_000,
  to = 5672,
  sequence,
  flags = ACK,
  acknowledgement = 0,
  payload = hex(""),
}: Tcp): Uint8Array {
  return concat(
    u16(from),
    u16(to),
    u32(sequence >>> 0),
    u32(acknowledgement >>> 0),
    Uint8Array.of(0x50, flags),
    hex("ffff 0000 0000"),
    payload,
  );
}

export function ip4(segment: Uint8Array): Uint8Array {
  return concat(
    hex("45 00"),
    u16(20 + segment.length),
    hex("0000 4000 40 06 0000 7f000001 7f000001"),
    segment,
  );
}

export function ip6(segment: Uint8Array, extension = hex("")): Uint8Array {
  const next = extension.length > 0 ? hex("00") : hex("06");
  const loopback = hex("0000000000000000 0000000000000001");
  return concat(
    hex("60000000"),
    u16(segment.length + extension.length),
    next,
    hex("40"),
    loopback,
    loopback,
    extension,
    segment,
  );
}

export function packet(
  linkType: number,
  bytes: Uint8Array,
  originalLength = bytes.length,
  number = 1,
): Packet {
  return { number, linkType, time: 1, bytes, originalLength };
}

/**
 * Segments as a capture, in the order given: all items, those from before its end, and how many
 * connections were something else.
 */
export function captured(
  segments: readonly Tcp[],
  options: { port?: number } = {},
  time: (i: number) => number = () => 1,
): { items: Item[]; before: Item[]; others: number } {
  const dissector = new CaptureDissector(new Dissector(), options);
  const before = segments.flatMap((segment, i) =>
    dissector.push({ ...packet(101, ip4(tcp(segment)), undefined, i + 1), time: time(i) }),
  );
  const items = [...before, ...dissector.end()];
  return { items, before, others: dissector.others };
}

export function back(segment: Omit<Tcp, "from" | "to">): Tcp {
  return { ...segment, from: 5672, to: 40_000 };
}
