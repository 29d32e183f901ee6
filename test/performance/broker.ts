/**
 * A broker that confirms by count: it says nothing until so many messages are there, so that what a
 * client gets to read does not depend on how fast anybody is. It looks at frame headers alone, and
 * takes one connection with one channel.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { writeMethodFrame } from "../../src/wire/frame.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { ClientMethod, ServerMethod } from "../../src/wire/generated/methods.ts";
import { Writer } from "../../src/wire/writer.ts";
import { connectionStart, connectionTune } from "../support/scripted-server.ts";

/** How it confirms. */
export interface Confirms {
  /** One frame for all that are unconfirmed, or one for each. */
  readonly acks: "coalesced" | "single";
  /** So many messages must be unconfirmed. */
  readonly every: number;
}

/** Serves one connection. */
export class CountingBroker {
  readonly url: string;
  readonly #server: Server;
  readonly #confirms: Confirms;
  #socket: Socket | undefined;
  #greeted = false;
  /** The beginning of a frame, where more of it is needed to know what it is. */
  #rest: Buffer = NOTHING;
  /** Octets of a frame that are still to come. */
  #skip = 0;
  /** Octets of a body that are still to come. */
  #bodyLeft = 0;
  #received = 0;
  #confirmed = 0;

  private constructor(server: Server, confirms: Confirms) {
    this.#server = server;
    this.#confirms = confirms;
    this.url = `amqp://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.once("connection", (socket) => {
      this.#socket = socket.setNoDelay();
      socket.on("data", (chunk) => this.#receive(chunk));
      socket.on("error", () => {}); // a client that fails says so itself
    });
  }

  static async start(confirms: Confirms): Promise<CountingBroker> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CountingBroker(server, confirms);
  }

  /** Ends the connection and listens no more. */
  async stop(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #receive(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = this.#greeted ? Math.min(this.#skip, data.length) : this.#greet();
    this.#skip = Math.max(this.#skip - data.length, 0);
    for (;;) {
      const left = data.length - at;
      if (left < HEADER || left < (NEEDED[data[at] as number] ?? HEADER)) break;
      const size = data.readUInt32BE(at + 3);
      this.#frame(data, at, size);
      at += HEADER + size + 1;
    }
    this.#skip += Math.max(at - data.length, 0);
    this.#rest = at < data.length ? data.subarray(at) : NOTHING;
    const unconfirmed = this.#received - this.#confirmed;
    if (unconfirmed >= this.#confirms.every && this.#skip === 0) this.#confirm();
  }

  #greet(): number {
    this.#greeted = true;
    this.#say(0, connectionStart());
    return PROTOCOL_HEADER;
  }

  #frame(data: Buffer, at: number, size: number): void {
    const type = data[at];
    if (type === FRAME_TYPE.method) {
      this.#answer(data.readUInt16BE(at + 1), data.readUInt32BE(at + HEADER));
    } else if (type === FRAME_TYPE.header) {
      this.#bodyLeft = data.readUInt32BE(at + HEADER + 8); // none here has more than 32 bits
    } else if (type === FRAME_TYPE.body) {
      this.#bodyLeft -= size;
      if (this.#bodyLeft === 0) this.#received++;
    }
  }

  #answer(channel: number, id: number): void {
    const answer = ANSWERS.get(id);
    if (answer !== undefined) this.#say(channel, answer);
  }

  #confirm(): void {
    const multiple = this.#confirms.acks === "coalesced";
    const first = multiple ? this.#received : this.#confirmed + 1;
    const frames = Buffer.alloc((this.#received - first + 1) * ACK.length);
    for (let tag = first, at = 0; tag <= this.#received; tag++, at += ACK.length) {
      frames.set(ACK, at);
      frames.writeUInt32BE(tag, at + ACK_TAG);
      if (multiple) frames[at + ACK_BITS] = 1;
    }
    this.#confirmed = this.#received;
    this.#socket?.write(frames);
  }

  #say(channel: number, method: ServerMethod): void {
    this.#socket?.write(encode(channel, method));
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Octets of the protocol header, and of the header of a frame. */
const PROTOCOL_HEADER = 8;
const HEADER = 7;

/** Octets from the beginning of a frame that have to be there, by its type. */
const NEEDED: Readonly<Record<number, number>> = {
  [FRAME_TYPE.method]: HEADER + 4,
  [FRAME_TYPE.header]: HEADER + 12,
};

const ANSWERS: ReadonlyMap<number, ServerMethod> = new Map([
  [idOf("connection.start-ok"), connectionTune()],
  [idOf("connection.open"), { name: "connection.open-ok" }],
  [idOf("connection.close"), { name: "connection.close-ok" }],
  [idOf("channel.open"), { name: "channel.open-ok" }],
  [idOf("channel.close"), { name: "channel.close-ok" }],
  [idOf("confirm.select"), { name: "confirm.select-ok" }],
]);

function idOf(name: ClientMethod["name"]): number {
  const { classId, methodId } = METHODS[name];
  return classId * 0x1_0000 + methodId;
}

function encode(channel: number, method: ServerMethod): Buffer {
  const writer = new Writer();
  writeMethodFrame(writer, channel, method, 131_072);
  return Buffer.from(writer.written);
}

/** A frame of basic.ack; where the lower half of its tag and the bit `multiple` lie. */
const ACK = encode(1, { name: "basic.ack", deliveryTag: 0, multiple: false });
const ACK_TAG = 15;
const ACK_BITS = 19;
