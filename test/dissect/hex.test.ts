import { expect } from "chai";
import fc from "fast-check";
import { looksLikeHex, parseHex } from "../../src/dissect/hex.ts";
import { toHex } from "../wire/octets.ts";

/** As xxd prints them. */
function xxd(octets: Uint8Array): string {
  return lines(octets, 16, (part, at) => {
    const digits = Buffer.from(part)
      .toString("hex")
      .replace(/(.{4})/g, "$1 ")
      .trimEnd();
    return `${at.toString(16).padStart(8, "0")}: ${digits.padEnd(39)}  ${ascii(part)}`;
  });
}

/** As hexdump -C prints them; the last line has the length alone. */
function hexdump(octets: Uint8Array): string {
  const body = lines(octets, 16, (part, at) => {
    const digits = [toHex(part.subarray(0, 8)), toHex(part.subarray(8))].join("  ");
    return `${at.toString(16).padStart(8, "0")}  ${digits.padEnd(49)} |${ascii(part)}|`;
  });
  return `${body}\n${octets.length.toString(16).padStart(8, "0")}\n`;
}

/** As Wireshark copies them. */
function wireshark(octets: Uint8Array): string {
  return lines(
    octets,
    16,
    (part, at) =>
      `${at.toString(16).padStart(4, "0")}   ${toHex(part).padEnd(47)}   ${ascii(part)}`,
  );
}

function lines(
  octets: Uint8Array,
  size: number,
  line: (part: Uint8Array, at: number) => string,
): string {
  const all: string[] = [];
  for (let at = 0; at < octets.length; at += size)
    all.push(line(octets.subarray(at, at + size), at));
  return all.join("\n");
}

function ascii(octets: Uint8Array): string {
  return Array.from(octets, (octet) =>
    octet < 32 || octet > 126 ? "." : String.fromCharCode(octet),
  ).join("");
}

const FORMS: Record<string, (octets: Uint8Array) => string> = {
  xxd: xxd,
  "hexdump -C": hexdump,
  "Wireshark's dump": wireshark,
  "a hex stream": (octets) => Buffer.from(octets).toString("hex"),
  "octets with spaces": (octets) => toHex(octets).toUpperCase(),
  "a C array": (octets) =>
    `{ ${Array.from(octets, (octet) => `0x${octet.toString(16).padStart(2, "0")}`).join(", ")} };`,
  escapes: (octets) =>
    `"${Array.from(octets, (octet) => `\\x${octet.toString(16).padStart(2, "0")}`).join("")}"`,
  "a stream over lines with comments": (octets) =>
    `# a frame\n${lines(octets, 10, (part) => toHex(part))}\n// the end\n`,
};

describe("hexadecimal text", () => {
  for (const [name, form] of Object.entries(FORMS)) {
    it(`is read from ${name}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (octets) => {
          // A stream that begins with zeros and has gaps like a dump's is one.
          fc.pre(name !== "a stream over lines with comments" || octets[0] !== 0);
          const text = form(octets);
          expect(parseHex(text)).to.deep.equal({ bytes: octets, error: undefined });
          expect(looksLikeHex(new TextEncoder().encode(text))).to.equal(true);
        }),
        { numRuns: 300 },
      );
    });
  }

  const wrong: [text: string, says: RegExp][] = [
    ["01 02\n03 0", /line 2 has half an octet/],
    ["01 02\nhello", /line 2 is not hexadecimal: hello/],
    ["0000  01 02\n0002  03 04\n0010  05", /line 3 says that 16 octets came before it; it is 4/],
  ];
  for (const [text, says] of wrong) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parseHex(text).error).to.match(says);
    });
  }

  it("is not what has other octets in it", () => {
    expect(looksLikeHex(new TextEncoder().encode("AMQP"))).to.equal(false);
    expect(looksLikeHex(Uint8Array.of(0x41, 0x42, 0))).to.equal(false);
    expect(looksLikeHex(new Uint8Array(0))).to.equal(false);
  });
});
