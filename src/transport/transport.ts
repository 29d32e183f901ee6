/**
 * A stream of octets to a peer and back, as narrow as the driver needs it: what a socket is to it,
 * and what a test puts in its place.
 */

/** What a transport tells; set once, with {@link Transport.start}. */
export interface TransportHandler {
  /** Octets arrived; they may be kept only until the call returns. */
  data(bytes: Uint8Array): void;
  /** The peer takes octets again: {@link Transport.bufferedBytes} has gone down. */
  flushed(): void;
  /** It is over; no more calls follow. */
  closed(cause: Error | undefined): void;
}

/** Address and port of the two sides, as in `127.0.0.1:40122` or `[::1]:40122`. */
export interface TransportAddresses {
  readonly client: string;
  readonly server: string;
}

/** An open stream. */
export interface Transport {
  /** Where it has any; undefined when it is closed. */
  readonly addresses?: TransportAddresses | undefined;
  /** Octets that were written and could not be given away yet. */
  readonly bufferedBytes: number;
  /** Begins to tell the handler what happens. */
  start(handler: TransportHandler): void;
  /** Writes pieces in order, as one. They must not change until they are gone. */
  write(pieces: readonly Uint8Array[]): void;
  /** Says that nothing more will be written, once all that was is gone. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
  /** Keeps the process alive while it is open: the default. */
  ref(): void;
  /** Lets the process end although it is open. */
  unref(): void;
}

/** Where to connect to, and how. */
export interface TransportTarget {
  readonly hostname: string;
  readonly port: number;
  /** Undefined for plain TCP. */
  readonly tls: import("node:tls").ConnectionOptions | undefined;
  readonly noDelay: boolean;
  /** Milliseconds of silence before TCP probes the peer; 0 is off. */
  readonly keepAliveMs: number;
}
