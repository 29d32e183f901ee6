/**
 * Nothing that the protocol lets a client say is out of reach: the table made from spec/ is walked,
 * and each method must have a wrapper that takes all of its fields, says so in types and in words,
 * and is shown to work against a real broker.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import ts from "typescript";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { Method } from "../../src/wire/generated/methods.ts";

const REPOSITORY = join(__dirname, "../..");

/** What is said by itself, in connecting, closing and answering; and by which method it is asked for. */
const BY_ITSELF: { readonly [N in Method["name"]]?: string | undefined } = {
  "connection.start-ok": undefined,
  "connection.secure-ok": undefined,
  "connection.tune-ok": undefined,
  "connection.open": undefined,
  "connection.close": "Connection.close",
  "connection.close-ok": undefined,
  "channel.open": "Connection.openChannel",
  "channel.flow-ok": undefined,
  "channel.close": "Channel.close",
  "channel.close-ok": undefined,
  "basic.cancel-ok": undefined,
};

/** Where a parameter is not called what the specification calls the field. */
const OTHER_NAMES: { readonly [field: string]: string } = {
  arguments: "args",
  newSecret: "secret",
};

/** A method of a class, as its source has it: with all its overloads. */
interface Wrapper {
  readonly documented: boolean;
  /** Parameters, and the members of those that are options. */
  readonly fields: ReadonlySet<string>;
  /** Parameters without a type. */
  readonly untyped: readonly string[];
  readonly returns: string;
}

const SENDABLE = (Object.keys(METHODS) as Method["name"][]).filter((name) =>
  METHODS[name].from.includes("client"),
);
const WRAPPED = SENDABLE.filter((name) => !(name in BY_ITSELF));

describe("every method that a client may send", () => {
  const wrappers = readWrappers(sources("src/client"));
  const integration = sources("test/integration");

  it("is told from those that are said by themselves", () => {
    const others = Object.keys(BY_ITSELF).filter((name) => !SENDABLE.includes(name as never));
    expect(others).to.deep.equal([]);
    const machines = [...sources("src/protocol"), ...sources("src/client")].join("\n");
    for (const [name, method] of Object.entries(BY_ITSELF)) {
      expect(machines, name).to.include(`name: "${name}"`);
      if (method !== undefined) expect(wrappers.get(method)?.documented, method).to.equal(true);
    }
  });

  for (const name of WRAPPED) {
    const [className, member] = wrapperOf(name);
    it(`${name} is ${className}.${member}()`, () => {
      const wrapper = wrappers.get(`${className}.${member}`);
      if (wrapper === undefined) throw new Error(`there is no ${className}.${member}()`);
      expect(wrapper.documented, "has a doc comment").to.equal(true);
      expect(wrapper.untyped, "parameters without a type").to.deep.equal([]);
      expect(wrapper.returns, "its result").to.match(/^(void|number|Promise<.+>)$/s);
      for (const { name: field, reserved } of METHODS[name].fields) {
        if (reserved) continue;
        const names = [field, OTHER_NAMES[field] ?? field];
        const found = names.some((each) => wrapper.fields.has(each));
        expect(found, `takes ${field}; it has ${[...wrapper.fields].join(", ")}`).to.equal(true);
      }
    });

    it(`${name} is shown to work against a broker`, () => {
      const named = new RegExp(`^ *(it|describe)\\(\\s*"[^"]*(?<![\\w.-])${name}(?![\\w-])`, "m");
      const called = `.${member}(`;
      const shown = integration.filter((text) => named.test(text) && text.includes(called));
      expect(shown, `an integration test that names ${name} and calls ${called})`).to.not.be.empty;
    });
  }

  it("is looked for where a wrapper may be missing, without words, or without types", () => {
    const planted = readWrappers([
      `interface Bounds { readonly timeoutMs?: number } interface Options extends Bounds { nowait?: boolean }
       abstract class Base {
         /** Says so. */
         basicQos(options: Options & { global: boolean }): Promise<void> {} }
       class Channel extends Base { wordless(a, b: string = "", c = 1) {} }`,
    ]);
    expect(planted.get("Channel.basicQos")).to.deep.equal({
      documented: true,
      fields: new Set(["options", "nowait", "timeoutMs", "global"]),
      untyped: [],
      returns: "Promise<void>",
    });
    expect(planted.get("Channel.wordless")).to.deep.include({
      documented: false,
      untyped: ["a"],
      returns: "",
    });
    expect(planted.get("Channel.txSelect")).to.equal(undefined);
  });
});

/** `queue.declare` is `Channel.queueDeclare()`; a method of class connection drops the class. */
function wrapperOf(name: string): [className: "Channel" | "Connection", member: string] {
  const camel = name.replaceAll(/[.-]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (!name.startsWith("connection.")) return ["Channel", camel];
  const member = camel.slice("connection".length);
  return ["Connection", (member[0] ?? "").toLowerCase() + member.slice(1)];
}

/** The texts of the TypeScript files of a folder. */
function sources(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(REPOSITORY, folder, file), "utf8"));
}

/** The methods of `Channel` and `Connection`, inherited ones included, as `Channel.close`. */
function readWrappers(texts: readonly string[]): ReadonlyMap<string, Wrapper> {
  const statements = texts.flatMap((text) => [
    ...ts.createSourceFile("a.ts", text, ts.ScriptTarget.Latest, true).statements,
  ]);
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  const classes = new Map<string, ts.ClassDeclaration>();
  for (const each of statements) {
    if (ts.isInterfaceDeclaration(each)) interfaces.set(each.name.text, each);
    if (ts.isClassDeclaration(each) && each.name !== undefined) classes.set(each.name.text, each);
  }
  const wrappers = new Map<string, Wrapper>();
  for (const name of ["Channel", "Connection"]) {
    for (let at = classes.get(name); at !== undefined; at = classes.get(parentOf(at) ?? "")) {
      for (const [member, declarations] of methodsOf(at)) {
        const wrapper = describeMethod(declarations, interfaces);
        if (!wrappers.has(`${name}.${member}`)) wrappers.set(`${name}.${member}`, wrapper);
      }
    }
  }
  return wrappers;
}

function methodsOf(node: ts.ClassDeclaration): Map<string, ts.MethodDeclaration[]> {
  const methods = new Map<string, ts.MethodDeclaration[]>();
  for (const member of node.members) {
    if (!ts.isMethodDeclaration(member) || !ts.isIdentifier(member.name)) continue;
    const hidden = member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ProtectedKeyword);
    if (hidden === true) continue;
    methods.set(member.name.text, [...(methods.get(member.name.text) ?? []), member]);
  }
  return methods;
}

function describeMethod(
  declarations: readonly ts.MethodDeclaration[],
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
): Wrapper {
  const parameters = declarations.flatMap((each) => [...each.parameters]);
  const names = parameters.flatMap(({ name, type }) => [
    name.getText(),
    ...(type === undefined ? [] : membersOf(type, interfaces)),
  ]);
  return {
    documented: declarations.some((each) => ts.getJSDocCommentsAndTags(each).length > 0),
    fields: new Set(names),
    untyped: parameters
      .filter(({ type, initializer }) => type === undefined && initializer === undefined)
      .map(({ name }) => name.getText()),
    returns: declarations[0]?.type?.getText() ?? "",
  };
}

/** The names of what an options type has: of a literal, an interface, what it extends, and of `&`. */
function membersOf(
  type: ts.Node,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
): string[] {
  if (ts.isIntersectionTypeNode(type)) {
    return type.types.flatMap((each) => membersOf(each, interfaces));
  }
  if (ts.isTypeLiteralNode(type) || ts.isInterfaceDeclaration(type)) {
    const own = type.members.flatMap(({ name }) => name?.getText() ?? []);
    const heritage = ts.isInterfaceDeclaration(type) ? (type.heritageClauses ?? []) : [];
    const inherited = heritage.flatMap(({ types }) =>
      types.flatMap(({ expression }) => declared(expression.getText(), interfaces)),
    );
    return [...own, ...inherited];
  }
  return ts.isTypeReferenceNode(type) ? declared(type.typeName.getText(), interfaces) : [];
}

function declared(
  name: string,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
): string[] {
  // Those of the wire, which publish options extend, have a generated file to themselves.
  const found = interfaces.get(name);
  return found === undefined ? [] : membersOf(found, interfaces);
}

function parentOf(node: ts.ClassDeclaration): string | undefined {
  const clause = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword);
  return clause?.types[0]?.expression.getText();
}
