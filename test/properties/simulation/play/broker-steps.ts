/** What the broker does in a run: when it reads, handles and confirms, and how it misbehaves. */
import type { Method } from "../../../../src/wire/generated/methods.ts";
import { ABOUT_NOW, MISDEEDS, type Misdeed } from "../misbehaviour.ts";
import type { Life, ModelBroker } from "../model-broker.ts";
import type { BrokerStep } from "../schedule.ts";
import type { World } from "./world.ts";

/** The broker's part of a schedule. */
export class BrokerSteps {
  readonly #world: World;
  readonly #broker: ModelBroker;

  constructor(world: World) {
    this.#world = world;
    this.#broker = world.broker;
  }

  take(step: BrokerStep): void {
    const broker = this.#broker;
    switch (step.do) {
      case "serve":
        return this.serve();
      case "handle": {
        const { busy } = broker;
        const number = busy[step.channel % busy.length];
        if (number !== undefined) broker.handle(number, step.most);
        return;
      }
      case "confirm":
        return this.#confirm(this.#life(step.channel), step.how, step.pick, step.multiple);
      case "confirm tag 0":
        return this.#confirmTag0(this.#life(step.channel), step.how);
      case "flow": {
        const life = this.#life(step.channel);
        if (life !== undefined) broker.flow(life, step.active);
        return;
      }
      case "block":
        return broker.block();
      case "unblock":
        return broker.unblock();
      case "change exchange":
        broker.exchangeExists = !broker.exchangeExists;
        return;
      case "change key":
        broker.keyIsBound = !broker.keyIsBound;
        return;
      case "broker closes channel": {
        const life = this.#life(step.channel);
        const close = CLOSES[step.reason % CLOSES.length];
        if (life !== undefined && close !== undefined) broker.closeChannel(life, ...close);
        return;
      }
      case "broker closes connection":
        return this.closeConnection();
      case "misbehave":
        return this.#misbehave(step.how, step.channel);
    }
  }

  read(octets: number): void {
    if (!this.#broker.blocked) this.#broker.read(this.#world.network.read(octets));
  }

  /** Reads and handles everything that has been sent. */
  serve(): void {
    const { network } = this.#world;
    if (!network.slow) network.accept(Number.POSITIVE_INFINITY);
    this.read(Number.POSITIVE_INFINITY);
    this.#broker.handleAll();
  }

  confirmEverything(): void {
    for (const life of this.#broker.open) {
      const last = this.#broker.unconfirmed(life).at(-1);
      if (last !== undefined) this.#broker.confirm(life, "ack", last, true);
    }
  }

  closeConnection(): void {
    this.#broker.closeConnection(320, "CONNECTION_FORCED - Node was put into maintenance mode");
  }

  #life(which: number): Life | undefined {
    const { open } = this.#broker;
    return open[which % open.length];
  }

  #confirm(life: Life | undefined, how: "ack" | "nack", pick: number, multiple: boolean): void {
    if (life === undefined) return;
    const open = this.#broker.unconfirmed(life);
    // Mostly the last ones, so that `multiple` covers much.
    const tag = open[open.length - 1 - (pick % open.length)];
    if (tag !== undefined) this.#broker.confirm(life, how, tag, multiple);
  }

  /** Tag 0 is all that is outstanding, which both sides must understand alike. */
  #confirmTag0(life: Life | undefined, how: "ack" | "nack"): void {
    if (life === undefined || !this.#agrees()) return;
    if (!this.#broker.open.includes(life) || this.#broker.unconfirmed(life).length === 0) return;
    this.#broker.confirm(life, how, 0, true);
    this.#world.network.deliver(Number.POSITIVE_INFINITY);
  }

  #misbehave(how: Misdeed, which: number): void {
    const broker = this.#broker;
    const { network } = this.#world;
    const atOnce = ABOUT_NOW.has(how);
    if (atOnce && !(this.#world.isQuiet && this.#agrees() && network.undelivered === 0)) return;
    if (broker.state !== "open") return;
    const life = this.#life(which);
    if (life === undefined) return;
    const { frameMax, channelMax } = broker.config;
    const closed = [...broker.lives].filter(([, lives]) => lives.at(-1)?.state === "gone");
    const unused = closed[which % closed.length]?.[0] ?? channelMax + 1;
    const nextTag = life.handled.length + 1;
    const settledTag = life.handled.findLastIndex(({ confirm }) => confirm !== undefined) + 1;
    const scene = { channel: life.number, unused, nextTag, settledTag, frameMax };
    broker.say(Uint8Array.from(MISDEEDS[how](scene)));
    if (atOnce) network.deliver(Number.POSITIVE_INFINITY);
  }

  /** Whether both sides know of the same channels and publishes, once the broker has read all. */
  #agrees(): boolean {
    const { network, openings } = this.#world;
    if (this.#broker.blocked || network.slow || openings > 0) return false;
    this.serve();
    return true;
  }
}

/** Why a broker closes a channel although nobody asked for anything wrong. */
const CLOSES: readonly (readonly [number, string, Method["name"]?])[] = [
  [406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"],
  [406, "PRECONDITION_FAILED - unknown delivery tag 7", "basic.ack"],
  [406, "PRECONDITION_FAILED - invalid message: something else", "basic.publish"],
  [404, "NOT_FOUND - no queue 'orders' in vhost '/'", "basic.publish"],
  // What a search for a name would take for the culprit's.
  [403, "ACCESS_REFUSED - orders, missing, missing too, locked", "basic.publish"],
];
