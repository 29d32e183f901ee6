/**
 * The architecture, checked: which layer may import which, what the pure core must not touch, that
 * every export is documented. Each rule is also shown a planted mistake, so that none of them can
 * silently stop looking.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect } from "chai";
import ts from "typescript";

const ROOT = join(__dirname, "..");
const MAX_LINES = 400;

/** What each folder or file directly under src/ may import, beside itself: down only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "errors.ts": [],
  wire: ["errors.ts"],
  protocol: ["wire", "errors.ts"],
  dissect: ["wire", "errors.ts"],
  viewer: ["dissect", "wire", "errors.ts"],
  transport: ["wire", "errors.ts"],
  client: ["transport", "protocol", "wire", "errors.ts"],
  testing: ["transport", "protocol", "wire", "errors.ts"],
  "index.ts": ["client", "transport", "protocol", "wire", "errors.ts"],
  "protocol.ts": ["protocol", "wire", "errors.ts"],
  "testing.ts": ["testing", "transport", "protocol", "wire", "errors.ts"],
  cli: [
    ...["index.ts", "protocol.ts", "testing.ts"],
    ...["client", "testing", "viewer", "dissect", "transport", "protocol", "wire", "errors.ts"],
  ],
};

/** The pure core, where bytes, commands and the time come in as arguments. */
const PURE = ["wire", "protocol", "dissect", "errors.ts", "protocol.ts"];

/** The one file that names an optional peer dependency, and only for its types. */
const OPTIONAL_TYPES: Readonly<Record<string, string>> = {
  "testing/arbitraries/fast-check.ts": 'import type fc from "fast-check";',
};

/**
 * What the scripted peer may take from the library: data and types, nothing that reads or writes
 * octets, so that a mistake in the codec does not cancel out in the tests of the codec's users.
 */
const PEER = "testing/scripted-peer";
const PEER_MAY_IMPORT = [
  "wire/field-value.ts",
  ...["constants", "method-table", "methods", "properties"].map((it) => `wire/generated/${it}.ts`),
];

const IMPURE_GLOBALS = new Set([
  ...["Buffer", "process", "performance", "crypto", "console", "global", "globalThis", "require"],
  ...["setTimeout", "setInterval", "setImmediate", "queueMicrotask"],
  ...["clearTimeout", "clearInterval", "clearImmediate"],
]);
const IMPURE_MEMBERS = new Set(["Date.now", "Math.random", "AbortSignal.timeout"]);

describe("tidy", () => {
  const files = sourceFiles();

  it("reads the sources", () => {
    // Also keeps the coverage gate over these two folders from passing on nothing.
    const layers = new Set(files.map(({ layer }) => layer));
    expect([...layers]).to.have.members(Object.keys(MAY_IMPORT));
  });

  it("imports point down", () => {
    expect(files.flatMap(wrongImports)).to.deep.equal([]);
  });

  it("wire/, protocol/ and dissect/ have no clock, no randomness and nothing of Node", () => {
    expect(files.flatMap(impurities)).to.deep.equal([]);
  });

  it("the scripted peer has nothing in common with the codec but data", () => {
    expect(files.flatMap(dependentPeer)).to.deep.equal([]);
    // Nor do those few bring the codec with them, except for the words of an error.
    const brought = files.filter(({ path }) => PEER_MAY_IMPORT.includes(path)).flatMap(targetsOf);
    expect([...new Set(brought)].filter((path) => !PEER_MAY_IMPORT.includes(path))).to.deep.equal([
      "wire/writer.ts",
    ]);
    expect(readFileSync(join(ROOT, "src/wire/field-value.ts"), "utf8")).to.match(
      /^import { describe } from ".\/writer.ts";$/m,
    );
  });

  it("every exported declaration has a doc comment", () => {
    expect(files.flatMap(undocumentedExports)).to.deep.equal([]);
  });

  it(`no source file is over ${MAX_LINES} lines`, () => {
    expect(files.flatMap(tooLong)).to.deep.equal([]);
  });

  it("there is no runtime dependency", () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(manifest).to.have.property("dependencies").that.deep.equals({});
    expect(manifest).not.to.have.any.keys("optionalDependencies", "bundleDependencies");
  });

  it("the lock file names no registry", () => {
    const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    expect(lock)
      .to.include('"integrity"')
      .and.not.to.match(/"resolved"/);
  });

  it("the generated code is what the generator makes", function () {
    this.timeout(30_000);
    const check = [
      "-r",
      "ts-node/register",
      "-e",
      "require('./tools/generate.ts')",
      "--",
      "--check",
    ];
    const { status, stderr } = spawnSync(process.execPath, check, { cwd: ROOT, encoding: "utf8" });
    expect(status, stderr).to.equal(0);
  });
});

describe("tidy finds", () => {
  const imports: [path: string, text: string][] = [
    ["wire/a.ts", 'import { x } from "../protocol/x.ts";'],
    ["wire/a.ts", 'import type { X } from "../client/x.ts";'],
    ["protocol/a.ts", 'export { x } from "../transport/x.ts";'],
    ["transport/a.ts", 'import { x } from "../protocol/x.ts";'],
    ["client/a.ts", 'import { x } from "../testing/x.ts";'],
    ["client/a.ts", 'const x = await import("../cli/x.ts");'],
    ["client/a.ts", 'let x: import("../index.ts").X;'],
    ["client/a.ts", 'import { x } from "../dissect/x.ts";'],
    ["dissect/a.ts", 'import { x } from "../protocol/x.ts";'],
    ["dissect/a.ts", 'import { x } from "node:util";'],
    ["testing/a.ts", 'import { x } from "../client/x.ts";'],
    ["protocol.ts", 'export * from "./client/x.ts";'],
    ["errors.ts", 'import { x } from "./wire/x.ts";'],
    ["stray.ts", 'import { x } from "./wire/x.ts";'],
    ["client/a.ts", 'import { x } from "../../test/x.ts";'],
    ["client/a.ts", 'import { x } from "./x.js";'],
    ["client/a.ts", 'import { x } from "left-pad";'],
    ["client/a.ts", 'import { x } from "net";'],
    ["wire/a.ts", 'import { x } from "node:util";'],
  ];
  for (const [path, text] of imports) {
    it(`in ${path}: ${text}`, () => {
      expect(wrongImports(parse(path, text))).to.have.length(1);
    });
  }

  it("an optional dependency that is imported at run time, or elsewhere", () => {
    const [path, text] = Object.entries(OPTIONAL_TYPES)[0] as [string, string];
    expect(wrongImports(parse(path, text))).to.deep.equal([]);
    expect(wrongImports(parse(path, text.replace(" type", "")))).to.have.length(1);
    expect(wrongImports(parse(path, `${text}\n${text.replace(" type", "")}`))).to.have.length(2);
    expect(wrongImports(parse("testing/arbitraries/a.ts", text))).to.have.length(1);
  });

  const dependent = [
    'import { Writer } from "../../wire/writer.ts";',
    'import type { Reader } from "../../wire/reader.ts";',
    'import { readTable } from "../../wire/field-table.ts";',
    'import { writeMethod } from "../../wire/generated/codec.ts";',
    'import { ContentAssembler } from "../../protocol/content-assembler.ts";',
    'import { startBroker } from "../broker/broker.ts";',
  ];
  for (const text of dependent) {
    it(`in the scripted peer: ${text}`, () => {
      expect(dependentPeer(parse(`${PEER}/a.ts`, text))).to.have.length(1);
      expect(dependentPeer(parse("testing/a.ts", text))).to.deep.equal([]);
    });
  }

  it("nothing dependent in the protocol's table", () => {
    const text = 'import { METHODS } from "../../wire/generated/method-table.ts"; import "./b.ts";';
    expect(dependentPeer(parse(`${PEER}/a.ts`, text))).to.deep.equal([]);
  });

  const impure = [
    "Buffer.from([])",
    "let b: Buffer;",
    "process.env",
    "Date.now()",
    "new Date()",
    "Date()",
    "Math.random()",
    "performance.now()",
    "setTimeout(() => {}, 1)",
    "queueMicrotask(f)",
    "globalThis.x",
    "AbortSignal.timeout(1)",
  ];
  for (const text of impure) {
    it(`in the core: ${text}`, () => {
      expect(impurities(parse("wire/a.ts", text))).to.have.length(1);
      expect(impurities(parse("client/a.ts", text))).to.deep.equal([]);
    });
  }

  it("nothing impure in a property of that name or a date that was given", () => {
    const text = "x.process(new Date(5)); ({ process: 1 }); interface I { performance: 1 }";
    expect(impurities(parse("wire/a.ts", text))).to.deep.equal([]);
  });

  const undocumented = [
    "export const a = 1;",
    "// not a doc comment\nexport function f() {}",
    "export class C {}",
    "export interface I {}",
    "export type T = 1;",
    "const a = 1; export { a };",
    "const a = 1; export { a as b };",
    "export default 1;",
  ];
  for (const text of undocumented) {
    it(`undocumented: ${text}`, () => {
      expect(undocumentedExports(parse("wire/a.ts", text))).to.have.length(1);
    });
  }

  it("no fault in documented exports, overloads and re-exports", () => {
    const text = `
      /** One. */ export const a = 1;
      /** Two. */ const b = 2; export { b };
      /** Three. */ export function f(x: string): void;
      export function f(x: number): void;
      export function f(): void {}
      export { c } from "./c.ts"; export * from "./d.ts"; import { e } from "./e.ts"; export { e };
    `;
    expect(undocumentedExports(parse("wire/a.ts", text))).to.deep.equal([]);
  });

  it("a file that is too long, unless it is generated", () => {
    const text = "\n".repeat(MAX_LINES + 1);
    expect(tooLong(parse("wire/a.ts", text))).to.have.length(1);
    expect(tooLong(parse("wire/generated/a.ts", text))).to.deep.equal([]);
  });
});

interface SourceFile {
  /** From src/, with slashes. */
  readonly path: string;
  /** The folder or file directly under src/. */
  readonly layer: string;
  readonly tree: ts.SourceFile;
}

function sourceFiles(): SourceFile[] {
  return readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => parse(path, readFileSync(join(ROOT, "src", path), "utf8")));
}

function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, layer: layerOf(path), tree };
}

function layerOf(path: string): string {
  return path.split("/", 1)[0] ?? "";
}

function wrongImports({ path, layer, tree }: SourceFile): string[] {
  const allowed = MAY_IMPORT[layer];
  if (allowed === undefined) return [`src/${path} belongs to no layer`];
  return importsOf(tree).flatMap((specifier) => {
    const fault = (why: string): string[] => [`src/${path} imports "${specifier}": ${why}`];
    if (specifier.startsWith("node:")) {
      return PURE.includes(layer) ? fault("the core is free of Node") : [];
    }
    if (!specifier.startsWith(".")) {
      const imports = tree.statements.filter(ts.isImportDeclaration).map((it) => it.getText());
      const isOptionalType = imports.length === 1 && imports[0] === OPTIONAL_TYPES[path];
      return isOptionalType ? [] : fault("neither ours nor node:");
    }
    if (!specifier.endsWith(".ts")) return fault("relative imports carry .ts");
    const target = layerOf(posix.join(posix.dirname(path), specifier));
    if (target === layer || allowed.includes(target)) return [];
    return fault(`${layer} may not import ${target}`);
  });
}

function dependentPeer(file: SourceFile): string[] {
  if (!file.path.startsWith(`${PEER}/`)) return [];
  return targetsOf(file)
    .filter((target) => !target.startsWith(`${PEER}/`) && !PEER_MAY_IMPORT.includes(target))
    .map((target) => `src/${file.path} imports ${target}: it must be independent of the codec`);
}

/** The files of src/ that a file imports. */
function targetsOf({ path, tree }: SourceFile): string[] {
  return importsOf(tree)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => posix.join(posix.dirname(path), specifier));
}

function importsOf(tree: ts.SourceFile): string[] {
  return nodesOf(tree).flatMap((node) => {
    let specifier: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      specifier = node.moduleSpecifier;
    } else if (ts.isImportTypeNode(node)) {
      specifier = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    } else if (ts.isCallExpression(node) && /^(import|require)$/.test(node.expression.getText())) {
      specifier = node.arguments[0];
    }
    return specifier !== undefined && ts.isStringLiteral(specifier) ? [specifier.text] : [];
  });
}

function impurities({ path, layer, tree }: SourceFile): string[] {
  if (!PURE.includes(layer)) return [];
  return nodesOf(tree).flatMap((node) => {
    const impure =
      (ts.isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && !isMemberName(node)) ||
      (ts.isPropertyAccessExpression(node) && IMPURE_MEMBERS.has(node.getText())) ||
      (ts.isNewExpression(node) && isDate(node) && (node.arguments?.length ?? 0) === 0) ||
      (ts.isCallExpression(node) && isDate(node));
    return impure ? [`${position(path, node)}: ${node.getText()}`] : [];
  });
}

function isDate(node: ts.NewExpression | ts.CallExpression): boolean {
  return node.expression.getText() === "Date";
}

/** True of `process` in `x.process` and `{ process: 1 }`: a name in someone else's space. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  const isMember =
    ts.isPropertyAssignment(parent) || ts.isClassElement(parent) || ts.isTypeElement(parent);
  return isMember && parent.name === node;
}

function undocumentedExports({ path, tree }: SourceFile): string[] {
  const declared = new Map<string, ts.Statement>();
  const imported = new Set<string>();
  const faults: string[] = [];
  const exported: [name: string, statement: ts.Statement][] = [];
  for (const statement of tree.statements) {
    if (ts.isImportDeclaration(statement)) {
      for (const node of nodesOf(statement)) if (ts.isIdentifier(node)) imported.add(node.text);
    }
    if (ts.isExportAssignment(statement))
      faults.push(`${position(path, statement)}: a default export`);
    const hasExport =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    for (const name of namesOf(statement)) {
      if (!declared.has(name)) declared.set(name, statement); // an overload: its first signature
      if (hasExport === true) exported.push([name, declared.get(name) ?? statement]);
    }
  }
  for (const statement of tree.statements) {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier !== undefined) continue;
    if (statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause))
      continue;
    for (const { name, propertyName } of statement.exportClause.elements) {
      const local = (propertyName ?? name).text;
      if (!imported.has(local)) exported.push([local, declared.get(local) ?? statement]);
    }
  }
  for (const [name, statement] of exported) {
    if (!ts.getJSDocCommentsAndTags(statement).some(ts.isJSDoc)) {
      faults.push(`${position(path, statement)}: ${name}`);
    }
  }
  return [...new Set(faults)]; // the overloads of a function are one export
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const isDeclaration =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isDeclaration ? [statement.name?.text ?? "default"] : [];
}

function tooLong({ path, tree }: SourceFile): string[] {
  const lines = tree.text.split("\n").length - 1;
  if (path.includes("/generated/") || lines <= MAX_LINES) return [];
  return [`src/${path} has ${lines} lines`];
}

function nodesOf(root: ts.Node): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return nodes;
}

function position(path: string, node: ts.Node): string {
  const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
  return `src/${path}:${line + 1}`;
}
