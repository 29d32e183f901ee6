/**
 * Dumps: lines with an offset, octets in hexadecimal digits, and often a column of text.
 *
 *     00000000: 414d 5150 0000 0901                      AMQP....      xxd
 *     00000000  41 4d 51 50 00 00 09 01                  |AMQP....|    hexdump -C
 *     0000   41 4d 51 50 00 00 09 01                     AMQP....      Wireshark
 *     0000000 41 4d 51 50 00 00 09 01                                  od -t x1: octal offsets
 *
 * A line is a dump's where it begins with an offset that is right: the number of octets before it.
 * What follows two spaces behind the digits is its column of text. A line `*` stands for lines that
 * are equal to the one before it, up to the offset of the next.
 */
import type { HexText } from "./hex.ts";

/** No dump is larger, in octets: a line `*` says little of how much it stands for. */
const MAX_SIZE = 67_108_864;

/** Reads the lines of a dump, the first line first; undefined for what is no dump. */
export function parseDump(lines: readonly string[]): HexText | undefined {
  const form = formOf(lines.filter((line) => line.trim() !== ""));
  if (form === undefined) return undefined;
  const { radix, width, word } = form;
  const octets = new Octets();
  let squeezed: number | undefined;
  let error: string | undefined;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    if (line.trim() === "*") {
      squeezed = index;
      continue;
    }
    const digits = digitsOf(line, width);
    if (digits === undefined) {
      error = `line ${index + 1} is not hexadecimal: ${line.trim().slice(0, 40)}`;
      break;
    }
    const offset = offsetOf(line, radix);
    if (squeezed !== undefined && octets.canRepeat(offset, digits === "")) octets.repeat(offset);
    squeezed = undefined;
    // The last word is filled up; the offset behind it tells.
    if (digits === "" && offset < octets.length && offset > octets.length - word) {
      octets.length = offset;
    }
    if (offset !== octets.length) {
      error = `line ${index + 1} says that ${offset} octets came before it; it is ${octets.length}`;
      break;
    }
    octets.push(digits);
  }
  if (squeezed !== undefined) {
    error ??= `line ${squeezed + 1} repeats the one before it, and no offset says how often`;
  }
  const bytes = octets.whole();
  const swapped = SWAPS[String.fromCharCode(...bytes.subarray(0, 4))] ?? word;
  return swapped > 1 ? { bytes, error, note: swapNote(bytes, swapped) } : { bytes, error };
}

const OFFSET = /^\s*(?:0x)?([0-9a-f]{4,16})(:?)[ \t]+/i;
const OFFSET_BEGINS = /^\s*(?:0x)?([0-9a-f]{4,16})\b/i;

/** What the first lines tell of a dump. */
interface Form {
  /** Of the offsets. */
  readonly radix: Radix;
  /** How many octets a line has; fewer in the last one. */
  readonly width: number;
  /** How many octets a group has where the dump is of words, else 1. */
  readonly word: number;
}

type Radix = 16 | 8 | 10;
const RADIXES: readonly Radix[] = [16, 8, 10];

/** No line has more octets. */
const MAX_WIDTH = 256;

/** Undefined for no dump: its first offset is 0, the next as many octets on as the line has. */
function formOf(lines: readonly string[]): Form | undefined {
  const [first, second] = lines;
  if (first === undefined) return undefined;
  const start = OFFSET.exec(first);
  if (start === null || Number.parseInt(start[1] as string, 16) !== 0) return undefined;
  const digits = digitsOf(first, MAX_WIDTH);
  if (digits === undefined) return undefined;
  const word = wordSizeOf(first);
  const counted = digits.length / 2;
  if (second?.trim() === "*") {
    return { radix: radixBehind(lines.slice(2), counted, word), width: counted, word };
  }
  const next = second === undefined ? null : OFFSET_BEGINS.exec(second);
  if (next === null) {
    // One line: a colon or wide gap says that the zeros are an offset; four zeros alone are octets.
    const isOne = start[2] === ":" || /^\s*[0-9a-f]{4,16} {2,}/i.test(first);
    return isOne ? { radix: 16, width: counted, word } : undefined;
  }
  const said = next[1] as string;
  const isEnd = (second as string).trim().length === next[0].trim().length;
  const least = isEnd ? counted - word + 1 : counted;
  const radix = RADIXES.find((each) => isBetween(toNumber(said, each), least, counted));
  if (radix !== undefined) return { radix, width: counted, word };
  // The column of text may begin like more octets.
  const width = toNumber(said, 16);
  const isLess = width > 0 && digitsOf(first, width)?.length === width * 2;
  return isLess ? { radix: 16, width, word } : undefined;
}

function isBetween(number: number, least: number, most: number): boolean {
  return number >= least && number <= most;
}

/** The first line is repeated: the lines behind `*` tell which numbers the offsets are. */
function radixBehind([next, second]: readonly string[], width: number, word: number): Radix {
  const [a, b] = [next, second].map((line) => OFFSET_BEGINS.exec(line ?? "")?.[1]);
  if (a === undefined) return 16;
  const octets = (digitsOf(next as string, width) ?? "").length / 2;
  // od has offsets of seven digits, octal or decimal; hexdump too, but only for words of 2 octets.
  const isOd = a.length === 7 && word !== 2;
  const fits = RADIXES.filter((radix) => !isOd || radix !== 16).find((radix) => {
    const offset = toNumber(a, radix);
    // hexdump repeats a part of a line at the end.
    if (Number.isNaN(offset) || ((octets > 0 || isOd) && offset % width !== 0)) return false;
    if (b === undefined) return true;
    return isBetween(toNumber(b, radix), offset + octets - word + 1, offset + octets);
  });
  return fits ?? 16;
}

function toNumber(digits: string, radix: Radix): number {
  const all = { 16: /^[0-9a-f]+$/i, 10: /^[0-9]+$/, 8: /^[0-7]+$/ }[radix];
  return all.test(digits) ? Number.parseInt(digits, radix) : Number.NaN;
}

function offsetOf(line: string, radix: Radix): number {
  return toNumber(OFFSET_BEGINS.exec(line)?.[1] ?? "", radix);
}

/** The digits of a line; the last line of some has an offset alone. */
function digitsOf(line: string, width: number): string | undefined {
  const offset = OFFSET.exec(line);
  if (offset === null) return /^\s*(?:0x)?[0-9a-f]{4,16}:?\s*$/i.test(line) ? "" : undefined;
  const rest = line.slice(offset[0].length);
  if (rest === "") return "";
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
    if (gap > 2 || digits.length >= width * 2 || at >= rest.length) break;
    if (gap === 2 && !(before + (group[1] as string).length === 16)) break;
  }
  return digits === "" ? undefined : digits;
}

/**
 * How many octets a group has where a dump is of words, as `hexdump` and `od -x` print them without
 * a colon and a column of text; else 1.
 */
function wordSizeOf(line: string): number {
  const words = /^\s*[0-9a-f]{4,16} +([0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{16})(?: +(?=\S)|\s*$)/i;
  const size = words.exec(line)?.[1]?.length;
  if (size === undefined) return 1;
  const groups = line.trim().split(/\s+/).slice(1);
  return groups.every((group) => group.length === size && /^[0-9a-f]+$/i.test(group))
    ? size / 2
    : 1;
}

/** How many octets at a time are turned round, where the header that opens a connection tells. */
const SWAPS: { readonly [beginning: string]: number } = { AMQP: 1, MAPQ: 2, PQMA: 4 };

/** `words`: how many octets at a time are turned round. */
function swapNote(bytes: Uint8Array, words: number): string {
  const pair = [...bytes.subarray(0, 2)];
  const hex = pair.map((octet) => octet.toString(16).padStart(2, "0")).join("");
  const text = String.fromCharCode(...pair);
  const example = /^[ -~]{2}$/.test(text) ? ` (${hex} = ${text})` : "";
  const groups = words > 2 ? `in groups of ${words}` : "in pairs";
  return `octets look swapped ${groups}${example}, as hexdump and od -x print them: use hexdump -C`;
}

/** Octets that grow. */
class Octets {
  length = 0;
  #bytes = new Uint8Array(4096);
  /** How many the last line had. */
  #width = 0;

  push(digits: string): void {
    this.#grow(digits.length / 2);
    for (let i = 0; i < digits.length; i += 2) {
      this.#bytes[this.length++] = Number.parseInt(digits.slice(i, i + 2), 16);
    }
    this.#width = digits.length / 2;
  }

  /** Whether the last line, again and again, ends there; at the end of all, also within a line. */
  canRepeat(until: number, isLast: boolean): boolean {
    const more = until - this.length;
    return more > 0 && until <= MAX_SIZE && this.#width > 0 && (isLast || more % this.#width === 0);
  }

  repeat(until: number): void {
    const more = until - this.length;
    this.#grow(more);
    for (let i = 0; i < more; i++, this.length++) {
      this.#bytes[this.length] = this.#bytes[this.length - this.#width] as number;
    }
  }

  whole(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #grow(by: number): void {
    if (this.length + by <= this.#bytes.length) return;
    const larger = new Uint8Array((this.length + by) * 2);
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
