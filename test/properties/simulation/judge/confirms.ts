/** Acks, nacks and returns: what they prove of the publishes of a channel. */
import type { Command } from "../frames.ts";
import type { Ending } from "../transcript.ts";
import type { Case, Docket, Life } from "./docket.ts";
import { identityOf, isReturnable, visible } from "./twins.ts";

/** Whether the client can have issued what this confirm is about. */
export function isIssued(life: Life, tag: number, multiple: boolean): boolean {
  return tag === 0 ? multiple : tag <= life.written.length;
}

/** A basic.ack or basic.nack of a tag, or of all up to it. */
export function confirmed(
  docket: Docket,
  life: Life,
  how: "ack" | "nack",
  tag: number,
  multiple: boolean,
): void {
  life.handledThrough = Math.max(life.handledThrough, tag === 0 ? life.written.length : tag);
  for (const open of [...life.open].sort((a, b) => a - b)) {
    if (multiple ? tag > 0 && open > tag : open !== tag) continue;
    life.open.delete(open);
    const original = life.written[open - 1] as Case;
    if (how === "ack") docket.acked.add(original.id);
    const settled = how === "ack" ? life.twins.acked(original) : life.twins.nacked(original);
    if (settled === "nobody") continue;
    const ending: Ending = how === "ack" ? "confirmed" : "nacked";
    if ("closes" in settled) docket.prove(settled.closes, `the ${how} of tag ${open}`, ending);
    else docket.prove(settled.doubts, "a twin of it came back", "unknown");
  }
}

/** A basic.return: of the lowest tag above the last one returned whose message this is. */
export function returned(docket: Docket, life: Life, command: Command): void {
  const matching = [...life.open].filter((tag) => {
    const { message } = life.written[tag - 1] as Case;
    return tag > life.lastReturned && isReturnable(message) && cameBack(message, command);
  });
  if (matching.length === 0) return;
  const tag = Math.min(...matching);
  life.lastReturned = tag;
  life.handledThrough = Math.max(life.handledThrough, tag);
  const each = life.written[tag - 1] as Case;
  life.twins.returned(each, life.written.length);
  docket.prove(each, "it came back", "returned");
}

/** Whether a returned message can be this one: brokers take BCC out and add headers. */
function cameBack(message: Case["message"], { method, properties, body }: Command): boolean {
  if (method.name !== "basic.return") return false;
  const { exchange, routingKey } = method;
  const got = JSON.stringify([exchange, routingKey, body, visible(properties)]);
  return got === identityOf(message);
}
