import { expect } from "chai";
import { type Fault, type FaultReport, NODE_CONFIG, playFault } from "../../tools/chaos/fault.ts";
import { STALL } from "../../tools/chaos/faults/slow.ts";
import { FAULTS } from "../../tools/chaos/faults.ts";
import { formatAccounts, formatProblems } from "../../tools/chaos/report.ts";
import { integrationWithOwnNode } from "../support/rabbitmq.ts";

/**
 * The short form of `npm run chaos`: every fault once. A failure names the messages concerned; the
 * long form with `--fault NAME --seed 1` plays the same fault on a larger scale.
 */
const SHORT = { seed: 1, messages: 600, rounds: 1 };

integrationWithOwnNode("chaos", { config: NODE_CONFIG }, (broker) => {
  const reports: FaultReport[] = [];
  let stalling: Promise<FaultReport>;

  before(async () => {
    for (const fault of FAULTS) await fault.prepare(broker());
    // It waits most of the time, for heartbeats that do not come.
    stalling = playFault(STALL, broker(), SHORT);
    stalling.catch(() => {}); // its test says so
  });

  after(() => {
    for (const line of formatAccounts(reports)) console.log(`      ${line}`);
  });

  const play = (fault: Fault): Promise<FaultReport> =>
    fault === STALL ? stalling : playFault(fault, broker(), SHORT);

  for (const fault of inOrder()) {
    it(`${fault.name}: ${fault.summary}`, async function () {
      this.timeout(180_000);
      this.slow(20_000);
      const report = await play(fault);
      reports.push(report);
      // What a fault must have done is beside its name: connections lost, messages confirmed, nacks.
      expect(formatProblems([report])).to.deep.equal([]);
      expect(report.balance.unsettled + report.balance.duplicates).to.equal(0);
      expect(report.balance.published).to.be.at.least(SHORT.messages);
    });
  }
});

/** Those that trouble all connections of the node come when nothing else is played. */
function inOrder(): Fault[] {
  const troubling = ["expel", "alarm", "alarm-cut", "kill"];
  const alone = FAULTS.filter(({ name }) => troubling.includes(name));
  return [...FAULTS.filter((each) => !alone.includes(each) && each !== STALL), STALL, ...alone];
}
