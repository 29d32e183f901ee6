/** What a client makes of single frames from a server, and of what goes wrong with them. */
import { type CloseReason, ProtocolError } from "../errors.ts";
import type { RawFrame } from "../wire/frame-decoder.ts";
import { readServerMethod } from "../wire/generated/codec.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import { methodName } from "../wire/generated/method-table.ts";
import type { ChannelClose, ConnectionClose, ServerMethod } from "../wire/generated/methods.ts";
import { Reader } from "../wire/reader.ts";

/** Reads a method frame to the last octet; raises for what is no method, or not a server's. */
export function readMethod(frame: RawFrame): ServerMethod {
  const reader = new Reader(frame.bytes, frame.start, frame.end);
  const method = readServerMethod(reader);
  reader.expectEnd(method.name);
  return method;
}

/** A heartbeat is an empty frame on channel 0 (RabbitMQ's errata, sections 12 and 29). */
export function checkHeartbeat(frame: RawFrame): void {
  if (frame.channel === 0 && frame.start === frame.end) return;
  throw new ProtocolError("a heartbeat came on a channel or with a payload", {
    replyCode: frame.channel === 0 ? REPLY_CODE.frameError : REPLY_CODE.unexpectedFrame,
    expected: "an empty frame on channel 0",
    got: `${frame.end - frame.start} octets on channel ${frame.channel}`,
  });
}

/** What a close of the peer says, with the method that it names. */
export function closeReason(close: ChannelClose | ConnectionClose): CloseReason {
  const { replyCode, replyText, classId, methodId } = close;
  const method = classId === 0 ? undefined : (methodName(classId, methodId) ?? "unknown");
  return { replyCode, replyText, method };
}

/** What no rule foresees, such as a body too large to allocate, ends the connection as well. */
export function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const { message } = error as Error;
  const wrapped = new ProtocolError(`what the peer sent cannot be handled: ${message}`, {
    replyCode: REPLY_CODE.internalError,
  });
  wrapped.cause = error;
  return wrapped;
}
