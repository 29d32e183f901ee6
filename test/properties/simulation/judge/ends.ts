/**
 * How channels and the connection end: closed by either side, given up, lost, or because the broker
 * broke a rule; and what that proves of the publishes that are open.
 */

import { METHODS } from "../../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../../src/wire/generated/methods.ts";
import type { BrokenRule } from "../frames.ts";
import { isAbout } from "../sentences.ts";
import type { Entry, Reason } from "../transcript.ts";
import type { Case, Docket, Life, Member } from "./docket.ts";

type Told<N extends Method["name"]> = Extract<Method, { name: N }>;

/** Hears of every end. */
export class Ends {
  readonly #docket: Docket;
  #toldClosed = false;
  /** The reply code that our connection.close has to give. */
  #owesClose: number | undefined;

  constructor(docket: Docket) {
    this.#docket = docket;
  }

  // ----- the application -----

  closesMember({
    member: index,
    timeoutMs,
    signal,
  }: Extract<Entry, { what: "closes member" }>): void {
    const docket = this.#docket;
    const member = docket.member(index);
    if (member.closeDue !== undefined) return;
    member.refuses = true;
    member.closesItself = true;
    member.closeDue = docket.now + timeoutMs;
    member.closeSignal = signal;
    if (signal !== undefined && docket.aborted.has(signal)) this.#abort(member);
  }

  closesConnection(timeoutMs: number): void {
    const docket = this.#docket;
    docket.closeDue ??= docket.now + timeoutMs;
    for (const member of docket.members) {
      member.refuses = true;
      member.closeDue ??= docket.closeDue;
    }
  }

  destroys(): void {
    this.die("destroy()", ["ConnectionLostError"]);
  }

  aborts(signal: number): void {
    for (const member of this.#docket.members) {
      if (member.closeSignal === signal) this.#abort(member);
    }
  }

  /** The deadlines of close() that have passed, the earliest first. */
  expire(): void {
    const docket = this.#docket;
    const { now, closeDue = Number.POSITIVE_INFINITY } = docket;
    // When the program was late, the heartbeats may have come first.
    const lost = docket.diesThisTurn() ? ["ConnectionLostError"] : [];
    for (const member of docket.members) {
      if (!member.closesItself || member.closeDue === undefined) continue;
      if (member.closeDue > now || member.closeDue > closeDue) continue;
      this.#abandon(member, "the deadline of close()", ["TimeoutError", ...lost]);
    }
    if (closeDue <= now) {
      this.die("the deadline of the connection's close()", ["ConnectionLostError"]);
    }
  }

  #abort(member: Member): void {
    this.#abandon(member, "the signal of close()", ["AbortError"]);
  }

  /** close() gave up waiting. */
  #abandon(member: Member, why: string, reasons: readonly Reason[]): void {
    const docket = this.#docket;
    if (member.over) return;
    if (member.life !== undefined) giveUp(member.life);
    docket.over(member, reasons);
    for (const each of member.cases) docket.end(each, why, "unknown", "unknown");
  }

  // ----- the broker -----

  /** channel.close of the broker. */
  channelClosed(life: Life, close: Told<"channel.close">): void {
    const docket = this.#docket;
    const { member } = life;
    // Where both have closed, the number is free with the broker's close-ok.
    if (!life.givenUp && !docket.saysClose(member)) {
      docket.lives.delete(life.channel);
    }
    life.givenUp = true;
    life.mayHoldImmediate = false; // the broker drops what is left
    if (member.over) return;
    const why = `channel.close ${close.replyCode}`;
    const [blamed, lastLookedAt] = this.#blame(life, close);
    docket.over(member, [`ChannelClosedError ${close.replyCode}`]);
    for (const each of member.cases) {
      each.replyCode ??= close.replyCode;
      if (each.tag > 0 && each.tag === blamed) docket.prove(each, why, "refused");
      const lookedAt = each.tag <= lastLookedAt || docket.acked.has(each.id);
      docket.end(each, why, lookedAt ? "unknown" : "unprocessed", "unprocessed");
    }
  }

  /** channel.close-ok of the broker. */
  channelCloseOk(life: Life): void {
    const docket = this.#docket;
    const { member } = life;
    docket.lives.delete(life.channel);
    docket.over(member, [undefined]);
    for (const each of member.cases) docket.end(each, "our close", "unknown", "unknown");
  }

  /** The tag that was refused, or 0; and the last one that the broker can have looked at. */
  #blame(life: Life, close: Told<"channel.close">): [number, number] {
    const { wording } = this.#docket;
    const { classId, methodId, replyCode, replyText } = close;
    const cause = Object.entries(METHODS).find(
      ([, ids]) => ids.classId === classId && ids.methodId === methodId,
    )?.[0];
    if (cause === "basic.publish") {
      const suspects = unhandled(life).filter((tag) =>
        isAbout(replyCode, replyText, (life.written[tag - 1] as Case).message, wording),
      );
      if (suspects.length === 0) return [0, Number.POSITIVE_INFINITY];
      const last = Math.max(...suspects);
      return [suspects.length === 1 ? last : 0, last];
    }
    const call = life.calls[0];
    if (call !== undefined && call.name === cause) return [0, call.publishesBefore];
    return [0, Number.POSITIVE_INFINITY];
  }

  /** connection.close of the broker. */
  connectionClosed(close: Told<"connection.close">): void {
    const docket = this.#docket;
    const { classId, methodId, replyCode } = close;
    if (docket.saysGoodbye) return; // it is the broker's close-ok that ends it
    const publish = METHODS["basic.publish"];
    if (replyCode === 540 && classId === publish.classId && methodId === publish.methodId) {
      const lives = [...docket.lives.values()];
      const suspects = lives.flatMap((life) => immediates(life).map((tag) => ({ life, tag })));
      const hidden = lives.some(({ mayHoldImmediate }) => mayHoldImmediate);
      const culprit = suspects.length === 1 && !hidden ? suspects[0] : undefined;
      for (const each of culprit?.life.written ?? []) {
        const tag = culprit?.tag ?? 0;
        each.replyCode ??= replyCode;
        if (each.tag === tag) docket.prove(each, "connection.close 540", "refused");
        if (each.tag > tag) docket.prove(each, "connection.close 540", "unprocessed");
      }
    }
    this.die(`connection.close ${replyCode}`, [`ConnectionClosedError ${replyCode}`]);
  }

  handshakeFailed(reason: Reason): void {
    if (reason !== "ConnectionLostError") this.#docket.problem(`connecting failed with ${reason}`);
    this.die("the handshake failed", [reason]);
  }

  connectionCloseOk(): void {
    this.die("our connection.close", [undefined]);
  }

  /** The broker broke a rule that concerns one channel. */
  breaksChannel(life: Life, replyCode: number, cause: Method["name"] | undefined): void {
    const docket = this.#docket;
    const { member } = life;
    giveUp(life);
    if (!life.saidClose) life.owesClose = { replyCode, cause };
    docket.over(member, [`ProtocolError ${replyCode}`]);
    for (const each of member.cases) docket.end(each, "a broken rule", "unknown", "unknown");
  }

  /** The broker broke a rule that concerns all. */
  breaksConnection({ replyCode, message }: BrokenRule): void {
    if (!this.#docket.saysGoodbye) this.#owesClose = replyCode;
    this.die(`a broken rule, ${message}`, [`ProtocolError ${replyCode}`]);
  }

  // ----- the network -----

  /** The stream ended; after our own connection.close that is as good as a close-ok. */
  streamClosed(): void {
    const { saysGoodbye, closeDue, members } = this.#docket;
    const idle = members.every(({ over, opened }) => over || !opened);
    const maybe = closeDue !== undefined && idle ? [undefined] : [];
    this.die("the stream ended", saysGoodbye ? [undefined] : ["ConnectionLostError", ...maybe]);
  }

  /** The connection is over: nothing more is written or said. */
  die(why: string, reasons: readonly Reason[]): void {
    const docket = this.#docket;
    if (docket.isDead) return;
    docket.isDead = true;
    docket.reasons = reasons;
    for (const member of docket.members) {
      for (const each of member.cases) {
        // What was to run soon may run before the timer that ends it.
        const isWritten = each.tag > 0 || docket.written.publishes.has(each.id);
        if (each.proven === undefined) each.isEnded = true;
        docket.prove(each, why, isWritten ? "unknown" : "unsent");
      }
      docket.over(member, reasons);
    }
  }

  // ----- what the client says and writes -----

  /** The client's own close methods give the reason that they are sent for. */
  wrote(method: Method, member: Member | undefined): void {
    const docket = this.#docket;
    if (method.name === "connection.close") {
      const expected = this.#owesClose ?? 200;
      this.#owesClose = undefined;
      if (method.replyCode !== expected) {
        docket.problem(`connection.close says ${method.replyCode}, not ${expected}`);
      }
    }
    if (method.name === "channel.close" && member?.life !== undefined) {
      this.#wroteChannelClose(member, member.life, method);
    }
  }

  #wroteChannelClose(member: Member, life: Life, close: Told<"channel.close">): void {
    const { owesClose } = life;
    life.owesClose = undefined;
    life.saidClose = true;
    const { replyCode, classId, methodId } = close;
    if (replyCode === 200 && (owesClose === undefined || member.closeDue !== undefined)) return;
    const ids = owesClose?.cause === undefined ? NO_METHOD : METHODS[owesClose.cause];
    const isOwed = owesClose?.replyCode === replyCode && ids.classId === classId;
    if (isOwed && ids.methodId === methodId) return;
    const { replyCode: owed = 200, cause } = owesClose ?? {};
    const said = `${replyCode} because of ${classId} ${methodId}`;
    this.#docket.problem(`channel.close says ${said}, not ${owed} because of ${cause}`);
  }

  toldMemberClosed(member: Member, reason: Reason): void {
    const docket = this.#docket;
    if (member.toldClosed) docket.problem(`closed of ${member.index} is told twice`);
    member.toldClosed = true;
    if (!member.over) return docket.problem(`closed of ${member.index} gives ${reason} too early`);
    if (member.reasons.includes(reason)) return;
    const allowed = member.reasons.join(" or ");
    docket.problem(`closed of ${member.index} gives ${reason}, not ${allowed}`);
  }

  toldConnectionClosed(reason: Reason): void {
    const docket = this.#docket;
    if (this.#toldClosed) docket.problem("closed of the connection is told twice");
    this.#toldClosed = true;
    if (!docket.isDead) return docket.problem(`closed of the connection gives ${reason} too early`);
    if (docket.reasons.includes(reason)) return;
    docket.problem(`closed of the connection gives ${reason}, not ${docket.reasons.join(" or ")}`);
  }

  toldOpeningFailed(member: Member, reason: Reason): void {
    const docket = this.#docket;
    // All channels are in use, or close() was called.
    const allowed = ["UsageError", ...docket.refusals(member)];
    if (!allowed.includes(reason)) {
      docket.problem(`the opening of ${member.index} failed with ${reason}, not ${allowed}`);
    }
  }

  quiet(): void {
    const docket = this.#docket;
    for (const { index, opened, over, toldClosed, life } of docket.members) {
      if (opened && over && !toldClosed) docket.problem(`closed of ${index} is not told`);
      if (life?.owesClose !== undefined && !docket.isDead) {
        docket.problem(`the broker is not told that it broke a rule on ${life.channel}`);
      }
    }
    if (docket.isDead && !this.#toldClosed && docket.members.length > 0) {
      docket.problem("closed of the connection is not told");
    }
    if (this.#owesClose !== undefined)
      docket.problem("the broker is not told that it broke a rule");
    this.#owesClose = undefined;
  }
}

/** Nothing more is heard of the publishes of a channel. */
function giveUp(life: Life): void {
  life.givenUp = true;
  life.mayHoldImmediate = immediates(life).length > 0;
}

/** The immediate publishes that the broker may be at. */
function immediates(life: Life): number[] {
  return unhandled(life).filter((tag) => (life.written[tag - 1] as Case).message.immediate);
}

/** The tags that the broker may be at. */
function unhandled({ open, handledThrough }: Life): number[] {
  return [...open].filter((tag) => tag > handledThrough);
}

const NO_METHOD = { classId: 0, methodId: 0 } as const;
