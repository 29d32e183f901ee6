/**
 * The limit: octets that were made beforehand, written as fast as the window allows, with no promise
 * and nothing that could be called a client. What a client adds to this is its price.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectPlan } from "../../src/client/options.ts";
import { HEADERS, MESSAGE_ID, TIMESTAMP } from "./clients.ts";
import type { Work } from "./work.ts";

/** As built: it loads in a quarter of the time that the sources take. */
const built = async () => ({
  ...((await import(
    "../../dist/client/options.js" as string
  )) as typeof import("../../src/client/options.ts")),
  ...((await import(
    "../../dist/protocol/connection.js" as string
  )) as typeof import("../../src/protocol/connection.ts")),
  ...((await import(
    "../../dist/wire/content.js" as string
  )) as typeof import("../../src/wire/content.ts")),
  ...((await import(
    "../../dist/wire/output.js" as string
  )) as typeof import("../../src/wire/output.ts")),
});

/** A connection in confirm mode whose octets are ours to write. */
export class RawLine {
  readonly #socket: Socket;
  readonly #messages: Buffer;
  readonly #messageSize: number;
  readonly #window: number;
  #sent = 0;
  #confirmed = 0;
  #rest: Buffer | undefined;
  /** All tags up to this one are confirmed, and some single ones above it. */
  #through = 0;
  readonly #single: Set<number> = new Set();
  #done: () => void = () => {};

  private constructor(socket: Socket, work: Work, message: Buffer) {
    this.#socket = socket;
    this.#messageSize = message.length;
    this.#window = work.window;
    const most = Math.max(1, Math.min(work.window, Math.floor(CHUNK / message.length)));
    this.#messages = Buffer.concat(Array<Buffer>(most).fill(message));
  }

  /** Connects, opens channel 1 and selects confirms, by means of the machine. */
  static async open(url: string, work: Work, queue: string): Promise<RawLine> {
    const { ConnectionMachine, planConnection } = await built();
    const plan = planConnection(url, { heartbeatSeconds: 0 });
    const { credentials, vhost, locale, clientProperties, proposal, maxBodyBytes } = plan;
    const { mechanism } = credentials;
    const socket = dial(plan);
    const machine = new ConnectionMachine(
      { mechanism, vhost, clientProperties, locale, proposal, maxBodyBytes },
      0,
    );
    const flush = (): void => {
      for (const piece of machine.takeOutput(0)) socket.write(piece);
    };
    const events = new Promise<void>((resolve, reject) => {
      socket.once(plan.tls === undefined ? "connect" : "secureConnect", flush);
      socket.on("error", reject);
      socket.on("data", (data) => {
        machine.receive(data, 0);
        for (const event of machine.takeEvents()) {
          if (event.type === "challenge") {
            Promise.resolve(credentials.respond()).then((response) => {
              machine.respond(response);
              flush();
            }, reject);
          } else if (event.type === "open") {
            const channel = machine.openChannel({
              resolve: () => {
                channel.call({
                  method: { name: "confirm.select", nowait: false },
                  resolve: () => resolve(),
                  reject,
                });
              },
              reject,
            });
          } else if (event.type === "closed") {
            reject(event.error ?? new Error("closed"));
          }
        }
        flush();
      });
    });
    await events;
    socket.removeAllListeners("data");
    socket.removeAllListeners("error");
    const line = new RawLine(socket, work, await encode(work, queue));
    socket.on("data", (data) => line.#receive(data));
    socket.on("drain", () => line.#fill());
    return line;
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  /**
   * Sends until `isOver` says so, and resolves when all of it is confirmed. One at a time, it also
   * notes how many milliseconds each message took.
   */
  run(isOver: () => boolean, milliseconds: number[] = []): Promise<void> {
    this.#isOver = isOver;
    this.#milliseconds = milliseconds;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#fill();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #isOver: () => boolean = () => true;
  #milliseconds: number[] = [];
  #sentAt = 0;

  #fill(): void {
    while (!this.#isOver() && this.#socket.writableLength < CHUNK) {
      const room = this.#window - (this.#sent - this.#confirmed);
      const count = Math.min(room, this.#messages.length / this.#messageSize);
      if (count < 1) return;
      this.#sent += count;
      if (this.#window === 1) this.#sentAt = performance.now();
      this.#socket.write(this.#messages.subarray(0, count * this.#messageSize));
    }
  }

  #receive(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; data.length - at >= ACK_SIZE; at += ACK_SIZE) {
      if (data.readUInt32BE(at + 7) !== BASIC_ACK)
        throw new Error("the broker said more than acks");
      this.#ack(data.readUInt32BE(at + 15), data[at + 19] !== 0);
    }
    this.#rest = at < data.length ? data.subarray(at) : undefined;
    const before = this.#confirmed;
    this.#confirmed = this.#through + this.#single.size;
    if (this.#window === 1 && this.#confirmed > before) {
      this.#milliseconds.push(performance.now() - this.#sentAt);
    }
    this.#fill();
    if (this.#isOver() && this.#confirmed >= this.#sent) this.#done();
  }

  #ack(tag: number, multiple: boolean): void {
    if (multiple) {
      for (const each of this.#single) if (each <= tag) this.#single.delete(each);
      this.#through = Math.max(this.#through, tag);
    } else if (tag === this.#through + 1) {
      this.#through = tag;
    } else {
      this.#single.add(tag);
    }
    while (this.#single.delete(this.#through + 1)) this.#through++;
  }
}

function dial({ hosts, tls }: ConnectPlan): Socket {
  const { hostname, port } = hosts[0] as ConnectPlan["hosts"][number];
  const target = { host: hostname, port };
  const socket =
    tls === undefined ? connect(target) : connectTls({ servername: hostname, ...tls, ...target });
  return socket.setNoDelay(true);
}

const CHUNK = 65_536;
const ACK_SIZE = 21;
const BASIC_ACK = 0x003c0050;

async function encode(work: Work, queue: string): Promise<Buffer> {
  const { Output, writeContent } = await built();
  const output = new Output();
  const { mandatory } = work;
  writeContent(
    output,
    1,
    { name: "basic.publish", exchange: "", routingKey: queue, mandatory, immediate: false },
    work.properties === "none"
      ? {}
      : {
          contentType: "application/json",
          deliveryMode: 2,
          messageId: MESSAGE_ID,
          timestamp: new Date(TIMESTAMP * 1000),
          headers: HEADERS,
        },
    Buffer.alloc(work.size, "a"),
    131_072,
  );
  return Buffer.concat(output.take());
}
