/** The channels of one connection: opening them, closing them, and whose frame is whose. */
import type { RawFrame } from "../../../wire/frame-decoder.ts";
import { FRAME_TYPE } from "../../../wire/generated/constants.ts";
import type { ClientMethod } from "../../../wire/generated/methods.ts";
import { Channel, type ChannelHost } from "../channel.ts";
import type { PublishingOutlet } from "../channel-publishing.ts";
import { refusal } from "../refusal.ts";
import { checkChannelCount } from "./limits.ts";

/** Channels by their numbers. */
export class SessionChannels {
  /** The highest number; 0 is no limit. */
  channelMax = 0;
  readonly #host: ChannelHost;
  readonly #channels = new Map<number, Channel>();
  readonly #unconfirmed = new Set<PublishingOutlet>();

  constructor(host: ChannelHost) {
    this.#host = host;
  }

  /** Those that are open, or that the broker closed and the client has not answered for. */
  get all(): ReadonlyMap<number, Channel> {
    return this.#channels;
  }

  /** A method came for one of them. */
  method(number: number, method: ClientMethod): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) this.#open(number, method);
    else this.#dispatch(channel, method);
  }

  /** A header or a body came. */
  content(frame: RawFrame): void {
    const channel = this.#channels.get(frame.channel);
    if (channel === undefined) {
      const text = "expected method frame, got non method frame instead";
      throw refusal("unexpectedFrame", text, { method: null });
    }
    if (channel.failed) return;
    if (frame.type === FRAME_TYPE.header) channel.header(frame);
    else channel.body(frame);
  }

  /** Sends the confirms of a channel with the next {@link SessionChannels.sendAcks}. */
  sendAckLater(channel: PublishingOutlet): void {
    this.#unconfirmed.add(channel);
  }

  /** Sends the confirms that are due. */
  sendAcks(): void {
    for (const channel of this.#unconfirmed) channel.sendAck();
    this.#unconfirmed.clear();
  }

  /** The connection takes deliveries again. */
  resume(): void {
    for (const channel of this.#channels.values()) channel.resume();
  }

  /** The connection is over. */
  release(): void {
    for (const channel of this.#channels.values()) channel.release();
    this.#channels.clear();
    this.#unconfirmed.clear();
  }

  #open(number: number, method: ClientMethod): void {
    if (method.name !== "channel.open") throw refusal("channelError", "expected 'channel.open'");
    checkChannelCount(this.#channels.size, this.channelMax);
    this.#channels.set(number, new Channel(number, this.#host));
    this.#host.send(number, { name: "channel.open-ok" });
  }

  #dispatch(channel: Channel, method: ClientMethod): void {
    switch (method.name) {
      case "channel.open":
        throw refusal("channelError", "second 'channel.open' seen");
      case "channel.close":
        if (!channel.failed) this.#close(channel, method);
        return this.#host.send(channel.number, { name: "channel.close-ok" });
      case "channel.close-ok":
        if (!channel.failed) throw refusal("commandInvalid", "unimplemented method");
        this.#channels.delete(channel.number);
        return;
      default:
        if (!channel.failed) channel.method(method);
    }
  }

  #close(channel: Channel, method: ClientMethod): void {
    channel.checkIdle(method);
    channel.sendAck();
    channel.release();
    this.#channels.delete(channel.number);
  }
}
