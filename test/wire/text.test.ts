import { expect } from "chai";
import {
  decodeLenient,
  decodeStrict,
  encodeText,
  encodeTextInto,
  isWellFormed,
} from "../../src/wire/text.ts";
import { hex, toHex } from "./octets.ts";

/** Octets that are not UTF-8, and what a lenient reader makes of them. */
const MALFORMED: [what: string, octets: string, lenient: string][] = [
  ["an octet that begins nothing", "61 ff 62", "a\ufffdb"],
  ["a character cut short", "61 e2 82", "a\ufffd"],
  ["a continuation alone", "80", "\ufffd"],
  ["an overlong zero", "c0 80", "\ufffd\ufffd"],
  ["a surrogate", "ed a0 80", "\ufffd\ufffd\ufffd"],
  ["a code point over U+10FFFF", "f4 90 80 80", "\ufffd\ufffd\ufffd\ufffd"],
];

describe("wire/text", () => {
  for (const [what, octets, lenient] of MALFORMED) {
    it(`${what}: refused by the strict reading, U+FFFD in the lenient one`, () => {
      const bytes = hex(octets);
      expect(decodeStrict(bytes)).to.equal(undefined);
      expect(decodeLenient(bytes, 0, bytes.length)).to.equal(lenient);
      const long = hex(`${"61".repeat(60)}${octets}`);
      expect(decodeStrict(long)).to.equal(undefined);
      expect(decodeLenient(long, 0, long.length)).to.equal("a".repeat(60) + lenient);
    });
  }

  for (const text of [
    "",
    "abc",
    "é€🐇",
    "\ufeffmark",
    "\0",
    "a".repeat(48),
    "a".repeat(49),
    "é".repeat(60),
  ]) {
    it(`well-formed, ${text.length} units: ${JSON.stringify(text.slice(0, 6))}`, () => {
      const bytes = Buffer.from(text);
      expect(decodeStrict(bytes)).to.equal(text);
      const padded = Buffer.concat([Buffer.from([0xff]), bytes, Buffer.from([0xff])]);
      expect(decodeLenient(padded, 1, bytes.length + 1)).to.equal(text);
      expect(toHex(encodeText(text))).to.equal(toHex(bytes));
    });
  }

  it("encodes into a buffer at an offset", () => {
    const target = new Uint8Array(6);
    expect(encodeTextInto("é!", target, 2)).to.equal(3);
    expect(toHex(target)).to.equal("00 00 c3 a9 21 00");
  });

  it("knows half a surrogate pair from a whole one", () => {
    for (const text of ["", "abc", "é", "🐇", "\u{10ffff}", "\ud7ff\ue000", "a🐇🐇b"]) {
      expect(isWellFormed(text), JSON.stringify(text)).to.equal(true);
    }
    for (const text of ["\ud800", "\udfff", "a\ud83db", "🐇\udc07", "\udc07\ud83d", "\ud83d🐇"]) {
      expect(isWellFormed(text), JSON.stringify(text)).to.equal(false);
    }
  });
});
