/**
 * The walk shows the beginning and the end of a connection once, in its first section; the others
 * begin and end with the same octets.
 */
import type { CapturedFrame } from "./document.ts";
import { dissect } from "./rows.ts";

/** The frames up to confirm.select-ok. */
export function openingOf<F extends CapturedFrame>(first: readonly F[]): readonly F[] {
  return first.slice(0, indexOf(first, "confirm.select-ok") + 1);
}

/** The goodbye, without that of the channel where the broker has closed it in `frames`. */
export function closingOf<F extends CapturedFrame>(
  first: readonly F[],
  frames: readonly CapturedFrame[],
): readonly F[] {
  const close = indexOf(frames, "channel.close");
  const channelIsGone = frames[close]?.sender === "server";
  return first.slice(indexOf(first, channelIsGone ? "connection.close" : "channel.close"));
}

function indexOf(frames: readonly CapturedFrame[], name: string): number {
  return frames.findIndex(({ octets }) => dissect(octets).name === name);
}
