import { expect } from "chai";
import fc from "fast-check";
import { hexTextOf, looksLikeHex, parseHex } from "../../src/dissect/hex.ts";
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
    expect(looksLikeHex(Uint8Array.of(0x30, 0x31, 0x0b))).to.equal(false);
    expect(looksLikeHex(new Uint8Array(0))).to.equal(false);
    const words = new TextEncoder().encode(`${"no octets\n".repeat(400)}${"01".repeat(100)}`);
    expect(looksLikeHex(words)).to.equal(false);
  });

  describe("in one line longer than what is looked at", () => {
    const octets = Uint8Array.from({ length: 9000 }, (_, i) => (i * 31) & 255);
    const digits = Buffer.from(octets).toString("hex");
    const each = (prefix: string, between: string): string =>
      Array.from(octets, (octet) => `${prefix}${octet.toString(16).padStart(2, "0")}`).join(
        between,
      );
    const forms: Record<string, string> = {
      "a hex stream": digits,
      "a hex stream with a line's end": `${digits}\n`,
      "bytes.hex(' ')": each("", " "),
      "octets with colons": each("", ":"),
      "a C array": `{${each("0x", ", ")}}`,
      escapes: `"${each("\\x", "")}"`,
      "a stream behind a comment": `# said by the client\n${digits}`,
    };
    for (const [name, text] of Object.entries(forms)) {
      it(`is seen, wherever it is cut: ${name}`, () => {
        const file = new TextEncoder().encode(text);
        expect(parseHex(text)).to.deep.equal({ bytes: octets, error: undefined });
        for (const length of [file.length, 4096, 4097, 4098, 4099, 4100]) {
          expect(looksLikeHex(file.subarray(0, length)), String(length)).to.equal(true);
        }
        // What is looked at is cut at other places of an octet.
        for (const lead of [" ", "  ", "   "]) {
          expect(looksLikeHex(new TextEncoder().encode(lead + text))).to.equal(true);
        }
      });
    }
  });

  describe("that leaves out repeated lines", () => {
    const line = "41 41 41 41 41 41 41 41";
    const words = "4141 4141 4141 4141";
    const dump = (...more: string[]): string => [`00000000  ${line}`, ...more].join("\n");
    const read: [name: string, text: string, length: number][] = [
      ["up to the next line", dump("*", `00000020  ${line}`, "00000028"), 40],
      ["at the beginning and twice", dump("*", `00000010  ${line}`, "*", "00000028"), 40],
      ["up to a part of a line at the end", dump(`00000008  ${line}`, "*", "0000001b"), 27],
      ["with octal offsets", `0000000 ${line}\n*\n0000040 41\n0000041\n`, 33],
      ["with decimal offsets", `0000000 ${line}\n*\n0000048 41 41\n0000050\n`, 50],
      [
        "with decimal offsets like octal ones",
        `0000000 ${line}\n*\n0000040 ${line}\n0000048\n`,
        48,
      ],
      ["with hexdump's words", `0000000 ${words}\n*\n0000020 4141\n0000022\n`, 34],
      ["with decimal offsets, to the end", `0000000 ${line}\n*\n0000088\n`, 88],
    ];
    for (const [name, text, length] of read) {
      it(`has them all, ${name}`, () => {
        const { bytes, error } = parseHex(text);
        expect(error).to.equal(undefined);
        expect(bytes).to.deep.equal(new Uint8Array(length).fill(0x41));
      });
    }

    const unknown: [text: string, says: RegExp][] = [
      [dump("*"), /line 2 repeats the one before it, and no offset says how often/],
      [dump("*", `0000000b  ${line}`), /line 3 says that 11 octets came before it; it is 8/],
      [dump("*", "00000004"), /line 3 says that 4 octets came before it; it is 8/],
      [dump("*", "ffffffff"), /line 3 says that 4294967295 octets came before it; it is 8/],
      ["0000 \n*\n0010", /line 3 says that 16 octets came before it; it is 0/],
      [`${line}\n*\n${line}`, /line 2 stands for lines that are left out/],
    ];
    for (const [text, says] of unknown) {
      it(`is refused where nobody can know: ${JSON.stringify(text.replaceAll(line, "…"))}`, () => {
        expect(parseHex(text).error).to.match(says);
      });
    }
  });

  it("is read from od, whose offsets are octal or decimal", () => {
    const part = "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10";
    for (const [second, end] of [
      ["0000020", "0000022"],
      ["0000016", "0000018"],
    ]) {
      const { bytes, error } = parseHex(`0000000 ${part}\n${second} 01 02\n${end}\n`);
      expect({ error, bytes: toHex(bytes) }).to.deep.equal({
        error: undefined,
        bytes: `${part} 01 02`,
      });
    }
  });

  const likeDigits: [name: string, text: string, octets: string][] = [
    [
      "lines of 4",
      "00000000: 61 62 31 32  ab12\n00000004: 61 62 63     abc\n",
      "61 62 31 32 61 62 63",
    ],
    [
      "lines of 8",
      "00000000: 6162 3132 6364 3334  ab12cd34\n00000008: 6162  ab\n",
      "61 62 31 32 63 64 33 34 61 62",
    ],
    ["one line", "00000000: 6162  ab\n", "61 62"],
    [
      "half a line",
      `0000   ${"00 ".repeat(16)}  ................\n0010   ${"ab ".repeat(8)}${" ".repeat(26)}abcdabcd`,
      `${"00 ".repeat(16)}${"ab ".repeat(8)}`.trimEnd(),
    ],
  ];
  for (const [name, text, expected] of likeDigits) {
    it(`is read from a dump whose text is like digits: ${name}`, () => {
      const { bytes, error } = parseHex(text);
      expect({ error, bytes: toHex(bytes) }).to.deep.equal({ error: undefined, bytes: expected });
    });
  }

  it("is a stream where nothing says that the zeros in front are an offset", () => {
    const { bytes, error } = parseHex("0000 0102");
    expect({ error, bytes: toHex(bytes) }).to.deep.equal({
      error: undefined,
      bytes: "00 00 01 02",
    });
  });

  const programs: [name: string, text: string][] = [
    [
      "xxd -i",
      "unsigned char c_bin[] = {\n  0x01, 0x02,\n  0x03\n};\nunsigned int c_bin_len = 3000;\n",
    ],
    [
      "a length before the array",
      "int n = 3;\nchar b[3] = { 1,2 , 3 };".replace("1,2 , 3", "01,02,03"),
    ],
    ["a string and a length", 'char b[] = "\\x01\\x02\\x03";\nsize_t b_len = 3;\n'],
    ["a string over lines", '"\\x01\\x02" \\\n"\\x03"\n'],
    [
      "Wireshark's C array",
      "/* Frame (3 bytes) */\nstatic const unsigned char pkt1[3] = {\n0x01, 0x02, 0x03 /* ab. */\n};\n",
    ],
    ["Go", "data := []byte{\n\t0x01, 0x02, // the beginning\n\t0x03,\n}\n"],
    ["Python", "data = (\n    b\"\\x01\\x02\"\n    B'\\x03'\n)\n"],
    ["nested braces", "struct frame f = { { 0x01 }, 0x02, { 0x03 } };"],
    ["C#", "byte[] data = new byte[] { 0x01, 0x02, 0x03 };"],
  ];
  for (const [name, text] of programs) {
    it(`is read from a program: ${name}`, () => {
      const { bytes, error } = parseHex(text);
      expect({ error, bytes: toHex(bytes) }).to.deep.equal({ error: undefined, bytes: "01 02 03" });
      expect(looksLikeHex(new TextEncoder().encode(text))).to.equal(true);
    });
  }

  it("is read from mails, and behind a byte order mark", () => {
    const octets = Uint8Array.from({ length: 40 }, (_, i) => i);
    const texts = [xxd(octets), hexdump(octets), toHex(octets), toHex(octets).replaceAll(" ", ":")];
    for (const text of texts) {
      const files = [
        new TextEncoder().encode(text.replaceAll(/^/gm, "> ")),
        new TextEncoder().encode(text.replaceAll(/^/gm, ">> ").replaceAll("\n", "\r\n")),
        new TextEncoder().encode(`\ufeff${text}`),
        new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le")),
        new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le").swap16()),
        new TextEncoder().encode(text.replaceAll("  ", " \u00a0")),
      ];
      for (const file of files) {
        expect(looksLikeHex(file)).to.equal(true);
        expect(parseHex(hexTextOf(file))).to.deep.equal({ bytes: octets, error: undefined });
      }
    }
  });

  const swapped: [name: string, text: string, says: RegExp][] = [
    ["hexdump", "0000000 4d41 5051 0000 0109 00ce\n0000009\n", /in pairs \(4d41 = MA\)/],
    [
      "od -x",
      "0000000 4d41 5051 0000 0109 0001 0000 0500 0a00\n0000020 ce00\n0000022\n",
      /in pairs/,
    ],
    ["od -t x4", "0000000 50514d41 01090000\n0000010\n", /in groups of 4/],
    ["xxd -e", "00000000: 50514d41 01090000  AMQP....\n", /in groups of 4/],
    ["xxd -e -g 2", "00000000: 4d41 5051 0000 0901  AMQP....\n", /in pairs \(4d41 = MA\)/],
    ["a frame", "0000000 0001 0000 0500 1400 0a00 0000 00ce\n000000d\n", /in pairs, as/],
  ];
  for (const [name, text, says] of swapped) {
    it(`of words is told: ${name}`, () => {
      const { error, note } = parseHex(text);
      expect(error).to.equal(undefined);
      expect(note)
        .to.match(says)
        .and.match(/use hexdump -C/);
    });
  }

  it("of words that begins a connection in the right order is not told to be swapped", () => {
    const text = "0000000 414d 5150 0000 0901\n0000010\n"; // od -t x2 --endian=big
    const { bytes, error, note } = parseHex(text);
    expect({ error, note }).to.deep.equal({ error: undefined, note: undefined });
    expect(toHex(bytes)).to.equal("41 4d 51 50 00 00 09 01");
  });
});
