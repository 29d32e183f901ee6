/**
 * A stage on which the same play is given with two brokers: scripted clients say their lines, and
 * all that they are answered is written down, so that what a client can see of two brokers can be
 * compared.
 *
 * The embedded broker plays first. It answers everything in the order in which it was asked, so a
 * question at the end of a step tells that the step is over. RabbitMQ's deliveries come when they
 * come; with it a step lasts until as many lines are there as the embedded broker gave.
 */
import type {
  BasicPublish,
  ClientMethod,
  ConnectionStart,
} from "../../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";
import * as m from "../methods.ts";
import { type Arrival, type OpenOptions, RawClient, show } from "../raw-client.ts";

/** What came in one step, a line for each frame or message. */
export type Step = readonly string[];

/** A play: what the clients do. Names of queues and exchanges go through {@link Stage.name}. */
export type Play = (stage: Stage) => Promise<void>;

/** Something that a step waits for. */
export type Awaited = () => Promise<void>;

/** How long to wait for lines that do not come; then the comparison tells. */
const SETTLE_MS = 4_000;

/** RabbitMQ waits three seconds before it hangs up on somebody who has not logged in. */
const OVER_MS = 7_000;

/** Gives a play with a broker; `expected` is what another one gave before. */
export async function perform(play: Play, port: number, expected?: Step[]): Promise<Step[]> {
  const stage = new Stage(port, expected);
  try {
    await play(stage);
    await stage.step(async () => {});
    return stage.steps;
  } finally {
    await stage.close();
  }
}

export class Stage {
  readonly steps: Step[] = [];
  readonly #port: number;
  readonly #expected: readonly Step[] | undefined;
  readonly #actors: Actor[] = [];
  readonly #prefix = `play-${Math.random().toString(36).slice(2)}-`;
  readonly #queues = new Set<string>();

  constructor(port: number, expected: readonly Step[] | undefined) {
    this.#port = port;
    this.#expected = expected;
  }

  /** A name that nobody else uses; in the lines it is the short one. */
  name(short: string): string {
    this.#queues.add(this.#prefix + short);
    return this.#prefix + short;
  }

  /** One client more, on a connection of its own with channel 1 open. */
  async client(name: string, options: OpenOptions = {}): Promise<Actor> {
    const capabilities = { consumer_cancel_notify: true };
    const raw = await RawClient.open(this.#port, { capabilities, ...options });
    return this.#enter(new Actor(this, name, raw, [1]));
  }

  /** One client more that has connected and has said nothing yet. */
  async stranger(name: string): Promise<Actor> {
    return this.#enter(new Actor(this, name, await RawClient.connect(this.#port), []));
  }

  /** Writes down what comes while something is done and because of it. */
  async step(action: () => Promise<void>): Promise<void> {
    const from = this.#actors.map(({ lines }) => lines.length);
    await action();
    const count = (): number =>
      this.#actors.reduce((sum, { lines }, i) => sum + lines.length - (from[i] ?? 0), 0);
    const wanted = this.#expected?.[this.steps.length]?.length ?? 0;
    const giveUpAt = Date.now() + SETTLE_MS;
    while (count() < wanted && Date.now() < giveUpAt) await turn();
    // Twice: what the last one asked may have been answered to the first one.
    for (const actor of [...this.#actors, ...this.#actors]) await actor.barrier();
    const lines = this.#actors.flatMap((actor, i) => actor.lines.slice(from[i] ?? 0));
    this.steps.push(lines.map((line) => normalise(line.replaceAll(this.#prefix, ""))));
  }

  #enter(actor: Actor): Actor {
    this.#actors.push(actor);
    return actor;
  }

  /** Ends the clients and removes what they left. */
  async close(): Promise<void> {
    for (const actor of this.#actors) actor.end();
    const cleaner = await RawClient.open(this.#port);
    for (const queue of this.#queues) {
      await cleaner.call(1, m.deleteQueue(queue), "queue.delete-ok");
      await cleaner.call(1, m.deleteExchange(queue), "exchange.delete-ok");
    }
    cleaner.destroy();
  }
}

/** One client of the play. */
export class Actor {
  readonly lines: string[] = [];
  readonly #stage: Stage;
  readonly #name: string;
  readonly #raw: RawClient;
  readonly #channels: Set<number>;
  readonly #closing = new Set<number>();
  #barriers = 0;
  #ended = false;

  constructor(stage: Stage, name: string, raw: RawClient, channels: readonly number[]) {
    this.#stage = stage;
    this.#name = name;
    this.#raw = raw;
    this.#channels = new Set(channels);
    void this.#listen();
  }

  /** A step in which these methods are sent, all at once. */
  do(channel: number, ...methods: readonly ClientMethod[]): Promise<void> {
    return this.#stage.step(async () => {
      for (const method of methods) {
        if (method.name === "channel.open") this.#channels.add(channel);
        if (method.name === "channel.close") {
          this.#channels.delete(channel);
          this.#closing.add(channel);
        }
        this.#raw.send(channel, method);
      }
    });
  }

  /** The same, and if it cost the channel, a step in which that is opened again. */
  async tries(channel: number, ...methods: readonly ClientMethod[]): Promise<void> {
    await this.do(channel, ...methods);
    await this.reopen(channel);
  }

  /** If a channel was lost, a step in which it is opened again. */
  async reopen(channel: number): Promise<void> {
    if (!this.#ended && !this.#channels.has(channel)) await this.do(channel, m.OPEN);
  }

  /** A step in which this is written, right or wrong. */
  write(...octets: readonly Uint8Array[]): Promise<void> {
    return this.#stage.step(async () => this.#raw.write(Buffer.concat(octets)));
  }

  /** Within a step: the client beneath, for what has no name here. */
  get raw(): RawClient {
    return this.#raw;
  }

  /** A step in which these messages are published, all at once. */
  publish(
    channel: number,
    method: Partial<BasicPublish>,
    bodies: readonly string[],
    properties: BasicProperties = {},
    until?: Awaited,
  ): Promise<void> {
    return this.#stage.step(async () => {
      const waiting = until?.();
      for (const body of bodies) this.#raw.publish(channel, method, body, properties);
      await waiting;
    });
  }

  /** A step in which the socket is dropped. */
  drop(until: Awaited): Promise<void> {
    return this.#stage.step(async () => {
      const waiting = until();
      this.end();
      await waiting;
    });
  }

  /** Within a step: waits until the connection is over, or for so long that it will not be. */
  async isOver(): Promise<void> {
    const giveUpAt = Date.now() + OVER_MS;
    while (!this.#ended && Date.now() < giveUpAt) await turn();
    if (!this.#ended) this.lines.push(`${this.#name} goes on`);
  }

  /** For a step that lasts until so many lines more have come to this client. */
  gets(lines: number): Awaited {
    return async () => {
      const until = this.lines.length + lines;
      const giveUpAt = Date.now() + SETTLE_MS;
      while (this.lines.length < until && Date.now() < giveUpAt) await turn();
    };
  }

  end(): void {
    this.#ended = true;
    this.#raw.destroy();
  }

  /** Returns when all that was asked before on any channel is answered. */
  async barrier(): Promise<void> {
    while (this.#closing.size > 0 && !this.#ended) await turn();
    for (const channel of [...this.#channels]) {
      const consumerTag = `barrier ${channel}`;
      // It may have been closed while we waited for another one.
      if (!this.#channels.has(channel)) continue;
      const seen = this.#barriers;
      const giveUpAt = Date.now() + SETTLE_MS;
      if (!this.#ended) this.#raw.send(channel, cancel(consumerTag));
      while (this.#barriers === seen && this.#channels.has(channel) && !this.#ended) {
        if (Date.now() > giveUpAt) this.#giveUp(channel);
        await turn();
      }
    }
  }

  async #listen(): Promise<void> {
    while (!this.#ended) this.#take(await this.#raw.next(2 ** 31 - 1));
  }

  #giveUp(channel: number): void {
    this.#channels.delete(channel);
    this.lines.push(`${this.#name} ${channel} (no answer)`);
  }

  #take(arrival: Arrival): void {
    const { channel, name, method } = arrival;
    if (method?.name === "basic.cancel-ok" && method.consumerTag.startsWith("barrier")) {
      this.#barriers++;
      return;
    }
    if (this.#ended) return;
    if (name === "end") this.#ended = true;
    if (name === "channel.close-ok") this.#closing.delete(channel);
    if (name === "channel.close") {
      this.#channels.delete(channel);
      this.#raw.send(channel, m.CLOSE_OK);
    }
    if (name === "connection.close-ok") this.#ended = true;
    if (name === "connection.close") {
      this.#ended = true;
      this.#raw.send(0, { name: "connection.close-ok" });
    }
    // How many come is a matter of time.
    const line = `${this.#name} ${method?.name === "connection.start" ? greeting(method) : show(arrival)}`;
    if (name !== "heartbeat" || this.lines.at(-1) !== line) this.lines.push(line);
  }
}

/** What a broker can do, without its name and its version, and in an order of ours. */
function greeting({ mechanisms, locales, serverProperties }: ConnectionStart): string {
  const [offered, spoken] = [mechanisms, locales].map((octets) =>
    Buffer.from(octets).toString().split(" ").sort(),
  );
  const can = Object.entries(serverProperties["capabilities"] ?? {})
    .flatMap(([name, is]) => (is === true ? [name] : []))
    .sort();
  return `0 connection.start ${JSON.stringify({ offered, spoken, can })}`;
}

function cancel(consumerTag: string): ClientMethod {
  return { name: "basic.cancel", consumerTag, nowait: false };
}

/** What differs each time is made the same. */
function normalise(line: string): string {
  return line
    .replaceAll(/amq\.(ctag|gen)-[\w-]{22}/g, "amq.$1-(22 characters)")
    .replaceAll(/"time":"[^"]+"/g, '"time":"(a time)"');
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}
