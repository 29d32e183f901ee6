import { expect } from "chai";
import { PROPERTY_FLAG, PROPERTY_TYPES } from "../../../src/wire/generated/properties.ts";

describe("wire/generated/properties", () => {
  it("are fourteen, each with the next lower flag, and the lowest two bits are left", () => {
    expect(PROPERTY_TYPES).to.have.length(14);
    expect(Object.entries(PROPERTY_FLAG)).to.deep.equal(
      PROPERTY_TYPES.map(([name], i) => [name, 0x8000 >>> i]),
    );
  });

  it("are short strings but for four", () => {
    expect(PROPERTY_TYPES.filter(([, type]) => type !== "shortstr")).to.deep.equal([
      ["headers", "table"],
      ["deliveryMode", "octet"],
      ["priority", "octet"],
      ["timestamp", "timestamp"],
    ]);
  });
});
