import { expect } from "chai";
import { drawCurves, drawResults } from "../../../tools/bench/pictures.ts";
import { CURVES } from "../../../tools/bench/work.ts";
import { measured, result, SETTING, workOf } from "./samples.ts";

const ALL = ["16", "1k", "1m", "window-1", "window-10", "typical"].map((id, i) =>
  measured(
    workOf(id),
    result("amqp091", 1_000_000 / (i + 1)),
    result("amqplib", 100_000 / (i + 1)),
    result("ready-made bytes", 3_000_000, { latency: undefined }),
  ),
);

describe("the pictures of the benchmark", () => {
  const results = drawResults(ALL, SETTING);
  const texts = [...results.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

  it("are well-formed XML, whatever names stand in them", () => {
    const elements = elementsOf(results);
    expect(elements[0]).to.equal("svg");
    expect(results).to.include("Abacus &lt;4&gt; &amp; sons");
  });

  it("say where and how was measured, and in which units", () => {
    expect(texts.join("\n"))
      .to.include("Node 99.1.2")
      .and.include("2 cores")
      .and.include("a null broker")
      .and.include("medians of 3 rounds of 1.5 s");
    expect(texts).to.include.members([
      ...["confirmed messages/s", "µs for a message"],
      ...["from publish to confirm, p50", "from publish to confirm, p99"],
      ...["octets of the body, 1,000 unconfirmed", "publishes that may be unconfirmed, 16 B"],
      ...["1 ms", "1 Ki", "1 Mi"],
    ]);
  });

  it("have a panel for rate, CPU, p50 and p99, by size and by window", () => {
    const panels = texts.filter((text) => / by (message size|window)$/.test(text ?? ""));
    expect(panels).to.have.length(8);
    expect(new Set(panels).size).to.equal(8);
  });

  it("name in the legend those who took part and nobody else", () => {
    expect(texts).to.include.members(["amqp091", "amqplib", "ready-made bytes"]);
    expect(texts).not.to.include("rabbitmq-client");
  });

  it("draw every point that was measured and none that was not", () => {
    const points = (name: string) => pointsOf(results, name);
    // Three sizes and three windows, of which 16 B at 1,000 is both; in four panels.
    expect(points("amqp091")).to.have.length(4 * (3 + 3));
    // Of ready-made bytes there is no latency; properties are no matter of size or window.
    expect(points("ready-made bytes")).to.have.length(2 * (3 + 3));
    expect(points("amqp091")).to.include(
      "amqp091, octets of the body, 1,000 unconfirmed 1 Ki: 500 k confirmed messages/s",
    );
  });

  it("put higher values higher and larger ones to the right", () => {
    const rate = results.slice(results.indexOf("Rate by message size"));
    const line = /<g data-series="amqp091">\s*<polyline points="([^"]+)"/.exec(rate)?.[1] ?? "";
    const places = line.split(" ").map((place) => place.split(",").map(Number));
    expect(places).to.have.length(3);
    const [x, y] = [0, 1].map((i) => places.map((place) => place[i] ?? Number.NaN));
    expect(x).to.deep.equal([...(x ?? [])].sort((a, b) => a - b));
    // The rates fall from size to size, and down is where y grows.
    expect(y).to.deep.equal([...(y ?? [])].sort((a, b) => a - b));
  });

  it("stay inside of the frame", () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(results) ?? [];
    let inside = 0;
    for (const group of results.matchAll(/<g transform="translate\((\d+) (\d+)\)">/g)) {
      expect(Number(group[1]) + 440).to.be.at.most(Number(width));
      expect(Number(group[2]) + 262).to.be.at.most(Number(height));
      inside++;
    }
    expect(inside).to.equal(8);
    for (const [, x, y] of results.matchAll(/<path [^>]*translate\(([\d.-]+) ([\d.-]+)\)/g)) {
      expect(Number(x)).to.be.within(0, 900);
      expect(Number(y)).to.be.within(0, 262);
    }
  });

  it("draw one point, and nothing at all, without a number that is none", () => {
    const one = drawResults([measured(workOf("16"), result("amqp091", 123))], SETTING);
    expect(pointsOf(one, "amqp091")).to.have.length(8);
    const idle = result("amqplib", 5, { cpuMicros: 0 });
    const zero = drawResults([measured(workOf("16"), idle)], SETTING);
    expect(pointsOf(zero, "amqplib")).to.have.length(6);
    for (const picture of [one, zero, drawResults([], SETTING), results]) {
      elementsOf(picture);
      expect(picture).not.to.match(/NaN|Infinity|undefined/);
    }
  });

  it("draw the curves, and kinds of acks as points without a line", () => {
    const all = CURVES.flatMap(({ points }) =>
      points.map(({ work }, i) => measured(work, result("amqp091", 1000 + i))),
    );
    const curves = drawCurves(CURVES, all, SETTING);
    elementsOf(curves);
    expect(pointsOf(curves, "amqp091")).to.have.length(all.length);
    expect(curves.match(/<polyline/g)).to.have.length(CURVES.length - 1);
    for (const word of ["descending", "random", "1 M", "2 k", "µs for a message"]) {
      expect(curves).to.include(`>${word}<`);
    }
  });
});

/** What each point of a contestant says of itself. */
function pointsOf(svg: string, name: string): string[] {
  const groups = svg.split(`<g data-series="${name}">`).slice(1);
  return groups.flatMap((group) =>
    [...group.slice(0, group.indexOf("</g>")).matchAll(/<title>([^<]*)<\/title>/g)].map(
      ([, told]) => told ?? "",
    ),
  );
}

/** The names of all elements in order; raises if they do not nest or an attribute is broken. */
function elementsOf(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const tag = /<(?:\/([\w-]+)|([\w-]+)((?:\s+[\w:-]+="[^"<&]*(?:&\w+;[^"<&]*)*")*)\s*(\/)?)>/y;
  let at = 0;
  while (at < xml.length) {
    const text = /[^<]*/y;
    text.lastIndex = at;
    const words = text.exec(xml)?.[0] ?? "";
    if (/&(?!\w+;)/.test(words)) throw new Error(`a bare & in ${words}`);
    at += words.length;
    if (at === xml.length) break;
    tag.lastIndex = at;
    const found = tag.exec(xml);
    if (found === null) throw new Error(`no tag: ${xml.slice(at, at + 80)}`);
    const [whole, closes, opens, , empty] = found;
    at += whole.length;
    if (closes !== undefined && open.pop() !== closes) throw new Error(`${closes} closes another`);
    if (opens === undefined) continue;
    names.push(opens);
    if (empty === undefined) open.push(opens);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(", ")}`);
  return names;
}
