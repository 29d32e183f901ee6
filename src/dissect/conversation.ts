/** One connection: its two directions, its state, and what belongs together in it. */
import { FRAME_HEADER_SIZE } from "../wire/frame.ts";
import { METHODS } from "../wire/generated/method-table.ts";
import type { Method } from "../wire/generated/methods.ts";
import {
  type Annotated,
  annotateFrame,
  annotateOctets,
  annotateProtocolHeader,
} from "./annotate.ts";
import { ContentAssembler, type ContentPlace, type WholeContent } from "./content.ts";
import { explainFields } from "./explain.ts";
import { Framer, type Piece } from "./framer.ts";
import type { ConnectionItem, ConnectionState, EventItem, Item, Side } from "./model.ts";
import type { OpenOptions } from "./options.ts";
import { MAX_OPEN_PUBLISHES, type OpenPublishes, PublishLinks } from "./publish-links.ts";
import { ReplyLinks } from "./reply-links.ts";
import { SecretMask, type Sender } from "./secrets.ts";

/** The options of the dissector, all of them there. */
export interface ConversationOptions {
  readonly showSecrets: boolean;
  readonly explain: boolean;
  readonly maxBody: number;
  readonly maxFrameSize: number | undefined;
  /** Gives the id of the next event. */
  readonly nextId: () => number;
}

/** A connection as an item. */
export function connectionItem(
  { id, client, server, state }: Conversation,
  time: number | undefined,
): ConnectionItem {
  return { kind: "connection", id, client, server, state, time };
}

/** A connection that is being taken apart. */
export class Conversation {
  readonly id: number;
  readonly client: string | undefined;
  readonly server: string | undefined;
  state: ConnectionState;
  readonly #options: ConversationOptions;
  readonly #sides: { readonly [S in Side]: Direction };
  readonly #channels = new Map<number, Channel>();
  readonly #openPublishes: OpenPublishes = { left: MAX_OPEN_PUBLISHES };
  /** Of a mixed stream: who sent the last frame. */
  #mixed: Side | undefined;

  constructor(id: number, open: OpenOptions, options: ConversationOptions) {
    const { midstream = false, mixed = false } = open;
    this.id = id;
    this.client = open.client;
    this.server = open.server;
    this.state = midstream ? "unknown" : "handshake";
    this.#options = options;
    this.#mixed = mixed ? (open.first ?? "client") : undefined;
    const { maxFrameSize, maxBody } = options;
    const mask = (sender: Sender): SecretMask | undefined =>
      options.showSecrets ? undefined : new SecretMask(sender);
    const mixedMask = mask("mixed");
    const direction = (from: Side): Direction => ({
      framer: new Framer(midstream, maxFrameSize),
      // What people paste is often a frame alone.
      content: new ContentAssembler(maxBody, midstream || mixed),
      // Of a mixed stream nobody knows who has sent what is no frame.
      mask: mixed ? mixedMask : mask(midstream ? "unsure" : from),
      ended: false,
      begun: false,
    });
    this.#sides = { client: direction("client"), server: direction("server") };
  }

  push(from: Side, octets: Uint8Array, time: number | undefined): Item[] {
    const items: Item[] = [];
    const { framer } = this.#sides[from];
    framer.push(octets);
    for (let piece = framer.next(); piece; piece = framer.next()) {
      this.#take(from, piece, time, items);
    }
    return items;
  }

  gap(from: Side, missing: number, time: number | undefined): Item[] {
    const items: Item[] = [];
    const { framer, content, mask } = this.#sides[from];
    for (let piece = framer.finish("gap"); piece; piece = framer.finish("gap")) {
      this.#take(from, piece, time, items);
    }
    this.#take(from, framer.gap(missing), time, items);
    mask?.gap(framer.isInFrame);
    content.forget();
    // A publish, a return or a confirm may be among what is missing: nobody knows the numbers.
    for (const { publishes } of this.#channels.values()) publishes.forget();
    return items;
  }

  endSide(from: Side, time: number | undefined): Item[] {
    const items: Item[] = [];
    const side = this.#sides[from];
    if (side.ended) return items;
    side.ended = true;
    for (let piece = side.framer.finish("end"); piece; piece = side.framer.finish("end")) {
      this.#take(from, piece, time, items);
    }
    return items;
  }

  end(time: number | undefined): Item[] {
    const items = [...this.endSide("client", time), ...this.endSide("server", time)];
    if (this.state !== "encrypted") this.#become("closed", time, items);
    return items;
  }

  #take(direction: Side, piece: Piece, time: number | undefined, items: Item[]): void {
    const annotated = this.#annotate(direction, piece);
    const from = this.#mixed === undefined ? direction : this.#sideOf(annotated);
    const { bytes, offset, missing } = piece;
    // The mask changes the octets; what is read from them is read before.
    const { mask, content } = this.#sides[from];
    const payload = contentOf(annotated, bytes);
    const read = { fields: annotated.fields, error: piece.error ?? annotated.error };
    const { fields, error } = mask?.mask(annotated, bytes, read.error) ?? read;
    const { type, channel, method } = annotated;
    const event: Writable<EventItem> = {
      kind: "event",
      id: this.#options.nextId(),
      connection: this.id,
      from,
      time,
      offset,
      bytes,
      type,
      channel,
      method,
      fields,
      error,
      missing,
    };
    const place = this.#place(content, event, payload, piece);
    event.method ??= place.method;
    if (place.error !== undefined) {
      const at = place.errorAt === undefined ? 0 : FRAME_HEADER_SIZE + place.errorAt;
      event.error ??= { offset: at, message: place.error };
    }
    if (this.#isSecondHeader(this.#sides[direction], piece)) {
      event.error ??= { offset: 0, message: "the AMQP header comes once, before all else" };
    }
    if (this.#options.explain) event.fields = explainFields(event.method, event.fields);
    items.push(event);
    if (place.whole !== undefined) items.push(place.whole.message);
    this.#link(event, place.whole, items);
    this.#follow(event, items);
  }

  /** A header behind a frame or another header; in a mixed stream the other side may answer it. */
  #isSecondHeader(side: Direction, { kind }: Piece): boolean {
    const isHeader = kind === "protocol-header";
    const before = side.begun;
    side.begun ||= kind === "frame" || (isHeader && this.#mixed === undefined);
    return isHeader && before;
  }

  #annotate(direction: Side, { kind, bytes, error }: Piece): Annotated {
    const from = this.#mixed === undefined ? direction : undefined;
    if (kind === "frame") return annotateFrame(bytes, from);
    return kind === "protocol-header"
      ? annotateProtocolHeader(bytes)
      : annotateOctets(bytes, kind, error);
  }

  /** Of a mixed stream: who may have sent this. */
  #sideOf({ type, channel = 0, method }: Annotated): Side {
    const before = this.#mixed as Side;
    if (type === "protocol-header") this.#mixed = "client";
    if (type !== "method" || method === undefined || !isMethod(method)) return this.#mixed as Side;
    const { from } = METHODS[method];
    const known = this.#channels.get(channel);
    if (from.length === 1) this.#mixed = from[0] as Side;
    else if (known?.replies.waits("client", method)) this.#mixed = "server";
    else if (known?.replies.waits("server", method)) this.#mixed = "client";
    else if (/^basic\.n?ack$/.test(method) && known?.confirms) this.#mixed = "server";
    else this.#mixed = before;
    return this.#mixed as Side;
  }

  /** Where in a content the event is. */
  #place(
    content: ContentAssembler,
    event: EventItem,
    payload: Payload | undefined,
    { kind, error }: Piece,
  ): ContentPlace {
    // A frame of which a part is missing is in no content.
    if (kind !== "frame" || error !== undefined || event.channel === undefined) return {};
    if (event.type === "method") {
      const { method } = event;
      const isKnown = method !== undefined && isMethod(method);
      return content.method(event, isKnown && METHODS[method].content);
    }
    if (event.type === "header")
      return content.header(event, payload?.size, payload?.octets ?? NOTHING);
    return event.type === "body" ? content.body(event, payload?.octets ?? NOTHING) : {};
  }

  #link(event: EventItem, whole: WholeContent | undefined, items: Item[]): void {
    if (event.type !== "method" && event.type !== "protocol-header" && whole === undefined) return;
    const channel = this.#channel(event.channel ?? 0);
    if (event.type === "method" || event.type === "protocol-header") {
      const reply = channel.replies.see(event);
      if (reply !== undefined) items.push(reply);
    }
    if (whole !== undefined) {
      if (whole.message.method === "basic.publish") channel.publishes.publish(whole);
      if (whole.message.method === "basic.return") {
        const link = channel.publishes.return(whole);
        if (link !== undefined) items.push(link);
      }
    }
    if (
      event.from === "server" &&
      (event.method === "basic.ack" || event.method === "basic.nack")
    ) {
      for (const link of channel.publishes.confirm(event)) items.push(link);
    }
    if (event.method === "confirm.select") {
      channel.publishes.select();
      channel.confirms = true;
    }
  }

  #channel(number: number): Channel {
    let channel = this.#channels.get(number);
    if (channel === undefined) {
      const publishes = new PublishLinks(this.#openPublishes);
      channel = { publishes, replies: new ReplyLinks(), confirms: false };
      this.#channels.set(number, channel);
    }
    return channel;
  }

  /** What the event means for the state of the connection and of its channel. */
  #follow({ type, method, channel = 0, time }: EventItem, items: Item[]): void {
    if (type === "encrypted") this.#become("encrypted", time, items);
    if (type !== "method") return;
    const known = this.#channels.get(channel);
    if (method === "channel.close-ok" || method === "channel.open") known?.publishes.forget();
    // Where both sides close a channel at once, another close-ok is still to come.
    if (method === "channel.close-ok" && !known?.replies.waitsForAny(method)) {
      this.#channels.delete(channel);
    }
    if (method === "connection.close") this.#become("closing", time, items);
    else if (method === "connection.close-ok") this.#become("closed", time, items);
    else if (method === "connection.open-ok") this.#become("open", time, items);
    else if (channel > 0 && this.state === "unknown") this.#become("open", time, items);
  }

  #become(state: ConnectionState, time: number | undefined, items: Item[]): void {
    if (this.state === state) return;
    this.state = state;
    items.push(connectionItem(this, time));
  }
}

interface Direction {
  readonly framer: Framer;
  readonly content: ContentAssembler;
  readonly mask: SecretMask | undefined;
  ended: boolean;
  /** Whether a frame or the AMQP header has been seen. */
  begun: boolean;
}

interface Channel {
  readonly publishes: PublishLinks;
  readonly replies: ReplyLinks;
  confirms: boolean;
}

interface Payload {
  /** The size of the body that a header announces. */
  readonly size: number | undefined;
  /** A body, or a header's properties. */
  readonly octets: Uint8Array;
}

/** What a content is put together from. */
function contentOf({ type, fields }: Annotated, bytes: Uint8Array): Payload | undefined {
  if (type === "header") {
    const size = fields.find(({ name }) => name === "bodySize")?.value;
    const flags = fields.find(({ name }) => name === "flags");
    if (typeof size !== "number" || flags === undefined) return undefined;
    return { size, octets: bytes.subarray(flags.offset, -1) };
  }
  if (type !== "body") return undefined;
  const content = fields.find(({ part }) => part === "body");
  if (content === undefined) return undefined;
  const { offset, length } = content;
  return { size: undefined, octets: bytes.subarray(offset, offset + length) };
}

function isMethod(name: string): name is Method["name"] {
  return Object.hasOwn(METHODS, name);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING = new Uint8Array(0);
