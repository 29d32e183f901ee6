/**
 * `amqp091 decode`: captures, hexadecimal text and raw octets, taken apart into annotated frames.
 *
 * The command is a wrapper of the dissector: decode-input.ts finds out what the file is and feeds it,
 * decode-text.ts and json.ts show what comes out. Nothing is held longer than until it is shown, so
 * that a capture may be larger than memory.
 */
import { once } from "node:events";
import { Writable } from "node:stream";
import { itemToJson } from "../dissect/json.ts";
import type { Item } from "../dissect/model.ts";
import type { Command } from "./command.ts";
import { ItemFilter } from "./decode-filter.ts";
import { decodeInput, type InputReport } from "./decode-input.ts";
import { DECODE_HELP, type DecodeArguments, parseDecodeArguments } from "./decode-options.ts";
import { decodeToPage } from "./decode-page.ts";
import { ConversationSummary, summedUp } from "./decode-summary.ts";
import { ConversationText } from "./decode-text.ts";
import { openInput } from "./input.ts";
import { EXIT, type Io, type Output } from "./io.ts";
import { paintFor } from "./paint.ts";
import { printable } from "./printable.ts";

/** The command. */
export const decode: Command = {
  name: "decode",
  summary: "take apart a capture, hexadecimal text or raw octets",
  help: DECODE_HELP,
  async run(args, io) {
    const options = parseDecodeArguments(args);
    const input = await openInput(options.file, io);
    input.on("error", () => {}); // whoever reads it hears of it, and nobody else needs to
    let interrupted = false;
    const stopListening = io.onInterrupt(() => {
      interrupted = true;
      input.destroy();
    });
    try {
      if (options.file === undefined && io.stdin.isTTY === true) {
        io.stderr.write("amqp091: reading from the terminal; Ctrl-D ends the input\n");
      }
      return options.html === undefined
        ? await decodeTo(io, options, input)
        : await decodeToPage(io, options, options.html, input);
    } catch (error) {
      if (!interrupted) throw error;
      return EXIT.interrupted;
    } finally {
      stopListening();
      // Standard input, if it is still open, would keep the process alive.
      input.destroy();
    }
  },
};

async function decodeTo(
  io: Io,
  options: DecodeArguments,
  input: AsyncIterable<Uint8Array>,
): Promise<number> {
  const report: InputReport = { fault: undefined, others: 0, format: undefined };
  const filter = new ItemFilter(options.filter);
  const summary = new ConversationSummary();
  const paint = paintFor(io.stdout, io.env);
  const { bytes, explain } = options;
  const text = new ConversationText({ paint, width: io.stdout.columns ?? 100, bytes, explain });
  const linesOf = (item: Item): string[] => {
    summary.add(item);
    if (!filter.shows(item)) return [];
    return options.json ? [itemToJson(item)] : text.lines(item);
  };
  for await (const items of decodeInput(input, options, report)) {
    const lines = items.flatMap(linesOf);
    if (lines.length > 0 && !(await write(io.stdout, `${lines.join("\n")}\n`))) return EXIT.failed;
  }
  const end = text.flush();
  const numbers = options.json || !options.summary ? [] : summedUp(summary, report);
  if (numbers.length > 0) end.push("", ...numbers);
  if (end.length > 0) await write(io.stdout, `${end.join("\n")}\n`);
  if (report.fault !== undefined) io.stderr.write(`amqp091: ${printable(report.fault)}\n`);
  return summary.errors > 0 || report.fault !== undefined ? EXIT.failed : EXIT.ok;
}

/** Waits for a reader that is slower than we are; false when it is gone (as in `| head`). */
async function write(output: Output, text: string): Promise<boolean> {
  const more = output.write(text);
  if (!(output instanceof Writable)) return true;
  if (more === false && !output.destroyed && output.writableNeedDrain) {
    await Promise.race([once(output, "drain"), once(output, "close")]).catch(() => {});
  }
  return !output.destroyed && output.errored === null;
}
