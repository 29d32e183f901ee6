/**
 * Plays a schedule: the real client between a virtual clock, a network in memory and the model
 * broker. Everything that the client is asked, told and says goes into the transcript.
 *
 * A turn stands for one of Node's event loop: what the schedule does, all promises that follow, then
 * what was to run soon, the timers that are due, and what the network does by itself, until nothing
 * is left to do.
 */
import { type Connection, openConnection } from "../../../../src/client/connection.ts";
import { planConnection } from "../../../../src/client/options.ts";
import { settlePromises } from "../clock.ts";
import type { ModelBroker } from "../model-broker.ts";
import { MAX_BODY_BYTES, type Schedule, type Step } from "../schedule.ts";
import { type Entry, reasonOf } from "../transcript.ts";
import { Application, isOfTheApplication } from "./application.ts";
import { BrokerSteps } from "./broker-steps.ts";
import { World } from "./world.ts";

/** What a run leaves behind. */
export interface Run {
  readonly transcript: readonly Entry[];
  readonly broker: ModelBroker;
}

/** Plays a schedule to its end. */
export async function play(schedule: Schedule): Promise<Run> {
  const world = new World(schedule.broker);
  try {
    await new Simulation(schedule, world).play();
  } catch (error) {
    world.mistake(`${(error as Error).stack}`);
  }
  return { transcript: world.transcript, broker: world.broker };
}

class Simulation {
  readonly #schedule: Schedule;
  readonly #world: World;
  readonly #application: Application;
  readonly #broker: BrokerSteps;
  readonly #attempt = new AbortController();
  #connection: Connection | undefined;

  constructor(schedule: Schedule, world: World) {
    this.#schedule = schedule;
    this.#world = world;
    this.#application = new Application(world);
    this.#broker = new BrokerSteps(world);
  }

  async play(): Promise<void> {
    const { openings, steps, ending } = this.#schedule;
    await this.#connect();
    if (this.#connection !== undefined) {
      this.#application.connection = this.#connection;
      for (const opening of openings) this.#application.open(opening);
      for (let i = 0; i < 3; i++) await this.#exchange();
      let afterwards = 0;
      for (const step of steps) {
        const isOver = this.#world.network.closed;
        if (isOver && (!isOfTheApplication(step) || afterwards++ > 2)) continue;
        await this.#step(step);
        if (step.together) await settlePromises();
        else await this.#endTurn();
        this.#world.isQuiet = !step.together;
      }
      await this.#endTurn();
      await this.#end(ending);
    }
    await this.#lookForRemains();
  }

  // ----- turns and time -----

  async #endTurn(): Promise<void> {
    const { clock, network } = this.#world;
    await settlePromises();
    for (let round = 0, more = true; more; round++) {
      if (round > 100) throw new Error("the turn does not end");
      this.#world.record({ what: "turn ends" });
      more = clock.runSoon();
      if (more) await settlePromises();
      if (clock.next <= clock.now()) {
        this.#world.record({ what: "time", now: clock.now() });
        clock.runTimers();
        await settlePromises();
        more = true;
      }
      if (network.settle()) {
        await settlePromises();
        more = true;
      }
    }
    const { bufferedBytes } = network;
    this.#world.record({ what: "quiet", members: this.#application.counts(), bufferedBytes });
  }

  async #pass(ms: number): Promise<void> {
    const { clock } = this.#world;
    const end = clock.now() + ms;
    for (let at = clock.next; ; at = clock.next) {
      clock.jump(Math.min(at, end));
      this.#world.record({ what: "time", now: clock.now() });
      if (at > end) return;
      await this.#endTurn();
    }
  }

  async #live(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= BROKER_HEARTBEAT_MS) {
      this.#world.broker.heartbeat();
      this.#world.network.deliver(Number.POSITIVE_INFINITY);
      await this.#endTurn();
      await this.#pass(Math.min(left, BROKER_HEARTBEAT_MS));
    }
  }

  async #late(ms: number): Promise<void> {
    const { clock, network } = this.#world;
    clock.jump(clock.now() + ms);
    this.#world.record({ what: "time", now: clock.now() });
    clock.runTimers();
    await settlePromises();
    network.deliver(Number.POSITIVE_INFINITY);
  }

  // ----- the beginning and the end -----

  async #connect(): Promise<void> {
    const { network, clock } = this.#world;
    const { broker, heartbeatSeconds, handshakeCut } = this.#schedule;
    const plan = planConnection(undefined, {
      ...{ vhost: broker.vhost, heartbeatSeconds, maxBodyBytes: MAX_BODY_BYTES },
    });
    openConnection(network, plan, clock, this.#attempt.signal).then(
      (connection) => {
        this.#connection = connection;
        this.#world.recordClosed("connection.closed", connection.closed, (reason) => {
          return { what: "connection closed", reason };
        });
      },
      (error) => this.#world.record({ what: "connection failed", reason: reasonOf(error) }),
    );
    if (handshakeCut === undefined) {
      for (let i = 0; i < 3; i++) await this.#exchange();
      if (this.#connection === undefined) throw new Error("it does not connect");
      return;
    }
    for (let i = 0; i < handshakeCut; i++) {
      this.#broker.serve();
      network.deliver(1);
      await this.#endTurn();
    }
    network.cut(undefined);
    await this.#endTurn();
    this.#connection?.destroy();
  }

  /** Everything that is on its way arrives and is answered. */
  async #exchange(): Promise<void> {
    await this.#endTurn();
    this.#broker.serve();
    this.#world.network.deliver(Number.POSITIVE_INFINITY);
    await this.#endTurn();
  }

  async #end(ending: Schedule["ending"]): Promise<void> {
    const { network, broker } = this.#world;
    if (ending === "destroy") this.#application.destroy();
    if (ending === "close" || ending === "both close") this.#application.close(30_000);
    if (ending === "broker closes" || ending === "both close") this.#broker.closeConnection();
    await this.#endTurn();
    if (ending === "silence") await this.#pass(2 * 60_000 + 2000);
    const rounds = ending === "cut" || ending === "silence" ? 0 : 40;
    for (let round = 0; round < rounds && !network.closed; round++) {
      broker.unblock();
      network.change(false, 1);
      this.#broker.serve();
      this.#broker.confirmEverything();
      await this.#exchange();
      if (broker.state === "closed" && network.undelivered === 0) network.cut(undefined);
      await this.#live(1000);
    }
    if (rounds > 0 && !network.closed) this.#world.mistake("it does not close");
    network.cut(undefined);
    await this.#endTurn();
  }

  /** Nothing may be left when the connection is gone. */
  async #lookForRemains(): Promise<void> {
    const { clock, broker, network, pending } = this.#world;
    this.#application.waitForTheRest();
    await this.#endTurn();
    for (const what of pending.values()) this.#world.mistake(`never settled: ${what}`);
    if (clock.last > clock.now() + LINGER_MS) this.#world.mistake("a timer was left running");
    await this.#pass(LINGER_MS);
    if (clock.timers > 0) this.#world.mistake("a timer is left");
    for (const remains of this.#application.remains([this.#attempt.signal])) {
      this.#world.mistake(remains);
    }
    broker.read(network.read(Number.POSITIVE_INFINITY));
    broker.handleAll();
  }

  // ----- steps -----

  async #step(step: Step): Promise<void> {
    if (isOfTheApplication(step)) return this.#application.take(step);
    const { network } = this.#world;
    switch (step.do) {
      case "network":
        return network.change(step.slow, step.heavy ? HEAVY : 1);
      case "accept":
        network.accept(step.octets);
        return;
      case "read":
        return this.#broker.read(step.octets);
      case "deliver":
        return network.deliver(step.octets);
      case "deliver all":
        return network.deliver(Number.POSITIVE_INFINITY);
      case "cut":
        return network.cut(step.reset ? new Error("ECONNRESET") : undefined);
      case "pass":
        return this.#pass(step.ms);
      case "live":
        return this.#live(step.ms);
      case "late":
        return this.#late(step.ms);
      default:
        return this.#broker.take(step);
    }
  }
}

const BROKER_HEARTBEAT_MS = 4000;
/** So that eight octets are over the mebibyte that a socket may hold. */
const HEAVY = 1_048_576 / 8;
/** How long a closed connection may keep its socket open. */
const LINGER_MS = 1000;
