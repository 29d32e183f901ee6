import { expect } from "chai";
import { Ending } from "../../src/client/ending.ts";
import { ConnectionLostError } from "../../src/errors.ts";

const LOST = new ConnectionLostError("gone");

describe("Ending", () => {
  it("tells those who asked before and those who ask afterwards, by the same promise", async () => {
    const ending = new Ending();
    const before = ending.promise;
    ending.settle(LOST);
    expect(ending.promise).to.equal(before);
    expect(await before).to.equal(LOST);
  });

  it("tells what there was before anybody asked", async () => {
    const lost = new Ending();
    lost.settle(LOST);
    expect(await lost.promise).to.equal(LOST);
    expect(lost.promise).to.equal(lost.promise);
    const closed = new Ending();
    closed.settle(undefined);
    expect(await closed.promise).to.equal(undefined);
  });

  it("keeps the first of two ends", async () => {
    for (const asked of [true, false]) {
      const ending = new Ending();
      if (asked) void ending.promise;
      ending.settle(LOST);
      ending.settle(undefined);
      expect(await ending.promise).to.equal(LOST);
    }
  });
});
