/**
 * A connection in virtual time: the real client at one end of a line in memory, a scripted peer at
 * the other. Nothing happens unless a test lets turns of the event loop go by, so that what takes
 * minutes is over at once, and what is due at a millisecond is seen at that millisecond.
 *
 * A turn has Node's order: the socket is read, then what was to run soon, then timers that are due.
 */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { type Connection, openConnection } from "../../src/client/connection.ts";
import { planConnection } from "../../src/client/options.ts";
import type {
  Channel,
  ConnectOptions,
  PublishError,
  Publisher,
  PublisherOptions,
} from "../../src/index.ts";
import type { Transport, TransportHandler } from "../../src/transport/transport.ts";
import { settlePromises, VirtualClock } from "../properties/simulation/clock.ts";
import {
  type HandshakeOptions,
  openConfirmChannel,
  openPublisher,
  Peer,
} from "./scripted-server.ts";

/** Octets that the client gave to its socket, and when, in milliseconds of virtual time. */
export interface Written {
  readonly at: number;
  readonly octets: Uint8Array;
}

/** A line, its two ends, and the time that passes on it. */
export class VirtualLine {
  readonly clock = new VirtualClock();
  readonly #client = new ClientEnd(this.clock);
  readonly #far = new PeerEnd(this.#client);
  /** Plays the broker. What it says arrives at the client in the turn after. */
  readonly peer = new Peer(this.#far as unknown as Socket);

  /** Connects a client and plays the broker's part of the handshake. */
  static async connect(
    options: ConnectOptions = {},
    handshake: HandshakeOptions = {},
  ): Promise<{
    readonly line: VirtualLine;
    readonly connection: Connection;
    readonly peer: Peer;
  }> {
    const line = new VirtualLine();
    const connecting = line.dial(undefined, options);
    const [connection] = await line.run(Promise.all([connecting, line.peer.handshake(handshake)]));
    return { line, connection, peer: line.peer };
  }

  /** Begins to connect a client, to which the peer says nothing by itself. */
  dial(url: string | undefined, options: ConnectOptions = {}): Promise<Connection> {
    const { signal } = new AbortController();
    return openConnection(this.#client, planConnection(url, options), this.clock, signal);
  }

  /** Everything that the client wrote, from the beginning. */
  get written(): readonly Written[] {
    return this.#client.written;
  }

  /** When the client wrote nothing but a heartbeat. */
  get heartbeatsAt(): readonly number[] {
    return this.written.filter(({ octets }) => isHeartbeat(octets)).map(({ at }) => at);
  }

  /** How far the client went in ending the stream. */
  get state(): "open" | "ended" | "destroyed" {
    return this.#client.state;
  }

  /** Lets turns go by, and no time, until a promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    for (let turns = 0; turns < PATIENCE_TURNS; turns++) {
      await settlePromises();
      if (settled) return promise;
      await this.#turn();
    }
    throw new Error("the promise did not settle without time passing");
  }

  /** Lets time pass, with a turn whenever a timer is due, and one at the end. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.quiet();
    for (let next = this.clock.next; next <= end; next = this.clock.next) {
      this.clock.jump(next);
      await this.quiet();
    }
    this.clock.jump(end);
    await this.quiet();
  }

  /** Lets turns go by, and no time, until nothing is left to do. */
  async quiet(): Promise<void> {
    for (let turns = 0; await this.#turn(); turns++) {
      if (turns === PATIENCE_TURNS) throw new Error("the client does not come to rest");
    }
  }

  /** Time passes while the program is busy: no timer runs and nothing is read until it is over. */
  busy(ms: number): void {
    this.clock.jump(this.clock.now() + ms);
  }

  /** Runs the timers that are due, which Node may do before it reads a socket. */
  async runTimers(): Promise<void> {
    this.clock.runTimers();
    await settlePromises();
  }

  /** Calls back again and again, until told to stop by the function that this gives. */
  every(ms: number, callback: () => void): () => void {
    const tick = (): void => {
      timer = this.clock.after(ms, tick);
      callback();
    };
    let timer = this.clock.after(ms, tick);
    return () => timer.cancel();
  }

  async #turn(): Promise<boolean> {
    await settlePromises();
    const read = this.#client.read();
    const answered = this.#far.read();
    await settlePromises();
    const soon = this.clock.runSoon();
    await settlePromises();
    const timers = this.clock.next <= this.clock.now() && this.clock.runTimers();
    await settlePromises();
    return read || answered || soon || timers;
  }
}

/** A connection in virtual time, without heartbeats: a publisher, and a channel in confirm mode. */
export interface Opened {
  readonly line: VirtualLine;
  readonly connection: Connection;
  readonly peer: Peer;
  readonly publisher: Publisher;
  /** The number of the publisher's channel. */
  readonly number: number;
  readonly channel: Channel;
  /** The number of the other channel. */
  readonly other: number;
}

/** Opens all of it. */
export async function openVirtually(options: PublisherOptions = {}): Promise<Opened> {
  const { line, connection, peer } = await VirtualLine.connect({ heartbeatSeconds: 0 });
  const { publisher, number } = await line.run(openPublisher(connection, peer, options));
  const { channel, number: other } = await line.run(openConfirmChannel(connection, peer));
  return { line, connection, peer, publisher, number, channel, other };
}

/** The broker stops reading, and the client has been told. */
export async function block({ line, peer }: Opened, reason = "low on memory"): Promise<void> {
  peer.send(0, { name: "connection.blocked", reason });
  await line.quiet();
}

/** The broker reads again, and the client has been told. */
export async function unblock({ line, peer }: Opened): Promise<void> {
  peer.send(0, { name: "connection.unblocked" });
  await line.quiet();
}

/** The body of a message that is text. */
export function textOf({ body }: { readonly body: Uint8Array }): string {
  return Buffer.from(body).toString();
}

/** How a publish ended, once it has: `confirmed`, or its outcome. */
export function endingOf(publish: Promise<unknown>): Promise<string> {
  return publish.then(
    () => "confirmed",
    (error: PublishError) => error.outcome,
  );
}

/** The client's socket. */
class ClientEnd implements Transport {
  readonly written: Written[] = [];
  state: "open" | "ended" | "destroyed" = "open";
  readonly #clock: VirtualClock;
  #handler: TransportHandler | undefined;
  #inbox: Uint8Array[] = [];
  #outbox: Uint8Array[] = [];
  #over: { readonly cause: Error | undefined } | undefined;
  #told = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get bufferedBytes(): number {
    return this.#outbox.reduce((sum, { length }) => sum + length, 0);
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  write(pieces: readonly Uint8Array[]): void {
    const octets = new Uint8Array(Buffer.concat(pieces));
    this.written.push({ at: this.#clock.now(), octets });
    this.#outbox.push(octets);
  }

  end(): void {
    if (this.state === "open") this.state = "ended";
  }

  destroy(): void {
    this.state = "destroyed";
    this.#over ??= { cause: undefined };
  }

  ref(): void {}

  unref(): void {}

  /** The peer said something. */
  arrive(octets: Uint8Array): void {
    this.#inbox.push(octets);
  }

  /** The stream ends behind what has arrived. */
  cut(cause: Error | undefined): void {
    this.#over ??= { cause };
  }

  /** Whether the stream has ended for both. */
  get over(): boolean {
    return this.#told;
  }

  /** The peer reads. */
  take(): Uint8Array[] {
    return this.#outbox.splice(0);
  }

  /** Octets went away: the client may be told. */
  flushed(): void {
    if (!this.#told && this.state !== "destroyed") this.#handler?.flushed();
  }

  /** Hands on what has arrived; whether there was anything. */
  read(): boolean {
    if (this.#told) return false;
    if (this.state !== "destroyed") {
      const inbox = this.#inbox.splice(0);
      for (const octets of inbox) this.#handler?.data(octets);
      if (inbox.length > 0) return true;
    }
    if (this.#over === undefined) return false;
    this.#told = true;
    this.#handler?.closed(this.#over.cause);
    return true;
  }
}

/** The peer's socket, as far as a scripted peer uses one. */
class PeerEnd extends EventEmitter {
  readonly #client: ClientEnd;
  #paused = false;
  #closed = false;

  constructor(client: ClientEnd) {
    super();
    this.#client = client;
  }

  setNoDelay(): this {
    return this;
  }

  write(octets: Uint8Array | string, encoding?: BufferEncoding): void {
    this.#client.arrive(typeof octets === "string" ? Buffer.from(octets, encoding) : octets);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(): void {
    this.#client.cut(undefined);
  }

  resetAndDestroy(): void {
    this.#client.cut(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  }

  /** Takes what the client wrote, and its end; whether there was anything. */
  read(): boolean {
    if (this.#closed) return false;
    if (this.#client.over) {
      this.#closed = true;
      this.emit("close");
      return true;
    }
    if (this.#paused) return false;
    const octets = Buffer.concat(this.#client.take());
    if (octets.length > 0) {
      this.emit("data", octets);
      this.#client.flushed();
      return true;
    }
    if (this.#client.state !== "ended") return false;
    this.#client.cut(undefined); // as a socket does that is not half open
    return true;
  }
}

/** One, or two that were due before the first could be written. */
function isHeartbeat(octets: Uint8Array): boolean {
  return /^(08000000000000ce)+$/.test(Buffer.from(octets).toString("hex"));
}

/** More turns than any exchange of messages takes. */
const PATIENCE_TURNS = 1000;
