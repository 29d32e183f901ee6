/** Reading the frames that have no state. */
import type { RawFrame } from "../../../wire/frame-decoder.ts";
import { readClientMethod } from "../../../wire/generated/codec.ts";
import type { ClientMethod } from "../../../wire/generated/methods.ts";
import { Reader } from "../../../wire/reader.ts";
import { refusal } from "../refusal.ts";

/** The method in a method frame. */
export function readMethod({ bytes, start, end }: RawFrame): ClientMethod {
  const reader = new Reader(bytes, start, end);
  const method = readClientMethod(reader);
  reader.expectEnd(method.name);
  return method;
}

/** Raises unless a heartbeat is as it should be. */
export function checkHeartbeat({ channel, start, end }: RawFrame): void {
  if (channel !== 0) {
    throw refusal("unexpectedFrame", `a heartbeat on channel ${channel}`, { method: null });
  }
  if (start !== end) {
    throw refusal("frameError", "a heartbeat with a payload", { method: null });
  }
}
