// Made by tools/generate.ts from spec/amqp-0-9-1.json: change those, not this file.
import type { FieldTable } from "../field-value.ts";

/** The properties of a message: what its content header carries beside the size. */
export interface BasicProperties {
  /**
   * MIME type of the body, such as `application/json`; at most 255 bytes. The broker does not look
   * at it.
   */
  readonly contentType?: string | undefined;
  /**
   * MIME encoding of the body, such as `gzip`; at most 255 bytes. The broker neither compresses nor
   * unpacks.
   */
  readonly contentEncoding?: string | undefined;
  /**
   * The application's own headers. Headers exchanges route on them; RabbitMQ reads `CC` and `BCC`
   * and adds some that start with `x-`.
   */
  readonly headers?: FieldTable | undefined;
  /**
   * 1 is transient, 2 is persistent; other values are refused by RabbitMQ with 406. Persistence
   * needs a durable queue too.
   */
  readonly deliveryMode?: 1 | 2 | undefined;
  /**
   * Priority from 0, the lowest. The spec has 0 to 9; RabbitMQ takes 0 to 255 and heeds it in
   * priority queues (rabbitmq.com/docs/priority).
   */
  readonly priority?: number | undefined;
  /** Tells which request a reply is for; at most 255 bytes. */
  readonly correlationId?: string | undefined;
  /**
   * Where to reply, usually the name of a queue; at most 255 bytes. `amq.rabbitmq.reply-to` asks
   * for direct reply-to.
   */
  readonly replyTo?: string | undefined;
  /**
   * Time to live in whole milliseconds, as a decimal string such as `60000`. Anything else is a 406
   * (rabbitmq.com/docs/ttl).
   */
  readonly expiration?: string | undefined;
  /** The application's own identifier of the message; at most 255 bytes. */
  readonly messageId?: string | undefined;
  /** When the message was made, in whole seconds since 1970, not milliseconds. */
  readonly timestamp?: Date | undefined;
  /** The application's own name for this kind of message; at most 255 bytes. */
  readonly type?: string | undefined;
  /**
   * Who published it. RabbitMQ answers 406 unless it is the user of the connection
   * (rabbitmq.com/docs/validated-user-id).
   */
  readonly userId?: string | undefined;
  /** Which application published it; at most 255 bytes. */
  readonly appId?: string | undefined;
  /**
   * Was the cluster's identifier in 0-8; reserved in 0-9-1, so leave it out. It still travels, at
   * most 255 bytes.
   */
  readonly clusterId?: string | undefined;
}

/** The bit of each property in the flags of a content header (section 2.3.5.2). */
export const PROPERTY_FLAG = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const;

/** The elementary type of each property, in the order of the wire. */
export const PROPERTY_TYPES: readonly (readonly [keyof BasicProperties, string])[] = [
  ["contentType", "shortstr"],
  ["contentEncoding", "shortstr"],
  ["headers", "table"],
  ["deliveryMode", "octet"],
  ["priority", "octet"],
  ["correlationId", "shortstr"],
  ["replyTo", "shortstr"],
  ["expiration", "shortstr"],
  ["messageId", "shortstr"],
  ["timestamp", "timestamp"],
  ["type", "shortstr"],
  ["userId", "shortstr"],
  ["appId", "shortstr"],
  ["clusterId", "shortstr"],
];
