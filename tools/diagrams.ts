/**
 * Draws the state machines of the client into spec/state-machines.md: between comments that name a
 * drawing, everything is made here; the rest of the page is written by hand. `npm run diagrams`
 * writes; with `--check` it compares and exits 1 if the page is not up to date.
 *
 * Where a machine is a table, the drawing is made from the table. Where it is written as code, it is
 * made by asking the code: the machine is brought into each state, given each input, and looked at.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentDrawing } from "./diagrams/content.ts";
import { channelDrawing, connectionDrawing } from "./diagrams/lives.ts";
import { negotiationTable } from "./diagrams/negotiation.ts";
import { publishDrawing } from "./diagrams/publish.ts";

const PATH = join(process.cwd(), "spec", "state-machines.md");
const DRAWINGS: { readonly [name: string]: () => string } = {
  connection: connectionDrawing,
  channel: channelDrawing,
  content: contentDrawing,
  publish: publishDrawing,
  negotiation: negotiationTable,
};

/** The page with each drawing made anew; raises an error unless it has a place for each, once. */
export function redraw(page: string): string {
  const places = [...page.matchAll(PLACE)].map(([, name]) => name as string);
  if (places.join() !== Object.keys(DRAWINGS).join()) {
    throw new Error(
      `the page has places for ${places.join()}, not ${Object.keys(DRAWINGS).join()}`,
    );
  }
  return page.replace(PLACE, (_all, name: string) => {
    const drawing = (DRAWINGS[name] as () => string)();
    return `<!-- made by tools/diagrams.ts: ${name} -->\n\n${drawing}\n\n<!-- end of ${name} -->`;
  });
}

const PLACE = /<!-- made by tools\/diagrams\.ts: (\w+) -->.*?<!-- end of \1 -->/gs;

function main(check: boolean): void {
  const page = readFileSync(PATH, "utf8");
  const redrawn = redraw(page);
  if (!check) writeFileSync(PATH, redrawn);
  else if (redrawn !== page) {
    process.stderr.write("spec/state-machines.md is not up to date: run npm run diagrams\n");
    process.exitCode = 1;
  }
}

// A test that imports this file wants redraw() only.
if (process.argv.includes("--check")) main(true);
else if (process.argv.includes("--write")) main(false);
