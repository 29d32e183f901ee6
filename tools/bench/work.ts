/** What is measured: one kind of publish under one kind of load, and what is promised about it. */

/** How the null broker confirms. */
export type AckMode = "coalesced" | "single" | "descending" | "random";

/** What this project promises about a work; what is not named is not promised. */
export interface Promised {
  /** At least so many confirmed messages a second. */
  readonly perSecond?: number;
  /** At least so many times the rate of the fastest peer. */
  readonly rate?: number;
  /** At most so many times the median latency of the fastest peer. */
  readonly latency?: number;
  /** At most so many microseconds of the client's CPU for each confirmed message. */
  readonly cpuMicros?: number;
  /** At least this share (0 to 1) of the rate of ready-made bytes. */
  readonly shareOfLimit?: number;
}

/** One line of the report. */
export interface Work {
  readonly id: string;
  readonly title: string;
  /** Octets of the body. */
  readonly size: number;
  readonly properties: "none" | "typical";
  readonly mandatory: boolean;
  /** Publishes that may be unconfirmed, over all channels. */
  readonly window: number;
  readonly connections: number;
  /** Channels that the load is spread over, on each connection. */
  readonly channels: number;
  readonly acks: AckMode;
  /** The null broker confirms when so many are unconfirmed on a channel, or it has nothing to do. */
  readonly ackEvery: number;
  readonly promised: Promised;
}

/** A message with no properties on one channel; what other works change. */
export const PLAIN: Omit<Work, "id" | "title"> = {
  size: 16,
  properties: "none",
  mandatory: false,
  window: 1000,
  connections: 1,
  channels: 1,
  acks: "coalesced",
  ackEvery: 1,
  promised: {},
};

/** The works that all clients do. */
export const WORKS: readonly Work[] = [
  { ...PLAIN, id: "16", title: "16 B", promised: { rate: 8, cpuMicros: 1 } },
  {
    ...PLAIN,
    id: "typical",
    title: "16 B, properties",
    properties: "typical",
    promised: { rate: 5 },
  },
  { ...PLAIN, id: "mandatory", title: "16 B, mandatory", mandatory: true, promised: { rate: 6 } },
  { ...PLAIN, id: "single", title: "16 B, an ack each", acks: "single", promised: { rate: 4 } },
  { ...PLAIN, id: "1k", title: "1 KiB", size: 1024, promised: { rate: 4.5 } },
  { ...PLAIN, id: "4k", title: "4 KiB", size: 4096 },
  { ...PLAIN, id: "16k", title: "16 KiB", size: 16_384, promised: { rate: 2.2 } },
  { ...PLAIN, id: "128k", title: "128 KiB", size: 131_072 },
  { ...PLAIN, id: "1m", title: "1 MiB", size: 1_048_576, promised: { rate: 1.8 } },
  {
    ...PLAIN,
    id: "window-1",
    title: "16 B, one at a time",
    window: 1,
    promised: { latency: 1 },
  },
  ...[10, 100, 10_000].map((window) => ({
    ...PLAIN,
    id: `window-${window}`,
    title: `16 B, window of ${window.toLocaleString("en")}`,
    window,
  })),
];

const PROMISED_OF_A_BROKER: { readonly [id: string]: Promised } = {
  "16": { rate: 1.5, shareOfLimit: 0.85 },
  "1k": { rate: 1.5, shareOfLimit: 0.85 },
  "window-1": { latency: 1 },
};

/** The works that a broker with disks and queues is asked to do. */
export const BROKER_WORKS: readonly Work[] = WORKS.filter(({ id }) =>
  ["16", "typical", "1k", "16k", "window-1", "window-10", "window-100"].includes(id),
).map((work) => ({ ...work, promised: PROMISED_OF_A_BROKER[work.id] ?? {} }));

/** The same for the embedded broker, which is promised to be no bottleneck of anybody's tests. */
export const EMBEDDED_WORKS: readonly Work[] = BROKER_WORKS.map((work) => ({
  ...work,
  promised: ["16", "typical", "1k"].includes(work.id) ? { perSecond: 100_000 } : {},
}));

/** One thing that grows, or changes, while all else stays. */
export interface Curve {
  readonly id: string;
  /** What changes. */
  readonly title: string;
  /** The same with what stays. */
  readonly axis: string;
  readonly points: readonly CurvePoint[];
}

/** A place on a curve: a number, or a kind. */
export interface CurvePoint {
  readonly x: number | string;
  readonly work: Work;
}

/** How the cost of a publish changes with what is outstanding, channels, connections and acks. */
export const CURVES: readonly Curve[] = [
  {
    id: "outstanding",
    title: "unconfirmed messages",
    axis: "messages unconfirmed on one channel",
    points: [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].map((window) =>
      point(window, "outstanding", { window, ackEvery: Math.ceil(window / 2) }),
    ),
  },
  {
    id: "channels",
    title: "channels",
    axis: "channels of one connection, 10,000 unconfirmed",
    points: [1, 10, 100, 1000, 2000].map((channels) =>
      point(channels, "channels", { channels, window: 10_000 }),
    ),
  },
  {
    id: "connections",
    title: "connections",
    axis: "connections of one channel, 10,000 unconfirmed",
    points: [1, 10, 100].map((connections) =>
      point(connections, "connections", { connections, window: 10_000 }),
    ),
  },
  {
    id: "acks",
    title: "order of acks",
    axis: "acks for 5,000 messages, 10,000 unconfirmed",
    points: (
      [
        ["multiple", "coalesced"],
        ["ascending", "single"],
        ["descending", "descending"],
        ["random", "random"],
      ] as const
    ).map(([x, acks]) => point(x, "acks", { acks, window: 10_000, ackEvery: 5000 })),
  },
];

function point(x: number | string, curve: string, change: Partial<Work>): CurvePoint {
  const at = typeof x === "number" ? x.toLocaleString("en") : x;
  return { x, work: { ...PLAIN, ...change, id: `${curve}-${x}`, title: `${curve}: ${at}` } };
}
