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

/** The least that an arrow with its name needs, and the most that helps, in pixels. */
const LEAST = 220;
const MOST = 900;

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
