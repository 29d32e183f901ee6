import { inspect } from "node:util";
import { expect } from "chai";
import {
  describeFieldValue,
  fieldTypeOf,
  TaggedTable,
  TaggedValue,
  tagged,
} from "../../src/wire/field-value.ts";

describe("wire/field-value", () => {
  const types: [value: unknown, type: string | undefined][] = [
    ["text", "S"],
    ["", "S"],
    [true, "t"],
    [false, "t"],
    [null, "V"],
    [0, "I"],
    [2147483647, "I"],
    [-2147483648, "I"],
    [2147483648, "l"],
    [-2147483649, "l"],
    [9007199254740991, "l"],
    [-9007199254740991, "l"],
    [9007199254740992, "d"],
    [-0, "d"],
    [0.5, "d"],
    [1e300, "d"],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [Number.NEGATIVE_INFINITY, undefined],
    [5n, "l"],
    [new Date(0), "T"],
    [new Uint8Array(1), "x"],
    [Buffer.from("a"), "x"],
    [[], "A"],
    [{}, "F"],
    [Object.create(null), "F"],
    [undefined, undefined],
    [Symbol("s"), undefined],
    [() => {}, undefined],
  ];
  for (const [value, type] of types) {
    const shown = inspect(value);
    it(`${shown} goes out as ${type}`, () => {
      expect(fieldTypeOf(value)).to.equal(type);
    });
  }

  it("tagged() keeps type and value", () => {
    const value = tagged("u", 5);
    expect(value).to.be.instanceOf(TaggedValue);
    expect(value).to.include({ type: "u", value: 5 });
  });

  it("a tagged table keeps its entries", () => {
    const entries = [["a", tagged("V", null)]] as const;
    expect(new TaggedTable(entries).entries).to.equal(entries);
  });

  it("errors show numbers, and of everything else the type only", () => {
    expect(describeFieldValue(Number.NaN)).to.equal("NaN");
    expect(describeFieldValue("secret")).to.equal("a value of type string");
    expect(describeFieldValue(null)).to.equal("null");
    expect(describeFieldValue(undefined)).to.equal("a value of type undefined");
  });
});
