/**
 * Fuzzes for as long as one likes.
 *
 *     npm run fuzz                                        5 minutes, with a seed of its own
 *     npm run fuzz -- --seconds 3600 --seed 7             longer, and the same each time
 *     npm run fuzz -- --target client --seed 7 --run 12   one run again
 *     npm run fuzz -- --target client --input FILE        the steps that a failure printed
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { brokerTarget } from "./broker/target.ts";
import {
  campaign,
  campaignFor,
  describeFault,
  faultIn,
  type Marks,
  printMarks,
  type Target,
} from "./campaign.ts";
import { clientTarget } from "./client/target.ts";
import { parseSteps } from "./steps.ts";
import { wireTarget } from "./wire/target.ts";

const TARGETS: readonly Target[] = [wireTarget(), clientTarget(), brokerTarget()];

/** How long a target has at most before it is the next one's turn. */
const TURN_SECONDS = 5;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    target: { type: "string" },
    run: { type: "string" },
    input: { type: "string" },
  },
});

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function main(): void {
  const chosen = TARGETS.filter(({ name }) => name === (values.target ?? name));
  const [target] = chosen;
  if (target === undefined) throw new Error(`no target ${values.target}`);
  const seed = Number(values.seed);
  if (values.input !== undefined) return repeat(target, values.input);
  if (values.run === undefined) return fuzz(chosen, seed, Number(values.seconds));
  const first = Number(values.run);
  const marks: Marks = new Map();
  campaign(target, { seed, first, end: first + 1 }, marks);
  console.log(`nothing wrong: ${[...marks.keys()].join(", ")}`);
}

function repeat(target: Target, file: string): void {
  const fault = faultIn(target, parseSteps(readFileSync(file, "utf8")));
  if (fault !== undefined) throw new Error(describeFault(fault));
  console.log("nothing wrong");
}

/** The targets in turns, each round with a seed of its own. */
function fuzz(targets: readonly Target[], seed: number, seconds: number): void {
  const until = Date.now() + 1000 * seconds;
  const turn = Math.min(TURN_SECONDS, seconds / targets.length);
  const totals = targets.map((target) => ({ target, marks: new Map(), runs: 0, ms: 0 }));
  console.log(`seed ${seed}, ${seconds} seconds`);
  for (let round = 0; Date.now() < until; round++) {
    for (const total of totals) {
      const start = Date.now();
      const left = Math.max(until - start, 0) / 1000;
      total.runs += campaignFor(total.target, seed + round, Math.min(turn, left), total.marks);
      total.ms += Date.now() - start;
    }
    const runs = totals.map((total) => `${total.target.name} ${total.runs}`).join(", ");
    console.log(`${Math.max(0, Math.round((until - Date.now()) / 1000))} s left: ${runs}`);
  }
  for (const { target, marks, runs, ms } of totals) {
    if (runs === 0) continue;
    console.log(`\n${target.name}: ${runs} runs, ${Math.round((1000 * runs) / ms)} a second`);
    console.log(printMarks(marks, runs));
  }
}
