import { expect } from "chai";
import fc from "fast-check";
import { PROPERTY_FLAG } from "../../src/wire/generated/properties.ts";
import { readProperties, writeProperties } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { readTaggedProperties, type SentProperties } from "../../src/wire/tagged-properties.ts";
import { basicProperties, propertyBytes } from "../support/arbitraries.ts";
import { encoded, toHex } from "../wire/octets.ts";

function write(properties: SentProperties): Uint8Array {
  return encoded((writer) => writeProperties(writer, properties));
}

describe("properties of a message's properties", () => {
  it("the lossless reading of any octets writes the same octets", () => {
    fc.assert(
      fc.property(propertyBytes(), (bytes) => {
        const reader = new Reader(bytes);
        const properties = readTaggedProperties(reader);
        expect(reader.remaining).to.equal(0);
        expect(toHex(write(properties))).to.equal(toHex(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("both readings have the same properties, and agree about the octets that are numbers", () => {
    fc.assert(
      fc.property(propertyBytes(), (bytes) => {
        const plain = readProperties(new Reader(bytes));
        const tagged = readTaggedProperties(new Reader(bytes));
        const names = Object.keys(PROPERTY_FLAG).filter((name) => name in plain);
        expect(Object.keys(tagged)).to.deep.equal(names);
        expect(tagged.priority).to.equal(plain.priority);
        expect(tagged.deliveryMode).to.equal(plain.deliveryMode);
      }),
    );
  });

  it("what was sent plain is the same again when it is passed on without loss", () => {
    fc.assert(
      fc.property(basicProperties(), (properties) => {
        const sent = write(properties);
        const passedOn = write(readTaggedProperties(new Reader(sent)));
        expect(toHex(passedOn)).to.equal(toHex(sent));
        expect(readProperties(new Reader(passedOn))).to.deep.equal(properties);
      }),
    );
  });

  it("what was read does not change with the chunk that it was read from", () => {
    fc.assert(
      fc.property(propertyBytes(), fc.boolean(), (bytes, asBuffer) => {
        const chunk = asBuffer ? Buffer.from(bytes) : bytes.slice();
        const plain = readProperties(new Reader(chunk));
        const tagged = readTaggedProperties(new Reader(chunk));
        chunk.fill(0xee);
        expect(plain).to.deep.equal(readProperties(new Reader(bytes)));
        expect(toHex(write(tagged))).to.equal(toHex(bytes));
      }),
    );
  });
});
