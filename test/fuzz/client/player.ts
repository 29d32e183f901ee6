/**
 * Plays a session against the client core and looks at all that can be seen from outside: what
 * comes out of it, what everybody is told, and what it keeps.
 */
import {
  type AmqpError,
  ChannelClosedError,
  ConnectionClosedError,
  ConnectionLostError,
  ProtocolError,
} from "../../../src/errors.ts";
import type { ChannelMachine } from "../../../src/protocol/channel.ts";
import { ConnectionMachine } from "../../../src/protocol/connection.ts";
import type { ConnectionEvent } from "../../../src/protocol/connection-events.ts";
import type { ConnectionState } from "../../../src/protocol/connection-states.ts";
import { REPLY_CODES } from "../../../src/wire/generated/constants.ts";
import { SETTINGS } from "../../protocol/support.ts";
import { concat } from "../../wire/octets.ts";
import { allocatedOctets, countAllocations } from "../allocations.ts";
import { check, Fault } from "../fault.ts";
import { isOctets, type Octets, Pieces, type Steps } from "../steps.ts";
import { Application } from "./application.ts";
import { type ClientAction, MAX_BODY } from "./session.ts";
import { HANDSHAKE_LIMIT, Writing } from "./writing.ts";

/** Makes the client; tests make one that is broken. */
export type MakeMachine = (
  ...args: ConstructorParameters<typeof ConnectionMachine>
) => ConnectionMachine;

/** Plays the steps; raises a fault, or tells how things ended. */
export function play(steps: Steps<ClientAction>, make: MakeMachine = makeMachine): Set<string> {
  const player = new Player(make);
  countAllocations(() => {
    for (const step of steps) player.step(step);
    player.finish();
  });
  return player.marks;
}

const makeMachine: MakeMachine = (...args) => new ConnectionMachine(...args);

class Player {
  readonly marks = new Set<string>();
  readonly #machine: ConnectionMachine;
  readonly #application: Application;
  readonly #writing = new Writing();
  readonly #pieces = new Pieces();
  readonly #closedChannels = new Map<ChannelMachine, AmqpError | undefined>();
  #now = 1_000_000;
  #stalled = 0;
  #wakes = 0;
  #opened = false;
  #ended: { readonly error: AmqpError | undefined } | undefined;
  /** The state of the connection when what ended it came; undefined if it was no octet. */
  #endedIn: ConnectionState | undefined;

  constructor(make: MakeMachine) {
    const proposal = { frameMax: 131_072, channelMax: 5, heartbeatSeconds: 10 };
    this.#machine = make({ ...SETTINGS, proposal, maxBodyBytes: MAX_BODY }, this.#now);
    this.#application = new Application(this.#machine);
    // A client speaks first.
    this.#take();
  }

  step(step: Octets | ClientAction): void {
    if (isOctets(step)) for (const piece of this.#pieces.cut(step)) this.#receive(piece);
    else this.#act(step);
    for (const event of this.#machine.takeEvents()) this.#onEvent(event);
  }

  /** The stream ends; then everything must be told and nothing kept. */
  finish(): void {
    for (const piece of this.#pieces.flush()) this.#receive(piece);
    const { state } = this.#machine;
    if (state !== "closed") this.marks.add(`still ${state}`);
    this.step({ do: "end" });
    this.#take();
    this.#checkEnd();
    this.#application.checkTold(this.#writing.published, this.marks);
  }

  #receive(piece: Uint8Array): void {
    const machine = this.#machine;
    const { state } = machine;
    const written = machine.pendingBytes + this.#writing.written;
    // A copy in a larger buffer, which is used again: what the machine keeps must be its own.
    const pool = piece.length + 3 <= POOL.length ? POOL : Buffer.alloc(piece.length + 3);
    const shared = pool.subarray(3, 3 + piece.length);
    shared.set(piece);
    const before = allocatedOctets();
    machine.receive(shared, this.#now);
    const allocated = allocatedOctets() - before;
    shared.fill(0xee);
    if (state === "closed") {
      check(machine.pendingBytes + this.#writing.written === written, "it answers after the end");
      return;
    }
    if (machine.state === "closed") this.#endedIn = state;
    // Until it is tuned, and in the piece that tunes it, the larger limit is not wrong.
    const isTuned = state === "open" || state === "closing";
    const limit = Math.max(isTuned ? 0 : HANDSHAKE_LIMIT, machine.tuning.frameMax);
    this.#checkMemory(allocated, piece.length, limit);
    const broken = this.#writing.hear(piece, limit);
    if (broken === undefined || machine.state === "closed") return;
    // The header of another version is waited for to its end.
    const greeted = machine.state === "greeting" && this.#writing.received < 8;
    check(greeted, "a broken rule is let pass", () => `${broken}, while it is ${machine.state}`);
  }

  /** Lengths must not be believed before the octets come, but for that of a body of MAX_BODY. */
  #checkMemory(allocated: number, received: number, limit: number): void {
    // A frame that comes in pieces is moved when it grows; and publishes may have room now.
    const allowed = 2 * limit + MEMORY_PER_OCTET * received + 4 * this.#application.asked;
    check(allocated <= MEMORY + allowed, "memory", () => {
      return `${allocated} octets were allocated when ${received} came`;
    });
  }

  #act(step: ClientAction): void {
    switch (step.do) {
      case "take":
        return this.#take();
      case "end":
        return this.#machine.receiveEnd(new Error("the network is gone"));
      case "wake":
        return this.#wake(step.ms);
      case "stall":
        this.#stalled = step.octets;
        return this.#machine.flushed(step.octets);
      default:
        return this.#application.act(step, this.#now);
    }
  }

  /** Time passes; the machine is woken whenever it wants to be, and once more at the end. */
  #wake(ms: number): void {
    const machine = this.#machine;
    const until = this.#now + ms;
    for (let due = machine.nextTimeout(); due !== undefined && due <= until; ) {
      this.#now = Math.max(this.#now, due);
      machine.wake(this.#now);
      this.#wakes++;
      this.#take();
      due = machine.nextTimeout();
      check(due === undefined || due > this.#now, "it wants to be woken at once");
    }
    this.#now = until;
    machine.wake(until);
    this.#wakes++;
  }

  #take(): void {
    const machine = this.#machine;
    if (!machine.hasOutput) return;
    const octets = concat(...machine.takeOutput(this.#now));
    check(!machine.hasOutput, "there is output after it was taken");
    this.#writing.write(octets, machine.tuning.frameMax);
    // With room in the socket it may publish what waited.
    machine.flushed(this.#stalled);
    const { received, written } = this.#writing;
    const most = received + this.#application.asked + this.#wakes * HEARTBEAT + GOODBYE;
    check(written <= most, "it writes more than anybody asked for");
  }

  #onEvent(event: ConnectionEvent): void {
    check(this.#ended === undefined, "an event comes after the last one", () => event.type);
    if (event.type === "closed") {
      this.#ended = event;
    } else if (event.type === "open") {
      check(!this.#opened, "it is opened twice");
      this.#opened = true;
    } else if (event.type === "channel") {
      const { channel } = event;
      check(!this.#closedChannels.has(channel), "an event comes after a channel's last one");
      if (event.event.type === "closed") this.#closedChannels.set(channel, event.event.error);
    }
  }

  #checkEnd(): void {
    const machine = this.#machine;
    check(this.#ended !== undefined && machine.state === "closed", "it is not told to be over");
    const { error } = this.#ended;
    this.marks.add(this.#nameEnd(error));
    for (const { machine: channel } of this.#application.channels) {
      check(this.#closedChannels.has(channel), "a channel is not told to be over");
    }
    for (const each of this.#closedChannels.values()) this.#checkChannelEnd(each, error);
    check(machine.nextTimeout() === undefined, "it wants to be woken after the end");
    machine.receive(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0xce), this.#now);
    machine.wake(this.#now + 100_000);
    check(!machine.hasOutput, "it answers after the end");
    check(machine.takeEvents().length === 0, "an event comes after the last one");
  }

  #nameEnd(error: AmqpError | undefined): string {
    if (error === undefined) return "closed by us";
    if (error instanceof ConnectionClosedError) return "closed by peer";
    if (error instanceof ConnectionLostError) return "lost";
    if (!(error instanceof ProtocolError)) {
      throw new Fault("the connection ends with something else", `${error}`, error);
    }
    checkReplyCode(error, "hard");
    const { closeCode } = this.#writing;
    // Whether a first word was understood, or our own close has left, cannot be seen from here.
    const isOwed = this.#endedIn !== "greeting" && this.#endedIn !== "closing";
    const allowed = isOwed ? [error.replyCode] : [error.replyCode, 200, undefined];
    check(allowed.includes(closeCode), "another reply code is written than told", () => {
      return `${closeCode ?? "none"} for ${error.replyCode}`;
    });
    return String(error.replyCode);
  }

  #checkChannelEnd(error: AmqpError | undefined, connectionError: AmqpError | undefined): void {
    if (error === connectionError) return;
    if (error instanceof ProtocolError) {
      checkReplyCode(error, "soft");
      this.marks.add(`channel ${error.replyCode}`);
    } else if (error instanceof ChannelClosedError) {
      this.marks.add("channel closed by peer");
    }
  }
}

/** A broken rule has a reply code; 541 would mean that nobody has foreseen it. */
function checkReplyCode(error: ProtocolError, kind: "soft" | "hard"): void {
  const { replyCode, cause } = error;
  if (replyCode === 541) throw new Fault("an exception was caught (541)", error.message, cause);
  check(REPLY_CODES.get(replyCode)?.kind === kind, "a reply code that is none", () => {
    return `${replyCode}: ${error.message}`;
  });
}

/** Where the octets of the server come, again and again, as they do from a socket. */
const POOL = Buffer.alloc(4 * HANDSHAKE_LIMIT);

/** Octets of a heartbeat. */
const HEARTBEAT = 8;

/** The protocol header, the client's side of the handshake and its goodbye, in octets. */
const GOODBYE = 1000;

/** What may be allocated when octets come: 40 of them can declare a body of MAX_BODY. */
const MEMORY = 16_384;
const MEMORY_PER_OCTET = MAX_BODY / 40;
