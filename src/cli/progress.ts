/**
 * One line on a terminal that is rewritten in place while something runs. Where the output is not a
 * terminal, nothing is written at all.
 */
import type { Io, Output } from "./io.ts";
import { isTerminal } from "./paint.ts";

/** A line that shows how far something is. */
export class Progress {
  readonly #output: Output;
  readonly #shown: boolean;
  readonly #describe: () => string;
  #timer: NodeJS.Timeout | undefined;

  /** `describe` is called each time the line is drawn. */
  constructor(output: Output, env: Io["env"], describe: () => string) {
    this.#output = output;
    this.#shown = isTerminal(output, env);
    this.#describe = describe;
  }

  /** Shows the line until stop(). */
  start(): void {
    if (!this.#shown) return;
    this.#timer = setInterval(() => this.#draw(), INTERVAL_MS).unref();
  }

  /** Takes the line away, so that what follows is written where it was. Idempotent. */
  stop(): void {
    if (this.#timer === undefined) return;
    this.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Makes room for something else to be written; the line comes back by itself below that. */
  clear(): void {
    if (this.#timer !== undefined) this.#output.write(ERASE_LINE);
  }

  #draw(): void {
    // A line that wraps cannot be rewritten; the last column is left free for the same reason.
    const room = (this.#output.columns || DEFAULT_COLUMNS) - 1;
    this.#output.write(ERASE_LINE + this.#describe().slice(0, room));
  }
}

const INTERVAL_MS = 100;
const DEFAULT_COLUMNS = 80;
/** To the first column, then everything to the right of it. */
const ERASE_LINE = "\r\x1b[K";
