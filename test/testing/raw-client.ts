/**
 * A client without manners, for the fine points: it writes whatever frames or octets a test wants
 * and hands out what comes back in order, each method with its content. It keeps no state of the
 * protocol and answers nothing by itself.
 */

import { connect, type Socket } from "node:net";
import { type Content, ContentAssembler } from "../../src/protocol/content-assembler.ts";
import { writeContent } from "../../src/wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame } from "../../src/wire/frame.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readServerMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import type {
  BasicPublish,
  ClientMethod,
  ContentMethod,
  ServerMethod,
} from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { Output } from "../../src/wire/output.ts";
import { Reader } from "../../src/wire/reader.ts";

/** What the peer sent: a method with its content, a heartbeat, octets that are no frame, the end. */
export interface Arrival {
  readonly channel: number;
  readonly name: ServerMethod["name"] | "heartbeat" | "octets" | "end";
  readonly method?: ServerMethod;
  readonly properties?: BasicProperties;
  readonly body?: string;
  readonly octets?: Uint8Array;
}

type Named<N extends ServerMethod["name"]> = Extract<ServerMethod, { name: N }>;

/** The usual greeting. */
export const PROTOCOL_HEADER: Uint8Array = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

/** How {@link RawClient.open} shakes hands. */
export interface OpenOptions {
  readonly user?: string;
  readonly password?: string;
  readonly vhost?: string;
  readonly capabilities?: Record<string, boolean>;
  readonly frameMax?: number;
  readonly channelMax?: number;
  readonly heartbeat?: number;
}

export class RawClient {
  readonly socket: Socket;
  frameMax = 131_072;
  /** The largest frame that came, in octets. */
  largestFrame = 0;
  readonly #arrivals: Arrival[] = [];
  readonly #decoder = new FrameDecoder(1 << 24);
  readonly #contents = new Map<number, ContentAssembler>();
  #wake: (() => void) | undefined;
  #started = false;
  #dripping: number[] | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (piece) => this.#receive(piece));
    socket.on("error", () => {});
    socket.on("close", () => this.#arrive({ channel: 0, name: "end" }));
  }

  /** Connects and says nothing. */
  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  /** Connects, shakes hands and opens channel 1. */
  static async open(port: number, options: OpenOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(port);
    await client.handshake(options);
    client.send(0, { name: "connection.open", virtualHost: options.vhost ?? "/" });
    await client.expect("connection.open-ok");
    client.send(1, { name: "channel.open" });
    await client.expect("channel.open-ok");
    return client;
  }

  /** Up to and including tune-ok. */
  async handshake(options: OpenOptions = {}): Promise<void> {
    this.write(PROTOCOL_HEADER);
    await this.expect("connection.start");
    this.startOk(options);
    const tune = await this.expect("connection.tune");
    this.frameMax = options.frameMax ?? tune.frameMax;
    this.send(0, {
      name: "connection.tune-ok",
      channelMax: options.channelMax ?? tune.channelMax,
      frameMax: this.frameMax,
      heartbeat: options.heartbeat ?? 0,
    });
  }

  startOk(options: OpenOptions = {}): void {
    this.send(0, {
      name: "connection.start-ok",
      clientProperties: { capabilities: options.capabilities ?? {} },
      mechanism: "PLAIN",
      response: Buffer.from(`\0${options.user ?? "guest"}\0${options.password ?? "guest"}`),
      locale: "en_US",
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#dripping === undefined) this.socket.write(bytes);
    else for (const octet of bytes) this.#dripping.push(octet);
  }

  /** From here on every octet is written in a turn of the event loop of its own. */
  drip(): void {
    const octets: number[] = [];
    this.#dripping = octets;
    const one = (): void => {
      if (this.socket.destroyed) return;
      const octet = octets.shift();
      if (octet !== undefined) this.socket.write(Uint8Array.of(octet));
      setImmediate(one);
    };
    one();
  }

  send(channel: number, method: ClientMethod): void {
    this.write(methodBytes(channel, method));
  }

  publish(
    channel: number,
    method: Partial<BasicPublish>,
    body: string | Uint8Array = "",
    properties: BasicProperties = {},
  ): void {
    this.write(publishBytes(channel, method, body, properties, this.frameMax));
  }

  heartbeat(): void {
    const output = new Output();
    writeHeartbeatFrame(output.writer);
    this.write(Buffer.concat(output.take()));
  }

  /** What comes next, whatever it is. */
  async next(timeoutMs = 3_000): Promise<Arrival> {
    if (this.#arrivals.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`nothing came in ${timeoutMs} ms`)),
          timeoutMs,
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#arrivals.shift() as Arrival;
  }

  /** The next arrival, which must be this method. */
  async expect<N extends ServerMethod["name"]>(name: N): Promise<Named<N>> {
    const arrival = await this.next();
    if (arrival.name !== name) {
      throw new Error(`${name} was due and this came: ${show(arrival)}`);
    }
    return arrival.method as Named<N>;
  }

  /** Sends a method and waits for this answer. */
  async call<N extends ServerMethod["name"]>(
    channel: number,
    method: ClientMethod,
    answer: N,
  ): Promise<Named<N>> {
    this.send(channel, method);
    return await this.expect(answer);
  }

  /** Everything up to the end of the socket. */
  async untilEnd(): Promise<Arrival[]> {
    const arrivals: Arrival[] = [];
    for (;;) {
      const arrival = await this.next();
      arrivals.push(arrival);
      if (arrival.name === "end") return arrivals;
    }
  }

  /** What comes up to the next arrival of this name, that one included, in one line each. */
  async linesUntil(name: Arrival["name"]): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const arrival = await this.next();
      lines.push(show(arrival));
      if (arrival.name === name) return lines;
      if (arrival.name === "end") throw new Error(`the end came before ${name}: ${lines}`);
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  #receive(piece: Uint8Array): void {
    if (!this.#started && piece[0] === 0x41) {
      this.#arrive({ channel: 0, name: "octets", octets: piece });
      return;
    }
    this.#started = true;
    this.#decoder.push(piece);
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      const { channel } = frame;
      this.largestFrame = Math.max(this.largestFrame, frame.end - frame.start + 8);
      if (frame.type === FRAME_TYPE.heartbeat) {
        this.#arrive({ channel, name: "heartbeat" });
      } else if (frame.type === FRAME_TYPE.method) {
        const method = readServerMethod(new Reader(frame.bytes, frame.start, frame.end));
        if (isContent(method)) this.#assembler(channel).begin(method);
        else this.#arrive({ channel, name: method.name, method });
      } else {
        const assembler = this.#assembler(channel);
        const content =
          frame.type === FRAME_TYPE.header ? assembler.header(frame) : assembler.body(frame);
        if (content !== undefined) this.#arriveContent(channel, content);
      }
    }
  }

  #arriveContent(channel: number, { method, properties, body }: Content): void {
    const text = Buffer.from(body).toString("utf8");
    const named = method as ServerMethod & ContentMethod;
    this.#arrive({ channel, name: named.name, method: named, properties, body: text });
  }

  #assembler(channel: number): ContentAssembler {
    let assembler = this.#contents.get(channel);
    if (assembler === undefined) {
      assembler = new ContentAssembler(1 << 30);
      this.#contents.set(channel, assembler);
    }
    return assembler;
  }

  #arrive(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** The octets of a method frame. */
export function methodBytes(channel: number, method: ClientMethod): Uint8Array {
  const output = new Output();
  writeMethodFrame(output.writer, channel, method, 1 << 24);
  return Buffer.concat(output.take());
}

/** The octets of a publish: method, header and body frames. */
export function publishBytes(
  channel: number,
  method: Partial<BasicPublish>,
  body: string | Uint8Array = "",
  properties: BasicProperties = {},
  frameMax = 131_072,
): Uint8Array {
  const output = new Output();
  const whole: BasicPublish = {
    exchange: "",
    routingKey: "",
    mandatory: false,
    immediate: false,
    ...method,
    name: "basic.publish",
  };
  writeContent(output, channel, whole, properties, body, frameMax);
  return Buffer.concat(output.take());
}

/** A frame from its parts, right or wrong. */
export function frameBytes(type: number, channel: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** An arrival in one line. */
export function show({ channel, name, method, properties, body, octets }: Arrival): string {
  const { name: _, ...fields } = method ?? { name: "" };
  const rest = { ...fields, ...(body === undefined ? {} : { properties, body }) };
  const text = octets === undefined ? JSON.stringify(rest) : Buffer.from(octets).toString("hex");
  return `${channel} ${name} ${text}`;
}

function isContent(method: ServerMethod): method is ServerMethod & ContentMethod {
  return (
    method.name === "basic.return" ||
    method.name === "basic.deliver" ||
    method.name === "basic.get-ok"
  );
}
