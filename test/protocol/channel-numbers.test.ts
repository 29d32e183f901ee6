import { expect } from "chai";
import { ChannelNumbers } from "../../src/protocol/channel-numbers.ts";

describe("ChannelNumbers", () => {
  it("gives 1 to channel-max, then nothing", () => {
    const numbers = new ChannelNumbers();
    expect([1, 2, 3, 4].map(() => numbers.take(3))).to.deep.equal([1, 2, 3, undefined]);
  });

  it("gives a number again only after it is free, the one that was freed first at first", () => {
    const numbers = new ChannelNumbers();
    for (let i = 0; i < 3; i++) numbers.take(3);
    numbers.free(2);
    numbers.free(1);
    expect(numbers.take(3)).to.equal(2);
    expect(numbers.take(3)).to.equal(1);
    expect(numbers.take(3)).to.equal(undefined);
  });

  it("prefers a number that was never used, so that late frames meet no new channel", () => {
    const numbers = new ChannelNumbers();
    expect(numbers.take(3)).to.equal(1);
    numbers.free(1);
    expect([numbers.take(3), numbers.take(3), numbers.take(3)]).to.deep.equal([2, 3, 1]);
  });
});
