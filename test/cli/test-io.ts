/** Standard streams that a test can write, read and interrupt, for commands run in this process. */
import { PassThrough, Readable } from "node:stream";
import { runCommandLine } from "../../src/cli/commands.ts";
import type { Io, Output } from "../../src/cli/io.ts";

/** Keeps what is written to it. */
export class Capture implements Output {
  text = "";
  isTTY = false;
  columns = 80;

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** The process of a command, as far as the command can tell. */
export class TestIo implements Io {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout = new Capture();
  readonly stderr = new Capture();
  readonly env: { readonly [name: string]: string | undefined };
  /** Ctrl-C. */
  interrupt: () => void = () => {};
  /** SIGTERM. */
  terminate: () => void = () => {};
  /** Whether the command has asked to be told of Ctrl-C. */
  listening = false;

  constructor(
    options: {
      readonly input?: string | Uint8Array | Readable | undefined;
      readonly env?: Io["env"] | undefined;
    } = {},
  ) {
    const { input = "", env = {} } = options;
    this.stdin = input instanceof Readable ? input : Readable.from([Buffer.from(input)]);
    this.env = env;
  }

  onInterrupt(tell: () => void): () => void {
    this.interrupt = tell;
    this.listening = true;
    return () => {
      this.listening = false;
    };
  }

  onTerminate(tell: () => void): () => void {
    this.terminate = tell;
    return () => {
      this.terminate = () => {};
    };
  }
}

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end. */
export async function run(
  args: readonly string[],
  options: ConstructorParameters<typeof TestIo>[0] = {},
): Promise<Ran> {
  const io = new TestIo(options);
  const code = await runCommandLine(args, io);
  return { code, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** An input that stays open until the test ends it. */
export function openInput(): PassThrough {
  return new PassThrough();
}
