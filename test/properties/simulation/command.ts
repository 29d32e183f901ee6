/**
 * `npm run simulate -- --runs 100000 --seed 7`: a long run of the simulation, with its progress.
 * `--path` runs one schedule that failed before, alone.
 */
import { parseArgs } from "node:util";
import { run, shares, type Tally } from "./campaign.ts";

const PROGRESS_MS = 5000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string" },
    path: { type: "string" },
  },
});
const { path } = values;
const runs = wholeNumber("runs", values.runs);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : wholeNumber("seed", values.seed);

if (path !== undefined && values.seed === undefined)
  refuse("--path needs the --seed that it is of");

const startedAt = performance.now();
let shownAt = startedAt;
console.log(path === undefined ? `${runs} schedules of seed ${seed}` : `${path} of seed ${seed}`);
run({ runs, seed, path, onProgress: show }).then(
  (tally) => console.log(shares(tally)),
  (error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  },
);

function show(tally: Tally): void {
  const now = performance.now();
  if (now - shownAt < PROGRESS_MS) return;
  shownAt = now;
  const perSecond = Math.round((1000 * tally.schedules) / (now - startedAt));
  console.log(`${perSecond} a second; ${shares(tally)}`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  return refuse(`--${name} takes a whole number, not ${text}`);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}
