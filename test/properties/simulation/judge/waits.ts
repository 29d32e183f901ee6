/** waitForConfirms(): what it waits for, and what it says of each publish. */
import { type BatchSaying, confirmedWith, type Entry, type Saying } from "../transcript.ts";
import type { Case, Docket, Member } from "./docket.ts";
import type { Words } from "./words.ts";

interface Wait {
  /** What it tells of: the publishes since the wait before. It waits for all up to `last`. */
  readonly cases: readonly Case[];
  readonly last: number;
  readonly member: Member;
  done: boolean;
}

/** Hears of waits. */
export class Waits {
  readonly #docket: Docket;
  readonly #words: Words;
  readonly #waits: Map<number, Wait> = new Map();

  constructor(docket: Docket, words: Words) {
    this.#docket = docket;
    this.#words = words;
  }

  begins(wait: number, member: Member): void {
    const cases = member.cases.slice(member.awaited);
    const last = member.cases.length;
    member.awaited = last;
    this.#waits.set(wait, { cases, member, last, done: false });
  }

  told(entry: Extract<Entry, { what: "waited" }>): void {
    const wait = this.#waits.get(entry.wait) as Wait;
    wait.done = true;
    const list = new Failures(entry);
    const counted = wait.cases.filter((each) => this.#tell(each, wait.member, list));
    if (list.size > 0) this.#docket.problem("a wait lists what it does not concern");
    const { confirmed, failed } = entry;
    if (failed !== entry.failures.length) this.#docket.problem(`a wait counts ${failed} failures`);
    const count = counted.length - entry.failures.length;
    if (confirmed !== undefined && confirmed !== count) {
      this.#docket.problem(`a wait counts ${confirmed} confirmed, not ${count}`);
    }
  }

  quiet(): void {
    for (const { member, last, done } of this.#waits.values()) {
      const over = member.cases.slice(0, last).every(({ proven }) => proven !== undefined);
      if (over && !done) this.#docket.problem("a wait should be over");
    }
  }

  /** Checks what a wait says of a publish; whether it counts. */
  #tell(each: Case, member: Member, list: Failures): boolean {
    if (member.opening.kind === "channel") {
      // This is all that is ever said of it.
      const place = member.cases.indexOf(each) + 1;
      const tag = each.tag === 0 ? place : each.tag;
      this.#words.said(each, list.take(tag) ?? confirmedWith(each.tag));
      return true;
    }
    const { said, id } = each;
    if (said?.ending === "usage") return false;
    const listed = said === undefined ? undefined : list.take(said.deliveryTag, said);
    if (said === undefined) this.#docket.problem(`a wait is over before publish ${id}`);
    else if ((listed === undefined) !== (said.ending === "confirmed")) {
      this.#docket.problem(`a wait does not list publish ${id} as it was told`);
    }
    return true;
  }
}

/** The failures of a wait that have not been looked at; those that were never sent have tag 0. */
class Failures {
  readonly #left: Saying[];

  constructor({ failures }: BatchSaying) {
    this.#left = failures.map(({ saying }) => saying);
  }

  get size(): number {
    return this.#left.length;
  }

  /** Takes the failure of a tag, or of those the one like this. */
  take(tag: number, like?: Saying): Saying | undefined {
    const at = this.#left.findIndex(
      (saying) => saying.deliveryTag === tag && (like === undefined || isSame(saying, like)),
    );
    return at < 0 ? undefined : this.#left.splice(at, 1)[0];
  }
}

function isSame(a: Saying, b: Saying): boolean {
  return a.ending === b.ending && a.text === b.text;
}
