/**
 * What every scripted peer can do, whichever part it plays: expect, send, chop, hang up.
 */
import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { PROTOCOL_HEADER } from "../../wire/generated/constants.ts";
import { METHODS } from "../../wire/generated/method-table.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import { encodeContent, encodeHeartbeat, encodeMethod } from "./encode.ts";
import {
  type Expectation,
  expectAnything,
  expectContent,
  expectKind,
  expectMethod,
  expectOctets,
  wrongChannel,
} from "./expectation.ts";
import { FrameReader } from "./frame-reader.ts";
import { Inbox, ScriptError } from "./inbox.ts";
import { bodyMismatch, mismatch } from "./match.ts";
import type {
  ContentMethodName,
  ExpectedBody,
  ExpectedFields,
  ExpectedProperties,
  MethodName,
  SentFields,
} from "./method-types.ts";
import { hexOf, type Octets, octetsOf } from "./octets.ts";
import { type ChopOptions, cut } from "./pieces.ts";
import type {
  Received,
  ReceivedBody,
  ReceivedContent,
  ReceivedEnd,
  ReceivedHeader,
  ReceivedHeartbeat,
  ReceivedMethod,
  ReceivedProtocolHeader,
} from "./received.ts";
import { plural, show, showValue } from "./show.ts";
import { Transcript } from "./transcript.ts";

/** How a peer is set up. */
export interface ScriptedPeerOptions {
  /**
   * How long an expectation waits, in milliseconds, 1 to 2,147,483,647. Default 1,500: less than the
   * two seconds that test runners such as mocha give a test, so that the transcript is what one sees.
   */
  readonly timeoutMs?: number | undefined;
}

/** Bounds of one expectation. */
export interface ExpectOptions {
  /** The channel that it must come on; any, if absent. */
  readonly channel?: number | undefined;
  /** Instead of the peer's own `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** What the content of an expected method must be; what is absent may be anything. */
export interface ExpectContentOptions extends ExpectOptions {
  readonly body?: ExpectedBody | undefined;
  readonly properties?: ExpectedProperties | undefined;
}

/** Where a method is sent. */
export interface SendOptions {
  /** Methods of class connection go to channel 0 if it is absent; all others must have it. */
  readonly channel?: number | undefined;
}

/**
 * One side of a conversation in AMQP, in the hands of a script. {@link ScriptedPeer} is what scripts
 * use; it says how expectations work.
 */
export class Conversation implements AsyncDisposable {
  /** What the octets travel on. */
  readonly stream: Duplex;
  /** The size of frame that {@link sendContent} cuts bodies for; the handshake sets it. */
  frameMax = 131_072;
  readonly #transcript = new Transcript();
  readonly #reader = new FrameReader();
  readonly #inbox: Inbox;
  readonly #timeoutMs: number;
  #ended = false;
  #hungUp = false;
  #closing: Promise<void> | undefined;

  /** Scripts use {@link ScriptedPeer.listen}, {@link ScriptedPeer.connect} or {@link ScriptedPeer.over}. */
  constructor(stream: Duplex, options: ScriptedPeerOptions) {
    this.stream = stream;
    this.#timeoutMs = deadlineOf(options);
    this.#inbox = new Inbox(this.#transcript, () => this.#unfinished());
    if (stream instanceof Socket) stream.setNoDelay(true);
    stream.on("data", (piece: Uint8Array) => this.#receive(piece));
    stream.on("end", () => this.#end("end"));
    stream.on("error", () => this.#end("reset"));
    stream.on("close", () => this.#end("reset"));
  }

  // ----- what comes -----

  /**
   * The next thing is this method's frame. For methods that carry content, {@link expectContent} takes
   * all of it; here, header and body frames are left to be expected by themselves.
   */
  expect<N extends MethodName>(
    name: N,
    fields?: ExpectedFields<N>,
    options: ExpectOptions = {},
  ): Promise<ReceivedMethod<N>> {
    return this.#expect(expectMethod(name, fields, options.channel), options, this.expect);
  }

  /** The next things are this method, its header and its whole body. */
  expectContent<N extends ContentMethodName>(
    name: N,
    fields?: ExpectedFields<N>,
    options: ExpectContentOptions = {},
  ): Promise<ReceivedContent<N>> {
    const expectation = expectContent(name, fields, options, options.channel);
    return this.#expect(expectation, options, this.expectContent);
  }

  /** The next thing is a header frame with at least these properties. */
  expectHeader(
    properties?: ExpectedProperties,
    options: ExpectOptions & { readonly bodySize?: number | undefined } = {},
  ): Promise<ReceivedHeader> {
    const { bodySize, channel } = options;
    const what = `a content header ${showValue(properties ?? {})}`;
    const expectation = expectKind("header", what, (received) => {
      const off = mismatch({ bodySize }, received) ?? mismatch(properties, received.properties);
      return wrongChannel(received, channel) ?? off;
    });
    return this.#expect(expectation, options, this.expectHeader);
  }

  /** The next thing is one body frame, with this in it. */
  expectBody(body?: ExpectedBody, options: ExpectOptions = {}): Promise<ReceivedBody> {
    const what = body === undefined ? "a body frame" : `a body frame ${showValue(body)}`;
    const expectation = expectKind("body", what, (received) => {
      return wrongChannel(received, options.channel) ?? bodyMismatch(body, received.body);
    });
    return this.#expect(expectation, options, this.expectBody);
  }

  /** A heartbeat comes, or has come since the last thing that was expected. */
  expectHeartbeat(options: ExpectOptions = {}): Promise<ReceivedHeartbeat> {
    const expectation = expectKind("heartbeat", "a heartbeat", (received) =>
      wrongChannel(received, options.channel),
    );
    return this.#expect(expectation, options, this.expectHeartbeat);
  }

  /** The next thing is a protocol header; of version 0-9-1 unless told otherwise. */
  expectProtocolHeader(
    header: Octets = Uint8Array.from(PROTOCOL_HEADER),
    options: ExpectOptions = {},
  ): Promise<ReceivedProtocolHeader> {
    const octets = octetsOf(header);
    const what = `the protocol header ${hexOf(octets)}`;
    const expectation = expectKind("protocol-header", what, (received) => {
      return octets.equals(received.octets) ? undefined : "another version";
    });
    return this.#expect(expectation, options, this.expectProtocolHeader);
  }

  /** The next octets are exactly these: whole frames, or what is no frame at all. */
  async expectOctets(octets: Octets, options: ExpectOptions = {}): Promise<void> {
    const expectation = expectOctets(octetsOf(octets));
    await this.#expect(expectation, options, this.expectOctets);
  }

  /** The next thing is the end of the stream; this or any end, if `how` is absent. */
  expectEnd(how?: ReceivedEnd["how"], options: ExpectOptions = {}): Promise<ReceivedEnd> {
    const what = how === undefined ? "the end of the stream" : `the end of the stream (${how})`;
    const expectation = expectKind("end", what, (received) => {
      return how === undefined || received.how === how ? undefined : "another kind of end";
    });
    return this.#expect(expectation, options, this.expectEnd);
  }

  /** The next thing, whatever it is; heartbeats and the end too. */
  receive(options: ExpectOptions = {}): Promise<Received> {
    return this.#expect(expectAnything(), options, this.receive);
  }

  /** What came and was not expected yet, oldest first; heartbeats and the end do not count. */
  get unexpected(): readonly Received[] {
    return this.#inbox.unexpected;
  }

  /** The conversation so far, a line for each thing that came (`<-`) or was sent (`->`). */
  get transcript(): string {
    return `${this.#transcript}${this.#unfinished()}`;
  }

  // ----- what is sent -----

  /** Sends a method's frame. What is left out of its fields is zero, empty or false. */
  send<N extends MethodName>(name: N, fields?: SentFields<N>, options: SendOptions = {}): void {
    this.#write(encodeMethod(channelOf(name, options), name, fields));
  }

  /**
   * Sends a method with its content, in body frames of at most {@link frameMax}. For content that is
   * wrong, put it together from {@link encodeHeader} and {@link encodeBody}.
   */
  sendContent<N extends ContentMethodName>(
    name: N,
    fields: SentFields<N>,
    body: Uint8Array | string,
    properties: BasicProperties = {},
    options: SendOptions = {},
  ): void {
    const channel = channelOf(name, options);
    this.#write(encodeContent(channel, name, fields, body, properties, this.frameMax));
  }

  /** Sends a heartbeat. */
  sendHeartbeat(): void {
    this.#write(encodeHeartbeat());
  }

  /** Sends a protocol header; of version 0-9-1 unless told otherwise. */
  sendProtocolHeader(header: Octets = Uint8Array.from(PROTOCOL_HEADER)): void {
    this.#write(octetsOf(header));
  }

  /** Sends octets as they are: bytes, or hex with spaces at will. */
  sendOctets(octets: Octets): void {
    this.#write(octetsOf(octets));
  }

  /**
   * Sends octets in pieces, each in a turn of the event loop of its own. As a rule each piece is a read
   * of its own on the other side, too; TCP does not promise it, a `duplexPair()` does.
   *
   *     await peer.chop(encodeMethod(1, "basic.ack", { deliveryTag: 1 }), { size: 1 });
   *     await peer.chop("01 0001 0000000d 003c0050 0000000000000001 00 ce", { at: [7, 19] });
   *
   * Stops early, and resolves, when the stream is gone.
   */
  async chop(octets: Octets, options: ChopOptions): Promise<void> {
    const whole = octetsOf(octets);
    const pieces = cut(whole, options);
    this.#checkOpen();
    this.#transcript.sent(whole, ` (in ${plural(pieces.length, "piece")})`);
    for (const piece of pieces) {
      if (!this.stream.writable) return;
      this.stream.write(piece);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Reads nothing any more: what the other side sends stays in the buffers of the network. */
  pause(): void {
    this.#transcript.did("stopped reading");
    this.stream.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#transcript.did("reads again");
    this.stream.resume();
  }

  /**
   * Ends the connection from this side. `end` sends what was written and closes the stream in good
   * order (FIN); `destroy` closes it and drops what the kernel has not taken yet; `reset` does the
   * same as a crash would (RST; a stream that is no TCP socket, so one of TLS too, is destroyed).
   * Nothing can be sent after it; what still comes after `end` can be expected.
   */
  hangUp(how: "end" | "destroy" | "reset" = "end"): void {
    this.#transcript.did(`hung up (${how})`);
    this.#hungUp = true;
    if (how === "end") this.stream.end();
    else if (how === "reset") reset(this.stream);
    else this.stream.destroy();
  }

  /**
   * Destroys the stream, and rejects with a {@link ScriptError} if anything had come that nobody
   * expected; heartbeats, the end and a frame that was not whole do not count. Expectations that still
   * wait fail. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#inbox.close();
    this.#hungUp = true;
    if (!this.stream.closed) {
      this.stream.destroy();
      await once(this.stream, "close");
    }
    const { unexpected } = this;
    if (unexpected.length === 0) return;
    const came = unexpected.slice(0, 20).map((received) => `\n  ${show(received)}`);
    const count = plural(unexpected.length, "thing");
    const message = `${count} came that nobody expected:${came.join("")}`;
    throw new ScriptError(
      message,
      "nothing more",
      show(unexpected[0] as Received),
      this.transcript,
    );
  }

  async #expect<T>(
    expectation: Expectation<T>,
    { timeoutMs = this.#timeoutMs }: ExpectOptions,
    caller: (...args: never[]) => unknown,
  ): Promise<T> {
    const site: { stack?: string } = {};
    Error.captureStackTrace(site, caller);
    if (this.#closing !== undefined) {
      const { what } = expectation;
      const message = `waited for ${what}, and the peer was closed`;
      throw new ScriptError(message, what, undefined, this.transcript);
    }
    return await this.#inbox.expect(expectation, deadlineOf({ timeoutMs }), site);
  }

  #receive(piece: Uint8Array): void {
    for (const received of this.#reader.push(piece)) this.#inbox.add(received);
  }

  #end(how: "end" | "reset"): void {
    if (this.#ended) return;
    this.#ended = true;
    const byUs = how === "reset" && this.#hungUp;
    this.#inbox.add({ kind: "end", how: byUs ? "hung-up" : how, octets: new Uint8Array(0) });
  }

  #write(octets: Uint8Array): void {
    this.#checkOpen();
    this.#transcript.sent(octets);
    if (this.stream.writable) this.stream.write(octets);
  }

  #checkOpen(): void {
    if (this.#hungUp) throw new Error("this peer has hung up and can send nothing more");
  }

  #unfinished(): string {
    const { rest } = this.#reader;
    if (rest.length === 0) return "";
    return `\n${" ".repeat(11)}<- no whole frame yet: ${hexOf(rest, 64)}`;
  }
}

function channelOf(name: MethodName, { channel }: SendOptions): number {
  if (channel !== undefined) return channel;
  if (METHODS[name].classId === METHODS["connection.open"].classId) return 0;
  throw new TypeError(
    `${name} belongs on a channel: peer.channel(1).send("${name}", …), or say { channel }`,
  );
}

/** Breaks it off with a RST, where there is such a thing. */
function reset(stream: Duplex): void {
  try {
    if (stream instanceof Socket && !stream.writableEnded) stream.resetAndDestroy();
  } catch {
    // Sockets of TLS and pipes are Sockets, and refuse it: they are no TCP handles of Node's.
  }
  stream.destroy();
}

/** The deadline in options, or the default; throws a `RangeError` if it is none. */
export function deadlineOf({ timeoutMs = 1500 }: ScriptedPeerOptions): number {
  if (timeoutMs >= 1 && timeoutMs <= 0x7fff_ffff) return timeoutMs;
  throw new RangeError(`timeoutMs is ${timeoutMs} and must be 1 to 2147483647`);
}
