/** What is special about sockets of TCP, so that a session takes any other stream as well. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

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
