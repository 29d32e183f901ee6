/**
 * From the packets of a capture to conversations: which TCP connections there are, which of them
 * speak AMQP, and what their sides say.
 */
import { type Dissector, notice } from "../dissector.ts";
import type { Item } from "../model.ts";
import type { Packet } from "./packet.ts";
import { readSegment, type Segment } from "./segment.ts";
import type { SequenceSpace } from "./sequence-space.ts";
import { TcpConnection } from "./tcp-connection.ts";

/** Which connections are looked at. */
export interface CaptureOptions {
  /** Only those with this port at one end, and those in any case; default: all that are AMQP. */
  readonly port?: number | undefined;
}

/**
 * How many connections are followed at once; of more, the one that began first is taken to have
 * ended.
 */
const MAX_CONNECTIONS = 16_384;

/**
 * For how many packets more a connection is followed that one side has reset: what the other had sent
 * by then may still come.
 */
const PATIENCE = 32;

/** Of how many connections that are over the numbers are kept: retransmissions may follow. */
const MAX_ENDED = 4096;

/** Push packets in, get items out. */
export class CaptureDissector {
  readonly #dissector: Dissector;
  readonly #options: CaptureOptions;
  readonly #connections = new Map<string, TcpConnection>();
  /** By the same key: the last that is over; the one that was over first stands first. */
  readonly #ended = new Map<string, SequenceSpace>();
  /** Those that are reset, and up to which packet they are followed. */
  readonly #reset: Reset[] = [];
  #packets = 0;
  readonly #told = new Set<string>();
  #others = 0;
  #cut = 0;

  constructor(dissector: Dissector, options: CaptureOptions = {}) {
    this.#dissector = dissector;
    this.#options = options;
  }

  /** How many TCP connections were something else than AMQP. */
  get others(): number {
    return this.#others;
  }

  /** How many TCP segments were not captured in whole. */
  get cutSegments(): number {
    return this.#cut;
  }

  /** Takes the next packet. */
  push(packet: Packet): Item[] {
    this.#packets++;
    const items = this.#endReset();
    this.#push(packet, items);
    return items;
  }

  /** The capture ends here. */
  end(): Item[] {
    return [...this.#connections].flatMap(([key, connection]) => this.#end(key, connection));
  }

  #push(packet: Packet, items: Item[]): void {
    const segment = readSegment(packet);
    if (typeof segment === "string") {
      items.push(...this.#tell(segment, packet));
      return;
    }
    const { port } = this.#options;
    const { sourcePort, destinationPort, source, destination } = segment;
    if (port !== undefined && port !== sourcePort && port !== destinationPort) return;
    const key = source < destination ? `${source} ${destination}` : `${destination} ${source}`;
    let connection = this.#connections.get(key);
    // What comes late of a connection that is over may meet the next one.
    if (!connection?.space.isNear(segment) && this.#ended.get(key)?.hasHad(segment)) return;
    if (connection?.space.isOther(segment)) {
      if (beginsNone(segment)) return;
      items.push(...this.#end(key, connection));
      if (this.#ended.get(key)?.hasHad(segment)) return;
      connection = undefined;
    }
    if (connection === undefined) {
      if (beginsNone(segment)) return;
      if (this.#connections.size >= MAX_CONNECTIONS) items.push(...this.#endOldest());
      connection = new TcpConnection(this.#dissector, segment, port !== undefined);
      this.#connections.set(key, connection);
    }
    if (segment.payload.length < segment.length) {
      this.#cut++;
      if (!connection.toldCut) {
        connection.toldCut = true;
        const { length, payload } = segment;
        const message = `packet ${packet.number} was captured with ${payload.length} of its ${length} octets; more may be cut like this`;
        items.push(notice(message, undefined, packet.time));
      }
    }
    connection.push(segment, packet.time, items);
    if (connection.over) items.push(...this.#end(key, connection));
    else if (segment.reset) {
      this.#reset.push({ key, connection, until: this.#packets + PATIENCE });
    }
  }

  #endReset(): Item[] {
    const items: Item[] = [];
    while ((this.#reset[0]?.until ?? Infinity) < this.#packets) {
      const { key, connection } = this.#reset.shift() as Reset;
      if (this.#connections.get(key) === connection) items.push(...this.#end(key, connection));
    }
    return items;
  }

  #endOldest(): Item[] {
    const [oldest] = this.#connections;
    return oldest === undefined ? [] : this.#end(...oldest);
  }

  #end(key: string, connection: TcpConnection): Item[] {
    this.#connections.delete(key);
    this.#remember(key, connection.space);
    const items: Item[] = [];
    connection.end(items);
    if (connection.isOther) this.#others++;
    return items;
  }

  #remember(key: string, space: SequenceSpace): void {
    this.#ended.delete(key);
    this.#ended.set(key, space);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest);
  }

  /** Says once of each kind what cannot be looked into. */
  #tell(why: Exclude<ReturnType<typeof readSegment>, Segment>, packet: Packet): Item[] {
    if (why === "other" || this.#told.has(why)) return [];
    this.#told.add(why);
    const { number, linkType, time } = packet;
    const message = {
      fragment: `packet ${number} is a fragment of an IP packet; fragments are left out`,
      cut: `packet ${number} is cut inside its headers; such packets are left out`,
      "unknown-link-type": `packet ${number} has the link type ${linkType}, which is not known here; such packets are left out`,
    }[why];
    return [notice(message, undefined, time)];
  }
}

interface Reset {
  readonly key: string;
  readonly connection: TcpConnection;
  readonly until: number;
}

/** The rest of a connection that was there before the capture, such as its last acknowledgement. */
function beginsNone({ length, syn, reset }: Segment): boolean {
  return reset || (length === 0 && !syn);
}
