/**
 * What a publish can come to: the client's core is code here, spread over the window, the ledger,
 * the return matcher and the search for the culprit. So each event is played to the real core at
 * each stage of a publish, and what the publish is told is written down.
 */
import { AbortError, TimeoutError } from "../../src/errors.ts";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import type { PublishWindow } from "../../src/protocol/publish-window.ts";
import {
  Conversation,
  confirmOf,
  noExchange,
  publication,
  returnOf,
  serverClose,
  type TestPublication,
} from "../../test/protocol/support.ts";
import { stateDiagram, table } from "./drawing.ts";

/** The stages and endings of a publish, drawn and as a table. */
export function publishDrawing(): string {
  const tried = EVENTS.map(({ label, play, isAnswer }) => ({
    label,
    endings: STAGES.map((stage) => (isAnswer && stage !== "sent" ? "" : endingOf(stage, play))),
  }));
  const edges = tried.flatMap(({ label, endings }) =>
    endings.flatMap((to, i) =>
      to === "" || to === STILL ? [] : [{ from: STAGES[i] as Stage, to, label }],
    ),
  );
  const steps = [
    { from: "waiting", to: "encoded", label: "there is room" },
    { from: "encoded", to: "sent", label: "to the socket" },
  ];
  const rows = tried.map(({ label, endings }) => [label, ...endings]);
  return [
    stateDiagram("LR", "waiting", [...steps, ...edges]),
    table(["", ...STAGES.map((stage) => `**${stage}**`)], rows),
  ].join("\n\n");
}

type Stage = "waiting" | "encoded" | "sent";

/** A publish among others of its channel, and those with whom it shares it. */
interface Scene {
  readonly conversation: Conversation;
  readonly window: PublishWindow;
  readonly channel: ChannelMachine;
  readonly it: TestPublication;
}

interface Event {
  readonly label: string;
  readonly play: (scene: Scene) => void;
  /** Whether it answers a publish, and so can only come to one that was sent. */
  readonly isAnswer: boolean;
}

const STAGES: readonly Stage[] = ["waiting", "encoded", "sent"];
const STILL = "no ending yet";
/** The delivery tag of the publish that is looked at; 1 and 3 go elsewhere. */
const TAG = 2;

const EVENTS: readonly Event[] = [
  answer("basic.ack", ({ conversation, channel }) =>
    conversation.say(channel.number, confirmOf("ack", TAG)),
  ),
  answer("a later ack, multiple", ({ conversation, channel }) =>
    conversation.say(channel.number, confirmOf("ack", TAG + 1, true)),
  ),
  answer("basic.nack", ({ conversation, channel }) =>
    conversation.say(channel.number, confirmOf("nack", TAG)),
  ),
  answer("basic.return", ({ conversation, channel }) =>
    conversation.receive(returnOf(channel.number, ITS)),
  ),
  answer("close over it", ({ conversation, channel }) =>
    conversation.say(channel.number, noExchange(ITS.exchange)),
  ),
  event("close over an earlier one", ({ conversation, channel }) =>
    conversation.say(channel.number, noExchange("earlier")),
  ),
  answer("close over a later one", ({ conversation, channel }) =>
    conversation.say(channel.number, noExchange("later")),
  ),
  event("close over none of them", ({ conversation, channel }) =>
    conversation.say(channel.number, serverClose("channel.close", 541, "INTERNAL_ERROR")),
  ),
  event("connection.close", ({ conversation }) =>
    conversation.say(0, serverClose("connection.close", 320, "CONNECTION_FORCED")),
  ),
  event("connection lost", ({ conversation }) => conversation.end()),
  event("deadline passes", ({ window, it }) => window.release(it, new TimeoutError("late"))),
  event("signal aborted", ({ window, it }) => window.release(it, new AbortError("aborted"))),
];

const ITS = { exchange: "its", routingKey: "key", body: "body", mandatory: true } as const;

function answer(label: string, play: Event["play"]): Event {
  return { label, play, isAnswer: true };
}

function event(label: string, play: Event["play"]): Event {
  return { label, play, isAnswer: false };
}

/** What a publish at this stage is told when this happens. */
function endingOf(stage: Stage, play: Event["play"]): string {
  const conversation = new Conversation().open();
  // One that waits has the window full before it.
  const [window, channel] = conversation.window({ maxUnconfirmed: stage === "waiting" ? 1 : 10 });
  window.submit(publication({ exchange: "earlier" }));
  if (stage !== "sent") conversation.takeOctets();
  const it = publication(ITS);
  window.submit(it);
  window.submit(publication({ exchange: "later" }));
  if (stage === "sent") conversation.takeOctets();
  play({ conversation, window, channel, it });
  return it.ending === "open" ? STILL : it.ending;
}
