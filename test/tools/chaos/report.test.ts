import { expect } from "chai";
import { Account } from "../../../tools/chaos/account.ts";
import type { FaultReport } from "../../../tools/chaos/fault.ts";
import { Happenings } from "../../../tools/chaos/happenings.ts";
import { nameOf, type Route } from "../../../tools/chaos/letter.ts";
import { formatAccounts, formatHappenings, formatProblems } from "../../../tools/chaos/report.ts";

const TO_Q: Route = { exchange: "", routingKey: "q", queues: ["q"], answers: ["confirmed"] };

function reportOn(account: Account, lacking: readonly string[] = []): FaultReport {
  const happenings = new Happenings();
  happenings.count("connection lost");
  happenings.count("connection lost");
  return { fault: "cut", balance: account.balance(), happenings, lacking, ms: 1_500 };
}

function unknown(count: number): Account {
  const account = new Account();
  for (let i = 0; i < count; i++) {
    const id = account.newId();
    account.post({ id, route: TO_Q, due: undefined, bodySize: 0 });
    account.settle(id, i % 4 === 0 ? "unsent" : "unknown", "ConnectionLostError");
  }
  return account;
}

describe("report of a chaos run", () => {
  it("has a line for each fault, with the share of unknown", () => {
    const [titles, line] = formatAccounts([reportOn(unknown(4))]);
    expect(titles?.split(/ {2,}/)).to.deep.equal([
      ...["fault", "published", "confirmed", "returned", "nacked", "refused", "unprocessed"],
      ...["unsent", "unknown", "found", "twice", "open", "% unknown"],
    ]);
    expect(line?.split(/ {2,}/)).to.deep.equal([
      ...["cut", "4", "0", "0", "0", "0", "0", "1", "3", "0", "0", "0", "75.0"],
    ]);
  });

  it("tells what happened, and what was behind unknown", () => {
    const [happened, unknowns] = formatHappenings([reportOn(unknown(4))]);
    expect(happened).to.equal("cut, 1.50 s: connection lost 2");
    expect(unknowns).to.match(/ConnectionLostError 3; found 0, not even seen by the proxy 3$/);
    expect(formatHappenings([reportOn(unknown(1))])).to.have.length(1);
  });

  it("names what is wrong, and what did not happen", () => {
    const account = unknown(4);
    for (let i = 0; i < 25; i++) {
      const id = account.newId();
      account.post({ id, route: TO_Q, due: undefined, bodySize: 0 });
      account.settle(id, "confirmed");
    }
    const problems = formatProblems([reportOn(account, ["killed: 0, and at least 1 were due"])]);
    expect(problems).to.have.length(2);
    expect(problems[0])
      .to.match(/^cut: 25 confirmed, and missing: /)
      .and.to.include(nameOf(5))
      .and.to.match(/and 5 more$/);
    expect(problems[1]).to.match(/^cut: .*killed: 0/);
    expect(formatProblems([reportOn(unknown(4))])).to.deep.equal([]);
  });
});
