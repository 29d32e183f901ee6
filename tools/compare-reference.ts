/**
 * Compares `spec/amqp-0-9-1.json`, our protocol table, with the XML definition of AMQP 0-9-1 that
 * RabbitMQ extends and publishes. The reference stays outside this repository; its path is the
 * argument:
 *
 *     node -r ts-node/register -e "require('./tools/compare-reference.ts')" -- PATH.xml
 *
 * Both are flattened into facts, such as `exchange.unbind-ok id` = `51`, and the two lists of facts
 * are compared. So a fact that one of them lacks is a difference as well, and so is an intended
 * difference that is no longer there. Any difference that is not intended makes the exit code 1.
 * What is not compared: our explanations, our `extension` marks and the TLS port, which the
 * reference does not have, and its `assert` and `deprecated` marks, which our table does not have.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What is compared: the name of a fact, and its value. */
type Facts = Map<string, string>;

interface Difference {
  readonly fact: string;
  readonly reference: string;
  readonly ours: string;
}

interface Intended {
  readonly reason: string;
  readonly covers: (difference: Difference) => boolean;
}

/** Where our table departs from the reference on purpose. */
const INTENDED: readonly Intended[] = [
  {
    reason: "one spelling, `nowait`, where the reference has both `no-wait` and `nowait`",
    covers: ({ reference, ours }) => reference === "no-wait: bit" && ours === "nowait: bit",
  },
  {
    reason: "the property that 0-9-1 only calls reserved keeps its older name, `cluster-id`",
    covers: ({ fact, reference, ours }) =>
      fact === "basic property, bit 2" &&
      reference === "reserved: shortstr" &&
      ours === "cluster-id: shortstr",
  },
  {
    reason: "only a broker says that it has blocked; the reference lists both sides as receivers",
    covers: ({ fact, reference, ours }) =>
      (fact === "connection.blocked from" || fact === "connection.unblocked from") &&
      reference === "client, server" &&
      ours === "server",
  },
  {
    reason: "a client updates its secret and the broker agrees; the reference has it reversed",
    covers: ({ fact, reference, ours }) =>
      (fact === "connection.update-secret from" && reference === "server" && ours === "client") ||
      (fact === "connection.update-secret-ok from" && reference === "client" && ours === "server"),
  },
  {
    reason: "recover-ok answers recover; the reference names no response though it is synchronous",
    covers: ({ fact, reference, ours }) =>
      fact === "basic.recover replies" && reference === "" && ours === "recover-ok",
  },
];

const ABSENT = "(absent)";

main();

function main(): void {
  // With `node -e` the first argument is argv[1], with a script it is argv[2]: go by the name.
  const path = process.argv.slice(1).find((argument) => argument.endsWith(".xml"));
  if (path === undefined) {
    console.error("usage: compare-reference PATH-OF-REFERENCE.xml");
    process.exitCode = 2;
    return;
  }
  const table = readTable(join(process.cwd(), "spec", "amqp-0-9-1.json"));
  const found = differences(
    factsOfReference(parseXml(readFileSync(path, "utf8"))),
    factsOfTable(table),
  );

  for (const { reason, covers } of INTENDED) {
    const covered = found.filter(covers);
    console.log(`intended (${covered.length}): ${reason}`);
    for (const difference of covered) {
      console.log(`  ${describe(difference)}`);
    }
  }

  const unintended = found.filter((difference) => !INTENDED.some((i) => i.covers(difference)));
  const stale = INTENDED.filter((intended) => !found.some(intended.covers));
  for (const difference of unintended) {
    console.log(`DIFFERENCE ${describe(difference)}`);
  }
  for (const { reason } of stale) {
    console.log(`DIFFERENCE intended, but not there: ${reason}`);
  }

  const methods = table.classes.flatMap((c) => c.methods);
  const fields = methods.flatMap((m) => m.fields);
  const properties = table.classes.flatMap((c) => c.properties ?? []);
  const count = unintended.length + stale.length;
  console.log(
    `compared ${table.classes.length} classes, ${methods.length} methods, ` +
      `${fields.length} fields, ${properties.length} properties, ` +
      `${table.replyCodes.length} reply codes: ${count} differences`,
  );
  process.exitCode = count === 0 ? 0 : 1;
}

function differences(reference: Facts, ours: Facts): Difference[] {
  const found: Difference[] = [];
  for (const fact of new Set([...reference.keys(), ...ours.keys()])) {
    const theirs = reference.get(fact) ?? ABSENT;
    const mine = ours.get(fact) ?? ABSENT;
    if (theirs !== mine) {
      found.push({ fact, reference: theirs, ours: mine });
    }
  }
  return found;
}

function describe({ fact, reference, ours }: Difference): string {
  return `${fact}: reference ${JSON.stringify(reference)}, ours ${JSON.stringify(ours)}`;
}

/** A second fact of the same name would hide the first, so it is refused. */
function add(facts: Facts, fact: string, value: string | number | boolean): void {
  if (facts.has(fact)) {
    throw new Error(`stated twice: ${fact}`);
  }
  facts.set(fact, String(value));
}

function fieldFact(name: string, type: string, reserved: boolean): string {
  return reserved ? `${name}: ${type}, reserved` : `${name}: ${type}`;
}

// ---------------------------------------------------------------------------- our table

interface TableField {
  readonly name: string;
  readonly domain: string;
  readonly reserved?: boolean;
}

interface TableMethod {
  readonly name: string;
  readonly id: number;
  readonly from: readonly string[];
  readonly synchronous: boolean;
  readonly replies?: readonly string[];
  readonly content: boolean;
  readonly fields: readonly TableField[];
}

interface TableClass {
  readonly name: string;
  readonly id: number;
  readonly properties?: readonly { name: string; type: string; bit: number }[];
  readonly methods: readonly TableMethod[];
}

interface Table {
  readonly protocol: { major: number; minor: number; revision: number; port: number };
  readonly frames: Readonly<
    Record<"method" | "header" | "body" | "heartbeat" | "end" | "minSize", number>
  >;
  readonly replyCodes: readonly { code: number; name: string; kind: string }[];
  readonly domains: readonly { name: string; type: string }[];
  readonly classes: readonly TableClass[];
}

function readTable(path: string): Table {
  return JSON.parse(readFileSync(path, "utf8")) as Table;
}

function factsOfTable(table: Table): Facts {
  const facts: Facts = new Map();
  const { protocol, frames } = table;
  add(facts, "version", `${protocol.major}-${protocol.minor}-${protocol.revision}`);
  add(facts, "port", protocol.port);

  add(facts, "constant frame-method", frames.method);
  add(facts, "constant frame-header", frames.header);
  add(facts, "constant frame-body", frames.body);
  add(facts, "constant frame-heartbeat", frames.heartbeat);
  add(facts, "constant frame-end", frames.end);
  add(facts, "constant frame-min-size", frames.minSize);

  for (const { code, name, kind } of table.replyCodes) {
    add(facts, `reply code ${code}`, `${name}, ${kind}`);
  }

  const types = new Map<string, string>();
  for (const { name, type } of table.domains) {
    add(facts, `domain ${name}`, type);
    types.set(name, type);
  }

  for (const { name: className, id, properties, methods } of table.classes) {
    add(facts, `${className} id`, id);
    for (const { name, type, bit } of properties ?? []) {
      add(facts, `${className} property, bit ${bit}`, fieldFact(name, type, false));
    }
    for (const method of methods) {
      const name = `${className}.${method.name}`;
      add(facts, `${name} id`, method.id);
      add(facts, `${name} from`, [...method.from].sort().join(", "));
      add(facts, `${name} synchronous`, method.synchronous);
      add(facts, `${name} content`, method.content);
      add(facts, `${name} replies`, (method.replies ?? []).join(", "));
      method.fields.forEach((field, index) => {
        const type = types.get(field.domain) ?? `unknown domain ${field.domain}`;
        const value = fieldFact(field.name, type, field.reserved === true);
        add(facts, `${name} field ${index + 1}`, value);
      });
    }
  }
  return facts;
}

// ---------------------------------------------------------------------------- the reference

interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
}

function factsOfReference(amqp: Element): Facts {
  const facts: Facts = new Map();
  const version = ["major", "minor", "revision"].map((part) => attribute(amqp, part));
  add(facts, "version", version.join("-"));
  add(facts, "port", attribute(amqp, "port"));

  for (const constant of childrenOf(amqp, "constant")) {
    const name = attribute(constant, "name");
    const value = attribute(constant, "value");
    if (name.startsWith("frame-") && name !== "frame-error") {
      add(facts, `constant ${name}`, value);
    } else {
      const kind = constant.attributes.get("class") ?? "success";
      add(facts, `reply code ${value}`, `${name}, ${kind.replace("-error", "")}`);
    }
  }

  const types = new Map<string, string>();
  for (const domain of childrenOf(amqp, "domain")) {
    const name = attribute(domain, "name");
    types.set(name, attribute(domain, "type"));
    add(facts, `domain ${name}`, attribute(domain, "type"));
  }

  for (const amqpClass of childrenOf(amqp, "class")) {
    const className = attribute(amqpClass, "name");
    add(facts, `${className} id`, attribute(amqpClass, "index"));
    // The first property has the highest of the 16 bits of the flags (spec 4.2.6.1).
    childrenOf(amqpClass, "field").forEach((field, index) => {
      add(facts, `${className} property, bit ${15 - index}`, referenceField(field, types));
    });
    for (const method of childrenOf(amqpClass, "method")) {
      const name = `${className}.${attribute(method, "name")}`;
      const replies = childrenOf(method, "response").map((reply) => attribute(reply, "name"));
      add(facts, `${name} id`, attribute(method, "index"));
      add(facts, `${name} from`, senders(method).join(", "));
      add(facts, `${name} synchronous`, method.attributes.get("synchronous") === "1");
      add(facts, `${name} content`, method.attributes.get("content") === "1");
      add(facts, `${name} replies`, replies.join(", "));
      childrenOf(method, "field").forEach((field, index) => {
        add(facts, `${name} field ${index + 1}`, referenceField(field, types));
      });
    }
  }
  return facts;
}

/** `chassis` names the side that must handle a method, so it is the other side that sends it. */
function senders(method: Element): string[] {
  const handlers = childrenOf(method, "chassis").map((chassis) => attribute(chassis, "name"));
  return handlers.map((handler) => (handler === "server" ? "client" : "server")).sort();
}

/** A field has either a domain or, if it is reserved, an elementary type. */
function referenceField(field: Element, types: ReadonlyMap<string, string>): string {
  const domain = field.attributes.get("domain") ?? attribute(field, "type");
  const type = types.get(domain) ?? `unknown domain ${domain}`;
  return fieldFact(attribute(field, "name"), type, field.attributes.get("reserved") === "1");
}

function childrenOf(element: Element, tag: string): Element[] {
  return element.children.filter((child) => child.tag === tag);
}

function attribute(element: Element, name: string): string {
  const value = element.attributes.get(name);
  if (value === undefined) {
    throw new Error(`<${element.tag}> lacks the attribute ${name}`);
  }
  return value;
}

/** Enough XML for the reference: elements and attributes. Text is passed over. */
function parseXml(xml: string): Element {
  const markup =
    /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[[\s\S]*?\]\]>|<(\/?)([\w-]+)([^>]*?)(\/?)>/g;
  const document: Element = { tag: "", attributes: new Map(), children: [] };
  const open: Element[] = [document];
  for (const [, isEnd, tag, rest, isEmpty] of xml.matchAll(markup)) {
    if (tag === undefined) {
      continue; // a comment, a declaration or character data
    }
    if (isEnd === "/") {
      if (open.length === 1 || open.pop()?.tag !== tag) {
        throw new Error(`</${tag}> closes nothing`);
      }
      continue;
    }
    const attributes = new Map<string, string>();
    for (const [, name = "", value = ""] of (rest ?? "").matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g)) {
      attributes.set(name, value);
    }
    const element: Element = { tag, attributes, children: [] };
    open.at(-1)?.children.push(element);
    if (isEmpty !== "/") {
      open.push(element);
    }
  }
  const [root] = document.children;
  if (root?.tag !== "amqp" || open.length !== 1) {
    throw new Error("not an AMQP definition: no complete <amqp> element");
  }
  return root;
}
