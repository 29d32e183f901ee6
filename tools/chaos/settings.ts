/** The command line of the chaos tool. */
import { parseArgs } from "node:util";
import type { Fault, FaultOptions } from "./fault.ts";
import { FAULTS } from "./faults.ts";

/** What to play. */
export interface Settings extends FaultOptions {
  /** In the order of {@link FAULTS}, whatever order they were named in: a kill empties queues. */
  readonly faults: readonly Fault[];
}

/** What the command line says is no setting: the message tells why. */
export class BadArgument extends Error {}

/** The lines of `--help`. */
export const HELP: readonly string[] = [
  "npm run chaos -- [--fault NAME]... [--seed N] [--messages N] [--rounds N]",
  "",
  "Every fault, three rounds of 3,000 messages and more each, unless told otherwise.",
  "",
  ...FAULTS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`),
];

/** Reads the arguments; raises a {@link BadArgument} for what cannot be one. */
export function readSettings(args: readonly string[]): Settings | "help" {
  const values = parse(args);
  if (values.help) return "help";
  for (const name of values.fault ?? []) {
    if (FAULTS.some((fault) => fault.name === name)) continue;
    throw new BadArgument(`there is no fault ${name}: see --help`);
  }
  return {
    faults: FAULTS.filter(({ name }) => values.fault?.includes(name) ?? true),
    seed: count(values.seed, "seed", 0),
    messages: count(values.messages, "messages", LEAST_MESSAGES),
    rounds: count(values.rounds, "rounds", 1),
  };
}

/** With fewer, a fault may have nothing to happen to. */
const LEAST_MESSAGES = 200;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        fault: { type: "string", multiple: true },
        seed: { type: "string", default: String(Date.now() % 1_000_000) },
        messages: { type: "string", default: "3000" },
        rounds: { type: "string", default: "3" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new BadArgument(error instanceof Error ? error.message : String(error));
  }
}

function count(text: string, name: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new BadArgument(`--${name} takes a whole number of at least ${least}`);
}
