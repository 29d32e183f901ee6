/**
 * From the lines of a recording (dissect/json.ts) to the items of the conversations in it: only the
 * octets of the events are taken, with their connection, side and time, and the notices; all else is
 * found again.
 *
 * A recording says that a connection is closed after the first connection.close-ok. Frames may follow
 * it: where both sides close at once, the other close-ok. So such a connection is kept for a while.
 *
 * Behind a line that cannot be read, such as one that was cut, octets of any connection may be
 * missing: each has a gap there.
 */
import type { Dissector } from "../dissect/dissector.ts";
import { recordedFromJson } from "../dissect/json.ts";
import type { Item } from "../dissect/model.ts";

/** How many connections are kept that are closed; of more, the one that was closed first ends. */
const MAX_CLOSED = 1024;

/** Push lines in, get items out. */
export class RecordingReader {
  readonly #dissector: Dissector;
  /** By the number that the file gives a connection. */
  readonly #connections = new Map<number, Recorded>();
  /** The numbers of those that are kept though they are closed. */
  readonly #closed = new Set<number>();

  /** Whether a line before this one could not be read. */
  #isLost = false;

  constructor(dissector: Dissector) {
    this.#dissector = dissector;
  }

  /** Takes the next line; raises a `SyntaxError` for one that is no line of a conversation. */
  push(line: string): Item[] {
    const items: Item[] = [];
    const wasLost = this.#isLost;
    this.#isLost = true;
    const recorded = recordedFromJson(line);
    this.#isLost = false;
    if (wasLost) this.#gaps(recorded?.time, items);
    if (recorded === undefined) return items;
    if (recorded.kind === "notice") {
      // The number that the connection has here, which may be another than in the file.
      const id = this.#connections.get(recorded.connection ?? 0)?.id;
      return [...items, { ...recorded, connection: id }];
    }
    const number = recorded.kind === "connection" ? recorded.id : recorded.connection;
    let connection = this.#connections.get(number);
    // The number again, from the beginning: one recording behind another in the same file.
    if (connection !== undefined && recorded.kind === "connection" && isBeginning(recorded.state)) {
      items.push(...this.#end(number, connection));
      connection = undefined;
    }
    if (connection === undefined) {
      const { client, server, state, time } =
        recorded.kind === "connection"
          ? recorded
          : { client: undefined, server: undefined, state: "unknown", time: recorded.time };
      const opened = this.#dissector.open({ client, server, midstream: state === "unknown", time });
      connection = { id: opened.id, isClosed: false, time };
      this.#connections.set(number, connection);
      items.push(opened);
    }
    const { id } = connection;
    connection.time = recorded.time ?? connection.time;
    if (recorded.kind === "connection") {
      if (recorded.state === "closed") items.push(...this.#close(number, connection));
      return items;
    }
    const { from, bytes, time, missing } = recorded;
    const taken =
      missing === undefined
        ? this.#dissector.push(id, from, bytes, time)
        : this.#dissector.gap(id, from, missing, time);
    for (const item of taken) {
      if (item.kind === "connection" && item.state === "closed") connection.isClosed = true;
      items.push(item);
    }
    return items;
  }

  /** The recording ends here. */
  end(): Item[] {
    return [...this.#connections].flatMap(([number, connection]) => this.#end(number, connection));
  }

  #gaps(time: number | undefined, items: Item[]): void {
    for (const [number, { id }] of this.#connections) {
      if (this.#closed.has(number)) continue;
      for (const side of ["client", "server"] as const) {
        items.push(...this.#dissector.gap(id, side, 0, time));
      }
    }
  }

  /** The file says so: because of a close-ok that we have seen too, or because the streams ended. */
  #close(number: number, connection: Recorded): Item[] {
    if (!connection.isClosed) return this.#end(number, connection);
    this.#closed.add(number);
    if (this.#closed.size <= MAX_CLOSED) return [];
    const [oldest] = this.#closed;
    const first = this.#connections.get(oldest as number);
    return first === undefined ? [] : this.#end(oldest as number, first);
  }

  #end(number: number, { id, time }: Recorded): Item[] {
    this.#connections.delete(number);
    this.#closed.delete(number);
    return this.#dissector.end(id, time);
  }
}

/** The states that a connection has when it appears, and later no more. */
function isBeginning(state: string): boolean {
  return state === "handshake" || state === "unknown";
}

interface Recorded {
  /** The dissector's number of it. */
  readonly id: number;
  /** Whether a close-ok has been seen. */
  isClosed: boolean;
  /** Of the last thing that was said of it. */
  time: number | undefined;
}
