/**
 * What goes over the wire: what the client writes is numbered, and what the broker says is checked
 * against the rules of AMQP before anything follows from it.
 */
import { METHODS } from "../../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../../src/wire/generated/methods.ts";
import { type Broken, BrokenRule, type Command, CommandStream, type Frame } from "../frames.ts";
import { MAX_BODY_BYTES } from "../schedule.ts";
import type { WrittenCommand } from "../written.ts";
import type { Calls } from "./calls.ts";
import { confirmed, isIssued, returned } from "./confirms.ts";
import type { Case, Docket, Life, Member } from "./docket.ts";
import type { Ends } from "./ends.ts";
import type { Time } from "./time.ts";
import type { Windows } from "./windows.ts";
import type { Words } from "./words.ts";

/** Who hears of what goes over the wire. */
export interface Listeners {
  readonly ends: Ends;
  readonly time: Time;
  readonly windows: Windows;
  readonly calls: Calls;
  readonly words: Words;
}

/** Hears the octets of both sides. */
export class Wire {
  readonly #docket: Docket;
  readonly #listeners: Listeners;
  readonly #handshake: Method["name"][] = [...HANDSHAKE];

  constructor(docket: Docket, listeners: Listeners) {
    this.#docket = docket;
    this.#listeners = listeners;
  }

  // ----- the client -----

  wrote(commands: readonly WrittenCommand[]): void {
    for (const command of commands) this.#wrote(command);
  }

  #wrote({ channel, command, member: index, publish }: WrittenCommand): void {
    const docket = this.#docket;
    const { time, ends, calls } = this.#listeners;
    const { method } = command;
    const member = index === undefined ? undefined : docket.member(index);
    if (method.name === "connection.tune-ok") time.tunes(method.heartbeat);
    ends.wrote(method, member);
    calls.wrote(method.name, member);
    if (member === undefined) return;
    if (method.name === "channel.open") this.#beginLife(channel, member);
    const { life } = member;
    if (life === undefined) return;
    if (publish !== undefined) this.#wrotePublish(life, docket.case(publish));
    if (method.name === "confirm.select") life.confirming = true;
    if (METHODS[method.name].replies.length > 0) {
      life.calls.push({ name: method.name, publishesBefore: life.written.length });
    }
  }

  #beginLife(channel: number, member: Member): void {
    const docket = this.#docket;
    const life: Life = {
      ...{ channel, index: docket.countLife(channel), member, confirming: false },
      ...{ written: [], open: new Set(), lastReturned: 0, handledThrough: 0 },
      ...{
        pausedIn: undefined,
        calls: [],
        content: new CommandStream(),
      },
      ...{ givenUp: false, mayHoldImmediate: false, saidClose: false, owesClose: undefined },
    };
    member.life = life;
    docket.lives.set(channel, life);
  }

  #wrotePublish(life: Life, each: Case): void {
    const docket = this.#docket;
    if (!life.confirming) docket.problem(`publish ${each.id} was written before confirm.select`);
    life.written.push(each);
    each.tag = life.written.length;
    this.#listeners.words.checkTag(each);
    docket.places.set(each.id, { channel: life.channel, life: life.index, tag: each.tag });
    if (life.member.over) return;
    life.open.add(each.tag);
    this.#listeners.windows.wrote(each);
  }

  // ----- the broker -----

  delivered(frames: readonly (Frame | Broken)[]): void {
    for (const frame of frames) {
      if (this.#docket.isDead) return;
      try {
        this.#frame(frame);
      } catch (error) {
        if (!(error instanceof BrokenRule)) throw error;
        this.#listeners.ends.breaksConnection(error);
      }
    }
  }

  #frame(frame: Frame | Broken): void {
    if (frame.type === "heartbeat") return;
    const { channel } = frame;
    if (channel === 0 || channel === undefined) return this.#frameOnChannel0(frame);
    const life = this.#docket.lives.get(channel);
    if (life === undefined) throw new BrokenRule(504, `channel ${channel} is not open`);
    if (frame.type === "broken") throw frame.rule;
    if (frame.type === "method" && LIFECYCLE.has(frame.method.name)) {
      return this.#toldOfLife(life, frame.method);
    }
    if (life.givenUp) return; // only the closing handshake matters
    const command = life.content.push(frame);
    if (frame.type === "header" && frame.bodySize > MAX_BODY_BYTES) {
      return this.#listeners.ends.breaksChannel(life, 406, undefined);
    }
    if (command !== undefined) this.#told(life, command);
  }

  #frameOnChannel0(frame: Frame | Broken): void {
    if (frame.type === "broken") throw frame.rule;
    if (frame.type !== "method") throw new BrokenRule(504, "content on channel 0");
    this.#toldOnChannel0(frame.method);
  }

  #toldOfLife(life: Life, method: Method): void {
    const { ends } = this.#listeners;
    if (method.name === "channel.close") return ends.channelClosed(life, method);
    if (method.name === "channel.close-ok") {
      const asked = life.givenUp || this.#docket.saysClose(life.member);
      if (!asked) throw new BrokenRule(503, "channel.close-ok, which answers nothing");
      return ends.channelCloseOk(life);
    }
    if (life.givenUp) return;
    if (life.calls.shift()?.name !== "channel.open") {
      throw new BrokenRule(503, "channel.open-ok on an open channel");
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
        const { deliveryTag, multiple } = method;
        if (!isIssued(life, deliveryTag, multiple)) {
          return this.#listeners.ends.breaksChannel(life, 406, method.name);
        }
        if (observed) member.events.push(`${how} ${deliveryTag} ${multiple}`);
        return confirmed(this.#docket, life, how, deliveryTag, multiple);
      }
      case "basic.return":
        if (observed) member.events.push(`return ${method.exchange} ${method.routingKey}`);
        return returned(this.#docket, life, command);
      case "channel.flow":
        life.pausedIn = method.active ? undefined : (life.pausedIn ?? this.#docket.round);
        if (observed && !member.refuses) member.events.push(`flow ${method.active}`);
        return;
      default:
        return this.#replied(life, method);
    }
  }

  #replied(life: Life, { name }: Method): void {
    const { member, calls } = life;
    const call = calls[0];
    if (call !== undefined && (METHODS[call.name].replies as readonly string[]).includes(name)) {
      calls.shift();
      return this.#listeners.calls.replied(call.name, member);
    }
    // Between our close and its close-ok it is discarded.
    if (this.#docket.saysClose(member)) return;
    throw new BrokenRule(503, `${name}, which nobody asked for`);
  }

  #toldOnChannel0(method: Method): void {
    const docket = this.#docket;
    const { ends, calls } = this.#listeners;
    const { name } = method;
    const due = this.#handshake[0];
    if (due !== undefined && due === name) {
      this.#handshake.shift();
    } else if (name === "connection.close") {
      ends.connectionClosed(method);
    } else if (due === undefined && name === "connection.blocked") {
      docket.block();
    } else if (due === undefined && name === "connection.unblocked") {
      docket.unblock();
    } else if (name === "connection.close-ok" && docket.saysGoodbye) {
      ends.connectionCloseOk();
    } else if (name === "connection.update-secret-ok" && calls.awaitsReply(UPDATE_SECRET)) {
      calls.replied(UPDATE_SECRET, undefined);
    } else {
      throw new BrokenRule(503, `${name} on channel 0`);
    }
  }
}

const HANDSHAKE = ["connection.start", "connection.tune", "connection.open-ok"] as const;
const LIFECYCLE: ReadonlySet<string> = new Set([
  ...["channel.open-ok", "channel.close", "channel.close-ok"],
]);
const UPDATE_SECRET = "connection.update-secret";
