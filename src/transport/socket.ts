/** Node's TCP and TLS sockets as a {@link Transport}. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type AmqpError, ConnectionLostError, type ConnectPhase, UsageError } from "../errors.ts";
import { describeCause, isTlsAlert, tlsAdvice } from "./tls-errors.ts";
import type {
  Transport,
  TransportAddresses,
  TransportHandler,
  TransportTarget,
} from "./transport.ts";

/** Connects; the rejection is a `ConnectionLostError` that tells how far it came. */
export function openSocket(target: TransportTarget, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    let phase: ConnectPhase = isIP(target.hostname) === 0 ? "resolve" : "tcp";
    const socket = dialOrRefuse(target);
    const onAbort = (): void => fail(signal.reason);
    const fail = (cause: unknown): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      reject(connectError(target, phase, cause));
    };
    const onLookup = (error: Error | null): void => {
      if (error === null) phase = "tcp";
    };
    socket.once("lookup", onLookup);
    socket.once("connect", () => {
      phase = "tls";
    });
    socket.once("error", fail);
    socket.once(target.tls === undefined ? "connect" : "secureConnect", () => {
      signal.removeEventListener("abort", onAbort);
      // An address is never looked up: what has to do with connecting would stay as long as the socket.
      socket.off("error", fail).off("lookup", onLookup);
      resolve(new SocketTransport(socket));
    });
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

/** Node throws at once for options that it cannot use, such as a certificate that is none. */
function dialOrRefuse(target: TransportTarget): Socket {
  try {
    return dial(target);
  } catch (cause) {
    const error = new UsageError(
      `the options for ${whereTo(target)} cannot be used: ${describeCause(cause)}`,
      { cause },
    );
    error.phase = target.tls === undefined ? "tcp" : "tls";
    throw error;
  }
}

function dial(target: TransportTarget): Socket {
  const { hostname, port, noDelay, keepAliveMs, tls } = target;
  const keepAlive = { keepAlive: keepAliveMs > 0, keepAliveInitialDelay: keepAliveMs };
  if (tls === undefined) return connectTcp({ host: hostname, port, noDelay, ...keepAlive });
  // An address is no server name (RFC 6066, section 3); the certificate is compared with it all the same.
  const servername = tls.servername ?? (isIP(hostname) === 0 ? hostname : "");
  const socket = connectTls({ ...tls, servername, host: hostname, port });
  socket.setNoDelay(noDelay);
  socket.setKeepAlive(keepAlive.keepAlive, keepAlive.keepAliveInitialDelay);
  return socket;
}

/** Says what could not be reached, and how far it came. */
function connectError(target: TransportTarget, phase: ConnectPhase, cause: unknown): AmqpError {
  const advice = phase === "tls" ? tlsAdvice(cause) : undefined;
  const error = new ConnectionLostError(
    `could not connect to ${whereTo(target)}: ${WHAT[phase]} (${describeCause(cause)})` +
      (advice === undefined ? "" : `; ${advice}`),
    { cause },
  );
  error.phase = phase;
  return error;
}

/**
 * The error of a handshake, or a clearer one: with TLS 1.3 a server refuses the client's certificate,
 * or that there is none, when the client has its session already, and some only hang up.
 */
export function clarifyLoss(target: TransportTarget, error: unknown): unknown {
  const isLoss = error instanceof ConnectionLostError && error.phase === "handshake";
  if (!isLoss || target.tls === undefined) return error;
  const { cause } = error;
  if (isTlsAlert(cause)) return connectError(target, "tls", cause);
  const why = cause === undefined ? "" : `: ${describeCause(cause)}`;
  const clearer = new ConnectionLostError(
    `${whereTo(target)} took the TLS session and hung up before it said anything in AMQP${why}; it ` +
      "may want a client certificate, or have nothing that speaks AMQP behind it",
    { cause },
  );
  clearer.phase = "handshake";
  return clearer;
}

/** Host and port as a URI has them: an IPv6 address in brackets. */
export function whereTo({ hostname, port }: Pick<TransportTarget, "hostname" | "port">): string {
  return isIP(hostname) === 6 ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

const WHAT: { readonly [P in ConnectPhase]?: string } = {
  resolve: "the host name could not be resolved",
  tcp: "no TCP connection",
  tls: "no TLS session",
};

class SocketTransport implements Transport {
  readonly #socket: Socket;
  #handler: TransportHandler | undefined;
  #cause: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // From now on, although nobody is told yet: a socket without this listener ends the process.
    socket.on("error", (error: Error) => {
      this.#cause = error;
    });
    socket.pause();
  }

  get addresses(): TransportAddresses | undefined {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    if (localAddress === undefined || remoteAddress === undefined) return undefined;
    return {
      client: whereTo({ hostname: localAddress, port: localPort ?? 0 }),
      server: whereTo({ hostname: remoteAddress, port: remotePort ?? 0 }),
    };
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: TransportHandler): void {
    const socket = this.#socket;
    this.#handler = handler;
    socket.on("data", (bytes: Uint8Array) => handler.data(bytes));
    socket.on("close", () => handler.closed(this.#cause));
    if (socket.destroyed) setImmediate(() => handler.closed(this.#cause));
    socket.resume();
  }

  readonly #onFlushed = (): void => {
    if (!this.#socket.destroyed) this.#handler?.flushed();
  };

  write(pieces: readonly Uint8Array[]): void {
    const socket = this.#socket;
    const last = pieces.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i <= last; i++) {
      socket.write(pieces[i] as Uint8Array, i === last ? this.#onFlushed : undefined);
    }
    if (last > 0) socket.uncork();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}
