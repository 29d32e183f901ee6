/**
 * What the client writes, checked against the rules of the connection: who may speak when, and that
 * every close is answered once. What the server really said comes from the second parser, too.
 */
import { check } from "../fault.ts";
import { Envelope, shortAt } from "../octets/envelope.ts";
import { layoutOf, methodIn } from "../octets/layout.ts";
import { Written, type WrittenContent } from "../octets/written.ts";
import { TWIN } from "./session.ts";

/** The largest frame before connection.tune has said otherwise, as the client has it. */
export const HANDSHAKE_LIMIT = 131_072;

/** Listens to both sides. */
export class Writing {
  /** The numbers of the publishes that were written, as their bodies have it. */
  readonly published: Set<number> = new Set();
  /** Octets that the server sent. */
  received = 0;
  /** How often the server said what, on which channel: `3 channel.close`. */
  readonly #heard: Map<string, number> = new Map();
  readonly #server = new Envelope();
  readonly #client: Written;
  readonly #channels: Map<number, "open" | "closing"> = new Map();
  readonly #closedEarly = new Set<number>();
  #closed = false;

  constructor() {
    this.#client = new Written("client", {
      limit: HANDSHAKE_LIMIT,
      header: 8,
      onMethod: (channel, name) => this.#onMethod(channel, name),
      onContent: (content) => this.#onContent(content),
    });
  }

  /** Octets written. */
  get written(): number {
    return this.#client.octets;
  }

  /** The reply code of the client's connection.close; undefined if it wrote none. */
  get closeCode(): number | undefined {
    return this.#client.close?.replyCode;
  }

  /** The client writes this; `frameMax` holds from its connection.tune-ok on. */
  write(octets: Uint8Array, frameMax: number): void {
    this.#client.push(octets);
    if (this.#client.count(0, "connection.tune-ok") > 0) this.#client.limit = frameMax;
  }

  /** The server says this; returns what is wrong with it, as far as frames and fields go. */
  hear(octets: Uint8Array, limit: number): string | undefined {
    this.received += octets.length;
    for (const frame of this.#server.push(octets, limit)) {
      const { fault } = layoutOf(frame, "server");
      const name = methodIn(frame);
      if (frame[0] === 1 && fault !== undefined) return `${fault}: ${name ?? "no method"}`;
      if (name === undefined) continue;
      const key = `${shortAt(frame, 1)} ${name}`;
      this.#heard.set(key, (this.#heard.get(key) ?? 0) + 1);
      if (name === "channel.close-ok") this.#onCloseOk(shortAt(frame, 1));
    }
    return this.#server.broken;
  }

  /** A server may say so before the client's close has even left. */
  #onCloseOk(channel: number): void {
    if (this.#channels.get(channel) === "closing") this.#channels.delete(channel);
    else this.#closedEarly.add(channel);
  }

  #onMethod(channel: number, name: string): void {
    const rule = `it writes ${name} where it must not`;
    if (channel === 0) return this.#onConnection(name, rule);
    check(!this.#closed, rule, () => "after connection.close");
    const state = this.#channels.get(channel);
    if (name === "channel.open") {
      check(state === undefined, rule, () => `channel ${channel} is in use`);
      this.#channels.set(channel, "open");
    } else if (name === "channel.close-ok") {
      this.#checkAnswered(channel, "channel.close-ok", "channel.close");
      if (state === "open") this.#channels.delete(channel);
    } else {
      check(state === "open", rule, () => `channel ${channel} is ${state ?? "not open"}`);
      if (name === "channel.close") this.#onClose(channel);
      if (name === "channel.flow-ok") this.#checkAnswered(channel, name, "channel.flow");
    }
  }

  #onClose(channel: number): void {
    if (this.#closedEarly.delete(channel)) this.#channels.delete(channel);
    else this.#channels.set(channel, "closing");
  }

  #onConnection(name: string, rule: string): void {
    check(name.startsWith("connection."), rule, () => "on channel 0");
    if (name === "connection.close-ok") {
      this.#checkAnswered(0, "connection.close-ok", "connection.close");
      this.#closed = true;
      return;
    }
    check(!this.#closed, rule, () => "after connection.close");
    if (name === "connection.close") this.#closed = true;
    const due = HANDSHAKE[name];
    if (due === undefined) return;
    const asked = this.#heard.get(`0 ${due}`) ?? 0;
    check(asked >= this.#count(0, name), rule, () => `before ${due}`);
  }

  #checkAnswered(channel: number, answer: string, question: string): void {
    const asked = this.#heard.get(`${channel} ${question}`) ?? 0;
    const answered = this.#count(channel, answer);
    check(answered <= asked, `it writes ${answer} though nobody asked`, () => {
      return `${answered} for ${asked} on channel ${channel}`;
    });
  }

  #count(channel: number, name: string): number {
    return this.#client.count(channel, name as never);
  }

  #onContent({ body }: WrittenContent): void {
    const start = Buffer.from(body.subarray(0, 12)).toString("latin1");
    if (start === TWIN) return;
    const id = /^#(\d+)#/.exec(start)?.[1];
    check(id !== undefined, "it writes a message of nobody", () => start);
    check(!this.published.has(Number(id)), "it writes a message twice", () => id);
    this.published.add(Number(id));
  }
}

/** What each word of the handshake answers. */
const HANDSHAKE: { readonly [name: string]: string } = {
  "connection.start-ok": "connection.start",
  "connection.secure-ok": "connection.secure",
  "connection.tune-ok": "connection.tune",
  "connection.open": "connection.tune",
};
