/**
 * Finds the publish that a basic.return is about. A return carries no delivery tag, but it comes
 * before the confirm of its message, and a broker handles the publishes of a channel in order. So
 * it can only be a mandatory or immediate publish
 *
 * - whose confirm has not arrived,
 * - with a tag above that of the last one returned,
 * - with the same exchange, routing key, body and properties, as far as brokers keep them.
 *
 * A broker changes little about a message, so one with just the same properties is it; failing
 * that, one to which only headers were added that brokers add; failing that, one whose properties
 * are all there among others. If several are left that were sent alike, the lowest tag is taken;
 * returned-twins.ts has what follows from that. If none is left, or several that were not sent alike,
 * nobody is guessed: each of them is doubtful, and its confirm proves nothing.
 *
 * Nothing is added to anybody's message, and the cost is paid by mandatory and immediate publishes
 * alone: they stand in a line until something comes back. Then those that do are filed under exchange
 * and routing key, and those of its target are sorted by what is in them. (To file each when it was
 * published cost 150 ns: a string to be made and hashed, at its publish and again at its confirm.)
 */
import { Candidates, type Held } from "./candidates.ts";
import { fingerprint, hasOctets, sameBody, targetOf } from "./message-identity.ts";
import { type Publication, traceOf } from "./publication.ts";
import type { ReturnedMessage } from "./returned-error.ts";
import {
  compareReadBack,
  type Likeness,
  observedKey,
  readBack,
  recipientsKey,
} from "./returned-properties.ts";
import { Twins, type TwinsPlace } from "./returned-twins.ts";

/** The mandatory and immediate publishes of a channel whose confirm has not arrived. */
export class ReturnMatcher {
  readonly #byTarget: Map<string, Filed> = new Map();
  /** Those that were published since something came back. */
  #fresh = new Candidates();
  #lastReturnedTag = 0;

  /** Takes a publication that the broker may send back; its tag is above all earlier ones. */
  add(publication: Publication): void {
    this.#fresh.push(publication);
  }

  /**
   * An ack arrived for the tag whose place this publication holds. Gives another one, told
   * `returned`, whose place it takes now: returned-twins.ts says why.
   */
  acked(publication: Publication, tag: number): Publication | undefined {
    const place = publication.trace?.twins?.acked(publication, tag);
    this.#remove(publication);
    return place;
  }

  /** A nack arrived for the tag whose place this publication holds. */
  nacked(publication: Publication): void {
    publication.trace?.twins?.nacked(publication);
    this.#remove(publication);
  }

  /** No more confirms will come; nobody is a candidate any more. */
  clear(): void {
    this.#byTarget.clear();
    this.#fresh = new Candidates();
  }

  /**
   * The publication that came back, among those up to the last tag that the broker can have;
   * undefined if it cannot be said, and then all that it can have been are in doubt.
   */
  match(returned: ReturnedMessage, last: number): Publication | undefined {
    this.#file();
    const filed = this.#byTarget.get(targetOf(returned));
    if (filed === undefined) return undefined;
    sortIn(filed);
    const found = this.#find(filed, returned, last);
    const [twins, ...others] = found;
    if (twins === undefined || others.length > 0) {
      for (const each of found) each.doubt(returned, this.#lastReturnedTag, last);
      return undefined;
    }
    const publication = twins.candidates.firstAbove(this.#lastReturnedTag) as Publication;
    this.#lastReturnedTag = publication.deliveryTag;
    twins.cameBack(publication, returned, last);
    this.#remove(publication);
    return publication;
  }

  /** Those that are most like what came back. */
  #find(filed: Filed, returned: ReturnedMessage, last: number): Twins[] {
    const alike = filed.byBody.get(bodyKey(returned.body, returned.body.length));
    if (alike === undefined) return [];
    const isPossible = ({ candidates }: Twins): boolean => {
      // What lies at or before the last one returned can never come back: returns are in order.
      const first = candidates.firstAbove(this.#lastReturnedTag);
      return first !== undefined && first.deliveryTag <= last && hasOctets(first, returned.body);
    };
    const same = alike.get(observedKey(returned.properties))?.filter(isPossible) ?? [];
    if (same.length > 0) return same;
    const found: { [L in Likeness]: Twins[] } = { same: [], extended: [], part: [], other: [] };
    for (const twins of [...alike.values()].flat().filter(isPossible)) {
      found[compareReadBack(twins.place.seen, returned.properties)].push(twins);
    }
    return [found.same, found.extended, found.part, found.other].find(isFilled) ?? [];
  }

  #remove(publication: Publication): void {
    if (publication.body === undefined) return;
    publication.releaseMessage();
    if (publication.trace === undefined) return this.#fresh.tidy();
    const { filed, twins } = publication.trace;
    if (twins === undefined) filed.fresh.tidy();
    else removeFrom(filed, twins);
    if (filed.fresh.first !== undefined || filed.byBody.size > 0) return;
    this.#byTarget.delete(filed.target);
  }

  #file(): void {
    for (const publication of this.#fresh) {
      const target = targetOf(publication.route);
      const filed = this.#byTarget.get(target) ?? newFiled(target);
      this.#byTarget.set(target, filed);
      filed.fresh.push(publication);
      publication.trace = { filed, twins: undefined, cameBack: false, doubt: undefined };
    }
    this.#fresh = new Candidates();
  }
}

/** What was published to one target. */
export interface Filed {
  readonly target: string;
  /** Those that were not sorted yet. */
  fresh: Candidates;
  /** The others by their body, and by their properties as a peer sees them. */
  readonly byBody: Map<string, Map<string, Twins[]>>;
}

function newFiled(target: string): Filed {
  return { target, fresh: new Candidates(), byBody: new Map() };
}

/** Sorts what was published since a message to this target came back. */
function sortIn(filed: Filed): void {
  for (const publication of filed.fresh) {
    const place = placeOf(publication);
    const alike = filed.byBody.get(place.body) ?? new Map<string, Twins[]>();
    filed.byBody.set(place.body, alike);
    const all = alike.get(place.properties) ?? [];
    alike.set(place.properties, all);
    let twins = all.find(
      (each) => each.place.recipients === place.recipients && fits(each, publication),
    );
    if (twins === undefined) {
      twins = new Twins(place);
      all.push(twins);
    }
    twins.candidates.push(publication);
    traceOf(publication).twins = twins;
  }
  filed.fresh = new Candidates();
}

function placeOf({ body, bodySize, properties, deliveryTag }: Held): TwinsPlace {
  const seen = readBack(properties);
  return {
    body: bodyKey(body, bodySize),
    properties: observedKey(seen),
    // What its owner has changed into something impossible is like nothing else.
    recipients: seen === undefined ? String(deliveryTag) : recipientsKey(seen),
    seen,
  };
}

/** Fingerprints can be the same by chance. */
function fits({ candidates: { first } }: Twins, publication: Publication): boolean {
  return first !== undefined && sameBody(first, publication);
}

function removeFrom({ byBody }: Filed, twins: Twins): void {
  const { candidates, place } = twins;
  candidates.tidy();
  const alike = byBody.get(place.body);
  const all = alike?.get(place.properties);
  if (candidates.first !== undefined || alike === undefined || all === undefined) return;
  const left = all.filter((each) => each !== twins);
  alike.set(place.properties, left);
  if (left.length === 0) alike.delete(place.properties);
  if (alike.size === 0) byBody.delete(place.body);
}

function bodyKey(body: Uint8Array | string, size: number): string {
  return `${size} ${fingerprint(body)}`;
}

function isFilled(twins: readonly Twins[]): boolean {
  return twins.length > 0;
}
