/**
 * Identical messages, and who of them waits for which confirm after one came back. Nobody can tell
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
import type { BasicProperties } from "../wire/generated/properties.ts";
import { Candidates } from "./candidates.ts";
import { Fifo } from "./fifo.ts";
import { type Publication, traceOf } from "./publication.ts";
import { type ReturnedMessage, returnedError } from "./returned-error.ts";

/** What makes messages to one target twins. */
export interface TwinsPlace {
  /** The size and the fingerprint of the body. */
  readonly body: string;
  /** The properties that a peer sees when one comes back. */
  readonly properties: string;
  /** Those that it does not see: BCC. */
  readonly recipients: string;
  /** All of them, as a peer reads them; undefined where they cannot be encoded any more. */
  readonly seen: BasicProperties | undefined;
}

/** Messages that were sent alike: to the same target, with the same body and properties. */
export class Twins {
  readonly place: TwinsPlace;
  /** Those that can come back. */
  readonly candidates: Candidates = new Candidates();
  /** For each ack to take off, the last tag that it can be for, in order. */
  readonly #owed = new Fifo<number>();
  /** Who was told `returned` and is not acked, in the order of their tags. */
  readonly #told = new Fifo<Publication>();
  #returned: ReturnedMessage | undefined;
  #lastTold = 0;
  /** No later return is about tags up to this one, for returns come in order; and none is owed. */
  #paidThrough = 0;
  /** Tags above the first number up to the second: something came back that may be one of them. */
  readonly #doubts: [above: number, last: number][] = [];

  constructor(place: TwinsPlace) {
    this.place = place;
  }

  /** One of them came back when the broker had the tags up to `last`; this one is told so. */
  cameBack(publication: Publication, returned: ReturnedMessage, last: number): void {
    traceOf(publication).cameBack = true;
    this.#returned = returned;
    this.#owed.push(last);
    this.#told.push(publication);
    this.#lastTold = publication.deliveryTag;
  }

  /** Any of them in `(above, last]`, or another message, may be what came back. */
  doubt(returned: ReturnedMessage, above: number, last: number): void {
    this.#returned = returned;
    const latest = this.#doubts.at(-1);
    // Returns come in order, so neither border ever falls.
    if (latest !== undefined && above <= latest[1]) latest[1] = last;
    else this.#doubts.push([above, last]);
  }

  /**
   * An ack came for the tag whose place this publication holds. Gives the twin whose place it takes
   * now; undefined where the ack is its own, or leaves it in doubt.
   */
  acked(publication: Publication, tag: number): Publication | undefined {
    const inDoubt = this.#doubts.some(([above, last]) => tag > above && tag <= last);
    const owesNothing = inDoubt || tag <= this.#paidThrough;
    const rank = owesNothing ? -1 : this.#owed.indexWhere((last) => last >= tag);
    if (rank >= 0) this.#owed.takeAt(rank);
    if (this.#owed.length === 0) this.#paidThrough = this.#lastTold;
    if (traceOf(publication).cameBack) {
      this.#forget(publication);
      return undefined;
    }
    if (rank >= 0 && this.#told.length > 0) {
      return this.#told.takeAt(Math.min(rank, this.#told.length - 1));
    }
    // The one that was told `returned` was nacked: then this may be the one that came back.
    if (rank >= 0 || inDoubt) traceOf(publication).doubt = this.#doubtOf(publication);
    return undefined;
  }

  /**
   * A nack came for the tag whose place this publication holds. Where it had been told `returned`,
   * a twin of it may be what came back: the ack that is to be taken off still is.
   */
  nacked(publication: Publication): void {
    if (traceOf(publication).cameBack) this.#forget(publication);
  }

  #forget(publication: Publication): void {
    const place = this.#told.indexWhere((each) => each === publication);
    if (place >= 0) this.#told.takeAt(place);
  }

  #doubtOf(publication: Publication): ReturnType<typeof returnedError> {
    return returnedError(publication, this.#returned as ReturnedMessage);
  }
}
