/**
 * Makes src/wire/generated/ and src/dissect/generated/ from spec/amqp-0-9-1.json, the one place
 * where the protocol's numbers are written, and src/viewer/generated/, the script of the viewer's
 * page, from src/viewer/page/. `npm run generate` writes the files; with `--check` it compares them with what is
 * there and exits 1 if they differ.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { camel, loadSpec, pascal, type Spec, type SpecField, type SpecMethod } from "./spec.ts";
import { pageSource } from "./viewer/bundle.ts";

const WIRE = "src/wire/generated";
/** Apart from the codec: what the client loads shall not carry the explanations. */
const DISSECT = "src/dissect/generated";
const VIEWER = "src/viewer/generated";
const HEADER =
  "// Made by tools/generate.ts from spec/amqp-0-9-1.json: change those, not this file.\n";

function main(check: boolean): void {
  const spec = loadSpec();
  const files: Record<string, string> = {
    [`${WIRE}/constants.ts`]: HEADER + constants(spec),
    [`${WIRE}/methods.ts`]: HEADER + methods(spec),
    [`${WIRE}/codec.ts`]: HEADER + codec(spec),
    [`${WIRE}/properties.ts`]: HEADER + properties(spec),
    [`${WIRE}/method-table.ts`]: HEADER + methodTable(spec),
    [`${DISSECT}/explanations.ts`]: HEADER + explanations(spec),
    [`${VIEWER}/page.ts`]: pageSource(),
  };
  const folders = [WIRE, DISSECT, VIEWER];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  const stale = Object.keys(files).filter(
    (path) => !existsSync(path) || readFileSync(path, "utf8") !== files[path],
  );
  const strays = folders
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
    .filter((path) => files[path] === undefined);
  if (check) {
    for (const path of [...stale, ...strays]) {
      process.stderr.write(`${path} differs: run npm run generate\n`);
    }
    process.exitCode = stale.length + strays.length === 0 ? 0 : 1;
    return;
  }
  for (const path of strays) rmSync(path);
  for (const path of stale) writeFileSync(path, files[path] as string);
  const count = Object.keys(files).length;
  process.stdout.write(`generated: ${stale.length} of ${count} files written\n`);
}

interface NamedMethod extends SpecMethod {
  readonly wireName: string;
  readonly typeName: string;
  readonly wireId: number;
  readonly classId: number;
}

function allMethods(spec: Spec): NamedMethod[] {
  return spec.classes.flatMap((c) =>
    c.methods.map((m) => ({
      ...m,
      wireName: `${c.name}.${m.name}`,
      typeName: pascal(c.name) + pascal(m.name),
      wireId: c.id * 0x10000 + m.id,
      classId: c.id,
    })),
  );
}

function constants(spec: Spec): string {
  const { protocol, frames } = spec;
  const letters = [...protocol.name].map((letter) => letter.charCodeAt(0));
  const version = [0, protocol.major, protocol.minor, protocol.revision];
  const lines = [
    doc("The eight octets that a client opens the conversation with: `AMQP` and the version."),
    `export const PROTOCOL_HEADER: readonly number[] = [${[...letters, ...version].join(", ")}];`,
    "",
    doc("The port of `amqp:`, where a URI names none."),
    `export const PORT = ${protocol.port};`,
    "",
    doc("The port of `amqps:`, where a URI names none."),
    `export const TLS_PORT = ${protocol.tlsPort};`,
    "",
    doc("The first octet of a frame says what it is (specification section 2.3.5)."),
    "export const FRAME_TYPE = {",
    `  method: ${frames.method},`,
    `  header: ${frames.header},`,
    `  body: ${frames.body},`,
    `  heartbeat: ${frames.heartbeat},`,
    "} as const;",
    "",
    doc("The last octet of every frame."),
    `export const FRAME_END = ${frames.end};`,
    "",
    doc("The smallest frame-max that a peer may ask for, in octets."),
    `export const FRAME_MIN_SIZE = ${frames.minSize};`,
    "",
    doc("The class id in a content header: only class basic carries content."),
    `export const BASIC_CLASS_ID = ${spec.classes.find((c) => c.name === "basic")?.id};`,
    "",
    doc("Reply codes by name."),
    "export const REPLY_CODE = {",
    ...spec.replyCodes.flatMap((r) => [doc(r.doc, "  "), `  ${camel(r.name)}: ${r.code},`]),
    "} as const;",
    "",
    doc("Reply codes by number: soft errors close the channel, hard ones the connection."),
    "export const REPLY_CODES: ReadonlyMap<",
    "  number,",
    '  { readonly name: string; readonly kind: "success" | "soft" | "hard" }',
    "> = new Map([",
    ...spec.replyCodes.map((r) => `  [${r.code}, { name: "${r.name}", kind: "${r.kind}" }],`),
    "]);",
  ];
  return finish(lines);
}

function methods(spec: Spec): string {
  const all = allMethods(spec);
  const usesTable = all.some((m) => m.fields.some((f) => typeOf(spec, f) === "table"));
  const lines = usesTable ? ['import type { FieldTable } from "../field-value.ts";', ""] : [];
  for (const m of all) {
    lines.push(doc(m.doc), `export interface ${m.typeName} {`);
    lines.push(`  readonly name: "${m.wireName}";`);
    for (const f of visible(m)) {
      lines.push(doc(f.doc ?? domainDoc(spec, f), "  "));
      lines.push(`  readonly ${camel(f.name)}: ${TYPES[typeOf(spec, f)]};`);
    }
    lines.push("}", "");
  }
  const union = (name: string, comment: string, list: NamedMethod[]): void => {
    lines.push(doc(comment), `export type ${name} =`);
    lines.push(`${list.map((m) => `  | ${m.typeName}`).join("\n")};`, "");
  };
  union("ClientMethod", "What a client may send.", sentBy(all, "client"));
  union("ServerMethod", "What a server may send.", sentBy(all, "server"));
  lines.push(doc("Every method."), "export type Method = ClientMethod | ServerMethod;", "");
  union(
    "ContentMethod",
    "The methods that content (a header frame and body frames) follows.",
    all.filter((m) => m.content),
  );
  return finish(lines);
}

function codec(spec: Spec): string {
  const all = allMethods(spec);
  const lines = [
    'import { readTable, writeTable } from "../field-table.ts";',
    'import { refuseMethod } from "../method-refusal.ts";',
    'import type { Reader } from "../reader.ts";',
    'import type { Writer } from "../writer.ts";',
    'import type * as m from "./methods.ts";',
    "",
  ];
  for (const method of all) {
    lines.push(doc(`Writes the ids and arguments of ${method.wireName}.`));
    const value = visible(method).length > 0 ? "value" : "_value";
    lines.push(
      `export function write${method.typeName}(w: Writer, ${value}: m.${method.typeName}): void {`,
    );
    lines.push(`  w.writeLong(${hex(method.wireId)});`);
    lines.push(...writeFields(spec, method), "}", "");
    const reader = method.fields.length > 0 ? "r" : "_r";
    lines.push(doc(`Reads the arguments of ${method.wireName}; its ids have been read.`));
    lines.push(`export function read${method.typeName}(${reader}: Reader): m.${method.typeName} {`);
    lines.push(...readFields(spec, method), "}", "");
  }
  lines.push(doc("Writes the ids and arguments of any method."));
  lines.push("export function writeMethod(w: Writer, method: m.Method): void {");
  lines.push("  switch (method.name) {");
  for (const method of all) {
    lines.push(
      `    case "${method.wireName}":`,
      `      return write${method.typeName}(w, method);`,
    );
  }
  lines.push("  }", "}", "");
  for (const side of ["client", "server"] as const) {
    const type = `${pascal(side)}Method`;
    lines.push(doc(`Reads a method that a ${side} sent; any other is a protocol error.`));
    lines.push(`export function read${type}(r: Reader): m.${type} {`);
    lines.push("  const id = r.readLong();", "  switch (id) {");
    for (const method of sentBy(all, side)) {
      lines.push(`    case ${hex(method.wireId)}:`, `      return read${method.typeName}(r);`);
    }
    lines.push("    default:", `      return refuseMethod(id, "${side}");`, "  }", "}", "");
  }
  return finish(lines);
}

function writeFields(spec: Spec, method: NamedMethod): string[] {
  const lines: string[] = [];
  const fields = method.fields;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as SpecField;
    const type = typeOf(spec, field);
    if (type === "bit") {
      const run = bitRun(spec, fields, i);
      const bits = run
        .map((f, bit) => (f.reserved ? "" : `(value.${camel(f.name)} ? ${1 << bit} : 0)`))
        .filter((text) => text !== "");
      lines.push(`  w.writeOctet(${bits.length === 0 ? "0" : bits.join(" | ")});`);
      i += run.length - 1;
    } else if (field.reserved) {
      lines.push(`  ${RESERVED[type]}; // ${field.name}`);
    } else if (type === "table") {
      lines.push(`  writeTable(w, value.${camel(field.name)}, "${camel(field.name)}");`);
    } else {
      lines.push(`  w.write${pascal(type)}(value.${camel(field.name)}, "${camel(field.name)}");`);
    }
  }
  return lines;
}

function readFields(spec: Spec, method: NamedMethod): string[] {
  const lines: string[] = [];
  const members = [`name: "${method.wireName}"`];
  const fields = method.fields;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as SpecField;
    const type = typeOf(spec, field);
    const name = camel(field.name);
    if (type === "bit") {
      const run = bitRun(spec, fields, i);
      const octet = `bits${i}`;
      const shown = run.filter((f) => !f.reserved);
      lines.push(shown.length > 0 ? `  const ${octet} = r.readOctet();` : "  r.readOctet();");
      run.forEach((f, bit) => {
        if (!f.reserved) members.push(`${camel(f.name)}: (${octet} & ${1 << bit}) !== 0`);
      });
      i += run.length - 1;
    } else if (field.reserved) {
      lines.push(`  r.read${pascal(type)}(); // ${field.name}`);
    } else {
      const read = type === "table" ? "readTable(r)" : `r.read${pascal(type)}()`;
      const local = name === "arguments" ? "argumentTable" : name;
      lines.push(`  const ${local} = ${read};`);
      members.push(local === name ? name : `${name}: ${local}`);
    }
  }
  lines.push(`  return { ${members.join(", ")} };`);
  return lines;
}

/** Consecutive bits share an octet, the first one in its lowest bit (specification 4.2.5.2). */
function bitRun(spec: Spec, fields: readonly SpecField[], start: number): SpecField[] {
  const run: SpecField[] = [];
  for (let i = start; i < fields.length && run.length < 8; i++) {
    const field = fields[i] as SpecField;
    if (typeOf(spec, field) !== "bit") break;
    run.push(field);
  }
  return run;
}

function properties(spec: Spec): string {
  const list = spec.classes.find((c) => c.name === "basic")?.properties ?? [];
  const lines = ['import type { FieldTable } from "../field-value.ts";', ""];
  lines.push(doc("The properties of a message: what its content header carries beside the size."));
  lines.push("export interface BasicProperties {");
  for (const p of list) {
    const type = p.values === undefined ? TYPES[p.type] : p.values.join(" | ");
    lines.push(doc(p.doc, "  "), `  readonly ${camel(p.name)}?: ${type} | undefined;`);
  }
  lines.push("}", "");
  lines.push(doc("The bit of each property in the flags of a content header (section 2.3.5.2)."));
  lines.push("export const PROPERTY_FLAG = {");
  for (const p of list) lines.push(`  ${camel(p.name)}: ${hex(1 << p.bit, 4)},`);
  lines.push("} as const;", "");
  lines.push(doc("The elementary type of each property, in the order of the wire."));
  lines.push(
    "export const PROPERTY_TYPES: readonly (readonly [keyof BasicProperties, string])[] = [",
  );
  for (const p of list) lines.push(`  ["${camel(p.name)}", "${p.type}"],`);
  lines.push("];");
  return finish(lines);
}

function methodTable(spec: Spec): string {
  const lines = [
    'import type { Method } from "./methods.ts";',
    "",
    doc("A field of a method, as the specification has it but in camel case."),
    "export interface FieldDescription {",
    "  readonly name: string;",
    "  readonly domain: string;",
    "  readonly type: string;",
    "  readonly reserved: boolean;",
    "}",
    "",
    doc("What the specification says of a method."),
    "export interface MethodDescription {",
    "  readonly classId: number;",
    "  readonly methodId: number;",
    '  readonly from: readonly ("client" | "server")[];',
    "  readonly synchronous: boolean;",
    '  readonly replies: readonly Method["name"][];',
    "  readonly content: boolean;",
    "  readonly fields: readonly FieldDescription[];",
    "}",
    "",
    doc("Every method by its name."),
    'export const METHODS: { readonly [N in Method["name"]]: MethodDescription } = {',
  ];
  for (const method of allMethods(spec)) {
    const className = method.wireName.split(".")[0];
    const replies = (method.replies ?? []).map((name) => `"${className}.${name}"`);
    lines.push(`  "${method.wireName}": {`);
    lines.push(`    classId: ${method.classId},`, `    methodId: ${method.id},`);
    lines.push(`    from: [${method.from.map((f) => `"${f}"`).join(", ")}],`);
    lines.push(`    synchronous: ${method.synchronous},`, `    replies: [${replies.join(", ")}],`);
    lines.push(`    content: ${method.content === true},`, "    fields: [");
    for (const f of method.fields) {
      const reserved = f.reserved === true;
      const type = typeOf(spec, f);
      lines.push(
        `      { name: "${camel(f.name)}", domain: "${f.domain}", type: "${type}", reserved: ${reserved} },`,
      );
    }
    lines.push("    ],", "  },");
  }
  lines.push("};", "");
  lines.push(doc("The name of the method with these ids; undefined where there is none."));
  lines.push(
    'export function methodName(classId: number, methodId: number): Method["name"] | undefined {',
    "  return NAMES.get(classId * 0x10000 + methodId);",
    "}",
    "",
    'const NAMES: ReadonlyMap<number, Method["name"]> = new Map(',
    "  Object.entries(METHODS).map(([name, { classId, methodId }]) => [",
    "    classId * 0x10000 + methodId,",
    '    name as Method["name"],',
    "  ]),",
    ");",
  );
  return finish(lines);
}

/** What people are told who look at octets: nothing that a client needs to run. */
function explanations(spec: Spec): string {
  const lines: string[] = [];
  const dictionary = (name: string, about: string, entries: [string, string][]): void => {
    lines.push(doc(about), `export const ${name}: { readonly [name: string]: string } = {`);
    for (const [key, text] of entries)
      lines.push(`  ${JSON.stringify(key)}: ${JSON.stringify(text)},`);
    lines.push("};", "");
  };
  const all = allMethods(spec);
  dictionary(
    "CLASS_DOCS",
    "What each class is for, by its name.",
    spec.classes.map((c) => [c.name, c.doc]),
  );
  dictionary(
    "METHOD_DOCS",
    "What each method does, by its name, as in `basic.publish`.",
    all.map((m) => [m.wireName, m.doc]),
  );
  dictionary(
    "FIELD_DOCS",
    "What each field of a method means, as in `basic.publish.routingKey`; its domain says the rest.",
    all.flatMap((m) =>
      m.fields.flatMap((f): [string, string][] =>
        f.doc === undefined ? [] : [[`${m.wireName}.${camel(f.name)}`, f.doc]],
      ),
    ),
  );
  dictionary(
    "PROPERTY_DOCS",
    "What each property of a message means, by its name.",
    spec.classes.flatMap((c) =>
      (c.properties ?? []).map((p): [string, string] => [camel(p.name), p.doc]),
    ),
  );
  dictionary(
    "DOMAIN_DOCS",
    "What each domain holds, the elementary types included.",
    spec.domains.map((d) => [d.name, d.doc]),
  );
  dictionary(
    "REPLY_CODE_DOCS",
    "What each reply code means, by its number.",
    spec.replyCodes.map((r) => [String(r.code), r.doc]),
  );
  return finish(lines);
}

const TYPES: Record<string, string> = {
  bit: "boolean",
  octet: "number",
  short: "number",
  long: "number",
  longlong: "number",
  shortstr: "string",
  longstr: "Uint8Array",
  timestamp: "Date",
  table: "FieldTable",
};

const RESERVED: Record<string, string> = {
  octet: "w.writeOctet(0)",
  short: "w.writeShort(0)",
  shortstr: 'w.writeShortstr("")',
  longstr: 'w.writeLongstr("")',
};

function typeOf(spec: Spec, field: SpecField): string {
  return spec.domains.find((d) => d.name === field.domain)?.type ?? field.domain;
}

function domainDoc(spec: Spec, field: SpecField): string {
  return spec.domains.find((d) => d.name === field.domain)?.doc ?? field.domain;
}

function visible(method: SpecMethod): SpecField[] {
  return method.fields.filter((f) => !f.reserved);
}

function sentBy(all: NamedMethod[], side: "client" | "server"): NamedMethod[] {
  return all.filter((m) => m.from.includes(side));
}

function hex(value: number, digits = 8): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** A doc comment, wrapped at 100 columns. */
function doc(text: string, indent = ""): string {
  const oneLine = `${indent}/** ${text} */`;
  if (oneLine.length <= 100) return oneLine;
  const lines: string[] = [];
  let line = `${indent} *`;
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > 100) {
      lines.push(line);
      line = `${indent} *`;
    }
    line += ` ${word}`;
  }
  return [`${indent}/**`, ...lines, line, `${indent} */`].join("\n");
}

function finish(lines: string[]): string {
  return `${lines.join("\n").trimEnd()}\n`;
}

main(process.argv.includes("--check"));
