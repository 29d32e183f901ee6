/**
 * Finds what looks like a piece of a login in octets that are no frame: as when somebody pastes a
 * response of SASL, or the rest of a frame that held one, without the header that says what it is.
 *
 * What has none of these signs cannot be told from any other octets: the middle of a password, for one.
 */
import { METHODS, type MethodDescription } from "../wire/generated/method-table.ts";
import type { Method } from "../wire/generated/methods.ts";
import { isSecret } from "./annotate.ts";

/** The methods that carry a secret. */
export const SECRET_METHODS: ReadonlySet<MethodDescription> = new Set(
  (Object.keys(METHODS) as Method["name"][])
    .filter((name) => METHODS[name].fields.some((field) => isSecret(name, field.name)))
    .map((name) => METHODS[name]),
);

/** Where what is behind a sign may begin. */
export interface LoginPiece {
  /** Of the first octet that may be secret. */
  readonly from: number;
  /** Whether what comes behind these octets may be secret too. */
  readonly goesOn: boolean;
}

/** The first sign of a login; `bytes` are octets that are no frame, or a block of them. */
export function findLoginPiece(bytes: Uint8Array): LoginPiece | undefined {
  if (isArguments(bytes)) return { from: 0, goesOn: false };
  const text = latin1(bytes);
  if (LOCALE.test(text)) return { from: 0, goesOn: false };
  const plain = PLAIN_RESPONSE.exec(text)?.index ?? Number.POSITIVE_INFINITY;
  const from = Math.min(plain, findSign(bytes) ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(from) ? { from, goesOn: true } : undefined;
}

/** How many octets of a sign of {@link findLoginPiece} may be in the block before. */
export const SIGN_OVERLAP = 15;

/** With what connection.start-ok ends, behind the response: `en_US`, its length and the frame's end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: octets, of which any may come
const LOCALE = /[\x02-\x1f][a-z]{2,3}_[A-Z]{2}(?:[.@][\w-]{1,16})?(?:\xce|$)/;

/**
 * RFC 4616: a zero octet, the user, a zero octet, the password. Not what numbers and short names in a
 * frame come to, nor a name that the frame's end is behind.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: octets, of which any may come
const PLAIN_RESPONSE = /\0[^\0-\x1f]{3,255}\0(?!\xce(?:[\x01-\x03\x08A]|$))[^\0-\x1f]/;

/** What an octet of a sign may be if it may be any. */
const ANY = -1;

/**
 * By what a method with a secret is found: its ids, and the same with one octet wrong, lost, or too
 * many; or what a response of SASL is behind.
 */
const SIGNS: readonly (readonly number[])[] = [
  octetsOf("PLAIN"), // a mechanism of SASL, and the end of another
  octetsOf("RABBIT-CR-DEMO"),
  octetsOf("LOGINS"), // what AMQPLAIN sends: names and the letters of their types
  octetsOf("PASSWORDS"),
  ...[...SECRET_METHODS].flatMap(({ classId, methodId }) => {
    const ids = [classId >>> 8, classId & 0xff, methodId >>> 8, methodId & 0xff];
    const places = ids.map((_, i) => i);
    return [
      ids,
      ...places.map((i) => ids.with(i, ANY)),
      ...places.map((i) => ids.toSpliced(i, 1)),
      ...places.slice(1).map((i) => ids.toSpliced(i, 0, ANY)),
    ];
  }),
];

/** Where the first of all signs ends. */
function findSign(bytes: Uint8Array): number | undefined {
  for (let at = 0; at < bytes.length; at++) {
    const sign = SIGNS.find(
      (octets) =>
        at + octets.length <= bytes.length &&
        octets.every((octet, i) => octet === ANY || octet === bytes[at + i]),
    );
    if (sign !== undefined) return at + sign.length;
  }
  return undefined;
}

/**
 * Whether these are all arguments of connection.secure-ok or update-secret and nothing else: a long
 * string, behind which there may be a short one, and the frame's end.
 */
function isArguments(bytes: Uint8Array): boolean {
  if (bytes.length < 5) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const left = bytes.length - 4 - size;
  if (size === 0 || left < 0) return false;
  const reason = bytes[4 + size];
  return [0, 1].some((end) => left === end || left === (reason ?? 0) + 1 + end);
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

function octetsOf(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
