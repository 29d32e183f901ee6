/**
 * From the packets of a capture to conversations: which TCP connections there are, which of them
 * speak AMQP, and what their sides say.
 */
import { type Dissector, notice } from "../dissector.ts";
import type { Item, Side } from "../model.ts";
import { Detective, type End, type Verdict } from "./detective.ts";
import type { Packet } from "./packet.ts";
import { readSegment, type Segment } from "./segment.ts";
import { type Delivery, TcpStream } from "./tcp-stream.ts";

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

/** How much is kept of a connection of which nobody knows yet what it is, in octets. */
const MAX_HELD = 2_097_152;

/** Push packets in, get items out. */
export class CaptureDissector {
  readonly #dissector: Dissector;
  readonly #options: CaptureOptions;
  readonly #connections = new Map<string, TcpConnection>();
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
    if (connection !== undefined && segment.syn && connection.isAnother(segment)) {
      items.push(...this.#end(key, connection));
      connection = undefined;
    }
    if (connection === undefined) {
      // The rest of a connection that is over, such as the last acknowledgement.
      if (segment.length === 0 && !segment.syn) return;
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
    const items: Item[] = [];
    connection.end(items);
    if (connection.isOther) this.#others++;
    return items;
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

interface Held {
  readonly end: End;
  readonly delivery: Delivery;
  readonly time: number | undefined;
}

/** One TCP connection: its two streams, and what they are. */
class TcpConnection {
  toldCut = false;
  readonly #dissector: Dissector;
  /** Of end 0 and of end 1. */
  readonly #names: readonly [string, string];
  readonly #streams: [TcpStream | undefined, TcpStream | undefined] = [undefined, undefined];
  readonly #ended: [boolean, boolean] = [false, false];
  readonly #opener: End | undefined;
  #detective: Detective | undefined;
  #held: Held[] = [];
  #heldLength = 0;
  #client: End = 0;
  #id: number | undefined;
  #time: number | undefined;
  isOther = false;

  constructor(dissector: Dissector, first: Segment, certain: boolean) {
    this.#dissector = dissector;
    this.#names = [first.source, first.destination];
    if (first.syn) this.#opener = first.acknowledgement === undefined ? 0 : 1;
    const ports = [first.sourcePort, first.destinationPort] as const;
    this.#detective = new Detective(ports, this.#opener, certain);
  }

  /** Both sides have ended. */
  get over(): boolean {
    return this.#ended[0] && this.#ended[1];
  }

  isAnother(syn: Segment): boolean {
    return this.#streams[this.#endOf(syn)]?.isAnother(syn.sequence) ?? false;
  }

  push(segment: Segment, time: number | undefined, items: Item[]): void {
    const end = this.#endOf(segment);
    const { sequence, payload, length, fin, syn, acknowledgement } = segment;
    this.#time = time;
    this.#streams[end] ??= new TcpStream(syn ? sequence : undefined);
    const stream = this.#streams[end];
    const first = syn ? (sequence + 1) >>> 0 : sequence;
    if (length > 0 || fin) this.#take(end, stream.push(first, payload, length, fin), items);
    const other = end === 0 ? 1 : 0;
    const otherStream = this.#streams[other];
    if (otherStream !== undefined)
      this.#take(other, otherStream.acknowledge(acknowledgement), items);
    for (const side of [0, 1] as const) {
      if (!this.#ended[side] && this.#streams[side]?.finished) {
        this.#ended[side] = true;
        if (this.#id !== undefined) {
          items.push(...this.#dissector.endSide(this.#id, this.#sideOf(side), time));
        }
      }
    }
  }

  end(items: Item[]): void {
    for (const side of [0, 1] as const) this.#take(side, this.#streams[side]?.end() ?? [], items);
    if (this.#detective !== undefined) this.#decide(this.#detective.end(), items);
    if (this.#id !== undefined) items.push(...this.#dissector.end(this.#id, this.#time));
  }

  #endOf({ source }: Segment): End {
    return source === this.#names[0] ? 0 : 1;
  }

  #sideOf(end: End): Side {
    return end === this.#client ? "client" : "server";
  }

  #take(end: End, deliveries: readonly Delivery[], items: Item[]): void {
    for (const delivery of deliveries) {
      if (this.#detective === undefined) this.#pass({ end, delivery, time: this.#time }, items);
      else this.#investigate(this.#detective, end, delivery, items);
    }
  }

  #investigate(detective: Detective, end: End, delivery: Delivery, items: Item[]): void {
    // A packet is a view of the file's octets, which must not be kept for it.
    const kept = typeof delivery === "number" ? delivery : delivery.slice();
    this.#held.push({ end, delivery: kept, time: this.#time });
    if (typeof kept !== "number") this.#heldLength += kept.length;
    const verdict = typeof kept === "number" ? detective.gap(end, kept) : detective.push(end, kept);
    this.#decide(this.#heldLength > MAX_HELD ? (verdict ?? detective.end()) : verdict, items);
  }

  #decide(verdict: Verdict, items: Item[]): void {
    if (verdict === undefined) return;
    const held = this.#held;
    this.#held = [];
    this.#detective = undefined;
    if (verdict === "other") {
      this.isOther = held.length > 0;
      return;
    }
    this.#client = verdict.client;
    const client = this.#names[this.#client];
    const server = this.#names[this.#client === 0 ? 1 : 0];
    const midstream = this.#opener === undefined;
    const opened = this.#dissector.open({ client, server, midstream, time: held[0]?.time });
    this.#id = opened.id;
    items.push(opened);
    for (const delivery of held) this.#pass(delivery, items);
  }

  #pass({ end, delivery, time }: Held, items: Item[]): void {
    if (this.#id === undefined) return;
    const side = this.#sideOf(end);
    const taken =
      typeof delivery === "number"
        ? this.#dissector.gap(this.#id, side, delivery, time)
        : this.#dissector.push(this.#id, side, delivery, time);
    for (const item of taken) items.push(item);
  }
}
