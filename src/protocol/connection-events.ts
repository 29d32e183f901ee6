/** What happens on a connection, as its machine tells it. */
import type { AmqpError } from "../errors.ts";
import type { ChannelEvent, ChannelMachine } from "./channel.ts";

/**
 * - `challenge`: the server wants a SASL response; undefined for the first one.
 * - `open`: connection.open-ok came.
 * - `blocked`, `unblocked`: the broker stopped reading from us, or reads again.
 * - `closed`: the last event; undefined after our own close.
 * - `channel`: something happened on a channel.
 */
export type ConnectionEvent =
  | { readonly type: "challenge"; readonly challenge: Uint8Array | undefined }
  | { readonly type: "open" }
  | { readonly type: "blocked"; readonly reason: string }
  | { readonly type: "unblocked" }
  | { readonly type: "closed"; readonly error: AmqpError | undefined }
  | { readonly type: "channel"; readonly channel: ChannelMachine; readonly event: ChannelEvent };
