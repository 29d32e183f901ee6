import { expect } from "chai";
import { paintFor } from "../../src/cli/paint.ts";
import { PublishReport } from "../../src/cli/publish-report.ts";
import { PublishError, type PublishOutcome, UsageError } from "../../src/index.ts";
import { Capture } from "./test-io.ts";

const PLAIN = paintFor(new Capture(), {});

describe("publish report", () => {
  it("has a row for each way in which messages ended, and the first five failures", () => {
    const report = new PublishReport();
    for (let line = 1; line <= 1000; line++) report.settle(line, { deliveryTag: line });
    const outcomes = ["unknown", "refused", "unprocessed", "unsent", "nacked", "returned"] as const;
    outcomes.forEach((outcome, i) => {
      report.settle(1006 - i, failure(outcome));
    });
    report.settle(1007, new UsageError("no good"));
    report.invalid(1008, new Error("worse"));
    const lines = report.summary(PLAIN, undefined);
    expect(lines[0]).to.match(/^1,008 messages in \d+\.\d\d s, [\d,]+ a second$/);
    expect(lines.slice(1, 9).map((line) => line.split(/ {2,}/).slice(0, 2))).to.deep.equal([
      ["outcome", "messages"],
      ["confirmed", "1,000"],
      ["returned", "1"],
      ["nacked", "1"],
      ["refused", "1"],
      ["unprocessed", "1"],
      ["unsent", "1"],
      ["unknown", "1"],
    ]);
    expect(lines[9]).to.match(/^invalid +2 /);
    expect(lines.slice(10)).to.deep.equal([
      "line 1,002: it was nacked",
      "line 1,003: it was unsent",
      "line 1,004: it was unprocessed",
      "line 1,005: it was refused",
      "line 1,006: it was unknown",
      "and 3 more",
    ]);
    expect(report.failed).to.equal(8);
  });

  it("says where it stopped and why, without secrets and control characters", () => {
    const report = new PublishReport();
    expect(report.summary(PLAIN, "x amqp://u:p@h \x1b").join("\n")).to.match(
      /^0 messages in 0\.00 s, 0 a second\nstopped before the first line.*: x amqp:..\.\.\.@h \\x1b$/,
    );
    report.settle(7, { deliveryTag: 1 });
    expect(report.summary(PLAIN, "interrupted").at(-1)).to.match(
      /^stopped after line 7,.*interrupt/,
    );
  });

  it("tells how far it is", () => {
    const report = new PublishReport();
    expect(report.progress()).to.match(/^0 confirmed, 0 a second$/);
    report.settle(1, { deliveryTag: 1 });
    report.settle(2, failure("returned"));
    expect(report.progress()).to.match(/^1 confirmed, 1 returned, [\d,]+ a second$/);
  });
});

function failure(outcome: PublishOutcome): PublishError {
  const details = { outcome, deliveryTag: 1, exchange: "", routingKey: "q" };
  return new PublishError(`it was ${outcome}`, details);
}
