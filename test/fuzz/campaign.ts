/** Runs a target with one input after the other, and explains the first that fails. */
import { type Fault, faultOf } from "./fault.ts";
import { guarded } from "./guard.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import { printSteps, type Steps } from "./steps.ts";

/** Something to be fuzzed. */
export interface Target {
  readonly name: string;
  /** The input that these choices lead to. */
  readonly generate: (random: Random) => Steps;
  /** Gives the input to the target. Raises a fault, or tells what became of it, in a few words. */
  readonly run: (steps: Steps) => Iterable<string>;
}

/** How often a target came to what. */
export type Marks = Map<string, number>;

/** How long to wait before something is taken to hang, and how long to look for a smaller input. */
export interface Patience {
  readonly batchMs: number;
  readonly runMs: number;
  readonly shrinkMs: number;
}

/** The runs of a target from `first` up to `end`, added to `marks`; the first that fails raises. */
export function campaign(
  target: Target,
  { seed, first, end }: { readonly seed: number; readonly first: number; readonly end: number },
  marks: Marks,
  patience: Patience = PATIENCE,
): void {
  let run = first;
  try {
    while (run < end) {
      guarded(patience.batchMs, () => {
        for (const last = Math.min(run + BATCH, end); run < last; run++) {
          for (const mark of target.run(inputOf(target, seed, run))) {
            marks.set(mark, (marks.get(mark) ?? 0) + 1);
          }
        }
      });
    }
  } catch (error) {
    throw new Error(explain(target, seed, run, faultOf(error), patience));
  }
}

/** Runs of a target for so many seconds; returns how many there were. */
export function campaignFor(target: Target, seed: number, seconds: number, marks: Marks): number {
  const until = Date.now() + 1000 * seconds;
  let first = 0;
  for (; Date.now() < until; first += BATCH) {
    campaign(target, { seed, first, end: first + BATCH }, marks);
  }
  return first;
}

/** The input of one run. */
export function inputOf(target: Target, seed: number, run: number): Steps {
  return target.generate(new Random(seed, run));
}

/** What is wrong with an input; undefined if nothing is. */
export function faultIn(target: Target, steps: Steps, runMs = PATIENCE.runMs): Fault | undefined {
  try {
    guarded(runMs, () => target.run(steps));
    return undefined;
  } catch (error) {
    return faultOf(error);
  }
}

/** What is wrong with an input that was given, and where it came from if that helps. */
export function describeFault(fault: Fault): string {
  return [fault.message, ...stackOf(fault)].join("\n");
}

/** Marks with their shares of all runs, the most frequent first. */
export function printMarks(marks: Marks, runs: number): string {
  return [...marks]
    .sort(([, a], [, b]) => b - a)
    .map(([mark, count]) => `${mark} ${((100 * count) / runs).toFixed(1)} %`)
    .join(", ");
}

function explain(
  target: Target,
  seed: number,
  run: number,
  fault: Fault,
  { runMs, shrinkMs }: Patience,
): string {
  const steps = inputOf(target, seed, run);
  const until = Date.now() + shrinkMs;
  const smallest = shrink(steps, (each) => {
    return Date.now() < until && faultIn(target, each, runMs)?.rule === fault.rule;
  });
  const found = faultIn(target, smallest, runMs) ?? fault;
  const command = `npm run fuzz -- --target ${target.name}`;
  return [
    `${target.name}, seed ${seed}, run ${run}: ${describeFault(found)}`,
    "",
    `the input, ${steps.length} steps made ${smallest.length}:`,
    printSteps(smallest),
    "",
    `again: ${command} --seed ${seed} --run ${run}`,
    `or, with the lines of the input in a file: ${command} --input FILE`,
  ].join("\n");
}

/** Where an exception that nobody expected came from. */
function stackOf({ cause }: Fault): string[] {
  if (!(cause instanceof Error) || cause.stack === undefined) return [];
  return cause.stack.split("\n").slice(1, 8);
}

/** How many runs are watched together: to watch costs as much as a tenth of a run. */
const BATCH = 100;

/** A batch takes a fifth of a second; a machine may be a hundred times as slow. */
const PATIENCE: Patience = { batchMs: 20_000, runMs: 2000, shrinkMs: 30_000 };
