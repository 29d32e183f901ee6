import { inspect } from "node:util";
import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { amqplain, external, parseMechanisms, plain } from "../../src/protocol/sasl.ts";
import { readTable } from "../../src/wire/field-table.ts";
import { Reader } from "../../src/wire/reader.ts";
import { encodeText } from "../../src/wire/text.ts";
import { concat, hex, toHex } from "../wire/octets.ts";

describe("plain", () => {
  it("is a zero, the user name, a zero, the password (RFC 4616)", () => {
    const credentials = plain("tim", "tänstaaftl");
    expect(credentials.mechanism).to.equal("PLAIN");
    expect(credentials.respond()).to.deep.equal(encodeText("\0tim\0tänstaaftl"));
    expect(plain("", "").respond()).to.deep.equal(Uint8Array.of(0, 0));
  });

  it("refuses a zero character, which would move the border, and does not show the password", () => {
    expect(() => plain("a\0b", "secret"))
      .to.throw(UsageError)
      .with.property("message")
      .not.match(/secret/);
    expect(() => plain("user", "sec\0ret"))
      .to.throw(UsageError)
      .with.property("message")
      .not.match(/sec/);
  });
});

describe("amqplain", () => {
  it("is a field table without its length", async () => {
    const credentials = amqplain("guest", "geheim");
    expect(credentials.mechanism).to.equal("AMQPLAIN");
    const response = await credentials.respond();
    const length = hex(response.length.toString(16).padStart(8, "0"));
    expect(readTable(new Reader(concat(length, response)))).to.deep.equal({
      LOGIN: "guest",
      PASSWORD: "geheim",
    });
    expect(toHex(response.subarray(0, 7))).to.equal("05 4c 4f 47 49 4e 53");
  });
});

describe("external", () => {
  it("says nothing: the transport knows who we are", () => {
    expect(external().mechanism).to.equal("EXTERNAL");
    expect(external().respond()).to.deep.equal(new Uint8Array(0));
  });
});

describe("credentials", () => {
  it("show no secret when they are looked at", () => {
    for (const credentials of [plain("user", "geheim"), amqplain("user", "geheim")]) {
      const shown = inspect(credentials, { depth: 9, showHidden: true });
      expect(shown + JSON.stringify(credentials)).not.to.contain("geheim");
    }
  });
});

describe("parseMechanisms", () => {
  it("splits at spaces", () => {
    expect(parseMechanisms(encodeText("PLAIN AMQPLAIN"))).to.deep.equal(["PLAIN", "AMQPLAIN"]);
    expect(parseMechanisms(encodeText("  EXTERNAL "))).to.deep.equal(["EXTERNAL"]);
    expect(parseMechanisms(encodeText(""))).to.deep.equal([]);
  });
});
