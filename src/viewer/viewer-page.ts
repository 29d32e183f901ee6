/**
 * A conversation as one page for a browser: a sequence diagram with the octets and the explanation
 * of every frame. The page is a file of its own: it asks for nothing, of nobody, and its policy
 * forbids it to.
 *
 *     const page = new ViewerPage({ title: "capture.pcapng" });
 *     file.write(page.begin());
 *     for (const items of conversation) file.write(page.add(items));
 *     file.write(page.end());
 *
 * What was written opens at any time, also when the end never comes. The page's script is in page/,
 * bundled into generated/ by tools/generate.ts.
 */
import { createHash } from "node:crypto";
import type { Item } from "../dissect/model.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./generated/page.ts";
import { RecordWriter } from "./record-writer.ts";
import type { PageRecord } from "./records.ts";

/** What can be chosen of a page. */
export interface ViewerPageOptions {
  /** What was decoded: the name of the file, as a rule. */
  readonly title: string;
  /** How many events the page takes; default 100,000. The others are counted, and it says so. */
  readonly maxEvents?: number | undefined;
}

/** Writes a page, piece by piece. */
export class ViewerPage {
  readonly #title: string;
  readonly #records: RecordWriter;

  constructor({ title, maxEvents }: ViewerPageOptions) {
    this.#title = title;
    this.#records = new RecordWriter(maxEvents);
  }

  /** The first piece: all but the conversation. */
  begin(): string {
    const title = escapeHtml(this.#title);
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="amqp091">
<title>${title} · AMQP conversation</title>
<style>${PAGE_STYLE}</style>
<script type="module">${PAGE_SCRIPT}</script>
</head>
<body>
<noscript>This page shows a conversation by a script of its own, which is switched off.</noscript>
`;
  }

  /** The next items, in the order in which the dissector gave them. */
  add(items: readonly Item[]): string {
    return block(this.#records.write(items));
  }

  /** The last piece. */
  end(): string {
    return `${block(this.#records.end())}</body>\n</html>\n`;
  }
}

/** Nothing but this one style and this one script. */
const POLICY = [
  "default-src 'none'",
  `style-src '${digest(PAGE_STYLE)}'`,
  `script-src '${digest(PAGE_SCRIPT)}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function block(records: readonly PageRecord[]): string {
  if (records.length === 0) return "";
  const lines = records.map((record) => JSON.stringify(record));
  return `<script type="application/json">[\n${escapeJson(lines.join(",\n"))}\n]</script>\n`;
}

/** JSON that is the same to a reader of JSON, and nothing to a reader of HTML. */
function escapeJson(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
