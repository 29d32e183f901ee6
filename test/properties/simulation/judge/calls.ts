/** Methods with a reply: each is answered when its reply comes, or when none can come any more. */
import type { Method } from "../../../../src/wire/generated/methods.ts";
import type { Entry, Reason } from "../transcript.ts";
import { asRejections, type Docket, type Member } from "./docket.ts";

interface Call {
  readonly name: string;
  /** Undefined on channel 0. */
  readonly member: Member | undefined;
  /** It has gone out: only a reply, or the end, answers it. */
  written: boolean;
  replied: boolean;
  told: boolean;
}

/** Hears of calls. */
export class Calls {
  readonly #docket: Docket;
  readonly #calls: Call[] = [];

  constructor(docket: Docket) {
    this.#docket = docket;
  }

  asks({ call, name, member: index }: Extract<Entry, { what: "asks" }>): void {
    const member = index === undefined ? undefined : this.#docket.member(index);
    this.#calls[call] = { name, member, written: false, replied: false, told: false };
  }

  wrote(name: Method["name"], member: Member | undefined): void {
    const call = this.#next(member, (each) => each.name === name && !each.written);
    if (call !== undefined) call.written = true;
  }

  /** Whether such a call on channel 0 waits for a reply. */
  awaitsReply(name: Method["name"]): boolean {
    return this.#next(undefined, (each) => each.name === name && isUnderWay(each)) !== undefined;
  }

  /** The reply came to the first of such calls that waits for one. */
  replied(name: Method["name"], member: Member | undefined): void {
    const call = this.#next(member, (each) => each.name === name && isUnderWay(each));
    if (call !== undefined) call.replied = true;
  }

  told({ call: number, reason }: Extract<Entry, { what: "answered" }>): void {
    const docket = this.#docket;
    const call = this.#calls[number] as Call;
    if (call.told) docket.problem(`${call.name} is answered twice`);
    call.told = true;
    if (reason === undefined) {
      if (!call.replied) docket.problem(`${call.name} resolves without a reply`);
      return;
    }
    const allowed = call.replied ? [] : this.#rejections(call);
    if (!allowed.includes(reason)) {
      docket.problem(`${call.name} is rejected with ${reason}, not ${allowed.join(" or ")}`);
    }
  }

  quiet(): void {
    for (const call of this.#calls) {
      if (call.told || !(call.replied || this.#isOver(call))) continue;
      this.#docket.problem(`${call.name} should be answered`);
    }
  }

  #rejections(call: Call): readonly Reason[] {
    const { isDead, reasons, closeDue } = this.#docket;
    if (this.#isOver(call)) return asRejections(call.member?.reasons ?? reasons);
    // Once everything is confirmed, close() refuses what has not gone out.
    const refuses = call.member === undefined ? closeDue !== undefined : call.member.refuses;
    return refuses && !call.written && !isDead ? asRejections([undefined]) : [];
  }

  #isOver({ member }: Call): boolean {
    return member === undefined ? this.#docket.isDead : member.over;
  }

  #next(member: Member | undefined, wanted: (call: Call) => boolean): Call | undefined {
    return this.#calls.find((each) => each.member === member && !each.told && wanted(each));
  }
}

function isUnderWay({ written, replied }: Call): boolean {
  return written && !replied;
}
