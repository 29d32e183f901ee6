/**
 * The other side of the tests for leaks: a server that does what routing keys, queue names and the
 * name of the connection tell it, as fast as it can and in a process of its own, so that nothing of
 * it is counted among what the client leaves behind.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { ContentAssembler } from "../../src/protocol/content-assembler.ts";
import { writeContent } from "../../src/wire/content.ts";
import { writeMethodFrame } from "../../src/wire/frame.ts";
import { FrameDecoder, type RawFrame } from "../../src/wire/frame-decoder.ts";
import { readClientMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { BasicPublish, ClientMethod, ServerMethod } from "../../src/wire/generated/methods.ts";
import { Output } from "../../src/wire/output.ts";
import { Reader } from "../../src/wire/reader.ts";
import { connectionStart, connectionTune } from "./scripted-server.ts";

/**
 * A listening server. What a client says decides what comes:
 *
 * - a publish by its routing key: `ack`, `nack`, `return`, `404`, else nothing; nothing, too, if
 *   its body is `never`;
 * - queue.declare by the name: `404`, `never`, or what is to happen to the connection: `reset`,
 *   `fin`, `garbage`, `320`, `silence`, `stall` (it reads no more), `block`; else an answer;
 * - connection.open by the name of the connection: `reset`, `fin`, `never`, else an answer.
 */
export class LeakPeer {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `amqp://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      new Conversation(socket);
    });
  }

  static async start(): Promise<LeakPeer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LeakPeer(server);
  }

  /** Ends every connection and listens no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** What ends a connection, or holds it up. */
const FATES = ["reset", "fin", "garbage", "320", "silence", "stall", "block"] as const;
type Fate = (typeof FATES)[number];

/** What a server says to a method where nothing else was asked for. */
const ANSWERS: { readonly [N in ClientMethod["name"]]?: ServerMethod } = {
  "connection.start-ok": connectionTune({ heartbeatSeconds: 60 }),
  "connection.open": { name: "connection.open-ok" },
  "connection.close": { name: "connection.close-ok" },
  "channel.open": { name: "channel.open-ok" },
  "channel.close": { name: "channel.close-ok" },
  "confirm.select": { name: "confirm.select-ok" },
  "queue.declare": { name: "queue.declare-ok", queue: "q", messageCount: 0, consumerCount: 0 },
};

/** One connection. */
class Conversation {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder(0xffff_ffff);
  readonly #contents: Map<number, ContentAssembler<BasicPublish>> = new Map();
  /** The delivery tag of the last publish of each channel. */
  readonly #tags: Map<number, number> = new Map();
  /** Channels that were refused and whose close-ok has not come: all else on them is dropped. */
  readonly #refused: Set<number> = new Set();
  readonly #output = new Output();
  #header = 8;
  #name: unknown;
  #silent = false;
  #fate: Fate | undefined;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    socket.on("error", () => {}); // a client that is reset
    socket.on("data", (octets) => this.#receive(octets));
  }

  #receive(octets: Uint8Array): void {
    const skipped = Math.min(this.#header, octets.length);
    if (skipped > 0 && skipped === this.#header) this.#say(0, connectionStart());
    this.#header -= skipped;
    this.#decoder.push(octets.subarray(skipped));
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      if (this.#silent) continue;
      this.#receiveFrame(frame);
    }
    if (this.#output.length > 0) this.#socket.write(Buffer.concat(this.#output.take()));
    if (this.#fate !== undefined) this.#meet(this.#fate);
    this.#fate = undefined;
  }

  #receiveFrame(frame: RawFrame): void {
    const { channel, type } = frame;
    if (type === FRAME_TYPE.method) {
      const method = readClientMethod(new Reader(frame.bytes, frame.start, frame.end));
      if (method.name === "basic.publish") this.#assembler(channel).begin(method);
      else this.#answer(channel, method);
    } else if (type !== FRAME_TYPE.heartbeat) {
      const assembler = this.#assembler(channel);
      const content = type === FRAME_TYPE.header ? assembler.header(frame) : assembler.body(frame);
      if (content !== undefined) this.#published(channel, content.method, content.body);
    }
  }

  #answer(channel: number, method: ClientMethod): void {
    if (method.name === "channel.close-ok") this.#refused.delete(channel);
    if (this.#refused.has(channel) && method.name !== "channel.close") return;
    if (method.name === "connection.start-ok") {
      this.#name = method.clientProperties["connection_name"];
    } else if (method.name === "connection.open") {
      this.#fate = FATES.find((fate) => fate === this.#name);
      if (this.#name === "never" || this.#fate !== undefined) return;
    } else if (method.name === "connection.close") {
      this.#fate = "fin";
    } else if (method.name === "confirm.select") {
      this.#tags.set(channel, 0);
    } else if (method.name === "queue.declare") {
      if (method.queue === "404") return this.#refuse(channel, "queue.declare", "no queue '404'");
      this.#fate = FATES.find((fate) => fate === method.queue);
      if (method.queue === "never" || (this.#fate ?? "block") !== "block") return;
    }
    const answer = ANSWERS[method.name];
    if (answer !== undefined) this.#say(channel, answer);
  }

  #published(channel: number, { exchange, routingKey }: BasicPublish, body: Uint8Array): void {
    if (this.#refused.has(channel)) return;
    const deliveryTag = (this.#tags.get(channel) ?? 0) + 1;
    this.#tags.set(channel, deliveryTag);
    const confirm = { deliveryTag, multiple: false } as const;
    if (Buffer.from(body).toString() === "never") return;
    if (routingKey === "404") {
      this.#refuse(channel, "basic.publish", `no exchange '${exchange}' in vhost '/'`);
    } else if (routingKey === "nack") {
      this.#say(channel, { name: "basic.nack", ...confirm, requeue: false });
    } else if (routingKey === "return") {
      const why = { replyCode: 312, replyText: "NO_ROUTE" };
      const method = { name: "basic.return", ...why, exchange, routingKey } as const;
      writeContent(this.#output, channel, method, {}, body, 131_072);
      this.#say(channel, { name: "basic.ack", ...confirm });
    } else if (routingKey === "ack") {
      this.#say(channel, { name: "basic.ack", ...confirm });
    }
  }

  #meet(fate: Fate): void {
    const close = { replyCode: 320, replyText: "CONNECTION_FORCED", classId: 0, methodId: 0 };
    if (fate === "reset") this.#socket.resetAndDestroy();
    if (fate === "fin") this.#socket.end();
    if (fate === "garbage") this.#socket.write("garbage");
    if (fate === "stall") this.#socket.pause();
    this.#silent = fate === "silence";
    if (fate === "block") this.#say(0, { name: "connection.blocked", reason: "low on memory" });
    if (fate === "320") this.#say(0, { name: "connection.close", ...close });
    if (this.#output.length > 0) this.#socket.write(Buffer.concat(this.#output.take()));
  }

  #refuse(channel: number, cause: ClientMethod["name"], what: string): void {
    this.#refused.add(channel);
    const { classId, methodId } = METHODS[cause];
    const reason = { replyCode: 404, replyText: `NOT_FOUND - ${what}`, classId, methodId };
    this.#say(channel, { name: "channel.close", ...reason });
  }

  #assembler(channel: number): ContentAssembler<BasicPublish> {
    let assembler = this.#contents.get(channel);
    if (assembler === undefined) {
      assembler = new ContentAssembler(Number.MAX_SAFE_INTEGER);
      this.#contents.set(channel, assembler);
    }
    return assembler;
  }

  #say(channel: number, method: ServerMethod): void {
    writeMethodFrame(this.#output.writer, channel, method, 131_072);
  }
}
