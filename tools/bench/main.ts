/**
 * The benchmark: this client and its peers doing the same work against a broker that does nothing,
 * or, with AMQP_URL, against a real one. `--help` names the options.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { startEmbeddedBroker } from "./children.ts";
import { OURS, RAW } from "./clients.ts";
import { type Measured, measureWork, type Target } from "./measure.ts";
import { canHold, MEMORY_WORKS, type MemoryMeasured, measureMemory } from "./memory.ts";
import { HELP, readSettings, type Settings } from "./options.ts";
import { drawCurves, drawResults, type Setting } from "./pictures.ts";
import { judge, judgeMemory, type Verdict } from "./promises.ts";
import { formatCurve, formatMeasured, formatMemory, formatVerdicts } from "./report.ts";
import { BROKER_WORKS, CURVES, type Curve, EMBEDDED_WORKS, WORKS } from "./work.ts";

async function main(args: readonly string[]): Promise<number> {
  let settings: Settings | "help";
  try {
    settings = readSettings(args);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  if (settings === "help") {
    say(HELP);
    return 0;
  }
  const embedded = settings.embedded ? await startEmbeddedBroker() : undefined;
  const url = embedded?.url ?? (process.env["AMQP_URL"] || undefined);
  // Loaded only if needed: it brings the client along.
  const queue =
    url === undefined ? undefined : await (await import("./queue.ts")).openBenchQueue(url);
  const target: Target = queue ?? { url: undefined, queue: "bench", empty: async () => {} };
  const run: Run = {
    settings,
    target,
    setting: settingOf(settings, embedded ? "the embedded broker" : queue?.broker),
  };
  const { node, processor, broker } = run.setting;
  say(`Node ${node}, ${processor}; against ${broker}`);
  let verdicts: readonly Verdict[];
  try {
    if (settings.mode === "memory") verdicts = await runMemory(run);
    else if (settings.mode === "curves") verdicts = await runCurves(run);
    else verdicts = await runWorks(run);
  } finally {
    await queue?.close();
    await embedded?.stop();
  }
  for (const line of formatVerdicts(verdicts)) say(line);
  return settings.check && verdicts.some(({ held }) => !held) ? 1 : 0;
}

interface Run {
  readonly settings: Settings;
  readonly target: Target;
  readonly setting: Setting;
}

async function runWorks({ settings, target, setting }: Run): Promise<Verdict[]> {
  const forBrokers = settings.embedded ? EMBEDDED_WORKS : BROKER_WORKS;
  const works = (target.url === undefined ? WORKS : forBrokers).filter(({ id }) =>
    settings.wants(id),
  );
  if (works.length === 0) throw new Error("none of these works is for a real broker");
  say(effortOf(settings));
  const all: Measured[] = [];
  for (const work of works) {
    const measured = await measureWork(work, settings.contestants, target, settings.effort);
    all.push(measured);
    for (const line of formatMeasured(measured)) say(line);
    say("");
  }
  write(settings, "results", { setting, all }, drawResults(all, setting));
  return judge(all);
}

async function runCurves({ settings, target, setting }: Run): Promise<Verdict[]> {
  const curves = CURVES.map((curve): Curve => {
    // In what order a real broker confirms is its own affair.
    const isOurs = target.url === undefined || curve.id !== "acks";
    const points = curve.points.filter(
      ({ work }) => isOurs && (settings.wants(curve.id) || settings.wants(work.id)),
    );
    return { ...curve, points };
  }).filter(({ points }) => points.length > 0);
  // Ready-made bytes go through one channel; and who is not named need not be waited for.
  const contestants = settings.named
    ? settings.contestants.filter((who) => who !== RAW)
    : ([OURS] as const);
  say(effortOf(settings));
  const all: Measured[] = [];
  for (const curve of curves) {
    for (const { work } of curve.points) {
      all.push(await measureWork(work, contestants, target, settings.effort));
    }
    for (const line of formatCurve(curve, all)) say(line);
    say("");
  }
  write(settings, "curves", { setting, all }, drawCurves(curves, all, setting));
  return [];
}

async function runMemory({ settings, target, setting }: Run): Promise<Verdict[]> {
  const clients = settings.contestants.filter((who) => who !== RAW);
  const all: MemoryMeasured[] = [];
  say("growth after garbage collection; heap: JavaScript heap and what hangs on it outside\n");
  for (const work of MEMORY_WORKS.filter(({ holds }) => settings.wants(holds))) {
    if (canHold(work, target)) {
      const count = settings.quick ? work.count / 10 : work.count;
      const measured = await measureMemory({ ...work, count }, clients, target);
      all.push(measured);
      for (const line of formatMemory(measured)) say(line);
    } else {
      say(`${work.title}: left out, for a real broker confirms what it gets`);
    }
    say("");
  }
  write(settings, "memory", { setting, all });
  return judgeMemory(all);
}

function effortOf({ effort: { rounds, seconds } }: Settings): string {
  return `${rounds} rounds of ${seconds} s for each, interleaved; medians\n`;
}

function settingOf({ effort }: Settings, broker: string | undefined): Setting {
  const processors = cpus();
  return {
    node: process.versions.node,
    processor: `${processors[0]?.model.trim() ?? "processor"}, ${processors.length} cores`,
    broker: broker ?? "a null broker",
    rounds: effort.rounds,
    seconds: effort.seconds,
  };
}

function write({ out }: Settings, name: string, results: object, picture?: string): void {
  mkdirSync(out, { recursive: true });
  const json = join(out, `${name}.json`);
  writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  const svg = join(out, `${name}.svg`);
  if (picture !== undefined) writeFileSync(svg, picture);
  say(`Written: ${json}${picture === undefined ? "" : ` and ${svg}`}\n`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main(process.argv.slice(1)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 2;
  },
);
