/** Acks, nacks and returns: what they prove of the publishes of a channel. */
import type { Command } from "../frames.ts";
import type { Case, Docket, Life } from "./docket.ts";
import { identityOf, isReturnable, lookOf, Tangle } from "./twins.ts";

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
  for (const open of [...life.open]) {
    if (multiple ? tag > 0 && open > tag : open !== tag) continue;
    life.open.delete(open);
    const each = life.written[open - 1] as Case;
    if (how === "ack") acked(docket, each);
    else nacked(docket, each);
  }
}

function acked(docket: Docket, each: Case): void {
  docket.acked.set(each.id, docket.at);
  if (each.tangle === undefined) docket.prove(each, `the ack of tag ${each.tag}`, "confirmed");
  else each.tangle.acked(each);
}

function nacked(docket: Docket, each: Case): void {
  if (each.tangle !== undefined && !each.tangle.nacked(each)) return;
  docket.prove(each, `the nack of tag ${each.tag}`, "nacked");
}

/** A basic.return: of the lowest tag above the last one returned whose message this can be. */
export function returned(docket: Docket, life: Life, { method, properties, body }: Command): void {
  if (method.name !== "basic.return") return;
  const look = lookOf({ ...method, properties, body });
  const open = [...life.open]
    .sort((a, b) => a - b)
    .map((tag) => life.written[tag - 1] as Case)
    .filter(({ message }) => isReturnable(message) && lookOf(message) === look);
  const candidates = open.filter(({ tag }) => tag > life.lastReturned);
  const groups = groupsOf(candidates);
  for (const [identity, group] of groups) {
    const twins = open.filter(({ message }) => identityOf(message) === identity);
    if (groups.size > 1) tangleOf(twins).mayHaveComeBack(group, twins);
    else tangleOf(twins).cameBack(group, twins);
  }
  const [first] = candidates;
  if (first === undefined || groups.size > 1) return;
  life.lastReturned = first.tag;
  life.handledThrough = Math.max(life.handledThrough, first.tag);
  docket.prove(first, "it came back", "returned");
}

function groupsOf(candidates: readonly Case[]): Map<string, Case[]> {
  const groups = new Map<string, Case[]>();
  for (const each of candidates) {
    const identity = identityOf(each.message);
    groups.set(identity, [...(groups.get(identity) ?? []), each]);
  }
  return groups;
}

/** Those that are tangled already stay so with whatever comes to them. */
function tangleOf(twins: readonly Case[]): Tangle {
  return twins.find(({ tangle }) => tangle !== undefined)?.tangle ?? new Tangle();
}
