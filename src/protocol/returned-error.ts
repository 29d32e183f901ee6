/** What a broker sends back when nobody could take a message. */
import { PublishError, withoutStackTrace } from "../errors.ts";
import type { BasicReturn } from "../wire/generated/methods.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import type { TaggedProperties } from "../wire/tagged-properties.ts";
import type { Content } from "./content-assembler.ts";
import { describeTarget, identify, type Publication } from "./publication.ts";

/** A message that came back, with the broker's reason. */
export interface ReturnedMessage {
  /** 312 NO_ROUTE for a mandatory message, 313 NO_CONSUMERS for an immediate one. */
  readonly replyCode: number;
  readonly replyText: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** As the broker gives them back; RabbitMQ takes BCC out. */
  readonly properties: BasicProperties;
  /** The same without loss, to pass it on as it was: see `Delivery.taggedProperties`. Read when asked. */
  readonly taggedProperties: TaggedProperties;
  readonly body: Uint8Array;
}

/** A mandatory or immediate message that nobody could take; `returned` is what came back. */
export class ReturnedError extends PublishError {
  /** The message and the reason, as the broker sent them back. */
  readonly returned: ReturnedMessage;

  constructor(publication: Publication, returned: ReturnedMessage) {
    super(
      `publish to ${describeTarget(publication)} was returned: ` +
        `${returned.replyCode} ${returned.replyText}`,
      { ...identify(publication), outcome: "returned" },
    );
    this.returned = returned;
  }
  override get name(): string {
    return "ReturnedError";
  }
}

/** The error of a publication that came back. */
export function returnedError(publication: Publication, returned: ReturnedMessage): ReturnedError {
  return withoutStackTrace(() => new ReturnedError(publication, returned));
}

/** The message in a basic.return with its content. */
export function returnedMessage(content: Content<BasicReturn>): ReturnedMessage {
  return new ReturnedContent(content);
}

class ReturnedContent implements ReturnedMessage {
  readonly replyCode: number;
  readonly replyText: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
  readonly #content: Content;

  constructor(content: Content<BasicReturn>) {
    const { replyCode, replyText, exchange, routingKey } = content.method;
    this.replyCode = replyCode;
    this.replyText = replyText;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.properties = content.properties;
    this.body = content.body;
    this.#content = content;
  }

  get taggedProperties(): TaggedProperties {
    return this.#content.taggedProperties;
  }
}
