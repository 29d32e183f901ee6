/**
 * What RabbitMQ writes when it refuses a publish. The broker says these, and the judge, who builds
 * them anew for each open publish, compares: octet by octet, after the same cut.
 */
import type { Message } from "./transcript.ts";

/** What a sentence depends on beside the message. */
export interface Wording {
  readonly vhost: string;
  readonly user: string;
  /** RabbitMQ 4 says "write access" where 3 says "access". */
  readonly version: 3 | 4;
}

type Target = Pick<Message, "exchange" | "routingKey" | "body" | "properties">;

/** A refusal of one publish. */
export type Refusal =
  | "no exchange"
  | "no access"
  | "no topic access"
  | "internal exchange"
  | "too large"
  | "foreign user";

/** The configured max size of a message, which only the broker knows. */
export const MAX_SIZE = 10_000;

/** The reply code of each refusal, and the sentence that the broker builds. */
export const REFUSALS: {
  readonly [R in Refusal]: {
    readonly replyCode: number;
    readonly sentence: (target: Target, wording: Wording) => string;
  };
} = {
  "no exchange": {
    replyCode: 404,
    sentence: ({ exchange }, { vhost }) =>
      `NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`,
  },
  "no access": {
    replyCode: 403,
    sentence: (target, wording) =>
      `ACCESS_REFUSED - ${access(wording)} to ${where(target, wording)} ` +
      `refused for user '${wording.user}'`,
  },
  "no topic access": {
    replyCode: 403,
    sentence: (target, wording) =>
      `ACCESS_REFUSED - ${access(wording)} to topic '${target.routingKey}' in ` +
      `${where(target, wording)} refused for user '${wording.user}'`,
  },
  "internal exchange": {
    replyCode: 403,
    sentence: (target, wording) =>
      `ACCESS_REFUSED - cannot publish to internal ${where(target, wording)}`,
  },
  "too large": {
    replyCode: 406,
    sentence: ({ body }) =>
      `PRECONDITION_FAILED - message size ${Buffer.byteLength(body)} is larger than configured ` +
      `max size ${MAX_SIZE}`,
  },
  "foreign user": {
    replyCode: 406,
    sentence: ({ properties }, { user }) =>
      `PRECONDITION_FAILED - user_id property set to '${properties.userId}' but authenticated ` +
      `user was '${user}'`,
  },
};

/** As it arrives: a reply text has 255 octets, and what is longer is cut wherever that is. */
export function asSent(sentence: string): Uint8Array {
  const octets = Buffer.from(sentence);
  if (octets.length <= 255) return octets;
  return Buffer.concat([octets.subarray(0, 252), Buffer.from("...")]);
}

/** Whether a close with this code and text can have been about the message. */
export function isAbout(
  replyCode: number,
  replyText: string,
  target: Target,
  wording: Wording,
): boolean {
  return Object.values(REFUSALS).some(
    (refusal) =>
      refusal.replyCode === replyCode &&
      Buffer.from(asSent(refusal.sentence(target, wording))).toString() === replyText,
  );
}

function access({ version }: Wording): string {
  return version === 4 ? "write access" : "access";
}

function where({ exchange }: Target, { vhost }: Wording): string {
  return `exchange '${exchange === "" ? "amq.default" : exchange}' in vhost '${vhost}'`;
}
