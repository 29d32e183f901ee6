/** The conversation of a page: its records, put together to the rows that are shown. */
import type { LinkItem } from "../../dissect/model.ts";
import type {
  ConnectionRecord,
  EventRecord,
  FieldRecord,
  MessageRecord,
  PageRecord,
  ShapeRecord,
} from "../records.ts";

/** What has a line of its own. */
export type Row = EventRow | NoteRow;

/** An event, with what is known of it by others. */
export interface EventRow {
  readonly kind: "event";
  readonly event: EventRecord;
  /** Of the method that announces it, and of its last frame. */
  message: MessageRecord | undefined;
  /** The links that begin here: what came of it. */
  readonly next: LinkItem[];
  /** The links that end here: what it is about. */
  readonly previous: LinkItem[];
  /** What a search looks at, once it has been asked for. */
  searchText: string | undefined;
}

/** A line about a connection or about the input. */
export interface NoteRow {
  readonly kind: "note";
  readonly connection: number | undefined;
  readonly time: number | undefined;
  readonly text: string;
  /** Whether something is wrong, or only to be told. */
  readonly isNotice: boolean;
}

/** A field with its shape. */
export interface FieldNode {
  readonly shape: ShapeRecord;
  readonly offset: number;
  readonly length: number;
  readonly valueOffset: number;
  readonly value: string | undefined;
  readonly meaning: string | undefined;
  readonly children: readonly FieldNode[];
}

/** Takes records, in their order. */
export class Conversation {
  readonly rows: Row[] = [];
  /** By their ids. */
  readonly events = new Map<number, EventRow>();
  readonly connections = new Map<number, ConnectionRecord>();
  /** The time of the first event that has one, in milliseconds. */
  start: number | undefined;
  readonly #texts: string[] = [];
  readonly #shapes: ShapeRecord[] = [];

  /** Takes a block of the page, the text of a JSON array; says what is wrong with it, if anything is. */
  addBlock(json: string): string | undefined {
    let records: readonly PageRecord[];
    try {
      records = JSON.parse(json);
    } catch {
      return "A part of this page is cut off or damaged: what it held is not shown.";
    }
    for (const record of records) this.#add(record);
    return undefined;
  }

  /** Adds a line of the page's own. */
  addNotice(text: string): void {
    this.rows.push({ kind: "note", connection: undefined, time: undefined, text, isNotice: true });
  }

  /** An explanation, by its number. */
  text(number: number | undefined): string | undefined {
    return number === undefined ? undefined : this.#texts[number];
  }

  /** The fields of an event. */
  fieldsOf({ fields }: EventRecord): FieldNode[] {
    return fields.map((field) => this.#node(field));
  }

  #node([shape, offset, length, valueOffset, value, meaning, children]: FieldRecord): FieldNode {
    return {
      shape: this.#shapes[shape] as ShapeRecord,
      ...{ offset, length, valueOffset, value: value ?? undefined, meaning: meaning ?? undefined },
      children: (children ?? []).map((child) => this.#node(child)),
    };
  }

  #add(record: PageRecord): void {
    switch (record.kind) {
      case "text":
        this.#texts.push(record.text);
        break;
      case "shape":
        this.#shapes.push(record);
        break;
      case "connection":
        this.#addConnection(record);
        break;
      case "event":
        this.#addEvent(record);
        break;
      case "message":
        for (const id of [record.events[0], record.events.at(-1)]) {
          const row = this.events.get(id ?? -1);
          if (row !== undefined) row.message = record;
        }
        break;
      case "link":
        this.events.get(record.first)?.next.push(record);
        this.events.get(record.second)?.previous.push(record);
        break;
      case "notice": {
        const { connection, time, message } = record;
        const text = connection === undefined ? message : `connection ${connection}: ${message}`;
        this.rows.push({ kind: "note", connection, time, text, isNotice: true });
      }
    }
  }

  #addConnection(record: ConnectionRecord): void {
    const { id, client, server, state, time } = record;
    const isNew = !this.connections.has(id);
    this.connections.set(id, record);
    const ends = client === undefined ? "" : `: ${client} → ${server ?? "?"}`;
    const text = isNew ? `connection ${id}${ends}` : `connection ${id} ${STATES[state]}`;
    this.rows.push({ kind: "note", connection: id, time, text, isNotice: false });
  }

  #addEvent(event: EventRecord): void {
    const row: EventRow = {
      ...({ kind: "event", event, message: undefined } as const),
      ...{ next: [], previous: [], searchText: undefined },
    };
    this.start ??= event.time;
    this.rows.push(row);
    this.events.set(event.id, row);
  }
}

const STATES: { readonly [S in ConnectionRecord["state"]]: string } = {
  unknown: "is under way",
  handshake: "begins",
  open: "is open",
  closing: "is closing",
  closed: "is closed",
  encrypted: "is encrypted (TLS): nothing of it can be read",
};
