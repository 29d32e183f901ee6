/** `amqp091 decode --html FILE`: what was decoded as a page for a browser. */
import { fstatSync, type Stats, statSync } from "node:fs";
import { basename } from "node:path";
import { UsageError } from "../errors.ts";
import { ItemFilter } from "./decode-filter.ts";
import { decodeInput, type InputReport } from "./decode-input.ts";
import type { DecodeArguments } from "./decode-options.ts";
import { ConversationSummary, summedUp } from "./decode-summary.ts";
import { EXIT, type Io } from "./io.ts";
import { PageFile } from "./page-file.ts";
import { printable } from "./printable.ts";

/** Decodes an input to a page; the result is the exit code. */
export async function decodeToPage(
  io: Io,
  options: DecodeArguments,
  path: string,
  input: AsyncIterable<Uint8Array>,
): Promise<number> {
  if (
    isSame(
      statsOfInput(io, options.file),
      statsOf(() => statSync(path)),
    )
  ) {
    throw new UsageError("--html would write over the input");
  }
  const report: InputReport = { fault: undefined, others: 0, format: undefined };
  const filter = new ItemFilter(options.filter);
  const summary = new ConversationSummary();
  const title = options.file === undefined ? "standard input" : basename(options.file);
  const page = await PageFile.create(path, title);
  try {
    for await (const items of decodeInput(input, options, report)) {
      for (const item of items) summary.add(item);
      await page.add(items.filter((item) => filter.shows(item)));
    }
    const { fault } = report;
    if (fault !== undefined) await page.addNotice(`The input: ${fault}`);
  } finally {
    // Also of an input that broke off: the page shows what there was.
    await page.close();
  }
  if (options.summary) {
    const numbers = summedUp(summary, report);
    const lines = [
      ...numbers,
      ...(numbers.length > 0 ? [""] : []),
      `The page is ${printable(path)}`,
    ];
    io.stdout.write(`${lines.join("\n")}\n`);
  }
  if (report.fault !== undefined) io.stderr.write(`amqp091: ${printable(report.fault)}\n`);
  return summary.errors > 0 || report.fault !== undefined ? EXIT.failed : EXIT.ok;
}

/** Standard input may be a file too, as in `< capture.pcapng`. */
function statsOfInput({ stdin }: Io, file: string | undefined): Stats | undefined {
  if (file !== undefined) return statsOf(() => statSync(file));
  const { fd } = stdin as { readonly fd?: unknown };
  return typeof fd === "number" ? statsOf(() => fstatSync(fd)) : undefined;
}

/** Undefined where there is none yet, or nobody may know. */
function statsOf(ask: () => Stats): Stats | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** Whether two names are of the same file, be it by a link of either kind. */
function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.isFile() && one.dev === other.dev && one.ino === other.ino;
}
