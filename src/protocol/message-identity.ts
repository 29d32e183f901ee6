/** What makes two messages the same to whoever sees them on the wire, beside their properties. */
import { encodeText } from "../wire/text.ts";

/** Where a message goes, as one string: the length in front keeps exchange and key apart. */
export function targetOf(message: {
  readonly exchange: string;
  readonly routingKey: string;
}): string {
  return `${message.exchange.length} ${message.exchange}${message.routingKey}`;
}

/** A body and how many octets it takes when encoded. */
export interface SizedBody {
  readonly body: Uint8Array | string | undefined;
  readonly bodySize: number;
}

/** Whether a body that was sent has just these octets; a released one has none to compare. */
export function hasOctets({ body, bodySize }: SizedBody, got: Uint8Array): boolean {
  if (body === undefined || bodySize !== got.length) return false;
  const octets = typeof body === "string" ? encodeText(body) : body;
  for (let i = 0; i < got.length; i++) if (octets[i] !== got[i]) return false;
  return true;
}

/** Whether two bodies that were sent have the same octets. */
export function sameBody(one: SizedBody, other: SizedBody): boolean {
  const { body } = other;
  if (body === undefined || one.body === body) return body !== undefined;
  return hasOctets(one, typeof body === "string" ? encodeText(body) : body);
}

/** A number that the same octets always have and others seldom: FNV-1a in 32 bits. */
export function fingerprint(body: Uint8Array | string): number {
  const octets = typeof body === "string" ? encodeText(body) : body;
  let hash = 0x811c9dc5;
  for (let i = 0; i < octets.length; i++) {
    hash = Math.imul(hash ^ (octets[i] as number), 0x01000193);
  }
  return hash;
}
