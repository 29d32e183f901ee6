/**
 * Content put together: the method that announces it, its header and its bodies (specification
 * section 4.2.6). It is for one direction of one connection; each of its channels has at most one
 * content under way.
 *
 * Of a body only the beginning is kept, and a number that tells equal bodies from others.
 */
import type { EventItem, MessageItem } from "./model.ts";

/** What the place of an event in a content says. */
export interface ContentPlace {
  /** Of a header or a body: the method that it belongs to. */
  readonly method?: string | undefined;
  /** What is wrong with it; of the frame as a whole. */
  readonly error?: string | undefined;
  /** Where that is, counted from the first octet of what the frame carries; default: the frame. */
  readonly errorAt?: number | undefined;
  /** The content that it completes. */
  readonly whole?: WholeContent | undefined;
}

/** A content, put together. */
export interface WholeContent {
  readonly message: MessageItem;
  /** The event of its method. */
  readonly start: EventItem;
  /** Equal for equal bodies. */
  readonly bodyHash: number;
  /** Equal for equal properties. */
  readonly propertiesHash: number;
}

/** A place for each of these in a message's `events`, beside the method and the header. */
const MAX_BODY_EVENTS = 1024;

/** How much of all bodies under way in one direction is kept, in octets. */
const MAX_KEPT = 16_777_216;

/** Takes the frames of one direction. */
export class ContentAssembler {
  readonly #maxBody: number;
  readonly #underWay = new Map<number, Content>();
  /** Whether contents may have begun where nobody saw it. */
  #unsure: boolean;
  /** Then: the channels of which a method has been seen since. */
  readonly #sure = new Set<number>();
  #kept = 0;

  /** `maxBody`: how much of each body is kept, in octets. `unsure`: the beginning was not seen. */
  constructor(maxBody: number, unsure: boolean) {
    this.#maxBody = maxBody;
    this.#unsure = unsure;
  }

  /** Octets are missing: nothing that is under way can become whole. */
  forget(): void {
    this.#underWay.clear();
    this.#sure.clear();
    this.#unsure = true;
    this.#kept = 0;
  }

  /** A method; `hasContent` says that a header follows. */
  method(event: EventItem, hasContent: boolean): ContentPlace {
    const channel = event.channel as number;
    const interrupted = this.#drop(channel);
    if (this.#unsure) this.#sure.add(channel);
    if (hasContent) this.#underWay.set(channel, new Content(event));
    if (interrupted === undefined) return {};
    const { method, start, size, received } = interrupted;
    const came = size === undefined ? "no header" : `${received} of the ${size} octets of its body`;
    const error = `the content of ${method} (event ${start.id}) is not complete: ${came} came`;
    return { error, errorAt: 0 };
  }

  /** A content header that announces a body of so many octets; undefined where it cannot be read. */
  header(event: EventItem, size: number | undefined, properties: Uint8Array): ContentPlace {
    const channel = event.channel as number;
    const content = this.#underWay.get(channel);
    if (content === undefined) return this.#outOfPlace(channel, "a content header");
    const { method } = content;
    if (content.size !== undefined || size === undefined) {
      this.#drop(channel);
      return size === undefined ? { method } : { method, error: "a second content header" };
    }
    content.size = size;
    content.events.push(event.id);
    content.propertiesHash = hash(properties, START);
    return this.#finish(channel, content, event);
  }

  /** A piece of a body. */
  body(event: EventItem, octets: Uint8Array): ContentPlace {
    const channel = event.channel as number;
    const content = this.#underWay.get(channel);
    if (content?.size === undefined) {
      this.#drop(channel);
      return this.#outOfPlace(channel, "a body");
    }
    const { method } = content;
    if (octets.length > content.size - content.received) {
      this.#drop(channel);
      const error = `the body is longer than the ${content.size} octets announced`;
      return { method, error, errorAt: content.size - content.received };
    }
    content.bodies++;
    if (content.bodies <= MAX_BODY_EVENTS) content.events.push(event.id);
    content.received += octets.length;
    content.bodyHash = hash(octets, content.bodyHash);
    this.#keep(content, octets);
    return this.#finish(channel, content, event);
  }

  #outOfPlace(channel: number, what: string): ContentPlace {
    if (this.#unsure && !this.#sure.has(channel)) return {};
    return { error: `${what} without a method that announces it` };
  }

  #keep(content: Content, octets: Uint8Array): void {
    const room = Math.min(this.#maxBody - content.kept, MAX_KEPT - this.#kept, octets.length);
    if (room <= 0) return;
    // A later piece must not be kept behind one that was not.
    if (content.kept !== content.received - octets.length) return;
    content.pieces.push(new Uint8Array(octets.subarray(0, room)));
    content.kept += room;
    this.#kept += room;
  }

  #drop(channel: number): Content | undefined {
    const content = this.#underWay.get(channel);
    if (content === undefined) return undefined;
    this.#underWay.delete(channel);
    this.#kept -= content.kept;
    return content;
  }

  #finish(channel: number, content: Content, { time }: EventItem): ContentPlace {
    const { method, start, size, received, bodyHash, propertiesHash, events, bodies } = content;
    if (size === undefined || received < size) return { method };
    this.#drop(channel);
    const { connection, from } = start;
    const body = join(content.pieces, content.kept);
    const complete = body.length === size;
    const message: MessageItem = {
      ...({ kind: "message", connection, from, channel, time, method, events } as const),
      ...{ bodies, size, body, complete },
    };
    return { method, whole: { message, start, bodyHash, propertiesHash } };
  }
}

/** A content under way. */
class Content {
  readonly start: EventItem;
  readonly method: string;
  readonly events: number[];
  size: number | undefined;
  received = 0;
  bodies = 0;
  pieces: Uint8Array[] = [];
  kept = 0;
  bodyHash: number = START;
  propertiesHash: number = START;

  constructor(start: EventItem) {
    this.start = start;
    this.method = start.method as string;
    this.events = [start.id];
  }
}

/** FNV-1a, 32 bits: a body that comes in other pieces has the same. */
function hash(octets: Uint8Array, start: number): number {
  let value = start;
  for (let i = 0; i < octets.length; i++) {
    value = Math.imul(value ^ (octets[i] as number), 0x01000193);
  }
  return value;
}

const START = 0x811c9dc5 | 0;

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
