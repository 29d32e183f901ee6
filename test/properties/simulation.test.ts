import { expect } from "chai";
import fc from "fast-check";
import { judge } from "./simulation/judge.ts";
import { print } from "./simulation/printout.ts";
import { type Disguise, play } from "./simulation/run.ts";
import { type Schedule, schedule } from "./simulation/schedule.ts";
import type { Ending, Saying } from "./simulation/transcript.ts";
import { contradictions } from "./simulation/truth.ts";

/**
 * The real client core against a model broker, in virtual time, under any schedule. The judge reads
 * the client's transcript and says of each publish what it must have been told, and when.
 *
 *     AMQP091_SIMULATION_RUNS=100000 npx mocha test/properties/simulation.test.ts
 *
 * A failure prints the seed, a transcript and the schedule as small as it could be made; with
 * AMQP091_SIMULATION_SEED and the same number of runs it comes again.
 */
const RUNS = Number(process.env["AMQP091_SIMULATION_RUNS"] ?? 3000);
const SEED = process.env["AMQP091_SIMULATION_SEED"];

const ENDINGS: Ending[] = [
  ...(["confirmed", "returned", "nacked", "refused"] as const),
  ...(["unprocessed", "unsent", "unknown", "usage"] as const),
];

interface Verdict {
  readonly problems: readonly string[];
  readonly endings: ReadonlyMap<number, Ending>;
  readonly transcript: string;
}

async function playAndJudge(each: Schedule, disguise?: Disguise): Promise<Verdict> {
  const { transcript, broker } = await play(each, disguise);
  const { frameMax } = each.broker;
  const judgement = judge(transcript, each.broker, frameMax);
  const problems = [...judgement.problems, ...contradictions(transcript, judgement, broker)];
  const { endings } = judgement;
  return {
    problems,
    endings,
    get transcript() {
      return print(transcript, frameMax);
    },
  };
}

/** Plays and judges; raises with everything that is wrong, and the transcript. */
async function check(each: Schedule): Promise<Iterable<Ending>> {
  const verdict = await playAndJudge(each);
  if (verdict.problems.length === 0) return verdict.endings.values();
  const list = verdict.problems.map((problem) => `  - ${problem}`).join("\n");
  throw new Error(`${list}\n\n${verdict.transcript}`);
}

describe("deterministic simulation", () => {
  it(`proves what every publish is told, in ${RUNS} schedules`, async () => {
    const counts = new Map<Ending, number>();
    const property = fc.asyncProperty(schedule, async (each) => {
      for (const ending of await check(each)) counts.set(ending, (counts.get(ending) ?? 0) + 1);
    });
    const seed = SEED === undefined ? {} : { seed: Number(SEED) };
    await fc.assert(property, { ...seed, numRuns: RUNS });
    report(counts);
    // A schedule that never gets anywhere would prove nothing.
    expect([...counts.keys()]).to.include.members(ENDINGS);
  }).timeout(RUNS * 100 + 60_000);

  describe("notices a client that", () => {
    const lies: readonly (readonly [ending: Ending, instead: Ending])[] = [
      ...ENDINGS.filter((ending) => ending !== "unknown").map(
        (ending) => [ending, "unknown"] as const,
      ),
      ["unknown", "unsent"],
      ["unknown", "unprocessed"],
      ["unprocessed", "unsent"],
      ["refused", "unprocessed"],
      ["nacked", "confirmed"],
      ["returned", "confirmed"],
    ];
    for (const [ending, instead] of lies) {
      it(`says ${instead} for ${ending}`, async () => {
        await expectNoticed((saying) =>
          saying.ending === ending ? { ...saying, ending: instead } : saying,
        );
      });
    }

    it("says unknown for everything", async () => {
      await expectNoticed((saying) => ({ ...saying, ending: "unknown" }));
    });

    it("gives the tag of the publish before", async () => {
      await expectNoticed(({ deliveryTag, ...saying }) => ({
        ...saying,
        deliveryTag: Math.max(deliveryTag - 1, 0),
      }));
    });
  });
});

/** Every schedule in which a lie was told must be noticed, but for the few that prove less. */
async function expectNoticed(lie: Disguise): Promise<void> {
  let told = 0;
  let noticed = 0;
  for (const each of fc.sample(schedule, { seed: 1, numRuns: 100 })) {
    let lied = false;
    const { problems } = await playAndJudge(each, (saying) => {
      const said = lie(saying);
      if (!isSame(said, saying)) lied = true;
      return said;
    });
    if (lied) told++;
    if (lied && problems.length > 0) noticed++;
  }
  expect(told).to.be.greaterThan(5);
  expect(noticed / told).to.be.greaterThan(0.95);
}

function isSame(a: Saying, b: Saying): boolean {
  return a.ending === b.ending && a.deliveryTag === b.deliveryTag;
}

function report(counts: ReadonlyMap<Ending, number>): void {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([ending, count]) => `${ending} ${((100 * count) / all).toFixed(1)} %`);
  console.log(`      ${all} publishes: ${shares.join(", ")}`);
}
