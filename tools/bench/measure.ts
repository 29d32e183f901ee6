/** Measures works: all clients side by side, a round of each in turn, so that noise hits all alike. */
import { type NullBroker, startNullBroker, startWorker, type Worker } from "./children.ts";
import type { Contestant } from "./clients.ts";
import { type Latency, median, spread } from "./statistics.ts";
import type { Work } from "./work.ts";
import type { Sample } from "./worker.ts";

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  /** Of load, for each client in each round. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** What one contestant made of one work; medians of the rounds. */
export interface Result {
  readonly contestant: Contestant;
  /** Confirmed messages a second. */
  readonly rate: number;
  /** How far the rounds were apart: (highest - lowest) / median of the rate. */
  readonly spread: number;
  /** Microseconds of the client's CPU for each message. */
  readonly cpuMicros: number;
  /** From publish to confirm; undefined where it was not measured. */
  readonly latency: Latency | undefined;
  /** Share of one core that the null broker used meanwhile; undefined for another broker. */
  readonly brokerCpu: number | undefined;
}

/** A contestant that could not do a work, and why. */
export interface Failure {
  readonly contestant: Contestant;
  readonly reason: string;
}

/** One work with what all made of it. */
export interface Measured {
  readonly work: Work;
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
}

/** Where the messages go: a null broker for each work, or a broker that is there already. */
export interface Target {
  readonly url: string | undefined;
  readonly queue: string;
  /** Called between rounds. */
  readonly empty: () => Promise<void>;
}

/** Measures one work. A contestant that fails is left out from then on, and named. */
export async function measureWork(
  work: Work,
  contestants: readonly Contestant[],
  target: Target,
  effort: Effort,
): Promise<Measured> {
  const { acks, ackEvery } = work;
  const broker = target.url === undefined ? await startNullBroker({ acks, ackEvery }) : undefined;
  const url = target.url ?? (broker as NullBroker).url;
  const { queue, empty } = target;
  const players: Player[] = [];
  try {
    for (const client of contestants) players.push(new Player(client));
    // Together, because loading takes longer than all else; nothing is measured yet.
    await Promise.all(players.map((player) => player.start({ work, url, queue })));
    for (const player of players) {
      await player.play(effort.warmUpSeconds);
      await empty();
    }
    for (let round = 0; round < effort.rounds; round++) {
      for (let turn = 0; turn < players.length; turn++) {
        // Nobody always comes first.
        const player = players[(turn + round) % players.length] as Player;
        await player.play(effort.seconds, broker);
        await empty();
      }
    }
    return {
      work,
      results: players.flatMap((player) => player.result()),
      failures: players.flatMap((player) => player.failure()),
    };
  } finally {
    await Promise.all(players.map((player) => player.stop()));
    await broker?.stop();
  }
}

interface Round extends Sample {
  readonly brokerMicros: number | undefined;
}

/** A contestant with its process and what it has done so far. */
class Player {
  readonly #contestant: Contestant;
  #worker: Worker | undefined;
  #reason: string | undefined;
  #warm = false;
  readonly #rounds: Round[] = [];

  constructor(contestant: Contestant) {
    this.#contestant = contestant;
  }

  async start(task: { work: Work; url: string; queue: string }): Promise<void> {
    this.#worker = await startWorker({ ...task, client: this.#contestant });
  }

  /** The first time is to get warm and does not count. */
  async play(seconds: number, broker?: NullBroker): Promise<void> {
    if (this.#worker === undefined || this.#reason !== undefined) return;
    try {
      const before = await broker?.usage();
      const sample = await this.#worker.measure(seconds);
      const after = await broker?.usage();
      const brokerMicros = after && before && after.cpuMicros - before.cpuMicros;
      if (this.#warm) this.#rounds.push({ ...sample, brokerMicros });
      this.#warm = true;
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error);
      await this.stop();
    }
  }

  result(): Result[] {
    return this.#reason === undefined ? [summary(this.#contestant, this.#rounds)] : [];
  }

  failure(): Failure[] {
    const reason = this.#reason;
    return reason === undefined ? [] : [{ contestant: this.#contestant, reason }];
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
  }
}

function summary(contestant: Contestant, rounds: readonly Round[]): Result {
  const rates = rounds.map(({ messages, seconds }) => messages / seconds);
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  const timed = rounds.every(({ latency }) => latency !== undefined);
  const counted = rounds.every(({ brokerMicros }) => brokerMicros !== undefined);
  return {
    contestant,
    rate: median(rates),
    spread: spread(rates),
    cpuMicros: of(({ cpuMicros, messages }) => cpuMicros / messages),
    latency: timed
      ? {
          p50: of(({ latency }) => (latency as Latency).p50),
          p99: of(({ latency }) => (latency as Latency).p99),
        }
      : undefined,
    brokerCpu: counted
      ? of(({ brokerMicros, seconds }) => (brokerMicros as number) / 1e6 / seconds)
      : undefined,
  };
}
