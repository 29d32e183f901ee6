/**
 * A publish on its way: from the call until the broker's answer, or until it is certain that none
 * will come. The caller is told exactly once; a publication may stay open in the ledger after that
 * (its deadline passed, it was returned), because its delivery tag still counts.
 *
 *     waiting --encoded into the output--> open --confirm--> closed
 *        |                                  |
 *        +--> told `unsent`                 +--> told by a return, a deadline, a close ...
 */
import { type AmqpError, PublishError, type PublishOutcome, withoutStackTrace } from "../errors.ts";
import type { SentProperties } from "../wire/tagged-properties.ts";
import type { PublishRoute } from "./publish-route.ts";
import type { Filed } from "./return-matcher.ts";
import { readBack } from "./returned-properties.ts";
import type { Twins } from "./returned-twins.ts";

/** What has become of a publication since a message came back, its own or another. */
export interface ReturnTrace {
  /** Those that went to the same target. */
  readonly filed: Filed;
  /** Those that were sent alike; undefined while nothing to its target has come back. */
  twins: Twins | undefined;
  /** Whether it came back. */
  cameBack: boolean;
  /** A return that could not be told apart from this one's; a confirm then proves nothing. */
  doubt: AmqpError | undefined;
}

/** What to publish and how; one object is one publish. */
export abstract class Publication {
  /** Where it goes. */
  readonly route: PublishRoute;
  /** Undefined once nothing needs them any more. */
  properties: SentProperties | undefined;
  body: Uint8Array | string | undefined;
  /** Octets of the body; 0 until it is encoded. */
  bodySize = 0;
  /** 0 until the publication enters the output. */
  deliveryTag = 0;
  /** What a return to its target has made of it; most never have any. */
  trace: ReturnTrace | undefined;
  /** Whether the caller has been told how it ended. */
  told = false;

  constructor(route: PublishRoute, body: Uint8Array | string, properties: SentProperties) {
    this.route = route;
    this.body = body;
    this.properties = properties;
  }

  /** Whether the broker may send it back. */
  get returnable(): boolean {
    const { mandatory, immediate } = this.route;
    return mandatory || immediate;
  }

  /** Tells the caller that the broker has the message, unless it was told something before. */
  confirm(): void {
    if (this.told) return;
    this.told = true;
    this.onConfirmed();
  }

  /** Tells the caller that it ended otherwise, unless it was told something before. */
  fail(error: AmqpError): void {
    if (this.told) return;
    this.told = true;
    this.onFailed(error);
  }

  /** Lets go of the message, once it is encoded and nothing can send it back any more. */
  releaseMessage(): void {
    this.body = undefined;
    this.properties = undefined;
  }

  /** Goes on with copies of what may be sent back, because its owner may change it from now on. */
  keepCopies(): void {
    if (!this.returnable) return;
    // Not slice(): that of Node's Buffer makes a view.
    if (this.body instanceof Uint8Array) this.body = new Uint8Array(this.body);
    if (this.properties !== undefined) this.properties = readBack(this.properties);
  }

  /** Called once, at most one of the two; it must not call back into the machines. */
  protected abstract onConfirmed(): void;
  protected abstract onFailed(error: AmqpError): void;
}

/** The trace of a publication that has one: all that returns were compared with. */
export function traceOf(publication: Publication): ReturnTrace {
  return publication.trace as ReturnTrace;
}

/** The error that a publication ends with; `cause` says more where there is more to say. */
export function publishError(
  publication: Publication,
  outcome: Exclude<PublishOutcome, "returned">,
  cause?: AmqpError,
): PublishError {
  const why = cause === undefined ? "" : `: ${cause.message}`;
  return withoutStackTrace(
    () =>
      new PublishError(`publish to ${describeTarget(publication)} ${EXPLANATIONS[outcome]}${why}`, {
        ...identify(publication),
        outcome,
        cause,
      }),
  );
}

/** What every error of a publication says about it. */
export function identify(publication: Publication): {
  deliveryTag: number;
  exchange: string;
  routingKey: string;
} {
  const { deliveryTag, route } = publication;
  const { exchange, routingKey } = route;
  return { deliveryTag, exchange, routingKey };
}

/** Names where a publication was going, for an error message. */
export function describeTarget({ route }: Publication): string {
  const { exchange, routingKey } = route;
  return exchange === ""
    ? `queue ${JSON.stringify(routingKey)}`
    : `exchange ${JSON.stringify(exchange)} with routing key ${JSON.stringify(routingKey)}`;
}

const EXPLANATIONS: { readonly [O in Exclude<PublishOutcome, "returned">]: string } = {
  unsent: "was not sent",
  unprocessed: "was not processed, because an earlier one was refused",
  refused: "was refused",
  nacked: "was nacked by the broker",
  unknown: "was sent, and whether the broker has it is unknown",
};
