/**
 * A broker that does nothing but count messages and confirm them, so that a benchmark measures
 * clients. It runs in a process of its own: `node -r ts-node/register null-broker.ts '{...}'`. It
 * looks at frame headers alone and never copies a body.
 *
 *     parent -> "cpu"      this -> { cpuMicros }     what it has used so far
 *                          this -> { port }          once it listens
 */
import { createServer, type Socket } from "node:net";
import { writeMethodFrame } from "../../src/wire/frame.ts";
import type { ServerMethod } from "../../src/wire/generated/methods.ts";
import { Writer } from "../../src/wire/writer.ts";
import type { AckMode } from "./work.ts";

/** How it confirms; `withhold` never does. */
export interface NullBrokerOptions {
  readonly acks: AckMode;
  readonly ackEvery: number;
  readonly withhold?: boolean;
}

const FRAME_MAX = 131_072;

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
  readonly #toAck: Set<Channel> = new Set();
  #idle: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: NullBrokerOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  receive(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = this.#begin(data);
    while (data.length - at >= 7) {
      const type = data[at];
      if (type === 1 && data.length - at < 11) break;
      const channel = data.readUInt16BE(at + 1);
      const size = data.readUInt32BE(at + 3);
      const next = at + size + 8;
      const complete = next <= data.length;
      if (type === 1) this.#method(channel, data.readUInt32BE(at + 7));
      else if (type === 2) {
        if (data.length - at < 19) break;
        this.#header(
          channel,
          data.readUInt32BE(at + 11) * 0x1_0000_0000 + data.readUInt32BE(at + 15),
        );
      } else if (type === 3) this.#body(channel, size, complete);
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
      case ID.publish:
        return;
      case ID.startOk:
        return this.#say(0, { name: "connection.tune", ...TUNE });
      case ID.open:
        return this.#say(0, { name: "connection.open-ok" });
      case ID.close:
        return this.#say(0, { name: "connection.close-ok" });
      case ID.channelOpen:
        this.#channels[channel] = { number: channel, bodyLeft: 0, received: 0, acked: 0 };
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

  #header(number: number, bodySize: number): void {
    const channel = this.#channels[number] as Channel;
    channel.bodyLeft = bodySize;
    if (bodySize === 0) this.#received(channel);
  }

  #body(number: number, size: number, complete: boolean): void {
    const channel = this.#channels[number] as Channel;
    channel.bodyLeft -= size;
    if (channel.bodyLeft > 0) return;
    if (complete) this.#received(channel);
    else this.#ends = channel;
  }

  #received(channel: Channel): void {
    channel.received++;
    this.#toAck.add(channel);
  }

  #confirm(): void {
    if (this.#options.withhold === true || this.#toAck.size === 0) return;
    const { ackEvery } = this.#options;
    const pieces: Buffer[] = [];
    for (const channel of this.#toAck) {
      if (channel.received - channel.acked < ackEvery) continue;
      pieces.push(this.#acks(channel));
      this.#toAck.delete(channel);
    }
    if (pieces.length > 0) this.#socket.write(Buffer.concat(pieces));
    if (this.#toAck.size === 0) return;
    // What is held back is confirmed when nothing more comes, or the client would wait for ever.
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const late = [...this.#toAck].map((channel) => this.#acks(channel));
      this.#toAck.clear();
      this.#socket.write(Buffer.concat(late));
    }, IDLE_MS);
  }

  #acks(channel: Channel): Buffer {
    const first = channel.acked + 1;
    const last = channel.received;
    channel.acked = last;
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

const TUNE = { channelMax: 4095, frameMax: FRAME_MAX, heartbeat: 0 } as const;

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

const options = JSON.parse(process.argv[1] ?? "{}") as NullBrokerOptions;
const server = createServer((socket) => {
  socket.setNoDelay(true);
  const session = new Session(socket, options);
  socket.on("data", (chunk) => session.receive(chunk));
  socket.on("error", () => {}); // a client that goes away
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : undefined });
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system });
});
process.on("disconnect", () => process.exit());
