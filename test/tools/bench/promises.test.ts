import { expect } from "chai";
import { judge, judgeMemory, memoryToPeers } from "../../../tools/bench/promises.ts";
import { held, measured, result, workOf } from "./samples.ts";

describe("promises of the benchmark", () => {
  it("compare the rate with the fastest peer, never with ready-made bytes", () => {
    const all = measured(
      workOf("16", { rate: 8 }),
      result("amqp091", 850_000),
      result("amqplib", 100_000),
      result("rabbitmq-client", 50_000),
      result("ready-made bytes", 5_000_000),
    );
    expect(judge([all])).to.deep.equal([
      {
        work: "16 B",
        what: "rate, to the fastest peer",
        promised: "at least 8 x",
        measured: "8.50 x",
        held: true,
      },
    ]);
  });

  it("are not held a little below what was promised", () => {
    const all = measured(
      workOf("16", { rate: 10 }),
      result("amqp091", 999),
      result("amqplib", 100),
    );
    expect(judge([all])).to.have.nested.property("[0].held", false);
    expect(judge([all])).to.have.nested.property("[0].promised", "at least 10 x");
  });

  it("compare the median latency with that of the fastest peer", () => {
    const latency = (p50: number) => ({ latency: { p50, p99: 1 } });
    const work = workOf("window-1", { latency: 1 });
    const verdict = (ours: number) =>
      judge([
        measured(
          work,
          result("amqp091", 1, latency(ours)),
          result("amqplib", 1, latency(50)),
          result("@cloudamqp/amqp-client", 1, latency(40)),
          result("ready-made bytes", 1, latency(1)),
        ),
      ])[0];
    expect(verdict(40)).to.include({ measured: "1.00 x", promised: "at most 1 x", held: true });
    expect(verdict(50)).to.include({ measured: "1.25 x", held: false });
  });

  it("bound the CPU of ours, whoever else takes part", () => {
    const verdict = (cpuMicros: number) =>
      judge([measured(workOf("16", { cpuMicros: 1 }), result("amqp091", 1, { cpuMicros }))])[0];
    expect(verdict(0.61)).to.include({ promised: "at most 1 µs", measured: "0.61 µs", held: true });
    expect(verdict(1.2)).to.include({ measured: "1.20 µs", held: false });
  });

  it("compare with ready-made bytes", () => {
    const verdict = (ours: number) =>
      judge([
        measured(
          workOf("1k", { shareOfLimit: 0.85 }),
          result("amqp091", ours),
          result("ready-made bytes", 1000),
        ),
      ])[0];
    expect(verdict(860)).to.include({ promised: "at least 85 %", measured: "86 %", held: true });
    expect(verdict(840)).to.include({ measured: "84 %", held: false });
  });

  it("say nothing of works without those they speak of", () => {
    const everything = { rate: 1, latency: 1, cpuMicros: 1, shareOfLimit: 0.5 };
    const peersAlone = measured(workOf("16", everything), result("amqplib", 10));
    const oursAlone = measured(workOf("16", { rate: 1, latency: 1 }), result("amqp091", 10));
    const unpromised = measured(workOf("4k"), result("amqp091", 2), result("amqplib", 1));
    expect(judge([peersAlone, oursAlone, unpromised])).to.deep.equal([]);
  });

  it("compare memory with the leanest peer that held all of it", () => {
    const all = held({
      amqp091: 900,
      amqplib: 1800,
      "rabbitmq-client": 1000,
      "@cloudamqp/amqp-client": "it gave up",
    });
    expect(judgeMemory([all])).to.deep.equal([
      {
        work: "1,000 idle connections",
        what: "heap, to the leanest peer",
        promised: "at most 1 x",
        measured: "0.90 x",
        held: true,
      },
    ]);
  });

  it("say nothing of memory when ours or every peer held less", () => {
    expect(memoryToPeers(held({ amqp091: "no", amqplib: 1 }))).to.equal(undefined);
    expect(memoryToPeers(held({ amqp091: 1, amqplib: "no" }))).to.equal(undefined);
  });
});
