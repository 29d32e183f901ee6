/** A port on which clients find scripted peers. */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
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
  readonly #asking: ((peer: ScriptedPeer<"server">) => void)[] = [];
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

  /** The next client that connects, or has connected; rejects if none does in time. */
  accept(timeoutMs: number = this.#timeoutMs): Promise<ScriptedPeer<"server">> {
    const peer = this.#unclaimed.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asking.splice(this.#asking.indexOf(take), 1);
        const had = plural(this.#peers.length, "client");
        const message = `waited for a client to connect, and none did in ${timeoutMs} ms`;
        reject(new ScriptError(message, "a client", undefined, `   (${had} before)`));
      }, timeoutMs);
      const take = (accepted: ScriptedPeer<"server">): void => {
        clearTimeout(timer);
        resolve(accepted);
      };
      this.#asking.push(take);
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
    const endings = await Promise.allSettled(this.#peers.map((peer) => peer.close()));
    await closed;
    const failure = endings.find((ending) => ending.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  #take(peer: ScriptedPeer<"server">): void {
    this.#peers.push(peer);
    const ask = this.#asking.shift();
    if (ask === undefined) this.#unclaimed.push(peer);
    else ask(peer);
  }
}
