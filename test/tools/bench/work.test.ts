import { expect } from "chai";
import { BROKER_WORKS, CURVES, WORKS, type Work } from "../../../tools/bench/work.ts";

describe("the works of the benchmark", () => {
  it("make the promises of this project, to a null broker", () => {
    const promised = WORKS.map(({ id, promised: each }) => [id, each]);
    expect(Object.fromEntries(promised)).to.deep.include({
      "16": { rate: 8, cpuMicros: 1 },
      typical: { rate: 5 },
      mandatory: { rate: 6 },
      single: { rate: 4 },
      "1k": { rate: 4.5 },
      "16k": { rate: 2.2 },
      "1m": { rate: 1.8 },
      "window-1": { latency: 1 },
    });
  });

  it("make others to a real one, which sets the pace itself", () => {
    const promised = BROKER_WORKS.map(({ id, promised: each }) => [id, each]);
    const fast = { rate: 1.5, shareOfLimit: 0.85 };
    expect(Object.fromEntries(promised)).to.deep.include({
      "16": fast,
      typical: {},
      "1k": fast,
      "window-1": { latency: 1 },
    });
  });

  it("are each named once", () => {
    const curves = CURVES.flatMap(({ id, points }) => [id, ...points.map(({ work }) => work.id)]);
    for (const ids of [WORKS.map(({ id }) => id), curves]) {
      expect([...new Set(ids)]).to.deep.equal(ids);
    }
  });

  it("hold enough to draw sizes at one window and windows at one size", () => {
    const plain = WORKS.filter(
      ({ properties, mandatory, acks }) =>
        properties === "none" && !mandatory && acks === "coalesced",
    );
    const sizes = plain.filter(({ window }) => window === 1000).map(({ size }) => size);
    const windows = plain.filter(({ size }) => size === 16).map(({ window }) => window);
    expect(sizes).to.deep.equal([16, 1024, 4096, 16_384, 131_072, 1_048_576]);
    expect(windows).to.have.members([1, 10, 100, 1000, 10_000]);
  });

  it("change one thing along a curve", () => {
    const changes: { readonly [curve: string]: (work: Work) => number | string } = {
      outstanding: ({ window }) => window,
      channels: ({ channels }) => channels,
      connections: ({ connections }) => connections,
      acks: ({ acks }) => acks,
    };
    expect(CURVES.map(({ id }) => id)).to.have.members(Object.keys(changes));
    for (const { id, points } of CURVES) {
      const values = points.map(({ work }) => changes[id]?.(work));
      expect(new Set(values).size, id).to.equal(points.length);
      for (const [other, value] of Object.entries(changes)) {
        if (other === id) continue;
        expect(new Set(points.map(({ work }) => value(work))).size, `${id}: ${other}`).to.equal(1);
      }
      if (id !== "acks") expect(points.map(({ x }) => x)).to.deep.equal(values);
    }
  });

  it("go as far as is promised", () => {
    const last = CURVES.map(({ id, points }) => [id, points.at(-1)?.x]);
    expect(Object.fromEntries(last)).to.deep.include({
      outstanding: 1_000_000,
      channels: 2000,
      connections: 100,
    });
  });
});
