/**
 * Whom a close blames: connection.close and channel.close carry the class and method id of the
 * method that caused them, or zeros if none did (specification section 1.4.2.6).
 */
import type { RawFrame } from "../../../wire/frame-decoder.ts";
import { FRAME_TYPE } from "../../../wire/generated/constants.ts";
import { METHODS, methodName } from "../../../wire/generated/method-table.ts";
import type { Method } from "../../../wire/generated/methods.ts";
import { Reader } from "../../../wire/reader.ts";
import type { Refusal } from "../refusal.ts";

/** A method in numbers. */
export interface Blame {
  readonly classId: number;
  readonly methodId: number;
}

/** No method at all. */
export const NO_METHOD: Blame = { classId: 0, methodId: 0 };

/** What the refusal says, or else the method that the frame is or, if it is content, belongs to. */
export function blameOf({ method }: Refusal, frame: RawFrame | undefined): Blame {
  if (method === null || frame === undefined) return NO_METHOD;
  if (method !== undefined) return idsOf(method);
  const { type, channel, bytes, start, end } = frame;
  if (type !== FRAME_TYPE.method) return channel === 0 ? NO_METHOD : idsOf("basic.publish");
  if (end - start < 4) return NO_METHOD;
  const reader = new Reader(bytes, start, end);
  const name = methodName(reader.readShort(), reader.readShort());
  return name === undefined ? NO_METHOD : idsOf(name);
}

function idsOf(method: Method["name"]): Blame {
  const { classId, methodId } = METHODS[method];
  return { classId, methodId };
}
