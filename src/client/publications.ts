/** The kinds of publish, by who is told how it ended. */
import type { AmqpError } from "../errors.ts";
import type { ConfirmTally, TallySegment } from "../protocol/confirm-tally.ts";
import { Publication } from "../protocol/publication.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import type { PublishOptions } from "./publish-options.ts";

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
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions,
    properties: BasicProperties,
  ) {
    super(exchange, routingKey, body, options, properties);
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
  /** Forgets the signal that could abort it; set where it has one. */
  forgetSignal: (() => void) | undefined;
  readonly #resolve: (confirmation: Confirmation) => void;
  readonly #reject: (error: AmqpError) => void;

  constructor(
    tally: ConfirmTally,
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions,
    properties: BasicProperties,
    resolve: (confirmation: Confirmation) => void,
    reject: (error: AmqpError) => void,
  ) {
    super(tally, exchange, routingKey, body, options, properties);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  protected override onConfirmed(): void {
    this.forgetSignal?.();
    this.#resolve({ deliveryTag: this.deliveryTag });
    super.onConfirmed(); // last: waitForConfirms() resolves behind the promises that it is about
  }

  protected override onFailed(error: AmqpError): void {
    this.forgetSignal?.();
    this.#reject(error);
    super.onFailed(error);
  }
}
