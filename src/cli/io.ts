/**
 * What a command sees of the process that it runs in. Commands take it as an argument, so that a
 * test can run them on streams of its own.
 */
import type { Readable } from "node:stream";

/** Standard streams, environment and interrupts. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: { readonly [name: string]: string | undefined };
  /**
   * Calls back at the first SIGINT (Ctrl-C), once; the result stops listening. The second one ends
   * the process at once.
   */
  onInterrupt(tell: () => void): () => void;
  /** The same for SIGTERM, with which others ask a process to end. */
  onTerminate(tell: () => void): () => void;
}

/** Where text goes: a terminal, a pipe, a file. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal: how many characters a line has. */
  readonly columns?: number;
}

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** Something was not confirmed, or could not be done at all. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** As shells have it for SIGINT: 128 + 2. */
  interrupted: 130,
} as const;

/** The real thing. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    // The reader is gone (EPIPE, as in `amqp091 demo | head -1`) or the disk is full. What the
    // command does for messages matters more than what it says about them, and the exit code is
    // still heard; without a listener the process would end in the middle of it.
    stream.on("error", () => {});
  }
  return {
    // A getter: only to touch process.stdin opens it.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt(tell) {
      // With the listener gone, the second SIGINT does what it always does.
      process.once("SIGINT", tell);
      return () => process.off("SIGINT", tell);
    },
    onTerminate(tell) {
      process.once("SIGTERM", tell);
      return () => process.off("SIGTERM", tell);
    },
  };
}
