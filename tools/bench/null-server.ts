/**
 * A broker that does nothing but count messages and confirm them, so that a benchmark measures
 * clients. It looks at frame headers alone and never copies a body.
 */
import { createServer, type Server, type Socket } from "node:net";
import { writeMethodFrame } from "../../src/wire/frame.ts";
import type { ServerMethod } from "../../src/wire/generated/methods.ts";
import { Writer } from "../../src/wire/writer.ts";
import type { AckMode } from "./work.ts";

/** How it confirms. */
export interface NullBrokerOptions {
  readonly acks: AckMode;
  /** It confirms when so many are unconfirmed on a channel, or when nothing more comes. */
  readonly ackEvery: number;
  /** Never to confirm; default false. */
  readonly withhold?: boolean;
  /** Seconds between heartbeats, as proposed to clients; default 0, which is none. */
  readonly heartbeatSeconds?: number;
}

/** A null broker that is not listening yet. */
export interface NullServer {
  readonly server: Server;
  /** Messages that came in whole, over all connections. */
  readonly messages: () => number;
}

/** Makes a null broker; the caller lets it listen. */
export function createNullServer(options: NullBrokerOptions): NullServer {
  const sessions: Session[] = [];
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const session = new Session(socket, options);
    sessions.push(session);
    socket.on("data", (chunk) => session.receive(chunk));
    socket.on("error", () => {}); // a client that goes away
    socket.on("close", () => session.stop());
  });
  return { server, messages: () => sessions.reduce((sum, { messages }) => sum + messages, 0) };
}

const FRAME_MAX = 131_072;
const HEARTBEAT = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);

/** Method ids as they stand in a frame: class and method. */
const ID = {
  startOk: 0x000a000b,
  tuneOk: 0x000a001f,
  open: 0x000a0028,
  close: 0x000a0032,
  channelOpen: 0x0014000a,
  channelClose: 0x00140028,
  queueDeclare: 0x0032000a,
  confirmSelect: 0x0055000a,
  publish: 0x003c0028,
} as const;

const START: ServerMethod = {
  name: "connection.start",
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: {
    product: "null broker",
    capabilities: { publisher_confirms: true, "basic.nack": true, "connection.blocked": true },
  },
  mechanisms: new TextEncoder().encode("PLAIN"),
  locales: new TextEncoder().encode("en_US"),
};

function frame(channel: number, method: ServerMethod): Buffer {
  const writer = new Writer();
  writeMethodFrame(writer, channel, method, FRAME_MAX);
  return Buffer.from(writer.written);
}

/** What is known of a channel: how much of its message is still to come, and what to confirm. */
interface Channel {
  readonly number: number;
  bodyLeft: number;
  received: number;
  acked: number;
  /** Whether it stands in the list of those with something to confirm. */
  listed: boolean;
}

class Session {
  readonly #socket: Socket;
  readonly #options: NullBrokerOptions;
  readonly #channels: (Channel | undefined)[] = [];
  #greeted = false;
  /** The beginning of a frame whose header is not all there. */
  #rest: Buffer | undefined;
  /** Octets of a frame that are still to come, and whose message it ends. */
  #skip = 0;
  #ends: Channel | undefined;
  #toAck: Channel[] = [];
  #idle: NodeJS.Timeout | undefined;
  #heartbeats: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: NullBrokerOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  get messages(): number {
    return this.#channels.reduce((sum, channel) => sum + (channel?.received ?? 0), 0);
  }

  receive(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = this.#begin(data);
    // Octets are put together by hand: half the time of readUInt32BE, and this loop is the broker.
    while (data.length - at >= 7) {
      const type = data[at];
      const channel = ((data[at + 1] as number) << 8) | (data[at + 2] as number);
      const size = uint32(data, at + 3);
      const next = at + size + 8;
      const complete = next <= data.length;
      if (type === 1) {
        if (data.length - at < 11) break;
        const id = uint32(data, at + 7);
        if (id === ID.tuneOk) this.#beat(uint32(data, at + 15) & 0xffff);
        else if (id !== ID.publish) this.#method(channel, id);
      } else if (type === 2) {
        if (data.length - at < 19) break;
        const bodySize = uint32(data, at + 11) * 0x1_0000_0000 + uint32(data, at + 15);
        this.#header(channel, bodySize, complete);
      } else if (type === 3) {
        this.#body(channel, size, complete);
      }
      if (!complete) {
        this.#skip = next - data.length;
        at = data.length;
        break;
      }
      at = next;
    }
    if (at < data.length) this.#rest = data.subarray(at);
    this.#confirm();
  }

  stop(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#heartbeats);
  }

  /** A client that waits for its turn must hear that we are there. */
  #beat(seconds: number): void {
    if (seconds === 0) return;
    this.#heartbeats = setInterval(() => this.#socket.write(HEARTBEAT), 500 * seconds).unref();
  }

  #begin(data: Buffer): number {
    if (!this.#greeted) {
      this.#greeted = true;
      this.#socket.write(frame(0, START));
      return 8;
    }
    const skipped = Math.min(this.#skip, data.length);
    this.#skip -= skipped;
    if (this.#skip === 0 && this.#ends !== undefined) {
      this.#received(this.#ends);
      this.#ends = undefined;
    }
    return skipped;
  }

  #method(channel: number, id: number): void {
    switch (id) {
      case ID.startOk:
        return this.#say(0, {
          name: "connection.tune",
          channelMax: 4095,
          frameMax: FRAME_MAX,
          heartbeat: this.#options.heartbeatSeconds ?? 0,
        });
      case ID.open:
        return this.#say(0, { name: "connection.open-ok" });
      case ID.close:
        return this.#say(0, { name: "connection.close-ok" });
      case ID.channelOpen:
        this.#channels[channel] = {
          number: channel,
          bodyLeft: 0,
          received: 0,
          acked: 0,
          listed: false,
        };
        return this.#say(channel, { name: "channel.open-ok" });
      case ID.channelClose:
        return this.#say(channel, { name: "channel.close-ok" });
      case ID.confirmSelect:
        return this.#say(channel, { name: "confirm.select-ok" });
      case ID.queueDeclare:
        return this.#say(channel, {
          name: "queue.declare-ok",
          queue: "bench",
          messageCount: 0,
          consumerCount: 0,
        });
    }
  }

  #header(number: number, bodySize: number, complete: boolean): void {
    const channel = this.#channels[number] as Channel;
    channel.bodyLeft = bodySize;
    if (bodySize === 0) this.#end(channel, complete);
  }

  #body(number: number, size: number, complete: boolean): void {
    const channel = this.#channels[number] as Channel;
    channel.bodyLeft -= size;
    if (channel.bodyLeft === 0) this.#end(channel, complete);
  }

  /** The frame ends a message, which is there when all of the frame is. */
  #end(channel: Channel, complete: boolean): void {
    if (complete) this.#received(channel);
    else this.#ends = channel;
  }

  #received(channel: Channel): void {
    channel.received++;
    if (channel.listed) return;
    channel.listed = true;
    this.#toAck.push(channel);
  }

  #confirm(): void {
    if (this.#options.withhold === true || this.#toAck.length === 0) return;
    const { ackEvery } = this.#options;
    const due: Channel[] = [];
    const later: Channel[] = [];
    for (const channel of this.#toAck) {
      (channel.received - channel.acked >= ackEvery ? due : later).push(channel);
    }
    this.#toAck = later;
    this.#sendAcks(due);
    // What is held back is confirmed when nothing more comes, or the client would wait for ever.
    clearTimeout(this.#idle);
    if (later.length === 0) return;
    this.#idle = setTimeout(() => {
      const late = this.#toAck;
      this.#toAck = [];
      this.#sendAcks(late);
    }, IDLE_MS);
  }

  #sendAcks(channels: readonly Channel[]): void {
    if (channels.length === 0) return;
    this.#socket.write(Buffer.concat(channels.map((channel) => this.#acks(channel))));
  }

  #acks(channel: Channel): Buffer {
    const first = channel.acked + 1;
    const last = channel.received;
    channel.acked = last;
    channel.listed = false;
    const { acks } = this.#options;
    if (acks === "coalesced") return ackFrames(channel.number, [last], true);
    const tags = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    if (acks === "descending") tags.reverse();
    if (acks === "random") shuffle(tags);
    return ackFrames(channel.number, tags, false);
  }

  #say(channel: number, method: ServerMethod): void {
    this.#socket.write(frame(channel, method));
  }
}

/** So long nothing comes from a client that waits for its confirms. */
const IDLE_MS = 3;

function uint32(data: Buffer, at: number): number {
  return (
    (((data[at] as number) << 24) |
      ((data[at + 1] as number) << 16) |
      ((data[at + 2] as number) << 8) |
      (data[at + 3] as number)) >>>
    0
  );
}

/** Frames of basic.ack: 21 octets each. */
function ackFrames(channel: number, tags: readonly number[], multiple: boolean): Buffer {
  const frames = Buffer.allocUnsafe(21 * tags.length);
  let at = 0;
  for (const tag of tags) {
    frames[at] = 1;
    frames.writeUInt16BE(channel, at + 1);
    frames.writeUInt32BE(13, at + 3);
    frames.writeUInt32BE(0x003c0050, at + 7);
    frames.writeUInt32BE(Math.floor(tag / 0x1_0000_0000), at + 11);
    frames.writeUInt32BE(tag >>> 0, at + 15);
    frames[at + 19] = multiple ? 1 : 0;
    frames[at + 20] = 0xce;
    at += 21;
  }
  return frames;
}

/** The same order in every run. */
function shuffle(tags: number[]): void {
  let seed = 1;
  for (let i = tags.length - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const j = seed % (i + 1);
    [tags[i], tags[j]] = [tags[j] as number, tags[i] as number];
  }
}
