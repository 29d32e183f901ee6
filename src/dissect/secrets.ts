/**
 * Hides passwords and what takes their place: the responses of SASL (connection.start-ok and
 * secure-ok) and the secret of connection.update-secret, in the values as well as in the octets,
 * which are replaced by as many `*`.
 *
 * A frame with a secret may be damaged, and is then read as anything: another method, a body, no
 * frame at all. So whatever a client sends is hidden until a frame behind its login has been read,
 * unless it was read without a mistake and has no secret in it. From then on the same holds for
 * channel 0, where update-secret may come, and for what is no frame but may have been that method.
 * Rather too much than a password in a log.
 *
 * How long a secret is is not told either. Only, a frame keeps its size and its offsets, so that a
 * recording can be decoded: whoever has all of the frame can still work it out.
 */
import { FRAME_HEADER_SIZE } from "../wire/frame.ts";
import { METHODS, type MethodDescription } from "../wire/generated/method-table.ts";
import type { Method } from "../wire/generated/methods.ts";
import type { Annotated } from "./annotate.ts";
import { findLoginPiece, SECRET_METHODS, SIGN_OVERLAP } from "./login-pieces.ts";
import type { EventError, Field } from "./model.ts";

/**
 * Who sends: a side of a connection whose beginning was seen; one of a connection whose beginning was
 * not, so that nobody is sure which; or both in one stream, which may be any piece of a connection.
 */
export type Sender = "client" | "server" | "unsure" | "mixed";

/** What a mask leaves of an event. */
export interface Masked {
  readonly fields: readonly Field[];
  readonly error: EventError | undefined;
}

/** Hides the secrets of one direction. */
export class SecretMask {
  readonly #sender: Sender;
  /** A login may be under way: nothing has been read yet that comes behind it. */
  #isLogin: boolean;
  /** A frame with a secret in it broke off. */
  #inSecret = false;
  /** Octets are missing, among them perhaps the beginning of what comes next. */
  #isBehindGap = false;
  /** The last octets of the block before, where the ids of a method may begin. */
  #tail: Uint8Array = NOTHING;

  constructor(sender: Sender) {
    this.#sender = sender;
    this.#isLogin = sender === "client" || sender === "unsure";
  }

  /** Octets are missing; `inFrame`: what comes is the rest of the frame before. */
  gap(inFrame: boolean): void {
    this.#isBehindGap = !inFrame && this.#sender !== "server";
    this.#tail = NOTHING;
  }

  /** Hides what is secret in an event: gives what may be shown; its octets are changed in place. */
  mask(annotated: Annotated, bytes: Uint8Array, error: EventError | undefined): Masked {
    const { type, fields } = annotated;
    const asItIs: Masked = { fields, error };
    if (type === "gap" || type === "encrypted") return asItIs;
    if (type === "undecodable") {
      const from = this.#secretFrom(bytes);
      if (from === undefined) return asItIs;
      bytes.fill(STAR, from);
      return { fields: fields.map(hidden), error: withoutValues(error) };
    }
    this.#tail = NOTHING;
    this.#isBehindGap = false;
    this.#inSecret = false;
    const method = descriptionOf(annotated);
    if (this.#sender === "mixed" && LOGIN.has(annotated.method ?? type)) this.#isLogin = true;
    if (error === undefined && (type === "heartbeat" || type === "protocol-header")) return asItIs;
    if (error === undefined && method !== undefined) {
      this.#learn(annotated, method);
      const { method: name } = annotated;
      const isHidden = (field: Field): boolean =>
        isSecretField(field, `${name}.${field.name}`, this.#sender);
      return { fields: hideFields(fields, bytes, isHidden), error };
    }
    if (!this.#mayBeSecret(annotated, error)) return asItIs;
    // Cut: what comes behind a gap may be the rest of the secret.
    this.#inSecret = fields.at(-1)?.name !== "end";
    const shown = hideFields(fields, bytes, isBehindIds);
    return { fields: shown, error: withoutValues(error) };
  }

  /** A method without a mistake tells how far a connection is, and who sends. */
  #learn({ method, channel }: Annotated, { from }: MethodDescription): void {
    const isServers = this.#sender === "unsure" && from.length === 1 && from[0] === "server";
    if (channel !== 0 || BEHIND_LOGIN.has(method as string)) this.#isLogin = false;
    else if (isServers) this.#isLogin = false;
  }

  /** A frame with a mistake in it, one that nobody knows, or content. */
  #mayBeSecret(annotated: Annotated, error: EventError | undefined): boolean {
    const { type, channel } = annotated;
    const method = descriptionOf(annotated);
    if (method !== undefined && SECRET_METHODS.has(method)) return true;
    const isOnChannel = channel !== undefined && channel !== 0;
    if (this.#isLogin && method === undefined) {
      // A piece of a conversation whose login is not there may begin with content.
      const isContent = type === "header" || type === "body";
      return !(isContent && isOnChannel && this.#sender !== "client" && error === undefined);
    }
    if (isOnChannel) return false;
    // What a server says with a mistake in it is no secret.
    return this.#sender !== "server" || method === undefined;
  }

  /** Where in octets that are no frame a secret may begin; undefined if nowhere. */
  #secretFrom(bytes: Uint8Array): number | undefined {
    if (this.#isLogin || this.#inSecret || this.#isBehindGap) return 0;
    const before = this.#tail;
    const all = new Uint8Array(before.length + bytes.length);
    all.set(before);
    all.set(bytes, before.length);
    this.#tail = all.slice(-SIGN_OVERLAP);
    const piece = findLoginPiece(all);
    if (piece === undefined) return undefined;
    this.#inSecret = piece.goesOn;
    return Math.max(piece.from - before.length, 0);
  }
}

const NOTHING = new Uint8Array(0);
const STAR = 0x2a;

/** With what a login begins or goes on. */
const LOGIN: ReadonlySet<string> = new Set([
  "protocol-header",
  ...["connection.start", "connection.start-ok", "connection.secure", "connection.secure-ok"],
]);

/** Methods of channel 0 that a client sends when its login is over. */
const BEHIND_LOGIN: ReadonlySet<string> = new Set(["connection.tune-ok", "connection.open"]);

function descriptionOf({ type, method }: Annotated): MethodDescription | undefined {
  if (type !== "method" || method === undefined || !Object.hasOwn(METHODS, method))
    return undefined;
  return METHODS[method as Method["name"]];
}

function hideFields(
  fields: readonly Field[],
  bytes: Uint8Array,
  isHidden: (field: Field) => boolean,
): readonly Field[] {
  return fields.map((field) => {
    if (!isHidden(field)) return field;
    bytes.fill(STAR, field.valueOffset, field.offset + field.length);
    return hidden(field);
  });
}

/**
 * A secret, or a neighbour that does not look like itself: with a wrong length the secret is read as
 * part of what is before or behind it.
 */
function isSecretField(field: Field, name: string, sender: Sender): boolean {
  // One octet makes it of secure-ok.
  if (sender === "mixed" && name === "connection.secure.challenge") return true;
  const looks = NEIGHBOURS[name];
  if (looks === undefined) return field.secret === true;
  return typeof field.value !== "string" || !looks.test(field.value);
}

/** RFC 4422, section 3.1, and names as `en_US`; a reason may be anything. */
const NEIGHBOURS: { readonly [field: string]: RegExp } = {
  "connection.start-ok.mechanism": /^[A-Z0-9_-]{0,20}$/,
  "connection.start-ok.locale": /^([A-Za-z]{1,8}([_.@-][A-Za-z0-9]{1,8}){0,3})?$/,
  "connection.update-secret.reason": /^[\p{L} ,.:;'!?()-]{0,100}$/u,
};

/** All that goes beyond the first four octets of the payload, but the end. */
function isBehindIds({ part, offset, length }: Field): boolean {
  return part !== "frame" && offset + length > FRAME_HEADER_SIZE + 4;
}

/** Numbers that may be four octets of a secret. */
function withoutValues(error: EventError | undefined): EventError | undefined {
  return error && { ...error, message: error.message.replaceAll(/\d{8,}/g, "too many") };
}

function hidden(field: Field): Field {
  const { children: _, ...itself } = field;
  return { ...itself, value: undefined, secret: true, meaning: "hidden" };
}
