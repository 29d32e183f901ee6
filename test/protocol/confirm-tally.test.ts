import { expect } from "chai";
import fc from "fast-check";
import { MAX_BATCH_FAILURES, TimeoutError } from "../../src/errors.ts";
import {
  ConfirmTally,
  type Tally,
  type TallySegment,
  type TallyWait,
} from "../../src/protocol/confirm-tally.ts";
import { ReturnedError } from "../../src/protocol/returned-error.ts";
import { publication } from "./support.ts";

const FAILURE = new TimeoutError("no");

/** A wait, and what it was told. */
function wait(tally: ConfirmTally): { told: Tally[]; wait: TallyWait } {
  const told: Tally[] = [];
  return { told, wait: tally.wait((result) => told.push(result)) };
}

/** A publish that was submitted. */
interface Open {
  readonly number: number;
  readonly segment: TallySegment;
}

function counts(told: readonly Tally[]): number[][] {
  return told.map(({ confirmed, failed }) => [confirmed, failed]);
}

describe("ConfirmTally", () => {
  it("tells at once where nothing was submitted", () => {
    const { told } = wait(new ConfirmTally());
    expect(counts(told)).to.deep.equal([[0, 0]]);
  });

  it("tells when all have ended, and how", () => {
    const tally = new ConfirmTally();
    const [one, two, three] = [tally.submit(), tally.submit(), tally.submit()];
    const { told } = wait(tally);
    tally.settle(three, 30, undefined);
    tally.settle(one, 10, FAILURE);
    expect(told).to.deep.equal([]);
    tally.settle(two, 20, undefined);
    expect(counts(told)).to.deep.equal([[2, 1]]);
    expect(told[0]?.failures).to.deep.equal([
      { message: undefined, deliveryTag: 10, error: FAILURE },
    ]);
  });

  it("tells of failures before the wait, and each of them once", () => {
    const tally = new ConfirmTally();
    tally.settle(tally.submit(), 1, FAILURE);
    tally.settle(tally.submit(), 2, undefined);
    expect(counts(wait(tally).told)).to.deep.equal([[1, 1]]);
    expect(counts(wait(tally).told)).to.deep.equal([[0, 0]]);
  });

  it("leaves what is submitted during a wait to the next one", () => {
    const tally = new ConfirmTally();
    const one = tally.submit();
    const first = wait(tally);
    tally.settle(tally.submit(), 2, FAILURE);
    expect(first.told).to.deep.equal([]);
    tally.settle(one, 1, undefined);
    expect(counts(first.told)).to.deep.equal([[1, 0]]);
    expect(counts(wait(tally).told)).to.deep.equal([[0, 1]]);
  });

  it("tells a later wait no sooner than an earlier one", () => {
    const tally = new ConfirmTally();
    const one = tally.submit();
    const first = wait(tally);
    const two = tally.submit();
    const second = wait(tally);
    tally.settle(two, 2, undefined);
    expect([first.told, second.told]).to.deep.equal([[], []]);
    tally.settle(one, 1, FAILURE);
    expect(counts(first.told)).to.deep.equal([[0, 1]]);
    expect(counts(second.told)).to.deep.equal([[1, 0]]);
  });

  it("gives what a cancelled wait would have told to the next wait", () => {
    const tally = new ConfirmTally();
    const one = tally.submit();
    tally.settle(tally.submit(), 2, FAILURE);
    const first = wait(tally);
    tally.settle(tally.submit(), 3, FAILURE);
    const second = wait(tally);
    first.wait.cancel();
    first.wait.cancel();
    expect(second.told).to.deep.equal([]);
    tally.settle(one, 1, undefined);
    expect(first.told).to.deep.equal([]);
    expect(counts(second.told)).to.deep.equal([[1, 2]]);
    expect(second.told[0]?.failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([2, 3]);
  });

  it("gives it to a wait that comes later where none waits", () => {
    const tally = new ConfirmTally();
    const one = tally.submit();
    const first = wait(tally);
    const two = tally.submit();
    first.wait.cancel();
    tally.settle(one, 1, FAILURE);
    tally.settle(two, 2, undefined);
    expect(first.told).to.deep.equal([]);
    expect(counts(wait(tally).told)).to.deep.equal([[1, 1]]);
  });

  it("does nothing when a wait is cancelled that was told", () => {
    const tally = new ConfirmTally();
    tally.settle(tally.submit(), 1, FAILURE);
    const first = wait(tally);
    first.wait.cancel();
    expect(counts(wait(tally).told)).to.deep.equal([[0, 0]]);
  });

  it("does not count what was withdrawn", () => {
    const tally = new ConfirmTally();
    tally.withdraw(tally.submit());
    expect(counts(wait(tally).told)).to.deep.equal([[0, 0]]);
    const idle: string[] = [];
    const one = tally.submit();
    const { told } = wait(tally);
    tally.whenIdle(() => idle.push("idle"));
    tally.withdraw(one);
    expect(counts(told)).to.deep.equal([[0, 0]]);
    expect(idle).to.deep.equal(["idle"]);
  });

  it("tells when nothing is outstanding, and leaves what wait() tells alone", () => {
    const tally = new ConfirmTally();
    const idle: number[] = [];
    tally.whenIdle(() => idle.push(0));
    expect(idle).to.deep.equal([0]);
    const one = tally.submit();
    tally.whenIdle(() => idle.push(1));
    tally.whenIdle(() => idle.push(2));
    const two = tally.submit();
    tally.settle(one, 1, FAILURE);
    expect(idle).to.deep.equal([0]);
    tally.settle(two, 2, undefined);
    expect(idle).to.deep.equal([0, 1, 2]);
    expect(counts(wait(tally).told)).to.deep.equal([[1, 1]]);
  });

  it("keeps the first failures and counts them all", () => {
    const tally = new ConfirmTally();
    let tag = 1;
    const fail = (count: number): void => {
      for (let i = 0; i < count; i++) tally.settle(tally.submit(), ++tag, FAILURE);
    };
    const one = tally.submit();
    fail(MAX_BATCH_FAILURES - 1);
    const first = wait(tally);
    fail(MAX_BATCH_FAILURES + 5);
    first.wait.cancel();
    tally.settle(one, 1, undefined);
    const { told } = wait(tally);
    expect(counts(told)).to.deep.equal([[1, 2 * MAX_BATCH_FAILURES + 4]]);
    const tags = told[0]?.failures.map(({ deliveryTag }) => deliveryTag);
    expect(tags).to.deep.equal(Array.from({ length: MAX_BATCH_FAILURES }, (_, i) => i + 2));
  });

  it("keeps returned bodies of 4 MiB in all, and counts the others", () => {
    const tally = new ConfirmTally();
    const returned = (size: number): ReturnedError => {
      const reason = { replyCode: 312, replyText: "", exchange: "", routingKey: "" };
      const body = new Uint8Array(size);
      return new ReturnedError(publication(), {
        ...reason,
        properties: {},
        taggedProperties: {},
        body,
      });
    };
    const sizes = [3_000_000, 1_194_304, 1, 0];
    for (const [i, size] of sizes.entries()) tally.settle(tally.submit(), i + 1, returned(size));
    tally.settle(tally.submit(), 5, FAILURE);
    const { told } = wait(tally);
    expect(counts(told)).to.deep.equal([[0, 5]]);
    expect(told[0]?.failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([1, 2, 4, 5]);
  });

  it("gives what was cancelled to the next wait that was not", () => {
    const tally = new ConfirmTally();
    const all = [0, 1, 2, 3].map((i) => ({ segment: tally.submit(), wait: wait(tally), i }));
    for (const i of [2, 1, 0]) all[i]?.wait.wait.cancel();
    for (const { segment, i } of all) {
      expect(all[3]?.wait.told).to.deep.equal([]);
      tally.settle(segment, i + 1, undefined);
    }
    expect(counts(all[3]?.wait.told ?? [])).to.deep.equal([[4, 0]]);
    expect(all.slice(0, 3).flatMap((each) => each.wait.told)).to.deep.equal([]);
  });

  it("tells every ending to exactly one wait, whatever is cancelled", () => {
    const step = fc.record({
      what: fc.constantFrom("submit", "submit", "settle", "settle", "wait", "cancel", "withdraw"),
      which: fc.nat(),
      fails: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tally = new ConfirmTally();
        const open: Open[] = [];
        const waits: { told: Tally[]; wait: TallyWait; through: number; cancelled: boolean }[] = [];
        let submitted = 0;
        let ended = [0, 0];
        const settle = ({ number, segment }: Open, fails: boolean): void => {
          ended = [(ended[0] ?? 0) + (fails ? 0 : 1), (ended[1] ?? 0) + (fails ? 1 : 0)];
          tally.settle(segment, number, fails ? FAILURE : undefined);
        };
        for (const { what, which, fails } of steps) {
          const picked = open.length === 0 ? -1 : which % open.length;
          if (what === "submit") {
            open.push({ number: ++submitted, segment: tally.submit() });
          } else if (what === "wait") {
            waits.push({ ...wait(tally), through: submitted, cancelled: false });
          } else if (what === "cancel") {
            const target = waits[which % (waits.length + 1)];
            target?.wait.cancel();
            if (target !== undefined && target.told.length === 0) target.cancelled = true;
          } else if (picked >= 0) {
            const [one] = open.splice(picked, 1) as [Open];
            if (what === "withdraw") tally.withdraw(one.segment);
            else settle(one, fails);
          }
          for (const { told, through, cancelled } of waits) {
            const due = !cancelled && open.every(({ number }) => number > through);
            expect(told.length).to.equal(due ? 1 : 0);
          }
        }
        for (const one of open.splice(0)) settle(one, false);
        const told = [...waits.flatMap((each) => each.told), ...wait(tally).told];
        const sum = (of: (each: Tally) => number): number => told.reduce((n, t) => n + of(t), 0);
        expect([sum((t) => t.confirmed), sum((t) => t.failed)]).to.deep.equal(ended);
        expect(sum((t) => t.failures.length)).to.equal(ended[1]);
      }),
      { numRuns: 100 },
    );
  });
});
