/**
 * Capture files of libpcap (draft-ietf-opsawg-pcap), as tcpdump writes them.
 *
 *     file     [magic 4][version 2+2][zone 4][accuracy 4][snap length 4][link type 4][packet]*
 *     packet   [seconds 4][fraction 4][kept length 4][length 4][octets]
 *
 * The magic number tells the byte order, and whether fractions are micro- or nanoseconds.
 */
import { ByteQueue } from "./byte-queue.ts";
import { describeMissing, MAX_PACKET, type Packet, type PacketReader } from "./packet.ts";

/** `0xa1b2c3d4` with microseconds, `0xa1b23c4d` with nanoseconds, in either byte order. */
export function isPcap(beginning: Uint8Array): boolean {
  return beginning.length >= 4 && formOf(beginning) !== undefined;
}

/** Reads a file in pieces of any size. */
export class PcapReader implements PacketReader {
  error: string | undefined;
  readonly #queue = new ByteQueue();
  #form: Form | undefined;
  #linkType = 0;
  #count = 0;
  /** What is wrong with the end, once it is known. */
  #fault: string | undefined;

  push(octets: Uint8Array): Packet[] {
    const packets: Packet[] = [];
    if (this.error !== undefined) return packets;
    this.#queue.push(octets);
    if (this.#form === undefined && !this.#readHeader()) return packets;
    const form = this.#form as Form;
    for (let head = this.#readHead(form); head; head = this.#readHead(form)) {
      if (this.#queue.length < PACKET_HEAD + head.length) break;
      packets.push(this.#take(head, head.length));
    }
    return packets;
  }

  rest(): Packet | undefined {
    this.#fault = this.end();
    const head = this.#form && this.#readHead(this.#form);
    return head && this.#take(head, this.#queue.length - PACKET_HEAD);
  }

  end(): string | undefined {
    if (this.#fault !== undefined) return this.#fault;
    if (this.error !== undefined || this.#queue.length === 0) return undefined;
    const head = this.#form && this.#readHead(this.#form);
    const missing = head && describeMissing(PACKET_HEAD + head.length - this.#queue.length);
    return `the capture file ends inside packet ${this.#count + 1}${missing ?? ""}`;
  }

  /** What stands before a packet; undefined where it is not there yet, or cannot be right. */
  #readHead({ little, perSecond }: Form): Head | undefined {
    const head = this.error === undefined ? this.#queue.peek(PACKET_HEAD) : undefined;
    if (head === undefined) return undefined;
    const length = head.getUint32(8, little);
    if (length > MAX_PACKET) {
      this.error = `packet ${this.#count + 1} has ${length} octets: the file is damaged`;
      return undefined;
    }
    const time = head.getUint32(0, little) * 1000 + (head.getUint32(4, little) * 1000) / perSecond;
    return { time, length, originalLength: head.getUint32(12, little) };
  }

  /** Takes a packet, of which so many octets are there. */
  #take({ time, originalLength }: Head, there: number): Packet {
    this.#queue.skip(PACKET_HEAD);
    const number = ++this.#count;
    return {
      number,
      linkType: this.#linkType,
      time,
      bytes: this.#queue.take(there),
      originalLength,
    };
  }

  #readHeader(): boolean {
    const head = this.#queue.peek(24);
    if (head === undefined) return false;
    this.#form = formOf(new Uint8Array(head.buffer, head.byteOffset, 4));
    if (this.#form === undefined) {
      this.error = "not a pcap file";
      return false;
    }
    // The upper bits tell of a checksum behind each packet, which the packets' own lengths leave out.
    this.#linkType = head.getUint32(20, this.#form.little) & 0xffff;
    this.#queue.skip(24);
    return true;
  }
}

/** What stands before the octets of a packet. */
const PACKET_HEAD = 16;

interface Head {
  readonly time: number;
  /** What was kept of it. */
  readonly length: number;
  readonly originalLength: number;
}

interface Form {
  readonly little: boolean;
  readonly perSecond: number;
}

function formOf(beginning: Uint8Array): Form | undefined {
  const view = new DataView(beginning.buffer, beginning.byteOffset, 4);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === 0xa1b2c3d4) return { little, perSecond: 1e6 };
    if (magic === 0xa1b23c4d) return { little, perSecond: 1e9 };
  }
  return undefined;
}
