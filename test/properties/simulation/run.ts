/**
 * Plays a schedule: the real client between a virtual clock, a network in memory and the model
 * broker. Everything that the client is asked, told and says goes into the transcript.
 *
 * A turn stands for one of Node's event loop: what the schedule does, all promises that follow, then
 * what was to run soon, the timers that are due, and what the network does by itself, until nothing
 * is left to do.
 */
import { getEventListeners } from "node:events";
import type { Channel } from "../../../src/client/channel.ts";
import { type Connection, openConnection } from "../../../src/client/connection.ts";
import { planConnection } from "../../../src/client/options.ts";
import type { PublishOptions } from "../../../src/client/publish-options.ts";
import type { Publisher } from "../../../src/client/publisher.ts";
import { BatchError } from "../../../src/errors.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { settlePromises, VirtualClock } from "./clock.ts";
import { type Life, ModelBroker } from "./model-broker.ts";
import { Network } from "./network.ts";
import { messageOf, type Schedule, type Step } from "./schedule.ts";
import { type Entry, type Message, type Opening, type Saying, sayingOf } from "./transcript.ts";

/** What a run leaves behind. */
export interface Run {
  readonly transcript: readonly Entry[];
  readonly broker: ModelBroker;
}

/** Makes the client's words others, to see whether the judge notices. */
export type Disguise = (saying: Saying) => Saying;

/** Plays a schedule to its end. */
export async function play(schedule: Schedule, disguise?: Disguise): Promise<Run> {
  const simulation = new Simulation(schedule, disguise);
  try {
    await simulation.play();
  } catch (error) {
    simulation.mistake(`${(error as Error).stack}`);
  }
  return { transcript: simulation.transcript, broker: simulation.broker };
}

interface Member {
  readonly opening: Opening;
  publisher: Publisher | undefined;
  channel: Channel | undefined;
  published: number;
}

class Simulation {
  readonly transcript: Entry[] = [];
  readonly broker: ModelBroker;
  readonly #schedule: Schedule;
  readonly #disguise: Disguise;
  readonly #clock = new VirtualClock();
  readonly #network: Network;
  #connection: Connection | undefined;
  readonly #attempt = new AbortController();
  readonly #members: Member[] = [];
  readonly #signals: AbortController[] = [];
  #published = 0;
  #waits = 0;
  /** Promises of the client that are not settled yet, by what they are for. */
  readonly #pending: Map<Promise<unknown>, string> = new Map();

  constructor(schedule: Schedule, disguise: Disguise = (saying) => saying) {
    this.#schedule = schedule;
    this.#disguise = disguise;
    this.#network = new Network((entry) => this.#record(entry));
    this.broker = new ModelBroker(schedule.broker, (octets) => this.#network.say(octets));
    for (let i = 0; i < 3; i++) this.#signals.push(new AbortController());
  }

  mistake(text: string): void {
    this.#record({ what: "mistake", text });
  }

  async play(): Promise<void> {
    const { openings, steps, ending } = this.#schedule;
    await this.#connect();
    if (this.#connection !== undefined) {
      for (const opening of openings) this.#open(opening);
      for (let i = 0; i < 3; i++) await this.#exchange();
      let afterwards = 0;
      for (const step of steps) {
        const isOver = this.#network.closed;
        if (isOver && (!OF_THE_APPLICATION.has(step.do) || afterwards++ > 2)) continue;
        await this.#step(step);
        if (step.together) await settlePromises();
        else await this.#endTurn();
      }
      await this.#endTurn();
      await this.#end(this.#connection, ending);
    }
    await this.#lookForRemains();
  }

  // ----- turns and time -----

  async #endTurn(): Promise<void> {
    await settlePromises();
    for (let round = 0, more = true; more; round++) {
      if (round > 100) throw new Error("the turn does not end");
      this.#record({ what: "turn ends" });
      more = this.#clock.runSoon();
      if (more) await settlePromises();
      if (this.#clock.next <= this.#clock.now()) {
        this.#record({ what: "time", now: this.#clock.now() });
        this.#clock.runTimers();
        await settlePromises();
        more = true;
      }
      if (this.#network.settle()) {
        await settlePromises();
        more = true;
      }
    }
    this.#record({
      what: "quiet",
      members: this.#members.map(({ publisher }) => ({
        queued: publisher?.queued ?? 0,
        unconfirmed: publisher?.unconfirmed ?? 0,
      })),
      bufferedBytes: this.#network.bufferedBytes,
    });
  }

  async #pass(ms: number): Promise<void> {
    const end = this.#clock.now() + ms;
    for (let at = this.#clock.next; ; at = this.#clock.next) {
      this.#clock.jump(Math.min(at, end));
      this.#record({ what: "time", now: this.#clock.now() });
      if (at > end) return;
      await this.#endTurn();
    }
  }

  async #live(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= BROKER_HEARTBEAT_MS) {
      this.broker.heartbeat();
      this.#network.deliver(Number.POSITIVE_INFINITY);
      await this.#endTurn();
      await this.#pass(Math.min(left, BROKER_HEARTBEAT_MS));
    }
  }

  // ----- the beginning and the end -----

  async #connect(): Promise<void> {
    const { broker, heartbeatSeconds, handshakeCut } = this.#schedule;
    const plan = planConnection(undefined, { vhost: broker.vhost, heartbeatSeconds });
    openConnection(this.#network, plan, this.#clock, this.#attempt.signal).then(
      (connection) => {
        this.#connection = connection;
        connection.closed.then(
          (error) => this.#record({ what: "connection closed", error }),
          () => this.mistake("connection.closed was rejected"),
        );
        this.#expect("connection.closed", connection.closed);
      },
      (error) => this.#record({ what: "connection failed", error }),
    );
    if (handshakeCut === undefined) {
      for (let i = 0; i < 3; i++) await this.#exchange();
      if (this.#connection === undefined) throw new Error("it does not connect");
      return;
    }
    for (let i = 0; i < handshakeCut; i++) {
      this.#serve();
      this.#network.deliver(1);
      await this.#endTurn();
    }
    this.#network.cut(undefined);
    await this.#endTurn();
    this.#connection?.destroy();
  }

  /** Everything that is on its way arrives and is answered. */
  async #exchange(): Promise<void> {
    await this.#endTurn();
    this.#serve();
    this.#network.deliver(Number.POSITIVE_INFINITY);
    await this.#endTurn();
  }

  async #end(connection: Connection, ending: Schedule["ending"]): Promise<void> {
    if (ending === "destroy") this.#destroy();
    if (ending === "close" || ending === "both close") this.#close(connection, 30_000);
    if (ending === "broker closes" || ending === "both close") this.#brokerCloses();
    await this.#endTurn();
    if (ending === "silence") await this.#pass(2 * 60_000 + 2000);
    const rounds = ending === "cut" || ending === "silence" ? 0 : 40;
    for (let round = 0; round < rounds && !this.#network.closed; round++) {
      this.broker.unblock();
      this.#network.change(false, 1);
      this.#serve();
      this.#confirmEverything();
      await this.#exchange();
      if (this.broker.state === "closed" && this.#network.undelivered === 0) {
        this.#network.cut(undefined);
      }
      await this.#live(1000);
    }
    if (rounds > 0 && !this.#network.closed) this.mistake("it does not close");
    this.#network.cut(undefined);
    await this.#endTurn();
  }

  /** Nothing may be left when the connection is gone. */
  async #lookForRemains(): Promise<void> {
    this.#members.forEach((member, index) => {
      if (member.channel !== undefined) this.#wait(member.channel, index);
    });
    await this.#endTurn();
    for (const what of this.#pending.values()) this.mistake(`never settled: ${what}`);
    if (this.#clock.last > this.#clock.now() + LINGER_MS) this.mistake("a timer was left running");
    await this.#pass(LINGER_MS);
    if (this.#clock.timers > 0) this.mistake("a timer is left");
    for (const { publisher } of this.#members) {
      if ((publisher?.unconfirmed ?? 0) > 0) this.mistake("the ledger is not empty");
      if ((publisher?.queued ?? 0) > 0) this.mistake("the queue is not empty");
    }
    for (const { signal } of [...this.#signals, this.#attempt]) {
      if (getEventListeners(signal, "abort").length > 0) this.mistake("a listener is left");
    }
    this.broker.read(this.#network.read(Number.POSITIVE_INFINITY));
    this.broker.handleAll();
  }

  // ----- steps -----

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case "publish":
        for (let i = 0; i < step.count; i++) this.#publish(step);
        return;
      case "abort":
        return this.#abort(step.signal);
      case "bind":
        return this.#bind(step.by, step.missing ? "missing" : "");
      case "wait": {
        const channels = this.#members.filter(({ channel }) => channel !== undefined);
        const picked = channels[step.by % channels.length];
        if (picked?.channel === undefined) return;
        return this.#wait(picked.channel, this.#members.indexOf(picked));
      }
      case "open":
        if (this.#members.length < MOST_MEMBERS) this.#open(step.opening);
        return;
      case "close member":
        return this.#closeMember(step.by, step.timeoutMs, step.signal);
      case "close connection":
        return this.#close(this.#connection as Connection, step.timeoutMs);
      case "destroy":
        return this.#destroy();
      case "network":
        return this.#network.change(step.slow, step.heavy ? HEAVY : 1);
      case "accept":
        this.#network.accept(step.octets);
        return;
      case "read":
        return this.#read(step.octets);
      case "deliver":
        return this.#network.deliver(step.octets);
      case "deliver all":
        return this.#network.deliver(Number.POSITIVE_INFINITY);
      case "cut":
        return this.#network.cut(step.reset ? new Error("ECONNRESET") : undefined);
      case "serve":
        return this.#serve();
      case "handle": {
        const { busy } = this.broker;
        const number = busy[step.channel % busy.length];
        if (number !== undefined) this.broker.handle(number, step.most);
        return;
      }
      case "confirm":
        return this.#confirm(this.#life(step.channel), step.how, step.pick, step.multiple);
      case "confirm tag 0":
        return this.#confirmTag0(this.#life(step.channel), step.how);
      case "flow": {
        const life = this.#life(step.channel);
        if (life !== undefined) this.broker.flow(life, step.active);
        return;
      }
      case "block":
        return this.broker.block();
      case "unblock":
        return this.broker.unblock();
      case "change exchange":
        this.broker.exchangeExists = !this.broker.exchangeExists;
        return;
      case "change key":
        this.broker.keyIsBound = !this.broker.keyIsBound;
        return;
      case "broker closes channel": {
        const life = this.#life(step.channel);
        const close = CLOSES[step.reason % CLOSES.length];
        if (life !== undefined && close !== undefined) this.broker.closeChannel(life, ...close);
        return;
      }
      case "broker closes connection":
        return this.#brokerCloses();
      case "pass":
        return this.#pass(step.ms);
      case "live":
        return this.#live(step.ms);
      case "late":
        this.#clock.jump(this.#clock.now() + step.ms);
        this.#record({ what: "time", now: this.#clock.now() });
        this.#clock.runTimers();
        await settlePromises();
        return this.#network.deliver(Number.POSITIVE_INFINITY);
    }
  }

  // ----- the application -----

  #open(opening: Opening): void {
    const index = this.#members.length;
    const member: Member = { opening, publisher: undefined, channel: undefined, published: 0 };
    const connection = this.#connection as Connection;
    this.#members.push(member);
    this.#record({ what: "opens", member: index, opening });
    const opened = (what: "publisher" | "channel", it: Publisher | Channel): void => {
      this.#record({ what: "opened", member: index });
      this.#expect(`closed of ${what} ${index}`, it.closed);
    };
    const { kind, ...options } = opening;
    const promise =
      kind === "publisher"
        ? connection.openPublisher(options).then((publisher) => {
            member.publisher = publisher;
            opened("publisher", publisher);
          })
        : connection.openChannel().then((channel) => {
            this.#listen(channel, index);
            opened("channel", channel);
            this.#expect(`confirm.select of ${index}`, channel.confirmSelect());
            member.channel = channel;
          });
    promise.catch((error) => this.#record({ what: "opening failed", member: index, error }));
    this.#expect(`opening of ${index}`, promise);
  }

  #listen(channel: Channel, member: number): void {
    const told = (event: string): void => this.#record({ what: "event", member, event });
    for (const name of ["ack", "nack"] as const) {
      channel.on(name, ({ deliveryTag, multiple }) => told(`${name} ${deliveryTag} ${multiple}`));
    }
    channel.on("return", ({ exchange, routingKey }) => told(`return ${exchange} ${routingKey}`));
    channel.on("flow", (active) => told(`flow ${active}`));
  }

  #publish(step: Extract<Step, { do: "publish" }>): void {
    const ready = this.#members.filter(({ publisher, channel }) => publisher ?? channel);
    const member = ready[step.by % ready.length];
    if (member === undefined) return;
    const index = this.#members.indexOf(member);
    const message = messageOf(step.kind, index, member.published++);
    const id = this.#published++;
    const signal = step.signal === undefined ? undefined : step.signal % this.#signals.length;
    const timeoutMs = step.timeoutMs ?? member.opening.timeoutMs;
    this.#record({ what: "publishes", id, member: index, message, timeoutMs, signal });
    const options: PublishOptions = {
      ...message.properties,
      mandatory: message.mandatory,
      immediate: message.immediate,
      timeoutMs: step.timeoutMs,
      signal: signal === undefined ? undefined : this.#signals[signal]?.signal,
    };
    const body = id % 2 === 0 ? message.body : Buffer.from(message.body);
    if (member.channel !== undefined) {
      return this.#basicPublish(member.channel, id, message, body, options);
    }
    const promise = (member.publisher as Publisher).publish(
      message.exchange,
      message.routingKey,
      body,
      options,
    );
    promise.then(
      ({ deliveryTag }) => this.#said(id, { ...CONFIRMED, deliveryTag }),
      (error) => this.#said(id, sayingOf(error)),
    );
    this.#expect(`publish ${id}`, promise);
  }

  #basicPublish(
    channel: Channel,
    id: number,
    { exchange, routingKey }: Message,
    body: string | Uint8Array,
    options: PublishOptions,
  ): void {
    try {
      const deliveryTag = channel.basicPublish(exchange, routingKey, body, options);
      this.#record({ what: "numbered", id, deliveryTag });
    } catch (error) {
      const { bufferedBytes } = this.#network;
      this.#record({ what: "threw", id, error, bufferedBytes });
    }
  }

  #wait(channel: Channel, member: number): void {
    const wait = this.#waits++;
    this.#record({ what: "waits", wait, member });
    const promise = channel.waitForConfirms();
    promise.then(
      () => this.#record({ what: "waited", wait, confirmed: undefined, failures: [] }),
      (error) => {
        const { failures: all, confirmed } =
          error instanceof BatchError ? error : { failures: [], confirmed: 0 };
        const failures = all.map(({ error, deliveryTag }) =>
          this.#disguise({ ...sayingOf(error), deliveryTag }),
        );
        this.#record({ what: "waited", wait, confirmed, failures });
      },
    );
    this.#expect(`waitForConfirms of ${member}`, promise);
  }

  #bind(by: number, exchange: string): void {
    const channels = this.#members.filter(({ channel }) => channel !== undefined);
    const { channel } = channels[by % channels.length] ?? {};
    if (channel !== undefined) this.#expect("bind", channel.queueBind("q", exchange, "key"));
  }

  #abort(which: number): void {
    const signal = which % this.#signals.length;
    if (this.#signals[signal]?.signal.aborted) return;
    this.#record({ what: "aborts", signal });
    this.#signals[signal]?.abort();
  }

  #closeMember(by: number, timeoutMs: number, which: number | undefined): void {
    const ready = this.#members.filter(({ publisher, channel }) => publisher ?? channel);
    const member = ready[by % ready.length];
    if (member === undefined) return;
    const signal = which === undefined ? undefined : which % this.#signals.length;
    const index = this.#members.indexOf(member);
    this.#record({ what: "closes member", member: index, timeoutMs, signal });
    const options = {
      timeoutMs,
      signal: signal === undefined ? undefined : this.#signals[signal]?.signal,
    };
    const closed = (member.publisher ?? member.channel)?.close(options);
    if (closed !== undefined) this.#expect(`close() of ${index}`, closed);
  }

  #close(connection: Connection, timeoutMs: number): void {
    this.#record({ what: "closes connection", timeoutMs });
    this.#expect("close() of the connection", connection.close({ timeoutMs }));
  }

  #destroy(): void {
    this.#record({ what: "destroys" });
    this.#connection?.destroy(new Error("enough"));
  }

  // ----- the broker -----

  #read(octets: number): void {
    if (!this.broker.blocked) this.broker.read(this.#network.read(octets));
  }

  #serve(): void {
    if (!this.#network.slow) this.#network.accept(Number.POSITIVE_INFINITY);
    this.#read(Number.POSITIVE_INFINITY);
    this.broker.handleAll();
  }

  #life(which: number): Life | undefined {
    const { open } = this.broker;
    return open[which % open.length];
  }

  #confirm(life: Life | undefined, how: "ack" | "nack", pick: number, multiple: boolean): void {
    if (life === undefined) return;
    const open = this.broker.unconfirmed(life);
    // Mostly the last ones, so that `multiple` covers much.
    const tag = open[open.length - 1 - (pick % open.length)];
    if (tag !== undefined) this.broker.confirm(life, how, tag, multiple);
  }

  /** Tag 0 is all that is outstanding, which both sides must understand alike. */
  #confirmTag0(life: Life | undefined, how: "ack" | "nack"): void {
    if (life === undefined || this.broker.blocked || this.#network.slow) return;
    this.#serve();
    if (!this.broker.open.includes(life) || this.broker.unconfirmed(life).length === 0) return;
    this.broker.confirm(life, how, 0, true);
    this.#network.deliver(Number.POSITIVE_INFINITY);
  }

  #confirmEverything(): void {
    for (const life of this.broker.open) {
      const last = this.broker.unconfirmed(life).at(-1);
      if (last !== undefined) this.broker.confirm(life, "ack", last, true);
    }
  }

  #brokerCloses(): void {
    this.broker.closeConnection(320, "CONNECTION_FORCED - Node was put into maintenance mode");
  }

  // ----- the record -----

  #record(entry: Entry): void {
    this.transcript.push(entry);
  }

  #said(id: number, saying: Saying): void {
    this.#record({ what: "said", id, saying: this.#disguise(saying) });
  }

  #expect(what: string, promise: Promise<unknown>): void {
    this.#pending.set(promise, what);
    const settled = (): boolean => this.#pending.delete(promise);
    promise.then(settled, settled);
  }
}

const CONFIRMED: Saying = {
  ending: "confirmed",
  deliveryTag: 0,
  mayBeDelivered: true,
  causeCode: undefined,
  text: "",
};

/** Why a broker closes a channel although nobody asked for anything wrong. */
const CLOSES: readonly (readonly [number, string, Method["name"]?])[] = [
  [406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"],
  [406, "PRECONDITION_FAILED - unknown delivery tag 7", "basic.ack"],
  [406, "PRECONDITION_FAILED - invalid message: something else", "basic.publish"],
  [404, "NOT_FOUND - no queue 'orders' in vhost '/'", "basic.publish"],
  // What a search for a name would take for the culprit's.
  [403, "ACCESS_REFUSED - orders, missing, missing too, locked", "basic.publish"],
];

const OF_THE_APPLICATION: ReadonlySet<Step["do"]> = new Set([
  ...(["publish", "abort", "wait", "open", "close member", "close connection", "destroy"] as const),
]);

const BROKER_HEARTBEAT_MS = 4000;
const MOST_MEMBERS = 6;
/** So that eight octets are over the mebibyte that a socket may hold. */
const HEAVY = 1_048_576 / 8;
/** How long a closed connection may keep its socket open. */
const LINGER_MS = 1000;
