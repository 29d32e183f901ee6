import { expect } from "chai";
import fc from "fast-check";
import { replyText } from "../../src/protocol/reply-text.ts";
import { encodeText, isWellFormed } from "../../src/wire/text.ts";

describe("replyText", () => {
  it("leaves alone what fits", () => {
    for (const text of ["", "closed", "x".repeat(255), "é".repeat(127), "😀".repeat(63)]) {
      expect(replyText(text)).to.equal(text);
    }
  });

  it("cuts at 255 octets", () => {
    expect(replyText("x".repeat(256))).to.equal("x".repeat(255));
  });

  it("cuts between characters", () => {
    expect(replyText("é".repeat(128))).to.equal("é".repeat(127));
    expect(replyText(`x${"😀".repeat(64)}`)).to.equal(`x${"😀".repeat(63)}`);
  });

  it("puts U+FFFD where there is half a surrogate pair", () => {
    expect(replyText("a\ud800b")).to.equal("a\ufffdb");
    expect(replyText("\udc00".repeat(100))).to.equal("\ufffd".repeat(85));
  });

  it("gives, for any text, the start of it that fits", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400, size: "max" }), (text) => {
        const cut = replyText(text);
        expect(text.startsWith(cut)).to.equal(true);
        expect(isWellFormed(cut)).to.equal(true);
        const octets = encodeText(cut).length;
        expect(octets).to.be.at.most(255);
        if (cut !== text) expect(octets).to.be.at.least(252);
      }),
      { numRuns: 60 },
    );
  });
});
