/** What is measured: one kind of publish under one kind of load. */

/** How the null broker confirms. */
export type AckMode = "coalesced" | "single" | "descending" | "random";

/** One line of the report. */
export interface Work {
  readonly id: string;
  readonly title: string;
  /** Octets of the body. */
  readonly size: number;
  readonly properties: "none" | "typical";
  readonly mandatory: boolean;
  /** Publishes that may be unconfirmed. */
  readonly window: number;
  /** Channels that the load is spread over. */
  readonly channels: number;
  readonly acks: AckMode;
  /** The null broker confirms when so many are unconfirmed on a channel, or it has nothing to do. */
  readonly ackEvery: number;
  /** The lowest ratio to the fastest peer that this project promises; undefined: no promise. */
  readonly promise: number | undefined;
}

const PLAIN: Omit<Work, "id" | "title" | "promise"> = {
  size: 16,
  properties: "none",
  mandatory: false,
  window: 1000,
  channels: 1,
  acks: "coalesced",
  ackEvery: 1,
};

/** The works that all clients do. */
export const WORKS: readonly Work[] = [
  { ...PLAIN, id: "16", title: "16 B", promise: 8 },
  { ...PLAIN, id: "typical", title: "16 B, properties", properties: "typical", promise: 5 },
  { ...PLAIN, id: "mandatory", title: "16 B, mandatory", mandatory: true, promise: 6 },
  { ...PLAIN, id: "single", title: "16 B, an ack each", acks: "single", promise: 4 },
  { ...PLAIN, id: "1k", title: "1 KiB", size: 1024, promise: 4.5 },
  { ...PLAIN, id: "4k", title: "4 KiB", size: 4096, promise: undefined },
  { ...PLAIN, id: "16k", title: "16 KiB", size: 16_384, promise: 2.2 },
  { ...PLAIN, id: "128k", title: "128 KiB", size: 131_072, promise: undefined },
  { ...PLAIN, id: "1m", title: "1 MiB", size: 1_048_576, promise: 1.8 },
  { ...PLAIN, id: "window-1", title: "16 B, one at a time", window: 1, promise: undefined },
  ...[10, 100, 10_000].map((window) => ({
    ...PLAIN,
    id: `window-${window}`,
    title: `16 B, window of ${window.toLocaleString("en")}`,
    window,
    promise: undefined,
  })),
];

/** The works that a broker with disks and queues is asked to do. */
export const BROKER_WORKS: readonly Work[] = WORKS.filter(({ id }) =>
  ["16", "typical", "1k", "16k", "window-1"].includes(id),
).map((work) => ({ ...work, promise: ["16", "1k"].includes(work.id) ? 1.5 : undefined }));

/** How the cost of a publish changes with what is outstanding, with channels and with acks. */
export const CURVES: readonly Work[] = [
  ...[1, 10, 100, 1000, 10_000, 100_000, 1_000_000].map((window) => ({
    ...PLAIN,
    id: `outstanding-${window}`,
    title: `16 B, ${window.toLocaleString("en")} outstanding`,
    window,
    ackEvery: Math.ceil(window / 2),
    promise: undefined,
  })),
  ...[1, 10, 100, 1000, 2000].map((channels) => ({
    ...PLAIN,
    id: `channels-${channels}`,
    title: `16 B, ${channels.toLocaleString("en")} channels`,
    window: 10_000,
    channels,
    promise: undefined,
  })),
  ...(["single", "descending", "random", "coalesced"] as const).map((acks) => ({
    ...PLAIN,
    id: `acks-${acks}`,
    title: `16 B, 10,000 outstanding, acks ${acks}`,
    window: 10_000,
    ackEvery: 5000,
    acks,
    promise: undefined,
  })),
];
