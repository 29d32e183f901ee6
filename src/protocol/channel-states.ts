/**
 * The life of a channel as two tables (specification section 2.2.5): what the peer's methods that
 * open and close it lead to, where a missing entry is the peer's error, and what this side does.
 * spec/state-machines.md draws them.
 *
 * `closing` and `failing` both wait for close-ok. In `closing`, which we asked for, confirms and
 * returns that are still under way count, because they are facts. In `failing`, somebody broke a
 * rule or gave up: everybody has been told, and only the closing handshake matters.
 */
import { ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";

/** Where a channel stands. */
export type ChannelState = "opening" | "open" | "closing" | "failing" | "closed";

/** The methods of the peer that move a channel from one state to another. */
export type ChannelLifecycle = "channel.open-ok" | "channel.close" | "channel.close-ok";

/** State and method, to the state that follows. */
export const CHANNEL_TRANSITIONS: {
  readonly [S in ChannelState]: { readonly [M in ChannelLifecycle]?: ChannelState };
} = {
  opening: { "channel.open-ok": "open", "channel.close": "closed" },
  open: { "channel.close": "closed" },
  // Both sides closed at once: our own close-ok is still to come.
  closing: { "channel.close": "failing", "channel.close-ok": "closed" },
  failing: {
    // We gave up while it was opening.
    "channel.open-ok": "failing",
    "channel.close": "failing",
    "channel.close-ok": "closed",
  },
  closed: {},
};

/** What moves a channel on this side. */
export type ChannelMove =
  /** Our channel.close goes out, behind the calls that waited. */
  | "close"
  /** The peer broke a rule of the channel, or a deadline passed: channel.close goes out at once. */
  | "giveUp"
  /** The connection is gone. */
  | "lose";

/** State and move, to the state that follows. Where there is no entry, the move does nothing. */
export const CHANNEL_MOVES: {
  readonly [S in ChannelState]: { readonly [M in ChannelMove]?: ChannelState };
} = {
  opening: { giveUp: "failing", lose: "closed" },
  open: { close: "closing", giveUp: "failing", lose: "closed" },
  closing: { giveUp: "failing", lose: "closed" },
  failing: { lose: "closed" },
  closed: {},
};

/** The state that a move of this side leads to: the same one where the table has none. */
export function moveChannel(state: ChannelState, move: ChannelMove): ChannelState {
  return CHANNEL_MOVES[state][move] ?? state;
}

/** The state that a method of the peer leads to; raises where the table has none. */
export function nextChannelState(state: ChannelState, method: ChannelLifecycle): ChannelState {
  const next = CHANNEL_TRANSITIONS[state][method];
  if (next !== undefined) return next;
  const allowed = Object.keys(CHANNEL_TRANSITIONS[state]);
  throw new ProtocolError(`${method} came for a channel that is ${state}`, {
    replyCode: REPLY_CODE.commandInvalid,
    expected: allowed.length === 0 ? "nothing" : allowed.join(" or "),
    got: method,
  });
}
