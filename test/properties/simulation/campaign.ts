/** Many schedules: how often each outcome was proven, and what to print when one goes wrong. */
import fc from "fast-check";
import type { Schedule } from "./schedule.ts";
import { schedule } from "./themes.ts";
import type { Ending } from "./transcript.ts";
import { playAndJudge } from "./verdict.ts";

/** Which schedules to run. */
export interface Campaign {
  readonly runs: number;
  /** Default a new one. */
  readonly seed?: number | undefined;
  /** Of one schedule that failed, as small as it could be made: no other is run then. */
  readonly path?: string | undefined;
  /** Told after every schedule. */
  readonly onProgress?: ((tally: Tally) => void) | undefined;
}

/** What has come out so far. */
export interface Tally {
  schedules: number;
  readonly endings: Map<Ending, number>;
}

/** Runs the schedules. Raises for the first that goes wrong, with everything that is to know. */
export async function run({ runs, seed, path, onProgress }: Campaign): Promise<Tally> {
  const tally: Tally = { schedules: 0, endings: new Map() };
  const property = fc.asyncProperty(schedule, async (each) => {
    const verdict = await playAndJudge(each);
    const { problems, judgement } = verdict;
    if (problems.length > 0) throw new Wrong(problems, verdict.printout);
    tally.schedules++;
    for (const ending of judgement.endings.values()) {
      tally.endings.set(ending, (tally.endings.get(ending) ?? 0) + 1);
    }
    onProgress?.(tally);
  });
  const replay = path === undefined ? { numRuns: runs } : { path, endOnFailure: true, numRuns: 1 };
  const details = await fc.check(property, { ...(seed === undefined ? {} : { seed }), ...replay });
  if (details.failed) throw new Error(describe(details));
  return tally;
}

/** The shares of all publishes, the largest first. */
export function shares({ schedules, endings }: Tally): string {
  const all = [...endings.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...endings]
    .sort(([, a], [, b]) => b - a)
    .map(([ending, count]) => `${ending} ${((100 * count) / all).toFixed(1)} %`);
  return `${schedules} schedules, ${all} publishes: ${parts.join(", ")}`;
}

/** What is wrong with one run. */
class Wrong extends Error {
  readonly problems: readonly string[];
  readonly printout: string;

  constructor(problems: readonly string[], printout: string) {
    super(problems[0]);
    this.problems = problems;
    this.printout = printout;
  }
}

type Failure = Pick<
  fc.RunDetails<[Schedule]>,
  "seed" | "numRuns" | "numShrinks" | "counterexamplePath" | "counterexample" | "errorInstance"
>;

function describe(failure: Failure): string {
  const { seed, numRuns, numShrinks, counterexamplePath, counterexample, errorInstance } = failure;
  const wrong = errorInstance instanceof Wrong ? errorInstance : undefined;
  const problems = wrong?.problems ?? [String((errorInstance as Error | undefined)?.stack)];
  return [
    `schedule ${numRuns} went wrong, made smaller in ${numShrinks} steps; it alone again:`,
    `  npm run simulate -- --seed ${seed} --path ${counterexamplePath}`,
    "or with the test:",
    `  AMQP091_SIMULATION_SEED=${seed} AMQP091_SIMULATION_PATH=${counterexamplePath} ` +
      "npx mocha test/properties/simulation.test.ts",
    "what is wrong:",
    ...problems.map((problem) => `  - ${problem}`),
    "the transcript:",
    wrong?.printout ?? "",
    "the schedule:",
    JSON.stringify(counterexample?.[0], undefined, 1),
  ].join("\n");
}
