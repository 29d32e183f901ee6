/**
 * The channels of one connection by their numbers, and the way of a frame to its channel. A soft
 * error that a frame raises ends its channel; a hard one is raised to the connection.
 */
import { type AmqpError, ProtocolError, UsageError } from "../errors.ts";
import type { RawFrame } from "../wire/frame-decoder.ts";
import { FRAME_TYPE, REPLY_CODE, REPLY_CODES } from "../wire/generated/constants.ts";
import type { ServerMethod } from "../wire/generated/methods.ts";
import type { Call } from "./call-queue.ts";
import { type ChannelLink, ChannelMachine } from "./channel.ts";
import { ChannelNumbers } from "./channel-numbers.ts";
import { readMethod } from "./frame-reading.ts";
import type { Blame } from "./refusal.ts";

/** The channels that are in use, those included that wait for their close-ok. */
export class ChannelTable {
  readonly #link: ChannelLink;
  readonly #channels: Map<number, ChannelMachine> = new Map();
  readonly #numbers = new ChannelNumbers();

  constructor(link: Omit<ChannelLink, "freed">) {
    // The link's getters must stay getters: frame-max is not known yet.
    this.#link = Object.create(link, {
      freed: { value: (channel: ChannelMachine) => this.#free(channel) },
    }) as ChannelLink;
  }

  /** The channels that are in use. */
  values(): ChannelMachine[] {
    return [...this.#channels.values()];
  }

  /** Opens a channel under a number up to `channelMax` that is free. */
  open(channelMax: number, opened: Pick<Call, "resolve" | "reject">): ChannelMachine {
    const number = this.#numbers.take(channelMax);
    if (number === undefined) {
      throw new UsageError(
        `all ${channelMax} channels of this connection are in use; ` +
          "close some, or open another connection",
      );
    }
    const channel = new ChannelMachine(number, this.#link, opened);
    this.#channels.set(number, channel);
    return channel;
  }

  /** A frame arrived for a channel other than 0. */
  receive(frame: RawFrame): void {
    const channel = this.#channels.get(frame.channel);
    if (channel === undefined) {
      throw new ProtocolError(`a frame came for channel ${frame.channel}, which is not open`, {
        replyCode: REPLY_CODE.channelError,
        expected: "a frame for an open channel",
        got: `channel ${frame.channel}`,
      });
    }
    let method: ServerMethod | undefined;
    try {
      if (frame.type === FRAME_TYPE.method) {
        method = readMethod(frame);
        channel.receive(method);
      } else if (frame.type === FRAME_TYPE.header) {
        channel.receiveHeader(frame);
      } else {
        channel.receiveBody(frame);
      }
    } catch (error) {
      if (!isSoft(error)) throw error;
      channel.fail(error, method?.name);
    }
  }

  /** The connection is gone; `blame` tells whom to blame on each channel. */
  loseAll(error: AmqpError, blame: (channel: ChannelMachine) => Blame, byUs: boolean): void {
    for (const channel of this.#channels.values()) channel.lose(error, blame(channel), byUs);
    this.#channels.clear();
  }

  #free(channel: ChannelMachine): void {
    this.#channels.delete(channel.number);
    this.#numbers.free(channel.number);
  }
}

function isSoft(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && REPLY_CODES.get(error.replyCode)?.kind === "soft";
}
