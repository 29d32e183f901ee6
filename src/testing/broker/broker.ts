/**
 * The embedded broker: an AMQP 0-9-1 broker in this process, on a loopback port, with everything in
 * memory. Here its parts come together: sessions (session/) that talk, virtual hosts
 * (virtual-host.ts) that have the exchanges and queues, and views (views/) for those who look in.
 */
import type { Duplex } from "node:stream";
import { UsageError } from "../../errors.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import {
  type BrokerOptions,
  type BrokerSettings,
  brokerSettings,
  brokerUrl,
} from "./broker-options.ts";
import type { EmbeddedBroker, Falsy, RestartOptions } from "./embedded-broker.ts";
import { FaultSet } from "./faults/fault-set.ts";
import { seedOf } from "./faults/random.ts";
import { Listener } from "./listener.ts";
import type { SessionRealm } from "./session/realm.ts";
import { publishInto } from "./views/actions.ts";
import { type BrokerConnection, ConnectionViews } from "./views/connection-view.ts";
import { Reporter } from "./views/events.ts";
import { type BrokerBinding, type BrokerExchange, ExchangeView } from "./views/exchange-view.ts";
import { type BrokerQueue, QueueView } from "./views/queue-view.ts";
import { describeBroker, describeCondition } from "./views/summary.ts";
import { VirtualHost } from "./virtual-host.ts";
import { enough, plural, Waiting, type WaitOptions } from "./waiting.ts";

/**
 * Starts a broker on 127.0.0.1, within milliseconds. It speaks AMQP 0-9-1 to any client and behaves
 * as RabbitMQ 3.10 does, reply codes and texts included, with these exceptions:
 *
 * - Queues of the types quorum and stream behave like classic ones, so they may be transient, their
 *   own arguments (`x-delivery-limit`, `x-stream-offset`, …) have no effect, and `x-queue-mode` has
 *   none either. There is no direct reply-to.
 * - Every user has all permissions, in every virtual host. There are no policies.
 * - `immediate` is not refused with 540 but does what the specification says: without a consumer that
 *   can take it at once, the message is returned with 313 NO_CONSUMERS.
 * - Everything is answered in the order in which it was asked. RabbitMQ's basic.consume-ok and
 *   basic.cancel-ok may come after answers to later methods, and its deliveries when they come.
 * - A client that does not read gets no more deliveries when 1 MiB waits for it; RabbitMQ stops after
 *   200 messages on a channel.
 * - Messages are confirmed at once, all that came in one read of the socket by one basic.ack, unless
 *   `confirms` has it otherwise.
 * - A message over the limit is refused at its header, not after its body.
 * - Before the login is complete, errors drop the socket at once, not after three seconds.
 * - AMQP 0-8 and 0-9 are not spoken: who greets with them is answered with the header of 0-9-1.
 * - In the arguments of a queue, a float that is a whole number counts as an integer.
 * - What a client sends on a channel right behind its channel.close is refused with 504; RabbitMQ
 *   drops some of it, as long as it is busy with the close.
 * - An exchange type that there is not is "unknown"; RabbitMQ calls it "invalid" if the word happens
 *   to mean something else to it.
 * - For malformed frames, some that are out of place and unknown methods the reply texts are
 *   different, and where RabbitMQ just drops the connection (unknown methods), waits for ever (a body
 *   longer than declared) or fails with 541 (malformed properties), this broker closes with 501, 502,
 *   503 or 505.
 * - Unless both sides say 0 for frame-max, frames up to eight octets larger are let pass, as
 *   RabbitMQ does for clients that forget to count the octets around the payload.
 *
 * Rejects with the error of the operating system if the port cannot be had.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = new Broker(options);
  await broker.listen(options.port ?? 0);
  return broker;
}

class Broker implements EmbeddedBroker {
  url = "";
  port = 0;
  readonly faults: FaultSet;
  readonly seed: number;
  readonly #settings: BrokerSettings;
  readonly #waiting: Waiting;
  readonly #views: ConnectionViews;
  readonly #vhosts: ReadonlyMap<string, VirtualHost>;
  readonly #realm: SessionRealm & { goingDown: boolean };
  readonly #listener: Listener;
  #restarting = false;
  #stopped: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    const settings = brokerSettings(options);
    this.#settings = settings;
    this.seed = seedOf(options.seed);
    this.#waiting = new Waiting(settings.waitTimeoutMs);
    const waits = { waiting: this.#waiting, describe: () => this.#describe() };
    this.faults = new FaultSet(this.seed, waits, options.confirms);
    this.#views = new ConnectionViews(this.#waiting);
    const observer = new Reporter(this.#waiting, this.#views, options.onEvent);
    this.#vhosts = new Map(settings.vhosts.map((name) => [name, new VirtualHost(name, observer)]));
    this.#realm = {
      ...settings,
      users: new Map(Object.entries(settings.users)),
      vhosts: this.#vhosts,
      observer,
      goingDown: false,
      faults: this.faults.points,
      opened: (session) => this.faults.opened(session.faulty),
    };
    this.#listener = new Listener(this.#realm, this.faults, settings.tls);
  }

  async listen(port: number): Promise<void> {
    this.port = await this.#listener.listen(port, this.#settings.host);
    this.url = brokerUrl(this.#settings, this.port);
  }

  attach(stream: Duplex): void {
    if (this.#realm.goingDown) throw new UsageError("the broker is down");
    this.#listener.accept(stream);
  }

  queue(name: string, vhost?: string): BrokerQueue {
    return new QueueView(name, this.#vhost(vhost), this.#waiting);
  }

  queues(vhost?: string): readonly BrokerQueue[] {
    return this.#vhost(vhost).queues.map(({ name }) => this.queue(name, vhost));
  }

  exchange(name: string, vhost?: string): BrokerExchange {
    return new ExchangeView(name, this.#vhost(vhost), this.#waiting);
  }

  exchanges(vhost?: string): readonly BrokerExchange[] {
    return this.#vhost(vhost).exchanges.map(({ name }) => this.exchange(name, vhost));
  }

  bindings(vhost?: string): readonly BrokerBinding[] {
    return this.exchanges(vhost).flatMap(({ bindings }) => bindings);
  }

  get connections(): readonly BrokerConnection[] {
    return [...this.#listener.sessions].flatMap((session) => {
      const view = session.open ? this.#views.of(session) : undefined;
      return view === undefined ? [] : [view];
    });
  }

  waitForConnections(count = 1, options?: WaitOptions): Promise<readonly BrokerConnection[]> {
    return this.#wait(
      plural(count, "connection"),
      () => (enough(count, this.connections.length) ? this.connections : undefined),
      options,
    );
  }

  waitForConnection(
    which: string | ((connection: BrokerConnection) => boolean),
    options?: WaitOptions,
  ): Promise<BrokerConnection> {
    const isNamed = typeof which === "string";
    const what = isNamed
      ? `a connection named '${which}'`
      : `a connection with ${describeCondition(which)}`;
    const meets = isNamed ? (each: BrokerConnection) => each.connectionName === which : which;
    return this.#wait(what, () => this.connections.find(meets), options);
  }

  waitFor<T>(condition: () => T, options?: WaitOptions): Promise<Exclude<T, Falsy>> {
    const look = () => notPromised(condition() || undefined) as Exclude<T, Falsy> | undefined;
    return this.#wait(describeCondition(condition), look, options);
  }

  publish(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    properties: BasicProperties = {},
    vhost?: string,
  ): readonly string[] {
    const target = { exchange, routingKey };
    const { maxMessageSize } = this.#realm;
    const queues = publishInto(this.#vhost(vhost), maxMessageSize, target, properties, body);
    this.#waiting.changed();
    return queues;
  }

  async restart(options: RestartOptions = {}): Promise<void> {
    if (this.#stopped !== undefined) throw new UsageError("the broker was stopped");
    if (this.#restarting) throw new UsageError("the broker is being restarted already");
    const { connections = "close", keep = "durable", whileDown } = options;
    this.#restarting = true;
    try {
      await this.#goDown(connections);
      for (const vhost of this.#vhosts.values()) vhost.recover(keep);
      this.#waiting.changed();
      await whileDown?.();
    } finally {
      this.#restarting = false;
      if (this.#stopped === undefined) await this.#comeBack();
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#goDown("close").then(() => {});
    this.#waiting.stop();
    this.faults.clear();
    for (const vhost of this.#vhosts.values()) vhost.clear();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #goDown(connections: "close" | "cut"): Promise<void> {
    this.#realm.goingDown = true;
    if (connections === "cut") for (const vhost of this.#vhosts.values()) vhost.crash();
    await this.#listener.close((session) =>
      connections === "close" ? session.shutDown() : session.cut(),
    );
  }

  async #comeBack(): Promise<void> {
    this.#realm.goingDown = false;
    try {
      await this.listen(this.port);
    } catch (error) {
      if (this.#stopped !== undefined) return; // while the port was being opened
      await this.stop();
      throw error;
    }
  }

  #vhost(name?: string): VirtualHost {
    const vhost = name === undefined ? [...this.#vhosts.values()][0] : this.#vhosts.get(name);
    if (vhost !== undefined) return vhost;
    const names = [...this.#vhosts.keys()].map((each) => `'${each}'`).join(", ");
    throw new UsageError(`there is no vhost '${name}'; there are: ${names}`);
  }

  #wait<T>(what: string, look: () => T | undefined, options?: WaitOptions): Promise<T> {
    return this.#waiting.wait({ what, look, found: () => this.#describe() }, options);
  }

  #describe(): string {
    return describeBroker(this.connections, [...this.#vhosts.values()]);
  }
}

/** A promise is no answer, and would count as one: every object is something other than false. */
function notPromised<T>(value: T): T {
  if (typeof (value as PromiseLike<unknown> | undefined)?.then !== "function") return value;
  throw new UsageError(
    "the condition of waitFor() returned a promise; it must not be asynchronous",
  );
}
