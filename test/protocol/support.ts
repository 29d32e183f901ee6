/**
 * What the tests of the machines share: a server made of octets, publications that remember what
 * they were told, and a conversation between both over a clock that is a number.
 */
import type { AmqpError } from "../../src/errors.ts";
import { PublishError } from "../../src/errors.ts";
import type { Call, Reply } from "../../src/protocol/call-queue.ts";
import type { ChannelEvent, ChannelMachine } from "../../src/protocol/channel.ts";
import { ConnectionMachine } from "../../src/protocol/connection.ts";
import type { ConnectionEvent } from "../../src/protocol/connection-events.ts";
import type { ConnectionSettings } from "../../src/protocol/negotiation.ts";
import { Publication } from "../../src/protocol/publication.ts";
import { routeOf } from "../../src/protocol/publish-route.ts";
import type { PublishWindow, WindowLimits } from "../../src/protocol/publish-window.ts";
import { writeContent } from "../../src/wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame } from "../../src/wire/frame.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readClientMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE, PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type {
  ClientMethod,
  ContentMethod,
  Method,
  ServerMethod,
} from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { Output } from "../../src/wire/output.ts";
import { readContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { encodeText } from "../../src/wire/text.ts";
import { concat } from "../wire/octets.ts";

/** Large enough for everything that these tests write in one frame. */
export const FRAME_MAX = 131_072;

/** The methods that a server may send. */
export const SERVER_METHODS: readonly ServerMethod["name"][] = namesFrom("server");

/** The methods that only a client may send. */
export const CLIENT_ONLY_METHODS: readonly Method["name"][] = namesFrom("client").filter(
  (name) => !SERVER_METHODS.includes(name as ServerMethod["name"]),
);

// ----- the server's octets -----

/** A method frame. */
export function methodFrame(channel: number, method: Method): Uint8Array {
  return written((output) => writeMethodFrame(output.writer, channel, method, FRAME_MAX));
}

/** A method, its content header, and its body in frames of at most `frameMax`. */
export function contentFrames(
  channel: number,
  method: ContentMethod,
  body: Uint8Array | string = "",
  properties: BasicProperties = {},
  frameMax = FRAME_MAX,
): Uint8Array {
  return written((output) => writeContent(output, channel, method, properties, body, frameMax));
}

/** The frames of {@link contentFrames}, each by itself. */
export function contentPieces(...args: Parameters<typeof contentFrames>): Uint8Array[] {
  return splitFrames(contentFrames(...args));
}

/** A frame of any type with any payload. */
export function rawFrame(type: number, channel: number, payload: Uint8Array): Uint8Array {
  const header = Uint8Array.of(type, channel >>> 8, channel, 0, 0, 0, 0);
  new DataView(header.buffer).setUint32(3, payload.length);
  return concat(header, payload, Uint8Array.of(0xce));
}

/** A heartbeat frame. */
export function heartbeatFrame(): Uint8Array {
  return written((output) => writeHeartbeatFrame(output.writer));
}

/** A stream of frames, cut between them. */
export function splitFrames(stream: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = new DataView(stream.buffer, stream.byteOffset + at + 3).getUint32(0) + 8;
    frames.push(stream.slice(at, at + size));
    at += size;
  }
  return frames;
}

/** The close method of a server, for a channel or for the connection. */
export function serverClose<N extends "channel.close" | "connection.close">(
  name: N,
  replyCode: number,
  text: string,
  cause?: Method["name"],
) {
  const { classId, methodId } = cause === undefined ? { classId: 0, methodId: 0 } : METHODS[cause];
  return { name, replyCode, replyText: text, classId, methodId };
}

/** RabbitMQ's answer to a publish to an exchange that does not exist. */
export function noExchange(exchange: string, vhost = "/", cause: Method["name"] = "basic.publish") {
  const text = `NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`;
  return serverClose("channel.close", 404, text, cause);
}

export const START: ServerMethod = {
  name: "connection.start",
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: { product: "a test" },
  mechanisms: encodeText("PLAIN AMQPLAIN"),
  locales: encodeText("en_US"),
};

export const TUNE: Extract<ServerMethod, { name: "connection.tune" }> = {
  name: "connection.tune",
  channelMax: 2047,
  frameMax: FRAME_MAX,
  heartbeat: 60,
};

/** An argument for each method of a server: no matter which, but such as can be encoded. */
export function anyArguments(name: Method["name"]): Method {
  const values: { readonly [type: string]: unknown } = {
    bit: true,
    octet: 1,
    short: 1,
    long: 4096,
    longlong: 1,
    shortstr: "x",
    longstr: Uint8Array.of(120),
    table: {},
    timestamp: new Date(0),
  };
  const fields = METHODS[name].fields.filter(({ reserved }) => !reserved);
  const args = fields.map((field) => [field.name, values[field.type]]);
  const version = name === "connection.start" ? { versionMajor: 0, versionMinor: 9 } : {};
  return { name, ...Object.fromEntries(args), ...version } as Method;
}

// ----- what the client sent -----

/** A frame that the client sent. */
export type SentFrame =
  | { readonly channel: number; readonly size: number; readonly method: ClientMethod }
  | {
      readonly channel: number;
      readonly size: number;
      readonly bodySize: number;
      readonly properties: BasicProperties;
    }
  | { readonly channel: number; readonly size: number; readonly body: Uint8Array }
  | { readonly channel: number; readonly size: number; readonly heartbeat: true };

/** Takes what a client sent apart; raises for what a client must not send. */
export function readClientFrames(octets: Uint8Array): SentFrame[] {
  const decoder = new FrameDecoder(0xffff_ffff);
  decoder.push(octets);
  const frames: SentFrame[] = [];
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
    const { type, channel, bytes, start, end } = frame;
    const at = { channel, size: end - start + 8 };
    const reader = new Reader(bytes, start, end);
    if (type === FRAME_TYPE.method) {
      const method = readClientMethod(reader);
      reader.expectEnd(method.name);
      frames.push({ ...at, method });
    } else if (type === FRAME_TYPE.header) frames.push({ ...at, ...readContentHeader(reader) });
    else if (type === FRAME_TYPE.body) frames.push({ ...at, body: bytes.slice(start, end) });
    else frames.push({ ...at, heartbeat: true });
  }
  if (decoder.buffered > 0) throw new Error("the client's output ends in the middle of a frame");
  return frames;
}

/** A short name for a frame: `1 basic.publish`, `1 header`, `1 body`, `0 heartbeat`. */
export function describeFrame(frame: SentFrame): string {
  if ("method" in frame) return `${frame.channel} ${frame.method.name}`;
  if ("bodySize" in frame) return `${frame.channel} header`;
  return `${frame.channel} ${"body" in frame ? "body" : "heartbeat"}`;
}

// ----- publications and calls -----

/** A publication that remembers what it was told. */
export class TestPublication extends Publication {
  /** What it was told, in order; more than one is a bug. */
  readonly tellings: (AmqpError | "confirmed")[] = [];

  protected override onConfirmed(): void {
    this.tellings.push("confirmed");
  }

  protected override onFailed(error: AmqpError): void {
    this.tellings.push(error);
  }

  /** `open`, `confirmed`, an outcome, or the name of an error that is no PublishError. */
  get ending(): string {
    if (this.tellings.length > 1) return `told ${this.tellings.length} times`;
    const [told] = this.tellings;
    if (told === undefined) return "open";
    if (told === "confirmed") return told;
    return told instanceof PublishError ? told.outcome : told.name;
  }

  /** The error that it was told. */
  get error(): PublishError {
    return this.tellings[0] as PublishError;
  }
}

export interface PublishArguments extends BasicProperties {
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly body?: Uint8Array | string;
  readonly mandatory?: boolean;
  readonly immediate?: boolean;
}

/** A publication: to queue `q` with body `m`, unless told otherwise. */
export function publication(args: PublishArguments = {}): TestPublication {
  const { exchange = "", routingKey = "q", body = "m", mandatory, immediate, ...properties } = args;
  const route = routeOf(undefined, exchange, routingKey, { mandatory, immediate }, properties);
  return new TestPublication(route, body, properties);
}

/** The endings of publications. */
export function endings(publications: readonly TestPublication[]): string[] {
  return publications.map(({ ending }) => ending);
}

/** A call that remembers its answers. */
export interface TestCall extends Call {
  readonly replies: Reply[];
  readonly errors: AmqpError[];
  /** `open`, the name of the reply, or the name of the error. */
  readonly ending: string;
}

/** A call of a method. */
export function call(method: ClientMethod): TestCall {
  const replies: Reply[] = [];
  const errors: AmqpError[] = [];
  return {
    method,
    replies,
    errors,
    resolve: (reply) => replies.push(reply),
    reject: (error) => errors.push(error),
    get ending() {
      if (replies.length + errors.length > 1) return "told more than once";
      return replies[0]?.method.name ?? errors[0]?.name ?? "open";
    },
  };
}

export const DECLARE: ClientMethod = {
  name: "queue.declare",
  queue: "q",
  passive: false,
  durable: false,
  exclusive: false,
  autoDelete: false,
  nowait: false,
  arguments: {},
};
export const DECLARE_OK: ServerMethod = {
  name: "queue.declare-ok",
  queue: "q",
  messageCount: 0,
  consumerCount: 0,
};
export const BIND: ClientMethod = {
  name: "queue.bind",
  queue: "q",
  exchange: "x",
  routingKey: "k",
  nowait: false,
  arguments: {},
};

// ----- the conversation -----

export const LIMITS: WindowLimits = { maxUnconfirmed: 100, maxQueued: 100, maxQueuedBytes: 10_000 };

export const SETTINGS: ConnectionSettings = {
  mechanism: "PLAIN",
  vhost: "/",
  clientProperties: { product: "amqp091" },
  locale: "en_US",
  proposal: { frameMax: FRAME_MAX, channelMax: 2047, heartbeatSeconds: 0 },
  maxBodyBytes: 1000,
};

/** A connection machine, and a server that says what a test wants it to say. */
export class Conversation {
  readonly machine: ConnectionMachine;
  now = 1_000_000;
  readonly events: ConnectionEvent[] = [];

  constructor(settings: Partial<ConnectionSettings> = {}) {
    this.machine = new ConnectionMachine({ ...SETTINGS, ...settings }, this.now);
  }

  /** The server says this, in one piece. */
  receive(...octets: readonly Uint8Array[]): void {
    this.machine.receive(concat(...octets), this.now);
    this.events.push(...this.machine.takeEvents());
  }

  /** The server says these methods, in one piece. */
  say(channel: number, ...methods: readonly Method[]): void {
    this.receive(...methods.map((method) => methodFrame(channel, method)));
  }

  /** The stream ends. */
  end(cause?: unknown): void {
    this.machine.receiveEnd(cause);
    this.events.push(...this.machine.takeEvents());
  }

  /** Time passes; the machine is woken when it wants to be, and its output is taken. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (let at = this.machine.nextTimeout(); at !== undefined && at <= until; ) {
      this.now = Math.max(this.now, at);
      this.machine.wake(this.now);
      this.onWake();
      const next = this.machine.nextTimeout();
      if (next !== undefined && next <= this.now) throw new Error("it wants to be woken at once");
      at = next;
    }
    this.now = until;
    this.events.push(...this.machine.takeEvents());
  }

  /** What a test does after each time that the machine was woken. */
  onWake: () => void = () => {};

  /** All octets that the client sent since the last look. */
  takeOctets(): Uint8Array {
    const octets = concat(...this.machine.takeOutput(this.now));
    this.machine.flushed(0);
    this.events.push(...this.machine.takeEvents());
    return octets;
  }

  /** The frames that the client sent since the last look. */
  take(): SentFrame[] {
    return readClientFrames(this.takeOctets());
  }

  /** Short names of the frames that the client sent since the last look. */
  taken(): string[] {
    return this.take().map(describeFrame);
  }

  /** The methods that the client sent since the last look. */
  takeMethods(): ClientMethod[] {
    return this.take().flatMap((frame) => ("method" in frame ? [frame.method] : []));
  }

  /** The last event, if the connection is over: its error, or `by us`. */
  get closed(): AmqpError | "by us" | undefined {
    const last = this.events.at(-1);
    return last?.type === "closed" ? (last.error ?? "by us") : undefined;
  }

  /** The events of channels, in order. */
  channelEvents(channel: ChannelMachine): ChannelEvent[] {
    return this.events.flatMap((event) =>
      event.type === "channel" && event.channel === channel ? [event.event] : [],
    );
  }

  /** Takes the protocol header and lets the server start. */
  start(): this {
    const header = this.takeOctets();
    if (header.join() !== PROTOCOL_HEADER.join()) throw new Error("no protocol header");
    this.say(0, START);
    return this;
  }

  /** Goes on to where the client has given its credentials. */
  authenticate(): this {
    this.start();
    this.machine.respond(encodeText("\0user\0secret"));
    return this;
  }

  /** Goes on to where the client waits for connection.open-ok. */
  tune(tune: Partial<typeof TUNE> = {}): this {
    this.authenticate();
    this.say(0, { ...TUNE, ...tune });
    return this;
  }

  /** Goes on to where the connection is open. */
  open(tune: Partial<typeof TUNE> = {}): this {
    this.tune(tune).say(0, { name: "connection.open-ok" });
    this.takeOctets();
    return this;
  }

  /** Opens a channel. */
  channel(): ChannelMachine {
    const channel = this.machine.openChannel({ resolve: () => {}, reject: () => {} });
    this.takeOctets();
    this.say(channel.number, { name: "channel.open-ok" });
    return channel;
  }

  /** Opens a channel in confirm mode. */
  confirmChannel(): ChannelMachine {
    const channel = this.channel();
    channel.call(call({ name: "confirm.select", nowait: false }));
    this.takeOctets();
    this.say(channel.number, { name: "confirm.select-ok" });
    return channel;
  }

  /** Opens a channel in confirm mode with a window. */
  window(limits: Partial<WindowLimits> = {}): [PublishWindow, ChannelMachine] {
    const channel = this.confirmChannel();
    return [this.machine.scheduler.openWindow(channel, { ...LIMITS, ...limits }), channel];
  }

  /** Publishes on a channel, in order, and takes the output. */
  publish(channel: ChannelMachine, ...args: readonly PublishArguments[]): TestPublication[] {
    const publications = args.map(publication);
    for (const each of publications) channel.publish(each);
    this.takeOctets();
    return publications;
  }
}

/** A connection that is open. */
export function opened(settings: Partial<ConnectionSettings> = {}): Conversation {
  return new Conversation(settings).open();
}

/** A basic.return of a message that was sent like this. */
export function returnOf(
  channel: number,
  { exchange = "", routingKey = "q", body = "m", mandatory, immediate, ...rest }: PublishArguments,
): Uint8Array {
  const replyCode = 312;
  const text = { replyCode, replyText: "NO_ROUTE", exchange, routingKey };
  return contentFrames(channel, { name: "basic.return", ...text }, body, rest);
}

/** basic.ack or basic.nack. */
export function confirmOf(
  name: "ack" | "nack",
  deliveryTag: number,
  multiple = false,
): ServerMethod {
  return name === "ack"
    ? { name: "basic.ack", deliveryTag, multiple }
    : { name: "basic.nack", deliveryTag, multiple, requeue: false };
}

function namesFrom<S extends "client" | "server">(
  sender: S,
): (S extends "client" ? ClientMethod["name"] : ServerMethod["name"])[] {
  const names = Object.keys(METHODS) as Method["name"][];
  return names.filter((name) => METHODS[name].from.includes(sender)) as never[];
}

function written(write: (output: Output) => void): Uint8Array {
  const output = new Output();
  write(output);
  return concat(...output.take());
}
