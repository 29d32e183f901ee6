/**
 * Who waits for which confirm after one of several identical messages came back. Nobody can tell
 * which of them it was, so the one with the lowest tag is told `returned`. It may have been another
 * one, and then the ack of that other one is no proof that a message was stored:
 *
 *     publish 1, publish 2 (identical)     broker: routes 1, cannot route 2
 *     <- return                            1 is told `returned`, though it may have been 2
 *     <- ack 2                             proves nothing: it may be the ack of what came back
 *     <- ack 1                             both are acked and one came back: 2 is confirmed
 *
 * So every return takes one ack of its twins off. Whoever that ack was for takes, on the wire, the
 * place of the one that was told `returned`, and waits for that tag instead. A return can only be
 * about what the broker had by then, so what was published later owes it nothing.
 */
import { Fifo } from "./fifo.ts";
import { fingerprint, hasOctets, type SizedBody, targetOf } from "./message-identity.ts";
import type { Publication } from "./publication.ts";
import { type ReturnedMessage, returnedError } from "./returned-error.ts";
import { compareProperties, type Likeness } from "./returned-properties.ts";

/** The messages of a channel that came back and whose ack is still to come. */
export class ReturnedTwins {
  readonly #byMessage: Map<string, Twins[]> = new Map();
  /** Those that were told `returned`, and those that took the place of one. */
  readonly #twinsOf: Map<Publication, Twins> = new Map();
  /** Twins with an ack to take off and no place to offer: the one that came back was nacked. */
  readonly #orphans: Set<Twins> = new Set();

  /** A copy came back when the broker had the tags up to `last`, and this one was told so. */
  cameBack(
    publication: Publication,
    likeness: Likeness,
    returned: ReturnedMessage,
    last: number,
  ): void {
    const twins = this.#of(returned, likeness);
    twins.owed.push(last);
    twins.last = last;
    twins.told.push(publication);
    this.#twinsOf.set(publication, twins);
    this.#orphans.delete(twins);
  }

  /**
   * An ack came for the tag whose place this publication holds. Gives the twin whose place it takes
   * now; undefined where the ack is its own, or leaves it in doubt.
   */
  acked(publication: Publication, tag: number): Publication | undefined {
    const twins = this.#find(publication);
    if (twins === undefined) return undefined;
    this.#twinsOf.delete(publication);
    const rank = twins.owed.indexWhere((last) => last >= tag);
    if (rank >= 0) twins.owed.takeAt(rank);
    const itself = twins.told.indexWhere((each) => each === publication);
    const place = itself >= 0 ? itself : Math.min(rank, twins.told.length - 1);
    const twin = place >= 0 ? twins.told.takeAt(place) : undefined;
    if (twins.owed.length === 0) this.#forget(twins);
    if (itself >= 0 || rank < 0) return undefined;
    if (twin === undefined) {
      publication.doubt = returnedError(publication, twins.returned);
      return undefined;
    }
    this.#twinsOf.delete(twin);
    this.#twinsOf.set(publication, twins);
    return twin;
  }

  /**
   * A nack came for the tag whose place this publication holds. Where it had been told `returned`,
   * a twin of it may be what came back: the ack that is to be taken off still is.
   */
  nacked(publication: Publication, lowestOpenTag: number): void {
    const twins = this.#twinsOf.get(publication);
    if (twins === undefined) return;
    this.#twinsOf.delete(publication);
    const itself = twins.told.indexWhere((each) => each === publication);
    if (itself >= 0) twins.told.takeAt(itself);
    if (twins.told.length === 0 && twins.owed.length > 0) this.#orphans.add(twins);
    for (const orphan of this.#orphans) {
      if (orphan.last < lowestOpenTag) this.#forget(orphan);
    }
  }

  /** No more confirms will come. */
  clear(): void {
    this.#byMessage.clear();
    this.#twinsOf.clear();
    this.#orphans.clear();
  }

  /** Where a message like this came back and is not acked; with nothing returned, that is quick. */
  #find(publication: Publication): Twins | undefined {
    if (this.#byMessage.size === 0) return undefined;
    const known = this.#twinsOf.get(publication);
    if (known !== undefined) return known;
    const { body, properties } = publication;
    if (body === undefined || properties === undefined) return undefined;
    return this.#byMessage
      .get(keyOf(publication, body))
      ?.find(
        ({ returned, likeness }) =>
          hasOctets(publication, returned.body) &&
          compareProperties(properties, returned.properties) === likeness,
      );
  }

  #of(returned: ReturnedMessage, likeness: Likeness): Twins {
    const key = keyOf(returned, returned.body);
    const all = this.#byMessage.get(key) ?? [];
    const same = all.find(
      (twins) => twins.likeness === likeness && isSame(twins.returned, returned),
    );
    if (same !== undefined) return same;
    const twins = {
      key,
      returned,
      likeness,
      last: 0,
      owed: new Fifo<number>(),
      told: new Fifo<Publication>(),
    };
    this.#byMessage.set(key, [...all, twins]);
    return twins;
  }

  #forget(twins: Twins): void {
    this.#orphans.delete(twins);
    const others = this.#byMessage.get(twins.key)?.filter((each) => each !== twins) ?? [];
    if (others.length > 0) this.#byMessage.set(twins.key, others);
    else this.#byMessage.delete(twins.key);
  }
}

/** Identical messages of which some came back. */
interface Twins {
  readonly key: string;
  readonly returned: ReturnedMessage;
  readonly likeness: Likeness;
  /** For each ack to take off, the last tag that it can be for, in order. */
  readonly owed: Fifo<number>;
  /** The last of those. */
  last: number;
  /** Who was told `returned` and is not acked, in the order of their tags. */
  readonly told: Fifo<Publication>;
}

function keyOf(
  message: { readonly exchange: string; readonly routingKey: string },
  body: Uint8Array | string,
): string {
  return `${fingerprint(body)} ${targetOf(message)}`;
}

function isSame(a: ReturnedMessage, b: ReturnedMessage): boolean {
  const sized: SizedBody = { body: a.body, bodySize: a.body.length };
  return hasOctets(sized, b.body) && compareProperties(a.properties, b.properties) === "same";
}
