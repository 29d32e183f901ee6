import { expect } from "chai";
import fc from "fast-check";
import { topicMatches, topicWords } from "../../src/testing/broker/topic.ts";

function matches(pattern: string, key: string): boolean {
  return topicMatches(topicWords(pattern), topicWords(key));
}

/** The rule as a regular expression over words that each end in a dot. */
function byRegularExpression(pattern: string, key: string): boolean {
  const parts = topicWords(pattern).map((word) => {
    if (word === "*") return "[^.]*\\.";
    return word === "#" ? "([^.]*\\.)*" : `${word}\\.`;
  });
  const terminated = topicWords(key).map((word) => `${word}.`);
  return new RegExp(`^${parts.join("")}$`).test(terminated.join(""));
}

describe("topic patterns", () => {
  // As seen on RabbitMQ 3.10.8.
  const cases: [pattern: string, matching: string[], other: string[]][] = [
    ["a.*.#", ["a.b", "a.b.c", "a.b.c.d", "a.", "a..b"], ["a", "", "b.a"]],
    ["#", ["", ".", "a", "a.b.c"], []],
    ["*", ["a", "ü"], ["", ".", "a.b"]],
    ["#.", ["a.", "."], ["", "a"]],
    ["", [""], [".", "a"]],
    ["stock.*.nyse.#", ["stock.usd.nyse", "stock.usd.nyse.a.b"], ["stock.nyse", "stock.a.b.nyse"]],
    ["#.a.#.b", ["a.b", "x.a.y.a.b", "a.a.b.b"], ["b.a", "a.b.c"]],
    ["*.#.*", ["a.b", "a.b.c"], ["a", ""]],
    ["a*", ["a*"], ["ab", "a"]],
  ];
  for (const [pattern, matching, others] of cases) {
    it(JSON.stringify(pattern), () => {
      expect(matching.filter((key) => matches(pattern, key))).to.deep.equal(matching);
      expect(others.filter((key) => matches(pattern, key))).to.deep.equal([]);
    });
  }

  it("agree with a regular expression", () => {
    const word = fc.constantFrom("a", "b", "");
    const key = fc.array(word, { maxLength: 7 }).map((words) => words.join("."));
    const patternWord = fc.constantFrom("a", "b", "", "*", "#", "#");
    const pattern = fc.array(patternWord, { maxLength: 6 }).map((words) => words.join("."));
    fc.assert(
      fc.property(pattern, key, (p, k) => matches(p, k) === byRegularExpression(p, k)),
      { numRuns: 3000 },
    );
  });

  it("take no exponential time", () => {
    const pattern = `${"#.a.".repeat(30)}b`;
    expect(matches(pattern, "a.".repeat(120))).to.equal(false);
  });
});
