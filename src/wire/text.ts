/**
 * UTF-8 in and out. AMQP's short strings are UTF-8; its long strings are octets that are nearly
 * always UTF-8 (specification section 4.2.5.3).
 */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();
const surrogate = /[\uD800-\uDFFF]/;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Below this many octets a loop over ASCII is quicker than a call of TextDecoder, which costs
 * about as much as 50 rounds of it.
 */
const SHORT = 48;

/** Decodes octets as UTF-8; undefined where they are not well-formed UTF-8. */
export function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Decodes octets as UTF-8, with U+FFFD for what is not: the broker may cut its reply text inside
 * of a character.
 */
export function decodeLenient(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT) {
    let text = "";
    for (let i = start; i < end; i++) {
      const octet = bytes[i] as number;
      if (octet >= 0x80) return lenient.decode(bytes.subarray(start, end));
      text += String.fromCharCode(octet);
    }
    return text;
  }
  return lenient.decode(bytes.subarray(start, end));
}

/** Encodes text as UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Encodes text into `target` at `offset` and returns how many octets it took. */
export function encodeTextInto(text: string, target: Uint8Array, offset: number): number {
  return encoder.encodeInto(text, target.subarray(offset)).written;
}

/**
 * Whether text is well-formed UTF-16. A lone surrogate has no UTF-8, and encoders silently put
 * U+FFFD in its place.
 */
export function isWellFormed(text: string): boolean {
  return !surrogate.test(text) || !loneSurrogate.test(text);
}
