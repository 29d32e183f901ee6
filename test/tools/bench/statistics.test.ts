import { expect } from "chai";
import { latencyOf, median, percentile, spread } from "../../../tools/bench/statistics.ts";

describe("statistics of a benchmark", () => {
  it("take the middle of an odd number of values and the mean of the two in an even one", () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([10, 1, 3, 2])).to.equal(2.5);
    expect(median([7])).to.equal(7);
    expect(median([])).to.be.NaN;
  });

  it("sort numbers as numbers and leave what they are given alone", () => {
    const values = [100, 20, 3];
    expect(median(values)).to.equal(20);
    expect(values).to.deep.equal([100, 20, 3]);
  });

  it("give the spread as a share of the median", () => {
    expect(spread([80, 100, 130])).to.equal(0.5);
    expect(spread([5])).to.equal(0);
  });

  it("give as a percentile a value that was measured", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(percentile(hundred, 50)).to.equal(50);
    expect(percentile(hundred, 99)).to.equal(99);
    expect(percentile(hundred, 100)).to.equal(100);
    expect(percentile([4, 8], 1)).to.equal(4);
    expect(percentile([], 50)).to.be.NaN;
  });

  it("turn milliseconds in any order into percentiles in microseconds", () => {
    const milliseconds = Array.from({ length: 200 }, (_, i) => (200 - i) / 10);
    expect(latencyOf(milliseconds)).to.deep.equal({ p50: 10_000, p99: 19_800 });
    expect(latencyOf([])).to.equal(undefined);
  });
});
