/**
 * Who is to blame when the broker closes a channel or a connection while publishes are open.
 *
 * RabbitMQ handles the publishes of a channel in order. When one is refused, those before it may
 * have been stored although no confirm comes for them any more, and those after it are dropped
 * unseen. So the culprit divides the open publishes: before it `unknown`, itself `refused`, after
 * it `unprocessed`. It is found by building, for each open publish, the whole sentence that the
 * broker would have written about it. Searching the text for a name instead would blame the wrong
 * one when an exchange's name is part of another's.
 */
import type { AmqpError, CloseReason } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import { encodeText } from "../wire/text.ts";
import type { ConfirmLedger, Decide } from "./confirm-ledger.ts";
import { type Publication, publishError } from "./publication.ts";

/** How open publications end, by their delivery tags. */
export interface Blame {
  /** The publish that was refused, where exactly one can have been; else 0. */
  readonly refusedTag: number;
  /** Publishes above this tag were never looked at. */
  readonly lastLookedAt: number;
}

/** A channel, as far as blame goes. */
interface HasLedger {
  readonly ledger: ConfirmLedger;
}

/** Nobody can be blamed: every open publish may or may not have been handled. */
export const NOBODY: Blame = { refusedTag: 0, lastLookedAt: Number.POSITIVE_INFINITY };

/** Blames one of the publishes that may not have been handled, in the order of their tags. */
export function blamePublish(
  reason: CloseReason,
  unhandled: readonly Publication[],
  vhost: string,
): Blame {
  if (reason.method !== "basic.publish") return NOBODY;
  const suspects = unhandled.filter((publication) => isAbout(reason, publication, vhost));
  const last = suspects.at(-1);
  if (last === undefined) return NOBODY;
  const refusedTag = suspects.length === 1 ? last.deliveryTag : 0;
  return { refusedTag, lastLookedAt: last.deliveryTag };
}

/**
 * RabbitMQ does not implement `immediate` and closes the connection with 540 for it. Where just one
 * such publish is open on the whole connection, and none went out uncounted, it is to blame.
 */
export function blameImmediate(
  reason: CloseReason,
  channels: readonly HasLedger[],
): (channel: HasLedger) => Blame {
  const suspects =
    reason.replyCode === REPLY_CODE.notImplemented && reason.method === "basic.publish"
      ? channels.flatMap((channel) =>
          channel.ledger
            .unhandledPublications()
            .filter(({ route }) => route.immediate)
            .map(({ deliveryTag }) => ({ channel, deliveryTag })),
        )
      : [];
  const culprit = suspects.length === 1 ? suspects[0] : undefined;
  return (channel) =>
    channel === culprit?.channel
      ? { refusedTag: culprit.deliveryTag, lastLookedAt: culprit.deliveryTag }
      : NOBODY;
}

/** Another method of ours was refused, which was sent when `nextTag` was the next tag. */
export function blameCall(nextTag: number): Blame {
  return { refusedTag: 0, lastLookedAt: nextTag - 1 };
}

/**
 * The errors of the publishes that were open when the channel or connection was closed; `unwritten`
 * is the outcome of those that the socket had not been given.
 */
export function decideBy(
  blame: Blame,
  cause: AmqpError,
  unwritten: "unsent" | "unprocessed",
): Decide {
  return (publication, written) =>
    written ? blamedError(publication, blame, cause) : publishError(publication, unwritten, cause);
}

function blamedError(publication: Publication, blame: Blame, cause: AmqpError): AmqpError {
  const tag = publication.deliveryTag;
  if (tag === blame.refusedTag) return publishError(publication, "refused", cause);
  const outcome = tag > blame.lastLookedAt ? "unprocessed" : "unknown";
  return publishError(publication, outcome, cause);
}

/** Whether the reply text is what the broker would have written about this publish. */
function isAbout(reason: CloseReason, publication: Publication, vhost: string): boolean {
  const sentences = SENTENCES[reason.replyCode]?.(publication, vhost) ?? [];
  return sentences.some((sentence) => isSentence(reason.replyText, sentence));
}

/** A sentence that RabbitMQ writes; `open` where it ends with something that we do not know. */
interface Sentence {
  readonly text: string;
  readonly open: boolean;
}

/**
 * What RabbitMQ writes about a publish that it refuses, as seen on 3.10.8; version 4 says "write
 * access" where 3 says "access".
 */
const SENTENCES: {
  readonly [replyCode: number]: (publication: Publication, vhost: string) => Sentence[];
} = {
  [REPLY_CODE.notFound]: ({ route: { exchange } }, vhost) => [
    whole(`NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`),
  ],
  [REPLY_CODE.accessRefused]: ({ route: { exchange, routingKey } }, vhost) => {
    const where = `exchange '${exchange === "" ? "amq.default" : exchange}' in vhost '${vhost}'`;
    return [
      open(`ACCESS_REFUSED - access to ${where} refused for user '`),
      open(`ACCESS_REFUSED - write access to ${where} refused for user '`),
      open(`ACCESS_REFUSED - access to topic '${routingKey}' in ${where} refused for user '`),
      open(`ACCESS_REFUSED - write access to topic '${routingKey}' in ${where} refused for user '`),
      whole(`ACCESS_REFUSED - cannot publish to internal ${where}`),
    ];
  },
  [REPLY_CODE.preconditionFailed]: ({ bodySize, route }) => {
    const { exchange, userId, wantsDirectReply } = route;
    const user = `PRECONDITION_FAILED - user_id property set to '${userId}' but authenticated user`;
    return [
      open(`PRECONDITION_FAILED - message size ${bodySize} is larger than `),
      ...(userId === undefined ? [] : [open(`${user} was '`)]),
      ...(wantsDirectReply ? [whole(NO_REPLY_CONSUMER)] : []),
      // A plugin took its exchange type away. The one that is named need not be the publish's own,
      // but can be any that it is bound to; nothing is bound to the default exchange.
      ...(exchange === ""
        ? []
        : [open("PRECONDITION_FAILED - Cannot route message through exchange '")]),
    ];
  },
};

const NO_REPLY_CONSUMER = "PRECONDITION_FAILED - fast reply consumer does not exist";

function whole(text: string): Sentence {
  return { text, open: false };
}

function open(text: string): Sentence {
  return { text, open: true };
}

/**
 * Compares a reply text with the sentence as it would be in full. A short string ends at 255
 * octets: RabbitMQ cuts what is longer after 252, perhaps inside of a character, and adds `...`.
 */
function isSentence(got: string, sentence: Sentence): boolean {
  const { text } = sentence;
  if (sentence.open ? got.startsWith(text) : got === text) return true;
  const fits = sentence.open ? MAX_REPLY_TEXT - 3 : MAX_REPLY_TEXT;
  if (encodeText(text).length <= fits || !got.endsWith("...")) return false;
  const kept = got.slice(0, -3).replace(/\uFFFD+$/, "");
  // Less is left where the cut is in a character of up to four octets, and never less than that.
  return encodeText(kept).length >= MAX_REPLY_TEXT - 6 && text.startsWith(kept);
}

const MAX_REPLY_TEXT = 255;
