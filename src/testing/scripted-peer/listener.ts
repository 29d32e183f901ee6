/** A port on which clients find scripted peers. */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { deadlineOf, type ExpectOptions } from "./conversation.ts";
import type { ServerHandshakeOptions } from "./handshake.ts";
import { ScriptError } from "./inbox.ts";
import type { ScriptedPeer } from "./peer.ts";
import { plural } from "./show.ts";

/** Listens on a port of 127.0.0.1 and has a {@link ScriptedPeer} for each client that connects. */
export class PeerListener implements AsyncDisposable {
  /** The port, which was free. */
  readonly port: number;
  /** For the client that is to be tested: `amqp://guest:guest@127.0.0.1:…`. */
  readonly url: string;
  readonly #server: Server;
  readonly #timeoutMs: number;
  readonly #peers: ScriptedPeer<"server">[] = [];
  /** Clients that have connected and that nobody asked for yet. */
  readonly #unclaimed: ScriptedPeer<"server">[] = [];
  readonly #asking = new Set<Asking>();
  #closing: Promise<void> | undefined;

  /** Use {@link ScriptedPeer.listen}. */
  constructor(
    server: Server,
    peerOf: (socket: Socket) => ScriptedPeer<"server">,
    timeoutMs: number,
  ) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
    this.port = (server.address() as AddressInfo).port;
    this.url = `amqp://guest:guest@127.0.0.1:${this.port}`;
    server.on("connection", (socket) => this.#take(peerOf(socket)));
  }

  /**
   * The next client that connects, or has connected. Rejects with a {@link ScriptError} if none does
   * in time, or when the listener is closed.
   */
  accept(options: Pick<ExpectOptions, "timeoutMs"> = {}): Promise<ScriptedPeer<"server">> {
    return new Promise((resolve, reject) => {
      const timeoutMs = deadlineOf({ timeoutMs: options.timeoutMs ?? this.#timeoutMs });
      const peer = this.#unclaimed.shift();
      if (peer !== undefined) return resolve(peer);
      if (this.#closing !== undefined) return reject(this.#nobody(CLOSED));
      const settle = (): void => {
        clearTimeout(timer);
        this.#asking.delete(asking);
      };
      const fail = (why: string): void => {
        settle();
        reject(this.#nobody(why));
      };
      const take = (accepted: ScriptedPeer<"server">): void => {
        settle();
        resolve(accepted);
      };
      const asking: Asking = { take, close: () => fail(CLOSED) };
      const timer = setTimeout(() => fail(`none did in ${timeoutMs} ms`), timeoutMs);
      this.#asking.add(asking);
    });
  }

  /** The next client, after the usual handshake. */
  async handshake(options?: ServerHandshakeOptions): Promise<ScriptedPeer<"server">> {
    const peer = await this.accept();
    await peer.handshake(options);
    return peer;
  }

  /**
   * Listens no more and closes every peer, also those that nobody asked for. Rejects with the
   * {@link ScriptError} of the first to which something had come that nobody expected. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { close } of [...this.#asking]) close();
    const endings = await Promise.allSettled(this.#peers.map((peer) => peer.close()));
    await closed;
    const failure = endings.find((ending) => ending.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  #nobody(why: string): ScriptError {
    const had = plural(this.#peers.length, "client");
    const message = `waited for a client to connect, and ${why}`;
    return new ScriptError(message, "a client", undefined, `   (${had} before)`);
  }

  #take(peer: ScriptedPeer<"server">): void {
    this.#peers.push(peer);
    const [first] = this.#asking;
    if (first === undefined) this.#unclaimed.push(peer);
    else first.take(peer);
  }
}

const CLOSED = "the listener was closed";

/** Somebody who waits for a client. */
interface Asking {
  take(peer: ScriptedPeer<"server">): void;
  close(): void;
}
