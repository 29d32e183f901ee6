import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { readTable, writeTable } from "../../src/wire/field-table.ts";
import type { FieldTable } from "../../src/wire/field-value.ts";
import { readClientMethod, readServerMethod, writeMethod } from "../../src/wire/generated/codec.ts";
import { METHODS, methodName } from "../../src/wire/generated/method-table.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { readContentHeader, writeContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { anyMethod, basicProperties, method } from "../support/arbitraries.ts";
import { concat, encoded, raised, toHex } from "../wire/octets.ts";

const NAMES = Object.keys(METHODS) as Method["name"][];
const SIDES = [
  ["client", readClientMethod],
  ["server", readServerMethod],
] as const;

/** The octets of a method as its entry in the protocol table says, without the codec. */
function layout(value: Method): Uint8Array {
  const { classId, methodId, fields } = METHODS[value.name];
  const pieces = [integer(classId, 2), integer(methodId, 2)];
  let bits: boolean[] = [];
  const endBits = (): void => {
    if (bits.length > 0) pieces.push(integer(Number.parseInt(bitText(bits), 2), 1));
    bits = [];
  };
  for (const { name, type, reserved } of fields) {
    const given = reserved ? undefined : (value as never as Record<string, unknown>)[name];
    if (type === "bit") {
      bits.push(given === true);
    } else {
      endBits();
      pieces.push(argument(type, given));
    }
  }
  endBits();
  return concat(...pieces);
}

function bitText(bits: readonly boolean[]): string {
  return bits
    .map((bit) => (bit ? "1" : "0"))
    .reverse()
    .join("");
}

function argument(type: string, value: unknown): Uint8Array {
  switch (type) {
    case "octet":
      return integer(Number(value ?? 0), 1);
    case "short":
      return integer(Number(value ?? 0), 2);
    case "long":
      return integer(Number(value ?? 0), 4);
    case "longlong":
      return integer(Number(value ?? 0), 8);
    case "shortstr": {
      const octets = Buffer.from((value ?? "") as string);
      return concat(integer(octets.length, 1), octets);
    }
    case "longstr": {
      const octets = (value ?? new Uint8Array(0)) as Uint8Array;
      return concat(integer(octets.length, 4), octets);
    }
    case "table":
      return encoded((writer) => writeTable(writer, value as FieldTable));
    default:
      throw new Error(`the protocol table has a type that is new: ${type}`);
  }
}

function integer(value: number, octets: number): Uint8Array {
  const digits = BigInt(value)
    .toString(16)
    .padStart(octets * 2, "0");
  return new Uint8Array(Buffer.from(digits, "hex"));
}

describe("properties of methods", () => {
  for (const name of NAMES) {
    const from = METHODS[name].from;
    it(`${name}: the octets that the table says, and back from ${from.join(" and ")} alone`, () => {
      fc.assert(
        fc.property(method(name), (value) => {
          const octets = encoded((writer) => writeMethod(writer, value));
          expect(toHex(octets)).to.equal(toHex(layout(value)));
          for (const [side, read] of SIDES) {
            const reader = new Reader(octets);
            if (from.includes(side)) {
              expect(read(reader)).to.deep.equal(value);
              expect(reader.remaining).to.equal(0);
            } else {
              expect(raised(ProtocolError, () => read(reader))).to.include({
                message: `a ${side} may not send ${name}`,
                replyCode: 503,
              });
            }
          }
        }),
        { numRuns: 20 },
      );
    });
  }

  it("no octet of a method can be missing", () => {
    fc.assert(
      fc.property(anyMethod(), fc.nat(), (value, at) => {
        const octets = encoded((writer) => writeMethod(writer, value));
        for (const [side, read] of SIDES) {
          if (!METHODS[value.name].from.includes(side)) continue;
          const cut = new Reader(octets, 0, at % octets.length);
          expect(raised(ProtocolError, () => read(cut)).replyCode).to.equal(501);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("no other ids are taken for a method", () => {
    const id = fc.integer({ min: 0, max: 0xffff });
    const near = fc
      .constantFrom(...NAMES)
      .chain((name) =>
        fc.tuple(fc.constant(METHODS[name].classId), fc.integer({ min: 0, max: 130 })),
      );
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(id, id)), ([classId, methodId]) => {
        fc.pre(methodName(classId, methodId) === undefined);
        const octets = concat(integer(classId, 2), integer(methodId, 2), new Uint8Array(50));
        for (const [, read] of SIDES) {
          expect(raised(ProtocolError, () => read(new Reader(octets)))).to.include({
            message: `there is no method with class ${classId} and id ${methodId}`,
            replyCode: 503,
          });
        }
      }),
    );
  });

  it("what was read does not change with the chunk that it was read from", () => {
    fc.assert(
      fc.property(anyMethod(), fc.nat(9), (value, before) => {
        const octets = encoded((writer) => writeMethod(writer, value));
        const chunk = Buffer.concat([Buffer.alloc(before), octets]);
        const read = METHODS[value.name].from.includes("client")
          ? readClientMethod
          : readServerMethod;
        const copy = read(new Reader(chunk, before));
        chunk.fill(0xee);
        expect(copy).to.deep.equal(value);
      }),
      { numRuns: 200 },
    );
  });

  it("any content header reads back", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), basicProperties(), (bodySize, properties) => {
        const octets = encoded((writer) => writeContentHeader(writer, bodySize, properties));
        const chunk = Buffer.from(octets);
        const header = readContentHeader(new Reader(chunk));
        chunk.fill(0xee);
        expect(header).to.deep.equal({ bodySize, properties });
      }),
      { numRuns: 200 },
    );
  });

  it("octets at random behind any ids raise nothing but a ProtocolError", () => {
    const ids = fc.constantFrom(...NAMES).map((name) => METHODS[name]);
    fc.assert(
      fc.property(ids, fc.uint8Array({ maxLength: 40 }), ({ classId, methodId }, rest) => {
        const octets = concat(integer(classId, 2), integer(methodId, 2), rest);
        const header = concat(integer(60, 2), integer(0, 2), rest);
        for (const [read, bytes] of [
          [readClientMethod, octets],
          [readServerMethod, octets],
          [readContentHeader, header],
          [readTable, rest],
        ] as const) {
          try {
            read(new Reader(bytes));
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            expect(error.replyCode).to.be.oneOf([501, 502, 503]);
            expect(error.offset).to.be.within(0, bytes.length);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
