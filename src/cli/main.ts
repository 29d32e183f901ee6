#!/usr/bin/env node
/**
 * The command `amqp091`: the one file here that is executed, and the only one that touches
 * `process`' exit. What there is to do is in commands.ts, which tests call without a process.
 */
import { runCommandLine } from "./commands.ts";
import { processIo } from "./io.ts";

/** Setting the code instead of calling process.exit() lets pending output go out. */
async function main(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), processIo());
}

void main();
