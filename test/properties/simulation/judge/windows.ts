/** The window and the queue of each publisher, and ready(), which waits for room in both. */
import type { Entry, Reason } from "../transcript.ts";
import type { Case, Docket, Member } from "./docket.ts";

interface Ready {
  readonly member: Member;
  readonly signal: number | undefined;
  /** What it may be rejected with, once it must be. */
  rejection: readonly Reason[] | undefined;
  told: boolean;
}

/** Hears what is published and what has room. */
export class Windows {
  readonly #docket: Docket;
  readonly #readies: Map<number, Ready> = new Map();
  /** Since when, in rounds of output, the socket holds too much. */
  #fullIn: number | undefined;

  constructor(docket: Docket) {
    this.#docket = docket;
  }

  socketHolds(bufferedBytes: number): void {
    const isFull = bufferedBytes > SOCKET_LIMIT;
    this.#fullIn = isFull ? (this.#fullIn ?? this.#docket.round) : undefined;
  }

  /** Whether a publish was asked for when the limits of the queue may have been reached. */
  isFull({ cases, opening }: Member, each: Case): boolean {
    const waiting = cases.filter((other) => other !== each && isWaiting(other));
    const octets = waiting.map((other) => Buffer.byteLength(other.message.body));
    const size = octets.reduce((sum, length) => sum + length, Buffer.byteLength(each.message.body));
    return waiting.length >= opening.maxQueued || size > opening.maxQueuedBytes;
  }

  /** A publish of a publisher was written. */
  wrote({ id, member }: Case): void {
    const { life, opening } = member;
    if (life === undefined || opening.kind !== "publisher") return; // basicPublish() cannot wait
    const docket = this.#docket;
    if (life.open.size > opening.maxUnconfirmed) {
      docket.problem(`${life.open.size} publishes are unconfirmed, over maxUnconfirmed`);
    }
    const blockedIn = docket.blockedAt === undefined ? undefined : docket.blockedIn;
    for (const since of [life.pausedIn, blockedIn, this.#fullIn]) {
      if (since !== undefined && docket.round > since + 1) {
        docket.problem(`publish ${id} was written although it had to wait`);
      }
    }
  }

  /** Why a publish cannot go straight out now; undefined where it may. */
  obstacle({ life, cases, opening, refuses }: Member): string | undefined {
    const docket = this.#docket;
    if (refuses) return "nothing more is accepted";
    if (docket.blockedAt !== undefined) return "the connection is blocked";
    if (life === undefined || life.pausedIn !== undefined) return "the channel is paused";
    // What is not written yet lies in the output, where it counts, or in the queue.
    const waiting = cases.filter(isWaiting);
    const most = opening.maxUnconfirmed;
    if (life.open.size + waiting.length >= most) return "the window is full";
    if (this.#fullIn !== undefined) return "the socket is full";
    return waiting.every((each) => this.#mayBeInOutput(each)) ? undefined : "others wait";
  }

  wantsRoom({ ready, member: index, signal }: Extract<Entry, { what: "wants room" }>): void {
    const docket = this.#docket;
    const member = docket.member(index);
    const aborted = signal !== undefined && docket.aborted.has(signal);
    const reasons = [
      ...(member.refuses ? docket.refusals(member) : []),
      ...(aborted ? ["AbortError"] : []),
    ];
    const rejection = reasons.length > 0 ? reasons : undefined;
    this.#readies.set(ready, { member, signal, rejection, told: false });
  }

  aborts(signal: number): void {
    for (const ready of this.#readies.values()) {
      if (ready.signal === signal && !ready.told) ready.rejection ??= ["AbortError"];
    }
  }

  /** ready() resolved or was rejected. */
  toldRoom({ ready: number, reason }: Extract<Entry, { what: "room" }>): void {
    const docket = this.#docket;
    const ready = this.#readies.get(number) as Ready;
    if (ready.told) docket.problem(`ready() ${number} is told twice`);
    ready.told = true;
    if (reason === undefined) {
      const obstacle = this.obstacle(ready.member) ?? ready.rejection?.join(" or ");
      if (obstacle !== undefined) docket.problem(`ready() ${number} resolves, but ${obstacle}`);
      return;
    }
    const allowed = ready.rejection ?? (ready.member.refuses ? docket.refusals(ready.member) : []);
    if (!allowed.includes(reason)) {
      docket.problem(`ready() ${number} is rejected with ${reason}, not ${allowed.join(" or ")}`);
    }
  }

  quiet({ members, bufferedBytes }: Extract<Entry, { what: "quiet" }>): void {
    members.forEach((counts, index) => {
      const member = this.#docket.member(index);
      if (member.opening.kind === "publisher") this.#check(member, counts, bufferedBytes);
    });
    for (const [number, { member, told, rejection }] of this.#readies) {
      if (told) continue;
      if (member.over || rejection !== undefined) {
        this.#docket.problem(`ready() ${number} should be rejected`);
      } else if (this.hasRoom(member, bufferedBytes)) {
        this.#docket.problem(`ready() ${number} waits, and there is room`);
      }
    }
  }

  /** Whether, when nothing is left to do, a publish would go straight out for certain. */
  hasRoom(member: Member, bufferedBytes: number): boolean {
    if (member.refuses || member.cases.some(isWaiting)) return false;
    return !this.#mustWait(member, bufferedBytes);
  }

  #mustWait({ life, opening, over }: Member, bufferedBytes: number): boolean {
    const open = over ? 0 : (life?.open.size ?? 0);
    return (
      this.#docket.blockedAt !== undefined ||
      life?.pausedIn !== undefined ||
      open >= opening.maxUnconfirmed ||
      bufferedBytes > SOCKET_LIMIT / 4
    );
  }

  #check(
    member: Member,
    { queued, unconfirmed }: { readonly queued: number; readonly unconfirmed: number },
    bufferedBytes: number,
  ): void {
    const { index, cases, life, opening, over } = member;
    const waiting = cases.filter(isWaiting).length;
    const open = over ? 0 : (life?.open.size ?? 0);
    const docket = this.#docket;
    if (queued !== waiting) docket.problem(`${index} queued ${queued}, not ${waiting}`);
    if (unconfirmed !== open) docket.problem(`${index} unconfirmed ${unconfirmed}, not ${open}`);
    if (queued > opening.maxQueued) docket.problem(`${queued} are queued, over maxQueued`);
    if (waiting > 0 && !this.#mustWait(member, bufferedBytes)) {
      docket.problem(`${index} has room, and publishes wait`);
    }
  }

  /** What is in the output is written when the turn ends. */
  #mayBeInOutput({ id }: Case): boolean {
    const { written, at, transcript } = this.#docket;
    if (this.#docket.diesThisTurn()) return true;
    const writtenAt = written.publishes.get(id);
    if (writtenAt === undefined) return false;
    const between = transcript.slice(at, writtenAt);
    return between.filter(({ what }) => what === "turn ends").length <= 1;
  }
}

function isWaiting({ tag, proven }: Case): boolean {
  return tag === 0 && proven === undefined;
}

/** Over this many octets in the socket, nothing is written to it any more. */
const SOCKET_LIMIT = 2 * 1_048_576;
