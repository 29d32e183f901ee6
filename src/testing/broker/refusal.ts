/**
 * How the broker says no (specification section 1.4.2 and its table of reply codes).
 *
 * A soft error ends the channel that made it, a hard one the whole connection; which is which
 * stands in the protocol table. RabbitMQ's sentences are the code's name, a dash and what is wrong:
 * `NOT_FOUND - no exchange 'x' in vhost '/'`. They are reproduced to the letter where a client can
 * cause them with well-formed frames. For malformed ones RabbitMQ prints Erlang terms; the code is
 * the same then, the sentence is ours.
 */
import { ProtocolError, UsageError, withoutStackTrace } from "../../errors.ts";
import { REPLY_CODE, REPLY_CODES } from "../../wire/generated/constants.ts";
import type { Method } from "../../wire/generated/methods.ts";
import { encodeText } from "../../wire/text.ts";

/** What ends. */
export type RefusalScope = "channel" | "connection";

/** What is unusual about a refusal. */
export interface RefusalOptions {
  /** What ends, where the reply code alone does not tell. */
  readonly scope?: RefusalScope | undefined;
  /** What the close blames: null is no method at all; if absent, it is the one being handled. */
  readonly method?: Method["name"] | null | undefined;
}

/** Thrown by whatever handles a method; the session turns it into a close. */
export class Refusal extends Error {
  readonly replyCode: number;
  /** Complete and at most 255 octets. */
  readonly replyText: string;
  readonly scope: RefusalScope;
  /** What the close blames: null is no method at all, undefined the one being handled. */
  readonly method: Method["name"] | null | undefined;

  constructor(replyCode: number, replyText: string, options: RefusalOptions) {
    super(replyText);
    const kind = REPLY_CODES.get(replyCode)?.kind;
    this.replyCode = replyCode;
    this.replyText = fitShortstr(replyText);
    this.scope = options.scope ?? (kind === "soft" ? "channel" : "connection");
    this.method = options.method;
  }
  override get name(): string {
    return "Refusal";
  }
}

/** Makes a refusal, for throwing: `refusal("notFound", "no queue 'q' in vhost '/'")`. */
export function refusal(
  code: keyof typeof REPLY_CODE,
  detail: string,
  options: RefusalOptions = {},
): Refusal {
  const text = `${replyName(REPLY_CODE[code])} - ${detail}`;
  return withoutStackTrace(() => new Refusal(REPLY_CODE[code], text, options));
}

/** A reply code's name as RabbitMQ writes it: `NO_ROUTE`. */
export function replyName(code: number): string {
  return (REPLY_CODES.get(code)?.name ?? "error").toUpperCase().replaceAll("-", "_");
}

/** The refusal for anything that handling a frame may raise. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ProtocolError) return refusalOfProtocolError(error);
  if (error instanceof UsageError) return refusal("syntaxError", error.message);
  // A mistake of the broker's own: end the connection, not the process that runs the tests.
  return refusal("internalError", error instanceof Error ? error.message : String(error));
}

function refusalOfProtocolError(error: ProtocolError): Refusal {
  const { message, replyCode, expected, got = "" } = error;
  if (replyCode === REPLY_CODE.unexpectedFrame) {
    const [text, method] = UNEXPECTED.get(expected) ?? [message, undefined];
    return refusal("unexpectedFrame", text, { method });
  }
  if (message.startsWith("a client may not send")) {
    return refusal("commandInvalid", "unimplemented method", { scope: "connection" });
  }
  const [, classId, weight] = /^class (\d+), weight (\d+)$/.exec(String(got)) ?? [];
  if (classId !== undefined) {
    const came = weight === "0" ? `one for class ${classId}` : "non content header frame";
    const text = `expected content header for class 60, got ${came} instead`;
    return refusal("unexpectedFrame", text, { method: "basic.publish" });
  }
  const detail = message.includes(got) ? message : `${message}: ${got}`;
  const text = `${replyName(replyCode)} - ${detail}`;
  return withoutStackTrace(() => new Refusal(replyCode, text, { scope: "connection" }));
}

/** RabbitMQ's sentences for what the content assembler finds, by what the assembler expected. */
const UNEXPECTED: ReadonlyMap<unknown, readonly [text: string, method: "basic.publish" | null]> =
  new Map([
    [
      "a content header",
      [
        "expected content header for class 60, got non content header frame instead",
        "basic.publish",
      ],
    ],
    [
      "a body frame",
      ["expected content body, got non content body frame instead", "basic.publish"],
    ],
    ["a method", ["expected method frame, got non method frame instead", null]],
  ]);

/**
 * A reply text is a short string. RabbitMQ cuts longer ones to 252 octets and three dots; so do we,
 * but not inside of a character.
 */
function fitShortstr(text: string): string {
  if (encodeText(text).length <= 255) return text;
  let octets = 0;
  let fitting = "";
  for (const character of text) {
    octets += encodeText(character).length;
    if (octets > 252) break;
    fitting += character;
  }
  return `${fitting}...`;
}
