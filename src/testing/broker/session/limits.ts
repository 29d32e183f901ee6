/** The limits of a connection; where RabbitMQ has the same, with its names. */
import { refusal } from "../refusal.ts";

/**
 * The largest frame before tune-ok. The specification says 4,096; RabbitMQ allows 8,192 since 4.1,
 * for clients that have much to say of themselves.
 */
export const INITIAL_FRAME_MAX: number = 8192;

/** RabbitMQ's frame_max, which also bounds our own frames when none was negotiated. */
export const DEFAULT_FRAME_MAX: number = 131_072;

/** The largest frame when neither side set a limit: RabbitMQ's largest message up to 3.13. */
export const FRAME_CAP: number = 134_217_728;

/** RabbitMQ's FRAME_SIZE_FUDGE: some clients forget the eight octets around the payload. */
export const FRAME_MAX_FUDGE: number = 8;

/** RabbitMQ's handshake_timeout. */
export const HANDSHAKE_TIMEOUT_MS: number = 10_000;

/** RabbitMQ's CLOSING_TIMEOUT: how long a client may take to answer a close, or to hang up. */
export const CLOSING_TIMEOUT_MS: number = 30_000;

/**
 * With more octets than this to write, the socket is asked whether it can take more. If it cannot,
 * the client gets no deliveries and its input waits.
 */
export const OUTPUT_LIMIT: number = 1_048_576;

/** Refuses one channel more; like RabbitMQ this counts channels and does not mind their numbers. */
export function checkChannelCount(count: number, channelMax: number): void {
  if (channelMax === 0 || count < channelMax) return;
  throw refusal(
    "notAllowed",
    `number of channels opened (${count}) has reached the negotiated channel_max (${channelMax})`,
    { method: null },
  );
}
