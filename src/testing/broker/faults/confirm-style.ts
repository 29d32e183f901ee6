/**
 * When and how confirms are sent. RabbitMQ promises little: every message is confirmed once, in any
 * order, one by one or many by one basic.ack with `multiple` (its page on confirms), and sooner or
 * later. A broker that always does it in the same way does not test a client.
 */
import { UsageError } from "../../../errors.ts";

/** When and how publishes are confirmed, other than at once and in order. */
export interface ConfirmOptions {
  /** How late a confirm comes, in milliseconds; 0 if absent, 100 with `batch`. */
  readonly delayMs?: number | undefined;
  /**
   * How many confirms of a channel go out together; they wait for each other, but not longer than
   * `delayMs`. With it, what is sent does not depend on how the publishes come in pieces, so that
   * together with `seed` a test can be replayed to the octet. If absent, what came in one read of the
   * socket goes out together.
   */
  readonly batch?: number | undefined;
  /** In which order those go out that go out together: "ascending" if absent. */
  readonly order?: "ascending" | "shuffled" | undefined;
  /**
   * Whether one confirm settles as many messages as it can: true if absent; false sends them one by
   * one; "random" tosses a coin for each. A confirm never covers what is not due.
   */
  readonly multiple?: boolean | "random" | undefined;
}

/** The same, complete. */
export interface ConfirmStyle {
  readonly delayMs: number;
  readonly batch: number | undefined;
  readonly shuffled: boolean;
  readonly multiple: boolean | "random";
}

/** At once, in order, together. */
export const PLAIN_CONFIRMS: ConfirmStyle = {
  ...{ delayMs: 0, batch: undefined, shuffled: false, multiple: true },
};

/** Completes the options; `UsageError` if they cannot be. */
export function confirmStyle(options: ConfirmOptions): ConfirmStyle {
  const { batch, order = "ascending", multiple = true } = options;
  const delayMs = options.delayMs ?? (batch === undefined ? 0 : DEFAULT_BATCH_DELAY_MS);
  if (!(delayMs >= 0 && delayMs <= LONGEST_DELAY_MS)) {
    throw new UsageError(`delayMs is ${delayMs}; it must be from 0 to ${LONGEST_DELAY_MS}`);
  }
  if (batch !== undefined && !(Number.isSafeInteger(batch) && batch > 0)) {
    throw new UsageError(`batch is ${batch}; it must be an integer from 1 up`);
  }
  if (order !== "ascending" && order !== "shuffled") {
    throw new UsageError(`order is ${order}; it must be "ascending" or "shuffled"`);
  }
  return { delayMs, batch, shuffled: order === "shuffled", multiple };
}

const DEFAULT_BATCH_DELAY_MS = 100;

/** What setTimeout() can wait. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
