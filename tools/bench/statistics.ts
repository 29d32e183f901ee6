/** Numbers that say what many numbers have in common. */

/** The one in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** How far they are apart, as a share of the median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** The value that `percent` of the values do not exceed; they must be in ascending order. */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(rank - 1, 0)] ?? Number.NaN;
}

/** How long something took, of many times. */
export interface Latency {
  /** Microseconds that half of them did not exceed. */
  readonly p50: number;
  /** Microseconds that 99 in 100 did not exceed. */
  readonly p99: number;
}

/** The percentiles of milliseconds in any order; undefined if there are none. */
export function latencyOf(milliseconds: readonly number[]): Latency | undefined {
  if (milliseconds.length === 0) return undefined;
  const sorted = [...milliseconds].sort((a, b) => a - b);
  return { p50: 1000 * percentile(sorted, 50), p99: 1000 * percentile(sorted, 99) };
}
