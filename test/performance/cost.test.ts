/**
 * What publishes cost, in numbers that a busy machine does not change: octets and calls, and no
 * time. The bounds are in bounds.ts.
 */
import { expect } from "chai";
import { ACK, ALLOCATED, type Case, RETAINED, TRAFFIC } from "./bounds.ts";
import { Laboratory } from "./laboratory.ts";
import type { Cost } from "./meter.ts";

describe("what publishes cost", function () {
  this.timeout(60_000);

  let laboratory: Laboratory;
  before(() => {
    laboratory = new Laboratory();
  });
  after(() => laboratory.close());

  /** What was counted already; a test that is run alone counts it itself. */
  const costs = new Map<string, Cost>();
  async function costOf({ what, load, confirms }: Case): Promise<Cost> {
    const cost = costs.get(what) ?? (await laboratory.run("allocated", confirms, load));
    costs.set(what, cost);
    expect(cost.collections, "garbage collections, which hide what they collect").to.equal(0);
    return cost;
  }

  describe("in octets a publish:", () => {
    for (const row of ALLOCATED) {
      it(row.what, async function () {
        const { heap, buffers, rounds } = await costOf(row);
        tell(this, "of heap", heap, row.heap);
        tell(this, "of buffers", buffers, row.buffers);
        expect(heap, `in rounds: ${rounds}`).to.be.most(row.heap ?? Number.POSITIVE_INFINITY);
        expect(buffers).to.be.most(row.buffers);
      });
    }

    it("an ack of one", async function () {
      const { heap } = await costOf(ACK.single);
      const ack = heap - (await costOf(ACK.coalesced)).heap;
      tell(this, "of heap", ack, ACK.heap);
      expect(ack).to.be.most(ACK.heap);
    });
  });

  describe("in socket writes per thousand publishes:", () => {
    for (const { what, load, confirms, continuous, writesPerThousand } of TRAFFIC) {
      it(what, async function () {
        const way = continuous ? "continuousTraffic" : "traffic";
        const { publishes, writes, acks } = await laboratory.run(way, confirms, load);
        const perThousand = (1000 * writes) / publishes;
        tell(this, "", perThousand, writesPerThousand);
        expect(perThousand).to.be.within(1, writesPerThousand);
        // Or this would have been about some other load.
        const frames = confirms.acks === "single" ? publishes : publishes / confirms.every;
        expect(acks, "frames of basic.ack").to.equal(frames);
      });
    }
  });

  describe("in octets held on to after a million confirms on a channel:", () => {
    for (const { what, load, confirms } of RETAINED.cases) {
      it(what, async function () {
        expect(load.turns * load.perTurn).to.equal(1_000_000);
        const { heap, buffers } = await laboratory.run("retained", confirms, load);
        tell(this, "of heap", heap, RETAINED.heap);
        tell(this, "of buffers", buffers, RETAINED.buffers);
        expect(heap).to.be.most(RETAINED.heap);
        expect(buffers).to.be.most(RETAINED.buffers);
      });
    }
  });
});

/** Shows a number in the title of the test. */
function tell({ test }: Mocha.Context, unit: string, counted: number, most?: number): void {
  if (test === undefined) return;
  const bound = most === undefined ? "" : ` (at most ${most.toLocaleString("en")})`;
  const number = counted.toLocaleString("en", { maximumFractionDigits: 1 });
  test.title += `${test.title.includes(": ") ? ", " : ": "}${number}${bound}${unit && ` ${unit}`}`;
}
