/**
 * What the client said against what the broker really did, and the client could know. Mandatory and
 * immediate messages that are identical to any observer cannot be told apart, not even by their
 * sender: of those only the numbers count.
 */
import type { Judgement } from "./judge/court.ts";
import type { Fate, ModelBroker } from "./model-broker.ts";
import type { Ending, Entry, Message } from "./transcript.ts";

/** Where the client's words and the broker's books contradict each other. */
export function contradictions(
  transcript: readonly Entry[],
  { endings, places, acked }: Judgement,
  broker: ModelBroker,
): string[] {
  const groups = new Map<string, Publish[]>();
  for (const entry of transcript) {
    if (entry.what !== "publishes") continue;
    const { id, member, message } = entry;
    const place = places.get(id);
    const fate = place && broker.lives.get(place.channel)?.[place.life]?.handled[place.tag - 1];
    const publish = { message, said: endings.get(id), fate, acked: acked.has(id) };
    const key = keyOf(id, member, message);
    groups.set(key, [...(groups.get(key) ?? []), publish]);
  }
  return [...groups].flatMap(([key, publishes]) => check(key, publishes));
}

interface Publish {
  readonly message: Message;
  readonly said: Ending | undefined;
  readonly fate: Fate | undefined;
  /** The ack has reached the client. */
  readonly acked: boolean;
}

function check(key: string, publishes: readonly Publish[]): string[] {
  const count = (is: (publish: Publish) => boolean): number => publishes.filter(is).length;
  const said = (ending: Ending): number => count((publish) => publish.said === ending);
  const rules: [what: string, said: number, real: number][] = [
    ["confirmed", said("confirmed"), count(isTaken)],
    ["returned", said("returned"), count(({ fate }) => fate?.returned === true)],
    ["nacked", said("nacked"), count(({ fate }) => fate?.confirm === "nack")],
    ["absent", count(saidAbsent), count(({ fate }) => fate?.stored !== true)],
  ];
  return rules
    .filter(([, told, real]) => told > real)
    .map(([what, told, real]) => `${told} are said to be ${what}, and ${real} are: ${key}`);
}

/** The same for those that nobody can tell apart. */
function keyOf(id: number, member: number, message: Message): string {
  const { exchange, routingKey, body, properties } = message;
  if (!message.mandatory && !message.immediate) return `publish ${id}`;
  return JSON.stringify([member, exchange, routingKey, body, properties]);
}

/** Nobody needs to have taken what is neither mandatory nor immediate. */
function isTaken({ message, fate, acked }: Publish): boolean {
  const isReturnable = message.mandatory || message.immediate;
  return acked && fate?.confirm === "ack" && (fate.routed || !isReturnable);
}

function saidAbsent({ said }: Publish): boolean {
  return said !== undefined && ABSENT.has(said);
}

/** What the broker cannot have. */
const ABSENT: ReadonlySet<Ending> = new Set([
  ...(["returned", "refused", "unprocessed", "unsent", "usage"] as const),
]);
