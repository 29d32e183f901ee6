/** What the application does in a run, with the real client. */
import { getEventListeners } from "node:events";
import type { Channel } from "../../../../src/client/channel.ts";
import type { Connection } from "../../../../src/client/connection.ts";
import type { PublishOptions } from "../../../../src/client/publish-options.ts";
import type { Publisher } from "../../../../src/client/publisher.ts";
import { BatchError } from "../../../../src/errors.ts";
import { type MessageKind, messageOf } from "../messages.ts";
import type { ApplicationStep, Step } from "../schedule.ts";
import { confirmedWith, type Message, type Opening, reasonOf, sayingOf } from "../transcript.ts";
import { Batches } from "./batches.ts";
import type { World } from "./world.ts";

interface Member {
  readonly index: number;
  readonly opening: Opening;
  publisher: Publisher | undefined;
  channel: Channel | undefined;
  published: number;
}

/** What is published, and what bounds it. */
interface Order {
  readonly kind: MessageKind;
  readonly timeoutMs: number | undefined;
  readonly signal: number | undefined;
  readonly batch: number | undefined;
}

/** Whether the application can do this also when the connection is gone. */
export function isOfTheApplication<S extends Step>(step: S): step is S & ApplicationStep {
  return OF_THE_APPLICATION.has(step.do as ApplicationStep["do"]);
}

const OF_THE_APPLICATION: ReadonlySet<ApplicationStep["do"]> = new Set([
  ...(["publish", "publish all", "feed", "ready", "abort", "bind", "update secret"] as const),
  ...(["wait", "open", "close member", "close connection", "destroy"] as const),
]);

/** The application of one run. */
export class Application {
  /** Set once it is open. */
  connection: Connection | undefined;
  readonly #world: World;
  readonly #batches: Batches;
  readonly #members: Member[] = [];
  readonly #signals: AbortController[] = [];
  #published = 0;
  #waits = 0;
  #readies = 0;
  #calls = 0;

  constructor(world: World) {
    this.#world = world;
    this.#batches = new Batches(world);
    for (let i = 0; i < 3; i++) this.#signals.push(new AbortController());
  }

  take(step: ApplicationStep): void {
    switch (step.do) {
      case "publish": {
        const member = pick(this.#open, step.by);
        for (let i = 0; i < step.count && member !== undefined; i++) {
          this.#publish(member, { ...step, batch: undefined });
        }
        return;
      }
      case "publish all":
        return this.#publishAll(step);
      case "feed":
        return this.#batches.feed(step.by);
      case "ready":
        return this.#ready(pick(this.#publishers, step.by), step.signal);
      case "abort":
        return this.#abort(step.signal);
      case "bind":
        return this.#bind(pick(this.#channels, step.by), step.missing ? "missing" : "");
      case "update secret":
        return this.#updateSecret();
      case "wait":
        return this.#wait(pick(this.#open, step.by));
      case "open":
        if (this.#members.length < MOST_MEMBERS) this.open(step.opening);
        return;
      case "close member":
        return this.#closeMember(step);
      case "close connection":
        return this.close(step.timeoutMs);
      case "destroy":
        return this.destroy();
    }
  }

  /** What publishers say of themselves. */
  counts(): { readonly queued: number; readonly unconfirmed: number }[] {
    return this.#members.map(({ publisher }) => ({
      queued: publisher?.queued ?? 0,
      unconfirmed: publisher?.unconfirmed ?? 0,
    }));
  }

  open(opening: Opening): void {
    const index = this.#members.length;
    const member: Member = {
      ...{ index, opening, publisher: undefined, channel: undefined, published: 0 },
    };
    const connection = this.connection as Connection;
    this.#members.push(member);
    this.#world.record({ what: "opens", member: index, opening });
    const opened = (what: "publisher" | "channel", it: Publisher | Channel): void => {
      this.#world.record({ what: "opened", member: index });
      this.#world.recordClosed(`closed of ${what} ${index}`, it.closed, (reason) => {
        return { what: "member closed", member: index, reason };
      });
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
            this.#ask("confirm.select", index, () => channel.confirmSelect());
            member.channel = channel;
          });
    this.#world.openings++;
    promise
      .catch((error) => {
        this.#world.record({ what: "opening failed", member: index, reason: reasonOf(error) });
      })
      .finally(() => this.#world.openings--);
    this.#world.expect(`opening of ${index}`, promise);
  }

  close(timeoutMs: number): void {
    this.#world.record({ what: "closes connection", timeoutMs });
    const closed = (this.connection as Connection).close({ timeoutMs });
    this.#world.expect("close() of the connection", closed);
  }

  destroy(): void {
    this.#world.record({ what: "destroys" });
    this.connection?.destroy(new Error("enough"));
  }

  /** Only waitForConfirms() tells what became of the publishes of a channel. */
  waitForTheRest(): void {
    for (const member of this.#channels) this.#wait(member);
  }

  /** What is left when everything is over. */
  remains(signals: readonly AbortSignal[]): string[] {
    const all = [...this.#signals.map(({ signal }) => signal), ...signals];
    return [
      ...this.counts().flatMap(({ queued, unconfirmed }) => [
        ...(unconfirmed > 0 ? ["the ledger is not empty"] : []),
        ...(queued > 0 ? ["the queue is not empty"] : []),
      ]),
      ...all
        .filter((signal) => getEventListeners(signal, "abort").length > 0)
        .map(() => "a listener is left"),
    ];
  }

  get #open(): Member[] {
    return this.#members.filter(({ publisher, channel }) => publisher ?? channel);
  }

  get #publishers(): (Member & { readonly publisher: Publisher })[] {
    return this.#members.filter(
      (member): member is Member & { publisher: Publisher } => member.publisher !== undefined,
    );
  }

  get #channels(): (Member & { readonly channel: Channel })[] {
    return this.#members.filter(
      (member): member is Member & { channel: Channel } => member.channel !== undefined,
    );
  }

  #signal(which: number | undefined): [index: number | undefined, signal: AbortSignal | undefined] {
    if (which === undefined) return [undefined, undefined];
    const index = which % this.#signals.length;
    return [index, this.#signals[index]?.signal];
  }

  // ----- publishing -----

  #publish(member: Member, order: Order): void {
    const { id, message, body, options } = this.#order(member, order);
    const { exchange, routingKey } = message;
    if (member.channel !== undefined) {
      return this.#basicPublish(member.channel, id, message, body, options);
    }
    const publisher = member.publisher as Publisher;
    const promise = publisher.publish(exchange, routingKey, body, options);
    promise.then(
      ({ deliveryTag }) =>
        this.#world.record({ what: "said", id, saying: confirmedWith(deliveryTag) }),
      (error) => this.#world.record({ what: "said", id, saying: sayingOf(error) }),
    );
    this.#world.expect(`publish ${id}`, promise);
  }

  /** Records what is published and makes the arguments of the call. */
  #order(
    member: Member,
    { kind, timeoutMs, signal: which, batch }: Order,
  ): {
    readonly id: number;
    readonly message: Message;
    readonly body: string | Uint8Array;
    readonly options: PublishOptions;
  } {
    const message = messageOf(kind, member.index, member.published++);
    const id = this.#published++;
    const [index, signal] = this.#signal(which);
    this.#world.record({
      ...{ what: "publishes", id, member: member.index, message, signal: index, batch },
      timeoutMs: timeoutMs ?? member.opening.timeoutMs,
    });
    const { mandatory, immediate, properties } = message;
    const options = { ...properties, mandatory, immediate, timeoutMs, signal };
    const body = id % 2 === 0 ? message.body : Buffer.from(message.body);
    return { id, message, body, options };
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
      this.#world.record({ what: "numbered", id, deliveryTag });
    } catch (error) {
      const { bufferedBytes } = this.#world.network;
      this.#world.record({ what: "threw", id, error, bufferedBytes });
    }
  }

  #publishAll(step: Extract<ApplicationStep, { do: "publish all" }>): void {
    const member = pick(this.#publishers, step.by);
    if (member === undefined) return;
    const batch = this.#batches.nextNumber;
    const { stopOnFailure, timeoutMs } = step;
    const [index, signal] = this.#signal(step.signal);
    this.#world.record({
      ...{ what: "publishes all", batch, member: member.index, stopOnFailure, signal: index },
    });
    this.#batches.start(member.publisher, step, {
      signal,
      give: (kind) => {
        const order = this.#order(member, { kind, timeoutMs, signal: undefined, batch });
        const { id, message, body, options } = order;
        const { exchange, routingKey } = message;
        return { id, message: { ...options, exchange, routingKey, body } };
      },
    });
  }

  // ----- waiting -----

  #ready(
    member: { readonly index: number; readonly publisher: Publisher } | undefined,
    which: number | undefined,
  ): void {
    if (member === undefined) return;
    const ready = this.#readies++;
    const [index, signal] = this.#signal(which);
    this.#world.record({ what: "wants room", ready, member: member.index, signal: index });
    const promise = member.publisher.ready({ signal });
    this.#world.recordEnd(`ready() ${ready}`, promise, (reason) => {
      return { what: "room", ready, reason };
    });
  }

  #wait(member: Member | undefined): void {
    const it = member?.publisher ?? member?.channel;
    if (member === undefined || it === undefined) return;
    const wait = this.#waits++;
    this.#world.record({ what: "waits", wait, member: member.index });
    const promise = it.waitForConfirms();
    const waited = { what: "waited", wait, cause: undefined } as const;
    promise.then(
      () => this.#world.record({ ...waited, confirmed: undefined, failed: 0, failures: [] }),
      (error) => {
        const of = error instanceof BatchError ? error : NOTHING;
        const failures = of.failures.map((failure) => ({
          id: undefined,
          saying: { ...sayingOf(failure.error), deliveryTag: failure.deliveryTag },
        }));
        const { confirmed, failed } = of;
        this.#world.record({ ...waited, confirmed, failed, failures });
      },
    );
    this.#world.expect(`waitForConfirms() of ${member.index}`, promise);
  }

  // ----- methods with a reply -----

  #bind(
    member: { readonly index: number; readonly channel: Channel } | undefined,
    exchange: string,
  ): void {
    if (member === undefined) return;
    const { channel, index } = member;
    this.#ask("queue.bind", index, () => channel.queueBind("q", exchange, "key"));
  }

  #updateSecret(): void {
    const connection = this.connection as Connection;
    this.#ask("connection.update-secret", undefined, () => connection.updateSecret("new", "old"));
  }

  #ask(name: string, member: number | undefined, ask: () => Promise<unknown>): void {
    const call = this.#calls++;
    this.#world.record({ what: "asks", call, name, member });
    this.#world.recordEnd(name, ask(), (reason) => ({ what: "answered", call, reason }));
  }

  // ----- events and ends -----

  #listen(channel: Channel, member: number): void {
    const told = (event: string): void => this.#world.record({ what: "event", member, event });
    for (const name of ["ack", "nack"] as const) {
      channel.on(name, ({ deliveryTag, multiple }) => told(`${name} ${deliveryTag} ${multiple}`));
    }
    channel.on("return", ({ exchange, routingKey }) => told(`return ${exchange} ${routingKey}`));
    channel.on("flow", (active) => told(`flow ${active}`));
  }

  #abort(which: number): void {
    const [signal = 0] = this.#signal(which);
    if (this.#signals[signal]?.signal.aborted) return;
    this.#world.record({ what: "aborts", signal });
    this.#signals[signal]?.abort();
  }

  #closeMember({
    by,
    timeoutMs,
    signal: which,
  }: Extract<ApplicationStep, { do: "close member" }>): void {
    const member = pick(this.#open, by);
    if (member === undefined) return;
    const [index, signal] = this.#signal(which);
    this.#world.record({ what: "closes member", member: member.index, timeoutMs, signal: index });
    const closed = (member.publisher ?? member.channel)?.close({ timeoutMs, signal });
    if (closed !== undefined) this.#world.expect(`close() of ${member.index}`, closed);
  }
}

function pick<M>(members: readonly M[], by: number): M | undefined {
  return members[by % members.length];
}

const NOTHING = { failures: [], confirmed: 0, failed: 0 } as const;
const MOST_MEMBERS = 6;
