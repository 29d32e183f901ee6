/** The plays of comparison/, with what RabbitMQ 3.10.8 answered (comparison/record.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
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
      expect(await perform(play, broker.port)).to.deep.equal(recorded[title]);
    });
  }
});
