/**
 * Tuning: the server proposes limits in connection.tune and the client answers in
 * connection.tune-ok with what both shall keep (specification section 4.2.2; RabbitMQ's
 * documentation of heartbeats). 0 in a proposal means "no limit"; in the answer RabbitMQ takes it
 * as a value, and refuses it where it has a limit.
 */
import { ProtocolError } from "../errors.ts";
import type { FieldTable } from "../wire/field-value.ts";
import { FRAME_MIN_SIZE, REPLY_CODE } from "../wire/generated/constants.ts";

/** The limits of a connection. */
export interface Tuning {
  /** Octets in the largest frame, all of it counted. */
  readonly frameMax: number;
  /** The highest channel number. */
  readonly channelMax: number;
  /** 0 where heartbeats are off. */
  readonly heartbeatSeconds: number;
}

/** What a connection is opened with. */
export interface ConnectionSettings {
  /** The SASL mechanism; the responses, and another choice, come through `ConnectionMachine.respond()`. */
  readonly mechanism: string;
  readonly vhost: string;
  readonly clientProperties: FieldTable;
  readonly locale: string;
  /** What to answer to connection.tune, where the server does not ask for less. */
  readonly proposal: Tuning;
  /** Octets of the largest body that is accepted. */
  readonly maxBodyBytes: number;
}

/** What this client proposes where it is not told otherwise. */
export const DEFAULT_PROPOSAL: Tuning = {
  // RabbitMQ's own default; larger frames gain nothing measurable and block other channels longer.
  frameMax: 131_072,
  channelMax: 2047,
  heartbeatSeconds: 60,
};

/** Where neither side has a limit: what a frame's 32-bit size can hold, less its overhead. */
export const FRAME_MAX_CAP = 0xffff_ffff;

/** Channel numbers have 16 bits. */
export const CHANNEL_MAX_CAP = 65_535;

/** The lower of both proposals; 0 proposes no limit. An explicit 0 of ours turns heartbeats off. */
export function negotiate(ours: Tuning, theirs: Tuning): Tuning {
  if (theirs.frameMax !== 0 && theirs.frameMax < FRAME_MIN_SIZE) {
    const error = new ProtocolError("the server asks for frames smaller than AMQP allows", {
      replyCode: REPLY_CODE.syntaxError,
      expected: `a frame-max of 0 or at least ${FRAME_MIN_SIZE}`,
      got: String(theirs.frameMax),
    });
    error.phase = "tuning";
    throw error;
  }
  return {
    frameMax: lower(ours.frameMax, theirs.frameMax, FRAME_MAX_CAP),
    channelMax: lower(ours.channelMax, theirs.channelMax, CHANNEL_MAX_CAP),
    heartbeatSeconds:
      ours.heartbeatSeconds === 0 ? 0 : lower(ours.heartbeatSeconds, theirs.heartbeatSeconds, 0),
  };
}

function lower(a: number, b: number, neither: number): number {
  if (a === 0 && b === 0) return neither;
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}
