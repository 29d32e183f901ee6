import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { TaggedTable, tagged } from "../../src/wire/field-value.ts";
import { PROPERTY_TYPES } from "../../src/wire/generated/properties.ts";
import { readProperties, writeProperties } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { readTaggedProperties, type TaggedProperties } from "../../src/wire/tagged-properties.ts";
import { hex, raised, toHex, written } from "./octets.ts";

function read(octets: string): TaggedProperties {
  const reader = new Reader(hex(octets));
  const properties = readTaggedProperties(reader);
  expect(reader.remaining).to.equal(0);
  return properties;
}

function write(properties: TaggedProperties): string {
  return written((writer) => writeProperties(writer, properties));
}

describe("wire/tagged-properties", () => {
  /** What the plain reading makes something else of. */
  const cases: [octets: string, properties: TaggedProperties][] = [
    ["00 00", {}],
    ["80 00 03 61 2f 62", { contentType: "a/b" }],
    ["80 00 02 61 ff", { contentType: hex("61 ff") }],
    ["04 00 00", { correlationId: "" }],
    ["10 00 02", { deliveryMode: 2 }],
    ["08 00 ff", { priority: 255 }],
    ["20 00 00 00 00 00", { headers: new TaggedTable([]) }],
    [
      "20 00 00 00 00 08 01 61 62 05 01 61 42 06",
      {
        headers: new TaggedTable([
          ["a", tagged("b", 5)],
          ["a", tagged("B", 6)],
        ]),
      },
    ],
    ["00 40 00 00 00 00 5f 5e 10 00", { timestamp: tagged("T", 1_600_000_000) }],
    ["00 40 00 1f ff ff ff ff ff ff", { timestamp: tagged("T", Number.MAX_SAFE_INTEGER) }],
    ["00 40 00 20 00 00 00 00 00 00", { timestamp: tagged("T", 2n ** 53n) }],
    ["00 40 ff ff ff ff ff ff ff ff", { timestamp: tagged("T", 2n ** 64n - 1n) }],
  ];
  for (const [octets, properties] of cases) {
    it(`${octets}, both ways`, () => {
      expect(read(octets)).to.deep.equal(properties);
      expect(write(properties)).to.equal(octets);
    });
  }

  it("each of the 14 text, number and time is in its place", () => {
    const values: { [type: string]: string } = {
      shortstr: "02 c3 28", // no UTF-8
      octet: "02",
      table: "00 00 00 03 01 ff 56",
      timestamp: "ff ff ff ff ff ff ff fe",
    };
    const all = `ff fc ${PROPERTY_TYPES.map(([, type]) => values[type]).join(" ")}`;
    const properties = read(all);
    expect(Object.keys(properties)).to.deep.equal(PROPERTY_TYPES.map(([name]) => name));
    expect(write(properties)).to.equal(all);
    for (const [name, type] of PROPERTY_TYPES) {
      if (type === "shortstr") expect(properties[name]).to.deep.equal(hex("c3 28"));
    }
  });

  it("a Date is written as well, and so are plain headers", () => {
    const given = { timestamp: new Date(1999), headers: { a: tagged("u", 1) }, type: "t" };
    const octets = "20 60 00 00 00 05 01 61 75 00 01 00 00 00 00 00 00 00 01 01 74";
    expect(written((writer) => writeProperties(writer, given))).to.equal(octets);
  });

  it("the plain reading loses what it is there for: that is why both exist", () => {
    const octets = "84 40 01 ff 01 fe ff ff ff ff ff ff ff ff";
    const plain = readProperties(new Reader(hex(octets)));
    expect(plain).to.include({ contentType: "\ufffd", correlationId: "\ufffd" });
    expect(plain.timestamp?.getTime()).to.deep.equal(Number.NaN);
    expect(toHex(hex(write(read(octets))))).to.equal(octets);
  });

  it("refuses flags that no property has, and properties that are cut short", () => {
    expect(raised(ProtocolError, () => read("00 01"))).to.include({ replyCode: 502, offset: 0 });
    for (const octets of ["80", "80 00", "80 00 02 61", "20 00 00 00 00 01", "00 40 00"]) {
      expect(raised(ProtocolError, () => read(octets)).replyCode).to.equal(501);
    }
  });
});
