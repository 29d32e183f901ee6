/**
 * What the documents link to is there: files, headings, and the names of the source that they speak
 * of, by the rules by which GitHub makes anchors of headings.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect } from "chai";

const ROOT = process.cwd();
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "spec"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("spec", name)),
];

interface Link {
  readonly text: string;
  readonly target: string;
}

describe("links", () => {
  for (const path of DOCUMENTS) {
    it(`of ${path} lead somewhere`, () => {
      const text = readFileSync(join(ROOT, path), "utf8");
      expect(linksOf(text).flatMap((link) => mistakeIn(path, link))).to.deep.equal([]);
    });
  }

  it("are found, and found wrong", () => {
    const text = [
      "# A page",
      "[here](#a-page), [there](#nowhere), [file](../README.md), [gone](gone.md)",
      "[`FrameDecoder.next`](../src/wire/frame-decoder.ts) [`nonsense`](../src/wire/frame-decoder.ts)",
      "![a picture](gone.svg) [web](https://example.org/gone.md) `[code](gone.ts)`",
      "```",
      "[block](gone.ts)",
      "```",
      "[reference][far]",
      "",
      "[far]: far.md",
    ].join("\n");
    const read = (path: string) => (path === "spec/page.md" ? text : undefined);
    expect(linksOf(text).flatMap((link) => mistakeIn("spec/page.md", link, read))).to.deep.equal([
      "there: spec/page.md has no heading #nowhere",
      "gone: there is no spec/gone.md",
      "`nonsense`: src/wire/frame-decoder.ts does not speak of nonsense",
      "a picture: there is no spec/gone.svg",
      "far: there is no spec/far.md",
    ]);
  });

  it("to headings go by GitHub's rules", () => {
    const text =
      "# What's `new` in 1.0?\n## Twice\n```\n# no heading\n```\n## Twice\n## Größe & [a link](x.md)";
    expect(anchorsOf(text)).to.deep.equal(["whats-new-in-10", "twice", "twice-1", "größe--a-link"]);
  });
});

function linksOf(markdown: string): Link[] {
  const text = withoutCode(markdown);
  const inline = [...text.matchAll(/\[((?:[^\][]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g)];
  const references = [...text.matchAll(/^\[([^\]]+)\]:\s+(\S+)/gm)];
  return [...inline, ...references].map(([, name, target]) => ({
    text: name as string,
    target: target as string,
  }));
}

/** Blocks of code, and links in code, are no links; code in the text of a link is part of one. */
function withoutCode(markdown: string): string {
  return markdown
    .replaceAll(/^(```+).*?^\1$/gms, "")
    .replaceAll(/`[^`\n]*`/g, (code) => (code.includes("](") ? "" : code));
}

function mistakeIn(
  from: string,
  { text, target }: Link,
  read: (path: string) => string | undefined = () => undefined,
): string[] {
  if (/^[a-z]+:/i.test(target)) return [];
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), file));
  const content = read(path) ?? (existsSync(join(ROOT, path)) ? contentOf(path) : undefined);
  if (content === undefined) return [`${text}: there is no ${path}`];
  if (anchor !== undefined && !anchorsOf(content).includes(decodeURIComponent(anchor))) {
    return [`${text}: ${path} has no heading #${anchor}`];
  }
  const name = /^`(?:\w+\.)*(\w+)`$/.exec(text)?.[1];
  const isNamed =
    name === undefined || !path.endsWith(".ts") || new RegExp(`\\b${name}\\b`).test(content);
  return isNamed ? [] : [`${text}: ${path} does not speak of ${name}`];
}

function contentOf(path: string): string {
  return /\.(md|ts)$/.test(path) ? readFileSync(join(ROOT, path), "utf8") : "";
}

/** Lower case, without punctuation, spaces as hyphens; the second of a name is numbered. */
function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  const text = markdown.replaceAll(/^(```+).*?^\1$/gms, "");
  return [...text.matchAll(/^#{1,6} +(.*?)(?: +#+)? *$/gm)].map(([, heading]) => {
    const words = (heading as string).replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = words.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "").replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}
