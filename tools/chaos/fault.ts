/** What a fault is, and the stage on which it plays: a node, a proxy before it, and the books. */
import type { ConnectOptions } from "../../src/index.ts";
import type { RabbitNode } from "../../test/support/rabbitmq.ts";
import { Account, type Balance } from "./account.ts";
import { Happenings } from "./happenings.ts";
import type { Lane } from "./lanes.ts";
import { type Letter, type Mix, NameSpotter, type Route, writeLetter } from "./letter.ts";
import { FaultyProxy, type Link } from "./proxy.ts";
import { Random } from "./random.ts";
import { readBack, withChannel } from "./read-back.ts";
import { Workload } from "./workload.ts";

/** A way in which things go wrong. */
export interface Fault {
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** The queues to read back at the end of each round. */
  readonly queues: readonly string[];
  /** Endings and happenings, by name: with fewer of them a round has proved nothing. */
  readonly atLeast: Readonly<Record<string, number>>;
  /** Declares what the fault needs, some time before it is played. */
  prepare(node: RabbitNode): Promise<void>;
  /** One round. */
  play(stage: Stage): Promise<void>;
}

/** How much of a fault. */
export interface FaultOptions {
  readonly seed: number;
  /** How many messages a round publishes at full speed. */
  readonly messages: number;
  readonly rounds: number;
}

/** How a fault went. */
export interface FaultReport {
  readonly fault: string;
  readonly balance: Balance;
  readonly happenings: Happenings;
  /** What did not happen often enough, as sentences. */
  readonly lacking: readonly string[];
  readonly ms: number;
}

/** Lines for rabbitmq.conf that the faults rely on. */
export const NODE_CONFIG = "max_message_size = 65536";

/** The largest message that the node takes, in octets. */
export const MAX_MESSAGE_SIZE = 65_536;

/** Plays a fault, round by round, and makes the account. */
export async function playFault(
  fault: Fault,
  node: RabbitNode,
  { seed, messages, rounds }: FaultOptions,
): Promise<FaultReport> {
  const start = performance.now();
  const account = new Account();
  const happenings = new Happenings();
  const random = new Random(seed);
  for (let round = 0; round < rounds; round++) {
    const proxy = await FaultyProxy.start(node.port);
    try {
      const common = { node, proxy, account, happenings };
      await fault.play(new Stage({ ...common, random: random.fork(), messages }));
    } catch (error) {
      account.violation("the fault did not come to its end", String(error));
    } finally {
      await proxy.stop();
    }
    await readBack(node.url, fault.queues, account).catch((error: unknown) => {
      account.violation("the queues could not be read back", String(error));
    });
  }
  const balance = account.balance();
  const ms = performance.now() - start;
  return {
    fault: fault.name,
    balance,
    happenings,
    lacking: whatLacks(fault, balance, happenings),
    ms,
  };
}

interface StageOptions {
  readonly node: RabbitNode;
  readonly proxy: FaultyProxy;
  readonly random: Random;
  readonly account: Account;
  readonly happenings: Happenings;
  readonly messages: number;
}

/** Everything that one round of a fault has at hand. */
export class Stage implements StageOptions {
  readonly node: RabbitNode;
  readonly proxy: FaultyProxy;
  readonly random: Random;
  readonly account: Account;
  readonly happenings: Happenings;
  readonly messages: number;

  constructor(options: StageOptions) {
    this.node = options.node;
    this.proxy = options.proxy;
    this.random = options.random;
    this.account = options.account;
    this.happenings = options.happenings;
    this.messages = options.messages;
    const spotters = new WeakMap<Link, NameSpotter>();
    this.proxy.onClientOctets = (link, octets) => {
      const spotter = spotters.get(link) ?? new NameSpotter();
      spotters.set(link, spotter);
      for (const id of spotter.see(octets)) this.account.seenOnWire(id);
    };
  }

  /** Where the client is to connect to: the proxy. */
  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.proxy.port}`;
  }

  /** A lane with a window of some size, whose messages go to these routes in turns of chance. */
  lane(
    way: Lane["way"],
    routes: readonly [Route, ...Route[]],
    mix: Mix,
    options: { readonly due?: Letter["due"]; readonly window?: number } = {},
  ): Lane {
    const random = this.random.fork();
    return {
      way,
      window: options.window ?? random.integer(8, 64),
      write: (id): Letter => writeLetter(id, random.pick(routes), mix, random, options.due),
    };
  }

  /** Publishes on these lanes while the fault happens, until enough was published and it is over. */
  async publish(
    lanes: readonly Lane[],
    during?: (workload: Workload) => Promise<void>,
    connectOptions: ConnectOptions = {},
  ): Promise<void> {
    const { url, account, happenings, random, messages } = this;
    const workload = new Workload({
      ...{ url, account, happenings, messages },
      ...{ lanes, connectOptions, random: random.fork() },
    });
    await workload.run(during);
  }
}

/** The route to a queue through the default exchange; a confirm says that it is there. */
export function toQueue(queue: string): Route {
  return { exchange: "", routingKey: queue, queues: [queue], answers: ["confirmed"] };
}

/** Declares queues; unless they are durable they live as long as the node. */
export async function declareQueues(
  node: RabbitNode,
  queues: readonly string[],
  options: { readonly durable: boolean } = { durable: false },
): Promise<void> {
  await withChannel(node.url, async (channel) => {
    for (const queue of queues) await channel.assertQueue(queue, options);
  });
}

function whatLacks(fault: Fault, balance: Balance, happenings: Happenings): string[] {
  const counts: Readonly<Record<string, number>> = balance.endings;
  return Object.entries(fault.atLeast).flatMap(([what, least]) => {
    const count = counts[what] ?? happenings.of(what);
    return count >= least ? [] : [`${what}: ${count}, and at least ${least} were due`];
  });
}
