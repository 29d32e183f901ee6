/**
 * Messages that are identical to any observer, so that nobody can say which of them came back.
 *
 * A return is told to the lowest that it can be about, and leaves a debt: it may in truth have been
 * about any of them that was open then. So an ack may have been that of the message which came
 * back. It is the first debt that is paid with it; whoever waited for it has to wait for the confirm
 * of the one that was told `returned`, whose place it takes.
 */
import type { BasicProperties } from "../../../../src/wire/generated/properties.ts";
import type { Message } from "../transcript.ts";
import type { Case } from "./docket.ts";

/** What a confirm of one delivery tag means for whoever holds its place. */
export type Settled =
  /** The place of this one is closed. */
  | { readonly closes: Case }
  /** It may be the one that came back, and nothing will ever say so. */
  | { readonly doubts: Case }
  /** It waits on in another's place, or has been told. */
  | "nobody";

/** The identical publishes of one channel. */
export class Twins {
  /** By what the messages are. Once every debt is paid, those that come back later begin anew. */
  readonly #groups: Map<string, Group> = new Map();
  /** Who waits for the confirm of a tag that was not its own, and among whom. */
  readonly #holders: Map<number, { readonly holder: Case; readonly group: Group }> = new Map();
  readonly #hold: (each: Case) => void;

  /** `hold` is told of publishes whose ack has come, and which are not confirmed by it. */
  constructor(hold: (each: Case) => void) {
    this.#hold = hold;
  }

  /** The publish of this tag was told that it came back; what has been written could have. */
  returned({ message, tag }: Case, lastWritten: number): void {
    const key = identityOf(message);
    const group = this.#groups.get(key) ?? { key, debts: [], returned: [] };
    this.#groups.set(key, group);
    group.debts.push(lastWritten);
    group.returned.push(tag);
  }

  /** A basic.ack arrived for the tag of `original`. */
  acked(original: Case): Settled {
    const { tag, message } = original;
    const [holder, group] = this.#takePlace(original);
    if (group === undefined || !isReturnable(message)) return { closes: holder };
    const rank = group.debts.findIndex((through) => through >= tag);
    if (rank >= 0) group.debts.splice(rank, 1);
    if (rank >= 0 && group.debts.length === 0) this.#groups.delete(group.key);
    if (leave(group, tag)) return "nobody";
    if (rank < 0) return { closes: holder };
    this.#hold(holder);
    const [place] = group.returned.splice(Math.min(rank, group.returned.length - 1), 1);
    if (place === undefined) return { doubts: holder };
    this.#holders.set(place, { holder, group });
    return "nobody";
  }

  /** A basic.nack arrived for the tag of `original`. */
  nacked(original: Case): Settled {
    const [holder, group] = this.#takePlace(original);
    return group !== undefined && leave(group, original.tag) ? "nobody" : { closes: holder };
  }

  #takePlace(original: Case): [holder: Case, group: Group | undefined] {
    const { tag, message } = original;
    const taken = this.#holders.get(tag);
    this.#holders.delete(tag);
    return taken === undefined
      ? [original, this.#groups.get(identityOf(message))]
      : [taken.holder, taken.group];
  }
}

interface Group {
  readonly key: string;
  /** For each return that no ack has paid for: the last tag that it can have been about. */
  readonly debts: number[];
  /** The tags that are open and whose publish was told that it came back, in their order. */
  readonly returned: number[];
}

function leave({ returned }: Group, tag: number): boolean {
  const at = returned.indexOf(tag);
  if (at >= 0) returned.splice(at, 1);
  return at >= 0;
}

/** Whether the broker may send it back. */
export function isReturnable(message: Message): boolean {
  return message.mandatory || message.immediate;
}

/** All that an observer sees of a message: brokers take BCC out. */
export function identityOf({ exchange, routingKey, body, properties }: Message): string {
  return JSON.stringify([exchange, routingKey, body, visible(properties)]);
}

/** Properties and headers that come back, in an order that is always the same. */
export function visible({ headers = {}, ...properties }: BasicProperties): unknown {
  const { BCC: _removed, ...others } = headers;
  const kept = Object.entries(others).filter(([name]) => !name.startsWith("x-"));
  return [Object.entries(properties).sort(byName), kept.sort(byName)];
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
