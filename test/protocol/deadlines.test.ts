import { expect } from "chai";
import fc from "fast-check";
import { Deadlines } from "../../src/protocol/deadlines.ts";

interface Item {
  readonly name: number;
  over: boolean;
}

function deadlines(): Deadlines<Item> {
  return new Deadlines<Item>(({ over }) => over);
}

function item(name = 0): Item {
  return { name, over: false };
}

describe("Deadlines", () => {
  it("has none at first", () => {
    expect(deadlines().next()).to.equal(undefined);
    expect(deadlines().expire(1e9)).to.deep.equal([]);
  });

  it("expires at the deadline and not before", () => {
    const some = deadlines();
    const first = item();
    some.add(first, 10, 100);
    expect(some.next()).to.equal(110);
    expect(some.expire(109)).to.deep.equal([]);
    expect(some.expire(110)).to.deep.equal([first]);
    expect(some.next()).to.equal(undefined);
    expect(some.expire(1000)).to.deep.equal([]);
  });

  it("forgets what is over, be it in front, behind, or about to expire", () => {
    const some = deadlines();
    const items = [item(0), item(1), item(2), item(3)];
    for (const [i, each] of items.entries()) some.add(each, 10, i);
    for (const i of [0, 2]) (items[i] as Item).over = true;
    expect(some.next()).to.equal(11);
    (items[1] as Item).over = true;
    expect(some.expire(12)).to.deep.equal([]);
    expect(some.next()).to.equal(13);
    (items[3] as Item).over = true;
    expect(some.next()).to.equal(undefined);
  });

  it("lets go of what is over, wherever it is, when it is most of all", () => {
    const some = deadlines();
    some.add(item(), 1, 0);
    for (let i = 0; i < 100_000; i++) {
      const one = item(i);
      some.add(one, 1000, i);
      one.over = i % 100 > 0;
    }
    expect(some.size).to.be.below(4000);
    expect(some.expire(1000)).to.have.length(2);
  });

  it("expires the earliest first", () => {
    const some = deadlines();
    for (const timeoutMs of [50, 20, 90, 10, 70, 30, 60]) some.add(item(timeoutMs), timeoutMs, 0);
    const order = some.expire(100).map(({ name }) => name);
    expect(order).to.deep.equal([10, 20, 30, 50, 60, 70, 90]);
    expect(some.size).to.equal(0);
  });

  it("expires what is due at the same time in the order in which it came", () => {
    const some = deadlines();
    for (let name = 0; name < 20; name++) some.add(item(name), 100, 0);
    const order = some.expire(100).map(({ name }) => name);
    expect(order).to.deep.equal(Array.from({ length: 20 }, (_, i) => i));
  });

  it("agrees with a list that is searched", () => {
    const step = fc.record({
      pass: fc.nat(20),
      timeoutMs: fc.constantFrom(0, 5, 5, 10, 30),
      finish: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const some = deadlines();
        let model: { item: Item; due: number }[] = [];
        let now = 0;
        for (const [name, { pass, timeoutMs, finish }] of steps.entries()) {
          now += pass;
          const expected = model.filter(({ item: { over }, due }) => !over && due <= now);
          model = model.filter(({ item: { over }, due }) => !over && due > now);
          const byName = (a: Item, b: Item): number => a.name - b.name;
          expect(some.expire(now).sort(byName)).to.deep.equal(
            expected.map((each) => each.item).sort(byName),
          );
          const added = item(name);
          some.add(added, timeoutMs, now);
          model.push({ item: added, due: now + timeoutMs });
          const finished = model[finish % (model.length + 1)];
          if (finished !== undefined) finished.item.over = true;
          const dues = model.flatMap(({ item: { over }, due }) => (over ? [] : [due]));
          expect(some.next()).to.equal(dues.length === 0 ? undefined : Math.min(...dues));
        }
      }),
      { numRuns: 60 },
    );
  });
});
