/**
 * A relay between a client and a broker that keeps the properties of every content header, as raw
 * octets: what was really sent, and what really arrived, whoever wrote or read it.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { FrameDecoder } from "../../../src/wire/frame-decoder.ts";
import { FRAME_TYPE } from "../../../src/wire/generated/constants.ts";
import { toHex } from "../../wire/octets.ts";

/** Class id, weight and body size, before the properties. */
const PROPERTIES_AT = 12;
const PROTOCOL_HEADER_SIZE = 8;

/** Stands before the broker at a URL. */
export class HeaderTap {
  /** Properties in hex, in the order in which clients published them. */
  readonly published: string[] = [];
  /** Properties in hex, in the order in which the broker sent them. */
  readonly delivered: string[] = [];
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #target: URL;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async start(url: string): Promise<HeaderTap> {
    const tap = new HeaderTap(new URL(url));
    tap.#server.listen(0, "127.0.0.1");
    await once(tap.#server, "listening");
    return tap;
  }

  /** The same broker, seen through the tap. */
  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #relay(client: Socket): void {
    const broker = connect(Number(this.#target.port || 5672), this.#target.hostname);
    const published = new Listener(this.published, PROTOCOL_HEADER_SIZE);
    const delivered = new Listener(this.delivered, 0);
    for (const [from, to, listener] of [
      [client, broker, published],
      [broker, client, delivered],
    ] as const) {
      this.#sockets.push(from);
      from.on("data", (piece) => {
        listener.hear(piece);
        to.write(piece);
      });
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
    }
  }
}

class Listener {
  readonly #heard: string[];
  readonly #decoder = new FrameDecoder(0xffff_ffff);
  #skip: number;

  constructor(heard: string[], skip: number) {
    this.#heard = heard;
    this.#skip = skip;
  }

  hear(piece: Uint8Array): void {
    const skipped = Math.min(this.#skip, piece.length);
    this.#skip -= skipped;
    this.#decoder.push(piece.subarray(skipped));
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      const { type, bytes, start, end } = frame;
      if (type !== FRAME_TYPE.header) continue;
      this.#heard.push(toHex(bytes.subarray(start + PROPERTIES_AT, end)));
    }
  }
}
