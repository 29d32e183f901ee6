import { expect } from "chai";
import fc from "fast-check";
import { run, shares } from "./simulation/campaign.ts";
import { FOUND } from "./simulation/found.ts";
import type { Judgement } from "./simulation/judge/court.ts";
import { LIES, type Lie } from "./simulation/lies.ts";
import { play, type Run } from "./simulation/play/simulation.ts";
import type { Schedule } from "./simulation/schedule.ts";
import { THEMES } from "./simulation/themes.ts";
import type { Ending } from "./simulation/transcript.ts";
import { judgeRun, playAndJudge } from "./simulation/verdict.ts";

/**
 * The real client core against a model broker, in virtual time, under any schedule. The judge reads
 * the client's transcript and says of each publish what it must have been told, and when. A longer
 * run is `npm run simulate -- --runs 100000`; or, of this test,
 *
 *     AMQP091_SIMULATION_RUNS=100000 npx mocha test/properties/simulation.test.ts
 *
 * A failure prints what is wrong, the transcript, and the schedule as small as it could be made, with
 * the seed and the path that AMQP091_SIMULATION_SEED and AMQP091_SIMULATION_PATH take to run it alone.
 */
const RUNS = Number(process.env["AMQP091_SIMULATION_RUNS"] ?? 2000);
const SEED = process.env["AMQP091_SIMULATION_SEED"];
const PATH = process.env["AMQP091_SIMULATION_PATH"];

const ENDINGS: readonly Ending[] = [
  ...(["confirmed", "returned", "nacked", "refused"] as const),
  ...(["unprocessed", "unsent", "unknown", "usage"] as const),
];

describe("deterministic simulation", () => {
  const which = PATH === undefined ? `${RUNS} schedules` : `the schedule ${PATH}`;
  it(`proves what every publish is told, in ${which}`, async () => {
    const seed = SEED === undefined ? undefined : Number(SEED);
    const tally = await run({ runs: RUNS, seed, path: PATH });
    console.log(`      ${shares(tally)}`);
    // Schedules that never get anywhere would prove nothing.
    if (RUNS >= 1000 && PATH === undefined)
      expect([...tally.endings.keys()]).to.include.members(ENDINGS);
  }).timeout(RUNS * 100 + 60_000);

  describe("goes right where", () => {
    for (const [name, each] of Object.entries(FOUND)) {
      it(name, async () => {
        const { problems, printout } = await playAndJudge(each);
        expect(problems, printout).to.deep.equal([]);
      });
    }
  });

  describe("notices a client that", () => {
    const honest: Honest[] = [];
    before(async function () {
      this.timeout(60_000);
      for (const [name, theme] of Object.entries(THEMES)) {
        // Few twins are confirmed later than the rest.
        const numRuns = name === "twins" ? 400 : 150;
        for (const each of fc.sample(theme, { seed: 1, numRuns })) {
          const run = await play(each);
          const { judgement, problems } = judgeRun(each, run, run.transcript);
          if (problems.length === 0) honest.push({ schedule: each, run, judgement });
        }
      }
    });

    for (const [name, lie] of Object.entries(LIES)) {
      it(name, () => expectNoticed(honest, lie));
    }
  });
});

/** A run of the honest client. */
interface Honest {
  readonly schedule: Schedule;
  readonly run: Run;
  readonly judgement: Judgement;
}

/** Every run in which the lie was told must be noticed, but for the few that prove less. */
function expectNoticed(all: readonly Honest[], lie: Lie): void {
  let told = 0;
  let noticed = 0;
  for (const { schedule, run, judgement } of all) {
    const lied = lie(run.transcript, judgement);
    if (lied === run.transcript) continue;
    told++;
    if (judgeRun(schedule, run, lied).problems.length > 0) noticed++;
    if (told === ENOUGH) break;
  }
  expect(told).to.be.greaterThan(5);
  expect(noticed / told).to.be.greaterThan(0.95);
}

/** Liars that are looked at for each lie. */
const ENOUGH = 40;
