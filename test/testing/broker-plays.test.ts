/** The plays of comparison/, with what RabbitMQ 3.10.8 answered (comparison/record.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { asDocumented, DIFFERENCES } from "./comparison/differences.ts";
import { PLAYS } from "./comparison/plays.ts";
import { perform } from "./comparison/stage.ts";

const recorded = JSON.parse(readFileSync(join(__dirname, "comparison/recorded.json"), "utf8"));

describe("the embedded broker answers as RabbitMQ did", () => {
  it("in each play that is recorded", () => {
    expect(Object.keys(recorded)).to.have.members(Object.keys(PLAYS));
  });

  for (const [title, play] of Object.entries(PLAYS)) {
    it(title, async function () {
      this.timeout(20_000);
      await using broker = await startBroker();
      const expected = asDocumented(title, recorded[title]);
      expect(await perform(play, broker.port)).to.deep.equal(expected);
    });
  }

  it("but for what startBroker() says in its documentation", () => {
    const source = readFileSync(join(__dirname, "../../src/testing/broker/broker.ts"), "utf8");
    const documentation = source.replaceAll(/\s+(\* +)?/g, " ");
    for (const [words, plays] of Object.entries(DIFFERENCES)) {
      expect(documentation).to.include(words);
      expect(Object.keys(PLAYS)).to.include.members(Object.keys(plays));
    }
  });

  it("and a difference that is none any more is found", () => {
    const [[title = ""] = []] = Object.values(DIFFERENCES).map(Object.keys);
    expect(() => asDocumented(title, [])).to.throw("RabbitMQ does not say");
  });
});
