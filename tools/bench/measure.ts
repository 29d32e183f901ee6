/** Measures works: all clients side by side, a round of each in turn, so that noise hits all alike. */
import { type NullBroker, startNullBroker, startWorker, type Worker } from "./children.ts";
import type { ClientName, RAW } from "./clients.ts";
import { median, percentile, spread } from "./statistics.ts";
import type { Work } from "./work.ts";
import type { Sample } from "./worker.ts";

/** Who takes part: a client by its name, or ready-made octets. */
export type Contestant = ClientName | typeof RAW;

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
  /** Milliseconds from publish to confirm. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** Share of one core that the null broker used meanwhile; undefined for another broker. */
  readonly brokerCpu: number | undefined;
}

/** One work with what all made of it. */
export interface Measured {
  readonly work: Work;
  readonly results: readonly Result[];
}

/** Where the messages go: a null broker for each work, or a broker that is there already. */
export interface Target {
  readonly url: string | undefined;
  readonly queue: string;
  /** Called between rounds. */
  readonly empty: () => Promise<void>;
}

/** Measures one work. */
export async function measureWork(
  work: Work,
  contestants: readonly Contestant[],
  target: Target,
  effort: Effort,
): Promise<Measured> {
  const broker =
    target.url === undefined
      ? await startNullBroker({ acks: work.acks, ackEvery: work.ackEvery })
      : undefined;
  const url = target.url ?? (broker as NullBroker).url;
  const { warmUpSeconds } = effort;
  const workers: Worker[] = [];
  try {
    for (const client of contestants) {
      workers.push(await startWorker({ client, work, url, queue: target.queue, warmUpSeconds }));
      await target.empty();
    }
    const rounds: Round[][] = contestants.map(() => []);
    for (let round = 0; round < effort.rounds; round++) {
      for (let turn = 0; turn < workers.length; turn++) {
        // Nobody always comes first.
        const who = (turn + round) % workers.length;
        const before = await broker?.cpuMicros();
        const sample = await (workers[who] as Worker).measure(effort.seconds);
        const used = await broker?.cpuMicros();
        const brokerMicros = used === undefined ? undefined : used - (before ?? 0);
        rounds[who]?.push({ ...sample, brokerMicros });
        await target.empty();
      }
    }
    return { work, results: contestants.map((who, i) => summary(who, rounds[i] as Round[])) };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await broker?.stop();
  }
}

interface Round extends Sample {
  readonly brokerMicros: number | undefined;
}

function summary(contestant: Contestant, rounds: readonly Round[]): Result {
  const rates = rounds.map(({ messages, seconds }) => messages / seconds);
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  const timed = rounds.every(({ latencies }) => latencies.length > 0);
  const counted = rounds.every(({ brokerMicros }) => brokerMicros !== undefined);
  return {
    contestant,
    rate: median(rates),
    spread: spread(rates),
    cpuMicros: of(({ cpuMicros, messages }) => cpuMicros / messages),
    p50: timed ? of(({ latencies }) => percentile(latencies, 50)) : undefined,
    p99: timed ? of(({ latencies }) => percentile(latencies, 99)) : undefined,
    brokerCpu: counted
      ? of(({ brokerMicros, seconds }) => (brokerMicros as number) / 1e6 / seconds)
      : undefined,
  };
}
