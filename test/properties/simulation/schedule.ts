/**
 * What happens in one run, drawn by fast-check: who the client and the broker are, then step by
 * step what the application, the broker, the network and the time do, then how it ends. Numbers
 * that pick something (`by`, `channel`, `pick`, `signal`) are taken modulo what there is.
 */
import fc from "fast-check";
import { type BrokerConfig, CHANGING_KEY, EXCHANGE } from "./model-broker.ts";
import type { Message, Opening } from "./transcript.ts";

export type Step = StepKind & {
  /** The next step happens before the client's output of this one is written. */
  readonly together: boolean;
};

type StepKind =
  // The application.
  | {
      readonly do: "publish";
      readonly by: number;
      readonly kind: MessageKind;
      readonly count: number;
      readonly timeoutMs: number | undefined;
      readonly signal: number | undefined;
    }
  | { readonly do: "abort"; readonly signal: number }
  | { readonly do: "bind"; readonly by: number; readonly missing: boolean }
  | { readonly do: "wait"; readonly by: number }
  | { readonly do: "open"; readonly opening: Opening }
  | {
      readonly do: "close member";
      readonly by: number;
      readonly timeoutMs: number;
      readonly signal: number | undefined;
    }
  | { readonly do: "close connection"; readonly timeoutMs: number }
  | { readonly do: "destroy" }
  // The network.
  | { readonly do: "network"; readonly slow: boolean; readonly heavy: boolean }
  | { readonly do: "accept" | "read" | "deliver"; readonly octets: number }
  | { readonly do: "deliver all" }
  | { readonly do: "cut"; readonly reset: boolean }
  // The broker.
  | { readonly do: "serve" }
  | { readonly do: "handle"; readonly channel: number; readonly most: number }
  | {
      readonly do: "confirm";
      readonly channel: number;
      readonly pick: number;
      readonly how: "ack" | "nack";
      readonly multiple: boolean;
    }
  | { readonly do: "confirm tag 0"; readonly channel: number; readonly how: "ack" | "nack" }
  | { readonly do: "flow"; readonly channel: number; readonly active: boolean }
  | { readonly do: "block" | "unblock" | "change exchange" | "change key" }
  | { readonly do: "broker closes channel"; readonly channel: number; readonly reason: number }
  | { readonly do: "broker closes connection" }
  // The time: nothing arrives, or the broker's heartbeats do, or the program was busy meanwhile.
  | { readonly do: "pass" | "live" | "late"; readonly ms: number };

/** How a run ends. */
export type Ending = "close" | "cut" | "destroy" | "broker closes" | "both close" | "silence";

export interface Schedule {
  readonly broker: BrokerConfig;
  readonly heartbeatSeconds: number;
  readonly openings: readonly Opening[];
  /** The stream is cut when so many octets of the broker's part of the handshake have arrived. */
  readonly handshakeCut: number | undefined;
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

/** What to publish, by what a broker makes of it. */
export type MessageKind = keyof typeof KINDS;

/** The nth message of a member. */
export function messageOf(kind: MessageKind, member: number, n: number): Message {
  const plain: Message = {
    exchange: "",
    routingKey: "queue",
    body: `${kind} ${n}`,
    mandatory: false,
    immediate: false,
    properties: { appId: `member ${member}` },
    bad: false,
  };
  const { properties, weight: _frequency, ...rest }: Kind = KINDS[kind];
  return { ...plain, ...rest, properties: { ...plain.properties, ...properties } };
}

/** Refusals of these are cut at 252 octets: behind the last letter, or within it. */
const LONG_NAME = `${"long ".repeat(45)}é`;
const LONGER_NAME = `.${LONG_NAME}`;

/** How each kind differs from a plain message, and how often it is published. */
const KINDS = {
  routed: { weight: 30 },
  "to an exchange": { exchange: EXCHANGE, weight: 12 },
  "to nobody": { routingKey: "nobody", weight: 4 },
  "routed, mandatory": { mandatory: true, weight: 6 },
  "to nobody, mandatory": { routingKey: "nobody", mandatory: true, weight: 12 },
  // All of one member are alike, so that they cannot be told apart when they come back.
  alike: { routingKey: CHANGING_KEY, mandatory: true, body: "alike", weight: 12 },
  changing: { routingKey: CHANGING_KEY, mandatory: true, weight: 5 },
  "with CC and BCC": {
    routingKey: "nobody",
    mandatory: true,
    properties: { headers: { CC: ["a"], BCC: ["b"], n: 5 }, deliveryMode: 2 },
    weight: 3,
  },
  empty: { body: "", weight: 3 },
  large: { body: "large ".repeat(1600), weight: 3 },
  immediate: { immediate: true, weight: 2 },
  "to a missing exchange": { exchange: "missing", weight: 2 },
  "to one whose name is longer": { exchange: "missing too", weight: 1 },
  "to a long name": { exchange: `${LONG_NAME} 1`, weight: 1 },
  "to another long name": { exchange: `${LONG_NAME} 2`, weight: 1 },
  "to a longer name": { exchange: `${LONGER_NAME} 1`, weight: 1 },
  "to another longer name": { exchange: LONGER_NAME.replace("é", "è"), weight: 1 },
  "to a locked exchange": { exchange: "locked", weight: 1 },
  "to a locked topic": { exchange: "locked topic", weight: 1 },
  "to an internal exchange": { exchange: "internal", weight: 1 },
  "too large": { body: "too large ".repeat(1001), weight: 1 },
  "of a foreign user": { properties: { userId: "mallory" }, weight: 1 },
  "with a bad key": { routingKey: "k".repeat(256), bad: true, weight: 2 },
  "with bad properties": {
    properties: { headers: { big: "h".repeat(5000) } },
    bad: true,
    weight: 2,
  },
} as const satisfies { [kind: string]: Kind };

type Kind = Partial<Message> & { readonly weight: number };

const small = fc.nat({ max: 7 });
const mostly = <T, U>(value: T, arbitrary: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant<T | U>(value) }, { weight: 1, arbitrary });
const rarely = mostly(false, fc.constant(true));
const timeoutMs = fc.constantFrom(1, 100, 1000, 3000, 15_000);
const how = fc.constantFrom("ack", "ack", "ack", "nack");
const octets = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 400 }));

const kind: fc.Arbitrary<MessageKind> = fc.oneof(
  ...Object.entries(KINDS).map(([name, { weight }]) => ({
    weight,
    arbitrary: fc.constant(name as MessageKind),
  })),
);

const opening: fc.Arbitrary<Opening> = fc.record({
  kind: fc.constantFrom("publisher", "publisher", "publisher", "channel"),
  maxUnconfirmed: mostly(1000, fc.constantFrom(1, 2, 5)),
  maxQueued: mostly(1000, fc.constantFrom(0, 1, 4)),
  maxQueuedBytes: mostly(100_000, fc.constantFrom(30, 200)),
  timeoutMs: mostly(undefined, timeoutMs),
});

type Weighted = { readonly [D in StepKind["do"]]: readonly [weight: number, rest: unknown] };

const STEPS = {
  publish: [
    30,
    {
      by: small,
      kind,
      count: fc.constantFrom(1, 1, 2, 5),
      timeoutMs: mostly(undefined, timeoutMs),
      signal: mostly(undefined, small),
    },
  ],
  abort: [2, { signal: small }],
  bind: [2, { by: small, missing: fc.constantFrom(false, true) }],
  wait: [2, { by: small }],
  open: [1, { opening }],
  "close member": [1, { by: small, timeoutMs, signal: mostly(undefined, small) }],
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
  confirm: [24, { channel: small, pick: fc.nat({ max: 30 }), how, multiple: fc.boolean() }],
  "confirm tag 0": [1, { channel: small, how }],
  flow: [1.5, { channel: small, active: mostly(true, fc.constant(false)) }],
  block: [1, {}],
  unblock: [3, {}],
  "change exchange": [1, {}],
  "change key": [3, {}],
  "broker closes channel": [0.7, { channel: small, reason: small }],
  "broker closes connection": [0.2, {}],
  pass: [3, { ms: fc.nat({ max: 4000 }) }],
  live: [3, { ms: fc.nat({ max: 12_000 }) }],
  late: [0.5, { ms: fc.nat({ max: 30_000 }) }],
} as const satisfies Weighted;

const step = fc.oneof(
  ...Object.entries(STEPS).map(([name, [weight, rest]]) => ({
    weight: Math.round(weight * 10),
    arbitrary: fc.record({
      do: fc.constant(name),
      ...(rest as { [field: string]: fc.Arbitrary<unknown> }),
      together: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }) as fc.Arbitrary<unknown> as fc.Arbitrary<Step>,
  })),
);

/** Any schedule. */
export const schedule: fc.Arbitrary<Schedule> = fc.record({
  broker: fc.record({
    vhost: fc.constantFrom("/", EXCHANGE, "missing"),
    user: fc.constant("guest"),
    version: fc.constantFrom(3 as const, 4 as const),
    frameMax: fc.constant(4096),
    channelMax: fc.constantFrom(3, 4, 8),
    heartbeatSeconds: fc.constantFrom(10, 0),
    immediate: fc.constantFrom("refused" as const, "returned" as const),
  }),
  heartbeatSeconds: fc.constantFrom(10, 60, 0),
  openings: fc.array(opening, { minLength: 1, maxLength: 3 }),
  handshakeCut: fc.oneof(
    { weight: 60, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.nat({ max: 200 }) },
  ),
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
  ending: fc.constantFrom(
    ...(["close", "close", "close", "cut", "destroy"] as const),
    ...(["broker closes", "both close", "silence"] as const),
  ),
}) as fc.Arbitrary<Schedule>;
