/** What is special about sockets of TCP and TLS, so that a session takes any other stream as well. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** What is known of the other side before it says a word. */
export interface Peer {
  /** Whether the stream is one of TLS. */
  readonly secured: boolean;
  /** The common name in the client's certificate, if there is one and it was found to be good. */
  readonly certifiedName: string | undefined;
}

/** Who is at the other side of a stream. */
export function peerOf(stream: Duplex): Peer {
  return {
    secured: stream instanceof TLSSocket,
    // Asked when it is needed, for a stream may come here before TLS has agreed.
    get certifiedName() {
      if (!(stream instanceof TLSSocket) || !stream.authorized) return undefined;
      const { CN: name } = stream.getPeerCertificate().subject as { CN?: string | string[] };
      return Array.isArray(name) ? name.join() : name;
    },
  };
}

/** As RabbitMQ names connections: the client's address and port, then ours; if they have any. */
export function streamName(stream: Duplex): string {
  if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return "a stream";
  const { remoteAddress, remotePort, localAddress, localPort } = stream;
  return `${remoteAddress}:${remotePort} -> ${localAddress}:${localPort}`;
}

/** Has it behave as a socket of a server does by itself: no delay, and an end for an end. */
export function prepareStream(stream: Duplex): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
  if (stream.allowHalfOpen) stream.on("end", () => stream.end());
}

/**
 * Breaks it off with a RST, where there is such a thing: TLS and pipes have none, and of a socket that
 * has said its end Node would keep the handle for ever.
 */
export function resetStream(stream: Duplex): void {
  try {
    if (stream instanceof Socket && !stream.writableEnded) stream.resetAndDestroy();
  } catch {
    // What is no TCP handle of Node's refuses it.
  }
  stream.destroy();
}
