import { expect } from "chai";
import { fingerprint, hasOctets, sameBody, targetOf } from "../../src/protocol/message-identity.ts";
import { encodeText } from "../../src/wire/text.ts";

describe("targetOf", () => {
  it("keeps exchange and routing key apart", () => {
    const targets = [
      { exchange: "ab", routingKey: "c" },
      { exchange: "a", routingKey: "bc" },
      { exchange: "", routingKey: "abc" },
      { exchange: "", routingKey: "2 abc" },
      { exchange: "1", routingKey: " " },
    ].map(targetOf);
    expect(new Set(targets).size).to.equal(targets.length);
  });
});

describe("hasOctets", () => {
  it("compares text and octets by their octets", () => {
    expect(hasOctets({ body: "é", bodySize: 2 }, encodeText("é"))).to.equal(true);
    expect(hasOctets({ body: encodeText("é"), bodySize: 2 }, encodeText("é"))).to.equal(true);
    expect(hasOctets({ body: "é", bodySize: 2 }, encodeText("è"))).to.equal(false);
    expect(hasOctets({ body: "", bodySize: 0 }, encodeText(""))).to.equal(true);
    expect(hasOctets({ body: "a", bodySize: 1 }, encodeText("aa"))).to.equal(false);
  });

  it("finds nothing in a body that was released", () => {
    expect(hasOctets({ body: undefined, bodySize: 0 }, encodeText(""))).to.equal(false);
  });
});

describe("sameBody", () => {
  it("compares bodies that were sent, text or octets", () => {
    const text = { body: "é", bodySize: 2 };
    const octets = { body: encodeText("é"), bodySize: 2 };
    const other = { body: encodeText("è"), bodySize: 2 };
    expect(sameBody(text, { ...text })).to.equal(true);
    expect(sameBody(text, octets)).to.equal(true);
    expect(sameBody(octets, text)).to.equal(true);
    expect(sameBody(text, other)).to.equal(false);
    const released = { body: undefined, bodySize: 2 };
    expect(sameBody(released, released)).to.equal(false);
  });
});

describe("fingerprint", () => {
  it("is FNV-1a in 32 bits, of text and octets alike", () => {
    expect(fingerprint("") >>> 0).to.equal(0x811c9dc5);
    expect(fingerprint("foobar") >>> 0).to.equal(0xbf9cf968);
    expect(fingerprint(encodeText("foobar"))).to.equal(fingerprint("foobar"));
  });
});
