/** The port of a broker, and the sessions of those who come in by it. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { AbortError } from "../../errors.ts";
import type { FaultSet } from "./faults/fault-set.ts";
import type { SessionRealm } from "./session/realm.ts";
import { Session } from "./session/session.ts";

/** Listens, and knows who is connected. */
export class Listener {
  readonly #realm: SessionRealm;
  readonly #faults: FaultSet;
  /** Those who are no sessions: TLS has not agreed yet, or they were turned away. */
  readonly #outside = new Set<Duplex>();
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  #whenEmpty: () => void = () => {};

  constructor(realm: SessionRealm, faults: FaultSet, tls?: TlsOptions) {
    this.#realm = realm;
    this.#faults = faults;
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) =>
      this.accept(socket),
    );
    // The socket below: a server of TLS waits two minutes for somebody who says nothing.
    if (tls !== undefined) this.#server.on("connection", (socket) => this.#remember(socket));
  }

  /** All whose sockets are open, the oldest first. */
  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  /** Opens the port; 0 takes one that is free. Gives the one that it is. */
  listen(port: number, host: string): Promise<number> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      const settle = (work: () => void): void => {
        server.off("listening", listening).off("error", failed).off("close", closed);
        work();
      };
      const listening = () => settle(() => resolve((server.address() as AddressInfo).port));
      const failed = (error: Error) => settle(() => reject(error));
      const closed = () => failed(new AbortError("closed while the port was being opened"));
      server.on("listening", listening).on("error", failed).on("close", closed);
      server.listen(port, host);
    });
  }

  /** Closes the port, then ends each session, which must drop its socket; resolves after the last. */
  close(end: (session: Session) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        // The server counts a socket out before the session hears that it is closed.
        this.#whenEmpty = resolve;
        this.#checkEmpty();
      });
      for (const session of this.#sessions) end(session);
      for (const socket of this.#outside) socket.destroy();
    });
  }

  /** Somebody has come: by the port, or over a stream of his own. */
  accept(socket: Duplex): void {
    if (this.#faults.turnsAway(socket)) return this.#remember(socket);
    const session = new Session(socket, this.#realm, this.#faults.nextConnection());
    this.#sessions.add(session);
    this.#faults.connected(session.faulty);
    socket.on("close", () => {
      this.#sessions.delete(session);
      this.#faults.disconnected(session.faulty);
      this.#checkEmpty();
    });
  }

  #remember(socket: Duplex): void {
    this.#outside.add(socket);
    socket.on("close", () => this.#outside.delete(socket));
  }

  #checkEmpty(): void {
    if (this.#sessions.size === 0) this.#whenEmpty();
  }
}
