/**
 * The errors of the library, sorted by whose fault they are.
 *
 * | class | whose fault |
 * |---|---|
 * | {@link UsageError} | yours: nothing was written to the network |
 * | {@link ProtocolError} | the peer's: it broke a rule of AMQP |
 * | {@link ChannelClosedError}, {@link ConnectionClosedError} | the peer refused, politely; or we closed it ourselves |
 * | {@link ConnectionLostError} | the network's |
 * | {@link ConsumerCancelledError} | the broker's: it ended a consumer, mostly because somebody deleted the queue |
 * | {@link CredentialsError} | your `Credentials`: they gave no response, or none that the server takes |
 * | {@link PublishError}, {@link ReturnedError}, {@link BatchError} | see the outcome |
 * | {@link TimeoutError}, {@link AbortError} | a deadline; your signal |
 *
 * Every one carries a stable `code` (`ERR_AMQP_…`), data instead of live objects, and never a
 * credential.
 */

/** The stage that a `connect()` had reached when it failed. */
export type ConnectPhase =
  | "resolve"
  | "tcp"
  | "tls"
  | "handshake"
  | "authentication"
  | "tuning"
  | "open";

/** What every error of this library is. */
export abstract class AmqpError extends Error {
  /** Stable identifier, `ERR_AMQP_…`; messages may be reworded, codes may not. */
  abstract readonly code: string;
  /** On the error of a failed `connect()`: the stage that it had reached. */
  declare phase?: ConnectPhase;
}

/**
 * An argument that cannot be right: the message says which, and what is allowed. Nothing was
 * written, no delivery tag was taken, and the same call can never succeed.
 */
export class UsageError extends AmqpError {
  override readonly code = "ERR_AMQP_USAGE";
  override get name(): string {
    return "UsageError";
  }
}

/** What a {@link ProtocolError} knows beside its message. */
export interface ProtocolErrorDetails {
  /** The reply code we answer with: 501 to 505 on the connection, 406 on a channel. */
  readonly replyCode: number;
  /** What the rule asks for. */
  readonly expected?: string | undefined;
  /** What came instead. */
  readonly got?: string | undefined;
  /** Octets from the start of the frame payload, where a place can be named. */
  readonly offset?: number | undefined;
}

/** The peer broke a rule of AMQP 0-9-1; the connection (or, for 406, the channel) is closed. */
export class ProtocolError extends AmqpError {
  override readonly code = "ERR_AMQP_PROTOCOL";
  /** The reply code that we answered: 501 to 505 on the connection, 406 on a channel. */
  readonly replyCode: number;
  /** What the rule asks for. */
  readonly expected: string | undefined;
  /** What came instead. */
  readonly got: string | undefined;
  /** Octets from the start of the frame payload, where a place can be named. */
  readonly offset: number | undefined;

  constructor(message: string, details: ProtocolErrorDetails) {
    super(message);
    this.replyCode = details.replyCode;
    this.expected = details.expected;
    this.got = details.got;
    this.offset = details.offset;
  }
  override get name(): string {
    return "ProtocolError";
  }
}

/** What a close method of AMQP says. */
export interface CloseReason {
  /** Reply code; 200 where we closed it ourselves. */
  readonly replyCode: number;
  /** The sentence that came with it. */
  readonly replyText: string;
  /** The method that caused it, as in `basic.publish`, where the closer named one. */
  readonly method?: string | undefined;
  /** Whether it was this client that closed. Default false. */
  readonly byUs?: boolean | undefined;
}

/** What a close of our own says. */
export const CLOSED_BY_US: CloseReason = { replyCode: 200, replyText: "closed", byUs: true };

/** A channel or a connection was closed in order: what its two kinds have in common. */
export abstract class ClosedError extends AmqpError {
  /** Reply code; 200 where we closed it ourselves. */
  readonly replyCode: number;
  /** The sentence that came with it. */
  readonly replyText: string;
  /** The method that caused it, as in `basic.publish`, where the closer named one. */
  readonly method: string | undefined;

  constructor(what: "channel" | "connection", reason: CloseReason) {
    super(closeMessage(what, reason));
    this.replyCode = reason.replyCode;
    this.replyText = reason.replyText;
    this.method = reason.method;
  }
}

/** A channel was closed: by the broker with a reply code, or by ourselves (200). */
export class ChannelClosedError extends ClosedError {
  override readonly code = "ERR_AMQP_CHANNEL_CLOSED";
  constructor(reason: CloseReason) {
    super("channel", reason);
  }
  override get name(): string {
    return "ChannelClosedError";
  }
}

/** A connection was closed: by the broker with a reply code, or by ourselves (200). */
export class ConnectionClosedError extends ClosedError {
  override readonly code = "ERR_AMQP_CONNECTION_CLOSED";
  constructor(reason: CloseReason) {
    super("connection", reason);
  }
  override get name(): string {
    return "ConnectionClosedError";
  }
}

/** The network gave up, or the peer was silent for two heartbeats; `cause` says which. */
export class ConnectionLostError extends AmqpError {
  override readonly code = "ERR_AMQP_CONNECTION_LOST";
  override get name(): string {
    return "ConnectionLostError";
  }
}

/**
 * Your `Credentials` gave no response (`cause` is what they threw), or the server offers the
 * mechanism of none of them. A login that the broker refuses is something else: a
 * {@link ConnectionClosedError} with `replyCode` 403 and the phase `authentication`.
 */
export class CredentialsError extends AmqpError {
  override readonly code = "ERR_AMQP_CREDENTIALS";
  override get name(): string {
    return "CredentialsError";
  }
}

/**
 * The broker ended a consumer of ours (basic.cancel, rabbitmq.com/docs/consumer-cancel): its queue
 * was deleted, or its leader moves to another node. The channel is open, and consuming again may
 * work: what was not acked comes again then, if the queue still exists.
 */
export class ConsumerCancelledError extends AmqpError {
  override readonly code = "ERR_AMQP_CONSUMER_CANCELLED";
  readonly consumerTag: string;
  readonly queue: string;

  constructor(consumerTag: string, queue: string) {
    super(`the broker ended consumer ${consumerTag} of queue ${queue}: it was deleted, or moves`);
    this.consumerTag = consumerTag;
    this.queue = queue;
  }
  override get name(): string {
    return "ConsumerCancelledError";
  }
}

/** A deadline passed; the message says what was being waited for. */
export class TimeoutError extends AmqpError {
  override readonly code = "ERR_AMQP_TIMEOUT";
  override get name(): string {
    return "TimeoutError";
  }
}

/** Your `AbortSignal` fired; `cause` is the signal's reason. */
export class AbortError extends AmqpError {
  override readonly code = "ERR_AMQP_ABORTED";
  override get name(): string {
    return "AbortError";
  }
}

/**
 * How a publish that was not confirmed ended. The question behind the names is *can the broker
 * have it?* (`mayBeDelivered`), because it decides what to do next.
 *
 * | outcome | what happened | can the broker have it? | what to do |
 * |---|---|---|---|
 * | `unsent` | no byte of it was given to the socket | no | send it again: on a new connection, or when the queue has room |
 * | `unprocessed` | written, but provably not handled: a refusal came for an earlier publish, and a broker drops what follows | no | send it again, on a new channel |
 * | `refused` | the broker closed the channel because of this very publish; `cause` has its reply code | no | mend what it names (exchange, permission, size, user id); the same again is refused again |
 * | `returned` | mandatory or immediate, and nobody could take it | no | bind a queue, or put it aside |
 * | `nacked` | the broker answered basic.nack: a full queue with `reject-publish`, or an error of its own | perhaps: another queue may have it | wait, and send it again if a duplicate does no harm |
 * | `unknown` | the bytes left and no answer will come: connection lost, channel closed, deadline passed, aborted | perhaps | send it again if consumers recognise duplicates, for example by `messageId`; else look |
 */
export type PublishOutcome =
  | "unsent"
  | "unprocessed"
  | "refused"
  | "returned"
  | "nacked"
  | "unknown";

/** What a {@link PublishError} knows beside its message. */
export interface PublishErrorDetails {
  readonly outcome: PublishOutcome;
  /** 0 where none was taken. */
  readonly deliveryTag: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly cause?: unknown;
}

/** A publish that was not confirmed; `outcome` says how it ended. */
export class PublishError extends AmqpError {
  override readonly code: string;
  /** How the publish ended. */
  readonly outcome: PublishOutcome;
  /** Its delivery tag; 0 where none was taken, because nothing was sent. */
  readonly deliveryTag: number;
  readonly exchange: string;
  readonly routingKey: string;

  constructor(message: string, details: PublishErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = `ERR_AMQP_PUBLISH_${details.outcome.toUpperCase()}`;
    this.outcome = details.outcome;
    this.deliveryTag = details.deliveryTag;
    this.exchange = details.exchange;
    this.routingKey = details.routingKey;
  }
  override get name(): string {
    return "PublishError";
  }
  /** Whether the broker can have the message, so that sending it again may make a duplicate. */
  get mayBeDelivered(): boolean {
    return this.outcome === "nacked" || this.outcome === "unknown";
  }
}

/** Why {@link BatchError} names one publish: its error, and what there is to tell it by. */
export interface BatchFailure<M = unknown> {
  /** The message as it was given to `publishAll()`; undefined from `waitForConfirms()`. */
  readonly message: M | undefined;
  /** Its delivery tag; 0 where none was taken. */
  readonly deliveryTag: number;
  readonly error: AmqpError;
}

/** How many failures a {@link BatchError} keeps; `failed` counts all of them. */
export const MAX_BATCH_FAILURES = 1000;

/**
 * Some publishes of a batch were not confirmed; `failed` counts them and `failures` has the first
 * 1,000. From `waitForConfirms()`, which may never be called, it can be fewer: returned messages are
 * kept up to 4 MiB of bodies in all. So what is not listed need not be confirmed.
 */
export class BatchError<M = unknown> extends AmqpError {
  override readonly code = "ERR_AMQP_BATCH";
  /** How many were confirmed. */
  readonly confirmed: number;
  /** How many were not. */
  readonly failed: number;
  /** The first {@link MAX_BATCH_FAILURES} that were not, each with its error. */
  readonly failures: readonly BatchFailure<M>[];

  constructor(
    confirmed: number,
    failed: number,
    failures: readonly BatchFailure<M>[],
    options?: ErrorOptions,
  ) {
    super(batchMessage(confirmed, failed, failures[0], options?.cause), options);
    this.confirmed = confirmed;
    this.failed = failed;
    this.failures = failures;
  }
  override get name(): string {
    return "BatchError";
  }
}

/**
 * Makes an error without a stack trace. A lost connection may fail a million publishes in one
 * moment; where they failed is inside the parser and tells nobody anything, and collecting a
 * million traces would take seconds.
 */
export function withoutStackTrace<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function batchMessage(
  confirmed: number,
  failed: number,
  first: BatchFailure | undefined,
  cause: unknown,
): string {
  const failures = `${failed} of ${confirmed + failed} messages were not confirmed`;
  const stopped = `the batch was stopped after ${confirmed} were confirmed`;
  if (first !== undefined) return `${failures}; the first: ${first.error.message}`;
  return cause instanceof Error ? `${stopped}: ${cause.message}` : failed > 0 ? failures : stopped;
}

function closeMessage(what: "channel" | "connection", reason: CloseReason): string {
  if (reason.byUs) return `the ${what} was closed by this client`;
  const cause = reason.method === undefined ? "" : ` because of ${reason.method}`;
  return `the broker closed the ${what}${cause}: ${reason.replyCode} ${reason.replyText}`;
}
