/**
 * Capture files of the next generation (draft-ietf-opsawg-pcapng), as Wireshark writes them.
 *
 *     block    [type 4][length 4][body][length 4]
 *
 * A section header tells the byte order of what follows, an interface description the link type and
 * the unit of times; enhanced, simple and (obsolete) plain packet blocks carry the packets. All
 * other blocks are passed over.
 */
import { ByteQueue } from "./byte-queue.ts";
import { describeMissing, MAX_PACKET, type Packet, type PacketReader } from "./packet.ts";

/** Whether a file begins with a section header. */
export function isPcapng(beginning: Uint8Array): boolean {
  return SECTION_BYTES.every((octet, i) => beginning[i] === octet);
}

const SECTION_BYTES = [0x0a, 0x0d, 0x0d, 0x0a] as const;
const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly ticksPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** Reads a file in pieces of any size. */
export class PcapngReader implements PacketReader {
  error: string | undefined;
  readonly #queue = new ByteQueue();
  #little = true;
  #interfaces: Interface[] = [];
  #count = 0;
  #begun = false;
  /** Of a block that is passed over: what is still to come of it. */
  #skip = 0;
  /** What is wrong with the end, once it is known. */
  #fault: string | undefined;

  push(octets: Uint8Array): Packet[] {
    const packets: Packet[] = [];
    if (this.error !== undefined) return packets;
    this.#queue.push(octets);
    while (this.error === undefined && this.#readBlock(packets));
    return packets;
  }

  rest(): Packet | undefined {
    this.#fault = this.end();
    const block = this.#cutBlock();
    if (block === undefined) return undefined;
    const type = block.getUint32(0, this.#little);
    const head = type === SIMPLE_PACKET ? SIMPLE_HEAD : PACKET_HEAD;
    const there = this.#queue.length - head;
    if (there < 0 || !IS_PACKET.includes(type)) return undefined;
    const packets: Packet[] = [];
    this.#take(type, block, packets);
    const [packet] = packets;
    return packet && { ...packet, bytes: packet.bytes.subarray(0, there) };
  }

  end(): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    if (this.error !== undefined || (this.#queue.length === 0 && this.#skip === 0))
      return undefined;
    const missing = this.#skip || (this.#cutBlock()?.byteLength ?? 0) - this.#queue.length;
    const how = missing > 0 ? describeMissing(missing) : "";
    return `the capture file ends inside a block, behind packet ${this.#count}${how}`;
  }

  /** The block that waits for its rest, filled up to its length. */
  #cutBlock(): DataView | undefined {
    const head = this.error === undefined ? this.#queue.peek(12) : undefined;
    if (head === undefined || this.#skip > 0) return undefined;
    const whole = new Uint8Array(head.getUint32(4, this.#little));
    const there = this.#queue.peek(this.#queue.length) as DataView;
    whole.set(new Uint8Array(there.buffer, there.byteOffset, there.byteLength));
    return new DataView(whole.buffer);
  }

  #readBlock(packets: Packet[]): boolean {
    this.#skip -= this.#queue.skip(this.#skip);
    const head = this.#queue.peek(12);
    if (this.#skip > 0 || head === undefined) return false;
    if (!this.#begun && head.getUint32(0, false) !== SECTION) {
      this.error = "not a pcapng file";
      return false;
    }
    this.#begun = true;
    if (head.getUint32(0, false) === SECTION && !this.#beginSection(head)) return false;
    const type = head.getUint32(0, this.#little);
    const length = head.getUint32(4, this.#little);
    if (length < 12 || length % 4 !== 0) {
      this.error = `a block of ${length} octets behind packet ${this.#count}: the file is damaged`;
      return false;
    }
    if (!READ.includes(type)) {
      this.#skip = length;
      return true;
    }
    if (length > MAX_PACKET) {
      this.error = `a block of ${length} octets behind packet ${this.#count}: the file is damaged`;
      return false;
    }
    const block = this.#queue.peek(length);
    if (block === undefined) return false;
    if (!this.#take(type, block, packets)) {
      this.error ??= `a block behind packet ${this.#count} is too short: the file is damaged`;
    }
    this.#queue.skip(length);
    return true;
  }

  #beginSection(head: DataView): boolean {
    const little = [true, false].find((order) => head.getUint32(8, order) === BYTE_ORDER_MAGIC);
    if (little === undefined) {
      this.error = "a section of unknown byte order: the file is damaged";
      return false;
    }
    this.#little = little;
    this.#interfaces = [];
    return true;
  }

  /** False for a block that is too short for what it is. */
  #take(type: number, block: DataView, packets: Packet[]): boolean {
    const little = this.#little;
    const end = block.byteLength - 4;
    if (type === INTERFACE) return this.#takeInterface(block, end);
    if (type === SIMPLE_PACKET) {
      if (end < SIMPLE_HEAD) return false;
      const originalLength = block.getUint32(8, little);
      const { snapLength = 0 } = this.#interfaces[0] ?? {};
      const kept = Math.min(originalLength, snapLength === 0 ? originalLength : snapLength);
      return this.#takePacket(
        block,
        { at: SIMPLE_HEAD, kept, originalLength, interfaceId: 0 },
        packets,
      );
    }
    if (!IS_PACKET.includes(type)) return true;
    if (end < PACKET_HEAD) return false;
    const interfaceId =
      type === ENHANCED_PACKET ? block.getUint32(8, little) : block.getUint16(8, little);
    const ticks =
      (BigInt(block.getUint32(12, little)) << 32n) | BigInt(block.getUint32(16, little));
    const kept = block.getUint32(20, little);
    const originalLength = block.getUint32(24, little);
    return this.#takePacket(
      block,
      { at: PACKET_HEAD, kept, originalLength, interfaceId, ticks },
      packets,
    );
  }

  #takePacket(
    block: DataView,
    where: {
      readonly at: number;
      readonly kept: number;
      readonly originalLength: number;
      readonly interfaceId: number;
      readonly ticks?: bigint;
    },
    packets: Packet[],
  ): boolean {
    const { at, kept, originalLength, interfaceId, ticks } = where;
    const from = this.#interfaces[interfaceId];
    if (from === undefined) {
      this.error = `packet ${this.#count + 1} is of an interface that the file does not describe`;
      return false;
    }
    if (at + kept > block.byteLength - 4) return false;
    const number = ++this.#count;
    const { linkType } = from;
    const bytes = new Uint8Array(block.buffer, block.byteOffset + at, kept).slice();
    const time = ticks === undefined ? undefined : timeOf(ticks, from);
    packets.push({ number, linkType, time, bytes, originalLength });
    return true;
  }

  #takeInterface(block: DataView, end: number): boolean {
    const little = this.#little;
    if (end < 16) return false;
    let ticksPerSecond = 1_000_000n;
    let offsetSeconds = 0n;
    for (let at = 16; at + 4 <= end; ) {
      const code = block.getUint16(at, little);
      const length = block.getUint16(at + 2, little);
      if (code === 0 || at + 4 + length > end) break;
      if (code === OPTION_RESOLUTION && length >= 1)
        ticksPerSecond = resolution(block.getUint8(at + 4));
      if (code === OPTION_OFFSET && length >= 8) offsetSeconds = block.getBigInt64(at + 4, little);
      at += 4 + length + ((4 - (length % 4)) % 4);
    }
    const linkType = block.getUint16(8, little);
    const snapLength = block.getUint32(12, little);
    this.#interfaces.push({ linkType, snapLength, ticksPerSecond, offsetSeconds });
    return true;
  }
}

const IS_PACKET: readonly number[] = [OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET];
const READ: readonly number[] = [SECTION, INTERFACE, ...IS_PACKET];

/** What stands before the octets of a packet, in a simple packet block and in the others. */
const SIMPLE_HEAD = 12;
const PACKET_HEAD = 28;

/** A power of ten, or, with the highest bit, of two. */
function resolution(octet: number): bigint {
  return octet & 0x80 ? 2n ** BigInt(octet & 0x7f) : 10n ** BigInt(octet);
}

function timeOf(ticks: bigint, { ticksPerSecond, offsetSeconds }: Interface): number {
  const seconds = ticks / ticksPerSecond + offsetSeconds;
  const fraction = Number(ticks % ticksPerSecond) / Number(ticksPerSecond);
  return Number(seconds) * 1000 + fraction * 1000;
}
