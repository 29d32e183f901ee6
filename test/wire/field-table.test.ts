import { expect } from "chai";
import { ProtocolError, UsageError } from "../../src/errors.ts";
import { MAX_NESTING, readTable, readTaggedTable, writeTable } from "../../src/wire/field-table.ts";
import {
  type FieldTable,
  type FieldType,
  type FieldValue,
  TaggedTable,
  TaggedValue,
  tagged,
} from "../../src/wire/field-value.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";
import { hex, raised, toHex, written } from "./octets.ts";

/** A table with the one entry `a`, around the octets of a value. */
function around(value: string): string {
  const entry = `01 61 ${value}`;
  const length = hex(entry).length.toString(16).padStart(8, "0");
  return toHex(hex(`${length} ${entry}`));
}

function read(octets: string): FieldTable {
  const reader = new Reader(hex(octets));
  const table = readTable(reader);
  reader.expectEnd("the table");
  return table;
}

function readTagged(octets: string): TaggedTable {
  const reader = new Reader(hex(octets));
  const table = readTaggedTable(reader);
  reader.expectEnd("the table");
  return table;
}

function write(table: FieldTable | TaggedTable): string {
  return written((writer) => writeTable(writer, table));
}

function refused(value: unknown): string {
  const error = raised(UsageError, () => write({ "x-name": value } as FieldTable));
  expect(error.message).to.contain("x-name");
  return error.message;
}

/** `levels` of tables, one in the other, as octets; the innermost has these entries. */
function nestedOctets(levels: number, innermost = ""): string {
  const entries = hex(innermost);
  const lengths = Array.from({ length: levels }, (_, i) => 7 * i + entries.length).reverse();
  return lengths.map((length) => length.toString(16).padStart(8, "0")).join("016146") + innermost;
}

function nestedTable(levels: number): FieldTable {
  return levels === 1 ? {} : { a: nestedTable(levels - 1) };
}

describe("wire/field-table", () => {
  /** Every type letter: its octets, its plain reading, its lossless reading. */
  const values: [octets: string, plain: unknown, lossless: unknown][] = [
    ["74 00", false, false],
    ["74 01", true, true],
    ["74 02", true, 2],
    ["62 80", -128, -128],
    ["42 80", 128, 128],
    ["73 80 00", -32768, -32768],
    ["75 80 00", 32768, 32768],
    ["49 80 00 00 00", -2147483648, -2147483648],
    ["69 80 00 00 00", 2147483648, 2147483648],
    ["6c ff ff ff ff ff ff ff fe", -2, -2],
    ["6c 00 1f ff ff ff ff ff ff", 9007199254740991, 9007199254740991],
    ["6c 00 20 00 00 00 00 00 00", 9007199254740992n, 9007199254740992n],
    ["6c 80 00 00 00 00 00 00 00", -(2n ** 63n), -(2n ** 63n)],
    ["4c ff ff ff ff ff ff ff ff", -1, -1],
    ["4c 7f ff ff ff ff ff ff ff", 2n ** 63n - 1n, 2n ** 63n - 1n],
    ["66 3f c0 00 00", 1.5, 1.5],
    ["66 80 00 00 00", -0, -0],
    ["66 7f 80 00 00", Number.POSITIVE_INFINITY, hex("7f 80 00 00")],
    ["66 7f a0 00 01", Number.NaN, hex("7f a0 00 01")],
    ["64 3f f8 00 00 00 00 00 00", 1.5, 1.5],
    ["64 80 00 00 00 00 00 00 00", -0, -0],
    ["64 ff f0 00 00 00 00 00 00", Number.NEGATIVE_INFINITY, hex("ff f0 00 00 00 00 00 00")],
    ["64 7f f8 00 00 00 00 00 2a", Number.NaN, hex("7f f8 00 00 00 00 00 2a")],
    ["44 02 00 00 01 3b", tagged("D", { scale: 2, value: 315 }), { scale: 2, value: 315 }],
    ["44 ff ff ff ff ff", tagged("D", { scale: 255, value: -1 }), { scale: 255, value: -1 }],
    ["53 00 00 00 00", "", ""],
    ["53 00 00 00 03 e2 82 ac", "€", "€"],
    ["53 00 00 00 03 ef bb bf", "\ufeff", "\ufeff"],
    ["53 00 00 00 02 61 ff", hex("61 ff"), hex("61 ff")],
    ["41 00 00 00 00", [], []],
    ["41 00 00 00 03 74 01 56", [true, null], [tagged("t", true), tagged("V", null)]],
    ["54 00 00 00 00 5f 5e 10 00", new Date(1.6e12), 1_600_000_000],
    ["46 00 00 00 00", {}, new TaggedTable([])],
    ["46 00 00 00 03 01 62 56", { b: null }, new TaggedTable([["b", tagged("V", null)]])],
    ["56", null, null],
    ["78 00 00 00 02 61 ff", hex("61 ff"), hex("61 ff")],
  ];

  for (const [octets, plain, lossless] of values) {
    const letter = String.fromCharCode(Number.parseInt(octets.slice(0, 2), 16));
    it(`reads ${letter}: ${octets}`, () => {
      const { a } = read(around(octets));
      expect(a).to.deep.equal(plain);
      if (plain instanceof TaggedValue) expect(a).to.be.instanceOf(TaggedValue);
    });

    it(`reads and writes ${letter} without loss: ${octets}`, () => {
      const table = readTagged(around(octets));
      expect(table).to.be.instanceOf(TaggedTable);
      expect(table.entries).to.deep.equal([["a", tagged(letter as FieldType, lossless as never)]]);
      expect(table.entries[0]?.[1]).to.be.instanceOf(TaggedValue);
      expect(write(table)).to.equal(around(octets));
    });
  }

  it("the letters above are all there are", () => {
    const tried = new Set(values.map(([octets]) => Number.parseInt(octets.slice(0, 2), 16)));
    for (let letter = 0; letter < 256; letter++) {
      if (tried.has(letter)) continue;
      const octets = `00 00 00 03 01 61 ${letter.toString(16).padStart(2, "0")}`;
      for (const reading of [read, readTagged]) {
        const error = raised(ProtocolError, () => reading(octets));
        expect(error.message).to.equal("a field table has a value of unknown type");
        expect(error.got).to.match(new RegExp(`\\(${letter}\\)$`));
        expect(error).to.include({ replyCode: 502, offset: 6 });
        expect(error.expected).to.equal("one of t b B s u I i l L f d D S A T F V x");
      }
    }
    expect(tried.size).to.equal(18);
  });

  describe("writes what JavaScript has", () => {
    const cases: [value: FieldValue, octets: string][] = [
      [true, "74 01"],
      [false, "74 00"],
      [-1, "49 ff ff ff ff"],
      [2147483647, "49 7f ff ff ff"],
      [2147483648, "6c 00 00 00 00 80 00 00 00"],
      [-2147483649, "6c ff ff ff ff 7f ff ff ff"],
      [9007199254740991, "6c 00 1f ff ff ff ff ff ff"],
      [9007199254740992, "64 43 40 00 00 00 00 00 00"],
      [0.5, "64 3f e0 00 00 00 00 00 00"],
      [-0, "64 80 00 00 00 00 00 00 00"],
      [5n, "6c 00 00 00 00 00 00 00 05"],
      [-(2n ** 63n), "6c 80 00 00 00 00 00 00 00"],
      [new Date(1_600_000_000_999), "54 00 00 00 00 5f 5e 10 00"],
      [hex("00 ff"), "78 00 00 00 02 00 ff"],
      ["é", "53 00 00 00 02 c3 a9"],
      [null, "56"],
      [[1, "b"], "41 00 00 00 0b 49 00 00 00 01 53 00 00 00 01 62"],
      [{ b: [{}] }, "46 00 00 00 0c 01 62 41 00 00 00 05 46 00 00 00 00"],
    ];
    for (const [value, octets] of cases) {
      it(octets, () => expect(write({ a: value })).to.equal(around(octets)));
    }
  });

  describe("writes what is tagged", () => {
    const cases: [value: TaggedValue, octets: string][] = [
      [tagged("t", true), "74 01"],
      [tagged("t", 7), "74 07"],
      [tagged("b", -128), "62 80"],
      [tagged("B", 255), "42 ff"],
      [tagged("s", -32768), "73 80 00"],
      [tagged("u", 65535), "75 ff ff"],
      [tagged("I", -2147483648), "49 80 00 00 00"],
      [tagged("i", 4294967295), "69 ff ff ff ff"],
      [tagged("l", 5), "6c 00 00 00 00 00 00 00 05"],
      [tagged("l", 2n ** 63n - 1n), "6c 7f ff ff ff ff ff ff ff"],
      [tagged("L", -5), "4c ff ff ff ff ff ff ff fb"],
      [tagged("f", 0.1), "66 3d cc cc cd"],
      [tagged("f", hex("7f c0 00 01")), "66 7f c0 00 01"],
      [tagged("d", 5), "64 40 14 00 00 00 00 00 00"],
      [tagged("d", hex("7f f8 00 00 00 00 00 01")), "64 7f f8 00 00 00 00 00 01"],
      [tagged("D", { scale: 1, value: -2 }), "44 01 ff ff ff fe"],
      [tagged("S", "é"), "53 00 00 00 02 c3 a9"],
      [tagged("S", hex("ff")), "53 00 00 00 01 ff"],
      [tagged("A", [null, tagged("u", 1)]), "41 00 00 00 04 56 75 00 01"],
      [tagged("T", new Date(1999)), "54 00 00 00 00 00 00 00 01"],
      [tagged("T", 8_640_000_000_001), "54 00 00 07 db a8 21 80 01"],
      [tagged("T", 2n ** 64n - 1n), "54 ff ff ff ff ff ff ff ff"],
      [tagged("F", { b: null }), "46 00 00 00 03 01 62 56"],
      [tagged("F", new TaggedTable([["b", tagged("V", null)]])), "46 00 00 00 03 01 62 56"],
      [tagged("V", null), "56"],
      [tagged("x", hex("ff")), "78 00 00 00 01 ff"],
    ];
    for (const [value, octets] of cases) {
      it(octets, () => expect(write({ a: value })).to.equal(around(octets)));
    }
  });

  describe("refuses with a UsageError", () => {
    const tags: [type: FieldType, values: unknown[]][] = [
      ["t", [256, -1, Number.NaN, "1", null, undefined, Symbol("s"), 1n]],
      ["b", [-129, 128, 0.5, "1", 1n]],
      ["B", [-1, 256, 0.5]],
      ["s", [-32769, 32768, 0.5]],
      ["u", [-1, 65536, 0.5]],
      ["I", [-2147483649, 2147483648, 0.5, null]],
      ["i", [-1, 4294967296, 0.5]],
      ["l", [-(2n ** 63n) - 1n, 2n ** 63n, 2 ** 53, 0.5, Number.NaN, "1", null]],
      ["L", [-(2n ** 63n) - 1n, 2n ** 63n, 2 ** 53, 0.5, {}]],
      ["f", [Number.NaN, Number.POSITIVE_INFINITY, 1e39, hex("01 02 03"), "1", null, true, 1n]],
      ["d", [Number.NaN, Number.NEGATIVE_INFINITY, hex("01 02 03 04"), "1", null, true, 1n]],
      ["D", [{ scale: 256, value: 0 }, { scale: 0, value: 2 ** 31 }, {}, null, undefined, 5]],
      ["S", [5, null, "\ud800", ["a"]]],
      ["A", ["ab", {}, null, { length: 1 }, new Uint8Array(1)]],
      ["T", [-1, 0.5, -1n, 2n ** 64n, new Date(-1), new Date(Number.NaN), "1970-01-01", null]],
      ["F", [null, [], "a", 5, new Date(0), new Uint8Array(1), undefined]],
      ["x", [5, null, [1], new ArrayBuffer(1)]],
    ];
    for (const [type, refusals] of tags) {
      it(`what does not fit type ${type}`, () => {
        for (const value of refusals) refused(new TaggedValue(type, value as never));
      });
    }

    it("numbers that are not finite", () => {
      expect(refused(Number.NaN)).to.contain("NaN");
      expect(refused(Number.POSITIVE_INFINITY)).to.contain("Infinity");
      expect(refused([0, -Infinity])).to.contain("x-name[1] is -Infinity");
    });

    it("bigints beyond 64 bits, and dates that are invalid or before 1970", () => {
      for (const value of [2n ** 63n, -(2n ** 63n) - 1n, new Date(Number.NaN), new Date(-1)]) {
        refused(value);
      }
    });

    it("what no type is for, also in arrays, where undefined has a place", () => {
      for (const value of [Symbol("s"), () => {}, [undefined], Array(1)]) {
        expect(refused(value)).to.contain("which a field table cannot hold");
      }
    });

    it("half a surrogate pair, in values and in names", () => {
      refused("a\udc00");
      raised(UsageError, () => write({ "\ud83d": 1 }));
    });

    it("types that do not exist", () => {
      for (const type of ["", "U", "tt", "constructor", "toString", "__proto__", undefined, 5]) {
        expect(refused(new TaggedValue(type as FieldType, 1))).to.match(/which is no type$/);
      }
    });

    it("names of more than 255 octets", () => {
      expect(write({ ["n".repeat(255)]: null })).to.match(/^00 00 01 01 ff 6e/);
      for (const name of ["n".repeat(256), "é".repeat(128)]) {
        const error = raised(UsageError, () => write({ [name]: null }));
        expect(error.message).to.match(/^a name in table is 256 octets long/);
      }
      write(new TaggedTable([[new Uint8Array(255), tagged("V", null)]]));
      raised(UsageError, () => write(new TaggedTable([[new Uint8Array(256), tagged("V", null)]])));
    });

    it("a table that is none", () => {
      for (const value of [null, undefined, "a", 5, [], new Date(0), hex("00")] as unknown[]) {
        const error = raised(UsageError, () =>
          writeTable(new Writer(), value as FieldTable, "arguments"),
        );
        expect(error.message).to.match(/^arguments must be an object, not /);
      }
    });

    it("and names the place", () => {
      expect(refused([0, Number.NaN])).to.contain("x-name[1] is NaN");
      const tables = new TaggedTable([["b", tagged("A", [tagged("u", -1)])]]);
      const error = raised(UsageError, () => writeTable(new Writer(), tables, "headers"));
      expect(error.message).to.contain("headers.b[0] is -1;");
    });
  });

  describe("names", () => {
    it("that are undefined are left out", () => {
      expect(write({ a: undefined, b: null, c: undefined })).to.equal("00 00 00 03 01 62 56");
    });

    it("may be empty, and need no UTF-8", () => {
      expect(read("00 00 00 02 00 56")).to.deep.equal({ "": null });
      expect(read("00 00 00 04 02 61 ff 56")).to.deep.equal({ "a\ufffd": null });
      const { entries } = readTagged("00 00 00 04 02 61 ff 56");
      expect(entries[0]?.[0]).to.deep.equal(hex("61 ff"));
    });

    it("that come twice: the last one wins, and both are kept without loss", () => {
      const octets = "00 00 00 08 01 61 74 00 01 61 74 01";
      expect(read(octets)).to.deep.equal({ a: true });
      expect(readTagged(octets).entries).to.have.length(2);
      expect(write(readTagged(octets))).to.equal(octets);
    });

    it("such as __proto__ are names like any other", () => {
      const octets = `00 00 00 10 09 ${toHex(Buffer.from("__proto__"))} 46 00 00 00 00 56`;
      expect(() => read(octets)).to.throw(ProtocolError); // one octet short of a second name
      const table = read(octets.replace("00 00 00 10", "00 00 00 0f").replace(/ 56$/, ""));
      expect(Object.keys(table)).to.deep.equal(["__proto__"]);
      expect(Object.getPrototypeOf(table)).to.equal(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(table, "__proto__")).to.deep.equal({
        value: {},
        enumerable: true,
        configurable: true,
        writable: true,
      });
      expect(write(table)).to.equal(
        `00 00 00 0f 09 ${toHex(Buffer.from("__proto__"))} 46 00 00 00 00`,
      );
    });

    it("that are symbols are not written", () => {
      const table = Object.create(null) as Record<string | symbol, FieldValue>;
      table["own"] = null;
      table[Symbol("s")] = 1;
      expect(write(table)).to.equal("00 00 00 05 03 6f 77 6e 56");
    });

    it("of objects that are not plain are not looked for: a Map would be an empty table", () => {
      const objects = [
        new Map([["a", 1]]),
        new Set([1]),
        new ArrayBuffer(1),
        new Uint16Array(1),
        /a/,
        new URL("amqp://host"),
        Promise.resolve(),
        Object("s"),
        Object.create({ inherited: 1 }),
        tagged("F", { a: 1 }),
      ] as unknown as FieldTable[];
      for (const each of objects) {
        const error = raised(UsageError, () => write(each));
        expect(error.message).to.match(/^table must be an object, not an object of class /);
        if (each instanceof TaggedValue) continue;
        expect(raised(UsageError, () => write({ each })).message).to.include("each is an object");
      }
      const orphan = Object.create(Object.create(Object.create(null))) as FieldTable;
      expect(raised(UsageError, () => write(orphan)).message).to.include(
        "an object of class unknown",
      );
    });
  });

  describe("nesting", () => {
    it(`reads ${MAX_NESTING} levels and no more`, () => {
      expect(MAX_NESTING).to.equal(64);
      for (const reading of [read, readTagged]) {
        reading(nestedOctets(64));
        const error = raised(ProtocolError, () => reading(nestedOctets(65)));
        expect(error).to.include({
          message: "a field table is nested too deeply",
          replyCode: 502,
          expected: "at most 64 levels",
          offset: 4 + 64 * 7 - 4, // behind the name and the letter of the 65th table
        });
      }
    });

    it("counts arrays as well", () => {
      // 62 tables, two arrays in the innermost: 64 levels. A third array, or a table, is too much.
      const two = "01 61 41 00 00 00 05 41 00 00 00 00";
      const array = "01 61 41 00 00 00 0a 41 00 00 00 05 41 00 00 00 00";
      const table = "01 61 41 00 00 00 0a 41 00 00 00 05 46 00 00 00 00";
      for (const reading of [read, readTagged]) {
        reading(nestedOctets(62, two));
        raised(ProtocolError, () => reading(nestedOctets(62, array)));
        raised(ProtocolError, () => reading(nestedOctets(62, table)));
      }
    });

    it("ends also where a peer would go on for ever", () => {
      const octets = nestedOctets(4000);
      for (const reading of [read, readTagged]) raised(ProtocolError, () => reading(octets));
    });

    it(`writes ${MAX_NESTING} levels and no more, and nothing that goes in a circle`, () => {
      expect(write(nestedTable(64))).to.equal(toHex(hex(nestedOctets(64))));
      const deep = raised(UsageError, () => write(nestedTable(65)));
      expect(deep.message).to.match(/is nested more than 64 levels deep$/);
      const array = Array.from({ length: 63 }).reduce<FieldValue[]>((inner) => [inner], []);
      raised(UsageError, () => write({ a: array }));
      write({ a: array[0] as FieldValue });
      const circle: Record<string, FieldValue> = {};
      circle["a"] = [circle];
      raised(UsageError, () => write(circle));
    });
  });

  describe("lengths", () => {
    it("of a table, an array or a string end it, and may not end inside a value", () => {
      const wrong = [
        "00 00 00 02 01 61", // no value
        "00 00 00 01 01 61 56", // the name goes on behind the end
        "00 00 00 06 01 61 49 00 00 00 01", // the value goes on behind the end
        "00 00 00 08 01 61 53 00 00 00 02 61 62", // so does the string
        "00 00 00 08 01 61 41 00 00 00 02 56 56", // the array
        "00 00 00 09 01 61 46 00 00 00 03 01 62 56", // the table
        "00 00 00 09 01 61 41 00 00 00 02 74 01 00", // an array too short leaves a stray octet
        "00 00 00 04 01 61 56", // the table itself
        "00 00 00",
        "",
      ];
      for (const octets of wrong) {
        for (const reading of [read, readTagged]) {
          expect(raised(ProtocolError, () => reading(octets)).replyCode, octets).to.equal(501);
        }
      }
    });

    it("an error inside has its offset from the start of the payload", () => {
      const octets = "00 00 00 0b 01 61 41 00 00 00 04 56 74 01 3f";
      for (const reading of [read, readTagged]) {
        expect(raised(ProtocolError, () => reading(octets)).offset).to.equal(14);
      }
    });
  });

  it("gives copies of what lies in a chunk that is used again, Uint8Array or Buffer", () => {
    const octets =
      "00 00 00 24 01 61 53 00 00 00 01 ff 01 62 78 00 00 00 01 01 " +
      "01 63 64 7f f8 00 00 00 00 00 01 01 64 66 7f c0 00 01 00 56";
    for (const chunk of [hex(octets), Buffer.from(hex(octets))]) {
      const plain = readTable(new Reader(chunk));
      const lossless = readTaggedTable(new Reader(chunk));
      chunk.fill(0xee);
      expect(plain["a"]).to.deep.equal(hex("ff"));
      expect(plain["b"]).to.deep.equal(hex("01"));
      expect(write(lossless)).to.equal(octets);
      for (const [, { value }] of lossless.entries.slice(0, 4)) {
        expect(Object.getPrototypeOf(value)).to.equal(Uint8Array.prototype);
      }
    }
  });
});
