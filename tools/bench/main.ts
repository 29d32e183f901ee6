/**
 * The benchmark: this client and its peers doing the same work against a broker that does nothing,
 * or, with AMQP_URL, against a real one.
 *
 *     npm run bench
 *     npm run bench -- --quick --only 16,1k
 *     npm run bench -- --curves
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CLIENTS, RAW } from "./clients.ts";
import {
  type Contestant,
  type Effort,
  type Measured,
  measureWork,
  type Target,
} from "./measure.ts";
import { openBenchQueue } from "./queue.ts";
import { formatMeasured } from "./report.ts";
import { BROKER_WORKS, CURVES, WORKS } from "./work.ts";

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      curves: { type: "boolean", default: false },
      only: { type: "string" },
      clients: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      out: { type: "string", default: "bench" },
    },
  });
  const { quick, curves, only, out } = values;
  const effort: Effort = {
    rounds: Number(values.rounds ?? (quick ? 2 : 5)),
    seconds: Number(values.seconds ?? (quick ? 0.6 : 1.5)),
    warmUpSeconds: quick ? 0.4 : 1,
  };
  const url = process.env["AMQP_URL"];
  const queue = url === undefined ? undefined : await openBenchQueue(url);
  const target: Target = queue ?? { url: undefined, queue: "bench", empty: async () => {} };
  const everyone: readonly Contestant[] = [...(Object.keys(CLIENTS) as Contestant[]), RAW];
  const named = values.clients?.split(",");
  const contestants = curves
    ? (["amqp091"] as const)
    : everyone.filter((each) => named === undefined || named.includes(each));
  const works = (curves ? CURVES : url === undefined ? WORKS : BROKER_WORKS).filter(
    ({ id }) => only === undefined || only.split(",").includes(id),
  );
  say(`Node ${process.versions.node}, ${cpus().length} cores, ${cpus()[0]?.model ?? ""}`);
  say(`${effort.rounds} rounds of ${effort.seconds} s each, interleaved; medians\n`);
  const all: Measured[] = [];
  try {
    for (const work of works) {
      const measured = await measureWork(work, contestants, target, effort);
      all.push(measured);
      for (const line of formatMeasured(measured)) say(line);
      say("");
    }
  } finally {
    await queue?.close();
  }
  mkdirSync(out, { recursive: true });
  const file = join(out, "results.json");
  writeFileSync(file, `${JSON.stringify({ node: process.versions.node, effort, all }, null, 1)}\n`);
  say(`Written: ${file}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main(process.argv.slice(1)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
