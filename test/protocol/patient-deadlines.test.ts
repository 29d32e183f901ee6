import { expect } from "chai";
import { PatientDeadlines } from "../../src/protocol/patient-deadlines.ts";

/** Deadlines of things with names, and the names of those that were told. */
function deadlines(): {
  all: PatientDeadlines;
  late: string[];
  add(name: string, timeoutMs: number, now: number): { isOver: boolean };
} {
  const all = new PatientDeadlines();
  const late: string[] = [];
  return {
    all,
    late,
    add: (name, timeoutMs, now) => {
      const item = { isOver: false, expire: () => void late.push(name) };
      all.add(item, timeoutMs, now);
      return item;
    },
  };
}

describe("PatientDeadlines", () => {
  it("tells what is due, the earliest first", () => {
    const { all, late, add } = deadlines();
    add("b", 20, 1000);
    add("a", 10, 1000);
    add("c", 30, 1000);
    expect(all.nextTimeout()).to.equal(1010);
    all.expire(1020);
    expect(late).to.deep.equal(["a", "b"]);
    expect(all.nextTimeout()).to.equal(1030);
  });

  it("forgets what is over", () => {
    const { all, late, add } = deadlines();
    add("a", 10, 0).isOver = true;
    expect(all.nextTimeout()).to.equal(undefined);
    all.expire(10);
    expect(late).to.deep.equal([]);
  });

  it("stands still between pause and resume", () => {
    const { all, late, add } = deadlines();
    add("a", 10, 0);
    all.pause(4);
    expect(all.nextTimeout()).to.equal(undefined);
    all.expire(100);
    add("b", 10, 100);
    all.resume(200);
    expect(all.nextTimeout()).to.equal(206);
    all.expire(206);
    expect(late).to.deep.equal(["a"]);
    all.expire(210);
    expect(late).to.deep.equal(["a", "b"]);
  });
});
