/**
 * The channels of one connection by their numbers, the way of a frame to its channel, and what the
 * channels share. A soft error that a frame raises ends its channel; a hard one is raised to the
 * connection.
 */
import { type AmqpError, ProtocolError, UsageError } from "../errors.ts";
import type { RawFrame } from "../wire/frame-decoder.ts";
import { FRAME_TYPE, REPLY_CODE, REPLY_CODES } from "../wire/generated/constants.ts";
import type { ServerMethod } from "../wire/generated/methods.ts";
import type { Output } from "../wire/output.ts";
import type { Call } from "./call-queue.ts";
import { type ChannelEvent, type ChannelLink, ChannelMachine } from "./channel.ts";
import { ChannelNumbers } from "./channel-numbers.ts";
import type { ConnectionEventQueue } from "./connection-event-queue.ts";
import { readMethod } from "./frame-reading.ts";
import { DEFAULT_PROPOSAL } from "./negotiation.ts";
import type { PublishScheduler } from "./publish-scheduler.ts";
import type { Blame } from "./refusal.ts";

/** What channels need of their connection that stays as it is. */
export interface ChannelSettings {
  readonly maxBodyBytes: number;
  readonly vhost: string;
}

/** The channels that are in use, those included that wait for their close-ok. */
export class ChannelTable implements ChannelLink {
  readonly output: Output;
  readonly maxBodyBytes: number;
  readonly vhost: string;
  frameMax: number = DEFAULT_PROPOSAL.frameMax;
  refusal: AmqpError | undefined;
  /** Whether an immediate publish is on its way of which no ledger knows, or none any more. */
  hasUncountedImmediate = false;
  readonly #events: ConnectionEventQueue;
  readonly #scheduler: PublishScheduler;
  /** Made for the first channel: a connection may stay without one for long. */
  #channels: Map<number, ChannelMachine> | undefined;
  readonly #numbers = new ChannelNumbers();
  #unwritten: ChannelMachine[] | undefined;

  constructor(
    { maxBodyBytes, vhost }: ChannelSettings,
    output: Output,
    events: ConnectionEventQueue,
    scheduler: PublishScheduler,
  ) {
    this.output = output;
    this.maxBodyBytes = maxBodyBytes;
    this.vhost = vhost;
    this.#events = events;
    this.#scheduler = scheduler;
  }

  /** The channels that are in use. */
  values(): ChannelMachine[] {
    return [...(this.#channels?.values() ?? [])];
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
    const channel = new ChannelMachine(number, this, opened);
    this.#channels ??= new Map();
    this.#channels.set(number, channel);
    return channel;
  }

  /** A frame arrived for a channel other than 0. */
  receive(frame: RawFrame): void {
    const channel = this.#channels?.get(frame.channel);
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
    for (const channel of this.values()) channel.lose(error, blame(channel), byUs);
    this.#channels = undefined;
  }

  /** What is in the output goes to the socket now. */
  markWritten(): void {
    const channels = this.#unwritten;
    if (channels === undefined) return;
    this.#unwritten = undefined;
    for (const channel of channels) channel.markWritten();
  }

  emit(channel: ChannelMachine, event: ChannelEvent): void {
    if (event.type === "closed") this.#scheduler.closeWindow(channel);
    this.#events.push({ type: "channel", channel, event });
  }

  published(channel: ChannelMachine): void {
    if (this.#unwritten === undefined) this.#unwritten = [channel];
    else this.#unwritten.push(channel);
  }

  lostSightOfImmediate(): void {
    this.hasUncountedImmediate = true;
  }

  freed(channel: ChannelMachine): void {
    this.#channels?.delete(channel.number);
    this.#numbers.free(channel.number);
  }
}

function isSoft(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && REPLY_CODES.get(error.replyCode)?.kind === "soft";
}
