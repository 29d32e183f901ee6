/** One frame of somebody else's, and what it means. */
export interface Vector {
  readonly name: string;
  /** Who made these octets, and for whom. */
  readonly source: string;
  readonly sender: "client" | "server";
  readonly frame: "method" | "header" | "body" | "heartbeat" | "protocol-header";
  readonly channel: number;
  /** All of the frame, from its type to its end. */
  readonly hex: string;
  /**
   * For a method, our object for it; for a content header, `bodySize` and `properties`; for a body,
   * `body`. Where JSON has no word, `{"$hex"}` is octets, `{"$bigint"}`, `{"$date"}`,
   * `{"$decimal": [scale, value]}` and `{"$number": "-0"}` are what they say.
   */
  readonly expect: JsonObject;
  /** Reserved fields that are not empty as they should be: encoding `expect` leaves them out. */
  readonly reserved?: JsonObject;
  /** The decoders that read `expect` in it. */
  readonly decodedBy: readonly string[];
  /** Where another decoder reads something else: what it reads there, or "fails". */
  readonly otherReadings?: { readonly [decoder: string]: Json };
}

/** A frame put together from the grammar; its octets come in groups, each with what it is. */
export interface VectorByHand {
  readonly name: string;
  readonly sender: Vector["sender"];
  readonly frame: Vector["frame"];
  readonly octets: readonly (readonly [hex: string, what: string])[];
  readonly expect: JsonObject;
  /** Who reads something else in it, and what. */
  readonly disputed?: string;
}

export function bytesByHand(vector: VectorByHand): Uint8Array {
  const hex = vector.octets.map(([group]) => group.replaceAll(" ", "")).join("");
  return Buffer.from(hex, "hex");
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };
