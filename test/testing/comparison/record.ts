/**
 * Gives all plays with a RabbitMQ and writes down in recorded.json what its clients were answered.
 * Where the embedded broker means to differ is written down by hand (differences.ts).
 * Run by hand, from the root of the repository, when a play is added or changed:
 *
 *     node -r ts-node/register -e "require('./test/testing/comparison/record.ts')"
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../../../src/testing.ts";
import { startRabbitmq } from "../../support/rabbitmq.ts";
import { PLAYS } from "./plays.ts";
import { perform } from "./stage.ts";

async function record(): Promise<void> {
  const rabbitmq = await startRabbitmq();
  const broker = await startBroker();
  try {
    const recorded: Record<string, unknown> = {};
    for (const [title, play] of Object.entries(PLAYS)) {
      recorded[title] = await perform(play, rabbitmq.port, await perform(play, broker.port));
    }
    const text = JSON.stringify(recorded, null, 2);
    writeFileSync(join(__dirname, "recorded.json"), `${text}\n`);
  } finally {
    await broker.stop();
    await rabbitmq.stop();
  }
}

void record();
