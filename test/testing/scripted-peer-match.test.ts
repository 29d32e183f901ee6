import { expect } from "chai";
import { mismatch, same } from "../../src/testing/scripted-peer/match.ts";
import { hexOf, octetsOf } from "../../src/testing/scripted-peer/octets.ts";
import { cut } from "../../src/testing/scripted-peer/pieces.ts";
import { showValue } from "../../src/testing/scripted-peer/show.ts";
import { tagged } from "../../src/wire/field-value.ts";

describe("what a script compares", () => {
  const equal: [unknown, unknown][] = [
    [1, 1],
    [Number.NaN, Number.NaN],
    [5, 5n],
    [2n ** 60n, 2n ** 60n],
    ["é", Buffer.from("é")],
    [Buffer.from("abc"), Uint8Array.of(97, 98, 99)],
    [new Date(5000), new Date(5000)],
    [{ a: undefined, b: [1, { c: null }] }, { b: [1, { c: null }] }],
    [tagged("D", { scale: 1, value: 2 }), tagged("D", { scale: 1, value: 2 })],
  ];
  for (const [a, b] of equal) {
    it(`${showValue(a)} is ${showValue(b)}`, () => {
      expect([same(a, b), same(b, a)]).to.deep.equal([true, true]);
    });
  }

  const different: [unknown, unknown][] = [
    [1, 2],
    [1, "1"],
    [1.5, 1n],
    [5n, "5"],
    ["a", Buffer.from("b")],
    [Buffer.from("1"), 1],
    [new Date(5000), new Date(6000)],
    [new Date(5000), {}],
    [null, {}],
    [[], {}],
    [[1, 2], [1]],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1 }, { b: 1 }],
    [tagged("D", { scale: 1, value: 2 }), tagged("D", { scale: 2, value: 2 })],
  ];
  for (const [a, b] of different) {
    it(`${showValue(a)} is not ${showValue(b)}`, () => {
      expect([same(a, b), same(b, a)]).to.deep.equal([false, false]);
    });
  }

  it("only the members that are named", () => {
    expect(mismatch({ a: 1, b: undefined }, { a: 1, b: 2, c: 3 })).to.equal(undefined);
    expect(mismatch(undefined, { a: 1 })).to.equal(undefined);
    expect(mismatch({ a: 2 }, { a: 1 })).to.equal("a was to be 2 and is 1");
  });
});

describe("what a script shows", () => {
  const shown: [value: unknown, text: string][] = [
    ["a".repeat(300), `"${"a".repeat(200)}…"`],
    [5n, "5n"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(Number.NaN), "Invalid Date"],
    [Uint8Array.of(), "<>"],
    [Uint8Array.of(0, 255), "<00 ff>"],
    [new Uint8Array(100), `<${"00 ".repeat(32)}… (100 octets)>`],
    [Buffer.from("text"), '"text"'],
    [{ a: { b: { c: { d: { e: { f: 1 } } } } } }, "{ a: { b: { c: { d: { e: … } } } } }"],
    [[1, null, true], "[1,null,true]"],
    [(value: unknown) => value, "<a predicate>"],
  ];
  for (const [value, text] of shown) {
    it(text.slice(0, 60), () => expect(showValue(value)).to.equal(text));
  }
});

describe("octets in a script", () => {
  it("are hex with spaces and lines at will, or bytes, in a copy", () => {
    expect(hexOf(octetsOf(" 0a FF\n00"))).to.equal("0a ff 00");
    const given = Uint8Array.of(1, 2);
    const taken = octetsOf(given);
    given[0] = 9;
    expect(hexOf(taken)).to.equal("01 02");
  });

  it("are cut by size and at places, and no piece is empty", () => {
    const lengths = (options: object): number[] =>
      cut(new Uint8Array(10), options).map(({ length }) => length);
    expect(lengths({ size: 4 })).to.deep.equal([4, 4, 2]);
    expect(lengths({ size: 10 })).to.deep.equal([10]);
    expect(lengths({ at: [7, 3, 3, 0, 10, 99, -1] })).to.deep.equal([3, 4, 3]);
    expect(lengths({ size: 5, at: [2] })).to.deep.equal([2, 3, 5]);
    expect(lengths({})).to.deep.equal([10]);
    expect(cut(new Uint8Array(0), { size: 1 })).to.deep.equal([]);
  });
});
