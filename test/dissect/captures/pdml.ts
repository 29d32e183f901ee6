/**
 * What tshark's own dissector of AMQP 0-9-1 says (epan/dissectors/packet-amqp.c), as comparable text:
 * a line for each frame, by connection and direction.
 *
 * What it does not say, or says otherwise (4.0):
 * - the `AMQP` header is shown for the first connection on a port only;
 * - reserved fields have the names that they had in older versions: they are compared by value;
 * - basic.publish has a `publish_number` that is not on the wire: it is left out;
 * - it marks content as `amqp.message_in` and the like: links, not fields, which are left out;
 * - the octets of `S` and `x`, which it shows cut, are compared by their names and types only;
 * - it has no name for connection.update-secret, whose arguments it leaves out.
 */
import { spawnSync } from "node:child_process";
import type { EventItem, Field } from "../../../src/dissect/model.ts";
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { TSHARK } from "./capture.ts";

/** Lines by the source and destination ports of the direction, as in `40122 5672`. */
export type Said = Map<string, string[]>;

/** What tshark says of a capture file. */
export function saidByTshark(file: string, port: number): Said {
  const args = ["-r", file, "-n", "-d", `tcp.port==${port},amqp`, "-T", "pdml"];
  const { stdout, status, stderr } = spawnSync(TSHARK, args, {
    maxBuffer: 2 ** 29,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const said: Said = new Map();
  for (const [packet] of stdout.matchAll(/<packet>.*?<\/packet>/gs)) {
    const key = `${attribute(packet, "tcp.srcport")} ${attribute(packet, "tcp.dstport")}`;
    for (const [proto] of packet.matchAll(/<proto name="amqp" .*?<\/proto>/gs)) {
      if (!proto.includes('"amqp.type"')) continue; // the AMQP header
      add(said, key, lineOf(treeOf(proto)));
    }
  }
  return said;
}

/** What we say, the same way; headers of the protocol are left out, see above. */
export function saidByUs(events: readonly EventItem[], ports: ReadonlyMap<number, string>): Said {
  const said: Said = new Map();
  for (const event of events) {
    if (event.type === "protocol-header") continue;
    const [client, server] = (ports.get(event.connection) as string).split(" ");
    const key = event.from === "client" ? `${client} ${server}` : `${server} ${client}`;
    add(said, key, ourLine(event));
  }
  return said;
}

function add(said: Said, key: string, line: string): void {
  const lines = said.get(key) ?? [];
  said.set(key, lines);
  lines.push(line);
}

interface Node {
  readonly name: string;
  readonly show: string;
  readonly shown: string;
  readonly value: string;
  readonly children: Node[];
}

function treeOf(xml: string): Node[] {
  const root: Node[] = [];
  /** Where what is not of AMQP goes: remarks, and what tshark finds in a body. */
  const nowhere: Node[] = [];
  const stack = [root];
  for (const [tag, closing] of xml.matchAll(/<(\/)?field\b[^>]*>/g)) {
    if (closing !== undefined) {
      stack.pop();
      continue;
    }
    const get = (name: string): string => {
      const [, text = ""] = new RegExp(` ${name}="([^"]*)"`).exec(tag) ?? [];
      return unescapeXml(text);
    };
    const node: Node = {
      ...{ name: get("name"), show: get("show"), shown: get("showname"), value: get("value") },
      children: [],
    };
    (node.name.startsWith("amqp.") ? stack.at(-1) : nowhere)?.push(node);
    if (!tag.endsWith("/>")) stack.push(node.children);
  }
  return root;
}

function lineOf(nodes: readonly Node[]): string {
  const parts: string[] = [];
  const visit = (node: Node): void => {
    const name = node.name.replace(/^amqp\.(method\.|header\.)?/, "");
    if (IGNORED.test(name)) return;
    if (name === "arguments" || name === "properties") node.children.forEach(visit);
    else parts.push(partOf(name, node));
  };
  nodes.forEach(visit);
  return parts.join(" ");
}

const IGNORED =
  /publish_number|message_in|ack_in|return_in|consume_in|undeliverable|\.error$|redeliver(y|ed_in)/;

function partOf(name: string, node: Node): string {
  const plain = name
    .replace(/^(arguments|properties)\./, "")
    .replace(/[_-]/g, "")
    .toLowerCase();
  if (node.children.length > 0) return `${plain}=${tableOf(node.children)}`;
  // An empty table, or text: hexadecimal digits with colons are octets, which have their value too.
  const octets = node.show.replaceAll(":", "");
  if (
    octets !== "" &&
    /^[0-9a-f]{2}(:[0-9a-f]{2})*$/.test(node.show) &&
    node.value.endsWith(octets)
  ) {
    return `${plain}=${octets}`;
  }
  if (plain === "timestamp") return `timestamp=${BigInt(`0x${node.value}`)}`;
  return `${plain}=${/^(0x[0-9a-f]+|-?\d+)$/.test(node.show) ? BigInt(node.show) : node.show}`;
}

function tableOf(nodes: readonly Node[]): string {
  const entries = nodes.map(({ shown, children }) => {
    const [, name, type, value = ""] = /^(.*?) \(([a-z0-9 -]+)\)(?:: (.*))?$/s.exec(shown) ?? [];
    const inner = children.length > 0 ? tableOf(children) : /boolean/.test(type ?? "") ? value : "";
    return `${name?.replace(/^\[(\d+)\]$/, "$1")}:${inner}`;
  });
  return `{${entries.join(" ")}}`;
}

function ourLine(event: EventItem): string {
  const parts: string[] = [];
  for (const field of event.fields) {
    const { name, part } = field;
    if (name === "end") continue;
    if (part === "body") parts.push(`payload=${hex(event, field)}`);
    else parts.push(`${nameOf(event, field)}=${ourValue(event, field)}`);
  }
  return parts.join(" ");
}

function nameOf({ method, type }: EventItem, field: Field): string {
  const { name, part } = field;
  if (name === "size") return "length";
  if (part === "ids") {
    const names: Record<string, string> = {
      classId: "class",
      methodId: "method",
      flags: "propertyflags",
    };
    return names[name] ?? name.toLowerCase();
  }
  const alias = type === "method" ? ALIASES[`${method}.${name}`] : undefined;
  return alias ?? name.toLowerCase();
}

/** The names of older versions of the protocol, which tshark goes on using. */
const ALIASES: Readonly<Record<string, string>> = {
  "basic.consume.arguments": "filter",
  "connection.open.reserved1": "capabilities",
  "connection.open.reserved2": "insist",
  "connection.open-ok.reserved1": "knownhosts",
  "channel.open.reserved1": "outofband",
  "channel.open-ok.reserved1": "channelid",
  "basic.get-empty.reserved1": "clusterid",
  "exchange.declare.reserved1": "ticket",
  ...Object.fromEntries(
    (Object.keys(METHODS) as Method["name"][])
      .filter(
        (name) => METHODS[name].fields[0]?.type === "short" && METHODS[name].fields[0]?.reserved,
      )
      .map((name) => [`${name}.reserved1`, "ticket"]),
  ),
};

function ourValue(event: EventItem, field: Field): string {
  const { value, type, children } = field;
  if (children !== undefined) return children.length === 0 ? "" : ourTable(children);
  if (type === "longstr") return hex(event, field);
  if (typeof value === "boolean") return value ? "1" : "0";
  return String(value);
}

function ourTable(children: readonly Field[]): string {
  const entries = children.map(({ name, type, value, children: inner }) => {
    const shown =
      inner !== undefined && inner.length > 0 ? ourTable(inner) : type === "t" ? value : "";
    return `${name}:${shown}`;
  });
  return `{${entries.join(" ")}}`;
}

function hex({ bytes }: EventItem, { offset, length, valueOffset }: Field): string {
  return Buffer.from(bytes.subarray(valueOffset, offset + length)).toString("hex");
}

function attribute(xml: string, name: string): string {
  const [, show = ""] = new RegExp(`<field name="${name}"[^>]* show="([^"]*)"`).exec(xml) ?? [];
  return show;
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#x27;", "'")
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
