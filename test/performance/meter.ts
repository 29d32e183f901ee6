/**
 * What publishes cost, counted in a process of its own. It imports nothing of ours but types: the
 * process is given the client, compiled, and prints what it counted as JSON. It looks at no clock.
 *
 * Octets allocated are octets by which the heap has grown, which holds as long as no collection
 * falls inside; whether one did is part of the report.
 */
import { Socket } from "node:net";
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import type { Connection, Publisher, PublishOptions } from "../../src/index.ts";

/** Which publishes, and how many. */
export interface Load {
  readonly body: "octets" | "text";
  /** Of the body. */
  readonly size: number;
  /** Given with each publish, or as the publisher's defaults. */
  readonly properties: "none" | "typical" | "defaults";
  readonly mandatory: boolean | "every other";
  readonly maxUnconfirmed: number;
  /** Publishes in one turn of the event loop; the next begins when these are confirmed. */
  readonly perTurn: number;
  readonly turns: number;
}

/**
 * What one publish cost in the round where it was least, because what else is allocated, such as
 * compiled code, only adds to it.
 */
export interface Cost {
  /** Octets of the heap from the call to the settled promise. */
  readonly heap: number;
  /** Octets outside of the heap that buffers were made of. */
  readonly buffers: number;
  /** Octets of the heap, in each round. */
  readonly rounds: readonly number[];
  /** Garbage collections that fell into a round: if there is one, nothing of this is true. */
  readonly collections: number;
}

/** What went over the socket. */
export interface Traffic {
  readonly publishes: number;
  /** How often the socket was given something to write. */
  readonly writes: number;
  /** Frames of basic.ack that came. */
  readonly acks: number;
}

/** What garbage collections leave, in octets. */
export interface Held {
  readonly heap: number;
  readonly buffers: number;
}

/** Opens the one connection that there is. */
type Connect = () => Promise<Connection>;

type Publish = () => Promise<unknown>;

/** Counts what is allocated. */
export async function allocated(connect: Connect, load: Load): Promise<Cost> {
  return withPublish(connect, load, async (publish) => {
    const watch = new CollectionWatch();
    const rounds: Allocated[] = [];
    await countAllocated(publish, { ...load, turns: turnsToWarmUp(load) });
    for (let round = 0; round < ROUNDS; round++) {
      await collect();
      rounds.push(await watch.during(() => countAllocated(publish, load)));
    }
    return {
      heap: Math.min(...rounds.map(({ heap }) => heap)),
      buffers: Math.min(...rounds.map(({ buffers }) => buffers)),
      rounds: rounds.map(({ heap }) => heap),
      collections: await watch.end(),
    };
  });
}

/** Per publish, in one round. */
type Allocated = Pick<Cost, "heap" | "buffers">;

const ROUNDS = 5;

async function countAllocated(publish: Publish, { perTurn, turns }: Load): Promise<Allocated> {
  const kept: Promise<unknown>[] = new Array(perTurn).fill(undefined);
  const publishes = perTurn * turns;
  const before = process.memoryUsage();
  for (let each = 0; each < turns; each++) {
    for (let i = 0; i < perTurn; i++) kept[i] = publish();
    // To wait for each would allocate more than some clients do. The last is confirmed last.
    await kept[perTurn - 1];
  }
  const after = process.memoryUsage();
  await Promise.all(kept);
  return {
    heap: (after.heapUsed - before.heapUsed) / publishes,
    buffers: (after.arrayBuffers - before.arrayBuffers) / publishes,
  };
}

/** Counts socket writes. */
export async function traffic(connect: Connect, load: Load): Promise<Traffic> {
  return countTraffic(connect, load, (publish, turns) => inTurns(publish, load.perTurn, turns));
}

/** The same under a load that is kept up: each confirm makes room for the next publish. */
export async function continuousTraffic(connect: Connect, load: Load): Promise<Traffic> {
  const { perTurn } = load;
  return countTraffic(connect, load, (publish, turns) => keptUp(publish, perTurn, perTurn * turns));
}

async function countTraffic(
  connect: Connect,
  load: Load,
  work: (publish: Publish, turns: number) => Promise<void>,
): Promise<Traffic> {
  const counter = countWrites();
  return withPublish(connect, load, async (publish) => {
    await work(publish, 5);
    counter.reset();
    await work(publish, load.turns);
    return { publishes: load.perTurn * load.turns, ...counter.count() };
  });
}

/** Counts what is held on to, in octets, that was not before. */
export async function retained(connect: Connect, load: Load): Promise<Held> {
  return withPublish(connect, load, async (publish) => {
    await inTurns(publish, load.perTurn, turnsToWarmUp(load));
    const before = await holds();
    await inTurns(publish, load.perTurn, load.turns);
    const after = await holds();
    return { heap: after.heap - before.heap, buffers: after.buffers - before.buffers };
  });
}

async function holds(): Promise<Held> {
  await collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

/** Long enough for the compilers to have done what they do, and not longer for large bodies. */
function turnsToWarmUp({ perTurn, size }: Load): number {
  return Math.ceil(Math.min(WARM_UP_PUBLISHES, WARM_UP_OCTETS / size) / perTurn);
}

const WARM_UP_PUBLISHES = 50_000;
const WARM_UP_OCTETS = 100_000_000;

async function inTurns(publish: Publish, perTurn: number, turns: number): Promise<void> {
  for (let each = 0; each < turns; each++) {
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < perTurn; i++) all.push(publish());
    await Promise.all(all);
  }
}

function keptUp(publish: Publish, window: number, publishes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let confirmed = 0;
    let sent = 0;
    const next = (): void => {
      sent++;
      publish().then(settle, reject);
    };
    const settle = (): void => {
      if (++confirmed === publishes) resolve();
      else if (sent < publishes) next();
    };
    for (let i = 0; i < window; i++) next();
  });
}

async function withPublish<T>(
  connect: Connect,
  load: Load,
  work: (publish: Publish) => Promise<T>,
): Promise<T> {
  const { properties, maxUnconfirmed } = load;
  const connection = await connect();
  const publisher = await connection.openPublisher({
    maxUnconfirmed,
    properties: properties === "defaults" ? TYPICAL : undefined,
  });
  const result = await work(publishOf(publisher, load));
  await connection.close();
  return result;
}

/**
 * The message and the options are made before: what is counted is what the client allocates. Typical
 * properties are not the same in any two messages that follow each other.
 */
function publishOf(publisher: Publisher, { body, size, properties, mandatory }: Load): Publish {
  const message = body === "text" ? "a".repeat(size) : new Uint8Array(size).fill(97);
  if (properties !== "typical" && !mandatory) {
    return () => publisher.publish("", "performance", message);
  }
  const own = properties === "typical" ? TYPICAL : {};
  const options: PublishOptions[] = Array.from({ length: DIFFERENT }, (_, i) => ({
    ...own,
    ...(properties === "typical" ? { messageId: `message-${String(i).padStart(8, "0")}` } : {}),
    mandatory: mandatory === "every other" ? i % 2 === 0 : mandatory,
  }));
  let next = 0;
  return () => publisher.publish("", "performance", message, options[next++ % DIFFERENT]);
}

const DIFFERENT = 64;

const TYPICAL = {
  contentType: "application/json",
  deliveryMode: 2,
  messageId: "message-00000001",
  timestamp: new Date(1_700_000_000_000),
  headers: { tenant: "acme", attempt: 1, trace: "00-4bf92f3577b34da6" },
} as const;

/** In a task of its own, where nothing is on the stack that would be held. */
async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await global.gc?.({ execution: "async", type: "major" });
    await turn();
  }
}

/** Counts the collections in some spans of time, which Node tells of later. */
class CollectionWatch {
  readonly #spans: (readonly [from: number, to: number])[] = [];
  readonly #times: number[] = [];
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) this.#times.push(startTime);
  });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const result = await work();
    this.#spans.push([from, performance.now()]);
    return result;
  }

  async end(): Promise<number> {
    const last = performance.now();
    // They are told of in order: when this collection has been, so have all before it.
    while (!this.#times.some((at) => at > last)) await collect();
    this.#observer.disconnect();
    const isInside = (at: number): boolean =>
      this.#spans.some(([from, to]) => at > from && at < to);
    return this.#times.filter(isInside).length;
  }
}

/** Counts what goes through the one socket of this process. */
function countWrites(): { reset(): void; count(): { writes: number; acks: number } } {
  let socket: Socket | undefined;
  let writes = 0;
  let readBefore = 0;
  for (const name of ["_write", "_writev"] as const) {
    const original = Socket.prototype[name] as (...args: unknown[]) => unknown;
    Object.assign(Socket.prototype, {
      [name](this: Socket, ...args: unknown[]): unknown {
        socket = this;
        writes++;
        return original.apply(this, args);
      },
    });
  }
  const read = (): number => socket?.bytesRead ?? 0;
  return {
    reset: () => {
      writes = 0;
      readBefore = read();
    },
    count: () => ({ writes, acks: (read() - readBefore) / ACK_OCTETS }),
  };
}

/** Of a frame of basic.ack. */
const ACK_OCTETS = 21;
