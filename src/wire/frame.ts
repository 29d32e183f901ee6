/**
 * Frames, outgoing (specification section 2.3.5).
 *
 *     [type 1][channel 2][size 4][payload: size octets][end 1 = 0xCE]
 *
 * A method frame's payload is a class id, a method id and the arguments; a heartbeat has none. The
 * negotiated frame-max counts all of it, these eight octets included. Nothing in AMQP can split a
 * method or a content header over two frames, so one that does not fit cannot be sent at all.
 */
import { UsageError } from "../errors.ts";
import { writeMethod } from "./generated/codec.ts";
import { FRAME_END, FRAME_TYPE, PROTOCOL_HEADER } from "./generated/constants.ts";
import type { Method } from "./generated/methods.ts";
import type { Writer } from "./writer.ts";

/** Octets before the payload: type, channel and size. */
export const FRAME_HEADER_SIZE = 7;

/** Octets of a frame that are not payload: the header and the end. */
export const FRAME_OVERHEAD: number = FRAME_HEADER_SIZE + 1;

/** Writes a frame's header, its size left open, and returns where the frame begins. */
export function beginFrame(writer: Writer, type: number, channel: number): number {
  const start = writer.length;
  writer.writeFrameHeader(type, channel, 0);
  return start;
}

/** Fills in the size of the frame that begins at `start` and writes its end. */
export function endFrame(writer: Writer, start: number, frameMax: number, what: string): void {
  const size = writer.length - start - FRAME_HEADER_SIZE;
  checkFrameSize(size, frameMax, what);
  writer.patchLong(start + 3, size);
  writer.writeOctet(FRAME_END);
}

/** Writes a method as a frame; one that is larger than `frameMax` is a `UsageError`. */
export function writeMethodFrame(
  writer: Writer,
  channel: number,
  method: Method,
  frameMax: number,
): void {
  const start = writer.length;
  try {
    beginFrame(writer, FRAME_TYPE.method, channel);
    writeMethod(writer, method);
    endFrame(writer, start, frameMax, method.name);
  } catch (error) {
    writer.rollback(start);
    throw error;
  }
}

/** Writes a heartbeat: eight octets, always on channel 0 (RabbitMQ's errata, sections 12, 29). */
export function writeHeartbeatFrame(writer: Writer): void {
  endFrame(writer, beginFrame(writer, FRAME_TYPE.heartbeat, 0), FRAME_OVERHEAD, "heartbeat");
}

/** Writes `AMQP` 0 0 9 1, which is no frame: how a client opens, and how a server refuses. */
export function writeProtocolHeader(writer: Writer): void {
  for (const octet of PROTOCOL_HEADER) writer.writeOctet(octet);
}

function checkFrameSize(payloadSize: number, frameMax: number, what: string): void {
  if (payloadSize + FRAME_OVERHEAD > frameMax) {
    throw new UsageError(
      `${what} takes a frame of ${payloadSize + FRAME_OVERHEAD} octets; the negotiated ` +
        `frame-max is ${frameMax}, and only bodies can be split`,
    );
  }
}
