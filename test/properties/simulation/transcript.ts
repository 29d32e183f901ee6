/**
 * What happened, as the client saw it: what it was asked, which octets it wrote, which it was
 * given, what it said, and the time. The judge reads this and nothing else.
 */
import { AmqpError, PublishError, UsageError } from "../../../src/errors.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";

/** The six outcomes, `confirmed`, and `usage` for a publish whose arguments cannot be encoded. */
export type Ending =
  | "confirmed"
  | "returned"
  | "nacked"
  | "refused"
  | "unprocessed"
  | "unsent"
  | "unknown"
  | "usage";

/** One message as it was given to the client. */
export interface Message {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: string;
  readonly mandatory: boolean;
  readonly immediate: boolean;
  readonly properties: BasicProperties;
  /** Whether it cannot be encoded. */
  readonly bad: boolean;
}

/** A publisher or a low-level channel, in the order of the calls that opened them. */
export interface Opening {
  readonly kind: "publisher" | "channel";
  readonly maxUnconfirmed: number;
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  readonly timeoutMs: number | undefined;
}

/** How a publish ended, in the client's words. */
export interface Saying {
  readonly ending: Ending;
  readonly deliveryTag: number;
  readonly mayBeDelivered: boolean;
  /** Reply code of the error's cause, where it has one. */
  readonly causeCode: number | undefined;
  readonly text: string;
}

/** Why something is over: the error's class and its reply code; undefined where it ended well. */
export type Reason = string | undefined;

/** One failure in a `BatchError`: of a publish, or of a delivery tag where nothing else is known. */
export interface ListedFailure {
  readonly id: number | undefined;
  readonly saying: Saying;
}

/** What a `BatchError` says; all of it undefined or empty where the promise resolved instead. */
export interface BatchSaying {
  readonly confirmed: number | undefined;
  readonly failed: number | undefined;
  readonly failures: readonly ListedFailure[];
  readonly cause: Reason;
}

/** One thing that happened. */
export type Entry = WorldEntry | RequestEntry | ClientEntry;

/** What the world does; what is to run soon runs between two of them. */
type WorldEntry =
  | { readonly what: "time"; readonly now: number }
  | {
      readonly what: "wrote";
      readonly octets: Uint8Array;
      /** What the socket held before. */
      readonly bufferedBytes: number;
    }
  | { readonly what: "flushed"; readonly bufferedBytes: number }
  | { readonly what: "ended" | "destroyed" }
  | { readonly what: "delivered"; readonly octets: Uint8Array }
  | { readonly what: "stream closed" }
  /** What is to run soon runs now: the client's output is written. */
  | { readonly what: "turn ends" }
  /** Nothing is left to do at this moment. */
  | {
      readonly what: "quiet";
      readonly members: readonly { readonly queued: number; readonly unconfirmed: number }[];
      readonly bufferedBytes: number;
    }
  // Wrong whatever else is true.
  | { readonly what: "mistake"; readonly text: string };

/** What the application asks. */
type RequestEntry =
  | { readonly what: "opens"; readonly member: number; readonly opening: Opening }
  | {
      readonly what: "publishes";
      readonly id: number;
      readonly member: number;
      readonly message: Message;
      readonly timeoutMs: number | undefined;
      readonly signal: number | undefined;
      /** The call of publishAll() that has just read it. */
      readonly batch: number | undefined;
    }
  | { readonly what: "aborts"; readonly signal: number }
  | {
      readonly what: "closes member";
      readonly member: number;
      readonly timeoutMs: number;
      readonly signal: number | undefined;
    }
  | { readonly what: "closes connection"; readonly timeoutMs: number }
  | { readonly what: "destroys" }
  | { readonly what: "waits"; readonly wait: number; readonly member: number }
  | {
      readonly what: "wants room";
      readonly ready: number;
      readonly member: number;
      readonly signal: number | undefined;
    }
  | {
      readonly what: "publishes all";
      readonly batch: number;
      readonly member: number;
      readonly stopOnFailure: boolean;
      readonly signal: number | undefined;
    }
  /** The iterable of a batch ends by itself. */
  | {
      readonly what: "source ends";
      readonly batch: number;
      readonly how: "done" | "throws";
    }
  /** A method with a reply; `member` is undefined on channel 0. */
  | {
      readonly what: "asks";
      readonly call: number;
      readonly name: string;
      readonly member: number | undefined;
    };

/** What the client says and does, beside writing octets. */
type ClientEntry =
  | { readonly what: "opened"; readonly member: number }
  | { readonly what: "opening failed"; readonly member: number; readonly reason: Reason }
  | { readonly what: "said"; readonly id: number; readonly saying: Saying }
  /** basicPublish() returned a delivery tag, or threw. */
  | { readonly what: "numbered"; readonly id: number; readonly deliveryTag: number }
  | {
      readonly what: "threw";
      readonly id: number;
      readonly error: unknown;
      readonly bufferedBytes: number;
    }
  | ({ readonly what: "waited"; readonly wait: number } & BatchSaying)
  /** ready() resolved, or rejected with the reason. */
  | { readonly what: "room"; readonly ready: number; readonly reason: Reason }
  /** The iterable of a batch is asked for its next message, or told to clean up. */
  | { readonly what: "reads" | "gives up"; readonly batch: number }
  | ({ readonly what: "batch over"; readonly batch: number } & BatchSaying)
  | { readonly what: "answered"; readonly call: number; readonly reason: Reason }
  | { readonly what: "event"; readonly member: number; readonly event: string }
  | { readonly what: "member closed"; readonly member: number; readonly reason: Reason }
  | { readonly what: "connection closed"; readonly reason: Reason }
  | { readonly what: "connection failed"; readonly reason: Reason };

/** What an error says of a publish. */
export function sayingOf(error: unknown): Saying {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const { cause } = error as { cause?: unknown };
  const causeCode = cause instanceof AmqpError ? (cause as { replyCode?: number }).replyCode : 0;
  if (error instanceof PublishError) {
    const { outcome, deliveryTag, mayBeDelivered } = error;
    return { ending: outcome, deliveryTag, mayBeDelivered, causeCode, text };
  }
  if (error instanceof UsageError) {
    return { ending: "usage", deliveryTag: 0, mayBeDelivered: false, causeCode, text };
  }
  throw new Error(`a publish ended with what is no PublishError: ${text}`, { cause: error });
}

/** What a client says of a publish that was confirmed. */
export function confirmedWith(deliveryTag: number): Saying {
  const rest = { mayBeDelivered: true, causeCode: undefined, text: "confirmed" };
  return { ending: "confirmed", deliveryTag, ...rest };
}

/** The class of an error, and its reply code where it has one. */
export function reasonOf(error: unknown): Reason {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof AmqpError)) return `${error.name}: ${error.message}`;
  const { replyCode } = error as { replyCode?: number };
  return replyCode === undefined ? error.name : `${error.name} ${replyCode}`;
}
