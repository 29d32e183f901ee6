/**
 * What happened, as the client saw it: what it was asked, which octets it wrote, which it was
 * given, what it said, and the time. The judge (judge.ts) reads this and nothing else.
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

export type Entry =
  // The world.
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
  // The application asks.
  | { readonly what: "opens"; readonly member: number; readonly opening: Opening }
  | {
      readonly what: "publishes";
      readonly id: number;
      readonly member: number;
      readonly message: Message;
      readonly timeoutMs: number | undefined;
      readonly signal: number | undefined;
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
  // The client says.
  | { readonly what: "opened"; readonly member: number }
  | { readonly what: "opening failed"; readonly member: number; readonly error: unknown }
  | { readonly what: "said"; readonly id: number; readonly saying: Saying }
  /** basicPublish() returned a delivery tag, or threw. */
  | { readonly what: "numbered"; readonly id: number; readonly deliveryTag: number }
  | {
      readonly what: "threw";
      readonly id: number;
      readonly error: unknown;
      readonly bufferedBytes: number;
    }
  | {
      readonly what: "waited";
      readonly wait: number;
      readonly confirmed: number | undefined;
      readonly failures: readonly Saying[];
    }
  | { readonly what: "event"; readonly member: number; readonly event: string }
  | { readonly what: "connection closed"; readonly error: unknown }
  | { readonly what: "connection failed"; readonly error: unknown }
  /** Nothing is left to do at this moment. */
  | {
      readonly what: "quiet";
      readonly members: readonly { readonly queued: number; readonly unconfirmed: number }[];
      readonly bufferedBytes: number;
    }
  // Wrong whatever else is true.
  | { readonly what: "mistake"; readonly text: string };

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
