/** The kinds of publish, by who is told how it ended. */
import type { AmqpError } from "../errors.ts";
import type { ConfirmTally, TallySegment } from "../protocol/confirm-tally.ts";
import { Publication } from "../protocol/publication.ts";
import type { PublishRoute } from "../protocol/publish-route.ts";
import type { SentProperties } from "../wire/tagged-properties.ts";

/** What a publish resolves with: the broker has the message. */
export interface Confirmation {
  /** The number of the publish on its channel, from 1. */
  readonly deliveryTag: number;
}

/** A publish that is counted: what `waitForConfirms()` waits for. */
export class TalliedPublication extends Publication {
  readonly #segment: TallySegment;

  constructor(
    tally: ConfirmTally,
    route: PublishRoute,
    body: Uint8Array | string,
    properties: SentProperties,
  ) {
    super(route, body, properties);
    this.#segment = tally.submit();
  }

  /** Its arguments were refused before anything was written: it does not count. */
  withdraw(): void {
    this.#segment.tally.withdraw(this.#segment);
  }

  protected override onConfirmed(): void {
    this.#segment.tally.settle(this.#segment, this.deliveryTag, undefined);
  }

  protected override onFailed(error: AmqpError): void {
    this.#segment.tally.settle(this.#segment, this.deliveryTag, error);
  }
}

/**
 * A publish that is counted and whose end somebody is told. (To keep one of the two functions that
 * settle a promise, and to reject by resolving with a rejected one, saved 64 octets for each publish
 * in flight; but such a rejection comes two turns of the microtask queue later, behind `closed`. To
 * take both out of the promise with one function for all, instead of a closure each time, saved 130
 * octets of garbage, and no time that could be told from noise.)
 */
export class ToldPublication extends TalliedPublication {
  readonly #resolve: (confirmation: Confirmation) => void;
  readonly #reject: (error: AmqpError) => void;

  constructor(
    tally: ConfirmTally,
    route: PublishRoute,
    body: Uint8Array | string,
    properties: SentProperties,
    resolve: (confirmation: Confirmation) => void,
    reject: (error: AmqpError) => void,
  ) {
    super(tally, route, body, properties);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  protected override onConfirmed(): void {
    this.#resolve({ deliveryTag: this.deliveryTag });
    super.onConfirmed(); // last: waitForConfirms() resolves behind the promises that it is about
  }

  protected override onFailed(error: AmqpError): void {
    this.#reject(error);
    super.onFailed(error);
  }
}

/** A publish that a signal may abort, of which nothing must be left once it has settled. */
export class AbortablePublication extends ToldPublication {
  /** Forgets the signal; set once it is watched. */
  forgetSignal: (() => void) | undefined;

  protected override onConfirmed(): void {
    this.forgetSignal?.();
    super.onConfirmed();
  }

  protected override onFailed(error: AmqpError): void {
    this.forgetSignal?.();
    super.onFailed(error);
  }
}
