import { expect } from "chai";
import fc from "fast-check";
import { LineSplitter, splitLines } from "../../src/cli/lines.ts";

const LF = 0x0a;

/** Bytes in which line ends, carriage returns, NULs and bytes that are not UTF-8 are frequent. */
const bytes = fc
  .array(fc.oneof(fc.constantFrom(LF, LF, 0x0d, 0x00, 0xff, 0xc3), fc.nat(255)), { maxLength: 200 })
  .map((octets) => Buffer.from(octets));

describe("lines", () => {
  it("are the same however the input is chopped, and join back to it", () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200), { maxLength: 20 }), (input, cuts) => {
        const lines = split(chop(input, cuts));
        expect(lines).to.deep.equal(split([input]));
        expect(lines.some((line) => line.includes(LF))).to.equal(false);
        const terminated = input.at(-1) === LF;
        const joined = Buffer.from(
          lines.map((line) => line.toString("latin1")).join("\n"),
          "latin1",
        );
        expect(joined.equals(terminated ? input.subarray(0, -1) : input)).to.equal(true);
        const terminators = input.filter((octet) => octet === LF).length;
        expect(lines).to.have.length(terminators + (input.length === 0 || terminated ? 0 : 1));
      }),
    );
  });

  const cases: [input: string, lines: string[]][] = [
    ["", []],
    ["\n", [""]],
    ["\n\n", ["", ""]],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a\r", "b\r"]],
    ["\r", ["\r"]],
    ["a\0b\n\n\u2028c", ["a\0b", "", "\u2028c"]],
  ];
  for (const [input, lines] of cases) {
    it(`of ${JSON.stringify(input)} are ${JSON.stringify(lines)}`, () => {
      expect(split([Buffer.from(input)]).map(String)).to.deep.equal(lines);
    });
  }

  it("within one chunk are views of it", () => {
    const chunk = Buffer.from("one\ntwo\n");
    const [line] = [...new LineSplitter().push(chunk)];
    expect(line?.buffer).to.equal(chunk.buffer);
  });

  it("of many megabytes in small chunks take linear time", function () {
    this.timeout(5_000);
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(1024, 0x61);
    let lines = 0;
    for (let i = 0; i < 32_768; i++) for (const _ of splitter.push(chunk)) lines++;
    expect(lines).to.equal(0);
    expect(splitter.end()).to.have.length(33_554_432);
  });

  it("are read as they are asked for, and the stream is told of an early end", async () => {
    let chunks = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          chunks++;
          yield Buffer.from("line\n");
        }
      } finally {
        ended = true;
      }
    }
    let lines = 0;
    for await (const line of splitLines(endless())) {
      expect(String(line)).to.equal("line");
      if (++lines === 3) break;
    }
    expect(chunks).to.equal(3);
    expect(ended).to.equal(true);
  });
});

function split(chunks: readonly Uint8Array[]): Buffer[] {
  const splitter = new LineSplitter();
  const lines = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  const last = splitter.end();
  return [...lines, ...(last === undefined ? [] : [last])].map((line) => Buffer.from(line));
}

function chop(input: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => Math.min(cut, input.length)), input.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, i) => input.subarray(places[i], end));
}
