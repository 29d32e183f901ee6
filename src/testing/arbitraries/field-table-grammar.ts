/** Field tables and properties as octets: whatever the grammar allows, also what no writer makes. */
import { PROPERTY_TYPES } from "../../wire/generated/properties.ts";
import type { Arbitrary, FastCheck } from "./fast-check.ts";

/** A field table on the wire, length first: any octets that the grammar allows. */
export function fieldTableBytes(fc: FastCheck): Arbitrary<Uint8Array> {
  return tableGrammar(fc);
}

/** Property flags and the values behind them, as in a content header: any octets, as above. */
export function propertyBytes(fc: FastCheck): Arbitrary<Uint8Array> {
  const values = PROPERTY_TYPES.map(([, type]) => fc.option(propertyGrammar(fc, type)));
  return fc.tuple(...values).map((octets) => {
    // The first property has the highest bit.
    const flags = octets.reduce((all, value, i) => (value === null ? all : all | (0x8000 >> i)), 0);
    const present = octets.filter((value) => value !== null);
    return join(u8(flags >> 8), u8(flags & 0xff), ...present);
  });
}

function propertyGrammar(fc: FastCheck, type: string): Arbitrary<Uint8Array> {
  if (type === "table") return tableGrammar(fc);
  if (type === "shortstr") {
    return fc.uint8Array({ maxLength: 255 }).map((octets) => join(u8(octets.length), octets));
  }
  const length = type === "timestamp" ? 8 : 1;
  return fc.uint8Array({ minLength: length, maxLength: length, size: "max" });
}

function tableGrammar(fc: FastCheck): Arbitrary<Uint8Array> {
  const fixed = (letters: string, length: number): Arbitrary<Uint8Array> =>
    fc
      .tuple(
        fc.constantFrom(...letters),
        fc.uint8Array({ minLength: length, maxLength: length, size: "max" }),
      )
      .map(([letter, octets]) => join(u8(letter.charCodeAt(0)), octets));
  const sized = (letters: string, octets: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> =>
    fc
      .tuple(fc.constantFrom(...letters), octets)
      .map(([letter, value]) => join(u8(letter.charCodeAt(0)), u32(value.length), value));
  const { entries } = fc.letrec<{ value: Uint8Array; items: Uint8Array; entries: Uint8Array }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: "small", maxDepth: 5 },
        { weight: 2, arbitrary: fixed("tbB", 1) },
        { weight: 1, arbitrary: fixed("su", 2) },
        { weight: 2, arbitrary: fixed("Iif", 4) },
        { weight: 1, arbitrary: fixed("D", 5) },
        { weight: 2, arbitrary: fixed("lLdT", 8) },
        { weight: 1, arbitrary: fixed("V", 0) },
        { weight: 3, arbitrary: sized("Sx", fc.uint8Array()) },
        { weight: 1, arbitrary: sized("A", tie("items")) },
        { weight: 1, arbitrary: sized("F", tie("entries")) },
      ),
      items: fc.array(tie("value"), { maxLength: 5 }).map((values) => join(...values)),
      entries: fc
        .array(fc.tuple(fc.uint8Array({ maxLength: 255 }), tie("value")), { maxLength: 6 })
        .map((pairs) => join(...pairs.flatMap(([name, value]) => [u8(name.length), name, value]))),
    }),
  );
  return entries.map((octets) => join(u32(octets.length), octets));
}

function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function join(...pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}
