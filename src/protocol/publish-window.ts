/**
 * The window of one publisher: how many publishes may be unconfirmed, and the bounded queue of
 * those that wait for their turn, in order.
 *
 *     submit --room--> channel.publish() --> ledger --> confirm
 *        \--none--> waiting --room--^
 *                      \--deadline, signal, close--> told `unsent`
 *
 * What waits has taken no delivery tag and can still be withdrawn. Its arguments are checked when
 * it is submitted, so that a bad one fails its caller and not the queue.
 */
import { type AmqpError, type TimeoutError, UsageError } from "../errors.ts";
import { writeContent } from "../wire/content.ts";
import { Output } from "../wire/output.ts";
import { NO_PROPERTIES } from "../wire/properties.ts";
import type { ChannelMachine } from "./channel.ts";
import { Fifo } from "./fifo.ts";
import { type Publication, publishError } from "./publication.ts";

/** How much a publisher may have under way. */
export interface WindowLimits {
  /** Publishes that were sent and not confirmed. */
  readonly maxUnconfirmed: number;
  /** Publishes that wait for the window. */
  readonly maxQueued: number;
  /** Octets of their bodies. */
  readonly maxQueuedBytes: number;
}

/** What a window needs of its connection. */
export interface WindowLink {
  readonly frameMax: number;
  /** Whether the connection takes publishes now: not blocked, and its output has room. */
  readonly canPublish: boolean;
  /** Something waits: {@link PublishWindow.pump} is wanted when there is room. */
  wantsRoom(window: PublishWindow): void;
}

/** Who waits until there is room; neither may call back into the machines. */
export interface RoomWaiter {
  resolve(): void;
  reject(error: AmqpError): void;
}

/** The window and the queue of one channel. */
export class PublishWindow {
  readonly #channel: ChannelMachine;
  readonly #link: WindowLink;
  readonly #limits: WindowLimits;
  /** Those that wait, and among them gaps: those that were withdrawn. */
  #waiting = new Fifo<Publication>();
  #waitingCount = 0;
  #waitingBytes = 0;
  #roomWaiters: Set<RoomWaiter> | undefined;

  constructor(channel: ChannelMachine, link: WindowLink, limits: WindowLimits) {
    this.#channel = channel;
    this.#link = link;
    this.#limits = limits;
  }

  /** Publishes that wait for their turn. */
  get queued(): number {
    return this.#waitingCount;
  }

  /** Whether a publish submitted now would go straight out. */
  get hasRoom(): boolean {
    return this.#waitingCount === 0 && this.#mayPublish;
  }

  /** Raises `UsageError` for arguments that cannot be encoded; nothing is sent. */
  check(publication: Publication): void {
    measure(publication, this.#channel.number, this.#link.frameMax);
  }

  /**
   * Publishes now or queues; past the limits of the queue, or on a closed channel, the publication
   * is told `unsent`. Raises `UsageError` for arguments that cannot be encoded.
   */
  submit(publication: Publication): void {
    const closed = this.#channel.closeError;
    if (closed !== undefined) {
      this.check(publication);
      return publication.fail(publishError(publication, "unsent", closed));
    }
    if (this.hasRoom) {
      this.#channel.publish(publication);
      return;
    }
    const size = measure(publication, this.#channel.number, this.#link.frameMax);
    const full = this.#fullQueue(size);
    if (full !== undefined) return publication.fail(publishError(publication, "unsent", full));
    publication.bodySize = size;
    this.#waiting.push(publication);
    this.#waitingCount++;
    this.#waitingBytes += size;
    this.#link.wantsRoom(this);
  }

  /**
   * Releases a caller whose deadline passed or whose signal fired. What waits is withdrawn; what
   * was sent stays in the ledger, because its confirm still counts.
   */
  release(publication: Publication, cause: TimeoutError | AmqpError): void {
    if (publication.told) return;
    if (publication.deliveryTag > 0) {
      publication.keepCopies();
      publication.fail(publishError(publication, "unknown", cause));
    } else {
      this.#withdraw(publication, cause);
    }
  }

  /** Calls back once a publish would go straight out. */
  whenRoom(waiter: RoomWaiter): void {
    const closed = this.#channel.closeError;
    if (closed !== undefined) return waiter.reject(closed);
    if (this.hasRoom) return waiter.resolve();
    this.#roomWaiters ??= new Set();
    this.#roomWaiters.add(waiter);
    this.#link.wantsRoom(this);
  }

  /** Forgets somebody who waited for room. */
  forgetWaiter(waiter: RoomWaiter): void {
    this.#roomWaiters?.delete(waiter);
  }

  /** No more publishes are accepted: those who wait for room to publish are told why. */
  rejectWaiters(error: AmqpError): void {
    this.#tellWaiters((waiter) => waiter.reject(error));
  }

  /** Publishes up to `most` of what waits. Returns whether anything is left that wants room. */
  pump(most: number): boolean {
    for (let sent = 0; sent < most && this.#waitingCount > 0 && this.#mayPublish; ) {
      const publication = this.#waiting.shift() as Publication;
      if (publication.told) continue;
      this.#leave(publication);
      sent++;
      try {
        this.#channel.publish(publication);
      } catch (error) {
        // It could be encoded when it was submitted: its owner has changed it since.
        publication.fail(error as AmqpError);
      }
    }
    if (this.hasRoom) this.#tellWaiters((waiter) => waiter.resolve());
    return this.#waitingCount > 0 || this.#roomWaiters !== undefined;
  }

  /** The channel is closed: nothing that waits will be sent. */
  close(error: AmqpError): void {
    for (let each = this.#waiting.shift(); each !== undefined; each = this.#waiting.shift()) {
      if (!each.told) this.#withdraw(each, error);
    }
    this.rejectWaiters(error);
  }

  get #mayPublish(): boolean {
    return (
      this.#link.canPublish &&
      this.#channel.canPublish &&
      this.#channel.ledger.open < this.#limits.maxUnconfirmed
    );
  }

  #withdraw(publication: Publication, cause: AmqpError): void {
    this.#leave(publication);
    publication.releaseMessage();
    publication.fail(publishError(publication, "unsent", cause));
    if (this.#waiting.length > 2 * this.#waitingCount + GAPS) this.#closeGaps();
  }

  #closeGaps(): void {
    const waiting = new Fifo<Publication>();
    for (const each of this.#waiting) if (!each.told) waiting.push(each);
    this.#waiting = waiting;
  }

  #leave(publication: Publication): void {
    this.#waitingCount--;
    this.#waitingBytes -= publication.bodySize;
  }

  #fullQueue(size: number): UsageError | undefined {
    const { maxQueued, maxQueuedBytes } = this.#limits;
    if (this.#waitingCount >= maxQueued) {
      return new UsageError(`${maxQueued} messages wait already (maxQueued); await ready() first`);
    }
    if (this.#waitingBytes + size > maxQueuedBytes) {
      return new UsageError(
        `with this one, more than ${maxQueuedBytes} octets of bodies would wait ` +
          "(maxQueuedBytes); await ready() first",
      );
    }
    return undefined;
  }

  #tellWaiters(tell: (waiter: RoomWaiter) => void): void {
    const waiters = this.#roomWaiters ?? [];
    this.#roomWaiters = undefined;
    for (const waiter of waiters) tell(waiter);
  }
}

/** So many gaps are left in a queue at least before it is made anew. */
const GAPS = 1024;

/** Encodes a publish to nowhere: what cannot be encoded is refused now, and its size is known. */
function measure(publication: Publication, channel: number, frameMax: number): number {
  const { route, properties, body } = publication;
  const size = writeContent(
    SCRATCH,
    channel,
    route,
    properties ?? NO_PROPERTIES,
    body ?? "",
    frameMax,
  );
  SCRATCH.clear();
  return size;
}

const SCRATCH = new Output();
