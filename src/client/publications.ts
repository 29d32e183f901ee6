/** The kinds of publish, by who is told how it ended. */
import type { AmqpError } from "../errors.ts";
import type { ConfirmTally } from "../protocol/confirm-tally.ts";
import { Publication } from "../protocol/publication.ts";
import type { PublishOptions } from "./publish-options.ts";

/** What a publish resolves with: the broker has the message. */
export interface Confirmation {
  /** The number of the publish on its channel, from 1. */
  readonly deliveryTag: number;
}

/** A publish that is counted: what `waitForConfirms()` waits for. */
export class TalliedPublication extends Publication {
  readonly #tally: ConfirmTally;
  readonly #number: number;

  constructor(
    tally: ConfirmTally,
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions,
  ) {
    super(exchange, routingKey, body, options, options);
    this.#tally = tally;
    this.#number = tally.submit();
  }

  /** Its arguments were refused before anything was written: it does not count. */
  withdraw(): void {
    this.#tally.withdraw(this.#number);
  }

  protected override onConfirmed(): void {
    this.#tally.settle(this.#number, this.deliveryTag, undefined);
  }

  protected override onFailed(error: AmqpError): void {
    this.#tally.settle(this.#number, this.deliveryTag, error);
  }
}

/** A publish that is counted and whose end somebody is told. */
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
    resolve: (confirmation: Confirmation) => void,
    reject: (error: AmqpError) => void,
  ) {
    super(tally, exchange, routingKey, body, options);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  protected override onConfirmed(): void {
    super.onConfirmed();
    this.forgetSignal?.();
    this.#resolve({ deliveryTag: this.deliveryTag });
  }

  protected override onFailed(error: AmqpError): void {
    super.onFailed(error);
    this.forgetSignal?.();
    this.#reject(error);
  }
}
