/** What a channel tells its listeners. */
import type { AmqpError } from "../errors.ts";
import type { ReturnedMessage } from "../protocol/returned-error.ts";
import type { ConsumedDelivery } from "./delivery.ts";

/** The events of a `Channel`. */
export interface ChannelEvents {
  /** The broker has the messages: one, or with `multiple` all up to this tag. */
  ack: [confirm: ConfirmEvent];
  /** The broker could not take them. */
  nack: [confirm: ConfirmEvent];
  /** A mandatory or immediate message came back. */
  return: [message: ReturnedMessage];
  /** A message came to a consumer of `basicConsume()`; those of `consume()` get theirs themselves. */
  deliver: [delivery: ConsumedDelivery];
  /** The broker ended a consumer: its queue was deleted, or moves (RabbitMQ's consumer-cancel). */
  cancel: [cancel: { readonly consumerTag: string }];
  /** The broker pauses (false) or resumes (true) publishes on this channel. */
  flow: [active: boolean];
  /** The last event: undefined after our own `close()`. */
  close: [reason: AmqpError | undefined];
}

/** A confirm as it came. */
export interface ConfirmEvent {
  readonly deliveryTag: number;
  readonly multiple: boolean;
}
