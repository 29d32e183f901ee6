/**
 * Hides passwords and what takes their place: the responses of SASL (connection.start-ok and
 * secure-ok) and the secret of connection.update-secret, in the values as well as in the octets,
 * which are replaced by as many `*`. So is what lies behind the ids of such a method where the frame
 * cannot be read: rather too much than a password in a log.
 *
 * How long a secret is is not told either. Only, a frame keeps its size and its offsets, so that a
 * recording can be decoded: whoever has all of the frame can still work it out.
 */
import { METHODS } from "../wire/generated/method-table.ts";
import type { Method } from "../wire/generated/methods.ts";
import { type Annotated, isSecret } from "./annotate.ts";
import type { Field } from "./model.ts";

/** Hides the secrets of one direction. */
export class SecretMask {
  /** A frame with a secret in it broke off, or cannot be read. */
  #inSecret = false;
  /** The last octets of the block before, where the ids of a method may begin. */
  #tail: Uint8Array = NOTHING;

  /** Hides what is secret in an event: gives its fields; its octets are changed in place. */
  mask(annotated: Annotated, bytes: Uint8Array): readonly Field[] {
    const { type, fields } = annotated;
    if (type === "gap") return fields;
    if (type === "undecodable") return this.#maskOctets(bytes, fields);
    this.#tail = NOTHING;
    this.#inSecret = false;
    if (type !== "method" || !mayBeSecret(annotated)) return fields;
    // Cut: what comes behind a gap may be the rest of the secret.
    this.#inSecret = fields.at(-1)?.name !== "end";
    // Of a method that nobody can name, the cut is before anything that is its own.
    if (annotated.method === undefined) return fields;
    // With a wrong size before it, the secret is read as part of something else.
    const isDamaged = annotated.error !== undefined;
    const shown = fields.map((field) => {
      const isHidden =
        field.secret === true ||
        field.part === "undecoded" ||
        (isDamaged && field.part === "argument");
      if (!isHidden) return field;
      bytes.fill(STAR, field.valueOffset, field.offset + field.length);
      return hidden(field);
    });
    return shown;
  }

  #maskOctets(bytes: Uint8Array, fields: readonly Field[]): readonly Field[] {
    let from = 0;
    if (!this.#inSecret) {
      const before = this.#tail;
      const all = new Uint8Array(before.length + bytes.length);
      all.set(before);
      all.set(bytes, before.length);
      this.#tail = all.slice(-(ID_SIZE - 1));
      const at = findIds(all);
      if (at < 0) return fields;
      this.#inSecret = true;
      from = Math.max(at + ID_SIZE - before.length, 0);
    }
    bytes.fill(STAR, from);
    return fields.map(hidden);
  }
}

const NOTHING = new Uint8Array(0);
const STAR = 0x2a;
const ID_SIZE = 4;

/** The ids of the methods that carry a secret, four octets each. */
const SECRET_IDS: readonly number[] = (Object.keys(METHODS) as Method["name"][])
  .filter(hasSecret)
  .map((name) => METHODS[name].classId * 0x10000 + METHODS[name].methodId);

function hasSecret(name: Method["name"]): boolean {
  return METHODS[name].fields.some((field) => isSecret(name, field.name));
}

/** A method with a secret, or one that was cut before anybody can tell. */
function mayBeSecret({ method, channel }: Annotated): boolean {
  if (method === undefined) return channel === 0 || channel === undefined;
  return Object.hasOwn(METHODS, method) && hasSecret(method as Method["name"]);
}

function findIds(bytes: Uint8Array): number {
  let last = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    last = ((last << 8) | (bytes[i] as number)) >>> 0;
    if (i >= ID_SIZE - 1 && SECRET_IDS.includes(last)) return i - ID_SIZE + 1;
  }
  return -1;
}

function hidden(field: Field): Field {
  const { children: _, ...itself } = field;
  return { ...itself, value: undefined, secret: true, meaning: "hidden" };
}
