/** What `channel.consume()` takes. */
import { UsageError } from "../errors.ts";
import type { FieldTable } from "../wire/field-value.ts";
import type { BasicConsume } from "../wire/generated/methods.ts";

/** How a queue is consumed. */
export interface ConsumeOptions {
  /**
   * How many messages the broker sends ahead of their ack, 1 to 65,535; so many times the size of a
   * message is what the consumer holds in memory. 0 means any number, and nothing bounds memory
   * then. Default 100. Without meaning where `noAck` is set.
   */
  readonly prefetch?: number | undefined;
  /**
   * The broker forgets a message when it is sent: none is acked, and one that the loop never sees
   * is lost. **Nothing bounds memory then** but the length of the queue: the broker sends as fast as
   * the network takes it, and what the loop has not taken waits here. (To stop reading would hold up
   * everything else on the connection, and RabbitMQ closes one that takes nothing for 30 seconds.)
   * Default false.
   */
  readonly noAck?: boolean | undefined;
  /** Nobody else may consume from the queue; 403 where somebody does. Default false. */
  readonly exclusive?: boolean | undefined;
  /** The consumer's name on this channel, at most 255 octets. Default: this client chooses one. */
  readonly consumerTag?: string | undefined;
  /**
   * Consumers of a higher priority are served as long as their prefetch allows, before others; any
   * 32-bit integer, by default 0 (`x-priority`, rabbitmq.com/docs/consumer-priority).
   */
  readonly priority?: number | undefined;
  /** Messages that were published on this connection stay away. RabbitMQ ignores it. */
  readonly noLocal?: boolean | undefined;
  /**
   * Further arguments. A stream begins where `x-stream-offset` says: `"first"`, `"last"`, `"next"`
   * (the default), an offset, a `Date` or an age such as `"1h"` (rabbitmq.com/docs/streams).
   */
  readonly arguments?: FieldTable | undefined;
  /**
   * What becomes of deliveries that the loop was given and did not settle, when it ends by `break`,
   * by an error of its own, or by the signal. By default they go back to their queue, so that none
   * is stuck. True leaves them open, for those who settle them after the loop, or while other
   * deliveries are dealt with. What the loop was never given goes back in any case. Deliveries from
   * a stream stay as they are: a stream keeps its messages.
   */
  readonly keepUnsettled?: boolean | undefined;
  /** Ends the consumer when it fires: the loop ends with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Raises a `UsageError` for options that cannot be. */
export function checkConsumeOptions({ prefetch, priority, consumerTag }: ConsumeOptions): void {
  if (prefetch !== undefined && !isWithin(prefetch, 0, 65_535)) {
    throw new UsageError("prefetch must be a whole number from 0 to 65535");
  }
  if (priority !== undefined && !isWithin(priority, -(2 ** 31), 2 ** 31 - 1)) {
    throw new UsageError("priority must be a 32-bit integer");
  }
  if (consumerTag === "") throw new UsageError("consumerTag must not be empty");
}

/** The method that starts a consumer. */
export function consumeMethod(
  queue: string,
  consumerTag: string,
  options: ConsumeOptions,
): BasicConsume {
  const { noLocal = false, noAck = false, exclusive = false, priority } = options;
  return {
    name: "basic.consume",
    queue,
    consumerTag,
    noLocal,
    noAck,
    exclusive,
    nowait: false,
    arguments:
      priority === undefined
        ? (options.arguments ?? {})
        : { ...options.arguments, "x-priority": priority },
  };
}

/** Enough to keep a consumer busy over a round trip, and little enough to hold in memory. */
export const DEFAULT_PREFETCH = 100;

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
