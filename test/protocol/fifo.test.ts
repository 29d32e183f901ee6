import { expect } from "chai";
import fc from "fast-check";
import { Fifo } from "../../src/protocol/fifo.ts";

describe("Fifo", () => {
  it("is empty at first", () => {
    const fifo = new Fifo<number>();
    expect(fifo.length).to.equal(0);
    expect(fifo.peek()).to.equal(undefined);
    expect(fifo.shift()).to.equal(undefined);
    expect([...fifo]).to.deep.equal([]);
  });

  it("agrees with an array, whatever is pushed and taken", () => {
    const steps = fc.array(fc.integer({ min: -1500, max: 2000 }), { maxLength: 12 });
    fc.assert(
      fc.property(steps, (counts) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        let next = 0;
        for (const count of counts) {
          for (let i = 0; i < count; i++) {
            fifo.push(next);
            model.push(next++);
          }
          const taken = model.slice(0, Math.max(0, -count));
          for (const expected of taken) if (fifo.shift() !== expected) throw new Error("order");
          model = model.slice(taken.length);
          if (fifo.length !== model.length || fifo.peek() !== model[0]) throw new Error("front");
        }
        expect([...fifo]).to.deep.equal(model);
      }),
      { numRuns: 50 },
    );
  });

  it("finds and takes what is in the middle", () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 6; i++) fifo.push(i);
    fifo.shift();
    expect(fifo.indexWhere((item) => item === 3)).to.equal(2);
    expect(fifo.indexWhere((item) => item === 0)).to.equal(-1);
    expect([fifo.at(0), fifo.at(2), fifo.at(5)]).to.deep.equal([1, 3, undefined]);
    expect(fifo.takeAt(2)).to.equal(3);
    expect(fifo.takeAt(0)).to.equal(1);
    expect(fifo.takeAt(9)).to.equal(undefined);
    expect([...fifo]).to.deep.equal([2, 4, 5]);
    expect(fifo.length).to.equal(3);
  });

  it("lets go of what was taken", () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 3000; i++) fifo.push(i);
    for (let i = 0; i < 2999; i++) fifo.shift();
    expect([...fifo]).to.deep.equal([2999]);
    expect(fifo.shift()).to.equal(2999);
    expect(fifo.shift()).to.equal(undefined);
    fifo.push(1);
    expect(fifo.shift()).to.equal(1);
  });
});
