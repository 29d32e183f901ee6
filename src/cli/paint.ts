/**
 * Colours, where somebody can see them: on a terminal that has them, unless NO_COLOR asks for none
 * (no-color.org). Plain text everywhere else.
 */
import type { Io, Output } from "./io.ts";

/** Ways to stand out. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** The paint for one of the streams of a command. */
export function paintFor(output: Output, env: Io["env"]): Paint {
  const colourful = isTerminal(output, env) && (env["NO_COLOR"] ?? "") === "";
  const style = (on: number, off: number) => (text: string) =>
    colourful ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return { bold: style(1, 22), dim: style(2, 22), good: style(32, 39), bad: style(31, 39) };
}

/** Whether the output is a terminal that understands escape sequences. */
export function isTerminal(output: Output, env: Io["env"]): boolean {
  return output.isTTY === true && env["TERM"] !== "dumb";
}
