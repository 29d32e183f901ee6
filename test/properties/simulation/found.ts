/**
 * Schedules that are always played: those that once went wrong, as small as they could be made, and
 * those that show a rule which few others need.
 */
import type { MessageKind } from "./messages.ts";
import type { ApplicationStep, Ending, Schedule, Step } from "./schedule.ts";
import type { Opening } from "./transcript.ts";

/** Schedules, by what they show. */
export const FOUND: { readonly [name: string]: Schedule } = {
  "ready() waits for room when close() is called": schedule({
    openings: [{ maxUnconfirmed: 1 }],
    steps: [publish(0, "routed"), { do: "ready", by: 0, signal: undefined }],
  }),

  "two batches wait for the same room": schedule({
    openings: [{ maxUnconfirmed: 1 }],
    steps: [
      publish(0, "routed"),
      publishAll("routed"),
      publishAll("routed"),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 0, how: "ack", multiple: false },
      { do: "deliver all" },
    ],
  }),

  "a secret waits for the reply to another when the connection is closed": schedule({
    steps: [
      { do: "close member", by: 0, timeoutMs: 1000, signal: undefined },
      { do: "serve" },
      { do: "deliver all" },
      { do: "update secret" },
      { do: "update secret" },
      { do: "serve" },
      { do: "close connection", timeoutMs: 1000 },
      { do: "deliver all" },
    ],
  }),

  "the broker closes a channel, and then the connection for an immediate publish on another":
    schedule({
      openings: [{}, {}],
      steps: [
        publish(0, "to a missing exchange"),
        publish(0, "immediate"),
        publish(1, "immediate"),
      ],
    }),

  "the broker closes a connection that it has blocked and that is being closed": schedule({
    steps: [{ do: "block" }, publish(0, "routed")],
    ending: "both close",
  }),

  "the second of two identical messages comes back, is acked, and the first is not": schedule({
    routes: [true, false],
    steps: [
      publish(0, "alike", 2),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 0, how: "ack", multiple: false },
      { do: "deliver all" },
    ],
    ending: "cut",
  }),

  "identical messages come back again when all earlier debts are paid": schedule({
    routes: [true, false, true, false],
    steps: [
      publish(0, "alike", 2),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 0, how: "ack", multiple: false },
      publish(0, "alike", 2),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 0, how: "ack", multiple: false },
      { do: "confirm", channel: 0, pick: 1, how: "ack", multiple: false },
      { do: "deliver all" },
    ],
    ending: "cut",
  }),

  "the second of two debts is paid first, and then the second place is nacked": schedule({
    routes: [false, true, true, false, true, true, true, true],
    steps: [
      publish(0, "alike", 3),
      { do: "serve" },
      { do: "deliver all" },
      publish(0, "alike", 5),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 1, how: "ack", multiple: false },
      { do: "confirm", channel: 0, pick: 5, how: "nack", multiple: false },
      { do: "deliver all" },
    ],
    ending: "cut",
  }),

  "messages that only look alike come back, and then one that can be told": schedule({
    routes: [false],
    steps: [
      publish(0, "alike but for BCC"),
      publish(0, "alike", 2),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 2, how: "ack", multiple: false },
      { do: "deliver all" },
      publish(0, "alike"),
      { do: "serve" },
      { do: "confirm", channel: 0, pick: 0, how: "ack", multiple: true },
      { do: "deliver all" },
    ],
  }),

  "a return shows that an earlier publish was handled, which the refusal could be about": schedule({
    steps: [
      publish(0, "to an exchange"),
      publish(0, "to nobody, mandatory"),
      { do: "serve" },
      { do: "deliver all" },
      { do: "change exchange" },
      publish(0, "to an exchange"),
    ],
  }),
};

type StepLike = Step extends infer S ? (S extends Step ? Omit<S, "together"> : never) : never;

function schedule({
  openings = [{}],
  steps,
  ending = "close",
  routes = [true],
}: {
  readonly openings?: readonly Partial<Opening>[];
  readonly steps: readonly StepLike[];
  readonly ending?: Ending;
  readonly routes?: readonly boolean[];
}): Schedule {
  return {
    broker: {
      ...{ vhost: "/", user: "guest", version: 3, frameMax: 4096, channelMax: 3 },
      ...{ heartbeatSeconds: 10, immediate: "refused", routes },
    },
    heartbeatSeconds: 10,
    openings: openings.map((opening) => ({
      ...{ kind: "publisher", maxUnconfirmed: 1000, maxQueued: 1000, maxQueuedBytes: 100_000 },
      ...{ timeoutMs: undefined, ...opening },
    })),
    handshakeCut: undefined,
    steps: steps.map((step) => ({ ...step, together: false }) as Step),
    ending,
  };
}

function publish(by: number, kind: MessageKind, count = 1): StepLike & ApplicationStep {
  return { do: "publish", by, kind, count, timeoutMs: undefined, signal: undefined };
}

function publishAll(...kinds: readonly MessageKind[]): StepLike & ApplicationStep {
  return {
    ...{ do: "publish all", by: 0, kinds, source: "sync", throwsAt: undefined },
    ...{ stopOnFailure: true, timeoutMs: undefined, signal: undefined },
  };
}
