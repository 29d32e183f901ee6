/**
 * The books of one channel in confirm mode: which delivery tags are open, and whose they are.
 *
 * Both sides count publishes from 1, from confirm.select on, so a tag is an index: open
 * publications lie in a ring at `tag & mask`. Confirms may come in any order, single or `multiple`,
 * late or early; each costs the same however many are open.
 *
 *     tags    ... 40 | 41  .  43 44  .  . 47 | 48 ...
 *                      ^ lowest               ^ next        (.) confirmed out of order
 *
 * What is done for a confirm does not depend on what is open. The time for a publish does, because
 * of the memory below: what is open for long has to be moved by the garbage collector and fits in
 * no cache. Measured: 0.42 µs with 1,000 open, 0.72 with 10,000 (amqplib 4.3 and 7.9).
 *
 * A publish whose confirm is long overdue does not make the ring grow without end: when most of
 * the ring is empty, what lies at its beginning moves to a map of stragglers.
 *
 * What RabbitMQ promises and does not: rabbitmq.com/docs/confirms. A tag that was never issued is
 * the peer's error: "the receiving peer MUST validate ... raise a channel exception"
 * (the delivery-tag domain of the specification).
 */
import { type AmqpError, ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import { type Publication, publishError } from "./publication.ts";
import { ReturnMatcher } from "./return-matcher.ts";
import { type ReturnedMessage, returnedError } from "./returned-error.ts";

/** What becomes of an open publish when no confirm can come any more. */
export type Decide = (publication: Publication, written: boolean) => AmqpError;

/** Open delivery tags and their publications. */
export class ConfirmLedger {
  #ring: (Publication | undefined)[] = [];
  #mask = -1;
  #lowest = 1;
  #next = 1;
  #open = 0;
  #writtenThrough = 0;
  #handledThrough = 0;
  /** Open publications below the lowest tag of the ring, in the order of their tags. */
  #stragglers: Map<number, Publication> = NO_STRAGGLERS;
  #returns: ReturnMatcher | undefined;

  /** How many publications wait for their confirm. */
  get open(): number {
    return this.#open;
  }

  /** The tag that the next publication gets. */
  get nextTag(): number {
    return this.#next;
  }

  /** Gives a publication its delivery tag and opens it. */
  add(publication: Publication): number {
    const tag = this.#next++;
    if (tag - this.#lowest > this.#mask) this.#makeRoom();
    publication.deliveryTag = tag;
    this.#ring[tag & this.#mask] = publication;
    this.#open++;
    if (publication.returnable) {
      this.#returns ??= new ReturnMatcher();
      this.#returns.add(publication);
    } else {
      publication.releaseMessage();
    }
    return tag;
  }

  /** Everything added so far has been given to the socket. */
  markWritten(): void {
    this.#writtenThrough = this.#next - 1;
  }

  /** The broker took responsibility: basic.ack. Returns how many were settled. */
  ack(tag: number, multiple: boolean): number {
    return this.#settle(tag, multiple, true);
  }

  /** The broker could not: basic.nack. Returns how many were settled. */
  nack(tag: number, multiple: boolean): number {
    return this.#settle(tag, multiple, false);
  }

  /**
   * A message came back. Tells its caller; the tag stays open until the confirm, which follows.
   * Returns whether it could be said whose it was.
   */
  returned(message: ReturnedMessage): boolean {
    const publication = this.#returns?.match(message, this.#writtenThrough);
    if (publication === undefined) return false;
    this.#handledThrough = Math.max(this.#handledThrough, publication.deliveryTag);
    const error = returnedError(publication, message);
    publication.fail(isDirectReply(message) ? publishError(publication, "unknown", error) : error);
    return true;
  }

  /** The open publications in the order of their tags. */
  openPublications(): Publication[] {
    const open: Publication[] = [...this.#stragglers.values()];
    for (let tag = this.#lowest; tag < this.#next; tag++) {
      const publication = this.#ring[tag & this.#mask];
      if (publication !== undefined) open.push(publication);
    }
    return open;
  }

  /**
   * The open publications that were given to the socket and that the broker may not have handled:
   * it handles them in order, so what is confirmed or returned has all before it behind it.
   */
  unhandledPublications(): Publication[] {
    return this.openPublications().filter(
      ({ deliveryTag }) =>
        deliveryTag > this.#handledThrough && deliveryTag <= this.#writtenThrough,
    );
  }

  /**
   * No more confirms will come: tells every open publication what `decide` says of it, given
   * whether it was written to the socket.
   */
  closeAll(decide: Decide): void {
    for (const publication of this.openPublications()) {
      if (!publication.told) {
        publication.fail(decide(publication, publication.deliveryTag <= this.#writtenThrough));
      }
      if (publication.returnable) publication.releaseMessage();
    }
    this.#returns = undefined;
    this.#ring = [];
    this.#mask = -1;
    this.#stragglers = NO_STRAGGLERS;
    this.#lowest = this.#next;
    this.#open = 0;
  }

  #settle(tag: number, multiple: boolean, isAck: boolean): number {
    const written = this.#writtenThrough;
    if (tag > written || (tag === 0 && !multiple)) throw this.#neverIssued(tag);
    const openBefore = this.#open;
    if (multiple) {
      // Tag 0 means all that are outstanding; it must not rewind anything, nor reach what the
      // broker cannot have.
      const last = tag === 0 ? written : tag;
      this.#handledThrough = Math.max(this.#handledThrough, last);
      for (const straggler of this.#stragglers.keys()) {
        if (straggler > last) break;
        this.#close(straggler, isAck);
      }
      for (let each = this.#lowest; each <= last; each++) this.#close(each, isAck);
    } else {
      this.#handledThrough = Math.max(this.#handledThrough, tag);
      this.#close(tag, isAck);
    }
    while (this.#lowest < this.#next && this.#ring[this.#lowest & this.#mask] === undefined) {
      this.#lowest++;
    }
    return openBefore - this.#open;
  }

  /** Closes a tag; one that was closed before is skipped. */
  #close(tag: number, isAck: boolean): void {
    const publication = tag < this.#lowest ? this.#takeStraggler(tag) : this.#take(tag);
    if (publication === undefined) return;
    this.#open--;
    if (isAck) this.#confirm(publication, tag);
    else this.#nack(publication);
  }

  #confirm(publication: Publication, tag: number): void {
    const twin = publication.returnable ? this.#returns?.acked(publication, tag) : undefined;
    if (twin !== undefined) return this.#putInPlaceOf(twin, publication);
    // A message of which a copy came back may be the one that came back: then nobody knows.
    const doubt = publication.trace?.doubt;
    if (doubt === undefined) publication.confirm();
    else if (!publication.told) publication.fail(publishError(publication, "unknown", doubt));
  }

  #nack(publication: Publication): void {
    if (publication.returnable) this.#returns?.nacked(publication);
    if (!publication.told) publication.fail(publishError(publication, "nacked"));
  }

  /** The twin is closed, and the publication waits for the twin's confirm. */
  #putInPlaceOf(twin: Publication, publication: Publication): void {
    const tag = twin.deliveryTag;
    if (tag < this.#lowest) this.#stragglers.set(tag, publication);
    else this.#ring[tag & this.#mask] = publication;
  }

  #take(tag: number): Publication | undefined {
    const at = tag & this.#mask;
    const publication = this.#ring[at];
    this.#ring[at] = undefined;
    return publication;
  }

  #takeStraggler(tag: number): Publication | undefined {
    const publication = this.#stragglers.get(tag);
    this.#stragglers.delete(tag);
    return publication;
  }

  /** The ring is as long as the open tags are apart: makes it longer, or clears its beginning. */
  #makeRoom(): void {
    const size = this.#ring.length;
    if (this.#open - this.#stragglers.size < size / 4) this.#moveStragglers(size / 2);
    else this.#growRing(Math.max(INITIAL_RING, size * 2));
  }

  #moveStragglers(count: number): void {
    if (this.#stragglers === NO_STRAGGLERS) this.#stragglers = new Map();
    for (const end = this.#lowest + count; this.#lowest < end; this.#lowest++) {
      const publication = this.#take(this.#lowest);
      if (publication !== undefined) this.#stragglers.set(this.#lowest, publication);
    }
  }

  #growRing(size: number): void {
    const ring: (Publication | undefined)[] = new Array(size);
    // The tag being added has no place yet: it comes after these.
    for (let tag = this.#lowest; tag < this.#next - 1; tag++) {
      ring[tag & (size - 1)] = this.#ring[tag & this.#mask];
    }
    this.#ring = ring;
    this.#mask = size - 1;
  }

  #neverIssued(tag: number): ProtocolError {
    const last = this.#writtenThrough;
    return new ProtocolError("a confirm has a delivery tag that was never issued", {
      replyCode: REPLY_CODE.preconditionFailed,
      expected: last === 0 ? "none: nothing was published" : `1 to ${last}`,
      got: String(tag),
    });
  }
}

/** Most channels never have any, and many never publish: their ledger is next to nothing. */
const NO_STRAGGLERS: Map<number, Publication> = new Map();

/** A power of two, so that a tag's place is a bit mask away. */
const INITIAL_RING = 64;

/**
 * RabbitMQ 3.10 delivers a mandatory message to a direct reply-to address and returns it as well:
 * then nobody knows (rabbitmq.com/docs/direct-reply-to).
 */
function isDirectReply({ exchange, routingKey }: ReturnedMessage): boolean {
  return exchange === "" && routingKey.startsWith("amq.rabbitmq.reply-to.");
}
