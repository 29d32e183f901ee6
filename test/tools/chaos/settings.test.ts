import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { FAULTS } from "../../../tools/chaos/faults.ts";
import { BadArgument, HELP, readSettings } from "../../../tools/chaos/settings.ts";

describe("npm run chaos", () => {
  it("plays every fault unless told otherwise, with a seed of its own", () => {
    expect(readSettings([])).to.deep.include({ faults: FAULTS, messages: 3_000, rounds: 3 });
    expect(readSettings([])).to.have.property("seed").that.is.a("number");
  });

  it("plays what is named, the kill last", () => {
    const args = ["--fault", "kill", "--fault=cut", "--seed", "7", "--messages=500", "--rounds=2"];
    const settings = readSettings(args);
    expect(settings).to.include({ seed: 7, messages: 500, rounds: 2 });
    expect(settings).to.have.property("faults").that.is.an("array");
    if (settings === "help") return;
    expect(settings.faults.map(({ name }) => name)).to.deep.equal(["cut", "kill"]);
  });

  it("has help that lists every fault", () => {
    expect(readSettings(["--help"])).to.equal("help");
    const help = HELP.join("\n");
    for (const { name, summary } of FAULTS) expect(help).to.include(name).and.to.include(summary);
  });

  const mistakes: [args: string[], says: RegExp][] = [
    [["--fault", "cut", "--fault", "nope"], /no fault nope/],
    [["--messages", "10"], /--messages takes a whole number of at least 200/],
    [["--rounds", "0"], /--rounds takes/],
    [["--seed", ""], /--seed takes/],
    [["--seed", "1.5"], /--seed takes/],
    [["--bogus"], /--bogus/],
    [["cut"], /cut/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuses ${args.join(" ")}`, () => {
      expect(() => readSettings(args)).to.throw(BadArgument, says);
    });
  }

  it("gets its arguments from npm, and tells a mistake with code 2", function () {
    this.timeout(60_000);
    this.slow(20_000);
    const { status, stdout, stderr } = spawnSync(
      "npm",
      ["run", "--silent", "chaos", "--", "--fault", "nope"],
      { cwd: join(__dirname, "../../.."), encoding: "utf8" },
    );
    expect(stderr).to.match(/no fault nope/);
    expect([status, stdout]).to.deep.equal([2, ""]);
  });
});
