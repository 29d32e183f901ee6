/**
 * Writes a live conversation to a file, as lines of JSON (json.ts) or as a capture (pcapng-writer.ts).
 *
 * A disk that is too slow must not hold the conversation up, nor may what waits for it grow without
 * bound: past that, octets are left out, and the file says where and how many.
 */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { type Ending, PcapngWriter } from "../dissect/capture/pcapng-writer.ts";
import { itemToJson } from "../dissect/json.ts";
import type { EventItem, Item, Side } from "../dissect/model.ts";

/** How much waits for the disk at most, in octets. */
const MAX_WAITING = 67_108_864;

/** A file that grows with the conversation. */
export class Recorder {
  readonly #stream: WriteStream;
  readonly #format: Format;
  readonly #maxWaiting: number;
  /** By connection and side: what was left out. */
  readonly #missing = new Map<string, EventItem>();
  #error: Error | undefined;

  private constructor(stream: WriteStream, format: Format, maxWaiting: number) {
    this.#stream = stream;
    this.#format = format;
    this.#maxWaiting = maxWaiting;
    stream.on("error", (error) => {
      this.#error = error;
    });
  }

  /**
   * Opens a file, or empties it; rejects with the system's error where that cannot be done. `comment`
   * is for the readers of a capture. Octets past `maxWaiting` that wait for the disk are left out.
   */
  static async open(
    file: string,
    comment: string,
    maxWaiting: number = MAX_WAITING,
  ): Promise<Recorder> {
    const stream = createWriteStream(file, { mode: 0o600 }); // as a page: for its owner alone
    await once(stream, "open");
    const format = /\.pcapng$/i.test(file) ? captureFormat(comment) : JSON_FORMAT;
    stream.write(format.begin);
    return new Recorder(stream, format, maxWaiting);
  }

  /** What kept it from writing on, if anything did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** How much waits for the disk, in octets. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /** Takes the next items. */
  push(items: readonly Item[]): void {
    for (const item of items) {
      if (item.kind === "event" && this.#stream.writableLength > this.#maxWaiting) {
        this.#leaveOut(item);
      } else {
        if (item.kind === "event") this.#tellMissing(`${item.connection} ${item.from}`);
        this.#write(this.#format.item(item));
      }
    }
  }

  /** A TCP connection went away. */
  endConnection(connection: number, by: Side, how: Ending, time: number): void {
    for (const side of ["client", "server"]) this.#tellMissing(`${connection} ${side}`);
    this.#write(this.#format.end(connection, by, how, time));
  }

  /** Resolves when all is on the disk, or nothing more can be. */
  async close(): Promise<void> {
    if (this.#stream.destroyed) return;
    const closed = once(this.#stream, "close").catch(() => {});
    this.#stream.end();
    await closed;
  }

  #leaveOut(event: EventItem): void {
    const key = `${event.connection} ${event.from}`;
    const before = this.#missing.get(key);
    const missing = (before?.missing ?? 0) + (event.missing ?? 0) + event.bytes.length;
    const gap = { type: "gap", bytes: NOTHING, missing, fields: [], error: undefined } as const;
    const { id, offset } = before ?? event;
    const { channel, method } = NOWHERE;
    this.#missing.set(key, { ...event, ...gap, id, offset, channel, method });
  }

  #tellMissing(key: string): void {
    const gap = this.#missing.get(key);
    if (gap === undefined) return;
    this.#missing.delete(key);
    this.#write(this.#format.item(gap));
  }

  #write(octets: string | Uint8Array): void {
    if (octets.length > 0 && this.#error === undefined) this.#stream.write(octets);
  }
}

interface Format {
  readonly begin: string | Uint8Array;
  item(item: Item): string | Uint8Array;
  end(connection: number, by: Side, how: Ending, time: number): string | Uint8Array;
}

const JSON_FORMAT: Format = {
  begin: "",
  item: (item) => `${itemToJson(item)}\n`,
  end: () => "",
};

function captureFormat(comment: string): Format {
  const writer = new PcapngWriter();
  return {
    begin: writer.begin(comment),
    item: (item) => writer.item(item),
    end: (connection, by, how, time) => writer.end(connection, by, how, time),
  };
}

const NOTHING = new Uint8Array(0);
const NOWHERE = { channel: undefined, method: undefined };
