/**
 * The most that publishes may cost. Each test shows what it counted beside its bound; when that has
 * gone down, the bound goes down here.
 *
 * A comment says what was counted when the bound was set, least and most over Node 20, 22 and 24.
 */
import type { Confirms } from "./broker.ts";
import type { Load } from "./meter.ts";

/** What is published, and how it is confirmed. */
export interface Case {
  readonly what: string;
  readonly load: Load;
  readonly confirms: Confirms;
}

/** What one publish may allocate. */
export interface AllocationBounds extends Case {
  /** Octets of the heap, from the call to the settled promise. */
  readonly heap?: number;
  /** Octets of new buffers, for what is encoded and what is read. */
  readonly buffers: number;
}

/** How often the socket may be written to. */
export interface TrafficBounds extends Case {
  readonly writesPerThousand: number;
  /** Whether each confirm makes room for the next publish, or all of them for as many. */
  readonly continuous?: boolean;
}

const PLAIN: Load = {
  body: "octets",
  size: 16,
  properties: "none",
  mandatory: false,
  maxUnconfirmed: 4096,
  perTurn: 1000,
  turns: 20,
};
const MANDATORY: Load = { ...PLAIN, mandatory: true };
const TEXT: Load = { ...PLAIN, body: "text" };
const TYPICAL: Load = { ...PLAIN, properties: "typical" };
const DEFAULTS: Load = { ...PLAIN, properties: "defaults" };
const MANY: Load = { ...PLAIN, perTurn: 5000, turns: 4, maxUnconfirmed: 8192 };
const WAITING: Load = { ...MANY, maxUnconfirmed: 1000 };
const MIXED: Load = { ...PLAIN, mandatory: "every other", turns: 1000 };
const KIBIBYTE: Load = { ...PLAIN, size: 1024, turns: 2 };
const MEBIBYTE: Load = { ...PLAIN, size: 1_048_576, perTurn: 8, turns: 2 };

const COALESCED: Confirms = { acks: "coalesced", every: 1000 };
const SINGLE: Confirms = { acks: "single", every: 1000 };

const ONE_ACK: Case = { what: "16 octets", load: PLAIN, confirms: COALESCED };
const AN_ACK_EACH: Case = { what: "16 octets, an ack each", load: PLAIN, confirms: SINGLE };
const FIVE_THOUSAND: Case = {
  what: "5,000 at once",
  load: MANY,
  confirms: { acks: "coalesced", every: MANY.perTurn },
};
const THROUGH_A_WINDOW: Case = {
  what: "5,000 at once through a window of 1,000",
  load: WAITING,
  confirms: COALESCED,
};
const KEPT_FULL = { what: "a window of 1,000 kept full", load: PLAIN, continuous: true } as const;
const LARGE: Case = {
  what: "1 MiB",
  load: MEBIBYTE,
  confirms: { acks: "coalesced", every: MEBIBYTE.perTurn },
};

/**
 * On one version of Node the heap comes to the same within 2 % from run to run, and buffers to the
 * octet. The room is some 32 octets of heap: half of a closure with what it closes over.
 */
export const ALLOCATED: readonly AllocationBounds[] = [
  // 537 to 541; 83: 74 go over the wire, and the next buffer is an eighth larger than the last.
  { ...ONE_ACK, heap: 572, buffers: 86 },
  // 537 to 541; 83.
  { ...ONE_ACK, what: "16 letters of text", load: TEXT, heap: 572, buffers: 86 },
  // 608 to 615; 203, of which 180 go over the wire.
  { ...ONE_ACK, what: "with typical properties", load: TYPICAL, heap: 646, buffers: 206 },
  // 538 to 541; 203.
  { ...ONE_ACK, what: "with them by default", load: DEFAULTS, heap: 572, buffers: 206 },
  // 712 to 718; 83.
  { ...ONE_ACK, what: "mandatory", load: MANDATORY, heap: 750, buffers: 86 },
  // 675 to 700; 104, of which 21 are the ack.
  { ...AN_ACK_EACH, heap: 730, buffers: 107 },
  // 533 to 537; 83.
  { ...FIVE_THOUSAND, heap: 570, buffers: 86 },
  // 590 to 600; 83.
  { ...THROUGH_A_WINDOW, heap: 632, buffers: 86 },
  // 3,481, of which 1,098 go over the wire: a thousand are more than the output takes at once, so
  // that every other write is small, and the buffer grows by doubling again.
  { ...ONE_ACK, what: "1 KiB", load: KIBIBYTE, buffers: 3600 },
  // 4,099: the body is not copied, and each message begins a buffer of 4 KiB.
  { ...LARGE, buffers: 4200 },
];

/** What a frame of basic.ack may allocate on the heap: what the second costs more than the first. */
export const ACK: { readonly coalesced: Case; readonly single: Case; readonly heap: number } = {
  coalesced: ONE_ACK,
  single: AN_ACK_EACH,
  heap: 176, // 132 to 160
};

/**
 * One for each thousand, which is one turn of the event loop. The room is for acks that a busy
 * machine hands over in two reads.
 */
export const TRAFFIC: readonly TrafficBounds[] = [
  { ...ONE_ACK, writesPerThousand: 1.2 },
  { ...AN_ACK_EACH, writesPerThousand: 1.2 },
  { ...THROUGH_A_WINDOW, writesPerThousand: 1.2 },
  { ...KEPT_FULL, confirms: COALESCED, writesPerThousand: 1.2 },
  {
    ...KEPT_FULL,
    what: `${KEPT_FULL.what}, an ack each`,
    confirms: SINGLE,
    writesPerThousand: 1.2,
  },
  // 1,000, because a message of this size is as much as the socket is given at once.
  { ...LARGE, writesPerThousand: 1000 },
];

/** What a million confirms on one channel may leave behind. */
export const RETAINED: {
  readonly cases: readonly Case[];
  readonly heap: number;
  readonly buffers: number;
} = {
  cases: [
    { what: "every other mandatory", load: MIXED, confirms: COALESCED },
    { what: "every other mandatory, an ack each", load: MIXED, confirms: SINGLE },
  ],
  // From 150,000 less to 315,000 more: compiled code, which comes and goes. One slot of an array for
  // each confirm would be 8,000,000.
  heap: 1_048_576,
  buffers: 0,
};
