/**
 * A TCP proxy that misbehaves on demand: it severs a connection at a chosen octet, in order or with a
 * reset; it stops forwarding, one way or both; it forwards in tiny pieces. By itself it adds and
 * loses nothing.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "./random.ts";

/** `up` is from the client to the broker. */
export type Direction = "up" | "down";

/**
 * How a connection is severed: both sides see its orderly end; both are closed, with whatever was on
 * its way dropped; both are reset.
 */
export type Severing = "end" | "close" | "reset";

/** A proxy before one broker, on a loopback port. */
export class FaultyProxy {
  /** Told of each new connection, before it has forwarded anything. */
  onLink: (link: Link) => void = () => {};
  /** Told of octets that a client has sent. */
  onClientOctets: (link: Link, octets: Uint8Array) => void = () => {};
  readonly #server: Server;
  readonly #links: Set<Link> = new Set();

  /** Begins to listen. */
  static async start(brokerPort: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(brokerPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(brokerPort: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const link = new Link(client, brokerPort, (octets) => this.onClientOctets(link, octets));
      this.#links.add(link);
      link.closed.then(() => this.#links.delete(link)).catch(() => {});
      this.onLink(link);
    });
  }

  /** The port that clients connect to. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connections that are open on either side. */
  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** Closes everything. */
  async stop(): Promise<void> {
    this.#server.close();
    await Promise.all(
      this.links.map((link) => {
        link.sever("close");
        return link.closed;
      }),
    );
  }
}

/** One connection through the proxy. */
export class Link {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #flows: Readonly<Record<Direction, Flow>>;
  #severed = false;
  #clientClosed = false;

  constructor(client: Socket, brokerPort: number, onClientOctets: (octets: Uint8Array) => void) {
    this.#client = client;
    this.#broker = connect({
      ...{ port: brokerPort, host: "127.0.0.1" },
      ...{ allowHalfOpen: true, noDelay: true },
    });
    this.#flows = {
      up: new Flow(client, this.#broker, onClientOctets),
      down: new Flow(this.#broker, client),
    };
    client.once("close", () => {
      this.#clientClosed = true;
    });
    this.closed = Promise.all([closing(client), closing(this.#broker)]).then(() => {});
  }

  /** Whether the client has gone. */
  get clientClosed(): boolean {
    return this.#clientClosed;
  }

  /** Whether this connection was severed. */
  get severed(): boolean {
    return this.#severed;
  }

  /** Severs it now. */
  sever(how: Severing): void {
    if (this.#severed) return;
    this.#severed = true;
    for (const flow of Object.values(this.#flows)) flow.discard();
    for (const socket of [this.#client, this.#broker]) {
      if (how === "reset") socket.resetAndDestroy();
      else if (how === "close") socket.destroySoon();
      else endSoon(socket);
    }
  }

  /** Severs it when so many octets have been forwarded in a direction, to the octet. */
  severAfter(direction: Direction, octets: number, how: Severing, then: () => void): void {
    this.#flows[direction].after(octets, () => {
      if (this.#severed) return;
      this.sever(how);
      then();
    });
  }

  /** Forwards nothing more in these directions until {@link Link.resume}. */
  stall(directions: readonly Direction[]): void {
    for (const direction of directions) this.#flows[direction].stall();
  }

  /** Forwards again, beginning with what has gathered. */
  resume(): void {
    for (const flow of Object.values(this.#flows)) flow.resume();
  }

  /** Forwards in pieces of a few octets from now on, each in a turn of the event loop of its own. */
  split(random: Random): void {
    for (const flow of Object.values(this.#flows)) flow.split(random.fork());
  }
}

/** One direction of a connection. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  #octets = 0;
  #limit: { readonly octets: number; readonly reached: () => void } | undefined;
  #stalled = false;
  #discarding = false;
  #random: Random | undefined;
  #pieces: Promise<void> = Promise.resolve();

  constructor(from: Socket, to: Socket, listener: (octets: Uint8Array) => void = () => {}) {
    this.#from = from;
    this.#to = to;
    from.on("data", (chunk: Buffer) => {
      listener(chunk);
      this.#receive(chunk);
    });
    from.on("end", () => {
      this.#pieces.then(() => to.end()).catch(() => {});
    });
    from.on("error", () => {}); // what follows is `close`
    from.on("close", () => {
      this.#pieces.then(() => to.destroySoon()).catch(() => {});
    });
    to.on("drain", () => {
      if (!this.#stalled) from.resume();
    });
  }

  after(octets: number, reached: () => void): void {
    if (octets === 0) reached();
    else this.#limit = { octets, reached };
  }

  stall(): void {
    this.#stalled = true;
    this.#from.pause();
  }

  resume(): void {
    this.#stalled = false;
    this.#from.resume();
  }

  split(random: Random): void {
    this.#random = random;
  }

  discard(): void {
    this.#discarding = true;
    this.resume();
  }

  #receive(chunk: Buffer): void {
    if (this.#discarding) return;
    const limit = this.#limit;
    const room = limit === undefined ? chunk.length : limit.octets - this.#octets;
    const head = chunk.subarray(0, room);
    this.#octets += head.length;
    this.#forward(head);
    if (limit !== undefined && this.#octets >= limit.octets) limit.reached();
  }

  #forward(chunk: Buffer): void {
    if (this.#random === undefined) {
      if (!this.#to.write(chunk)) this.#from.pause();
      return;
    }
    const random = this.#random;
    this.#from.pause();
    this.#pieces = this.#pieces
      .then(() => this.#forwardInPieces(chunk, random))
      .then(() => {
        if (!this.#stalled) this.#from.resume();
      });
  }

  async #forwardInPieces(chunk: Buffer, random: Random): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#discarding; ) {
      const size = random.integer(1, random.chance(0.5) ? 7 : 200);
      this.#to.write(chunk.subarray(at, at + size));
      at += size;
      if (random.chance(0.01)) await sleep(1);
      else await new Promise(setImmediate);
    }
  }
}

/** Says goodbye after what was written, and hangs up if the other side does not. */
function endSoon(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** Long enough for the other side to read the end; then nothing of the run is to wait for it. */
const LINGER_MS = 200;

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}
