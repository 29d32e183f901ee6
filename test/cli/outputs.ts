/** All that decode and tap show and write of a conversation, made without a process or a file. */
import { ConversationText } from "../../src/cli/decode-text.ts";
import { paintFor } from "../../src/cli/paint.ts";
import { PcapngWriter } from "../../src/dissect/capture/pcapng-writer.ts";
import { itemToJson } from "../../src/dissect/json.ts";
import type { Item } from "../../src/dissect/model.ts";
import { RecordWriter } from "../../src/viewer/record-writer.ts";
import { Capture } from "./test-io.ts";

/** By their names; the items must have been made with their explanations. */
export function outputsOf(items: readonly Item[]): { readonly [name: string]: string } {
  return {
    text: textOf(items, {}),
    "--bytes": textOf(items, { bytes: true }),
    "--explain": textOf(items, { explain: true }),
    "--json, and --record": items.map(itemToJson).join("\n"),
    "--record as a capture": captureOf(items),
    "--html": pageOf(items),
  };
}

/** Lines so long that nothing is broken in two. */
function textOf(items: readonly Item[], options: { bytes?: boolean; explain?: boolean }): string {
  const { bytes = false, explain = false } = options;
  const paint = paintFor(new Capture(), {});
  const text = new ConversationText({ paint, width: 2000, bytes, explain });
  return [...items.flatMap((item) => text.lines(item)), ...text.flush()].join("\n");
}

function captureOf(items: readonly Item[]): string {
  const writer = new PcapngWriter();
  const blocks = [writer.begin("all of it"), ...items.map((item) => writer.item(item))];
  return Buffer.concat(blocks).toString("latin1");
}

function pageOf(items: readonly Item[]): string {
  const writer = new RecordWriter();
  return JSON.stringify([...writer.write(items), ...writer.end()]);
}
