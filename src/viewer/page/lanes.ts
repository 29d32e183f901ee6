/** Where a row is drawn: each channel of each connection has a lane, from its client to its server. */
import type { EventRecord } from "../records.ts";
import type { Row } from "./conversation.ts";

/** The channel of a connection, as a column of the diagram. */
export interface Lane {
  readonly connection: number;
  readonly channel: number;
}

/** The widths of the diagram, in pixels. */
export interface Widths {
  readonly lane: number;
  /** Of all lanes. */
  readonly lanes: number;
}

/** What of a lane is within sight, and where the text beside its arrows can be read. */
export interface Sight {
  /** Whether most of the lane is out of sight. */
  readonly isAway: boolean;
  /** Where the lane is if it is away; otherwise the end of the arrow where the text is. */
  readonly side: "left" | "right";
  /** How far that end is out of sight, in pixels. */
  readonly shift: number;
  /** For the text, in pixels. */
  readonly room: number;
}

/** The least that is seen to be an arrow, and the most that helps, in pixels. */
const LEAST = 90;
const MOST = 900;

/** Room for the name of a method and something of its arguments, in pixels. */
const ENOUGH = 240;

/** The lane of an event; what is on no channel is drawn where the connection's own methods are. */
export function laneKey({ connection, channel = 0 }: EventRecord): string {
  return `${connection}/${channel}`;
}

/** The lanes that some rows need, by connection and channel, with their places. */
export function lanesOf(rows: readonly Row[]): { lanes: Lane[]; places: Map<string, number> } {
  const found = new Map<string, Lane>();
  for (const row of rows) {
    if (row.kind === "note") continue;
    const { connection, channel = 0 } = row.event;
    const key = laneKey(row.event);
    if (!found.has(key)) found.set(key, { connection, channel });
  }
  const lanes = [...found.values()].sort(
    (a, b) => a.connection - b.connection || a.channel - b.channel,
  );
  const places = new Map(
    lanes.map(({ connection, channel }, place) => [`${connection}/${channel}`, place]),
  );
  return { lanes, places };
}

/** Shares the room among the lanes. */
export function widthsOf(lanes: number, room: number): Widths {
  const lane = Math.max(LEAST, Math.min(MOST, Math.floor(room / Math.max(lanes, 1))));
  return { lane, lanes: lane * Math.max(lanes, 1) };
}

/** The name of a lane, in a short form too, for where there is little room. */
export function laneName({ connection, channel }: Lane, isShort: boolean): string {
  if (isShort) return `${connection} · ${channel === 0 ? "conn" : `ch ${channel}`}`;
  return `${connection} · ${channel === 0 ? "the connection itself" : `channel ${channel}`}`;
}

/** Looks at a lane through the window between `from` and `from + room`; all are in pixels. */
export function sightOf(left: number, lane: number, from: number, room: number): Sight {
  const end = from + room;
  const first = Math.max(left, from);
  const last = Math.min(left + lane, end);
  if (last - first < Math.min(lane, room) / 2) {
    return { isAway: true, side: left < from ? "left" : "right", shift: 0, room };
  }
  // There is one arrow in a row: its text may go on over the lanes beside it.
  const after = end - first;
  const before = last - from;
  return after >= ENOUGH || after >= before
    ? { isAway: false, side: "left", shift: first - left, room: after }
    : { isAway: false, side: "right", shift: left + lane - last, room: before };
}

/** Which rows are within sight, with some more on both sides. */
export function rowsInSight(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
): { first: number; end: number } {
  const first = Math.floor(scrollTop / rowHeight) - SPARE;
  const end = Math.ceil((scrollTop + height) / rowHeight) + SPARE;
  return { first: Math.max(0, Math.min(first, count)), end: Math.max(0, Math.min(end, count)) };
}

const SPARE = 8;
