/** Schedules, drawn by fast-check: of anything, or with more of what is else rare. */
import fc from "fast-check";
import { isRefused, KINDS, type MessageKind } from "./messages.ts";
import { MISDEEDS, type Misdeed } from "./misbehaviour.ts";
import { EXCHANGE } from "./model-broker.ts";
import type { Schedule, Step } from "./schedule.ts";
import type { Opening } from "./transcript.ts";

const small = fc.nat({ max: 7 });
const mostly = <T, U>(value: T, arbitrary: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant<T | U>(value) }, { weight: 1, arbitrary });
const rarely = mostly(false, fc.constant(true));
const timeoutMs = fc.constantFrom(1, 100, 1000, 3000, 15_000);
const how = fc.constantFrom("ack" as const, "ack" as const, "ack" as const, "nack" as const);
const octets = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 400 }));
const signal = mostly(undefined, small);

const openingWith = (maxUnconfirmed: fc.Arbitrary<number>): fc.Arbitrary<Opening> =>
  fc.record({
    kind: fc.constantFrom("publisher", "publisher", "publisher", "channel"),
    maxUnconfirmed,
    maxQueued: mostly(1000, fc.constantFrom(0, 1, 4)),
    maxQueuedBytes: mostly(100_000, fc.constantFrom(30, 200)),
    timeoutMs: mostly(undefined, timeoutMs),
  });

type Weighted = { readonly [D in Step["do"]]: readonly [weight: number, rest: unknown] };

/** Every kind of step, how often it is drawn, and what it is made of. */
const stepsWith = (
  kind: fc.Arbitrary<MessageKind>,
  opening: fc.Arbitrary<Opening>,
  confirm: Theme["confirm"],
) =>
  ({
    publish: [
      30,
      {
        by: small,
        kind,
        count: fc.constantFrom(1, 1, 2, 5),
        timeoutMs: mostly(undefined, timeoutMs),
        signal,
      },
    ],
    "publish all": [
      2.5,
      {
        by: small,
        kinds: fc.array(kind, { maxLength: 6 }),
        source: fc.constantFrom("sync", "sync", "async", "fed", "stubborn"),
        throwsAt: mostly(undefined, fc.nat({ max: 5 })),
        stopOnFailure: fc.boolean(),
        timeoutMs: mostly(undefined, timeoutMs),
        signal,
      },
    ],
    feed: [4, { by: small }],
    ready: [2, { by: small, signal }],
    abort: [2, { signal: small }],
    bind: [2, { by: small, missing: fc.constantFrom(false, true) }],
    "update secret": [0.7, {}],
    wait: [2, { by: small }],
    open: [1, { opening }],
    "close member": [1, { by: small, timeoutMs, signal }],
    "close connection": [0.3, { timeoutMs }],
    destroy: [0.1, {}],
    network: [2, { slow: rarely, heavy: rarely }],
    accept: [3, { octets }],
    read: [3, { octets }],
    deliver: [6, { octets }],
    "deliver all": [14, {}],
    cut: [0.4, { reset: fc.boolean() }],
    serve: [18, {}],
    handle: [6, { channel: small, most: fc.constantFrom(1, 2, 3, 10) }],
    confirm: [24, { channel: small, pick: fc.nat({ max: 30 }), ...confirm }],
    "confirm tag 0": [1, { channel: small, how }],
    flow: [1.5, { channel: small, active: mostly(true, fc.constant(false)) }],
    block: [1, {}],
    unblock: [3, {}],
    "change exchange": [1, {}],
    "change key": [3, {}],
    "broker closes channel": [0.7, { channel: small, reason: small }],
    "broker closes connection": [0.2, {}],
    misbehave: [
      0.5,
      { how: fc.constantFrom(...(Object.keys(MISDEEDS) as Misdeed[])), channel: small },
    ],
    pass: [3, { ms: fc.nat({ max: 4000 }) }],
    live: [3, { ms: fc.nat({ max: 12_000 }) }],
    late: [0.5, { ms: fc.nat({ max: 30_000 }) }],
  }) as const satisfies Weighted;

/** What some schedules have more of, or less: a factor for each weight that is not the usual one. */
interface Theme {
  readonly steps: { readonly [D in Step["do"]]?: number };
  readonly kinds: (kind: MessageKind) => number;
  readonly maxUnconfirmed: fc.Arbitrary<number>;
  readonly confirm: {
    readonly how: fc.Arbitrary<"ack" | "nack">;
    readonly multiple: fc.Arbitrary<boolean>;
  };
}

function stepOf({ steps, kinds, maxUnconfirmed, confirm }: Theme): fc.Arbitrary<Step> {
  const kind = fc.oneof(
    ...Object.entries(KINDS).map(([name, { weight }]) => ({
      weight: Math.round(10 * weight * kinds(name as MessageKind)),
      arbitrary: fc.constant(name as MessageKind),
    })),
  );
  return fc.oneof(
    ...Object.entries(stepsWith(kind, openingWith(maxUnconfirmed), confirm)).map(
      ([name, [weight, rest]]) => ({
        weight: Math.round(10 * weight * (steps[name as Step["do"]] ?? 1)),
        arbitrary: fc.record({
          do: fc.constant(name),
          ...(rest as { [field: string]: fc.Arbitrary<unknown> }),
          together: fc.oneof(
            { weight: 3, arbitrary: fc.constant(false) },
            { weight: 1, arbitrary: fc.constant(true) },
          ),
        }) as fc.Arbitrary<unknown> as fc.Arbitrary<Step>,
      }),
    ),
  );
}

const USUAL = {
  kinds: () => 1,
  maxUnconfirmed: mostly(1000, fc.constantFrom(1, 2, 5)),
  confirm: { how, multiple: fc.boolean() },
};

/** Anything may happen. */
const WILD: Theme = { ...USUAL, steps: {} };

/** Nobody hangs up and nothing is refused, so that much waits for a window and gets through it. */
const CALM: Theme = {
  ...USUAL,
  steps: {
    ...{ publish: 0.5, "publish all": 2, feed: 2, ready: 4, abort: 2, "close member": 0.3 },
    ...{ serve: 1.5, confirm: 2, "deliver all": 1.5, deliver: 0.5, flow: 2, block: 2 },
    ...{ "close connection": 0, destroy: 0, cut: 0, misbehave: 0, late: 0 },
    ...{ "broker closes channel": 0, "broker closes connection": 0 },
  },
  kinds: (kind) => (isRefused(kind) ? 0 : 1),
  maxUnconfirmed: fc.constantFrom(1, 2, 3, 5, 1000),
};

/** Identical messages, some of which come back. */
const TWINS: Theme = {
  ...USUAL,
  steps: {
    ...{
      publish: 0.6,
      "publish all": 0.3,
      feed: 0,
      ready: 0,
      bind: 0,
      "update secret": 0,
      wait: 0,
    },
    ...{
      open: 0,
      "close member": 0.2,
      abort: 0.3,
      network: 0,
      accept: 0,
      read: 0,
      "deliver all": 2,
    },
    ...{ cut: 0.5, handle: 2, confirm: 1.5, flow: 0.2, block: 0.2, unblock: 0.2, pass: 0.2 },
    ...{ live: 0.2, late: 0, misbehave: 0.2, "broker closes channel": 0.3, "change exchange": 0 },
  },
  kinds: (kind) => (isRefused(kind) ? 0.1 : kind.startsWith("alike") ? 10 : 0.3),
  // One by one, so that many stay open while others are acked.
  confirm: { how: fc.constantFrom("ack", "ack", "ack", "ack", "ack", "nack"), multiple: rarely },
};

/** The broker breaks rules. */
const RUDE: Theme = {
  ...USUAL,
  steps: {
    ...{ misbehave: 8, cut: 0.3, "broker closes channel": 0.3, "close connection": 2, open: 2 },
    ...{ bind: 2, "update secret": 3, "close member": 3, "deliver all": 1.5 },
  },
  kinds: (kind) => (isRefused(kind) ? 0.2 : 1),
};

/** Schedules of each theme. */
export const THEMES: { readonly [name: string]: fc.Arbitrary<Schedule> } = {
  wild: scheduleOf(WILD),
  calm: scheduleOf(CALM),
  twins: scheduleOf(TWINS),
  rude: scheduleOf(RUDE),
};

/** Any schedule. */
export const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  ...Object.entries(THEMES).map(([name, arbitrary]) => {
    return { weight: name === "wild" ? 3 : 1, arbitrary };
  }),
);

function scheduleOf(theme: Theme): fc.Arbitrary<Schedule> {
  return fc.record({
    broker: fc.record({
      vhost: fc.constantFrom("/", EXCHANGE, "missing"),
      user: fc.constant("guest"),
      version: fc.constantFrom(3 as const, 4 as const),
      frameMax: fc.constant(4096),
      channelMax: fc.constantFrom(3, 4, 8),
      heartbeatSeconds: fc.constantFrom(10, 0),
      immediate: fc.constantFrom("refused" as const, "returned" as const),
      routes: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
    }),
    heartbeatSeconds: fc.constantFrom(10, 60, 0),
    openings: fc.array(openingWith(theme.maxUnconfirmed), { minLength: 1, maxLength: 3 }),
    handshakeCut: fc.oneof(
      { weight: 60, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.nat({ max: 200 }) },
    ),
    steps: fc.array(stepOf(theme), { minLength: 1, maxLength: 60, size: "max" }),
    ending: fc.constantFrom(
      ...(["close", "close", "close", "cut", "destroy"] as const),
      ...(["broker closes", "both close", "silence"] as const),
    ),
  }) as fc.Arbitrary<Schedule>;
}
