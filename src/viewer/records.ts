/**
 * What a page carries: the items of a conversation (dissect/model.ts) in a form that is small, for
 * 10,000 frames are to be one file. Texts and descriptions of fields are carried once and referred to
 * by their number, in the order in which they came; octets are in base64, and cut where they are many.
 *
 * A page holds them as JSON, in any number of blocks one after the other, so that it can be written
 * while a conversation goes on, and be read when it broke off.
 */
import type { ConnectionState, EventType, FieldPart, LinkItem, Side } from "../dissect/model.ts";

/** One thing in a page. */
export type PageRecord =
  | TextRecord
  | ShapeRecord
  | ConnectionRecord
  | EventRecord
  | MessageRecord
  | LinkItem
  | NoticeRecord;

/** An explanation; the first has the number 0. */
export interface TextRecord {
  readonly kind: "text";
  readonly text: string;
}

/** What fields of one kind have in common; the first has the number 0. */
export interface ShapeRecord {
  readonly kind: "shape";
  readonly name: string;
  readonly part: FieldPart;
  readonly domain: string;
  readonly type: string;
  readonly bit?: number | undefined;
  readonly reserved?: true | undefined;
  readonly secret?: true | undefined;
  /** The number of its explanation. */
  readonly text?: number | undefined;
}

/** A connection, when it appears and whenever its state changes. */
export interface ConnectionRecord {
  readonly kind: "connection";
  readonly id: number;
  readonly client?: string | undefined;
  readonly server?: string | undefined;
  readonly state: ConnectionState;
  readonly time?: number | undefined;
}

/** An event; its members are those of `EventItem`, but for these. */
export interface EventRecord {
  readonly kind: "event";
  readonly id: number;
  readonly connection: number;
  readonly from: Side;
  readonly time?: number | undefined;
  readonly offset: number;
  readonly type: EventType;
  readonly channel?: number | undefined;
  readonly method?: string | undefined;
  readonly missing?: number | undefined;
  readonly error?: { readonly offset: number; readonly message: string } | undefined;
  /** How many octets it has. */
  readonly length: number;
  /** The octets, or as many of them as the page carries, in base64. */
  readonly bytes: string;
  readonly fields: readonly FieldRecord[];
  /** The number of the explanation of its method, or of its type. */
  readonly text?: number | undefined;
}

/**
 * A field: the number of its shape, then `offset`, `length` and `valueOffset` of `Field`, its value
 * as text, what the value stands for, and the fields within it. What is not there is null, or left
 * out at the end.
 */
export type FieldRecord = readonly [
  shape: number,
  offset: number,
  length: number,
  valueOffset: number,
  value?: string | null,
  meaning?: string | null,
  children?: readonly FieldRecord[],
];

/** A message; its body is in its events. */
export interface MessageRecord {
  readonly kind: "message";
  readonly events: readonly number[];
  readonly bodies: number;
  readonly size: number;
}

/** Something to be said of the input, or of the page. */
export interface NoticeRecord {
  readonly kind: "notice";
  readonly connection?: number | undefined;
  readonly time?: number | undefined;
  readonly message: string;
}
