/**
 * Text for a reader that may be slower than what it is told of, and must not hold it up.
 *
 * Node writes to a terminal synchronously: where somebody has stopped it (Ctrl-S), the whole process
 * stands still. So a terminal is written to as a file, which is done in another thread. Text that
 * waits is bounded; past that it is dropped, and the reader is told how much when it reads again.
 */
import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
import { WriteStream as Terminal } from "node:tty";
import type { Output } from "./io.ts";

/** How much text waits at most, in characters, before what comes is dropped. */
const MAX_WAITING = 4_194_304;

/** An output that never makes anybody wait. */
export class LiveOutput {
  readonly #output: Output;
  readonly #stream: Writable | undefined;
  readonly #describe: (dropped: number) => string;
  #dropped = 0;
  #isGone = false;

  /** `describe` makes the text that stands for so many things that were dropped. */
  constructor(output: Output, describe: (dropped: number) => string) {
    this.#output = output;
    this.#describe = describe;
    this.#stream = streamOf(output);
    this.#stream?.on("drain", () => this.#tellDropped());
    this.#stream?.on("error", () => {
      this.#isGone = true;
    });
  }

  /** Whether the reader is gone, as in `| head`: nothing is written any more. */
  get isGone(): boolean {
    return this.#isGone || this.#stream?.destroyed === true;
  }

  /** Writes what `make` gives, or drops `count` things without making anything. */
  write(count: number, make: () => string): void {
    if (this.isGone) return;
    if (this.#dropped > 0 || (this.#stream?.writableLength ?? 0) > MAX_WAITING) {
      this.#dropped += count;
      return;
    }
    const text = make();
    if (text !== "") (this.#stream ?? this.#output).write(text);
  }

  /** Writes the last text; resolves when all is written, or nobody reads within `timeoutMs`. */
  async end(text: string, timeoutMs: number): Promise<void> {
    if (this.isGone) return;
    if (this.#dropped > 0) this.#tellDropped();
    const stream = this.#stream;
    if (stream === undefined) {
      this.#output.write(text);
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      stream.once("close", resolve);
      stream.write(text, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const text = this.#describe(this.#dropped);
    this.#dropped = 0;
    this.#stream?.write(text);
  }
}

function streamOf(output: Output): Writable | undefined {
  if (!(output instanceof Writable)) return undefined;
  if (!(output instanceof Terminal)) return output;
  return createWriteStream("", {
    fd: (output as Terminal & { readonly fd: number }).fd,
    autoClose: false,
  });
}
