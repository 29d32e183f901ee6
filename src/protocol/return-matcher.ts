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
 * are all there among others. If several are left that no observer could
 * tell apart, the lowest tag is taken. If none is left, or several that could be told apart and are
 * not known to be it, nobody is guessed: each of them is doubtful, and its confirm proves nothing.
 *
 * Nothing is added to anybody's message, and the cost is paid by mandatory and immediate publishes
 * alone: they are filed under exchange and routing key.
 */

import type { BasicProperties } from "../wire/generated/properties.ts";
import { Fifo } from "./fifo.ts";
import { hasOctets, targetOf } from "./message-identity.ts";
import type { Publication } from "./publication.ts";
import { type ReturnedMessage, returnedError } from "./returned-error.ts";
import { areAlike, compareProperties, type Likeness } from "./returned-properties.ts";
import { ReturnedTwins } from "./returned-twins.ts";

/** The mandatory and immediate publishes of a channel whose confirm has not arrived. */
export class ReturnMatcher {
  readonly #byTarget: Map<string, Filed> = new Map();
  readonly #twins = new ReturnedTwins();
  #lastReturnedTag = 0;

  /** Files a publication that the broker may send back; its tag is above all earlier ones. */
  add(publication: Publication): void {
    const key = targetOf(publication);
    const filed = this.#byTarget.get(key);
    if (filed !== undefined) {
      filed.publications.push(publication);
      return;
    }
    const publications = new Fifo<Publication>();
    publications.push(publication);
    this.#byTarget.set(key, { publications, removed: 0 });
  }

  /**
   * An ack arrived for the tag whose place this publication holds. Gives another one, told
   * `returned`, whose place it takes now: returned-twins.ts says why.
   */
  acked(publication: Publication, tag: number): Publication | undefined {
    const twin = this.#twins.acked(publication, tag);
    this.#remove(publication);
    return twin;
  }

  /** A nack arrived for the tag whose place this publication holds. */
  nacked(publication: Publication, lowestOpenTag: number): void {
    this.#twins.nacked(publication, lowestOpenTag);
    this.#remove(publication);
  }

  /** No more confirms will come; nobody is a candidate any more. */
  clear(): void {
    this.#byTarget.clear();
    this.#twins.clear();
  }

  /**
   * The publication that came back, among those up to the last tag that the broker can have;
   * undefined if it cannot be said, and then it is in doubt.
   */
  match(returned: ReturnedMessage, last: number): Publication | undefined {
    const key = targetOf(returned);
    const filed = this.#byTarget.get(key);
    if (filed === undefined) return undefined;
    const { publications } = filed;
    const found = this.#find(publications, returned, last);
    if (found === undefined) return undefined;
    const { publication, likeness } = found;
    this.#lastReturnedTag = publication.deliveryTag;
    // What lies at or before the last one returned can never come back: returns are in order.
    for (let first = publications.peek(); first !== undefined; first = publications.peek()) {
      if (first.deliveryTag > this.#lastReturnedTag) break;
      publications.shift();
    }
    if (publications.length === 0) this.#byTarget.delete(key);
    publication.releaseMessage();
    this.#twins.cameBack(publication, likeness, returned, last);
    return publication;
  }

  #remove(publication: Publication): void {
    publication.releaseMessage();
    const key = targetOf(publication);
    const filed = this.#byTarget.get(key);
    if (filed === undefined) return;
    // Confirms mostly come in order, so what has lost its message is at the front.
    const { publications } = filed;
    while (publications.length > 0 && publications.peek()?.body === undefined) publications.shift();
    if (publications.length === 0) this.#byTarget.delete(key);
    else if (++filed.removed > publications.length / 2 + GAPS) closeGaps(filed);
  }

  #find(filed: Iterable<Publication>, returned: ReturnedMessage, last: number): Found | undefined {
    const found: { [L in Exclude<Likeness, "same">]: Candidate[] } = {
      extended: [],
      part: [],
      other: [],
    };
    for (const candidate of filed) {
      const { properties, deliveryTag } = candidate;
      if (deliveryTag > last) break;
      if (deliveryTag <= this.#lastReturnedTag || properties === undefined) continue;
      if (!hasOctets(candidate, returned.body)) continue;
      const likeness = compareProperties(properties, returned.properties);
      if (likeness === "same") return { publication: candidate, likeness };
      found[likeness].push({ publication: candidate, properties });
    }
    const { extended, part } = found;
    const likeness = extended.length > 0 ? "extended" : part.length > 0 ? "part" : "other";
    const [first, ...rest] = found[likeness];
    if (first === undefined) return undefined;
    if (rest.every((each) => areAlike(first.properties, each.properties))) {
      return { publication: first.publication, likeness };
    }
    for (const { publication } of [first, ...rest]) {
      publication.doubt = returnedError(publication, returned);
    }
    return undefined;
  }
}

/** Publications to one target in the order of their tags; some may have lost their message. */
interface Filed {
  publications: Fifo<Publication>;
  /** How many were removed since the gaps were closed. */
  removed: number;
}

/** So many gaps behind one that stays open are not worth closing. */
const GAPS = 64;

function closeGaps(filed: Filed): void {
  const open = new Fifo<Publication>();
  for (const each of filed.publications) if (each.body !== undefined) open.push(each);
  filed.publications = open;
  filed.removed = 0;
}

interface Found {
  readonly publication: Publication;
  readonly likeness: Likeness;
}

interface Candidate {
  readonly publication: Publication;
  readonly properties: BasicProperties;
}
