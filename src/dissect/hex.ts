/**
 * Octets from hexadecimal text as people paste it: a stream of digits, `0x` before each, commas and
 * C arrays, `\x` escapes; and dumps with offsets and a column of text, as xxd, hexdump -C, od and
 * Wireshark make them.
 *
 *     00000000: 414d 5150 0000 0901                      AMQP....      xxd
 *     00000000  41 4d 51 50 00 00 09 01                  |AMQP....|    hexdump -C
 *     0000   41 4d 51 50 00 00 09 01                     AMQP....      Wireshark
 *     414d515000000901                                                 xxd -p, "hex stream"
 *
 * A line is a dump's where it begins with an offset that is right: the number of octets before it.
 * What follows two spaces behind the digits is its column of text.
 */

/** What came of a text. */
export interface HexText {
  readonly bytes: Uint8Array;
  /** What is wrong, with its line, counted from 1; `bytes` is what came before it. */
  readonly error: string | undefined;
}

/** Whether a beginning of a file is hexadecimal text rather than octets themselves. */
export function looksLikeHex(beginning: Uint8Array): boolean {
  const sample = beginning.subarray(0, 4096);
  if (
    sample.some(
      (octet) => octet !== 9 && octet !== 10 && octet !== 13 && (octet < 32 || octet > 126),
    )
  ) {
    return false;
  }
  const lines = ascii(sample).split(/\r?\n/);
  // The last line may be cut.
  if (beginning.length > sample.length) lines.pop();
  const said = lines.map(withoutComment).filter((line) => line.trim() !== "");
  return said.length > 0 && parseLines(said).error === undefined;
}

/** Reads a whole text. */
export function parseHex(text: string): HexText {
  return parseLines(text.split(/\r?\n/).map(withoutComment));
}

function parseLines(lines: readonly string[]): HexText {
  const octets: number[] = [];
  const dump = isDump(lines);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const digits = dump ? ofDump(line) : ofStream(line);
    const offset = dump ? offsetOf(line) : undefined;
    if (offset !== undefined && offset !== octets.length) {
      const error = `line ${index + 1} says that ${offset} octets came before it; it is ${octets.length}`;
      return { bytes: Uint8Array.from(octets), error };
    }
    if (digits === undefined || digits.length % 2 !== 0) {
      const why = digits === undefined ? "is not hexadecimal" : "has half an octet";
      const error = `line ${index + 1} ${why}: ${line.trim().slice(0, 40)}`;
      return { bytes: Uint8Array.from(octets), error };
    }
    for (let i = 0; i < digits.length; i += 2) {
      octets.push(Number.parseInt(digits.slice(i, i + 2), 16));
    }
  }
  return { bytes: Uint8Array.from(octets), error: undefined };
}

/** `# …` and `// …` to the end of the line. */
function withoutComment(line: string): string {
  return line.replace(/^\s*(?:#|\/\/).*$/, "");
}

const OFFSET = /^\s*(?:0x)?([0-9a-f]{4,16})(:?)[ \t]+/i;

/** Whether lines begin with offsets: the first is 0, the next as many octets on as the line has. */
function isDump(lines: readonly string[]): boolean {
  const [first, second] = lines.filter((line) => line.trim() !== "");
  if (first === undefined) return false;
  const start = OFFSET.exec(first);
  if (start === null || Number.parseInt(start[1] as string, 16) !== 0) return false;
  const digits = ofDump(first);
  if (digits === undefined) return false;
  const next = second === undefined ? null : /^\s*(?:0x)?([0-9a-f]{4,16})\b/i.exec(second);
  if (next !== null) return Number.parseInt(next[1] as string, 16) === digits.length / 2;
  // One line: a colon or wide gap says that the zeros are an offset; four zeros alone are octets.
  return start[2] === ":" || /^\s*[0-9a-f]{4,16} {2,}/i.test(first);
}

function offsetOf(line: string): number | undefined {
  const offset = /^\s*(?:0x)?([0-9a-f]{4,16})\b/i.exec(line);
  return offset === null ? undefined : Number.parseInt(offset[1] as string, 16);
}

/** The digits of a line of a dump; the last line of some has an offset alone. */
function ofDump(line: string): string | undefined {
  const offset = OFFSET.exec(line);
  if (offset === null) return /^\s*(?:0x)?[0-9a-f]{4,16}:?\s*$/i.test(line) ? "" : undefined;
  const rest = line.slice(offset[0].length);
  // Groups of digits, one or two spaces between; behind them the column of text.
  let digits = "";
  let at = 0;
  for (;;) {
    const group = /^((?:[0-9a-f]{2})+)(?=\s|$)([ \t]*)/i.exec(rest.slice(at));
    if (group === null) break;
    const before = digits.length;
    digits += group[1] as string;
    at += group[0].length;
    const gap = (group[2] as string).length;
    // Two spaces stand in the middle of 16 octets too; behind them, digits must go on.
    if (gap > 2 || digits.length >= 32 * 2 || at >= rest.length) break;
    if (gap === 2 && !(before + (group[1] as string).length === 16)) break;
  }
  return digits === "" ? undefined : digits;
}

/** The digits of a line without offset and text. */
function ofStream(line: string): string | undefined {
  const digits = line
    .replace(/\\x|0x/gi, " ")
    .replace(/^[^=]*=/, "")
    .replace(/[\s,;:{}[\]()"'<>|-]+/g, "");
  return /^[0-9a-f]*$/i.test(digits) ? digits : undefined;
}

function ascii(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
