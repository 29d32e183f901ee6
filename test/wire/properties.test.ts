import { expect } from "chai";
import { ProtocolError, UsageError } from "../../src/errors.ts";
import { tagged } from "../../src/wire/field-value.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import {
  readContentHeader,
  readProperties,
  writeContentHeader,
  writeProperties,
} from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { hex, raised, toHex, written } from "./octets.ts";

/** Class basic, weight 0, a body of five octets; the flags are to follow. */
const FIVE = "00 3c 00 00 00 00 00 00 00 00 00 05";

describe("wire/properties", () => {
  /** Each property alone: the flag and the value, by hand from the specification. */
  const alone: [properties: BasicProperties, octets: string][] = [
    [{}, "00 00"],
    [{ contentType: "a/b" }, "80 00 03 61 2f 62"],
    [{ contentEncoding: "gz" }, "40 00 02 67 7a"],
    [{ headers: { a: true } }, "20 00 00 00 00 04 01 61 74 01"],
    [{ deliveryMode: 2 }, "10 00 02"],
    [{ priority: 9 }, "08 00 09"],
    [{ correlationId: "c" }, "04 00 01 63"],
    [{ replyTo: "r" }, "02 00 01 72"],
    [{ expiration: "60" }, "01 00 02 36 30"],
    [{ messageId: "m" }, "00 80 01 6d"],
    [{ timestamp: new Date(1.6e12) }, "00 40 00 00 00 00 5f 5e 10 00"],
    [{ type: "t" }, "00 20 01 74"],
    [{ userId: "u" }, "00 10 01 75"],
    [{ appId: "a" }, "00 08 01 61"],
    [{ clusterId: "k" }, "00 04 01 6b"],
  ];
  for (const [properties, octets] of alone) {
    it(`${JSON.stringify(properties)} is ${octets}, both ways`, () => {
      expect(written((w) => writeProperties(w, properties))).to.equal(octets);
      const reader = new Reader(hex(octets));
      expect(readProperties(reader)).to.deep.equal(properties);
      expect(reader.remaining).to.equal(0);
    });
  }

  it("all of them come in the order of their flags, whatever the order they are given in", () => {
    const all = Object.assign({}, ...alone.map(([properties]) => properties).reverse());
    const values = alone.map(([, octets]) => octets.slice(6)).join(" ");
    expect(written((w) => writeProperties(w, all))).to.equal(toHex(hex(`ff fc ${values}`)));
    expect(readProperties(new Reader(hex(`ff fc ${values}`)))).to.deep.equal(all);
  });

  it("the octets that another header brought go out as they are", () => {
    for (const [, octets] of alone) {
      const header = written((w) => writeContentHeader(w, 5, hex(octets)));
      expect(header).to.equal(`${FIVE} ${octets}`);
    }
  });

  it("undefined ones are absent, empty ones are there", () => {
    const properties = { contentType: undefined, headers: {}, priority: 0, type: "" } as const;
    const octets = "28 20 00 00 00 00 00 00";
    expect(written((w) => writeProperties(w, properties))).to.equal(octets);
    const { contentType: _, ...present } = properties;
    expect(readProperties(new Reader(hex(octets)))).to.deep.equal(present);
  });

  it("reads a delivery mode that nobody should send", () => {
    expect(readProperties(new Reader(hex("10 00 07")))).to.deep.equal({ deliveryMode: 7 });
  });

  it("refuses flags for properties that do not exist", () => {
    for (const [flags, got] of [
      ["00 01", "0x1"],
      ["00 02", "0x2"],
      ["80 03", "0x8003"],
    ] as const) {
      const error = raised(ProtocolError, () => readProperties(new Reader(hex(flags))));
      expect(error).to.include({
        replyCode: 502,
        expected: "flags within 0xfffc",
        got,
        offset: 0,
      });
    }
  });

  it("refuses values that do not fit, and names the property", () => {
    const wrong: [properties: { [name: string]: unknown }, names: string][] = [
      [{ contentType: "a".repeat(256) }, "contentType is 256 octets"],
      [{ contentEncoding: 5 }, "contentEncoding must be a string"],
      [{ headers: [] }, "headers must be an object"],
      [{ headers: null }, "headers must be an object"],
      [{ deliveryMode: 256 }, "deliveryMode is 256"],
      [{ priority: -1 }, "priority is -1"],
      [{ priority: 1.5 }, "priority is 1.5"],
      [{ correlationId: "\ud800" }, "correlationId has half a surrogate pair"],
      [{ replyTo: null }, "replyTo must be a string"],
      [{ expiration: 60 }, "expiration must be a string"],
      [{ messageId: 1n }, "messageId must be a string"],
      [{ timestamp: 1.6e12 }, "timestamp must be a Date"],
      [{ timestamp: tagged("l", 1) }, "timestamp must be a Date"],
      [{ timestamp: tagged("T", -1n) }, "timestamp is -1"],
      [{ timestamp: tagged("T", 2n ** 64n) }, "timestamp is 18446744073709551616"],
      [{ type: new Uint8Array(256) }, "type is 256 octets"],
      [{ timestamp: new Date(Number.NaN) }, "timestamp is an invalid Date"],
      [{ timestamp: new Date(-1) }, "timestamp is an invalid Date or lies before 1970"],
      [{ type: true }, "type must be a string"],
      [{ userId: {} }, "userId must be a string"],
      [{ appId: [] }, "appId must be a string"],
      [{ clusterId: 0 }, "clusterId must be a string"],
    ];
    for (const [properties, names] of wrong) {
      const write = () => written((w) => writeProperties(w, properties as BasicProperties));
      expect(raised(UsageError, write).message).to.contain(names);
    }
  });

  describe("the content header", () => {
    it("is class, weight, body size and properties, both ways", () => {
      const octets = `${FIVE} 10 00 02`;
      expect(written((w) => writeContentHeader(w, 5, { deliveryMode: 2 }))).to.equal(octets);
      expect(readContentHeader(new Reader(hex(octets)))).to.deep.equal({
        bodySize: 5,
        properties: { deliveryMode: 2 },
      });
    });

    it("has a body size of 64 bits, of which 53 are believed", () => {
      const most = "00 3c 00 00 00 1f ff ff ff ff ff ff 00 00";
      expect(written((w) => writeContentHeader(w, 2 ** 53 - 1, {}))).to.equal(most);
      expect(readContentHeader(new Reader(hex(most))).bodySize).to.equal(2 ** 53 - 1);
      const more = hex("00 3c 00 00 00 20 00 00 00 00 00 00 00 00");
      const error = raised(ProtocolError, () => readContentHeader(new Reader(more)));
      expect(error).to.include({ replyCode: 502, offset: 4 });
      raised(UsageError, () => written((w) => writeContentHeader(w, 2 ** 53, {})));
    });

    it("of another class or weight is refused", () => {
      for (const [octets, got] of [
        ["00 0a 00 00", "class 10, weight 0"],
        ["00 3c 00 01", "class 60, weight 1"],
      ] as const) {
        const bytes = hex(`${octets} 00 00 00 00 00 00 00 05 00 00`);
        expect(raised(ProtocolError, () => readContentHeader(new Reader(bytes)))).to.include({
          message: "a content header has the wrong class or weight",
          replyCode: 501,
          expected: "class 60, weight 0",
          got,
          offset: 0,
        });
      }
    });

    it("has unknown flags refused where they are", () => {
      const bytes = hex(`ee ${FIVE} 00 01`);
      const error = raised(ProtocolError, () => readContentHeader(new Reader(bytes, 1)));
      expect(error).to.include({ replyCode: 502, offset: 12 });
    });

    it("is read to its end, and not cut short", () => {
      const more = raised(ProtocolError, () =>
        readContentHeader(new Reader(hex(`${FIVE} 00 00 00`))),
      );
      expect(more).to.include({ replyCode: 501, offset: 14 });
      const whole = hex(`${FIVE} 10 00 02`);
      for (let length = 0; length < whole.length; length++) {
        const cut = new Reader(whole, 0, length);
        expect(raised(ProtocolError, () => readContentHeader(cut)).replyCode).to.equal(501);
      }
    });
  });
});
