/**
 * Makes vectors.json: real frames of other people's implementations, and what other people's
 * decoders read in them. Our own codec has no part in this (architecture.md, principle 13).
 *
 *     apt-get install rabbitmq-server python3-pika python3-pamqp amqp-tools && npm ci
 *     node -r ts-node/register -e "require('./test/golden/capture.ts')"
 *
 * Run it by hand, from the root of the repository, when a client or broker is added or updated; it
 * takes about half a minute. It starts a RabbitMQ, puts a proxy before it, lets each program of
 * clients/ say everything that its library can, and cuts both directions into frames. Of frames that
 * differ in values only, the first is kept. Three decoders read each one: RabbitMQ's (inside the
 * node), pamqp's and amqplib's. Each value in `expect` is read alike by at least two of them;
 * `decodedBy` names those who agree with all of it, `otherReadings` has what another made of some.
 *
 * Frames that nobody sends are taken from an encoder (ENCODED below) and say so in `source`. At the
 * end the vectors of by-hand.ts are shown to the same decoders, and differences are printed.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect, createServer, type Server, type Socket } from "node:net";
import { homedir, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RabbitNode } from "../support/rabbitmq.ts";
import { BY_HAND } from "./by-hand.ts";
import { bytesByHand, type Json, type JsonObject, type Vector } from "./vector.ts";

const HERE = join(process.cwd(), "test", "golden");
const run = promisify(execFile);
const requireFromHere = createRequire(join(HERE, "capture.ts"));
/** By path: the package does not export its codec. */
const AMQPLIB = join(process.cwd(), "node_modules", "amqplib", "lib");
const amqplibFrame = requireFromHere(join(AMQPLIB, "frame.js")) as AmqplibFrame;
const amqplibDefs = requireFromHere(join(AMQPLIB, "defs.js")) as AmqplibDefs;

/** Debian's Python, which has Debian's pika and pamqp. */
const PYTHON = "/usr/bin/python3";

/** In this order: of equal frames the first one's source is the vector's. */
const CLIENTS: readonly { readonly file: string; readonly command: string; name: string }[] = [
  { file: "pika_client.py", command: PYTHON, name: "pika" },
  { file: "amqplib.mjs", command: "node", name: "amqplib" },
  { file: "amqp-tools.sh", command: "sh", name: "librabbitmq" },
  { file: "cloudamqp.mjs", command: "node", name: "@cloudamqp/amqp-client" },
  { file: "rabbitmq-client.mjs", command: "node", name: "rabbitmq-client" },
];

/** Methods that none of these clients and brokers sends, in Python, for pika's encoder. */
const ENCODED: readonly { readonly sender: Vector["sender"]; readonly pika: string }[] = [
  { sender: "server", pika: "spec.Channel.Flow(active=False)" },
  { sender: "client", pika: "spec.Channel.FlowOk(active=False)" },
  { sender: "client", pika: "spec.Basic.CancelOk(consumer_tag='g.consumer')" },
];

interface Captured {
  readonly sender: Vector["sender"];
  /** Who made these octets, and for whom. */
  readonly source: string;
  readonly maker: string;
  readonly bytes: Buffer;
}

/** What a decoder says of a frame, in the form of `expect`; undefined where it fails. */
type Reading = JsonObject | undefined;

interface AmqplibFrame {
  parseFrame(bytes: Buffer, max: number): { payload: Buffer };
  decodeFrame(frame: { payload: Buffer }): {
    id?: number;
    size?: number;
    fields?: Record<string, unknown>;
    content?: Buffer;
  };
}

interface AmqplibDefs {
  info(id: number): { name: string };
}

void main();

async function main(): Promise<void> {
  // The helper wants mocha's hook of the root suite; here is no mocha.
  Object.assign(globalThis, { after: () => {} });
  const { startRabbitmq } = await import("../support/rabbitmq.ts");
  const node = await startRabbitmq({
    config:
      "auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = RABBIT-CR-DEMO",
  });
  const directory = await mkdtemp(join(tmpdir(), "amqp091-golden-"));
  try {
    // By default the cluster is named after the machine.
    await node.ctl("set_cluster_name", "rabbit@localhost");
    const captured: Captured[] = [];
    const broker = `RabbitMQ ${(await node.ctl("version")).trim()}`;
    for (const client of CLIENTS) {
      client.name += ` ${await versionOf(client.file)}`;
      await converse(node, broker, client, captured);
    }
    for (const { sender, pika } of ENCODED) {
      const hex = await python(
        `from pika import frame, spec; print(frame.Method(1, ${pika}).marshal().hex())`,
      );
      const maker = `${CLIENTS[0]?.name}`;
      const source = `${maker}'s encoder (no captured conversation has it)`;
      captured.push({ sender, source, maker, bytes: Buffer.from(hex.trim(), "hex") });
    }
    const vectors = await select(captured, node, broker, directory);
    for (const vector of vectors) refuseLocalNames(vector);
    await writeFile(join(HERE, "vectors.json"), `${JSON.stringify(vectors, null, 2)}\n`);
    await run("npx", ["biome", "format", "--write", "test/golden/vectors.json"]);
    console.log(`${captured.length} frames captured, ${vectors.length} vectors kept`);
    await checkByHand(node, broker, directory);
  } finally {
    await node.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

// Capture

/** Runs one program of clients/ against the node, through a proxy that listens in. */
async function converse(
  node: RabbitNode,
  broker: string,
  client: (typeof CLIENTS)[number],
  captured: Captured[],
): Promise<void> {
  const keep = (sender: Vector["sender"], bytes: Buffer): void => {
    const [from, to] = sender === "client" ? [client.name, broker] : [broker, client.name];
    captured.push({ sender, source: `${from} → ${to}`, maker: from, bytes });
  };
  const proxy = createServer((near) => {
    const far = connect(node.port, "127.0.0.1");
    tee(near, far, new Splitter((bytes) => keep("client", bytes)));
    tee(far, near, new Splitter((bytes) => keep("server", bytes)));
  });
  const port = await listen(proxy);
  const child = spawn(client.command, [join(HERE, "clients", client.file), String(port)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdout.setEncoding("utf8");
  let rest = "";
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      void node.ctl(...(JSON.parse(line) as string[])).then(() => child.stdin.write("done\n"));
    }
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  proxy.close();
  if (code !== 0) throw new Error(`${client.file} ended with ${String(code)}`);
}

function tee(from: Socket, to: Socket, splitter: Splitter): void {
  from.on("data", (bytes: Buffer) => {
    splitter.push(bytes);
    to.write(bytes);
  });
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
  from.on("close", () => to.end());
}

/** Cuts a stream into protocol headers and frames; what is neither (HTTP) is left out. */
class Splitter {
  readonly #keep: (bytes: Buffer) => void;
  #rest = Buffer.alloc(0);

  constructor(keep: (bytes: Buffer) => void) {
    this.#keep = keep;
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const size = this.#size();
      if (size === undefined || this.#rest.length < size) return;
      const frame = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      this.#keep(Buffer.from(frame));
    }
  }

  #size(): number | undefined {
    if (this.#rest.length < 8) return undefined;
    if (this.#rest.toString("latin1", 0, 4) === "AMQP") return 8;
    if (![1, 2, 3, 8].includes(this.#rest.readUInt8(0))) return undefined;
    const size = this.#rest.readUInt32BE(3) + 8;
    if (this.#rest.length >= size && this.#rest.readUInt8(size - 1) !== 0xce) {
      throw new Error(`no frame end: ${this.#rest.toString("hex")}`);
    }
    return size;
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

async function versionOf(file: string): Promise<string> {
  switch (file) {
    case "pika_client.py":
      return (await python("import pika; print(pika.__version__)")).trim();
    case "amqp-tools.sh": {
      const { stdout } = await run("dpkg-query", ["-W", "-f", "$" + "{Version}", "amqp-tools"]);
      return stdout.replace(/-.*/, "");
    }
    default: {
      const name = file === "cloudamqp.mjs" ? "@cloudamqp/amqp-client" : file.replace(".mjs", "");
      const path = join(process.cwd(), "node_modules", name, "package.json");
      return (JSON.parse(await readFile(path, "utf8")) as { version: string }).version;
    }
  }
}

async function python(program: string): Promise<string> {
  return (await run(PYTHON, ["-c", program])).stdout;
}

// Selection

async function select(
  captured: readonly Captured[],
  node: RabbitNode,
  broker: string,
  directory: string,
): Promise<Vector[]> {
  const distinct = new Map<string, Captured>();
  for (const frame of captured) {
    // RabbitMQ mostly passes the header of a publisher on as it is: that is no vector of its own.
    const key =
      kindOf(frame.bytes) === "header"
        ? frame.bytes.toString("hex", 3)
        : `${frame.sender} ${frame.bytes.toString("hex")}`;
    if (!distinct.has(key)) distinct.set(key, frame);
  }
  const frames = [...distinct.values()];
  const readings = await readWithAll(
    frames.map((frame) => frame.bytes),
    node,
    broker,
    directory,
  );
  const vectors = new Map<string, Vector>();
  const names = new Set<string>();
  frames.forEach((frame, i) => {
    const { all, types } = readings[i] as Readings;
    const reading = vote(all);
    const shape = shapeOf(frame, reading, types);
    if (vectors.has(shape)) return;
    let name = nameOf(frame, reading, types);
    for (let n = 2; names.has(name); n++) name = `${nameOf(frame, reading, types)}, ${n}`;
    names.add(name);
    const { bytes, sender, source } = frame;
    const kind = kindOf(bytes);
    vectors.set(shape, {
      name,
      source,
      sender,
      frame: kind,
      channel: kind === "protocol-header" ? 0 : bytes.readUInt16BE(1),
      hex: bytes.toString("hex"),
      expect: reading.expect,
      decodedBy: reading.decodedBy,
      ...(Object.keys(reservedIn(bytes)).length === 0 ? {} : { reserved: reservedIn(bytes) }),
      ...(reading.otherReadings === undefined ? {} : { otherReadings: reading.otherReadings }),
    });
  });
  return [...vectors.values()];
}

/** Two frames of one shape differ in nothing but values that a codec treats alike. */
function shapeOf(frame: Captured, { expect }: Agreed, types: string): string {
  const { bytes, sender, maker } = frame;
  switch (kindOf(bytes)) {
    case "method": {
      const table = types === "" || !TELLING.includes(expect["name"] as string) ? "" : maker;
      const fields = Object.entries(expect).map(([name, value]) =>
        shapeOfField(name, value, sender),
      );
      const reserved = JSON.stringify(reservedIn(bytes));
      return [sender, expect["name"], table, table && types, reserved, ...fields].join(" ");
    }
    case "header": {
      const properties = Object.keys(expect["properties"] as JsonObject);
      const empty = properties.length === 0 && expect["bodySize"] === 0;
      return ["header", types && maker, types, properties, empty].join(" ");
    }
    case "body":
      return `body of ${bytes.length > 1000 ? "more" : "less"}`;
    default:
      return `${sender} ${bytes.toString("hex")}`;
  }
}

/** Where each implementation shows how it writes tables. */
const TELLING = ["connection.start", "connection.start-ok", "queue.declare"];

function shapeOfField(name: string, value: Json, sender: Vector["sender"]): string {
  if (typeof value === "boolean") return `${name}=${value}`;
  if (name === "replyCode" || name === "mechanism") return sender === "server" ? String(value) : "";
  if (name === "exchange" || name === "routingKey") return value === "" ? "" : name;
  if (name === "arguments") return Object.keys(value as JsonObject).length > 0 ? name : "";
  if (name === "heartbeat") return value === 0 ? "" : name;
  if (name === "replyText" && Buffer.byteLength(String(value)) > String(value).length) return "é";
  return "";
}

function nameOf(frame: Captured, { expect }: Agreed, types: string): string {
  const kind = kindOf(frame.bytes);
  const words: string[] = [];
  if (kind === "method") {
    words.push(String(expect["name"]));
    const bits = Object.entries(expect).filter(([, value]) => value === true);
    if (bits.length > 0) words.push(`(${bits.map(([name]) => name).join(", ")})`);
    if (expect["replyCode"] !== undefined) words.push(String(expect["replyCode"]));
    if (typeof expect["mechanism"] === "string") words.push(expect["mechanism"]);
    if (expect["exchange"] === "" && expect["queue"] === undefined) words.push("default exchange");
  } else if (kind === "header") {
    const names = Object.keys(expect["properties"] as JsonObject);
    const few = names.length === 0 ? "without properties" : `of ${names.join(", ")}`;
    words.push(`header ${names.length > 3 ? `of ${names.length} properties` : few}`);
    if (names.length === 0 && expect["bodySize"] === 0) words.push("before no body");
  } else if (kind === "body") {
    words.push(`body of ${frame.bytes.length - 8} octets`);
  } else {
    words.push(kind === "heartbeat" ? "heartbeat" : "protocol header");
  }
  words.push(`from ${frame.maker.replace(/ [\d.]+$/, "")}`);
  if (types !== "") words.push(`with field types ${[...new Set(types)].sort().join("")}`);
  return words.join(" ");
}

function kindOf(bytes: Buffer): Vector["frame"] {
  const kinds = { 1: "method", 2: "header", 3: "body", 8: "heartbeat" } as const;
  return kinds[bytes.readUInt8(0) as keyof typeof kinds] ?? "protocol-header";
}

function refuseLocalNames(vector: Vector): void {
  const text = Buffer.from(vector.hex, "hex").toString("latin1");
  for (const name of [hostname(), homedir(), process.cwd(), "amqp091-"]) {
    if (text.includes(name)) throw new Error(`${vector.name} names this machine: ${name}`);
  }
}

async function checkByHand(node: RabbitNode, broker: string, directory: string): Promise<void> {
  const frames = BY_HAND.map((vector) => Buffer.from(bytesByHand(vector)));
  const readings = await readWithAll(frames, node, broker, directory);
  BY_HAND.forEach((vector, i) => {
    const { all } = readings[i] as Readings;
    for (const [who, reading] of Object.entries(all)) {
      const same = reading !== undefined && stable(reading) === stable(vector.expect);
      console.log(
        `by hand: ${vector.name}: ${who} ${same ? "agrees" : stable(reading ?? "fails")}`,
      );
    }
  });
}

// Decoding

interface Agreed {
  readonly expect: JsonObject;
  readonly decodedBy: readonly string[];
  readonly otherReadings?: { readonly [decoder: string]: Json };
}

interface Readings {
  readonly all: { readonly [decoder: string]: Reading };
  /** The letters of the field types in the frame's table, in order, as RabbitMQ reads them. */
  readonly types: string;
}

async function readWithAll(
  frames: readonly Buffer[],
  node: RabbitNode,
  broker: string,
  directory: string,
): Promise<Readings[]> {
  const rabbitmq = await readWithRabbitmq(frames, node, directory);
  const pamqp = await readWithPamqp(frames, directory);
  const pamqpName = `pamqp ${await python("import pamqp; print(pamqp.__version__, end='')")}`;
  const amqplibName = `${CLIENTS[1]?.name}`;
  return frames.map((bytes, i) => {
    const all: Record<string, Reading> = {};
    if (kindOf(bytes) === "method" || kindOf(bytes) === "header") {
      all[broker] = rabbitmq[i]?.reading;
    }
    all[pamqpName] = pamqp[i];
    if (kindOf(bytes) !== "protocol-header") all[amqplibName] = readWithAmqplib(bytes);
    else all["the eye"] = { version: [...bytes.subarray(5)] };
    return { all, types: rabbitmq[i]?.types ?? "" };
  });
}

/** Value by value: what two or more decoders read. */
function vote(all: { readonly [decoder: string]: Reading }): Agreed {
  const readings = Object.values(all).filter((reading) => reading !== undefined);
  const expect = majority(readings, JSON.stringify(all)) as JsonObject;
  const decodedBy: string[] = [];
  const otherReadings: Record<string, Json> = {};
  for (const [who, reading] of Object.entries(all)) {
    if (reading === undefined) otherReadings[who] = "fails";
    else if (stable(reading) === stable(expect)) decodedBy.push(who);
    else otherReadings[who] = difference(reading, expect);
  }
  if (Object.keys(otherReadings).length === 0) return { expect, decodedBy };
  return { expect, decodedBy, otherReadings };
}

function majority(readings: readonly Json[], context: string): Json {
  const camps = new Map<string, number>();
  for (const reading of readings) {
    const key = stable(reading);
    camps.set(key, (camps.get(key) ?? 0) + 1);
  }
  const [winner] = [...camps].sort(([, a], [, b]) => b - a);
  if (winner !== undefined && winner[1] > 1) return JSON.parse(winner[0]) as Json;
  const objects = readings.filter(isPlainObject);
  if (objects.length < 2) throw new Error(`no two decoders agree: ${context}`);
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  return Object.fromEntries(
    names.map((name) => {
      const having = objects.filter((object) => name in object);
      const values = having.map((object) => object[name] as Json);
      return [name, majority(values, context)];
    }),
  );
}

/** Only what is read differently. */
function difference(reading: Json, expect: Json): Json {
  if (!isPlainObject(reading) || !isPlainObject(expect)) return reading;
  const result: Record<string, Json> = {};
  for (const [name, value] of Object.entries(reading)) {
    const other = expect[name];
    if (other === undefined) result[name] = value;
    else if (stable(value) !== stable(other)) result[name] = difference(value, other);
  }
  return result;
}

function isPlainObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON with its members in alphabetical order, `name` first. */
function stable(value: Json): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (typeof v !== "object" || v === null || Array.isArray(v)) return v;
    const entries = Object.entries(v).sort(([a], [b]) => rank(a).localeCompare(rank(b)));
    return Object.fromEntries(entries);
  });
}

function rank(name: string): string {
  return name === "name" ? "" : name;
}

/** JSON has no negative zero. */
function exact(value: Json): Json {
  return Object.is(value, -0) ? { $number: "-0" } : value;
}

/** Fields that carry nothing: all that is left of older versions of the protocol. */
const RESERVED = ["ticket", "insist", "capabilities", "knownHosts", "outOfBand", "channelId"];
/** Method fields of octets, which most decoders cannot tell from text. */
const LONGSTR = ["mechanisms", "locales", "response", "challenge", "newSecret"];

function methodReading(name: string, fields: Record<string, Json>): JsonObject {
  const result: Record<string, Json> = { name };
  for (const [field, value] of Object.entries(fields)) {
    if (RESERVED.includes(field)) continue;
    if (name === "basic.get-empty" && field === "clusterId") continue;
    result[field === "noWait" ? "nowait" : field] = value;
  }
  return result;
}

// RabbitMQ

type Tagged = readonly [type: string, value: Json];
const LETTERS: Record<string, string> = {
  longstr: "S",
  binary: "x",
  bool: "t",
  byte: "b",
  unsignedbyte: "B",
  short: "s",
  unsignedshort: "u",
  signedint: "I",
  unsignedint: "i",
  long: "l",
  float: "f",
  double: "d",
  decimal: "D",
  timestamp: "T",
  array: "A",
  table: "F",
  void: "V",
};

async function readWithRabbitmq(
  frames: readonly Buffer[],
  node: RabbitNode,
  directory: string,
): Promise<{ reading: Reading; types: string }[]> {
  const [input, output] = [join(directory, "in"), join(directory, "out")];
  const asked = frames.map((bytes) => {
    const kind = kindOf(bytes);
    const payload = bytes.toString("hex", 7, bytes.length - 1);
    return kind === "method" || kind === "header" ? `${kind} ${payload}\n` : "none -\n";
  });
  await writeFile(input, asked.join(""));
  const script = join(HERE, "decoders", "rabbitmq.script");
  const bindings = `[{'In', "${input}"}, {'Out', "${output}"}]`;
  const answer = await node.ctl("eval", `file:script("${script}", ${bindings}).`);
  if (!answer.startsWith("{ok,")) throw new Error(answer);
  const lines = (await readFile(output, "utf8")).trimEnd().split("\n");
  return lines.map((line) => {
    const decoded = JSON.parse(line) as { error?: string } & Record<string, Json>;
    if (decoded.error !== undefined) return { reading: undefined, types: "" };
    return fromRabbitmq(decoded);
  });
}

function fromRabbitmq(decoded: Record<string, Json> | [number, Record<string, Json>]): {
  reading: Reading;
  types: string;
} {
  let types = "";
  const plain = ([type, value]: Tagged, more?: Json): Json => {
    types += LETTERS[type] ?? "?";
    const text = String(value);
    switch (type) {
      case "longstr":
        return utf8(Buffer.from(text, "hex")) ?? { $hex: text.toLowerCase() };
      case "binary":
        return { $hex: text.toLowerCase() };
      case "table":
        return plainTable(value);
      case "array":
        return (value as Json[]).map((item) => plain(item as unknown as Tagged));
      case "decimal":
        return { $decimal: [value, more as Json] };
      case "void":
      case "bool":
        return value;
      case "timestamp":
        return { $date: new Date(Number(text) * 1000).toISOString() };
      case "float":
      case "double":
        return exact(Buffer.from(text, "hex").readDoubleBE());
      default:
        return Number.isSafeInteger(Number(text)) ? Number(text) : { $bigint: text };
    }
  };
  const plainTable = (entries: Json): Json => {
    const table: Record<string, Json> = {};
    for (const [key, tagged] of entries as unknown as [string, [string, Json, Json]][]) {
      table[Buffer.from(key, "hex").toString()] = plain([tagged[0], tagged[1]], tagged[2]);
    }
    return table;
  };
  const fieldsOf = (record: Record<string, Json>): Record<string, Json> => {
    const fields: Record<string, Json> = {};
    for (const [name, value] of Object.entries(record)) {
      if (name === "" || value === null) continue;
      const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      if (Array.isArray(value)) fields[camel] = plainTable(value[1] as Json);
      else if (typeof value !== "string") fields[camel] = value;
      else if (LONGSTR.includes(camel)) fields[camel] = { $hex: value.toLowerCase() };
      else fields[camel] = Buffer.from(value, "hex").toString();
    }
    return fields;
  };
  if (Array.isArray(decoded)) {
    const properties = fieldsOf(decoded[1]);
    const seconds = properties["timestamp"];
    if (seconds !== undefined) {
      properties["timestamp"] = { $date: new Date(Number(seconds) * 1000).toISOString() };
    }
    return { reading: { bodySize: decoded[0], properties }, types };
  }
  const name = String(decoded[""]).replaceAll("_", "-");
  return { reading: methodReading(name, fieldsOf(decoded)), types };
}

function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

// pamqp

async function readWithPamqp(frames: readonly Buffer[], directory: string): Promise<Reading[]> {
  const input = join(directory, "pamqp");
  await writeFile(input, frames.map((bytes) => `${bytes.toString("hex")}\n`).join(""));
  const script = join(HERE, "decoders", "pamqp_decode.py");
  const { stdout } = await run("sh", ["-c", `${PYTHON} ${script} < ${input}`], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = stdout.trimEnd().split("\n");
  return lines.map((line, i) => {
    const decoded = JSON.parse(line, (_, v) => exact(v as Json)) as Record<string, Json>;
    if (decoded["error"] !== undefined) return undefined;
    if (decoded["method"] === undefined) return decoded;
    const id = (frames[i] as Buffer).readUInt32BE(7);
    const name = amqplibName(id);
    if (name.replace("-", "") !== decoded["method"]) return undefined;
    return methodReading(name, decoded["fields"] as Record<string, Json>);
  });
}

// amqplib

function readWithAmqplib(bytes: Buffer): Reading {
  try {
    const frame = amqplibFrame.decodeFrame(amqplibFrame.parseFrame(bytes, 0));
    if (frame.content !== undefined) return { body: { $hex: frame.content.toString("hex") } };
    if (frame.fields === undefined) return {};
    const fields: Record<string, Json> = {};
    for (const [name, value] of Object.entries(frame.fields)) {
      if (value !== undefined) fields[name] = fromAmqplib(value);
    }
    if (frame.size === undefined) return methodReading(amqplibName(frame.id as number), fields);
    const seconds = fields["timestamp"];
    if (seconds !== undefined) {
      fields["timestamp"] = { $date: new Date(Number(seconds) * 1000).toISOString() };
    }
    return { bodySize: frame.size, properties: fields };
  } catch {
    return undefined;
  }
}

/** The reserved fields of a method that are not empty. */
function reservedIn(bytes: Buffer): JsonObject {
  if (kindOf(bytes) !== "method") return {};
  const { fields } = amqplibFrame.decodeFrame(amqplibFrame.parseFrame(bytes, 0));
  const entries = Object.entries(fields ?? {}).filter(
    ([name, value]) => RESERVED.includes(name) && value && String(value) !== "",
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, fromAmqplib(value)]));
}

/** `QueueDeclareOk` as `queue.declare-ok`. */
function amqplibName(id: number): string {
  const words = amqplibDefs.info(id).name.split(/(?=[A-Z])/);
  return `${words[0]}.${words.slice(1).join("-")}`.toLowerCase();
}

function fromAmqplib(value: unknown): Json {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return Math.abs(value) < 2 ** 64 ? { $bigint: String(BigInt(value)) } : value;
  }
  if (typeof value !== "object" || value === null) return exact(value as Json);
  if (Buffer.isBuffer(value)) return { $hex: value.toString("hex") };
  if (Array.isArray(value)) return value.map(fromAmqplib);
  const object = value as Record<string, unknown>;
  if (object["!"] === "timestamp") {
    return { $date: new Date(Number(object["value"]) * 1000).toISOString() };
  }
  if (object["!"] === "decimal") {
    const { places, digits } = object["value"] as { places: number; digits: number };
    return { $decimal: [places, digits] };
  }
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [k, fromAmqplib(v)]));
}
