/** Tables and paragraphs in plain text, and numbers as people read them. */
import { stripVTControlCharacters } from "node:util";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Default left. Numbers go to the right. */
  readonly align?: "left" | "right";
  /** The least number of characters; default as many as the title has. */
  readonly width?: number;
}

/** The lines of a table: the titles, then the rows, with every column as wide as it must be. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const wide = columns.map((column, i) => {
    const widths = rows.map((row) => visibleLength(row[i] ?? ""));
    return { ...column, width: Math.max(widthOf(column), ...widths) };
  });
  return [formatTitles(wide), ...rows.map((row) => formatRow(wide, row))];
}

/** The line with the titles. */
export function formatTitles(columns: readonly Column[]): string {
  return formatRow(
    columns,
    columns.map(({ title }) => title),
  );
}

/** One row, for tables that are printed while they grow: the columns' widths are all it knows. */
export function formatRow(columns: readonly Column[], cells: readonly string[]): string {
  const padded = columns.map((column, i) => {
    const cell = cells[i] ?? "";
    const padding = " ".repeat(Math.max(widthOf(column) - visibleLength(cell), 0));
    return column.align === "right" ? padding + cell : cell + padding;
  });
  return padded.join("  ").trimEnd();
}

/** Breaks a text at its spaces into lines of at most so many characters, words permitting. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/**
 * Breaks a text into lines of at most so many characters, at its spaces where it can and within a
 * word where it must. But for the one space at each break, all of it is in the lines as it was.
 */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : wholeCharacters(rest, width);
    lines.push(rest.slice(0, end));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest];
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `12.34 s` */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** How many there were in a second. */
export function formatRate(count: number, ms: number): string {
  return formatCount(ms === 0 ? 0 : (count * 1000) / ms);
}

/** Half of a pair of surrogates is no character. */
function wholeCharacters(text: string, most: number): number {
  const isCut = (text.codePointAt(most - 1) as number) > 0xffff;
  if (!isCut) return most;
  return most > 1 ? most - 1 : 2;
}

function widthOf({ title, width = 0 }: Column): number {
  return Math.max(width, title.length);
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
