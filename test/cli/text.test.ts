import { expect } from "chai";
import fc from "fast-check";
import { paintFor } from "../../src/cli/paint.ts";
import { printable } from "../../src/cli/printable.ts";
import { Progress } from "../../src/cli/progress.ts";
import {
  fold,
  formatCount,
  formatRate,
  formatRow,
  formatSeconds,
  formatTable,
  wrap,
} from "../../src/cli/table.ts";
import { Capture } from "./test-io.ts";

describe("table", () => {
  it("makes every column as wide as its widest cell", () => {
    const columns = [{ title: "name" }, { title: "n", align: "right" }, { title: "" }] as const;
    expect(
      formatTable(columns, [
        ["a", "1,000", "first"],
        ["longer", "5", ""],
      ]),
    ).to.deep.equal(["name        n", "a       1,000  first", "longer      5"]);
  });

  it("does not count colours", () => {
    const [title, row] = formatTable(
      [{ title: "x", align: "right" }, { title: "y" }],
      [["\x1b[31m123\x1b[39m", "z"]],
    );
    expect(title).to.equal("  x  y");
    expect(row).to.equal("\x1b[31m123\x1b[39m  z");
  });

  it("keeps the least width, and lets a cell that is too wide stand out", () => {
    const columns = [{ title: "x", width: 4 }, { title: "y" }];
    expect(formatRow(columns, ["ab", "c"])).to.equal("ab    c");
    expect(formatRow(columns, ["abcdef", "c"])).to.equal("abcdef  c");
  });

  it("wraps at spaces", () => {
    expect(wrap("one two  three", 8)).to.deep.equal(["one two", "three"]);
    expect(wrap("unbreakable it", 5)).to.deep.equal(["unbreakable", "it"]);
    expect(wrap("", 5)).to.deep.equal([""]);
  });

  it("folds a text, of which nothing is lost but a space at each break", () => {
    expect(fold("one two  three", 8)).to.deep.equal(["one two ", "three"]);
    expect(fold("unbreakable it", 5)).to.deep.equal(["unbre", "akabl", "e it"]);
    expect(fold("", 5)).to.deep.equal([""]);
    expect(fold(" x", 1)).to.deep.equal([" ", "x"]);
    expect(fold("a😀b", 2)).to.deep.equal(["a", "😀", "b"]);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 2, max: 20 }), (text, width) => {
        const lines = fold(text, width);
        expect(lines.every(({ length }) => length <= width)).to.equal(true);
        expect(lines.join("").replaceAll(" ", "")).to.equal(text.replaceAll(" ", ""));
        expect(lines.join(" ").length).to.be.at.least(text.length);
      }),
    );
  });

  it("writes numbers as people read them", () => {
    expect(formatCount(1_234_567)).to.equal("1,234,567");
    expect(formatSeconds(12_345)).to.equal("12.35 s");
    expect(formatRate(500, 250)).to.equal("2,000");
    expect(formatRate(0, 0)).to.equal("0");
  });
});

describe("printable", () => {
  it("shows no password of a URL", () => {
    for (const url of ["amqp://u:pass@h/v", "AMQPS://u:p@ss@h", "x amqp://u:a/pass@h y"]) {
      expect(printable(url)).not.to.match(/p@?a?ss@|ss@|pass/);
    }
    expect(printable("amqp://host/vhost")).to.equal("amqp://host/vhost");
  });

  it("sends no control character to a terminal, but line ends", () => {
    expect(printable("a\x1b[31mb\x07\x9b\nc")).to.equal("a\\x1b[31mb\\x07\\x9b\nc");
  });
});

describe("paint", () => {
  it("is for terminals that have it, unless NO_COLOR is set", () => {
    const pipe = new Capture();
    const terminal = Object.assign(new Capture(), { isTTY: true });
    expect(paintFor(terminal, {}).good("x")).to.equal("\x1b[32mx\x1b[39m");
    expect(paintFor(terminal, { NO_COLOR: "" }).bold("x")).to.equal("\x1b[1mx\x1b[22m");
    expect(paintFor(terminal, { NO_COLOR: "1" }).good("x")).to.equal("x");
    expect(paintFor(terminal, { TERM: "dumb" }).bad("x")).to.equal("x");
    expect(paintFor(pipe, {}).dim("x")).to.equal("x");
  });
});

describe("progress", () => {
  it("rewrites one line of a terminal, cut to its width, and takes it away", async () => {
    const terminal = Object.assign(new Capture(), { isTTY: true, columns: 6 });
    const progress = new Progress(terminal, {}, () => "0123456789");
    progress.start();
    while (!terminal.text.includes("0")) await new Promise((resolve) => setTimeout(resolve, 10));
    progress.stop();
    progress.stop();
    expect(terminal.text.replaceAll("\r\x1b[K", "|")).to.match(/^(\|01234)+\|$/);
  });

  it("writes nothing where there is no terminal", async () => {
    const pipe = new Capture();
    const progress = new Progress(pipe, {}, () => "x");
    progress.start();
    await new Promise((resolve) => setTimeout(resolve, 150));
    progress.stop();
    expect(pipe.text).to.equal("");
  });
});
