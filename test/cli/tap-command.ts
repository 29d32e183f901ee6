/** `amqp091 tap`, run in this process on streams of the test. */
import { runCommandLine } from "../../src/cli/commands.ts";
import { until } from "../support/environment.ts";
import { TestIo } from "./test-io.ts";

/** A tap that listens. */
export class TapCommand {
  readonly io: TestIo;
  readonly port: number;
  readonly #ended: Promise<number>;

  private constructor(io: TestIo, port: number, ended: Promise<number>) {
    this.io = io;
    this.port = port;
    this.#ended = ended;
  }

  /** Starts it on a free port. */
  static async start(to: string, ...args: string[]): Promise<TapCommand> {
    const io = new TestIo();
    const ended = runCommandLine(["tap", "--listen", "0", "--to", to, ...args], io);
    await Promise.race([ended, until(() => io.stderr.text.includes("listening"))]);
    const port = Number(/listening on [^ ]*:(\d+)/.exec(io.stderr.text)?.[1]);
    return new TapCommand(io, port, ended);
  }

  /** Where our client connects. */
  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}`;
  }

  get stdout(): string {
    return this.io.stdout.text;
  }

  /** What `--json` wrote. */
  // biome-ignore lint/suspicious/noExplicitAny: lines of JSON, as a test wants them
  get items(): any[] {
    return this.stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
  }

  /** Ctrl-C, and the exit code. */
  async stop(): Promise<number> {
    this.io.interrupt();
    return this.#ended;
  }
}

/** The port of a URL. */
export function addressOf(url: string): string {
  return new URL(url).host;
}
