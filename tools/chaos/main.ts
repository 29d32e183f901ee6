/**
 * Chaos: publishers against a RabbitMQ of their own while things go wrong, and afterwards the account
 * of what they were told against what is in the queues.
 *
 *     npm run chaos
 *     npm run chaos -- --fault cut --fault kill --seed 7 --messages 5000 --rounds 3
 *
 * It exits with 1 if anything told was not true, if a publish did not settle, or if a fault did not
 * happen as it should. Cut points and messages come again with the seed; what else happens at the same
 * time is up to the machine.
 */
import { formatCount } from "../../src/cli/table.ts";
import { type RabbitNode, startRabbitmq } from "../../test/support/rabbitmq.ts";
import { type FaultReport, NODE_CONFIG, playFault } from "./fault.ts";
import { formatAccounts, formatHappenings, formatProblems } from "./report.ts";
import { BadArgument, HELP, readSettings, type Settings } from "./settings.ts";

async function main(args: readonly string[]): Promise<number> {
  const settings = readSettings(args);
  if (settings === "help") {
    for (const line of HELP) say(line);
    return 0;
  }
  const node = await startNode();
  if (node === undefined) return 2;
  try {
    return await run(node, settings);
  } finally {
    await node.stop();
  }
}

async function run(node: RabbitNode, settings: Settings): Promise<number> {
  const { faults, seed, messages, rounds } = settings;
  say(`seed ${seed}, ${formatCount(messages)} messages at full speed a round, rounds ${rounds}\n`);
  for (const fault of faults) await fault.prepare(node);
  const reports: FaultReport[] = [];
  for (const fault of faults) {
    say(`${fault.name.padEnd(10)} ${fault.summary}`);
    reports.push(await playFault(fault, node, { seed, messages, rounds }));
  }
  const problems = formatProblems(reports);
  say("");
  for (const line of formatAccounts(reports)) say(line);
  say("");
  for (const line of formatHappenings(reports)) say(line);
  say("");
  for (const line of problems) say(line);
  say(problems.length === 0 ? "Nothing that was told was untrue." : `\nThe seed was ${seed}.`);
  return problems.length === 0 ? 0 : 1;
}

async function startNode(): Promise<RabbitNode | undefined> {
  try {
    return await startRabbitmq({ config: NODE_CONFIG });
  } catch (error) {
    if (!(error instanceof Error && error.message === "RabbitMQ is not installed")) throw error;
    say(
      "RabbitMQ is not installed. Chaos kills and starves a node, so it starts one of its own: " +
        "install the rabbitmq-server package, or name an installation in RABBITMQ_HOME. " +
        "AMQP_URL is not used.",
    );
    return undefined;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

// `node -e` leaves no script's name in argv, only what follows it.
main(process.argv.slice(1)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const text = error instanceof BadArgument ? error.message : (error as Error).stack;
    process.stderr.write(`${text}\n`);
    process.exitCode = 2;
  },
);
