/** The lives of a connection and of a channel, from their tables. */
import { ProtocolError } from "../../src/errors.ts";
import {
  CHANNEL_MOVES,
  CHANNEL_TRANSITIONS,
  type ChannelMove,
  nextChannelState,
} from "../../src/protocol/channel-states.ts";
import {
  CONNECTION_MOVES,
  CONNECTION_TRANSITIONS,
  type ConnectionMove,
  nextConnectionState,
} from "../../src/protocol/connection-states.ts";
import { REPLY_CODES } from "../../src/wire/generated/constants.ts";
import { type Direction, type Edge, stateDiagram, table } from "./drawing.ts";

/** The life of a connection, drawn and as a table. */
export function connectionDrawing(): string {
  return lifeDrawing("TB", CONNECTION_TRANSITIONS, CONNECTION_MOVES, nextConnectionState as Next);
}

/** The life of a channel, drawn and as a table. */
export function channelDrawing(): string {
  return lifeDrawing("LR", CHANNEL_TRANSITIONS, CHANNEL_MOVES, nextChannelState as Next);
}

type Table = { readonly [state: string]: { readonly [input: string]: string } };
type Next = (state: string, method: string) => string;

/** What this side does is told apart from the names of the peer's methods. */
const OURS: { readonly [M in ConnectionMove | ChannelMove]: string } = {
  respond: "our response",
  close: "our close",
  end: "the end",
  giveUp: "we give up",
  lose: "the connection is gone",
};

function lifeDrawing(direction: Direction, transitions: Table, moves: Table, next: Next): string {
  const states = Object.keys(transitions);
  const edges = states.flatMap((state) => [
    ...edgesFrom(state, transitions, (method) => method),
    ...edgesFrom(state, moves, ours),
  ]);
  const lasting = states.filter((state) => edges.some(({ from }) => from === state));
  const ends = states.filter((state) => !lasting.includes(state));
  const methodRows = inputsOf(transitions).map((method) => [
    method,
    ...lasting.map((state) => transitions[state]?.[method] ?? refusal(() => next(state, method))),
  ]);
  const moveRows = inputsOf(moves).map((move) => [
    ours(move),
    ...lasting.map((state) => moves[state]?.[move] ?? ""),
  ]);
  const rows = [...methodRows, ...moveRows];
  return [
    stateDiagram(direction, states[0] as string, edges, ends),
    table(["", ...lasting.map((state) => `**${state}**`)], rows),
    legend(rows),
  ].join("\n\n");
}

function edgesFrom(state: string, to: Table, name: (input: string) => string): Edge[] {
  return Object.entries(to[state] ?? {}).map(([input, next]) => ({
    from: state,
    to: next,
    label: name(input),
  }));
}

function inputsOf(of: Table): string[] {
  return [...new Set(Object.values(of).flatMap((inputs) => Object.keys(inputs)))];
}

function ours(move: string): string {
  return OURS[move as keyof typeof OURS];
}

/** The reply code of the error that an input raises which the machine does not take. */
export function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ProtocolError) return `*${error.replyCode}*`;
    throw error;
  }
  throw new Error("what the table does not have must be refused");
}

/** What the reply codes in a table are called. */
export function legend(rows: readonly (readonly string[])[]): string {
  const codes = new Set(rows.flat().filter((cell) => /^\*\d+\*$/.test(cell)));
  const names = [...codes].map((code) => {
    const { name, kind } = REPLY_CODES.get(Number(code.slice(1, -1))) as {
      name: string;
      kind: string;
    };
    return `${code} is the error \`${name}\`, which closes the ${kind === "hard" ? "connection" : "channel"}`;
  });
  return `${names.join("; ")}.`;
}
