/**
 * What goes over the wire, for whoever wants to look: the client's channels of
 * `node:diagnostics_channel`. Nothing is taken apart and nothing is kept while nobody listens; the
 * driver then asks each channel once for a write and once for a read, not for a publish.
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { TransportAddresses } from "../transport/transport.ts";
import { FRAME_HEADER_SIZE, FRAME_OVERHEAD } from "../wire/frame.ts";
import { FRAME_END, FRAME_TYPE, PROTOCOL_HEADER } from "../wire/generated/constants.ts";
import { methodName } from "../wire/generated/method-table.ts";

/** `amqp091:frame.sent`, with a {@link TracedFrame} for each frame given to a socket. */
export const FRAME_SENT: Channel = channel("amqp091:frame.sent");

/** `amqp091:frame.received`, with a {@link TracedFrame} for each frame that came. */
export const FRAME_RECEIVED: Channel = channel("amqp091:frame.received");

/** `amqp091:connection.closed`, with a {@link TracedClose} when a connection's socket is closed. */
export const CONNECTION_CLOSED: Channel = channel("amqp091:connection.closed");

/** The message of `amqp091:frame.sent` and `amqp091:frame.received`: one frame. */
export class TracedFrame {
  /** Numbers the connections of this process that were traced, from 1. */
  readonly connection: number;
  readonly direction: "sent" | "received";
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number;
  /**
   * One of the four types of frames; the eight octets that open a connection; or `undecodable`, what a
   * peer sent that is no frame.
   */
  readonly type: "method" | "header" | "body" | "heartbeat" | "protocol-header" | "undecodable";
  /** 0 to 65,535; 0 where there is none. */
  readonly channel: number;
  /** Of a method: its name, as in `basic.publish`. */
  readonly method: string | undefined;
  /**
   * All of it, header and end included; a copy that is the listener's own. A password, the response
   * of SASL and what replaces them (connection.update-secret) are as many `*`.
   */
  readonly octets: Uint8Array;
  /** Address and port of this side, as in `127.0.0.1:40122`, where they are known. */
  readonly client: string | undefined;
  /** And of the broker. */
  readonly server: string | undefined;
  readonly #octetsWithSecrets: Uint8Array;

  constructor(place: TracePlace, octets: Uint8Array, time: number) {
    const { id, direction, client, server } = place;
    this.connection = id;
    this.direction = direction;
    this.time = time;
    this.type = typeOf(octets);
    const isFrame = this.type !== "protocol-header" && this.type !== "undecodable";
    this.channel = isFrame ? ((octets[1] as number) << 8) | (octets[2] as number) : 0;
    this.method = this.type === "method" ? methodOf(octets) : undefined;
    this.#octetsWithSecrets = octets;
    this.octets = direction === "sent" ? masked(octets, this.method) : octets;
    this.client = client;
    this.server = server;
  }

  /** The same octets, passwords included: never to be written where others read. */
  get octetsWithSecrets(): Uint8Array {
    return this.#octetsWithSecrets;
  }
}

/** The message of `amqp091:connection.closed`. */
export interface TracedClose {
  /** As in {@link TracedFrame.connection}. */
  readonly connection: number;
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number;
  /** What the socket failed with, if it did. */
  readonly error: Error | undefined;
}

/** Which connection and direction a frame belongs to. */
export interface TracePlace extends Partial<TransportAddresses> {
  readonly id: number;
  readonly direction: "sent" | "received";
}

/** Tells the channels of one connection. */
export class ConnectionTrace {
  readonly #sent: TracePlace;
  readonly #received: TracePlace;

  constructor(addresses: TransportAddresses | undefined) {
    const id = ++lastId;
    this.#sent = { id, direction: "sent", ...addresses };
    this.#received = { id, direction: "received", ...addresses };
  }

  /** These pieces, which end with a frame, were given to the socket. */
  sent(pieces: readonly Uint8Array[]): void {
    publishFrames(FRAME_SENT, this.#sent, joined(pieces));
  }

  /** Octets came; `held` is the beginning of the first frame, from pieces before. */
  received(held: Uint8Array, bytes: Uint8Array): void {
    if (!completes(held, bytes)) return;
    publishFrames(FRAME_RECEIVED, this.#received, joined([held, bytes]));
  }

  /** The socket is closed. */
  closed(error: Error | undefined): void {
    const message: TracedClose = { connection: this.#sent.id, time: now(), error };
    CONNECTION_CLOSED.publish(message);
  }
}

let lastId = 0;

/** Each whole frame; what is left is told with what follows. */
function publishFrames(to: Channel, place: TracePlace, octets: Uint8Array): void {
  const time = now();
  for (let at = 0; at < octets.length; ) {
    const size = sizeAt(octets, at);
    if (size > octets.length - at) return;
    to.publish(new TracedFrame(place, octets.subarray(at, at + size), time));
    at += size;
  }
}

/** Of a frame of which the header is not there: more than is there. What is no frame is all the rest. */
function sizeAt(octets: Uint8Array, at: number): number {
  const left = octets.length - at;
  const type = octets[at] as number;
  if (type === PROTOCOL_HEADER[0] && left >= PROTOCOL_HEADER.length) return PROTOCOL_HEADER.length;
  if (!TYPES.has(type)) return left;
  if (left < FRAME_HEADER_SIZE) return left + 1;
  const size = longAt(octets, at + 3) + FRAME_OVERHEAD;
  const isWhole = left >= size;
  return isWhole && octets[at + size - 1] !== FRAME_END ? left : size;
}

/** Whether a frame ends in these octets: if not, nothing of them need be copied. */
function completes(held: Uint8Array, bytes: Uint8Array): boolean {
  if (held.length < FRAME_HEADER_SIZE) return true;
  return held.length + bytes.length >= longAt(held, 3) + FRAME_OVERHEAD;
}

function typeOf(octets: Uint8Array): TracedFrame["type"] {
  const [type] = octets;
  if (octets.length === PROTOCOL_HEADER.length && type === PROTOCOL_HEADER[0]) {
    return "protocol-header";
  }
  const isFrame =
    octets.length >= FRAME_OVERHEAD &&
    octets.length === longAt(octets, 3) + FRAME_OVERHEAD &&
    octets.at(-1) === FRAME_END;
  return (isFrame ? TYPES.get(type as number) : undefined) ?? "undecodable";
}

const TYPES: ReadonlyMap<number, TracedFrame["type"]> = new Map([
  [FRAME_TYPE.method, "method"],
  [FRAME_TYPE.header, "header"],
  [FRAME_TYPE.body, "body"],
  [FRAME_TYPE.heartbeat, "heartbeat"],
]);

/** Its name, or its numbers where there is no such method. */
function methodOf(octets: Uint8Array): string | undefined {
  if (octets.length < FRAME_OVERHEAD + 4) return undefined;
  const ids = longAt(octets, FRAME_HEADER_SIZE);
  return methodName(ids >>> 16, ids & 0xffff) ?? `${ids >>> 16}.${ids & 0xffff}`;
}

/** The same octets, or a copy without the secret that such a method carries. */
function masked(octets: Uint8Array, method: string | undefined): Uint8Array {
  let at = FRAME_HEADER_SIZE + 4;
  if (method === "connection.start-ok") {
    at += 4 + longAt(octets, at); // client-properties
    at += 1 + (octets[at] as number); // mechanism
  } else if (method !== "connection.secure-ok" && method !== "connection.update-secret") {
    return octets;
  }
  return octets.slice().fill(STAR, at + 4, at + 4 + longAt(octets, at));
}

const STAR = 0x2a;

function longAt(octets: Uint8Array, at: number): number {
  return new DataView(octets.buffer, octets.byteOffset).getUint32(at);
}

/** A copy of all of them. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
