/** What the judge has heard so far: the members, their publishes and channels, and the time. */
import type { Method } from "../../../../src/wire/generated/methods.ts";
import type { CommandStream } from "../frames.ts";
import type { Wording } from "../sentences.ts";
import type { Ending, Entry, Message, Opening, Reason, Saying } from "../transcript.ts";
import type { Written } from "../written.ts";
import type { Tangle } from "./twins.ts";

/** A publish, as far as it has come. */
export interface Case {
  readonly id: number;
  readonly member: Member;
  readonly message: Message;
  readonly signal: number | undefined;
  /** On the clock that stands still while the broker has blocked the connection. */
  readonly due: number | undefined;
  /** The call of publishAll() that read it. */
  readonly batch: number | undefined;
  tag: number;
  /** What it may be told, once it is over; the first is the strongest that is proven. */
  proven: readonly Ending[] | undefined;
  why: string;
  /** It is over for its caller whatever comes: a deadline, a signal, the end of its channel. */
  isEnded: boolean;
  /** Those of its twins that nobody can tell from it. */
  tangle: Tangle | undefined;
  said: Saying | undefined;
  replyCode: number | undefined;
}

/** A publisher or low-level channel. */
export interface Member {
  readonly index: number;
  readonly opening: Opening;
  readonly cases: Case[];
  /** The application has it, and listens. */
  opened: boolean;
  life: Life | undefined;
  /** Accepts nothing more. */
  refuses: boolean;
  over: boolean;
  /** What `closed` may give, once it is over. */
  reasons: readonly Reason[];
  toldClosed: boolean;
  /** When its close() gives up: its own, or that of the connection. */
  closeDue: number | undefined;
  closesItself: boolean;
  closeSignal: number | undefined;
  /** Publishes covered by earlier waits. */
  awaited: number;
  readonly events: string[];
}

/** One life of a channel number, as the client sees it. */
export interface Life {
  readonly channel: number;
  readonly index: number;
  readonly member: Member;
  confirming: boolean;
  /** The publishes by their tag, from 1. */
  readonly written: Case[];
  /** Tags whose confirm has not arrived. */
  readonly open: Set<number>;
  lastReturned: number;
  /** The broker handles in order: what it confirmed or returned has all before it behind it. */
  handledThrough: number;
  /** When, in rounds of output, the broker asked to stop; undefined while it does not. */
  pausedIn: number | undefined;
  /** Methods that wait for their reply, with the number of publishes written before each. */
  readonly calls: { readonly name: Method["name"]; readonly publishesBefore: number }[];
  readonly content: CommandStream;
  /** The client has given up on it: only the closing handshake is left. */
  givenUp: boolean;
  /** An immediate publish was open then: the broker may still refuse it. */
  mayHoldImmediate: boolean;
  /** Our channel.close has been written. */
  saidClose: boolean;
  /** The reply code, and the method to blame, that its channel.close has to give. */
  owesClose: { readonly replyCode: number; readonly cause: Method["name"] | undefined } | undefined;
}

/** The nth life of a channel number and the delivery tag there. */
export interface Place {
  readonly channel: number;
  readonly life: number;
  readonly tag: number;
}

/** The state of a trial. */
export class Docket {
  readonly transcript: readonly Entry[];
  readonly written: Written;
  readonly wording: Wording;
  readonly problems: string[];
  readonly members: Member[] = [];
  readonly cases: Case[] = [];
  /** The channels that are in use, by their numbers. */
  readonly lives: Map<number, Life> = new Map();
  readonly places: Map<number, Place> = new Map();
  /** Publishes whose basic.ack has arrived, and its entry. */
  readonly acked: Map<number, number> = new Map();
  readonly aborted: Set<number> = new Set();
  readonly #livesCount: Map<number, number> = new Map();
  isDead = false;
  /** What `closed` of the connection may give, once it is dead. */
  reasons: readonly Reason[] = [];
  /** When the application's close() gives up. */
  closeDue: number | undefined;
  at = 0;
  now = 0;
  /** Rounds of output: what was encoded in one is written in the next. */
  round = 0;
  blockedAt: number | undefined;
  blockedIn = 0;
  #blockedFor = 0;

  constructor(transcript: readonly Entry[], written: Written, wording: Wording) {
    this.transcript = transcript;
    this.written = written;
    this.wording = wording;
    this.problems = [...written.problems];
  }

  problem(text: string): void {
    this.problems.push(`entry ${this.at}: ${text}`);
  }

  member(index: number): Member {
    return this.members[index] as Member;
  }

  case(id: number): Case {
    return this.cases[id] as Case;
  }

  /** How many lives the channel number has had before this one. */
  countLife(channel: number): number {
    const count = this.#livesCount.get(channel) ?? 0;
    this.#livesCount.set(channel, count + 1);
    return count;
  }

  /** Whether the application's connection.close has been sent, or is about to be. */
  get saysGoodbye(): boolean {
    return this.written.closeCode === 200;
  }

  /** Whether the member's own channel.close has been sent, or is about to be. */
  saysClose(member: Member): boolean {
    if (this.written.closes.has(member.index)) return true;
    // It may lie in the output of a connection that ends before it is written. Where what came then
    // was no answer to it, the client has said so, with the code for an answer to nothing.
    const complains = this.written.closeCode === COMMAND_INVALID;
    return member.closeDue !== undefined && !complains && this.diesThisTurn();
  }

  // ----- time -----

  /** The clock that stands still while the broker has blocked the connection. */
  get activeTime(): number {
    return (this.blockedAt ?? this.now) - this.#blockedFor;
  }

  block(): void {
    if (this.blockedAt === undefined) this.blockedIn = this.round;
    this.blockedAt ??= this.now;
  }

  unblock(): void {
    if (this.blockedAt !== undefined) this.#blockedFor += this.now - this.blockedAt;
    this.blockedAt = undefined;
  }

  // ----- how a publish is over -----

  /**
   * A publish is over now. What was not written never will be (`unsent`), unless it lies in the
   * output already: then it is what `ifInOutput` says.
   */
  end(each: Case, why: string, ifWritten: Ending, ifInOutput: Ending): void {
    if (each.proven !== undefined) return;
    each.isEnded = true;
    if (each.tag > 0) return this.prove(each, why, ifWritten);
    if (this.written.publishes.has(each.id)) return this.prove(each, why, ifInOutput);
    // Where the connection ends within this turn, nobody can say what lay in the output.
    if (this.diesThisTurn()) this.prove(each, why, "unsent", ifInOutput);
    else this.prove(each, why, "unsent");
  }

  prove(each: Case, why: string, ...endings: readonly Ending[]): void {
    if (each.proven !== undefined) return;
    each.proven = endings;
    each.why = why;
  }

  diesThisTurn(): boolean {
    for (let at = this.at; at < this.transcript.length; at++) {
      const { what } = this.transcript[at] as Entry;
      if (what === "turn ends") return false;
      if (what === "ended" || what === "destroyed" || what === "stream closed") return true;
    }
    return true;
  }

  /** Nothing more is said of what this member published; `closed` gives one of the reasons. */
  over(member: Member, reasons: readonly Reason[]): void {
    if (member.over) return;
    member.refuses = true;
    member.over = true;
    member.reasons = reasons;
    member.life?.open.clear();
  }

  /** Why a call is rejected that comes when the member accepts nothing more. */
  refusals(member: Member): readonly Reason[] {
    const reasons = member.over ? asRejections(member.reasons) : [];
    return member.closeDue === undefined ? reasons : [...reasons, ...CLOSED_BY_US];
  }
}

/** What a promise is rejected with where `closed` gives one of these. */
export function asRejections(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.flatMap((reason) => (reason === undefined ? CLOSED_BY_US : [reason]));
}

/** What a call says after our own close. */
const CLOSED_BY_US: readonly Reason[] = ["ChannelClosedError 200", "ConnectionClosedError 200"];

const COMMAND_INVALID = 503;
