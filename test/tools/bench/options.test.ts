import { expect } from "chai";
import { HELP, readSettings, type Settings } from "../../../tools/bench/options.ts";

describe("the options of the benchmark", () => {
  it("measure everything unless told otherwise", () => {
    const settings = read();
    expect(settings).to.deep.include({
      mode: "works",
      check: false,
      named: false,
      out: "bench",
      effort: { rounds: 5, seconds: 1.5, warmUpSeconds: 1 },
    });
    expect(settings.contestants).to.deep.equal([
      ...["amqp091", "amqplib", "rabbitmq-client", "@cloudamqp/amqp-client", "ready-made bytes"],
    ]);
    expect(settings.wants("16")).to.equal(true);
  });

  it("choose works and clients by name", () => {
    const settings = read("--only", "16,1k", "--clients", "amqplib,amqp091");
    expect(settings.contestants).to.deep.equal(["amqp091", "amqplib"]);
    expect(settings.named).to.equal(true);
    expect(["16", "1k", "16k"].filter(settings.wants)).to.deep.equal(["16", "1k"]);
  });

  it("choose by the names of their mode", () => {
    expect(read("--curves", "--only", "acks,channels-2000").mode).to.equal("curves");
    expect(read("--memory", "--only", "outstanding").mode).to.equal("memory");
  });

  it("take less time when in a hurry", () => {
    const { rounds, seconds, warmUpSeconds } = read("--quick").effort;
    expect(rounds * seconds + warmUpSeconds).to.be.below(2);
    const { effort } = read("--rounds", "3", "--seconds", "0.2");
    expect(effort).to.deep.equal({ rounds: 3, seconds: 0.2, warmUpSeconds: 0.2 });
  });

  it("have help that names every one of them", () => {
    expect(readSettings(["--help"])).to.equal("help");
    for (const option of ["quick", "curves", "memory", "only", "clients", "rounds", "seconds"]) {
      expect(HELP).to.include(`--${option}`);
    }
    for (const option of ["out", "check", "AMQP_URL"]) expect(HELP).to.include(option);
  });

  const mistakes: [args: string[], says: RegExp][] = [
    [["--only", "16,17"], /--only 17: there is 16, typical/],
    [["--curves", "--only", "16"], /--only 16: there is outstanding/],
    [["--clients", "nobody"], /--clients nobody: there is amqp091/],
    [["--rounds", "0"], /--rounds 0/],
    [["--seconds", "soon"], /--seconds soon/],
    [["--curves", "--memory"], /two runs/],
    [["--nope"], /--nope/],
  ];
  for (const [args, says] of mistakes) {
    it(`refuse ${args.join(" ")}`, () => {
      expect(() => readSettings(args)).to.throw(TypeError, says);
    });
  }
});

function read(...args: string[]): Settings {
  const settings = readSettings(args);
  if (settings === "help") throw new Error("nobody asked for help");
  return settings;
}
