/** What every command of `amqp091` is to the dispatcher in commands.ts. */
import type { Io } from "./io.ts";

/** One of the things that `amqp091` can do. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** The whole page. */
  readonly help: string;
  /** Does it; the result is the exit code. Raises a `UsageError` for arguments that make no sense. */
  run(args: readonly string[], io: Io): Promise<number>;
}
