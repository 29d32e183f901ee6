/** The proxy of `amqp091 tap`: a port to listen on, and for each client a connection to the broker. */
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, isIP, type Socket } from "node:net";
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  TLSSocket,
} from "node:tls";
import { UsageError } from "../errors.ts";
import { whereTo } from "../transport/socket.ts";
import { describeCause } from "../transport/tls-errors.ts";
import { type End, type PairListener, SocketPair } from "./tap-pair.ts";

/** Where clients come in and where they go. */
export interface ProxyOptions {
  readonly listen: { readonly hostname: string; readonly port: number };
  /** What clients are shown; undefined for plain TCP. */
  readonly listenTls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly to: { readonly hostname: string; readonly port: number };
  /** Undefined for plain TCP. */
  readonly toTls: ConnectionOptions | undefined;
  /** For a broker that does not answer; default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
}

/** Who is told of connections. */
export interface ProxyListener {
  /** A client and the broker are joined; the result is told what they say. */
  opened(client: string, server: string): PairListener;
  /** A client was closed, because there was no broker, or no TLS session with one of the two. */
  refused(client: string, why: string): void;
}

/** Listens until it is closed. */
export class TapProxy {
  /** The port that it listens on. */
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #close: () => Promise<unknown>;

  private constructor(server: ReturnType<typeof createServer>, close: () => Promise<unknown>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#close = close;
  }

  /** Begins to listen; rejects with the system's error where the address cannot be had. */
  static async start(options: ProxyOptions, listener: ProxyListener): Promise<TapProxy> {
    const { listen, listenTls } = options;
    const context = listenTls && usable(() => createSecureContext(listenTls), "--tls-listen-cert");
    const open = new Set<{ destroy(): void }>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    const serving = new Set<Promise<void>>();
    server.on("connection", (tcp) => {
      const served = serve(tcp, options, context, listener, open);
      serving.add(served);
      void served.then(() => serving.delete(served));
    });
    server.listen(listen.port, listen.hostname);
    await once(server, "listening");
    return new TapProxy(server, () => {
      for (const each of open) each.destroy();
      return Promise.all(serving);
    });
  }

  /** Ends all connections; resolves when the port is free and the listener has been told of each end. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await Promise.all([closed, this.#close()]);
  }
}

/** Resolves when nothing of it is left to be told. */
async function serve(
  tcp: Socket,
  options: ProxyOptions,
  context: SecureContext | undefined,
  listener: ProxyListener,
  open: Set<{ destroy(): void }>,
): Promise<void> {
  open.add(tcp);
  const name = endOf(tcp.remoteAddress, tcp.remotePort);
  tcp.on("error", () => {}); // whoever waits for it hears of it
  try {
    const client = await welcome(tcp, context);
    const server = await dial(options, open);
    const { remoteAddress, remotePort } = server.tcp;
    const told = listener.opened(name, endOf(remoteAddress, remotePort));
    await new Promise<void>((over) => {
      const pair = new SocketPair(
        { client, server },
        {
          octets: (from, bytes) => told.octets(from, bytes),
          ended: (from) => told.ended(from),
          closed(reset) {
            open.delete(pair);
            told.closed(reset);
            over();
          },
        },
      );
      open.add(pair);
      for (const socket of [tcp, server.tcp]) open.delete(socket);
    });
  } catch (error) {
    tcp.destroy();
    listener.refused(name, error instanceof Error ? error.message : String(error));
  } finally {
    open.delete(tcp);
  }
}

/** The client's end, with TLS if that is asked for. */
async function welcome(tcp: Socket, secureContext: SecureContext | undefined): Promise<End> {
  if (secureContext === undefined) return { stream: tcp, tcp };
  const stream = new TLSSocket(tcp, { isServer: true, secureContext });
  const timer = setTimeout(() => stream.destroy(), CONNECT_TIMEOUT_MS);
  try {
    await settled(stream, "secure", "no TLS session with the client");
  } finally {
    clearTimeout(timer);
  }
  stream.pause();
  return { stream, tcp };
}

/** The broker's end. */
async function dial(options: ProxyOptions, open: Set<{ destroy(): void }>): Promise<End> {
  const { to, toTls, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const { hostname: host, port } = to;
  const tcp = connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
  open.add(tcp);
  const timer = setTimeout(
    () => tcp.destroy(new Error(`no answer within ${connectTimeoutMs} ms`)),
    connectTimeoutMs,
  );
  try {
    await settled(tcp, "connect", `could not connect to ${whereTo(to)}`);
    tcp.pause();
    if (toTls === undefined) return { stream: tcp, tcp };
    const servername = toTls.servername ?? (isIP(host) === 0 ? host : "");
    // With a socket given, the name that the certificate is compared with is that of the host option.
    const stream = connectTls({ ...toTls, socket: tcp, host, servername });
    tcp.on("error", (error) => stream.destroy(error));
    await settled(stream, "secureConnect", `no TLS session with ${whereTo(to)}`);
    stream.pause();
    return { stream, tcp };
  } catch (error) {
    open.delete(tcp);
    tcp.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** How long a TCP connection and a TLS session may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Waits for an event; an error or the end is one sentence. */
function settled(socket: Socket, event: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      socket.off(event, onEvent).off("error", fail).off("close", onClose);
    };
    const onEvent = (): void => {
      forget();
      resolve();
    };
    const fail = (cause: unknown): void => {
      forget();
      socket.on("error", () => {}); // a socket may have more than one to tell
      reject(new Error(`${what}: ${describeCause(cause)}${advice(cause)}`, { cause }));
    };
    const onClose = (): void => fail(new Error("it hung up"));
    socket.on(event, onEvent).on("error", fail).on("close", onClose);
    if (socket.destroyed) fail(socket.errored ?? new Error("it hung up"));
  });
}

function advice(cause: unknown): string {
  const code = String((cause as { readonly code?: unknown }).code);
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return "; --ca names the file with its authority's certificate";
  }
  return code === "ERR_TLS_CERT_ALTNAME_INVALID" ? "; --servername says which name to expect" : "";
}

/** Node throws for a certificate that is none. */
function usable<T>(make: () => T, what: string): T {
  try {
    return make();
  } catch (cause) {
    throw new UsageError(`${what} cannot be used: ${describeCause(cause)}`, { cause });
  }
}

/** Address and port; an IPv4 address that came in by IPv6 as itself. */
function endOf(address: string | undefined, port: number | undefined): string {
  const plain = (address ?? "0.0.0.0").replace(/^::ffff:(?=\d+\.)/, "");
  return whereTo({ hostname: plain, port: port ?? 0 });
}
