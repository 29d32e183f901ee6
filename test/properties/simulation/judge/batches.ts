/**
 * publishAll(): what it reads and when it stops, and that its result says of each message what that
 * message was told.
 */
import type { BatchSaying, Entry, Reason } from "../transcript.ts";
import type { Case, Docket, Member } from "./docket.ts";
import type { Windows } from "./windows.ts";

interface Batch {
  readonly number: number;
  readonly member: Member;
  readonly stopOnFailure: boolean;
  readonly signal: number | undefined;
  readonly cases: Case[];
  /** What may have stopped it; undefined in it is a failure. */
  stops: readonly Reason[] | undefined;
  /** The iterable ended, or was told to clean up. */
  source: "open" | "reading" | "done" | "throws" | "given up";
  /** It was given up while it was asked for a message, which may still come. */
  owed: boolean;
  over: boolean;
}

/** Hears of batches. */
export class Batches {
  readonly #docket: Docket;
  readonly #windows: Windows;
  readonly #batches: Batch[] = [];

  constructor(docket: Docket, windows: Windows) {
    this.#docket = docket;
    this.#windows = windows;
  }

  begins(entry: Extract<Entry, { what: "publishes all" }>): void {
    const { batch: number, stopOnFailure, signal } = entry;
    const member = this.#docket.member(entry.member);
    const state = {
      cases: [],
      stops: undefined,
      source: "open",
      owed: false,
      over: false,
    } as const;
    const batch: Batch = { number, member, stopOnFailure, signal, ...state, cases: [] };
    this.#batches[number] = batch;
    this.#look(batch);
  }

  /** The iterable is asked for a message. */
  reads(number: number): void {
    const docket = this.#docket;
    const batch = this.#batch(number);
    if (batch.stops !== undefined) docket.problem(`batch ${number} reads on after its end`);
    if (batch.source !== "open") docket.problem(`batch ${number} reads while ${batch.source}`);
    const obstacle = this.#windows.obstacle(batch.member);
    if (obstacle !== undefined) docket.problem(`batch ${number} reads, but ${obstacle}`);
    batch.source = "reading";
  }

  /** Whether it takes no more messages: what it was about to be given is not sent. */
  isStopped(number: number): boolean {
    return this.#batch(number).stops !== undefined;
  }

  /** It was given a message. */
  published(each: Case): void {
    const batch = this.#batch(each.batch as number);
    const { number, source } = batch;
    if (source === "reading") batch.source = "open";
    else if (source === "given up" && batch.owed) batch.owed = false;
    else this.#docket.problem(`batch ${number} publishes ${each.id} while ${source}`);
    batch.cases.push(each);
  }

  sourceEnds({ batch: number, how }: Extract<Entry, { what: "source ends" }>): void {
    const batch = this.#batch(number);
    if (batch.source === "given up") return; // nobody listens any more
    batch.source = how;
    if (how === "throws") batch.stops ??= ["Error: the source broke"];
  }

  /** The iterable is told to clean up. */
  givesUp(number: number): void {
    const docket = this.#docket;
    const batch = this.#batch(number);
    // What a twin is told, and so whether it failed, is known only when it is told.
    const isOpen = batch.cases.some(({ tangle, said }) => tangle !== undefined && !said);
    if (batch.stops === undefined && isOpen && batch.stopOnFailure) batch.stops = [undefined];
    if (batch.stops === undefined) docket.problem(`batch ${number} gives up for nothing`);
    if (batch.source !== "open" && batch.source !== "reading") {
      docket.problem(`batch ${number} gives up an iterable that is ${batch.source}`);
    }
    batch.owed = batch.source === "reading";
    batch.source = "given up";
  }

  /** Something happened that may have stopped a batch. */
  look(): void {
    for (const batch of this.#batches) this.#look(batch);
  }

  told(entry: Extract<Entry, { what: "batch over" }>): void {
    const docket = this.#docket;
    const batch = this.#batch(entry.batch);
    const { number, cases } = batch;
    if (batch.over) docket.problem(`batch ${number} is over twice`);
    batch.over = true;
    if (!isFinished(batch)) return docket.problem(`batch ${number} is over too early`);
    const failed = cases.filter(({ said }) => said?.ending !== "confirmed");
    const confirmed = cases.length - failed.length;
    if (entry.confirmed !== confirmed || entry.failed !== failed.length) {
      const counts = `${entry.confirmed} confirmed and ${entry.failed} failed`;
      docket.problem(`batch ${number} counts ${counts}, not ${confirmed} and ${failed.length}`);
    }
    this.#checkFailures(number, failed, entry);
    const causes = batch.stops ?? [undefined];
    if (!causes.includes(entry.cause)) {
      docket.problem(`batch ${number} was stopped by ${entry.cause}, not ${causes.join(" or ")}`);
    }
  }

  quiet(bufferedBytes: number): void {
    const docket = this.#docket;
    for (const batch of this.#batches) {
      if (batch.over) continue;
      const { number, source, stops, member } = batch;
      const isOpen = source === "open" || source === "reading";
      if (isFinished(batch)) docket.problem(`batch ${number} should be over`);
      else if (isOpen && stops !== undefined) docket.problem(`batch ${number} does not stop`);
      else if (source === "open" && this.#windows.hasRoom(member, bufferedBytes)) {
        docket.problem(`batch ${number} does not read, and there is room`);
      }
    }
  }

  #batch(number: number): Batch {
    return this.#batches[number] as Batch;
  }

  #look(batch: Batch): void {
    const docket = this.#docket;
    const { member, source, cases, signal, stopOnFailure } = batch;
    if (batch.stops !== undefined || (source !== "open" && source !== "reading")) return;
    const failed = cases.some(({ proven }) => proven !== undefined && proven[0] !== "confirmed");
    const aborted = signal !== undefined && docket.aborted.has(signal);
    const stops = [
      ...(failed && stopOnFailure ? [undefined] : []),
      ...(member.refuses ? docket.refusals(member) : []),
      ...(aborted ? ["AbortError"] : []),
    ];
    if (stops.length > 0) batch.stops = stops;
  }

  #checkFailures(number: number, failed: readonly Case[], { failures }: BatchSaying): void {
    for (const { id, saying } of failures) {
      const said = failed.find((each) => each.id === id)?.said;
      const isSame =
        said?.ending === saying.ending &&
        said.deliveryTag === saying.deliveryTag &&
        said.text === saying.text;
      if (!isSame) this.#docket.problem(`batch ${number} lists ${id} as ${saying.text}`);
    }
    const listed = new Set(failures.map(({ id }) => id));
    if (listed.size !== failed.length) {
      this.#docket.problem(`batch ${number} lists ${listed.size} of ${failed.length} failures`);
    }
  }
}

function isFinished({ source, cases }: Batch): boolean {
  if (source === "open" || source === "reading") return false;
  return cases.every(({ said }) => said !== undefined);
}
