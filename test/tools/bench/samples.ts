/** Measurements made up for tests. */
import type { Contestant } from "../../../tools/bench/clients.ts";
import type { Measured, Result } from "../../../tools/bench/measure.ts";
import type { MemoryMeasured, MemoryResult } from "../../../tools/bench/memory.ts";
import type { Setting } from "../../../tools/bench/pictures.ts";
import { type Promised, WORKS, type Work } from "../../../tools/bench/work.ts";

/** A result with this rate, and with numbers that follow from it unless they are given. */
export function result(contestant: Contestant, rate: number, more: Partial<Result> = {}): Result {
  return {
    contestant,
    rate,
    spread: 0.05,
    cpuMicros: 1e6 / rate,
    latency: { p50: 1e9 / rate, p99: 2e9 / rate },
    brokerCpu: 0.4,
    ...more,
  };
}

/** A work of the list that promises this and nothing else. */
export function workOf(id: string, promised: Promised = {}): Work {
  const work = WORKS.find((each) => each.id === id);
  if (work === undefined) throw new Error(`no work ${id}`);
  return { ...work, promised };
}

/** A work with what came of it. */
export function measured(work: Work, ...results: readonly Result[]): Measured {
  return { work, results, failures: [] };
}

/** What clients needed of memory; in octets of heap for each of 1,000 connections. */
export function held(each: { readonly [client: string]: number | string }): MemoryMeasured {
  return {
    work: { holds: "connections", title: "idle connections", count: 1000, promised: 1 },
    results: Object.entries(each).map(([client, heap]): MemoryResult => {
      const about = { client: client as MemoryResult["client"] };
      return typeof heap === "number"
        ? { ...about, held: 1000, heap: 1000 * heap, rss: 2000 * heap, reason: undefined }
        : { ...about, held: 7, heap: 7, rss: 7, reason: heap };
    }),
  };
}

/** Where nothing was measured. */
export const SETTING: Setting = {
  node: "99.1.2",
  processor: "Abacus <4> & sons, 2 cores",
  broker: "a null broker",
  rounds: 3,
  seconds: 1.5,
};
