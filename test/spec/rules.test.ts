/**
 * The ledger of rules, checked: each row of spec/rules.md names tests that exist, under titles that
 * mocha knows; no rule is told twice; and no method that a client may send is left out. Each check
 * is also shown a planted mistake, so that none of them can silently stop looking.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type TestTitles, titlesOf } from "../support/test-titles.ts";

const ROOT = join(__dirname, "../..");
const COLUMNS = ["rule", "it asks", "what we do", "held by"];
const LEVEL = /^(MUST|MUST NOT|SHOULD|SHOULD NOT|MAY)( of the server)?$/;
const BENT = "**Bent:**";

/** A row of a table. */
interface Rule {
  readonly id: string;
  /** Sections, rules of the XML, errata. */
  readonly source: string;
  readonly level: string;
  readonly asks: string;
  readonly does: string;
  /** As `test/path.test.ts › suite › test`. */
  readonly references: readonly string[];
}

describe("the ledger of rules", () => {
  const text = readFileSync(join(ROOT, "spec/rules.md"), "utf8");
  const rules = readRules(text);
  let titles: TestTitles;

  before("reads the titles of the tests", function () {
    this.timeout(120_000);
    titles = titlesOf(ROOT, filesOf(rules).filter(exists));
  });

  it("has rows that can be read, in every section", () => {
    expect(rules).to.have.length.above(100);
    expect(misshapen(text)).to.deep.equal([]);
  });

  it("names tests that exist, at least one for each rule", () => {
    expect(brokenReferences(rules, titles)).to.deep.equal([]);
  });

  it("has each rule once", () => {
    expect(duplicates(rules)).to.deep.equal([]);
  });

  it("speaks of every method that a client may send", () => {
    const methods = clientMethods();
    expect(methods).to.include.members(["connection.start-ok", "queue.declare", "basic.cancel-ok"]);
    expect(unspoken(rules, methods)).to.deep.equal([]);
  });

  it("lists where a rule is bent", () => {
    expect(bentList(text)).to.deep.equal(bent(rules)).and.not.to.deep.equal([]);
  });

  describe("finds", () => {
    const path = "test/spec/rules.test.ts";
    const suite = "the ledger of rules";
    const row = (id: string, reference: string, does = "Done.") =>
      `| \`${id}\`<br>4.2.3<br>MUST | Something of \`basic.qos\`. | ${does} | ${reference} |`;
    const table = (...rows: readonly string[]) =>
      [
        "# Rules",
        "",
        "| rule | it asks | what we do | held by |",
        "|---|---|---|---|",
        ...rows,
      ].join("\n");
    const known: TestTitles = new Map([
      [path, new Set([`${suite} › has each rule once`, `${suite} › finds › a › b`])],
    ]);

    const wrong: readonly (readonly [what: string, reference: string, fault: RegExp])[] = [
      ["a file that is not there", "`test/spec/gone.test.ts › a › b`", /no file/],
      ["a title that is not there", `\`${path} › ${suite} › has no such test\``, /no test/],
      ["a part of a title", `\`${path} › ${suite} › has each rule\``, /no test/],
      ["a title without its suite", `\`${path} › has each rule once\``, /no test/],
      ["a suite instead of a test", `\`${path} › ${suite} › finds › a\``, /no test/],
      ["a file without a title", `\`${path}\``, /no test/],
      ["a row without a reference", "see there", /no reference/],
      [
        "a reference that is not set as code",
        `${path} › ${suite} › has each rule once`,
        /no refer/,
      ],
      ["a file that holds no tests", "`spec/rules.md › a`", /no file of tests/],
    ];
    for (const [what, reference, fault] of wrong) {
      it(what, () => {
        const found = brokenReferences(readRules(table(row("a", reference))), known);
        expect(found).to.have.length(1);
        expect(found[0]).to.match(fault).and.include("a: ");
      });
    }

    it("one wrong reference among right ones", () => {
      const right = `\`${path} › ${suite} › has each rule once\``;
      const cell = `${right}<br>\`${path} › ${suite} › never\`<br>\`${path} › ${suite} › finds › a › b\``;
      const planted = readRules(table(row("a", cell)));
      expect(planted[0]?.references).to.have.length(3);
      expect(brokenReferences(planted, known)).to.have.length(1);
    });

    it("the titles that mocha knows, those from loops, templates and both brokers too", () => {
      expect([...(titles.get("test/wire/content.test.ts") ?? [])]).to.include(
        "wire/content › that cannot be written leaves the output as it was: › a routing key too long",
      );
      for (const broker of ["RabbitMQ", "the embedded broker"]) {
        expect([...(titles.get("test/integration/client-rules.test.ts") ?? [])]).to.include(
          `the rules that a broker checks against ${broker} › what is not there may be deleted and unbound`,
        );
      }
    });

    it("a rule that is told twice", () => {
      const reference = `\`${path} › ${suite} › has each rule once\``;
      const twice = readRules(table(row("a", reference), row("b", reference), row("a", reference)));
      expect(duplicates(twice)).to.deep.equal(["a"]);
    });

    it("a method that no row speaks of", () => {
      const planted = readRules(table(row("a", "`x`")));
      expect(unspoken(planted, ["basic.qos", "basic.get"])).to.deep.equal(["basic.get"]);
      // A longer name is not a shorter one, nor is one in passing.
      const longer = readRules(table(row("a", "`x`", "As `basic.qos-ok`, and basic.get.")));
      expect(unspoken(longer, ["basic.qos", "basic.get"])).to.deep.equal(["basic.get"]);
    });

    it("a rule that is bent and not listed", () => {
      const planted = table(row("a", "`x`", `${BENT} so.`), row("b", "`x`"));
      expect(bent(readRules(planted))).to.deep.equal(["a"]);
      expect(bentList(planted)).to.deep.equal([]);
      expect(bentList(`${planted}\n\n## Where a rule is bent\n\n- \`a\`\n`)).to.deep.equal(["a"]);
    });

    it("rows that are no rows of the ledger", () => {
      expect(misshapen(table(row("a", "`x`")))).to.deep.equal([]);
      for (const planted of [
        "| `a`<br>4.2.3<br>MUST | two | cells |",
        "| a<br>4.2.3<br>MUST | no | code | `x` |",
        "| `a`<br>4.2.3<br>PERHAPS | no | level | `x` |",
        "| `a`<br><br>MUST | no | source | `x` |",
        "| `A b`<br>4.2.3<br>MUST | no | name | `x` |",
        "| `a`<br>4.2.3<br>MUST | | empty | `x` |",
      ]) {
        expect(misshapen(table(planted)), planted).to.have.length(1);
      }
      expect(misshapen("| other | columns |\n|---|---|\n")).to.have.length(1);
    });
  });
});

/** The rows of all tables of the ledger. */
function readRules(text: string): Rule[] {
  return text.split("\n").flatMap((line) => readRow(line) ?? []);
}

function readRow(line: string): Rule | undefined {
  const cells = cellsOf(line);
  const [first = "", asks = "", does = "", held = ""] = cells;
  const [, id] = /^`([^`]+)`<br>/.exec(first) ?? [];
  if (cells.length !== COLUMNS.length || id === undefined) return undefined;
  const [, source = "", level = ""] = first.split("<br>");
  const references = held.split("<br>").flatMap((cell) => {
    // Code with a backtick in it has two around it.
    const [, one] = /^`([^`]+)`$/.exec(cell) ?? [];
    const [, two] = /^`` (.+) ``$/.exec(cell) ?? [];
    return one ?? two ?? [];
  });
  return { id, source, level, asks, does, references };
}

function cellsOf(line: string): string[] {
  if (!(line.startsWith("|") && line.endsWith("|"))) return [];
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

/** Lines of tables that are neither a head nor a row with all that a row has. */
function misshapen(text: string): string[] {
  return text.split("\n").filter((line) => {
    if (!line.startsWith("|")) return false;
    if (cellsOf(line).join() === COLUMNS.join()) return false;
    if (/^\|(-+\|)+$/.test(line)) return false;
    const rule = readRow(line);
    if (rule === undefined) return true;
    const { id, source, level, asks, does } = rule;
    return !(/^[a-z0-9-]+$/.test(id) && LEVEL.test(level) && source && asks && does);
  });
}

function filesOf(rules: readonly Rule[]): string[] {
  return [...new Set(rules.flatMap(({ references }) => references.map(fileOf)))];
}

function fileOf(reference: string): string {
  return reference.split(" › ", 1)[0] ?? "";
}

function exists(file: string): boolean {
  return existsSync(join(ROOT, file));
}

function brokenReferences(rules: readonly Rule[], titles: TestTitles): string[] {
  return rules.flatMap(({ id, references }) => {
    if (references.length === 0) return [`${id}: no reference`];
    return references.flatMap((reference) => {
      const file = fileOf(reference);
      if (!exists(file)) return [`${id}: no file ${file}`];
      if (!/^test\/.+\.test\.ts$/.test(file)) return [`${id}: no file of tests: ${file}`];
      const title = reference.slice(file.length + " › ".length);
      return titles.get(file)?.has(title) === true ? [] : [`${id}: no test ${reference}`];
    });
  });
}

function duplicates(rules: readonly Rule[]): string[] {
  const seen = new Set<string>();
  return rules.flatMap(({ id }) => {
    if (seen.has(id)) return [id];
    seen.add(id);
    return [];
  });
}

/** Those of the methods that no rule names, as code, in what it asks or what we do. */
function unspoken(rules: readonly Rule[], methods: readonly string[]): string[] {
  const spoken = rules.map(({ asks, does }) => `${asks} ${does}`).join("\n");
  return methods.filter((method) => !spoken.includes(`\`${method}\``));
}

/** What a client may send, by spec/amqp-0-9-1.json. */
function clientMethods(): string[] {
  const spec = JSON.parse(readFileSync(join(ROOT, "spec/amqp-0-9-1.json"), "utf8")) as {
    classes: { name: string; methods: { name: string; from: string[] }[] }[];
  };
  return spec.classes.flatMap(({ name, methods }) =>
    methods.filter(({ from }) => from.includes("client")).map((each) => `${name}.${each.name}`),
  );
}

function bent(rules: readonly Rule[]): string[] {
  return rules.filter(({ does }) => does.startsWith(BENT)).map(({ id }) => id);
}

/** The names in the list at the end. */
function bentList(text: string): string[] {
  const [, list = ""] = text.split("## Where a rule is bent\n");
  return [...list.matchAll(/^- `([^`]+)`$/gm)].map(([, id]) => id as string);
}
