/**
 * Takes conversations apart as they go on.
 *
 *     const dissector = new Dissector();
 *     const { id } = dissector.open({ client: "127.0.0.1:40122", server: "127.0.0.1:5672" });
 *     for (const item of dissector.push(id, "client", octets, timeMs)) show(item);
 *     for (const item of dissector.end(id, timeMs)) show(item);
 *
 * Octets go in with their connection, their direction and their time, as they come and chopped in
 * any way; items come out (model.ts), each as soon as it can be known. There is no clock and no
 * socket in it. What is held for a connection is bounded: of each direction one frame, of contents
 * under way 16 MiB, of open publishes and unanswered methods so many.
 */
import { Conversation, type ConversationOptions, connectionItem } from "./conversation.ts";
import type { ConnectionItem, Item, NoticeItem, Side } from "./model.ts";
import type { DissectOptions, OpenOptions } from "./options.ts";

/** Any number of conversations, taken apart side by side. */
export class Dissector {
  readonly #options: ConversationOptions;
  readonly #conversations = new Map<number, Conversation>();
  #lastConnection = 0;
  #lastEvent = 0;

  constructor(options: DissectOptions = {}) {
    this.#options = {
      showSecrets: options.showSecrets ?? false,
      explain: options.explain ?? false,
      maxBody: options.maxBody ?? 65_536,
      maxFrameSize: options.maxFrameSize,
      nextId: () => ++this.#lastEvent,
    };
  }

  /** Begins a connection; its item has the id that all else takes. */
  open(options: OpenOptions = {}): ConnectionItem {
    const conversation = new Conversation(++this.#lastConnection, options, this.#options);
    this.#conversations.set(conversation.id, conversation);
    return connectionItem(conversation, options.time);
  }

  /** Takes octets that a side sent; the time is in milliseconds since 1970. */
  push(connection: number, from: Side, octets: Uint8Array, time?: number): Item[] {
    return this.#conversation(connection)?.push(from, octets, time) ?? [];
  }

  /** So many octets of a side are missing here; 0: nobody knows how many. */
  gap(connection: number, from: Side, missing: number, time?: number): Item[] {
    return this.#conversation(connection)?.gap(from, missing, time) ?? [];
  }

  /** A side sends nothing more. */
  endSide(connection: number, from: Side, time?: number): Item[] {
    return this.#conversation(connection)?.endSide(from, time) ?? [];
  }

  /** The connection is over: gives what is left of both directions. */
  end(connection: number, time?: number): Item[] {
    const conversation = this.#conversation(connection);
    this.#conversations.delete(connection);
    return conversation?.end(time) ?? [];
  }

  /** All connections are over. */
  endAll(time?: number): Item[] {
    return [...this.#conversations.keys()].flatMap((id) => this.end(id, time));
  }

  #conversation(id: number): Conversation | undefined {
    return this.#conversations.get(id);
  }
}

/** Something to be said of the input. */
export function notice(message: string, connection?: number, time?: number): NoticeItem {
  return { kind: "notice", connection, time, message };
}
