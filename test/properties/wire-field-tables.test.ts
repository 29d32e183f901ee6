import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError, UsageError } from "../../src/errors.ts";
import { readTable, readTaggedTable, writeTable } from "../../src/wire/field-table.ts";
import {
  type Decimal,
  type FieldTable,
  type FieldType,
  type FieldValue,
  TaggedTable,
  TaggedValue,
} from "../../src/wire/field-value.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";
import {
  fieldTable,
  fieldTableBytes,
  fieldTableReading,
  taggedTable,
} from "../support/arbitraries.ts";
import { encoded, toHex } from "../wire/octets.ts";

const LETTERS = [..."tbBsuIilLfdDSATFVx"] as FieldType[];

function whole<T>(read: (reader: Reader) => T, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.expectEnd("the table");
  return value;
}

function write(table: FieldTable | TaggedTable): Uint8Array {
  return encoded((writer) => writeTable(writer, table));
}

function plainTable({ entries }: TaggedTable): FieldTable {
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
  return Object.fromEntries(
    entries.map(([name, value]) => [
      typeof name === "string" ? name : lenient.decode(name),
      plainValue(value),
    ]),
  );
}

function plainValue({ type, value }: TaggedValue): FieldValue {
  switch (type) {
    case "t":
      return Boolean(value);
    case "f":
    case "d":
      return value instanceof Uint8Array ? float(value) : (value as number);
    case "D":
      return new TaggedValue(type, value as Decimal);
    case "T":
      return Number(value) > 8.64e12
        ? new TaggedValue(type, value as number | bigint)
        : new Date(Number(value) * 1000);
    case "A":
      return (value as TaggedValue[]).map(plainValue);
    case "F":
      return plainTable(value as TaggedTable);
    default:
      return value as FieldValue;
  }
}

function float({ buffer, byteOffset, length }: Uint8Array): number {
  const view = new DataView(buffer, byteOffset, length);
  return length === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

describe("properties of field tables", () => {
  it("what an application gives reads back as the contract says", () => {
    fc.assert(
      fc.property(fieldTableReading(), ({ given, read }) => {
        expect(whole(readTable, write(given))).to.deep.equal(read);
      }),
      { numRuns: 400 },
    );
  });

  it("what was read can be written again, and is the same", () => {
    fc.assert(
      fc.property(fieldTable(), (table) => {
        expect(whole(readTable, write(table))).to.deep.equal(table);
      }),
    );
  });

  it("the lossless reading of any table writes the same octets", () => {
    fc.assert(
      fc.property(fieldTableBytes(), (bytes) => {
        expect(toHex(write(whole(readTaggedTable, bytes)))).to.equal(toHex(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("any tagged table reads back as it is", () => {
    fc.assert(
      fc.property(taggedTable(), (table) => {
        expect(whole(readTaggedTable, write(table))).to.deep.equal(table);
      }),
      { numRuns: 300 },
    );
  });

  it("the plain reading is the lossless one with types and duplicates forgotten", () => {
    fc.assert(
      fc.property(fieldTableBytes(), (bytes) => {
        expect(whole(readTable, bytes)).to.deep.equal(plainTable(whole(readTaggedTable, bytes)));
      }),
      { numRuns: 300 },
    );
  });

  it("what was read does not change with the chunk that it was read from", () => {
    fc.assert(
      fc.property(fieldTableBytes(), fc.boolean(), (bytes, asBuffer) => {
        const chunk = asBuffer ? Buffer.from(bytes) : bytes.slice();
        const plain = whole(readTable, chunk);
        const lossless = whole(readTaggedTable, chunk);
        chunk.fill(0xee);
        expect(plain).to.deep.equal(whole(readTable, bytes));
        expect(toHex(write(lossless))).to.equal(toHex(bytes));
      }),
    );
  });

  it("octets at random, or a table with some changed, raise nothing but a ProtocolError", () => {
    const changed = fc
      .tuple(fieldTableBytes(), fc.array(fc.tuple(fc.nat(), fc.nat(0xff)), { minLength: 1 }))
      .map(([bytes, changes]) => {
        const copy = bytes.slice();
        for (const [at, octet] of changes) copy[at % copy.length] = octet;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const outcomes = [readTable, readTaggedTable].map((read) => {
          try {
            read(new Reader(bytes));
            return "read";
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            expect(error.replyCode).to.be.oneOf([501, 502]);
            expect(error.offset).to.be.within(0, bytes.length);
            return error.message;
          }
        });
        expect(outcomes[0]).to.equal(outcomes[1]);
      }),
      { numRuns: 1000 },
    );
  });

  it("no octet of a table can be missing", () => {
    fc.assert(
      fc.property(fieldTableBytes(), fc.nat(), (bytes, at) => {
        const cut = bytes.subarray(0, at % bytes.length);
        expect(() => readTable(new Reader(cut))).to.throw(ProtocolError);
        expect(() => readTaggedTable(new Reader(cut))).to.throw(ProtocolError);
      }),
    );
  });

  it("any value with any tag is written so that it can be read, or is a UsageError", () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withTypedArray: true });
    fc.assert(
      fc.property(anything, fc.option(fc.constantFrom(...LETTERS)), (value, letter) => {
        const member = letter === null ? value : new TaggedValue(letter, value as never);
        const writer = new Writer();
        try {
          writeTable(writer, { a: member } as FieldTable);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          return;
        }
        const { entries } = whole(readTaggedTable, writer.written);
        expect(entries).to.have.length(member === undefined ? 0 : 1);
        if (letter !== null) expect(entries[0]?.[1].type).to.equal(letter);
        expect(toHex(write(new TaggedTable(entries)))).to.equal(toHex(writer.written));
      }),
      { numRuns: 500 },
    );
  });
});
