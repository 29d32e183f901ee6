/**
 * What the client said against what the broker really did. Messages that are alike in everything
 * cannot be told apart, not even by their sender, so they are counted together. There, one that was
 * nacked passes for stored: of two alike, the first nacked and the second returned, rule 3 gives the
 * return to the first, and then the confirm of the second makes it `confirmed`.
 */
import type { Judgement } from "./judge.ts";
import type { Fate, ModelBroker } from "./model-broker.ts";
import type { Ending, Entry } from "./transcript.ts";

/** Where the client's words and the broker's books contradict each other. */
export function contradictions(
  transcript: readonly Entry[],
  { endings, places }: Judgement,
  broker: ModelBroker,
): string[] {
  const problems: string[] = [];
  const alike = new Map<string, Count>();
  for (const entry of transcript) {
    if (entry.what !== "publishes") continue;
    const { id, message } = entry;
    const place = places.get(id);
    const fate: Fate | undefined =
      place && broker.lives.get(place.channel)?.[place.life]?.handled[place.tag - 1];
    const ending = endings.get(id);
    if (ending === "confirmed" && fate?.confirm !== "ack") problems.push(`${id} was not acked`);
    if (ending === "nacked" && fate?.confirm !== "nack") problems.push(`${id} was not nacked`);
    const key = JSON.stringify([entry.member, message]);
    const count = alike.get(key) ?? { saidAbsent: 0, saidStored: 0, absent: 0, routed: 0 };
    alike.set(key, count);
    if (fate?.routed) count.routed++;
    if (!fate?.stored) count.absent++;
    if (ending !== undefined && ABSENT.has(ending)) count.saidAbsent++;
    if (ending === "confirmed" && (message.mandatory || message.immediate)) count.saidStored++;
  }
  for (const [key, { saidAbsent, saidStored, absent, routed }] of alike) {
    if (saidAbsent > absent) problems.push(`the broker has what was said to be absent: ${key}`);
    if (saidStored > routed) problems.push(`the broker has not what was confirmed: ${key}`);
  }
  return problems;
}

interface Count {
  saidAbsent: number;
  saidStored: number;
  absent: number;
  routed: number;
}

/** What the broker cannot have. */
const ABSENT: ReadonlySet<Ending> = new Set([
  "returned",
  "refused",
  "unprocessed",
  "unsent",
  "usage",
]);
