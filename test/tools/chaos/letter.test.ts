import { expect } from "chai";
import {
  bodyOf,
  HASTY_MIX,
  idOf,
  NameSpotter,
  nameOf,
  PLAIN_MIX,
  type Route,
  writeLetter,
} from "../../../tools/chaos/letter.ts";
import { Random } from "../../../tools/chaos/random.ts";

const TO_Q: Route = { exchange: "", routingKey: "q", queues: ["q"], answers: ["confirmed"] };

describe("letters of a chaos run", () => {
  it("have names that give their number", () => {
    for (const id of [1, 42, 12_345_678]) expect(idOf(nameOf(id))).to.equal(id);
    for (const other of ["", "chaos#", "chaos#0000001", "chaos#0000001x", "chaos!00000001", 7]) {
      expect(idOf(other)).to.equal(undefined);
    }
  });

  it("have bodies that differ, of any size", () => {
    for (const size of [0, 1, 14, 15, 5_000]) expect(bodyOf(3, size)).to.have.length(size);
    expect(bodyOf(3, 20)).not.to.deep.equal(bodyOf(4, 20));
    expect(Buffer.from(bodyOf(3, 20)).toString("latin1")).to.include(nameOf(3));
  });

  it("come again with the seed", () => {
    const write = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, (_, id) => writeLetter(id, TO_Q, PLAIN_MIX, random));
    };
    expect(write(1)).to.deep.equal(write(1));
    expect(write(1)).not.to.deep.equal(write(2));
  });

  it("are all that the mix names", () => {
    const random = new Random(1);
    const letters = Array.from({ length: 500 }, (_, id) =>
      writeLetter(id, TO_Q, HASTY_MIX, random, "answer"),
    );
    const having = (test: (letter: (typeof letters)[number]) => boolean): number =>
      letters.filter(test).length;
    expect(having(({ options }) => options.deliveryMode === 2)).to.be.within(100, 300);
    expect(having(({ options }) => options.mandatory === true)).to.be.within(75, 225);
    expect(having(({ options }) => options.timeoutMs !== undefined)).to.be.within(30, 150);
    expect(having(({ options }) => options.signal !== undefined)).to.be.within(20, 100);
    expect(having(({ body }) => body.length === 0)).to.be.within(5, 75);
    expect(having(({ body }) => body.length > 10_000)).to.be.within(20, 150);
    for (const { options, due } of letters) {
      const mayFail = options.timeoutMs !== undefined || options.signal !== undefined;
      expect(due).to.equal(mayFail ? undefined : "answer");
    }
  });
});

describe("spotter of names in a stream", () => {
  const stream = Buffer.concat([
    ...[Buffer.from("chaos"), Buffer.from(nameOf(1)), bodyOf(2, 100), Buffer.from("chaos#12")],
    ...[Buffer.from(nameOf(3)), Buffer.from(nameOf(4))],
  ]);

  for (const size of [1, 2, 5, 13, 14, 15, 1000]) {
    it(`sees each once, in pieces of ${size}`, () => {
      const spotter = new NameSpotter();
      const seen: number[] = [];
      for (let at = 0; at < stream.length; at += size) {
        seen.push(...spotter.see(stream.subarray(at, at + size)));
      }
      expect(seen).to.deep.equal([1, 2, 3, 4]);
    });
  }
});
