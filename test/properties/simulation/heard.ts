/** What the broker said, frame by frame. */
import { type Broken, type Frame, FrameStream } from "./frames.ts";
import type { Entry } from "./transcript.ts";

/** The frames that a `delivered` entry completes, by the entry's place in the transcript. */
export type Heard = ReadonlyMap<number, readonly (Frame | Broken)[]>;

/** Reads all octets that the client was given. */
export function readHeard(transcript: readonly Entry[], frameMax: number): Heard {
  const stream = new FrameStream("server", frameMax);
  const heard = new Map<number, readonly (Frame | Broken)[]>();
  transcript.forEach((entry, at) => {
    if (entry.what === "delivered") heard.set(at, stream.read(entry.octets));
  });
  return heard;
}
