/** One TCP connection of a capture: its two streams, and what they are. */
import { type Dissector, notice } from "../dissector.ts";
import type { Item, Side } from "../model.ts";
import { Beginning } from "./beginning.ts";
import { Detective, type Verdict } from "./detective.ts";
import type { Segment } from "./segment.ts";
import { type End, other, SequenceSpace } from "./sequence-space.ts";
import { type Delivery, TcpStream } from "./tcp-stream.ts";

/** How much is kept of a connection of which nobody knows yet what it is, in octets. */
const MAX_HELD = 2_097_152;

interface Held {
  readonly end: End;
  readonly delivery: Delivery;
  readonly time: number | undefined;
}

/** Takes the segments of a connection, and gives what is said in it. */
export class TcpConnection {
  /** Which sequence numbers are its own. */
  readonly space: SequenceSpace;
  /** Whether it has been said that a segment was not captured in whole. */
  toldCut = false;
  /** Whether it is something else than AMQP; known at its end. */
  isOther = false;
  readonly #dissector: Dissector;
  /** Of end 0 and of end 1. */
  readonly #names: readonly [string, string];
  readonly #ports: readonly [number, number];
  readonly #certain: boolean;
  #beginning: Beginning | undefined = new Beginning();
  #streams: readonly [TcpStream, TcpStream] = [new TcpStream(), new TcpStream()];
  readonly #ended: [boolean, boolean] = [false, false];
  #opener: End | undefined;
  #detective: Detective | undefined;
  #held: Held[] = [];
  #heldLength = 0;
  #client: End = 0;
  #id: number | undefined;
  #time: number | undefined;

  /** `certain`: whoever asked for it says that it is AMQP. */
  constructor(dissector: Dissector, first: Segment, certain: boolean) {
    this.#dissector = dissector;
    this.space = new SequenceSpace(first);
    this.#names = [first.source, first.destination];
    this.#ports = [first.sourcePort, first.destinationPort];
    this.#certain = certain;
  }

  /** Both sides have ended. */
  get over(): boolean {
    return this.#ended[0] && this.#ended[1];
  }

  /** Takes its next segment. */
  push(segment: Segment, time: number | undefined, items: Item[]): void {
    this.space.add(segment);
    if (this.#beginning === undefined) {
      this.#follow(segment, time, items);
      return;
    }
    this.#beginning.add(this.space.endOf(segment), segment, time);
    if (this.#beginning.isSettled) this.#begin(this.#beginning, items);
  }

  /** Nothing more comes of it. */
  end(items: Item[]): void {
    if (this.#beginning !== undefined) this.#begin(this.#beginning, items);
    for (const end of [0, 1] as const) {
      if (this.space.isSeen(end)) this.#take(end, this.#streams[end].end(), items);
      else this.#takeUnseen(end, items);
    }
    if (this.#detective !== undefined) this.#decide(this.#detective.end(), items);
    if (this.#id === undefined) return;
    for (const end of [0, 1] as const) {
      if (!this.space.isSeen(end)) items.push(this.#tellUnseen(this.#id, end));
    }
    items.push(...this.#dissector.end(this.#id, this.#time));
  }

  /** It is clear where the streams begin. */
  #begin(beginning: Beginning, items: Item[]): void {
    this.#beginning = undefined;
    this.#opener = beginning.opener;
    this.#detective = new Detective(this.#ports, this.#opener, this.#certain);
    const stream = (end: End): TcpStream => {
      const start = beginning.startOf(end);
      return new TcpStream(start === undefined ? undefined : (start - 1) >>> 0);
    };
    this.#streams = [stream(0), stream(1)];
    for (const { segment, time } of beginning.held) this.#follow(segment, time, items);
  }

  #follow(segment: Segment, time: number | undefined, items: Item[]): void {
    const end = this.space.endOf(segment);
    const { sequence, payload, length, fin, syn, reset, acknowledgement } = segment;
    this.#time = time;
    const stream = this.#streams[end];
    if (syn) stream.begin(sequence);
    const first = syn ? (sequence + 1) >>> 0 : sequence;
    // The octets of a reset say why it is one; they are not the stream's.
    if (!reset && (length > 0 || fin)) {
      this.#take(end, stream.push(first, payload, length, fin), items);
    }
    const opposite = other(end);
    this.#take(opposite, this.#streams[opposite].acknowledge(acknowledgement), items);
    for (const side of [0, 1] as const) {
      if (!this.#ended[side] && this.#streams[side].finished) {
        this.#ended[side] = true;
        if (this.#id !== undefined) {
          items.push(...this.#dissector.endSide(this.#id, this.#sideOf(side), time));
        }
      }
    }
  }

  /** Nothing that this end has sent was captured, but the other end says how much it has had. */
  #takeUnseen(end: End, items: Item[]): void {
    const missing = this.space.acknowledgedOf(end);
    if (missing > 0) this.#take(end, [missing], items);
  }

  #tellUnseen(id: number, end: End): Item {
    const side = this.#sideOf(end);
    const seen = this.#sideOf(other(end));
    const missing = this.space.acknowledgedOf(end);
    const had =
      missing > 0
        ? `, which acknowledged ${missing} octets of it (one may be the end of the stream)`
        : "";
    const message = `nothing that the ${side} sent was captured, only what the ${seen} sent${had}`;
    return notice(message, id, this.#time);
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
    const server = this.#names[other(this.#client)];
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
