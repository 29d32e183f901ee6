/** What happens on a channel, as its machine tells it. */
import type { AmqpError } from "../errors.ts";
import type { BasicDeliver } from "../wire/generated/methods.ts";
import type { Content } from "./content-assembler.ts";
import type { OpenDelivery } from "./delivery-ledger.ts";
import type { ReturnedMessage } from "./returned-error.ts";

/**
 * - `ack`, `nack`, `return`, `flow`: only where the machine's `observed` is set.
 * - `deliver`: a message for a consumer, with its place in the ledger, which is undefined where it
 *   needs no answer.
 * - `cancel`: the broker cancelled a consumer.
 * - `left`: we did, and nothing more comes for it.
 * - `closed`: the last event; undefined after our own close.
 */
export type ChannelEvent =
  | { readonly type: "ack" | "nack"; readonly deliveryTag: number; readonly multiple: boolean }
  | { readonly type: "return"; readonly message: ReturnedMessage }
  | { readonly type: "flow"; readonly active: boolean }
  | {
      readonly type: "deliver";
      readonly content: Content<BasicDeliver>;
      readonly open: OpenDelivery | undefined;
    }
  | { readonly type: "cancel" | "left"; readonly consumerTag: string }
  | { readonly type: "closed"; readonly error: AmqpError | undefined };
