/** A message that was taken from a queue. */
import type { Content } from "../protocol/content-assembler.ts";
import type { BasicGetOk } from "../wire/generated/methods.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";

/** A message from a queue. */
export interface Delivery {
  /** What `basicAck()` and `basicNack()` name it by, on this channel. */
  readonly deliveryTag: number;
  /** Whether it may have been delivered before. */
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  /** Messages that are left in the queue. */
  readonly messageCount: number;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
}

/** Makes a delivery of basic.get-ok and its content. */
export function toDelivery(method: BasicGetOk, content: Content): Delivery {
  const { deliveryTag, redelivered, exchange, routingKey, messageCount } = method;
  const { properties, body } = content;
  return { deliveryTag, redelivered, exchange, routingKey, messageCount, properties, body };
}
