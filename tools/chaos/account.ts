/**
 * The account of a run: what the client said of each publish, set against what was found in the
 * queues and seen on the wire. It knows neither client nor broker, so that a test can tell it lies
 * and see that it notices each.
 *
 * | the client says | then the message |
 * |---|---|
 * | confirmed | is in every queue that its route leads to, unless it may be dropped |
 * | unsent | is in no queue, and not an octet of it was seen on the wire |
 * | unprocessed, refused, returned | is in no queue |
 * | nacked, unknown | may be anywhere |
 *
 * And each publish is told one ending, a possible one; nothing is in a queue twice, for nothing is
 * sent again; and where nothing was in the way of an answer, that is what it ends with.
 */
import type { PublishOutcome } from "../../src/index.ts";
import { type Answer, bodyOf, type Letter, nameOf } from "./letter.ts";

/** How a publish ended. */
export type Ending = "confirmed" | PublishOutcome;

/** All endings, the best first. */
export const ENDINGS: readonly Ending[] = [
  ...(["confirmed", "returned", "nacked", "refused"] as const),
  ...(["unprocessed", "unsent", "unknown"] as const),
];

/** Something that must not be, and the messages that it happened to. */
export interface Violation {
  readonly rule: string;
  readonly names: readonly string[];
}

/** The account at its end. */
export interface Balance {
  readonly published: number;
  readonly endings: Readonly<Record<Ending, number>>;
  /** Messages that were in a queue. */
  readonly found: number;
  /** Of those that ended `unknown`: how many were in a queue, and how many never reached the proxy. */
  readonly unknownFound: number;
  readonly unknownOffWire: number;
  /** How many of them by the name of the error that was their cause. */
  readonly unknownBy: ReadonlyMap<string, number>;
  readonly duplicates: number;
  readonly unsettled: number;
  readonly violations: readonly Violation[];
}

/** What an account needs to know of a letter. */
export type Posted = Pick<Letter, "id" | "route" | "due"> & { readonly bodySize: number };

/** The books of one run. */
export class Account {
  readonly #entries: Map<number, Entry> = new Map();
  readonly #counts: Map<Ending, number> = new Map();
  readonly #causes: Map<string, number> = new Map();
  readonly #violations: Map<string, string[]> = new Map();
  #nextId = 1;
  #pending = 0;
  #duplicates = 0;

  /** A number for the next message. */
  newId(): number {
    return this.#nextId++;
  }

  /** How many were published. */
  get published(): number {
    return this.#entries.size;
  }

  /** How many of them have not ended. */
  get pending(): number {
    return this.#pending;
  }

  /** How many have ended this way. */
  count(ending: Ending): number {
    return this.#counts.get(ending) ?? 0;
  }

  /** How a message ended; undefined where it has not. */
  endingOf(id: number): Ending | undefined {
    return this.#entries.get(id)?.ending;
  }

  /** A message is about to be published. */
  post({ id, route, due, bodySize }: Posted): void {
    this.#entries.set(id, {
      ...{ id, route, due, bodySize },
      ending: undefined,
      foundIn: new Set(),
      onWire: false,
    });
    this.#pending++;
  }

  /** The client said how a message ended. */
  settle(id: number, ending: Ending, cause = "no cause"): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.ending !== undefined) {
      this.violation("told twice, or of a message that nobody published", nameOf(id));
      return;
    }
    entry.ending = ending;
    this.#counts.set(ending, this.count(ending) + 1);
    if (ending === "unknown") this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + 1);
    this.#pending--;
  }

  /** A message was not published after all. Returns whether that can be: it has no ending. */
  withdraw(id: number): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.ending !== undefined) return false;
    if (entry.onWire) this.violation("seen on the wire, and not published", nameOf(id));
    this.#entries.delete(id);
    this.#pending--;
    return true;
  }

  /** The names of those that have not ended. */
  pendingNames(): string[] {
    return [...this.#entries.values()]
      .filter(({ ending }) => ending === undefined)
      .map(({ id }) => nameOf(id));
  }

  /** The message's octets came out of the client's socket. */
  seenOnWire(id: number): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.onWire = true;
  }

  /** A message was in a queue. */
  found(queue: string, id: number | undefined, body: Uint8Array): void {
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (entry === undefined) {
      this.violation("found, and published by nobody", `${body.length} octets in ${queue}`);
      return;
    }
    const name = nameOf(entry.id);
    if (!entry.route.queues.includes(queue)) {
      this.violation("found in a queue that it was not sent to", `${name} in ${queue}`);
    }
    if (entry.foundIn.has(queue)) {
      this.#duplicates++;
      this.violation("found twice in a queue, and sent once", `${name} in ${queue}`);
    }
    if (!bodyOf(entry.id, entry.bodySize).every((octet, at) => octet === body[at])) {
      this.violation("found damaged", name);
    } else if (body.length !== entry.bodySize) {
      this.violation("found damaged", `${name}: ${body.length} octets of ${entry.bodySize}`);
    }
    entry.foundIn.add(queue);
  }

  /** Something else went wrong that must not. */
  violation(rule: string, name: string): void {
    const names = this.#violations.get(rule);
    if (names === undefined) this.#violations.set(rule, [name]);
    else names.push(name);
  }

  /** Closes the books. */
  balance(): Balance {
    const entries = [...this.#entries.values()];
    const unknown = entries.filter(({ ending }) => ending === "unknown");
    const broken = RULES.flatMap(({ rule, isBroken }) => {
      const names = entries.filter(isBroken).map(({ id }) => nameOf(id));
      return names.length === 0 ? [] : [{ rule, names }];
    });
    const noted = [...this.#violations].map(([rule, names]) => ({ rule, names }));
    return {
      published: entries.length,
      endings: Object.fromEntries(ENDINGS.map((ending) => [ending, this.count(ending)])) as Record<
        Ending,
        number
      >,
      found: entries.filter(isFound).length,
      unknownFound: unknown.filter(isFound).length,
      unknownOffWire: unknown.filter(({ onWire }) => !onWire).length,
      unknownBy: this.#causes,
      duplicates: this.#duplicates,
      unsettled: this.#pending,
      violations: [...broken, ...noted],
    };
  }
}

interface Entry extends Posted {
  ending: Ending | undefined;
  readonly foundIn: Set<string>;
  onWire: boolean;
}

interface Rule {
  readonly rule: string;
  readonly isBroken: (entry: Entry) => boolean;
}

const RULES: readonly Rule[] = [
  { rule: "never settled", isBroken: ({ ending }) => ending === undefined },
  {
    rule: "confirmed, and missing",
    isBroken: ({ ending, route, foundIn }) =>
      ending === "confirmed" &&
      route.mayBeDropped !== true &&
      route.queues.some((queue) => !foundIn.has(queue)),
  },
  {
    rule: "answered, as no broker answers it",
    isBroken: ({ ending, route }) => isAnswer(ending) && !route.answers.includes(ending),
  },
  ...(["unsent", "unprocessed", "refused", "returned"] as const).map((outcome) => ({
    rule: `found, and reported ${outcome}`,
    isBroken: (entry: Entry) => entry.ending === outcome && isFound(entry),
  })),
  {
    rule: "seen on the wire, and reported unsent",
    isBroken: ({ ending, onWire }) => ending === "unsent" && onWire,
  },
  {
    rule: "not answered, and nothing was in its way",
    isBroken: ({ ending, due }) => due === "answer" && !isAnswer(ending),
  },
  {
    rule: "unknown, and could be known",
    isBroken: ({ ending, due }) => due === "certainty" && ending === "unknown",
  },
];

function isAnswer(ending: Ending | undefined): ending is Answer {
  return (
    ending === "confirmed" || ending === "returned" || ending === "nacked" || ending === "refused"
  );
}

function isFound({ foundIn }: Entry): boolean {
  return foundIn.size > 0;
}
