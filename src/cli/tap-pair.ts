/**
 * Two sockets joined to one: what comes in here goes out there, unchanged, and no faster than it is
 * taken. The end of one direction is the end of that direction only; a reset is passed on as one.
 */
import type { Socket } from "node:net";
import type { Side } from "../dissect/model.ts";

/** A side's socket. */
export interface End {
  /** Where octets are read and written: the TCP socket, or the TLS session on it. */
  readonly stream: Socket;
  /** The TCP socket. */
  readonly tcp: Socket;
}

/** Who is told what happens; what it is given must stay as it is. */
export interface PairListener {
  /** A side sent octets; they are on their way to the other. */
  octets(from: Side, bytes: Uint8Array): void;
  /** A side sends nothing more. */
  ended(from: Side): void;
  /** Both sides are closed. `reset`: who broke it off, if somebody did, and why. */
  closed(reset: { readonly by: Side; readonly cause: Error | undefined } | undefined): void;
}

/** Joins two sockets, both paused, and lets them flow. */
export class SocketPair {
  readonly #ends: { readonly [S in Side]: End };
  readonly #listener: PairListener;
  readonly #causes = new Map<Side, Error>();
  readonly #closed = new Set<Side>();
  #reset: { readonly by: Side; readonly cause: Error | undefined } | undefined;
  #destroyed = false;

  constructor(ends: { readonly [S in Side]: End }, listener: PairListener) {
    this.#ends = ends;
    this.#listener = listener;
    this.#forward("client", "server");
    this.#forward("server", "client");
  }

  /** Ends both, now. */
  destroy(): void {
    this.#destroyed = true;
    this.#ends.client.stream.destroy();
    this.#ends.server.stream.destroy();
  }

  #forward(from: Side, to: Side): void {
    const source = this.#ends[from].stream;
    const target = this.#ends[to].stream;
    source.on("data", (bytes: Uint8Array) => {
      if (!target.write(bytes)) source.pause();
      this.#listener.octets(from, bytes);
    });
    target.on("drain", () => source.resume());
    source.on("end", () => {
      target.end();
      this.#listener.ended(from);
    });
    source.on("error", (error) => this.#causes.set(from, error));
    source.on("close", () => this.#sideClosed(from, to));
    if (source.destroyed) setImmediate(() => this.#sideClosed(from, to));
    source.resume();
  }

  #sideClosed(from: Side, to: Side): void {
    if (this.#closed.has(from)) return;
    this.#closed.add(from);
    // Asked here: a TLS socket that is reset below may close before that returns.
    const isLast = this.#closed.size === 2;
    const { stream } = this.#ends[from];
    const whole = stream.readableEnded && stream.writableFinished;
    if (!whole && this.#reset === undefined && !this.#destroyed) {
      this.#reset = { by: from, cause: this.#causes.get(from) };
      resetSocket(this.#ends[to]);
    }
    if (isLast) this.#listener.closed(this.#reset);
  }
}

/** What was written goes out before, if the peer takes it soon. */
function resetSocket({ stream, tcp }: End): void {
  const reset = (): void => {
    clearTimeout(timer);
    // Of one that has said its end Node would keep the handle for ever.
    if (tcp.writableEnded) tcp.destroy();
    else tcp.resetAndDestroy();
    stream.destroy();
  };
  const timer = setTimeout(reset, LINGER_MS);
  stream.resume(); // so that its own end is noticed
  if (stream.writableLength === 0) reset();
  else stream.once("drain", reset);
}

/** How long the octets before a reset may take, in milliseconds. */
const LINGER_MS = 1000;
