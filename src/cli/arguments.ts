/** Command line arguments: node:util's parser, with errors of our kind. */
import { UsageError } from "../errors.ts";

/** Calls `parseArgs()` and turns what it says about the user's mistakes into a `UsageError`. */
export function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_PARSE_ARGS_")) throw new UsageError(message);
    throw error;
  }
}

/** The value of an option that is a whole number; undefined where it was not given. */
export function wholeNumber(
  text: string | undefined,
  option: string,
  least: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw new UsageError(`${option} must be a whole number of at least ${least}`);
  }
  return value;
}

/** Refuses two options that say the opposite of each other. */
export function atMostOne(values: { readonly [name: string]: unknown }, ...names: string[]): void {
  const given = names.filter((name) => values[name] !== undefined);
  if (given.length > 1) {
    throw new UsageError(`give one of ${given.map((name) => `--${name}`).join(" and ")}, not both`);
  }
}
