/**
 * Computes, from the transcript alone, what the client must have said of each publish and when: the
 * strongest outcome that is proven the moment the publish is over (design/outcomes.md). It shares
 * no code with the client above the codec, and looks at what became of a publish afterwards for one
 * thing only: whether it was still written, because what lies encoded in the output can neither
 * be seen in a transcript nor be withdrawn.
 */
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { type Command, CommandStream, FrameStream } from "./frames.ts";
import { isAbout, type Wording } from "./sentences.ts";
import type { Ending, Entry, Message, Opening, Saying } from "./transcript.ts";
import { readWritten, type Written, type WrittenCommand } from "./written.ts";

/** What the judge found. */
export interface Judgement {
  readonly problems: readonly string[];
  /** What was proven of each publish that has an ending. */
  readonly endings: ReadonlyMap<number, Ending>;
  /** Where each publish was on the wire, if it was. */
  readonly places: ReadonlyMap<number, Place>;
}

/** The nth life of a channel number and the delivery tag there. */
export interface Place {
  readonly channel: number;
  readonly life: number;
  readonly tag: number;
}

/** Judges a transcript. */
export function judge(transcript: readonly Entry[], wording: Wording, frameMax: number): Judgement {
  const court = new Court(transcript, readWritten(transcript, frameMax), wording, frameMax);
  transcript.forEach((entry, at) => {
    court.hear(entry, at);
  });
  return court;
}

/** A publish, as far as it has come. */
interface Case {
  readonly id: number;
  readonly member: Member;
  readonly message: Message;
  readonly signal: number | undefined;
  /** On the clock that stands still while the broker has blocked the connection. */
  readonly due: number | undefined;
  tag: number;
  /** What it may be told, once it is over; the first is the strongest that is proven. */
  proven: readonly Ending[] | undefined;
  why: string;
  said: Saying | undefined;
  replyCode: number | undefined;
}

/** A publisher or low-level channel. */
interface Member {
  readonly index: number;
  readonly opening: Opening;
  readonly cases: Case[];
  /** The application has it, and listens. */
  opened: boolean;
  life: Life | undefined;
  /** Accepts nothing more. */
  refuses: boolean;
  over: boolean;
  closeDue: number | undefined;
  closeSignal: number | undefined;
  /** Of the low-level channel: publishes covered by earlier waits. */
  awaited: number;
  readonly events: string[];
}

/** One life of a channel number, as the client sees it. */
interface Life {
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
}

interface Wait {
  /** What it tells of: the publishes since the wait before. It waits for all up to `last`. */
  readonly cases: readonly Case[];
  readonly last: number;
  readonly member: Member;
  done: boolean;
}

class Court implements Judgement {
  readonly problems: string[];
  readonly endings: Map<number, Ending> = new Map();
  readonly places: Map<number, Place> = new Map();
  readonly #transcript: readonly Entry[];
  readonly #written: Written;
  readonly #wording: Wording;
  readonly #frames: FrameStream;
  readonly #members: Member[] = [];
  readonly #cases: Case[] = [];
  readonly #lives: Map<number, Life> = new Map();
  readonly #livesCount: Map<number, number> = new Map();
  readonly #waits: Map<number, Wait> = new Map();
  readonly #aborted: Set<number> = new Set();
  #connection: "open" | "dead" = "open";
  #expectedClose: unknown;
  #closeDue: number | undefined;
  #at = 0;
  #now = 0;
  /** Rounds of output: what was encoded in one is written in the next. */
  #round = 0;
  #blockedIn = 0;
  /** Since when the socket holds too much. */
  #fullIn: number | undefined;
  #blockedAt: number | undefined;
  #blockedFor = 0;
  #heartbeatMs = 0;
  #lastWritten = 0;
  #lastDelivered = 0;
  /** When the silence was first long enough to be noticed. */
  #suspected: number | undefined;

  constructor(transcript: readonly Entry[], written: Written, wording: Wording, frameMax: number) {
    this.#transcript = transcript;
    this.#written = written;
    this.#wording = wording;
    this.#frames = new FrameStream("server", frameMax);
    this.problems = [...written.problems];
  }

  hear(entry: Entry, at: number): void {
    this.#at = at;
    switch (entry.what) {
      case "time":
        return this.#time(entry.now);
      case "wrote":
        this.#lastWritten = this.#now;
        this.#socketHolds(entry.bufferedBytes);
        for (const command of this.#written.commands.get(at) ?? []) this.#wrote(command);
        return;
      case "flushed":
        return this.#socketHolds(entry.bufferedBytes);
      case "ended":
      case "destroyed":
        return this.#hungUp();
      case "delivered":
        this.#lastDelivered = this.#now;
        this.#suspected = undefined;
        for (const frame of this.#frames.push(entry.octets)) {
          if (frame.type === "heartbeat") continue;
          const life = this.#lives.get(frame.channel);
          const content = frame.channel === 0 ? ON_CHANNEL_0 : life?.content;
          const command = content?.push(frame);
          if (command === undefined || this.#connection === "dead") continue;
          if (frame.channel === 0) this.#toldOnChannel0(command.method);
          else if (life !== undefined) this.#told(life, command);
        }
        return;
      case "stream closed":
        return this.#die("the stream ended", "lost");
      case "destroys":
        return this.#die("destroy()", "lost");
      case "turn ends":
        this.#round++;
        return;
      case "opened":
        (this.#members[entry.member] as Member).opened = true;
        return;
      case "opening failed":
        return;
      case "opens": {
        const { member, opening } = entry;
        this.#members[member] = {
          ...{
            index: member,
            opening,
            cases: [],
            opened: false,
            life: undefined,
            awaited: 0,
            events: [],
          },
          ...{ refuses: false, over: false, closeDue: undefined, closeSignal: undefined },
        };
        return;
      }
      case "publishes":
        return this.#published(entry);
      case "aborts":
        return this.#abort(entry.signal);
      case "closes member":
        return this.#closesMember(entry);
      case "closes connection":
        this.#closeDue ??= this.#now + entry.timeoutMs;
        for (const member of this.#members) {
          member.refuses = true;
          member.closeDue ??= this.#closeDue;
        }
        return;
      case "waits":
        return this.#waited(entry.wait, this.#members[entry.member] as Member);
      case "said":
        return this.#said(this.#cases[entry.id] as Case, entry.saying);
      case "numbered":
        return this.#numbered(this.#cases[entry.id] as Case, entry.deliveryTag);
      case "threw":
        return this.#threw(this.#cases[entry.id] as Case, entry);
      case "waited":
        return this.#checkWait(entry);
      case "event":
        return this.#event(this.#members[entry.member] as Member, entry.event);
      case "connection closed":
        return this.#connectionClosed(entry.error);
      case "connection failed":
        return this.#die("the handshake failed", "lost");
      case "quiet":
        return this.#quiet(entry);
      case "mistake":
        return this.#problem(entry.text);
    }
  }

  // ----- how a publish is over -----

  /**
   * A publish is over now. What was not written never will be (`unsent`), unless it lies in the
   * output already: then it is what `ifInOutput` says.
   */
  #end(each: Case, why: string, ifWritten: Ending, ifInOutput: Ending): void {
    if (each.proven !== undefined) return;
    if (each.tag > 0) return this.#prove(each, why, ifWritten);
    if (this.#written.publishes.has(each.id)) return this.#prove(each, why, ifInOutput);
    // Where the connection ends within this turn, nobody can say what lay in the output.
    if (this.#diesThisTurn()) this.#prove(each, why, "unsent", ifInOutput);
    else this.#prove(each, why, "unsent");
  }

  #prove(each: Case, why: string, ...endings: readonly Ending[]): void {
    if (each.proven !== undefined) return;
    each.proven = endings;
    each.why = why;
  }

  #diesThisTurn(): boolean {
    for (let at = this.#at; at < this.#transcript.length; at++) {
      const { what } = this.#transcript[at] as Entry;
      if (what === "turn ends") return false;
      if (what === "ended" || what === "destroyed" || what === "stream closed") return true;
    }
    return true;
  }

  // ----- the application -----

  #published(entry: Extract<Entry, { what: "publishes" }>): void {
    const { id, message, timeoutMs, signal } = entry;
    const member = this.#members[entry.member] as Member;
    const due = timeoutMs === undefined ? undefined : this.#activeTime() + timeoutMs;
    const state = { tag: 0, proven: undefined, why: "", said: undefined, replyCode: undefined };
    const each: Case = { id, member, message, signal, due, ...state };
    this.#cases[id] = each;
    if (member.opening.kind === "channel") return; // what it returns or throws comes next
    const queue = member.cases.filter((other) => other.proven === undefined && other.tag === 0);
    const octets = queue.map((other) => Buffer.byteLength(other.message.body));
    const size = octets.reduce((sum, length) => sum + length, Buffer.byteLength(message.body));
    member.cases.push(each);
    const aborted = signal !== undefined && this.#aborted.has(signal);
    const { maxQueued, maxQueuedBytes } = member.opening;
    if (member.refuses || this.#connection === "dead" || aborted) {
      if (message.bad) this.#prove(each, "it was refused", "unsent", "usage");
      else this.#prove(each, "it was refused", "unsent");
    } else if (message.bad) {
      this.#prove(each, "it cannot be encoded", "usage");
    } else if (queue.length >= maxQueued || size > maxQueuedBytes) {
      // The queue may be full: what this member has asked for and not written yet may also lie in
      // the output. How it was answered tells, and #quiet() looks whether too many wait.
      if (this.#saysAtOnce(id) === "unsent") this.#prove(each, "the queue is full", "unsent");
    }
  }

  /** What the client says of a publish before anything else happens. */
  #saysAtOnce(id: number): Ending | undefined {
    for (let at = this.#at + 1; at < this.#transcript.length; at++) {
      const entry = this.#transcript[at] as Entry;
      if (entry.what === "said" && entry.id === id) return entry.saying.ending;
      if (entry.what !== "said" && entry.what !== "publishes") return undefined;
    }
    return undefined;
  }

  #numbered(each: Case, deliveryTag: number): void {
    const { member } = each;
    member.cases.push(each);
    if (each.message.bad) this.#problem(`publish ${each.id} should have thrown`);
    if (member.refuses || this.#connection === "dead") {
      this.#problem(`publish ${each.id} was taken although the channel is closed`);
    }
    if (deliveryTag !== member.cases.length) {
      this.#problem(`publish ${each.id} has tag ${deliveryTag}, not ${member.cases.length}`);
    }
  }

  #threw(each: Case, { error, bufferedBytes }: Extract<Entry, { what: "threw" }>): void {
    const { refuses, life } = each.member;
    if (each.message.bad || refuses || this.#connection === "dead") return;
    // basicPublish() cannot wait: neither for the broker nor for the socket.
    if (life?.pausedIn !== undefined || bufferedBytes > SOCKET_LIMIT / 4) return;
    this.#problem(`basicPublish() threw for nothing: ${error}`);
  }

  #abort(signal: number): void {
    this.#aborted.add(signal);
    for (const each of this.#cases) {
      if (each.signal === signal && each.member.opening.kind === "publisher") {
        this.#end(each, "its signal", "unknown", "unknown");
      }
    }
    for (const member of this.#members) {
      if (member.closeSignal === signal) this.#abandon(member, "the signal of close()");
    }
  }

  #closesMember({ member: index, timeoutMs, signal }: Extract<Entry, { what: "closes member" }>) {
    const member = this.#members[index] as Member;
    if (member.closeDue !== undefined) return;
    member.refuses = true;
    member.closeDue = this.#now + timeoutMs;
    member.closeSignal = signal;
    if (signal !== undefined && this.#aborted.has(signal)) {
      this.#abandon(member, "the signal of close()");
    }
  }

  /** close() gave up waiting. */
  #abandon(member: Member, why: string): void {
    if (member.over) return;
    this.#over(member);
    for (const each of member.cases) this.#end(each, why, "unknown", "unknown");
  }

  /** Nothing more is said of what this member published. */
  #over(member: Member): void {
    member.refuses = true;
    member.over = true;
    member.life?.open.clear();
  }

  #waited(wait: number, member: Member): void {
    const cases = member.cases.slice(member.awaited);
    const last = member.cases.length;
    member.awaited = last;
    this.#waits.set(wait, { cases, member, last, done: false });
  }

  #socketHolds(bufferedBytes: number): void {
    this.#fullIn = bufferedBytes > SOCKET_LIMIT ? (this.#fullIn ?? this.#round) : undefined;
  }

  // ----- the wire -----

  #wrote({ channel, command, member: index, publish }: WrittenCommand): void {
    const { method } = command;
    if (method.name === "connection.tune-ok") this.#heartbeatMs = method.heartbeat * 1000;
    if (index === undefined) return;
    const member = this.#members[index] as Member;
    if (method.name === "channel.open") {
      const count = (this.#livesCount.get(channel) ?? 0) + 1;
      this.#livesCount.set(channel, count);
      const life: Life = {
        ...{ channel, index: count - 1, member, confirming: false, written: [], open: new Set() },
        ...{
          lastReturned: 0,
          handledThrough: 0,
          pausedIn: undefined,
          calls: [],
          content: new CommandStream(),
        },
      };
      member.life = life;
      this.#lives.set(channel, life);
    }
    const { life } = member;
    if (life === undefined) return;
    if (publish !== undefined) this.#wrotePublish(life, this.#cases[publish] as Case);
    if (method.name === "confirm.select") life.confirming = true;
    if (METHODS[method.name].replies.length > 0) {
      life.calls.push({ name: method.name, publishesBefore: life.written.length });
    }
  }

  #wrotePublish(life: Life, each: Case): void {
    if (!life.confirming) this.#problem(`publish ${each.id} was written before confirm.select`);
    life.written.push(each);
    each.tag = life.written.length;
    const { said } = each;
    if (said !== undefined && said.deliveryTag !== each.tag) {
      this.#problem(`publish ${each.id} was told tag ${said.deliveryTag} and has ${each.tag}`);
    }
    this.places.set(each.id, { channel: life.channel, life: life.index, tag: each.tag });
    if (life.member.over) return;
    life.open.add(each.tag);
    const { maxUnconfirmed, kind } = life.member.opening;
    if (kind !== "publisher") return; // basicPublish() cannot wait
    if (life.open.size > maxUnconfirmed) {
      this.#problem(`${life.open.size} publishes are unconfirmed, over maxUnconfirmed`);
    }
    const blockedIn = this.#blockedAt === undefined ? undefined : this.#blockedIn;
    for (const since of [life.pausedIn, blockedIn, this.#fullIn]) {
      if (since !== undefined && this.#round > since + 1) {
        this.#problem(`publish ${each.id} was written although it had to wait`);
      }
    }
  }

  #told(life: Life, command: Command): void {
    const { method } = command;
    const { member } = life;
    const observed = member.opening.kind === "channel" && member.opened && !member.over;
    switch (method.name) {
      case "basic.ack":
      case "basic.nack": {
        const how = method.name === "basic.ack" ? "ack" : "nack";
        const ending = how === "ack" ? "confirmed" : "nacked";
        if (observed) member.events.push(`${how} ${method.deliveryTag} ${method.multiple}`);
        return this.#confirmed(life, method.deliveryTag, method.multiple, ending);
      }
      case "basic.return":
        if (observed) member.events.push(`return ${method.exchange} ${method.routingKey}`);
        return this.#returned(life, command);
      case "channel.flow":
        life.pausedIn = method.active ? undefined : (life.pausedIn ?? this.#round);
        if (observed && !member.refuses) member.events.push(`flow ${method.active}`);
        return;
      case "channel.close":
        return this.#closedByBroker(life, method);
      case "channel.close-ok":
        this.#lives.delete(life.channel);
        this.#over(member);
        for (const each of member.cases) this.#end(each, "our close", "unknown", "unknown");
        return;
      default: {
        const { replies } = METHODS[life.calls[0]?.name ?? "basic.ack"];
        if ((replies as readonly string[]).includes(method.name)) life.calls.shift();
        else this.#problem(`the broker says ${method.name}, which nobody asked for`);
      }
    }
  }

  #confirmed(life: Life, tag: number, multiple: boolean, ending: Ending): void {
    life.handledThrough = Math.max(life.handledThrough, tag === 0 ? life.written.length : tag);
    for (const open of [...life.open]) {
      if (multiple ? tag > 0 && open > tag : open !== tag) continue;
      life.open.delete(open);
      this.#prove(life.written[open - 1] as Case, `a confirm of tag ${tag}`, ending);
    }
  }

  /** The lowest tag above the last one returned whose message this is. */
  #returned(life: Life, command: Command): void {
    const matching = [...life.open].filter((tag) => {
      const { message } = life.written[tag - 1] as Case;
      const returnable = message.mandatory || message.immediate;
      return tag > life.lastReturned && returnable && cameBack(message, command);
    });
    if (matching.length === 0) return;
    const tag = Math.min(...matching);
    life.lastReturned = tag;
    life.handledThrough = Math.max(life.handledThrough, tag);
    this.#prove(life.written[tag - 1] as Case, "it came back", "returned");
  }

  #closedByBroker(life: Life, close: Extract<Method, { name: "channel.close" }>): void {
    const { member } = life;
    if (member.over) return;
    const why = `channel.close ${close.replyCode}`;
    const [blamed, lastLookedAt] = this.#blame(life, close);
    this.#over(member);
    for (const each of member.cases) {
      each.replyCode ??= close.replyCode;
      if (each.tag > 0 && each.tag === blamed) this.#prove(each, why, "refused");
      this.#end(each, why, each.tag > lastLookedAt ? "unprocessed" : "unknown", "unprocessed");
    }
    // The number is free when our close-ok is written, before the next channel.open.
  }

  /** The tag that was refused, or 0; and the last one that the broker can have looked at. */
  #blame(life: Life, close: Extract<Method, { name: "channel.close" }>): [number, number] {
    const { classId, methodId, replyCode, replyText } = close;
    const cause = Object.entries(METHODS).find(
      ([, ids]) => ids.classId === classId && ids.methodId === methodId,
    )?.[0];
    if (cause === "basic.publish") {
      const suspects = unhandled(life).filter((tag) =>
        isAbout(replyCode, replyText, (life.written[tag - 1] as Case).message, this.#wording),
      );
      if (suspects.length === 0) return [0, Number.POSITIVE_INFINITY];
      const last = Math.max(...suspects);
      return [suspects.length === 1 ? last : 0, last];
    }
    const call = life.calls[0];
    if (call !== undefined && call.name === cause) return [0, call.publishesBefore];
    return [0, Number.POSITIVE_INFINITY];
  }

  #toldOnChannel0(method: Method): void {
    switch (method.name) {
      case "connection.blocked":
        if (this.#blockedAt === undefined) this.#blockedIn = this.#round;
        this.#blockedAt ??= this.#now;
        return;
      case "connection.unblocked":
        if (this.#blockedAt !== undefined) this.#blockedFor += this.#now - this.#blockedAt;
        this.#blockedAt = undefined;
        return;
      case "connection.close":
        return this.#connectionClosedByBroker(method);
      case "connection.close-ok":
        return this.#die("our connection.close", undefined);
      default:
        return;
    }
  }

  #connectionClosedByBroker(close: Extract<Method, { name: "connection.close" }>): void {
    const { classId, methodId, replyCode } = close;
    if (this.#saysGoodbye()) return; // it is the broker's close-ok that ends it
    const publish = METHODS["basic.publish"];
    if (replyCode === 540 && classId === publish.classId && methodId === publish.methodId) {
      const suspects = [...this.#lives.values()].flatMap((life) =>
        unhandled(life)
          .filter((tag) => (life.written[tag - 1] as Case).message.immediate)
          .map((tag) => ({ life, tag })),
      );
      const culprit = suspects.length === 1 ? suspects[0] : undefined;
      for (const each of culprit?.life.written ?? []) {
        const tag = culprit?.tag ?? 0;
        each.replyCode ??= replyCode;
        if (each.tag === tag) this.#prove(each, "connection.close 540", "refused");
        if (each.tag > tag) this.#prove(each, "connection.close 540", "unprocessed");
      }
    }
    this.#die(`connection.close ${replyCode}`, replyCode);
  }

  /** Whether our connection.close was written, or is about to be. */
  #saysGoodbye(): boolean {
    return [...this.#written.commands.values()].some((commands) =>
      commands.some(({ command }) => command.method.name === "connection.close"),
    );
  }

  /** The connection is over: nothing more is written or said. */
  #die(why: string, closed: unknown): void {
    if (this.#connection === "dead") return;
    this.#connection = "dead";
    this.#expectedClose = closed;
    for (const member of this.#members) {
      for (const each of member.cases) this.#end(each, why, "unknown", "unsent");
      this.#over(member);
    }
  }

  // ----- time -----

  #time(now: number): void {
    const silence = now - this.#lastDelivered;
    this.#now = now;
    if (this.#heartbeatMs > 0 && silence >= 2 * this.#heartbeatMs) this.#suspected ??= now;
    if (this.#connection === "dead") return;
    for (const each of this.#cases) {
      const over = each.due !== undefined && this.#activeTime() >= each.due;
      if (over && this.#blockedAt === undefined && each.member.opening.kind === "publisher") {
        this.#end(each, "its deadline", "unknown", "unknown");
      }
    }
    for (const member of this.#members) {
      if ((member.closeDue ?? Number.POSITIVE_INFINITY) <= now) {
        this.#abandon(member, "the deadline of close()");
      }
    }
    if ((this.#closeDue ?? Number.POSITIVE_INFINITY) <= now) {
      this.#die("the deadline of the connection's close()", "lost");
    }
  }

  #activeTime(): number {
    return (this.#blockedAt ?? this.#now) - this.#blockedFor;
  }

  /** The client ends the stream: for a reason that was heard, or because of silence. */
  #hungUp(): void {
    if (this.#connection === "dead") return;
    const silence = this.#now - this.#lastDelivered;
    // The silence must have been noticed before, and the socket read once more since then.
    const sure = this.#suspected !== undefined && this.#suspected < this.#now;
    if (this.#heartbeatMs === 0 || !sure) {
      this.#problem(`the client hung up after ${silence} ms of silence`);
    }
    this.#die("silence", "lost");
  }

  // ----- what the client says -----

  #said(each: Case, saying: Saying): void {
    const { id, proven, why } = each;
    const { ending } = saying;
    if (each.said !== undefined) this.#problem(`publish ${id} was told twice`);
    each.said = saying;
    if (proven === undefined) {
      return this.#problem(`publish ${id} was told ${saying.text}, and is not over`);
    }
    if (!proven.includes(ending)) {
      return this.#problem(
        `publish ${id} was told ${ending}, and is ${proven.join(" or ")} (${why}): ${saying.text}`,
      );
    }
    this.#checkDetails(each, saying);
  }

  #checkDetails(each: Case, { ending, deliveryTag, mayBeDelivered, causeCode }: Saying): void {
    this.endings.set(each.id, ending);
    if (each.tag > 0 && deliveryTag !== each.tag) {
      this.#problem(`publish ${each.id} was told tag ${deliveryTag} and has ${each.tag}`);
    }
    if (MAY_BE_DELIVERED.has(ending) !== mayBeDelivered) {
      this.#problem(`publish ${each.id} is ${ending} and mayBeDelivered is ${mayBeDelivered}`);
    }
    if (ending === "refused" && causeCode !== each.replyCode) {
      this.#problem(`the cause of publish ${each.id} has ${causeCode}, not ${each.replyCode}`);
    }
  }

  #checkWait({ wait: number, confirmed, failures }: Extract<Entry, { what: "waited" }>): void {
    const wait = this.#waits.get(number) as Wait;
    wait.done = true;
    const failed = new Map(failures.map((failure) => [failure.deliveryTag, failure]));
    for (const each of wait.cases) {
      const place = wait.member.cases.indexOf(each) + 1;
      const saying = failed.get(each.tag === 0 ? place : each.tag);
      failed.delete(saying?.deliveryTag ?? 0);
      this.#said(each, saying ?? { ...CONFIRMED, deliveryTag: each.tag });
    }
    if (failed.size > 0) this.#problem("a wait lists what it does not concern");
    const count = wait.cases.length - failures.length;
    if (confirmed !== undefined && confirmed !== count) {
      this.#problem(`a wait counts ${confirmed} confirmed, not ${count}`);
    }
  }

  #event(member: Member, event: string): void {
    // Once our channel.close is on its way, flow does not matter any more.
    if (event !== member.events[0] && event.startsWith("flow") && member.refuses) return;
    const expected = member.events.shift();
    if (event !== expected) this.#problem(`channel event "${event}", not "${expected}"`);
  }

  #connectionClosed(error: unknown): void {
    if (this.#connection !== "dead") return this.#problem(`connection.closed: ${error}`);
    const { name, replyCode } = (error ?? {}) as { name?: string; replyCode?: number };
    const is = error === undefined ? undefined : (replyCode ?? "lost");
    if (is === undefined && this.#closeDue !== undefined) return;
    if (is === this.#expectedClose && (is !== "lost" || name === "ConnectionLostError")) return;
    this.#problem(`connection.closed gives ${error}, not ${this.#expectedClose}`);
  }

  // ----- when nothing is left to do -----

  #quiet({ members, bufferedBytes }: Extract<Entry, { what: "quiet" }>): void {
    for (const { id, member, proven, said, why } of this.#cases) {
      if (proven !== undefined && said === undefined && member.opening.kind === "publisher") {
        this.#problem(`publish ${id} is ${proven[0]} (${why}) and was not told`);
      }
    }
    for (const { member, last, done } of this.#waits.values()) {
      const over = member.cases.slice(0, last).every(({ proven }) => proven !== undefined);
      if (over && !done) this.#problem("a wait should be over");
    }
    for (const { events, index } of this.#members) {
      for (const event of events.splice(0)) this.#problem(`no event on ${index}: ${event}`);
    }
    members.forEach((counts, index) => {
      const member = this.#members[index] as Member;
      if (member.opening.kind === "publisher") this.#checkWindow(member, counts, bufferedBytes);
    });
    this.#checkHeartbeats();
  }

  #checkWindow(
    { index, cases, life, opening, over }: Member,
    { queued, unconfirmed }: { readonly queued: number; readonly unconfirmed: number },
    bufferedBytes: number,
  ): void {
    const waiting = cases.filter(({ tag, proven }) => tag === 0 && proven === undefined);
    const open = over ? 0 : (life?.open.size ?? 0);
    if (queued !== waiting.length) this.#problem(`${index} queued ${queued}, ${waiting.length}`);
    if (unconfirmed !== open) this.#problem(`${index} unconfirmed ${unconfirmed}, not ${open}`);
    if (queued > opening.maxQueued) this.#problem(`${queued} are queued, over maxQueued`);
    const mayWait =
      this.#blockedAt !== undefined ||
      life?.pausedIn !== undefined ||
      open >= opening.maxUnconfirmed ||
      bufferedBytes > SOCKET_LIMIT / 4;
    if (waiting.length > 0 && !mayWait) this.#problem(`${index} has room, and publishes wait`);
  }

  #checkHeartbeats(): void {
    if (this.#heartbeatMs === 0 || this.#connection === "dead") return;
    if (this.#now - this.#lastWritten > this.#heartbeatMs / 2) {
      this.#problem("the client should have sent a heartbeat");
    }
    if (this.#suspected !== undefined && this.#now - this.#suspected > LAST_LOOK_MS) {
      this.#problem("the client should have given up the silent broker");
    }
  }

  #problem(text: string): void {
    this.problems.push(`entry ${this.#at}: ${text}`);
  }
}

/** The tags that the broker may be at. */
function unhandled({ open, handledThrough }: Life): number[] {
  return [...open].filter((tag) => tag > handledThrough);
}

/** Whether a returned message can be this one: brokers take BCC out and add headers. */
function cameBack(message: Message, { method, properties, body }: Command): boolean {
  if (method.name !== "basic.return") return false;
  const { BCC: _removed, ...headers } = message.properties.headers ?? {};
  const got = properties.headers ?? {};
  return (
    method.exchange === message.exchange &&
    method.routingKey === message.routingKey &&
    body === message.body &&
    properties.appId === message.properties.appId &&
    properties.deliveryMode === message.properties.deliveryMode &&
    Object.entries(headers).every(([name, value]) => `${got[name]}` === `${value}`)
  );
}

const ON_CHANNEL_0 = new CommandStream();

const MAY_BE_DELIVERED: ReadonlySet<Ending> = new Set(["confirmed", "nacked", "unknown"]);

const CONFIRMED: Saying = {
  ending: "confirmed",
  deliveryTag: 0,
  mayBeDelivered: true,
  causeCode: undefined,
  text: "confirmed",
};

/** Over this many octets in the socket, nothing is written to it any more. */
const SOCKET_LIMIT = 2 * 1_048_576;

/** How long a client may take for its last look at the socket. */
const LAST_LOOK_MS = 1000;
