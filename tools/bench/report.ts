/** What was measured, as tables. */
import { type Column, formatCount, formatTable } from "../../src/cli/table.ts";
import type { Contestant } from "./clients.ts";
import type { Measured, Result } from "./measure.ts";
import type { MemoryMeasured } from "./memory.ts";
import {
  latencyToPeers,
  memoryToPeers,
  percent,
  ratioToPeers,
  shareOfLimit,
  type Verdict,
} from "./promises.ts";
import type { Curve } from "./work.ts";

/** One work: a line for each contestant. */
export function formatMeasured(measured: Measured): string[] {
  const { work, results } = measured;
  const fastest = Math.max(...results.map(({ rate }) => rate));
  const ratio = ratioToPeers(measured);
  const slower = latencyToPeers(measured);
  const share = shareOfLimit(measured);
  return [
    work.title,
    ...indent(
      formatTable(
        COLUMNS,
        results.map((each) => row(each, fastest)),
      ),
    ),
    ...formatFailures(measured),
    ...(ratio === undefined ? [] : [`  ${ratio.toFixed(1)} times the rate of the fastest peer`]),
    ...(work.window > 1 || slower === undefined
      ? []
      : [`  ${slower.toFixed(2)} times the median latency of the fastest peer`]),
    ...(share === undefined ? [] : [`  ${percent(share)} of the rate of ready-made bytes`]),
  ];
}

/** What was promised, what came out, and whether it held. */
export function formatVerdicts(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return [];
  return formatTable(
    [
      { title: "promise" },
      { title: "" },
      { title: "promised", align: "right" },
      { title: "measured", align: "right" },
      { title: "" },
    ],
    verdicts.map(({ work, what, promised, measured, held }) => [
      work,
      what,
      promised,
      measured,
      held ? "held" : "NOT HELD",
    ]),
  );
}

/** A curve: microseconds of CPU for each message, and how many times the first point's that is. */
export function formatCurve(curve: Curve, measured: readonly Measured[]): string[] {
  const rows = curve.points.map(({ x, work }) => ({
    x: typeof x === "number" ? formatCount(x) : x,
    measured: measured.find((each) => each.work.id === work.id),
  }));
  const contestants = [
    ...new Set(rows.flatMap((each) => each.measured?.results.map((one) => one.contestant) ?? [])),
  ];
  const cost = (at: Measured | undefined, who: Contestant): number | undefined =>
    at?.results.find(({ contestant }) => contestant === who)?.cpuMicros;
  return [
    `CPU µs for a message (and times the first) by ${curve.axis}`,
    ...indent(
      formatTable(
        [
          { title: "", align: "right", width: 10 },
          ...contestants.map((title): Column => ({ title, align: "right", width: 15 })),
        ],
        rows.map(({ x, measured: at }) => [
          x,
          ...contestants.map((who) => {
            const first = cost(rows[0]?.measured, who);
            const here = cost(at, who);
            if (here === undefined) return "";
            return here.toFixed(2) + (first === undefined ? "" : ` (${(here / first).toFixed(2)})`);
          }),
        ]),
      ),
    ),
    ...rows.flatMap(({ x, measured: at }) => formatFailures(at, `${x}: `)),
  ];
}

/** What each client needed for what it held. */
export function formatMemory(measured: MemoryMeasured): string[] {
  const { work, results } = measured;
  const ratio = memoryToPeers(measured);
  return [
    `${formatCount(work.count)} ${work.title}`,
    ...indent(
      formatTable(
        [
          { title: "", width: 22 },
          ...["held", "heap MiB", "B each", "RSS MiB", "B each"].map(
            (title): Column => ({ title, align: "right", width: 9 }),
          ),
        ],
        results.map(({ client, held, heap, rss }) => [
          client,
          formatCount(held),
          ...[heap, rss].flatMap((size) =>
            held === 0 ? ["", ""] : [(size / 2 ** 20).toFixed(1), formatCount(size / held)],
          ),
        ]),
      ),
    ),
    ...results.flatMap(({ client, held, reason }) =>
      reason === undefined ? [] : [`  ${client} held ${formatCount(held)} and no more: ${reason}`],
    ),
    ...(ratio === undefined ? [] : [`  ${ratio.toFixed(2)} times the heap of the leanest peer`]),
  ];
}

const COLUMNS: readonly Column[] = [
  { title: "", width: 22 },
  ...["msg/s", "spread", "CPU µs/msg", "p50 µs", "p99 µs", "broker CPU"].map(
    (title): Column => ({ title, align: "right", width: 9 }),
  ),
  { title: "", width: 20 },
];

function formatFailures(measured: Measured | undefined, where = ""): string[] {
  return (measured?.failures ?? []).map(
    ({ contestant, reason }) => `  ${where}${contestant} did not do it: ${reason}`,
  );
}

function row(result: Result, fastest: number): string[] {
  const { contestant, rate, cpuMicros, latency, brokerCpu } = result;
  return [
    contestant,
    formatCount(rate),
    percent(result.spread),
    cpuMicros.toFixed(2),
    latency === undefined ? "" : formatCount(latency.p50),
    latency === undefined ? "" : formatCount(latency.p99),
    brokerCpu === undefined ? "" : percent(brokerCpu),
    "▇".repeat(Math.max(1, Math.round((20 * rate) / fastest))),
  ];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
