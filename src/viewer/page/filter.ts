/** Which rows are shown. */
import type { Conversation, EventRow, NoteRow, Row } from "./conversation.ts";
import { argumentsOf, octetsOf, outcomesOf, textOf, titleOf } from "./words.ts";

/** What is asked for; undefined is everything. */
export interface Filter {
  readonly connection: number | undefined;
  readonly channel: number | undefined;
  /** A method, or a class with a dot behind, as in `basic.`. */
  readonly method: string | undefined;
  /** Whether the frames with headers and bodies are shown. */
  readonly content: boolean;
  readonly heartbeats: boolean;
  /** Only what went wrong. */
  readonly problems: boolean;
  /** Each word must be somewhere in the row; case does not matter. */
  readonly search: string;
}

/** Shows everything. */
export const EVERYTHING: Filter = {
  ...{ connection: undefined, channel: undefined, method: undefined, search: "" },
  ...{ content: true, heartbeats: true, problems: false },
};

/** The rows that a filter leaves, in their order. */
export function filterRows(conversation: Conversation, filter: Filter): Row[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  return conversation.rows.filter((row) =>
    row.kind === "note"
      ? showsNote(filter, row, words)
      : showsEvent(conversation, filter, row) && hasAll(conversation, row, words),
  );
}

/**
 * Puts together what a search looks at, row by row, for as long as `mayGoOn`: the place to go on from,
 * or undefined when all of it is there. The first letter of a search then need not wait for it.
 */
export function prepareSearch(
  conversation: Conversation,
  from: number,
  mayGoOn: () => boolean,
): number | undefined {
  const { rows } = conversation;
  for (let place = from; place < rows.length; place++) {
    if (!mayGoOn()) return place;
    const row = rows[place] as Row;
    if (row.kind === "event") searchTextOf(conversation, row);
  }
  return undefined;
}

/** Whether something is wrong: with the octets, with a message, with a channel or a connection. */
export function isProblem(
  conversation: Conversation,
  { event, next, previous }: EventRow,
): boolean {
  const { error, type, method } = event;
  if (error !== undefined || type === "gap" || type === "undecodable") return true;
  if (type !== "method") return false;
  if (method === "basic.return") return true;
  // A refusal, also where the publish that it is of is not in the page.
  if (method === "basic.nack" && event.from === "server") return true;
  if (method === "channel.close" || method === "connection.close") {
    return conversation
      .fieldsOf(event)
      .some(({ shape, value }) => shape.domain === "reply-code" && value !== "200");
  }
  return [...next, ...previous].some(
    ({ link, outcome }) => outcome === "nack" || link === "return",
  );
}

function showsNote(filter: Filter, row: NoteRow, words: readonly string[]): boolean {
  const { connection, channel, method, problems } = filter;
  if (connection !== undefined && row.connection !== undefined && row.connection !== connection) {
    return false;
  }
  if (row.isNotice) return true;
  const narrowed = channel !== undefined || method !== undefined || problems || words.length > 0;
  return !narrowed;
}

function showsEvent(conversation: Conversation, filter: Filter, row: EventRow): boolean {
  const { type, connection, channel, method } = row.event;
  if (filter.connection !== undefined && filter.connection !== connection) return false;
  if (filter.channel !== undefined && filter.channel !== channel) return false;
  const isContent = type === "header" || type === "body";
  if (!filter.content && isContent && row.event.error === undefined) return false;
  if (!filter.heartbeats && type === "heartbeat") return false;
  if (filter.problems && !isProblem(conversation, row)) return false;
  if (filter.method === undefined) return true;
  return filter.method.endsWith(".")
    ? method?.startsWith(filter.method) === true
    : method === filter.method;
}

function hasAll(conversation: Conversation, row: EventRow, words: readonly string[]): boolean {
  // Without a search the text is not put together.
  return (
    words.length === 0 || words.every((word) => searchTextOf(conversation, row).includes(word))
  );
}

/** A method is found by its content too, so that it is found where content is not shown. */
function searchTextOf(conversation: Conversation, row: EventRow): string {
  if (row.searchText === undefined) {
    const { event, message } = row;
    const texts = [ownText(conversation, row)];
    for (const id of event.type === "method" ? (message?.events.slice(1) ?? []) : []) {
      const part = conversation.events.get(id);
      if (part !== undefined) texts.push(ownText(conversation, part));
    }
    row.searchText = texts.join("\n").toLowerCase();
  }
  return row.searchText;
}

function ownText(conversation: Conversation, row: EventRow): string {
  const { event } = row;
  const texts = [titleOf(event), argumentsOf(conversation, event), `#${event.id}`];
  texts.push(...outcomesOf(row).map(({ text }) => text), event.error?.message ?? "");
  if (event.type === "body") texts.push(textOf(octetsOf(event)));
  return texts.join(" ");
}
