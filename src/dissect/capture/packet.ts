/** What a capture file is made of. */

/** A packet as it was captured. */
export interface Packet {
  /** From 1, in the order of the file: the number that Wireshark shows. */
  readonly number: number;
  /** What the octets begin with: a number of tcpdump.org/linktypes.html. */
  readonly linkType: number;
  /** Milliseconds since 1970, with a fraction; undefined where the file has no times. */
  readonly time: number | undefined;
  /** What was kept of it. */
  readonly bytes: Uint8Array;
  /** How many octets it had. */
  readonly originalLength: number;
}

/** Push the octets of a file in, get its packets out. */
export interface PacketReader {
  /** The packets that these octets complete. */
  push(octets: Uint8Array): Packet[];
  /** What is wrong with the file, if anything is by now: what follows cannot be read. */
  readonly error: string | undefined;
  /** The file ends here: the packet that it breaks off in, as far as it is there. */
  rest(): Packet | undefined;
  /** The file ends here: what is wrong with its end. */
  end(): string | undefined;
}

/**
 * No packet is larger, in octets: libpcap's limit is 262,144. One that says it is means that the
 * file is damaged.
 */
export const MAX_PACKET = 16_777_216;

/** `: 12 octets of it are missing` */
export function describeMissing(octets: number): string {
  return octets === 1 ? ": 1 octet of it is missing" : `: ${octets} octets of it are missing`;
}
