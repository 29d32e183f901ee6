/** The side of a connection that its channels see. */
import type { AmqpError } from "../errors.ts";
import type { Output } from "../wire/output.ts";
import type { ChannelMachine } from "./channel.ts";
import type { ChannelEvent } from "./channel-events.ts";

/** What a channel needs of its connection. */
export interface ChannelLink {
  readonly output: Output;
  readonly frameMax: number;
  readonly maxBodyBytes: number;
  readonly vhost: string;
  /** Why the connection sends nothing more for its channels; undefined while it does. */
  readonly refusal: AmqpError | undefined;
  /** Something happened that the application may want to know. */
  emit(channel: ChannelMachine, event: ChannelEvent): void;
  /** Publishes entered the output that the socket has not been given. */
  published(channel: ChannelMachine): void;
  /** An immediate publish is on its way of which no ledger knows, or none any more. */
  lostSightOfImmediate(): void;
  /** The channel's number is free again. */
  freed(channel: ChannelMachine): void;
}
