/** Which items of a conversation are shown. */
import type { EventItem, Item } from "../dissect/model.ts";
import { UsageError } from "../errors.ts";
import { METHODS } from "../wire/generated/method-table.ts";

/** What is asked for; undefined is everything. */
export interface DecodeFilter {
  readonly connections: ReadonlySet<number> | undefined;
  readonly channels: ReadonlySet<number> | undefined;
  /** Names of methods, or of classes with a dot behind. */
  readonly methods: readonly string[] | undefined;
}

/**
 * `basic.publish` as it is, `basic` and `basic.*` as `basic.`; raises a `UsageError` for a name that
 * is none.
 */
export function parseMethodPattern(text: string): string {
  const pattern = text.includes(".") ? text.replace(/\.\*$/, ".") : `${text}.`;
  const isKnown = Object.keys(METHODS).some((name) =>
    pattern.endsWith(".") ? name.startsWith(pattern) : name === pattern,
  );
  if (!isKnown) throw new UsageError(`--method: there is no method ${text}`);
  return pattern;
}

/** Applies a filter to one item after the other. */
export class ItemFilter {
  readonly #filter: DecodeFilter;
  /** Whether the event before was shown: what follows from it goes with it. */
  #shown = true;

  constructor(filter: DecodeFilter) {
    this.#filter = filter;
  }

  /** Whether the item is to be shown. */
  shows(item: Item): boolean {
    const { connections } = this.#filter;
    if (item.kind === "notice") {
      return item.connection === undefined || connections?.has(item.connection) !== false;
    }
    const connection = item.kind === "connection" ? item.id : item.connection;
    if (connections?.has(connection) === false) return false;
    if (item.kind === "event") this.#shown = this.#showsEvent(item);
    // A message and its links come right behind the event that completes them.
    return item.kind === "connection" || this.#shown;
  }

  #showsEvent({ channel, method }: EventItem): boolean {
    const { channels, methods } = this.#filter;
    if (channels !== undefined && (channel === undefined || !channels.has(channel))) return false;
    if (methods === undefined) return true;
    return methods.some((pattern) =>
      pattern.endsWith(".") ? method?.startsWith(pattern) : method === pattern,
    );
  }
}
