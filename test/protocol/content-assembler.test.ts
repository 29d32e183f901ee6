import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import {
  type Content,
  ContentAssembler,
  type Payload,
} from "../../src/protocol/content-assembler.ts";
import type { ContentMethod } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { writeContentHeader } from "../../src/wire/properties.ts";
import { basicProperties, chop } from "../support/arbitraries.ts";
import { concat, encoded, hex, raised } from "../wire/octets.ts";

const RETURN: ContentMethod = {
  name: "basic.return",
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "",
  routingKey: "q",
};

/** A payload as the decoder gives it: somewhere in a larger piece. */
function payload(octets: Uint8Array): Payload {
  return { bytes: concat(hex("ffffff"), octets, hex("ce")), start: 3, end: 3 + octets.length };
}

function header(bodySize: number, properties: BasicProperties = {}): Payload {
  return payload(encoded((writer) => writeContentHeader(writer, bodySize, properties)));
}

function assembler(maxBodyBytes = 1000): ContentAssembler {
  return new ContentAssembler(maxBodyBytes);
}

function replyCode(action: () => unknown): number {
  return raised(ProtocolError, action).replyCode;
}

describe("ContentAssembler", () => {
  it("puts method, header and body together, however the body is split", () => {
    const cuts = fc.array(fc.nat(), { maxLength: 6 });
    const body = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.array(fc.tuple(body, cuts, basicProperties()), { maxLength: 3 }), (all) => {
        const one = assembler();
        for (const [sent, places, properties] of all) {
          one.begin(RETURN);
          expect(one.busy).to.equal(true);
          expect(one.header(header(sent.length, properties))).to.equal(undefined);
          const parts = chop(sent, places);
          // Empty pieces may come as well, but not behind the last octet.
          while (parts.at(-1)?.length === 0) parts.pop();
          const last = parts.pop() as Uint8Array;
          for (const part of parts) expect(one.body(payload(part))).to.equal(undefined);
          expect(one.body(payload(last))).to.deep.equal({ method: RETURN, properties, body: sent });
          expect(one.busy).to.equal(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("is done at the header where the body is empty", () => {
    const one = assembler();
    one.begin(RETURN);
    const content = one.header(header(0, { type: "t" }));
    expect(content).to.deep.equal({
      method: RETURN,
      properties: { type: "t" },
      body: new Uint8Array(0),
    });
    expect(one.busy).to.equal(false);
  });

  it("copies the body, because the socket's buffer will be used again", () => {
    const one = assembler();
    one.begin(RETURN);
    one.header(header(2));
    const piece = payload(hex("0102"));
    const content = one.body(piece) as Content;
    piece.bytes.fill(0xee);
    expect(content.body).to.deep.equal(hex("0102"));
  });

  it("takes bodies up to the limit and refuses others at their header with 406", () => {
    const one = assembler(4);
    one.begin(RETURN);
    expect(one.header(header(4))).to.equal(undefined);
    one.body(payload(hex("01020304")));
    one.begin(RETURN);
    const error = raised(ProtocolError, () => one.header(header(5)));
    expect(error.replyCode).to.equal(406);
    expect(error.expected).to.equal("at most 4 octets");
    expect(error.got).to.equal("5");
  });

  it("refuses a body that is longer than was declared with 505", () => {
    const one = assembler();
    one.begin(RETURN);
    one.header(header(3));
    one.body(payload(hex("0102")));
    const error = raised(ProtocolError, () => one.body(payload(hex("0304"))));
    expect(error.replyCode).to.equal(505);
    expect(error.expected).to.equal("3 octets");
    expect(error.got).to.equal("4 or more");
  });

  it("refuses whatever is not due with 505", () => {
    const idle = assembler();
    expect(replyCode(() => idle.header(header(1)))).to.equal(505);
    expect(replyCode(() => idle.body(payload(hex("00"))))).to.equal(505);
    expect(() => idle.refuseIfBusy("basic.ack")).not.to.throw();

    const begun = assembler();
    begun.begin(RETURN);
    expect(replyCode(() => begun.begin(RETURN))).to.equal(505);
    expect(replyCode(() => begun.body(payload(hex("00"))))).to.equal(505);
    const method = raised(ProtocolError, () => begun.refuseIfBusy("basic.ack"));
    expect(method.replyCode).to.equal(505);
    expect([method.expected, method.got]).to.deep.equal(["a content header", "basic.ack"]);

    const inBody = assembler();
    inBody.begin(RETURN);
    inBody.header(header(1));
    expect(replyCode(() => inBody.header(header(1)))).to.equal(505);
    const another = raised(ProtocolError, () => inBody.refuseIfBusy("basic.return"));
    expect([another.expected, another.got]).to.deep.equal(["a body frame", "basic.return"]);
  });

  it("refuses a header that cannot be read", () => {
    const one = assembler();
    one.begin(RETURN);
    expect(replyCode(() => one.header(payload(hex("003c 0000"))))).to.equal(501);
    const wrongClass = hex("000a 0000 0000000000000000 0000");
    expect(replyCode(() => one.header(payload(wrongClass)))).to.equal(501);
  });
});
