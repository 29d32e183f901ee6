/**
 * From the command line to a command: help, version, dispatch, and how errors are said.
 *
 * An error that is the user's or the world's is one line on standard error and an exit code. An
 * error that is ours, a bug, is not caught: it ends the process with its stack trace.
 */
import { AmqpError, UsageError } from "../errors.ts";
import { broker } from "./broker.ts";
import type { Command } from "./command.ts";
import { decode } from "./decode.ts";
import { demo } from "./demo.ts";
import { EXIT, type Io } from "./io.ts";
import { printable } from "./printable.ts";
import { publish } from "./publish.ts";
import { formatTable } from "./table.ts";
import { tap } from "./tap.ts";
import { readVersion } from "./version.ts";

/** Runs what the arguments ask for; the result is the exit code. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args;
  switch (first) {
    case "--version":
    case "-v":
      io.stdout.write(`${readVersion()}\n`);
      return EXIT.ok;
    case "--help":
    case "-h":
      io.stdout.write(overview());
      return EXIT.ok;
    case "help":
      return runCommandLine(rest[0] === undefined ? ["--help"] : [rest[0], "--help"], io);
    case undefined:
      io.stderr.write(overview());
      return EXIT.usage;
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    io.stderr.write(`amqp091: there is no command ${printable(first)}\n\n${overview()}`);
    return EXIT.usage;
  }
  if (asksForHelp(rest)) {
    io.stdout.write(command.help);
    return EXIT.ok;
  }
  return run(command, rest, io);
}

const COMMANDS: readonly Command[] = [broker, decode, demo, publish, tap];

async function run(command: Command, args: readonly string[], io: Io): Promise<number> {
  try {
    return await command.run(args, io);
  } catch (error) {
    if (!isExpected(error)) throw error;
    io.stderr.write(`amqp091: ${printable(error.message)}\n`);
    if (!(error instanceof UsageError)) return EXIT.failed;
    io.stderr.write(`Try: amqp091 ${command.name} --help\n`);
    return EXIT.usage;
  }
}

/** Ours, or the operating system's (ENOENT and the like). */
function isExpected(error: unknown): error is Error {
  return error instanceof AmqpError || (error instanceof Error && "syscall" in error);
}

/** Not what comes after `--`, which may be the name of a file. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes("--help") || options.includes("-h");
}

function overview(): string {
  const [, ...commands] = formatTable(
    [{ title: "" }, { title: "" }],
    COMMANDS.map(({ name, summary }) => [name, summary]),
  );
  return `amqp091 ${readVersion()}: AMQP 0-9-1, for RabbitMQ and its kin

Usage: amqp091 COMMAND [OPTIONS]

Commands:
${commands.map((line) => `  ${line}\n`).join("")}
amqp091 COMMAND --help tells more about one of them. amqp091 --version tells the version.

The environment variable AMQP_URL names the broker, as in amqp://user:password@host:5672/vhost.
Without it the embedded broker is started for the length of the command.
`;
}
