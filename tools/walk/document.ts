/**
 * spec/walk.md as data: programs, what they print, and the frames that they exchange with a broker.
 *
 * In a section (a heading of the second level), a block of `ts` is the program and a block
 * `text output` what it prints. A block `hex client NAME` or `hex server NAME` is a frame, the table
 * behind it, if there is one, its fields. Where the line breaks, a comment says so. What the last column of a table says is written by hand.
 */
import { dissect, type Row, type Sender } from "./rows.ts";

/** One frame as it stands in the document. */
export interface DocumentedFrame {
  readonly sender: Sender;
  /** What the document says it is. */
  readonly name: string;
  readonly octets: Uint8Array;
  /** The cells of its table, without the heads; undefined where it has none. */
  readonly table: readonly (readonly string[])[] | undefined;
}

/** A section that has a program. */
export interface Section {
  readonly title: string;
  readonly program: string;
  /** The lines that it prints. */
  readonly output: readonly string[];
  readonly frames: readonly DocumentedFrame[];
  /** Whether the line breaks behind the last of its frames. */
  readonly isCut: boolean;
}

/** A frame that was captured. */
export interface CapturedFrame {
  readonly sender: Sender;
  readonly octets: Uint8Array;
}

/** What running a section's program gave. */
export interface Captured {
  readonly output: readonly string[];
  readonly frames: readonly CapturedFrame[];
}

/** The sections of the document that have a program. */
export function readWalk(markdown: string): Section[] {
  return sectionsOf(markdown).flatMap((text) => {
    const program = PROGRAM.exec(text)?.[1];
    if (program === undefined) return [];
    const title = text.split("\n")[0] as string;
    const output = (OUTPUT.exec(text)?.[1] ?? "").split("\n").slice(0, -1);
    const frames = [...text.matchAll(FRAME)].map((match) => readFrame(match));
    return [{ title, program, output, frames, isCut: text.includes(CUT) }];
  });
}

/**
 * The document with other octets, the mechanical columns of the tables and the programs' output
 * anew. What stands in the last column stays, by the name of the field.
 */
export function refillWalk(markdown: string, captured: readonly Captured[]): string {
  let next = 0;
  return sectionsOf(markdown)
    .map((text) => (PROGRAM.test(text) ? refillSection(text, captured[next++] as Captured) : text))
    .join("");
}

/** Octets as a block has them: the octets of each field on a line of their own. */
export function printOctets(octets: Uint8Array): string {
  return dissect(octets)
    .rows.flatMap((row) => hexOf(row.octets).match(LINE) ?? [])
    .map((line) => `${line.trim()}\n`)
    .join("");
}

/** A field as a table has it, without what the last column says. */
export function printRow({ octets, field, value }: Row): readonly [string, string, string] {
  const pairs = hexOf(octets).split(" ");
  const shown = pairs.length > MOST_SHOWN ? [...pairs.slice(0, MOST_SHOWN - 2), "…"] : pairs;
  return [`\`${shown.join(" ")}\``, field, escapeCell(value)];
}

const MOST_SHOWN = 10;
/** At most 24 octets. */
const LINE = /(?:\S\S ?){1,24}/g;
const PROGRAM = /^```ts\n(.*?)^```$/ms;
const OUTPUT = /^```text output\n(.*?)^```$/ms;
const FRAME = /^```hex (client|server) (\S+)\n(.*?)^```\n(?:\n((?:\|[^\n]*\n)+))?/gms;
const CUT = "<!-- the line breaks here -->";
const HEAD = ["octets", "field", "value", "what it says"];

function sectionsOf(markdown: string): string[] {
  return markdown.split(/^(?=## )/m);
}

function readFrame([, sender, name, hex, table]: RegExpMatchArray): DocumentedFrame {
  return {
    sender: sender as Sender,
    name: name as string,
    octets: Buffer.from((hex as string).replaceAll(/\s/g, ""), "hex"),
    table: table === undefined ? undefined : readTable(table),
  };
}

function readTable(table: string): string[][] {
  const lines = table.trimEnd().split("\n").slice(2);
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

function refillSection(text: string, { output, frames }: Captured): string {
  const old = [...text.matchAll(FRAME)].map((match) => readFrame(match));
  const got = frames.map(({ sender, octets }) => `${sender} ${dissect(octets).name}`);
  const due = old.map(({ sender, name }) => `${sender} ${name}`);
  if (got.join() !== due.join()) {
    throw new Error(
      `${text.split("\n")[0]}\nthe document has\n  ${due.join("\n  ")}\n` +
        `and the conversation was\n  ${got.join("\n  ")}`,
    );
  }
  let next = 0;
  return text
    .replace(OUTPUT, () => `\`\`\`text output\n${output.map((line) => `${line}\n`).join("")}\`\`\``)
    .replace(FRAME, (_block, sender: string, name: string) => {
      const { table } = old[next] as DocumentedFrame;
      const { octets } = frames[next++] as CapturedFrame;
      const block = `\`\`\`hex ${sender} ${name}\n${printOctets(octets)}\`\`\`\n`;
      return table === undefined ? block : `${block}\n${printTable(octets, table)}`;
    });
}

function printTable(octets: Uint8Array, old: readonly (readonly string[])[]): string {
  const said = new Map(old.map((cells) => [cells[1], cells[3]]));
  const rows = dissect(octets).rows.map((row) => [
    ...printRow(row),
    said.get(row.field) ?? escapeCell(row.doc),
  ]);
  return [HEAD, HEAD.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString("hex")
    .replaceAll(/..(?!$)/g, "$& ");
}
