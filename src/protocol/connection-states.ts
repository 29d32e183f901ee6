/**
 * The life of a connection as two tables (specification section 2.2.4): what each method of the
 * server on channel 0 leads to, where a missing entry is the server's error, and what this side
 * does. spec/state-machines.md draws them.
 */
import { type ConnectPhase, ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import type { ServerMethod } from "../wire/generated/methods.ts";

/** Where a connection stands. */
export type ConnectionState =
  | "greeting"
  | "authenticating"
  | "authenticated"
  | "opening"
  | "open"
  | "closing"
  | "closed";

/** State and method, to the state that follows. */
export const CONNECTION_TRANSITIONS: {
  readonly [S in ConnectionState]: { readonly [M in ServerMethod["name"]]?: ConnectionState };
} = {
  greeting: { "connection.start": "authenticating", "connection.close": "closed" },
  authenticating: { "connection.close": "closed" },
  authenticated: {
    "connection.secure": "authenticating",
    "connection.tune": "opening",
    "connection.close": "closed",
  },
  opening: { "connection.open-ok": "open", "connection.close": "closed" },
  open: {
    "connection.blocked": "open",
    "connection.unblocked": "open",
    "connection.update-secret-ok": "open",
    "connection.close": "closed",
  },
  // Both sides closed at once: we answer, and our own close-ok is still to come.
  closing: {
    "connection.blocked": "closing",
    "connection.unblocked": "closing",
    "connection.update-secret-ok": "closing",
    "connection.close": "closing",
    "connection.close-ok": "closed",
  },
  closed: {},
};

/** What moves a connection on this side. */
export type ConnectionMove =
  /** A SASL response goes out: start-ok or secure-ok. */
  | "respond"
  /** connection.close goes out. */
  | "close"
  /** The stream ended or was destroyed, the peer fell silent, or somebody broke a rule. */
  | "end";

/** State and move, to the state that follows. Where there is no entry, the move does nothing. */
export const CONNECTION_MOVES: {
  readonly [S in ConnectionState]: { readonly [M in ConnectionMove]?: ConnectionState };
} = {
  greeting: { end: "closed" },
  authenticating: { respond: "authenticated", end: "closed" },
  authenticated: { end: "closed" },
  opening: { end: "closed" },
  open: { close: "closing", end: "closed" },
  closing: { end: "closed" },
  closed: {},
};

/** The state that a move of this side leads to: the same one where the table has none. */
export function moveConnection(state: ConnectionState, move: ConnectionMove): ConnectionState {
  return CONNECTION_MOVES[state][move] ?? state;
}

/** What `connect()` was doing in a state, for its errors. */
export const CONNECT_PHASES: { readonly [S in ConnectionState]?: ConnectPhase } = {
  greeting: "handshake",
  authenticating: "authentication",
  authenticated: "authentication",
  opening: "open",
};

/** What an end without a word may mean in a state. */
export const SILENT_END_HINTS: { readonly [S in ConnectionState]?: string } = {
  greeting: "; a server that wants TLS may end so: is it a port for amqps?",
  authenticated: "; a broker may refuse a login so: check user name and password",
};

/** The state that a method of the server leads to; raises where the table has none. */
export function nextConnectionState(
  state: ConnectionState,
  method: ServerMethod["name"],
): ConnectionState {
  const next = CONNECTION_TRANSITIONS[state][method];
  if (next !== undefined) return next;
  throw new ProtocolError(`${method} came on channel 0 while the connection was ${state}`, {
    replyCode: REPLY_CODE.commandInvalid,
    expected: Object.keys(CONNECTION_TRANSITIONS[state]).join(" or "),
    got: method,
  });
}
