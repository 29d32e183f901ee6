/** What was measured, as tables. */
import { type Column, formatTable } from "../../src/cli/table.ts";
import { RAW } from "./clients.ts";
import type { Measured, Result } from "./measure.ts";

const OURS = "amqp091";

/** How much faster ours was than the fastest of the others; undefined where none took part. */
export function ratioToPeers({ results }: Measured): number | undefined {
  const ours = results.find(({ contestant }) => contestant === OURS);
  const peers = results.filter(({ contestant }) => contestant !== OURS && contestant !== RAW);
  if (ours === undefined || peers.length === 0) return undefined;
  return ours.rate / Math.max(...peers.map(({ rate }) => rate));
}

/** What share of the rate of ready-made octets ours reached. */
export function shareOfLimit({ results }: Measured): number | undefined {
  const ours = results.find(({ contestant }) => contestant === OURS);
  const raw = results.find(({ contestant }) => contestant === RAW);
  return ours === undefined || raw === undefined ? undefined : ours.rate / raw.rate;
}

/** One work: a line for each contestant. */
export function formatMeasured(measured: Measured): string[] {
  const { work, results } = measured;
  const fastest = Math.max(...results.map(({ rate }) => rate));
  const ratio = ratioToPeers(measured);
  const share = shareOfLimit(measured);
  const promised = work.promise === undefined ? "" : `, promised ${work.promise}`;
  return [
    work.title,
    ...formatTable(
      COLUMNS,
      results.map((each) => row(each, fastest)),
    ).map((line) => `  ${line}`),
    ...(ratio === undefined ? [] : [`  ${ratio.toFixed(1)} times the fastest peer${promised}`]),
    ...(share === undefined ? [] : [`  ${percent(share)} of ready-made bytes`]),
  ];
}

const COLUMNS: readonly Column[] = [
  { title: "", width: 22 },
  ...["msg/s", "spread", "CPU µs/msg", "p50 ms", "p99 ms", "broker CPU"].map(
    (title): Column => ({ title, align: "right", width: 9 }),
  ),
  { title: "", width: 20 },
];

function row(result: Result, fastest: number): string[] {
  const { contestant, rate, cpuMicros, p50, p99, brokerCpu } = result;
  return [
    contestant,
    Math.round(rate).toLocaleString("en-US"),
    percent(result.spread),
    cpuMicros.toFixed(2),
    p50?.toFixed(2) ?? "",
    p99?.toFixed(2) ?? "",
    brokerCpu === undefined ? "" : percent(brokerCpu),
    "▇".repeat(Math.max(1, Math.round((20 * rate) / fastest))),
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
