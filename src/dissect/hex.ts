/**
 * Octets from hexadecimal text as people paste it: a stream of digits, `0x` before each, commas and
 * C arrays, `\x` escapes; and dumps with offsets (hex-dump.ts), as xxd, hexdump -C, od and Wireshark
 * make them.
 *
 *     414d515000000901                                        xxd -p, "hex stream"
 *     41:4d:51:50:00:00:09:01
 *     unsigned char header[] = { 0x41, 0x4d, 0x51, 0x50 };    xxd -i
 *     00000000: 414d 5150 0000 0901  AMQP....                 xxd
 *
 * Comments, quotation marks of mails (`> ` before a line) and a byte order mark are left out. Where
 * there are braces, what is outside of them is no octets.
 */
import { parseDump } from "./hex-dump.ts";

/** What came of a text. */
export interface HexText {
  readonly bytes: Uint8Array;
  /** What is wrong, with its line, counted from 1; `bytes` is what came before it. */
  readonly error: string | undefined;
  /** What has to be said of it, though it can be read. */
  readonly note?: string;
}

/** How much of the beginning of a file is looked at, in octets. */
const SAMPLE = 4096;

/** Whether a beginning of a file, 4,096 octets or more of it, is hexadecimal text. */
export function looksLikeHex(beginning: Uint8Array): boolean {
  const lines = linesOf(hexTextOf(beginning.subarray(0, SAMPLE)));
  if (lines.some((line) => /[^\t\x20-\x7e]/.test(line))) return false;
  if (beginning.length < SAMPLE) return isHex(lines);
  // The last line may be cut; where it is all there is, the last octet of it.
  const whole = lines.slice(0, -1);
  if (whole.some((line) => line.trim() !== "")) return isHex(whole);
  const last = lines.at(-1) as string;
  return [0, 1, 2, 3].some((cut) => isHex([last.slice(0, last.length - cut)]));
}

/** The text in the octets of a file: by its byte order mark UTF-16, else ASCII, or what is like it. */
export function hexTextOf(octets: Uint8Array): string {
  const [first, second] = octets;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(octets);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(octets);
  return new TextDecoder("latin1")
    .decode(octets)
    .replace(/^\u00ef\u00bb\u00bf/, "")
    .replaceAll("\u00c2\u00a0", " "); // the space of web pages, in UTF-8
}

/** Reads a whole text. */
export function parseHex(text: string): HexText {
  const lines = linesOf(text);
  return parseDump(lines) ?? parseStream(lines);
}

function isHex(lines: readonly string[]): boolean {
  if (lines.every((line) => line.trim() === "")) return false;
  return (parseDump(lines) ?? parseStream(lines)).error === undefined;
}

/** The lines, without quotation marks and without comments that take a whole line. */
function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/^[ \t]*(?:>[ \t]?)+/, "").replace(/^\s*(?:#|\/\/).*$/, ""));
}

function parseStream(lines: readonly string[]): HexText {
  const all: string[] = [];
  const hasBraces = lines.some((line) => line.includes("{"));
  let error: string | undefined;
  let depth = 0;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "*") {
      error = `line ${index + 1} stands for lines that are left out, and no offset says how many`;
      break;
    }
    const said = withoutComments(line);
    let octets = said;
    if (hasBraces) [octets, depth] = insideBraces(said, depth);
    else if (NUMBER.test(said)) continue;
    const digits = digitsOf(octets);
    if (digits === undefined || digits.length % 2 !== 0) {
      const why = digits === undefined ? "is not hexadecimal" : "has half an octet";
      error = `line ${index + 1} ${why}: ${line.trim().slice(0, 40)}`;
      break;
    }
    all.push(digits);
  }
  return { bytes: fromDigits(all), error };
}

/** A variable with a number, such as the length of an array; not a stream of octets. */
const NUMBER = /^\s*[a-z_][\w\s:*]*=\s*\d{1,10}[ul]*\s*;\s*$/i;

function withoutComments(line: string): string {
  return line.replace(/\/\*.*?\*\//g, " ").replace(/\/\/.*$/, "");
}

/** What of a line is inside of braces, and how deep it ends. */
function insideBraces(line: string, before: number): [inside: string, depth: number] {
  let inside = "";
  let depth = before;
  for (const [part = ""] of line.matchAll(/[{}]|[^{}]+/g)) {
    if (part === "{") depth++;
    else if (part === "}") depth = Math.max(depth - 1, 0);
    else if (depth > 0) inside += part;
  }
  return [inside, depth];
}

/** The digits of a line without offset and text. */
function digitsOf(line: string): string | undefined {
  const digits = line
    .replace(/\\x|0x|\\$/gi, " ")
    .replace(/^[^=]*=/, "")
    .replace(/\bb(?=["'])/gi, "") // of Python's literals
    .replace(/[\s,;:{}[\]()"'<>|-]+/g, "");
  return /^[0-9a-f]*$/i.test(digits) ? digits : undefined;
}

function fromDigits(all: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length / 2, 0));
  let at = 0;
  for (const digits of all) {
    for (let i = 0; i < digits.length; i += 2) {
      bytes[at++] = Number.parseInt(digits.slice(i, i + 2), 16);
    }
  }
  return bytes;
}
