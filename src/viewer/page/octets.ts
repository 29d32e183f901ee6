/** The octets of an event in lines, each cut where another field begins. */
import type { FieldNode } from "./conversation.ts";

/** How many octets a line has. */
export const LINE = 16;

/** A field in the list of an event, from the top to the bottom. */
export interface ListedField {
  readonly field: FieldNode;
  /** How deep it is in tables. */
  readonly depth: number;
  /** One of {@link COLOURS}, or undefined for the frame around the payload. */
  readonly colour: number | undefined;
}

/** Octets of one line and one field. */
export interface Segment {
  readonly from: number;
  readonly end: number;
  /** The place of the field in the list; undefined where no field has them. */
  readonly field: number | undefined;
  /** The octet that is wrong: it is a segment of its own. */
  readonly isWrong: boolean;
}

/** How many colours there are; neighbours never have the same. */
export const COLOURS = 6;

/** All fields of an event, those in tables too. */
export function listFields(fields: readonly FieldNode[]): ListedField[] {
  const listed: ListedField[] = [];
  let colour = 0;
  const visit = (field: FieldNode, depth: number): void => {
    const isFrame = field.shape.part === "frame";
    listed.push({ field, depth, colour: isFrame ? undefined : colour++ % COLOURS });
    for (const child of field.children) visit(child, depth + 1);
  };
  for (const field of fields) visit(field, 0);
  return listed;
}

/** The lines of the first `length` octets; `wrong` is the offset of the octet with the mistake. */
export function octetLines(
  length: number,
  listed: readonly ListedField[],
  wrong: number | undefined,
): Segment[][] {
  const owners = ownersOf(length, listed);
  const lines: Segment[][] = [];
  for (let start = 0; start < length; start += LINE) {
    const line: Segment[] = [];
    const lineEnd = Math.min(start + LINE, length);
    for (let from = start; from < lineEnd; ) {
      const field = owners[from];
      let end = from + 1;
      if (from !== wrong) {
        while (end < lineEnd && owners[end] === field && end !== wrong) end++;
      }
      line.push({ from, end, field, isWrong: from === wrong });
      from = end;
    }
    lines.push(line);
  }
  return lines;
}

/** For each octet the innermost field that has it; of bits that share one, the first. */
function ownersOf(length: number, listed: readonly ListedField[]): (number | undefined)[] {
  const owners = new Array<number | undefined>(length).fill(undefined);
  listed.forEach(({ field: { offset, length: size, shape } }, place) => {
    for (let i = offset; i < Math.min(offset + size, length); i++) {
      const owner = owners[i];
      const isShared = shape.bit !== undefined && owner !== undefined;
      if (!isShared || listed[owner]?.field.shape.bit === undefined) owners[i] = place;
    }
  });
  return owners;
}
