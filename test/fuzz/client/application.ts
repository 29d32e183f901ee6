/**
 * The application that uses the client core: it opens channels, calls, publishes, gives up, and
 * keeps an account of what it was told.
 */
import { AmqpError, TimeoutError } from "../../../src/errors.ts";
import type { CallHandle } from "../../../src/protocol/call-queue.ts";
import type { ChannelMachine } from "../../../src/protocol/channel.ts";
import type { ConnectionMachine } from "../../../src/protocol/connection.ts";
import { PublishDeadline } from "../../../src/protocol/publish-deadline.ts";
import type { PublishWindow } from "../../../src/protocol/publish-window.ts";
import type { ClientMethod } from "../../../src/wire/generated/methods.ts";
import { encodeText } from "../../../src/wire/text.ts";
import {
  BIND,
  call,
  DECLARE,
  publication,
  type TestCall,
  type TestPublication,
} from "../../protocol/support.ts";
import { check } from "../fault.ts";
import { bodyOf, type CallName, type ClientAction, type Publish } from "./session.ts";

/** What is asked of the client, without what happens to its connection. */
export type ApplicationAction = Exclude<
  ClientAction,
  { readonly do: "take" | "end" | "wake" | "stall" }
>;

interface Published {
  readonly isTwin: boolean;
  readonly publication: TestPublication;
  readonly window: PublishWindow | undefined;
}

interface Room {
  readonly window: PublishWindow;
  told: number;
}

/** Uses one connection. */
export class Application {
  /** Octets that what was asked may take on the wire, generously counted. */
  asked = 0;
  readonly channels: { readonly machine: ChannelMachine; readonly window: PublishWindow }[] = [];
  readonly #machine: ConnectionMachine;
  readonly #published = new Map<number, Published>();
  readonly #calls: TestCall[] = [];
  readonly #handles: (readonly [TestCall, CallHandle])[] = [];
  readonly #rooms: Room[] = [];

  constructor(machine: ConnectionMachine) {
    this.#machine = machine;
  }

  /** Asks for something. */
  act(step: ApplicationAction, now: number): void {
    const machine = this.#machine;
    switch (step.do) {
      case "respond":
        return machine.respond(encodeText("\0user\0secret"));
      case "close":
        return machine.close();
      case "destroy":
        return machine.destroy(new Error("enough"));
      case "call":
        return this.#ask(machine, UPDATE_SECRET);
      case "open channel":
        return this.#openChannel(step.observed, step.window);
      case "publish":
        return this.#publish(step, now);
      case "release": {
        const { publication: released, window } = this.#published.get(step.id) ?? {};
        if (released !== undefined) window?.release(released, new TimeoutError("a signal"));
        return;
      }
      default:
        this.#actOnChannel(step);
    }
  }

  /** Everybody must have been told once, and the truth as far as it can be seen from here. */
  checkTold(written: ReadonlySet<number>, marks: Set<string>): void {
    for (const [id, { publication: one, isTwin }] of this.#published) {
      const { ending, tellings } = one;
      check(tellings.length === 1, "a publish is not told once", () => `publish ${id}: ${ending}`);
      marks.add(ending);
      if (isTwin) continue;
      const wasWritten = written.has(id);
      check(ending !== "unsent" || !wasWritten, "a publish that was written is unsent");
      check(wasWritten || !SENT.has(ending), "a publish is told more than there was", () => {
        return `publish ${id} was not written: ${ending}`;
      });
    }
    for (const { replies, errors, ending, method } of this.#calls) {
      const told = replies.length + errors.length;
      check(told === 1, "a call is not told once", () => `${method.name}: ${ending}`);
    }
    for (const { told } of this.#rooms) {
      check(told === 1, "who waits for room is not told once", () => `${told} times`);
    }
    for (const { machine, window } of this.channels) {
      check(machine.ledger.open === 0 && window.queued === 0, "publishes are kept after the end");
    }
  }

  #actOnChannel(step: Extract<ApplicationAction, { readonly channel: number }>): void {
    const { machine, window } = this.channels[step.channel] ?? {};
    if (machine === undefined || window === undefined) return;
    switch (step.do) {
      case "channel call":
        return this.#ask(machine, CALLS[step.name]);
      case "withdraw call": {
        const [asked, handle] = this.#handles.pop() ?? [];
        if (handle?.waits) this.#calls.splice(this.#calls.indexOf(asked as TestCall), 1);
        return handle?.withdraw();
      }
      case "close channel": {
        const closing = call({ name: "channel.open" });
        this.#calls.push(closing);
        return machine.close(closing);
      }
      case "abandon channel":
        return machine.abandon(new TimeoutError("it took too long"));
      case "ready":
        return this.#awaitRoom(window);
      default:
        throw new Error(`nobody knows how to ${step.do}`);
    }
  }

  #openChannel(observed: boolean, maxUnconfirmed: number): void {
    const opening = call({ name: "channel.open" });
    const machine = unlessRefused(() => this.#machine.openChannel(opening));
    if (machine === undefined) return;
    this.asked += 100;
    this.#calls.push(opening);
    machine.observed = observed;
    const limits = { maxUnconfirmed, maxQueued: 200, maxQueuedBytes: 200_000 };
    this.channels.push({ machine, window: this.#machine.scheduler.openWindow(machine, limits) });
  }

  #publish(step: Publish, now: number): void {
    const { machine, window } = this.channels[step.channel] ?? {};
    if (machine === undefined || window === undefined) return;
    if (this.#published.has(step.id)) return;
    const { exchange, mandatory, immediate, twin: isTwin } = step;
    const one = publication({ exchange, mandatory, immediate, body: bodyOf(step) });
    this.asked += 300 + 2 * step.size;
    if (step.direct) {
      const tag = unlessRefused(() => machine.publish(one));
      // Without confirm.select nothing will ever be heard of it.
      if (tag === undefined || tag === 0) return;
      this.#published.set(step.id, { publication: one, isTwin, window: undefined });
      return;
    }
    if (!machine.confirming) return;
    window.submit(one);
    this.#published.set(step.id, { publication: one, isTwin, window });
    if (step.timeoutMs === undefined) return;
    const deadline = new PublishDeadline(one, window, step.timeoutMs);
    this.#machine.deadlines.add(deadline, step.timeoutMs, now);
  }

  #ask(machine: Pick<ConnectionMachine, "call">, method: ClientMethod): void {
    const asked = call(method);
    this.#calls.push(asked);
    this.asked += 200;
    const handle = machine.call(asked);
    if (handle !== undefined) this.#handles.push([asked, handle]);
  }

  #awaitRoom(window: PublishWindow): void {
    const room = { window, told: 0 };
    const told = (): void => {
      room.told++;
    };
    this.#rooms.push(room);
    window.whenRoom({ resolve: told, reject: told });
  }
}

/** What a call of the application gives; undefined where it was refused, as it may be. */
function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof AmqpError) return undefined;
    throw error;
  }
}

/** Endings that there cannot be without a message on the wire. */
const SENT: ReadonlySet<string> = new Set(["confirmed", "nacked", "returned", "refused"]);

const UPDATE_SECRET: ClientMethod = {
  name: "connection.update-secret",
  newSecret: Uint8Array.of(1),
  reason: "",
};

const CALLS: { readonly [N in CallName]: ClientMethod } = {
  "confirm.select": { name: "confirm.select", nowait: false },
  "queue.declare": DECLARE,
  "queue.bind": BIND,
  "basic.get": { name: "basic.get", queue: "q", noAck: true },
};
