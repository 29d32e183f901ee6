/**
 * Finds the publish that a basic.return is about. A return carries no delivery tag, but it comes
 * before the confirm of its message, and a broker handles the publishes of a channel in order. So
 * it can only be a mandatory or immediate publish
 *
 * - whose confirm has not arrived,
 * - with a tag above that of the last one returned,
 * - with the same exchange, routing key, body and properties, as far as brokers keep them.
 *
 * If several are left, no observer could tell them apart, and the lowest tag is taken. Nothing is
 * added to anybody's message, and the cost is paid by mandatory and immediate publishes alone:
 * they are filed under exchange and routing key.
 */
import { encodeText } from "../wire/text.ts";
import { Fifo } from "./fifo.ts";
import type { Publication } from "./publication.ts";
import type { ReturnedMessage } from "./returned-error.ts";
import { sameProperties } from "./returned-properties.ts";

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

  /** The publication that came back; undefined if it fits none, which is then left unresolved. */
  match(returned: ReturnedMessage): Publication | undefined {
    const key = target(returned.exchange, returned.routingKey);
    const filed = this.#byTarget.get(key);
    if (filed === undefined) return undefined;
    const matched = this.#find(filed, returned);
    if (matched !== undefined) this.#lastReturnedTag = matched.deliveryTag;
    // What lies at or before the last one returned can never come back: returns are in order.
    for (let first = filed.peek(); first !== undefined; first = filed.peek()) {
      if (first.deliveryTag > this.#lastReturnedTag) break;
      filed.shift();
    }
    if (filed.length === 0) this.#byTarget.delete(key);
    return matched;
  }

  /**
   * The first with the same body and properties. A broker may change properties in ways we do not
   * know; so if none has the same and just one has the same body, it is that one.
   */
  #find(filed: Iterable<Publication>, returned: ReturnedMessage): Publication | undefined {
    const sameBodies: Publication[] = [];
    for (const candidate of filed) {
      const { body, properties } = candidate;
      if (body === undefined || properties === undefined) continue;
      if (candidate.deliveryTag <= this.#lastReturnedTag) continue;
      if (!sameBody(body, candidate.bodySize, returned.body)) continue;
      if (sameProperties(properties, returned.properties)) return candidate;
      sameBodies.push(candidate);
    }
    return sameBodies.length === 1 ? sameBodies[0] : undefined;
  }
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
