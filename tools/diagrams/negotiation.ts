/** What two wishes for a limit come to: negotiate() is asked. */
import { negotiate, type Tuning } from "../../src/protocol/negotiation.ts";
import { table } from "./drawing.ts";

/** Pairs of wishes, 0 among them, and what holds then. */
export function negotiationTable(): string {
  const rows = PAIRS.map(([ours, theirs]) => {
    const { frameMax, channelMax, heartbeatSeconds } = negotiate(wishes(ours), wishes(theirs));
    return [ours, theirs, frameMax, channelMax, heartbeatSeconds].map(String);
  });
  return table(["we want", "the server wants", "frame-max", "channel-max", "heartbeat"], rows);
}

/** The same number for all three, so it is one that a frame-max may be. */
const PAIRS: readonly (readonly [number, number])[] = [
  [5000, 6000],
  [6000, 5000],
  [0, 5000],
  [5000, 0],
  [0, 0],
];

function wishes(each: number): Tuning {
  return { frameMax: each, channelMax: each, heartbeatSeconds: each };
}
