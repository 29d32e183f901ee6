/** What the application asks: members that are opened, and publishes. */
import type { Ending, Entry } from "../transcript.ts";
import type { Case, Docket } from "./docket.ts";
import type { Windows } from "./windows.ts";

/** Hears what is asked. */
export class Requests {
  readonly #docket: Docket;
  readonly #windows: Windows;

  constructor(docket: Docket, windows: Windows) {
    this.#docket = docket;
    this.#windows = windows;
  }

  opens({ member: index, opening }: Extract<Entry, { what: "opens" }>): void {
    const { isDead, reasons, closeDue } = this.#docket;
    this.#docket.members[index] = {
      ...{ index, opening, cases: [], opened: false, life: undefined, refuses: isDead },
      ...{ over: isDead, reasons, toldClosed: false, closeDue, closesItself: false },
      ...{ closeSignal: undefined, awaited: 0, events: [] },
    };
  }

  /** Gives the publish; one that is over already, or comes too `late` for its batch, is proven. */
  publishes(entry: Extract<Entry, { what: "publishes" }>, late: boolean): Case {
    const docket = this.#docket;
    const { id, message, timeoutMs, signal, batch } = entry;
    const member = docket.member(entry.member);
    const due = timeoutMs === undefined ? undefined : docket.activeTime + timeoutMs;
    const each: Case = {
      ...{ id, member, message, signal, due, batch, tag: 0, proven: undefined, why: "" },
      ...{ isEnded: false, tangle: undefined, said: undefined, replyCode: undefined },
    };
    docket.cases[id] = each;
    if (member.opening.kind === "channel") return each; // what it returns or throws comes next
    if (!late) member.cases.push(each); // the publisher never hears of one that is late
    const aborted = signal !== undefined && docket.aborted.has(signal);
    if (member.refuses || docket.isDead || aborted || late) {
      if (message.bad) docket.prove(each, "it was refused", "unsent", "usage");
      else docket.prove(each, "it was refused", "unsent");
    } else if (message.bad) {
      docket.prove(each, "it cannot be encoded", "usage");
    } else if (this.#windows.isFull(member, each)) {
      // The queue may be full: what this member has asked for and not written yet may also lie in
      // the output. How it was answered tells, and later it is seen whether too many wait.
      if (this.#saysAtOnce(id) === "unsent") docket.prove(each, "the queue is full", "unsent");
    }
    return each;
  }

  aborts(signal: number): void {
    const docket = this.#docket;
    docket.aborted.add(signal);
    for (const each of docket.cases) {
      if (each.signal === signal && each.member.opening.kind === "publisher") {
        docket.end(each, "its signal", "unknown", "unknown");
      }
    }
  }

  /** What the client says of a publish before anything else happens. */
  #saysAtOnce(id: number): Ending | undefined {
    const { transcript, at } = this.#docket;
    for (let next = at + 1; next < transcript.length; next++) {
      const entry = transcript[next] as Entry;
      if (entry.what === "said" && entry.id === id) return entry.saying.ending;
      if (!AT_ONCE.has(entry.what)) return undefined;
    }
    return undefined;
  }
}

/** What can come between a publish and its answer where that comes at once. */
const AT_ONCE: ReadonlySet<Entry["what"]> = new Set([
  ...(["said", "publishes", "reads", "source ends", "gives up", "room", "batch over"] as const),
]);
