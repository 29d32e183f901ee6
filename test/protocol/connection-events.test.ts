import { expect } from "chai";
import * as connectionEvents from "../../src/protocol/connection-events.ts";

describe("connection events", () => {
  it("are types: nothing of them is left at run time", () => {
    expect(Object.keys(connectionEvents)).to.deep.equal([]);
  });
});
