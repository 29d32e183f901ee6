// Made by tools/generate.ts from spec/amqp-0-9-1.json: change those, not this file.
/** The eight octets that a client opens the conversation with: `AMQP` and the version. */
export const PROTOCOL_HEADER: readonly number[] = [65, 77, 81, 80, 0, 0, 9, 1];

/** The port of `amqp:`, where a URI names none. */
export const PORT = 5672;

/** The port of `amqps:`, where a URI names none. */
export const TLS_PORT = 5671;

/** The first octet of a frame says what it is (specification section 2.3.5). */
export const FRAME_TYPE = {
  method: 1,
  header: 2,
  body: 3,
  heartbeat: 8,
} as const;

/** The last octet of every frame. */
export const FRAME_END = 206;

/** The smallest frame-max that a peer may ask for, in octets. */
export const FRAME_MIN_SIZE = 4096;

/** The class id in a content header: only class basic carries content. */
export const BASIC_CLASS_ID = 60;

/** Reply codes by name. */
export const REPLY_CODE = {
  /** Nothing went wrong. It is what an ordinary close carries. */
  replySuccess: 200,
  /**
   * The content is bigger than the peer is ready to take at the moment. RabbitMQ answers 406 to a
   * message over its max_message_size.
   */
  contentTooLarge: 311,
  /**
   * A mandatory message reached no queue. It is seen in basic.return, never in a close, and the
   * published list of constants forgot it (erratum 17).
   */
  noRoute: 312,
  /**
   * An immediate message found no consumer ready. Seen in basic.return only; RabbitMQ removed
   * `immediate` in 3.0 and does not send it.
   */
  noConsumers: 313,
  /**
   * An operator, or a broker that is shutting down, closed the connection. Connecting again later
   * may work.
   */
  connectionForced: 320,
  /** The client named a virtual host that does not exist. RabbitMQ answers 530 instead. */
  invalidPath: 402,
  /**
   * The user may not do this to this resource. During the handshake it closes the connection: it is
   * how a failed login is told (rabbitmq.com/docs/auth-notification).
   */
  accessRefused: 403,
  /** The exchange or queue that was named does not exist in this virtual host. */
  notFound: 404,
  /**
   * The resource is held by another party: usually a queue that is exclusive to another connection.
   */
  resourceLocked: 405,
  /**
   * The request does not fit what is there: declared with other arguments, an unknown delivery tag,
   * an invalid property, a message over the size limit.
   */
  preconditionFailed: 406,
  /**
   * A frame could not be decoded, or is bigger than the negotiated frame-max. It points at a bug in
   * the sender (spec 4.2.3).
   */
  frameError: 501,
  /**
   * A frame was well formed, yet a field in it held an impossible value. It points at a bug in the
   * sender.
   */
  syntaxError: 502,
  /** The method is unknown, or not allowed in the present state of the connection or channel. */
  commandInvalid: 503,
  /** A channel was used that is not open, or was opened twice. */
  channelError: 504,
  /**
   * A frame came where another was due, such as a method between a content header and its body
   * (spec 4.2.6).
   */
  unexpectedFrame: 505,
  /** The peer lacks a resource that it needs to go on, such as memory or disk. */
  resourceError: 506,
  /**
   * The request is against the server's rules. RabbitMQ sends it for a missing or forbidden virtual
   * host and for a tune-ok out of range.
   */
  notAllowed: 530,
  /**
   * The server does not offer this. RabbitMQ sends it for `immediate`, for channel.flow that
   * pauses, and for a prefetch-size other than 0.
   */
  notImplemented: 540,
  /**
   * The server failed in a way of its own. A field table that RabbitMQ cannot read, such as one
   * with an unknown tag, also ends like this.
   */
  internalError: 541,
} as const;

/** Reply codes by number: soft errors close the channel, hard ones the connection. */
export const REPLY_CODES: ReadonlyMap<
  number,
  { readonly name: string; readonly kind: "success" | "soft" | "hard" }
> = new Map([
  [200, { name: "reply-success", kind: "success" }],
  [311, { name: "content-too-large", kind: "soft" }],
  [312, { name: "no-route", kind: "soft" }],
  [313, { name: "no-consumers", kind: "soft" }],
  [320, { name: "connection-forced", kind: "hard" }],
  [402, { name: "invalid-path", kind: "hard" }],
  [403, { name: "access-refused", kind: "soft" }],
  [404, { name: "not-found", kind: "soft" }],
  [405, { name: "resource-locked", kind: "soft" }],
  [406, { name: "precondition-failed", kind: "soft" }],
  [501, { name: "frame-error", kind: "hard" }],
  [502, { name: "syntax-error", kind: "hard" }],
  [503, { name: "command-invalid", kind: "hard" }],
  [504, { name: "channel-error", kind: "hard" }],
  [505, { name: "unexpected-frame", kind: "hard" }],
  [506, { name: "resource-error", kind: "hard" }],
  [530, { name: "not-allowed", kind: "hard" }],
  [540, { name: "not-implemented", kind: "hard" }],
  [541, { name: "internal-error", kind: "hard" }],
]);
