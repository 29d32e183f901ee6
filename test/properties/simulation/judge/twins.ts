/**
 * Messages that are identical to any observer, so that nobody can say which of them came back. Of
 * those that were open then, the lowest is told `returned`; but the ack of any other may be that of
 * the message which came back. So they are tangled: what is proven of them is how many the broker
 * has, and not which.
 */
import type { Ending, Message } from "../transcript.ts";
import type { Case } from "./docket.ts";

/** Identical messages of one channel, once one of them came back, with those that were open then. */
export class Tangle {
  readonly members: Set<Case> = new Set();
  /** Those that were told `returned`. */
  readonly #cameBack: Set<Case> = new Set();
  /** The tags that each return can have been about. */
  readonly #returns: ReadonlySet<number>[] = [];
  /** The same, as wide as a client may take it: all that were open. */
  readonly #wideReturns: ReadonlySet<number>[] = [];
  /** Tags that a return can have been about which nobody was told of. */
  readonly #doubtful: Set<number> = new Set();
  readonly #acked: number[] = [];
  /** Nacks of tags whose publish was told that it came back: whoever waits there is told. */
  #freeNacks = 0;
  readonly #told: Map<Ending, number> = new Map();

  /** One came back: one of `candidates`, or, as far as a client may know, one of all `open` ones. */
  cameBack(candidates: readonly Case[], open: readonly Case[]): void {
    this.#returns.push(tagsOf(candidates));
    this.#wideReturns.push(tagsOf(open));
    this.#cameBack.add(candidates[0] as Case);
    this.#add(open);
  }

  /** One came back, or another message that only looks the same then: nobody is told. */
  mayHaveComeBack(candidates: readonly Case[], open: readonly Case[]): void {
    this.#returns.push(tagsOf(candidates));
    for (const { tag } of candidates) this.#doubtful.add(tag);
    this.#add(open);
  }

  acked({ tag }: Case): void {
    this.#acked.push(tag);
  }

  /** Whether the nack is known to be that of this publish. */
  nacked(each: Case): boolean {
    const cameBack = this.#cameBack.has(each);
    if (cameBack) this.#freeNacks++;
    return !cameBack;
  }

  /** Whether one of them may be told this now, whose own end is not proven; it counts as told. */
  allows(ending: Ending, isAcked: boolean): boolean {
    const told = this.#told.get(ending) ?? 0;
    const may =
      (ending === "confirmed" && isAcked && told < this.#most) ||
      (ending === "nacked" && told < this.#freeNacks) ||
      (ending === "unknown" && isAcked && told < this.#freeNacks + this.#doubtfulAcks);
    if (may) this.#told.set(ending, told + 1);
    return may;
  }

  /** How many should have been told `confirmed` and were not. */
  get missing(): number {
    const members = [...this.members];
    const isOpen = members.some(({ said, member }) => !said && member.opening.kind === "channel");
    if (isOpen) return 0; // only waitForConfirms() tells of them
    const confirmed = members.filter(({ said }) => said?.ending === "confirmed").length;
    const ended = members.filter(({ said, isEnded }) => isEnded && said?.ending !== "confirmed");
    return Math.max(0, this.#least - confirmed - ended.length);
  }

  /** How many of them the broker has at least. */
  get #most(): number {
    return this.#acked.length - countMatches(this.#returns, this.#acked);
  }

  /** How many a client has to know of: it may take more acks for those of what came back. */
  get #least(): number {
    const clear = this.#acked.filter((tag) => !this.#doubtful.has(tag));
    return clear.length - countMatches(this.#wideReturns, clear) - this.#freeNacks;
  }

  get #doubtfulAcks(): number {
    return this.#acked.filter((tag) => this.#doubtful.has(tag)).length;
  }

  #add(open: readonly Case[]): void {
    for (const each of open) {
      this.members.add(each);
      each.tangle = this;
    }
  }
}

function tagsOf(cases: readonly Case[]): ReadonlySet<number> {
  return new Set(cases.map(({ tag }) => tag));
}

/** How many acks can be those of messages that came back: a matching as large as there is. */
function countMatches(returns: readonly ReadonlySet<number>[], acked: readonly number[]): number {
  const ackOf: (number | undefined)[] = returns.map(() => undefined);
  const place = (tag: number, tried: Set<number>): boolean =>
    returns.some((tags, i) => {
      if (!tags.has(tag) || tried.has(i)) return false;
      tried.add(i);
      const other = ackOf[i];
      if (other !== undefined && !place(other, tried)) return false;
      ackOf[i] = tag;
      return true;
    });
  return acked.filter((tag) => place(tag, new Set())).length;
}

/** Whether the broker may send it back. */
export function isReturnable(message: Message): boolean {
  return message.mandatory || message.immediate;
}

/** What makes messages twins: all that a broker looks at. */
export function identityOf(message: Message): string {
  const { BCC } = message.properties.headers ?? {};
  return `${lookOf(message)} ${JSON.stringify(BCC)}`;
}

/** All that is seen of a message when it comes back: brokers take BCC out and add headers. */
export function lookOf({
  exchange,
  routingKey,
  body,
  properties: { headers = {}, ...properties },
}: Pick<Message, "exchange" | "routingKey" | "body" | "properties">): string {
  const { BCC: _removed, ...others } = headers;
  const kept = Object.entries(others).filter(([name]) => !name.startsWith("x-"));
  const seen = [Object.entries(properties).sort(byName), kept.sort(byName)];
  return JSON.stringify([exchange, routingKey, body, seen]);
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
