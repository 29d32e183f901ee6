/**
 * Where a publish goes and how: the arguments of its method, and what of its properties a refusal
 * may be about. Most publishes of a channel have all of it in common with the one before and share
 * one object then. That is a word for each publish in flight instead of six, and to see that the
 * method is the same as the one before takes one look (wire/last-head.ts).
 */
import type { BasicPublish } from "../wire/generated/methods.ts";
import type { SentProperties } from "../wire/tagged-properties.ts";

/** The options of a publish that are arguments of its method. */
export interface PublishFlags {
  readonly mandatory?: boolean | undefined;
  readonly immediate?: boolean | undefined;
}

/** A route; it never changes. {@link routeOf} makes them. */
export class PublishRoute implements BasicPublish {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly immediate: boolean;
  /** From the properties: RabbitMQ refuses a wrong one. */
  readonly userId: string | undefined;
  /** From the properties: RabbitMQ refuses direct reply-to where nobody waits for replies. */
  readonly wantsDirectReply: boolean;

  constructor(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
    userId: string | undefined,
    wantsDirectReply: boolean,
  ) {
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.mandatory = mandatory;
    this.immediate = immediate;
    this.userId = userId;
    this.wantsDirectReply = wantsDirectReply;
  }

  get name(): "basic.publish" {
    return "basic.publish";
  }
}

/** The route of a publish: `last`, that of the one before, where it is the same. */
export function routeOf(
  last: PublishRoute | undefined,
  exchange: string,
  routingKey: string,
  flags: PublishFlags,
  properties: SentProperties,
): PublishRoute {
  const mandatory = flags.mandatory === true;
  const immediate = flags.immediate === true;
  const userId = typeof properties.userId === "string" ? properties.userId : undefined;
  const wantsDirectReply = properties.replyTo === "amq.rabbitmq.reply-to";
  const isSame =
    last !== undefined &&
    last.routingKey === routingKey &&
    last.exchange === exchange &&
    last.mandatory === mandatory &&
    last.immediate === immediate &&
    last.userId === userId &&
    last.wantsDirectReply === wantsDirectReply;
  if (isSame) return last;
  return new PublishRoute(exchange, routingKey, mandatory, immediate, userId, wantsDirectReply);
}
