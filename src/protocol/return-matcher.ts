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
import { encodeText } from "../wire/text.ts";
import { Fifo } from "./fifo.ts";
import type { Publication } from "./publication.ts";
import { type ReturnedMessage, returnedError } from "./returned-error.ts";
import { areAlike, compareProperties, type Likeness } from "./returned-properties.ts";

/** The mandatory and immediate publishes of a channel whose confirm has not arrived. */
export class ReturnMatcher {
  readonly #byTarget: Map<string, Fifo<Publication>> = new Map();
  #lastReturnedTag = 0;

  /** Files a publication that the broker may send back; its tag is above all earlier ones. */
  add(publication: Publication): void {
    const key = target(publication.exchange, publication.routingKey);
    const filed = this.#byTarget.get(key);
    if (filed !== undefined) {
      filed.push(publication);
      return;
    }
    const created = new Fifo<Publication>();
    created.push(publication);
    this.#byTarget.set(key, created);
  }

  /** A confirm arrived, or none ever will: the publication is no candidate any more. */
  remove(publication: Publication): void {
    publication.releaseMessage();
    const key = target(publication.exchange, publication.routingKey);
    const filed = this.#byTarget.get(key);
    if (filed === undefined) return;
    // Confirms mostly come in order, so what has lost its message is at the front.
    while (filed.length > 0 && filed.peek()?.body === undefined) filed.shift();
    if (filed.length === 0) this.#byTarget.delete(key);
  }

  /** The publication that came back; undefined if it cannot be said, and then it is in doubt. */
  match(returned: ReturnedMessage): Publication | undefined {
    const key = target(returned.exchange, returned.routingKey);
    const filed = this.#byTarget.get(key);
    if (filed === undefined) return undefined;
    const matched = this.#find(filed, returned);
    if (matched === undefined) return undefined;
    this.#lastReturnedTag = matched.deliveryTag;
    // What lies at or before the last one returned can never come back: returns are in order.
    for (let first = filed.peek(); first !== undefined; first = filed.peek()) {
      if (first.deliveryTag > this.#lastReturnedTag) break;
      filed.shift();
    }
    if (filed.length === 0) this.#byTarget.delete(key);
    return matched;
  }

  #find(filed: Iterable<Publication>, returned: ReturnedMessage): Publication | undefined {
    const found: { [L in Exclude<Likeness, "same">]: Candidate[] } = {
      extended: [],
      part: [],
      other: [],
    };
    for (const candidate of filed) {
      const { body, properties } = candidate;
      if (body === undefined || properties === undefined) continue;
      if (candidate.deliveryTag <= this.#lastReturnedTag) continue;
      if (!sameBody(body, candidate.bodySize, returned.body)) continue;
      const likeness = compareProperties(properties, returned.properties);
      if (likeness === "same") return candidate;
      found[likeness].push({ publication: candidate, properties });
    }
    const { extended, part, other } = found;
    const [first, ...rest] = extended.length > 0 ? extended : part.length > 0 ? part : other;
    if (first === undefined) return undefined;
    if (rest.every((each) => areAlike(first.properties, each.properties))) return first.publication;
    for (const { publication } of [first, ...rest]) {
      publication.doubt = returnedError(publication, returned);
    }
    return undefined;
  }
}

interface Candidate {
  readonly publication: Publication;
  readonly properties: BasicProperties;
}

/** Exchange and routing key as one string: the length in front keeps them apart. */
function target(exchange: string, routingKey: string): string {
  return `${exchange.length} ${exchange}${routingKey}`;
}

function sameBody(sent: Uint8Array | string, sentSize: number, got: Uint8Array): boolean {
  if (sentSize !== got.length) return false;
  const octets = typeof sent === "string" ? encodeText(sent) : sent;
  for (let i = 0; i < got.length; i++) if (octets[i] !== got[i]) return false;
  return true;
}
