import { expect } from "chai";
import { judge } from "../../../tools/bench/promises.ts";
import {
  formatCurve,
  formatMeasured,
  formatMemory,
  formatVerdicts,
} from "../../../tools/bench/report.ts";
import type { Curve } from "../../../tools/bench/work.ts";
import { held, measured, result, workOf } from "./samples.ts";

describe("the report of the benchmark", () => {
  it("has a line for each contestant, with a bar as long as its rate", () => {
    const lines = formatMeasured(
      measured(
        workOf("16"),
        result("amqp091", 1_000_000),
        result("amqplib", 100_000),
        result("ready-made bytes", 2_000_000, { latency: undefined, brokerCpu: undefined }),
      ),
    );
    const bar = "▇";
    expect(lines[0]).to.equal("16 B");
    expect(lines[1]).to.match(/msg\/s +spread +CPU µs\/msg +p50 µs +p99 µs +broker CPU/);
    expect(lines[2]).to.match(/^ {2}amqp091 +1,000,000 +5 % +1\.00 +1,000 +2,000 +40 % +▇{10}$/);
    expect(lines[3]).to.match(/^ {2}amqplib +100,000 +5 % +10\.00 +10,000 +20,000 +40 % +▇$/);
    expect(lines[4]).to.match(
      new RegExp(`^ {2}ready-made bytes +2,000,000 +5 % +0\\.50 +${bar}{20}`),
    );
    expect(lines.slice(5)).to.deep.equal([
      "  10.0 times the rate of the fastest peer",
      "  50 % of the rate of ready-made bytes",
    ]);
  });

  it("compares latencies where messages go one at a time", () => {
    const lines = formatMeasured(
      measured(workOf("window-1"), result("amqp091", 3000), result("amqplib", 1500)),
    );
    expect(lines.at(-1)).to.equal("  0.50 times the median latency of the fastest peer");
  });

  it("names who did not do a work", () => {
    const failures = [{ contestant: "amqplib", reason: "it ended with 1" }] as const;
    const lines = formatMeasured({ ...measured(workOf("16"), result("amqp091", 1)), failures });
    expect(lines).to.include("  amqplib did not do it: it ended with 1");
  });

  it("ends with each promise, what was measured, and whether it held", () => {
    const verdicts = judge([
      measured(
        workOf("16", { rate: 2, cpuMicros: 1 }),
        result("amqp091", 300, { cpuMicros: 3 }),
        result("amqplib", 100),
      ),
    ]);
    const [titles, ...lines] = formatVerdicts(verdicts);
    expect(titles).to.match(/^promise +promised +measured$/);
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/^16 B +rate, to the fastest peer +at least 2 x +3\.00 x +held$/);
    expect(lines[1]).to.match(/^16 B +CPU of ours .* +at most 1 µs +3\.00 µs +NOT HELD$/);
    expect(formatVerdicts([])).to.deep.equal([]);
  });

  it("shows along a curve how many times the first point each costs", () => {
    const work = workOf("16");
    const [one, many] = [
      { ...work, id: "one" },
      { ...work, id: "many" },
    ];
    const curve: Curve = {
      id: "outstanding",
      title: "unconfirmed messages",
      axis: "messages unconfirmed",
      points: [
        { x: 1, work: one },
        { x: 1_000_000, work: many },
      ],
    };
    const lines = formatCurve(curve, [
      measured(one, result("amqp091", 1, { cpuMicros: 2 }), result("amqplib", 1, { cpuMicros: 8 })),
      {
        ...measured(many, result("amqp091", 1, { cpuMicros: 3 })),
        failures: [{ contestant: "amqplib", reason: "no answer" }],
      },
    ]);
    expect(lines[0]).to.include("by messages unconfirmed");
    expect(lines[1]).to.match(/amqp091 +amqplib$/);
    expect(lines[2]).to.match(/ 1 +2\.00 \(1\.00\) +8\.00 \(1\.00\)$/);
    expect(lines[3]).to.match(/ 1,000,000 +3\.00 \(1\.50\)$/);
    expect(lines[4]).to.equal("  1,000,000: amqplib did not do it: no answer");
  });

  it("shows memory in all and for each, and who held less", () => {
    const lines = formatMemory(
      held({ amqp091: 1048.576, amqplib: 2097.152, "rabbitmq-client": "too many" }),
    );
    expect(lines[0]).to.equal("1,000 idle connections");
    expect(lines[2]).to.match(/amqp091 +1,000 +1\.0 +1,049 +2\.0 +2,097$/);
    expect(lines.slice(-2)).to.deep.equal([
      "  rabbitmq-client held 7 and no more: too many",
      "  0.50 times the heap of the leanest peer",
    ]);
  });
});
