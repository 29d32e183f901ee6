/** What this project promises about its speed and memory, and whether a run bore it out. */
import { type Contestant, OURS, RAW } from "./clients.ts";
import type { Measured, Result } from "./measure.ts";
import type { MemoryMeasured, MemoryResult } from "./memory.ts";

/** A promise with what was measured. */
export interface Verdict {
  readonly work: string;
  /** What the number is. */
  readonly what: string;
  readonly promised: string;
  readonly measured: string;
  readonly held: boolean;
}

/** What all works promise; nothing about a work that ours or its peers took no part in. */
export function judge(measured: readonly Measured[]): Verdict[] {
  return measured.flatMap((each) => {
    const { perSecond, rate, latency, cpuMicros, shareOfLimit: share } = each.work.promised;
    return [
      ...atLeast(each, "messages a second", perSecond, find(each, OURS)?.rate, count),
      ...atLeast(each, RATE, rate, ratioToPeers(each), times),
      ...atMost(each, LATENCY, latency, latencyToPeers(each), times),
      ...atMost(each, "CPU of ours for a message", cpuMicros, find(each, OURS)?.cpuMicros, micros),
      ...atLeast(each, "rate, of ready-made bytes", share, shareOfLimit(each), percent),
    ];
  });
}

const RATE = "rate, to the fastest peer";
const LATENCY = "median latency, to the fastest peer";

/** The same of what was held in memory. */
export function judgeMemory(measured: readonly MemoryMeasured[]): Verdict[] {
  return measured.flatMap((each) => {
    const { count, title, promised } = each.work;
    const work = { work: { title: `${count.toLocaleString("en")} ${title}` } };
    return atMost(work, "heap, to the leanest peer", promised, memoryToPeers(each), times);
  });
}

/** How many times the rate of the fastest peer ours was; undefined where none took part. */
export function ratioToPeers(measured: Measured): number | undefined {
  return quotient(find(measured, OURS)?.rate, Math.max(...peers(measured).map(({ rate }) => rate)));
}

/** How many times the median latency of the fastest peer ours was. */
export function latencyToPeers(measured: Measured): number | undefined {
  const all = peers(measured).map(({ latency }) => latency?.p50 ?? Number.POSITIVE_INFINITY);
  return quotient(find(measured, OURS)?.latency?.p50, Math.min(...all));
}

/** What share of the rate of ready-made octets ours reached. */
export function shareOfLimit(measured: Measured): number | undefined {
  return quotient(find(measured, OURS)?.rate, find(measured, RAW)?.rate);
}

/** How many times the heap of the leanest peer that held all ours took. */
export function memoryToPeers({ results }: MemoryMeasured): number | undefined {
  const whole = results.filter(({ reason }) => reason === undefined);
  const heap = (all: readonly MemoryResult[]): number => Math.min(...all.map((one) => one.heap));
  const ours = whole.filter(({ client }) => client === OURS);
  return quotient(heap(ours), heap(whole.filter(({ client }) => client !== OURS)));
}

function find({ results }: Measured, who: Contestant): Result | undefined {
  return results.find(({ contestant }) => contestant === who);
}

function peers({ results }: Measured): Result[] {
  return results.filter(({ contestant }) => contestant !== OURS && contestant !== RAW);
}

/** Undefined if a side is missing; the least and the most of nobody are infinite. */
function quotient(ours: number | undefined, theirs: number | undefined): number | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  return Number.isFinite(ours) && Number.isFinite(theirs) ? ours / theirs : undefined;
}

/** Those behind the point that say nothing. */
const ZEROS = /\.?0+(?= )/;

type Format = (value: number) => string;

interface Titled {
  readonly work: { readonly title: string };
}

function atLeast(
  { work }: Titled,
  what: string,
  promised: number | undefined,
  measured: number | undefined,
  format: Format,
): Verdict[] {
  if (promised === undefined || measured === undefined) return [];
  return [
    {
      work: work.title,
      what,
      promised: `at least ${format(promised).replace(ZEROS, "")}`,
      measured: format(measured),
      held: measured >= promised,
    },
  ];
}

function atMost(
  { work }: Titled,
  what: string,
  promised: number | undefined,
  measured: number | undefined,
  format: Format,
): Verdict[] {
  if (promised === undefined || measured === undefined) return [];
  return [
    {
      work: work.title,
      what,
      promised: `at most ${format(promised).replace(ZEROS, "")}`,
      measured: format(measured),
      held: measured <= promised,
    },
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function times(value: number): string {
  return `${value.toFixed(2)} x`;
}

function micros(value: number): string {
  return `${value.toFixed(2)} µs`;
}

/** `0.853` as `85 %` */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
