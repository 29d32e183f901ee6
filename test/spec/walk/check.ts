/** Holds a frame of spec/walk.md, and its table, against two readers: the tool's and the codec. */
import { FrameDecoder, type RawFrame } from "../../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../../src/wire/generated/codec.ts";
import { FRAME_TYPE, PROTOCOL_HEADER } from "../../../src/wire/generated/constants.ts";
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import { readContentHeader } from "../../../src/wire/properties.ts";
import { Reader } from "../../../src/wire/reader.ts";
import { camel } from "../../../tools/spec.ts";
import { type DocumentedFrame, printRow } from "../../../tools/walk/document.ts";
import { dissect, type Row, showText } from "../../../tools/walk/rows.ts";

/** What is wrong with a frame: its name, its octets, its table. */
export function mistakesIn(frame: DocumentedFrame): string[] {
  try {
    const { name, rows } = dissect(frame.octets);
    const values = readByCodec(frame);
    return [
      ...(name === frame.name ? [] : [`it is called ${frame.name} and is ${name}`]),
      ...rows.flatMap((row) => mistakeByCodec(row, values)),
      ...mistakesInTable(frame, rows),
    ];
  } catch (error) {
    return [String(error)];
  }
}

function mistakesInTable({ table }: DocumentedFrame, rows: readonly Row[]): string[] {
  if (table === undefined) return [];
  const due = rows.map((row) => printRow(row).join(" | "));
  const said = table.map((cells) => cells.slice(0, 3).join(" | "));
  const wrong = due.flatMap((row, i) => (row === said[i] ? [] : [`${row}\n  not ${said[i]}`]));
  const extra = said.slice(due.length).map((row) => `there is no ${row}`);
  const silent = table.filter((cells) => cells.length !== 4 || cells[3] === "").map(String);
  return [...wrong, ...extra, ...silent];
}

/** A row that the codec knows nothing of is a mistake too: `undefined` is no value. */
function mistakeByCodec({ field, value }: Row, values: ReadonlyMap<string, string>): string[] {
  if (field.includes("reserved-")) return [];
  const names = field.split(", ");
  const single = names.length === 1 ? values.get(field) : undefined;
  // Bits that share an octet are called by their names.
  const read = single ?? names.map((name) => `${name} ${values.get(name)}`).join(", ");
  return read === value ? [] : [`${field} is ${value}, and the codec reads ${read}`];
}

function readByCodec({ octets, sender }: DocumentedFrame): Map<string, string> {
  if (octets.length === PROTOCOL_HEADER.length && octets[0] === PROTOCOL_HEADER[0]) {
    return readProtocolHeader(octets);
  }
  const decoder = new FrameDecoder(131_072);
  decoder.push(octets);
  const frame = decoder.next();
  if (frame === undefined || decoder.unread.length > 0) throw new Error("it is not one frame");
  const [kind] = Object.entries(FRAME_TYPE).find(([, type]) => type === frame.type) as [
    string,
    number,
  ];
  const common: [string, string][] = [
    ["type", `${frame.type} (${kind})`],
    ["channel", `${frame.channel}`],
    ["size", `${frame.end - frame.start}`],
    ["frame-end", `${0xce}`],
  ];
  return new Map([...common, ...readPayload(frame, sender)]);
}

function readPayload(frame: RawFrame, sender: "client" | "server"): [string, string][] {
  const reader = new Reader(frame.bytes, frame.start, frame.end);
  switch (frame.type) {
    case FRAME_TYPE.method: {
      const method = sender === "client" ? readClientMethod(reader) : readServerMethod(reader);
      const { classId, methodId } = METHODS[method.name];
      const [inClass, name] = method.name.split(/\.(.*)/);
      const { name: _, ...fields } = method;
      return [
        ["class", `${classId} (${inClass})`],
        ["method", `${methodId} (${name})`],
        ...Object.entries(fields).flatMap(([field, value]) => show(kebab(field), value)),
      ];
    }
    case FRAME_TYPE.header: {
      const { bodySize, properties } = readContentHeader(reader);
      const present = Object.entries(properties).filter(([, value]) => value !== undefined);
      return [
        ["class", "60 (basic)"],
        ["weight", "0"],
        ["body-size", `${bodySize}`],
        ["property-flags", present.map(([name]) => kebab(name)).join(", ") || "none"],
        ...present.flatMap(([name, value]) => show(kebab(name), value)),
      ];
    }
    case FRAME_TYPE.body:
      return show("body", frame.bytes.subarray(frame.start, frame.end));
    default:
      return [];
  }
}

function readProtocolHeader(octets: Uint8Array): Map<string, string> {
  const [, , , , ...version] = PROTOCOL_HEADER;
  if (!octets.every((octet, i) => octet === PROTOCOL_HEADER[i]))
    throw new Error("another protocol");
  const names = ["protocol-id", "version-major", "version-minor", "revision"];
  return new Map([
    ["protocol", '"AMQP"'],
    ...names.map((name, i) => [name, `${version[i]}`] as const),
  ]);
}

/** A value as the tables have it; a table as one line for itself and one for each entry. */
function show(name: string, value: unknown): [string, string][] {
  if (value instanceof Uint8Array) return [[name, showText(new TextDecoder().decode(value))]];
  if (typeof value === "string") return [[name, showText(value)]];
  if (typeof value === "object" && value !== null) {
    const inner = Object.entries(value).flatMap(([key, each]) => show(`${name}.${key}`, each));
    return [[name, `a table of ${sizeOf(value)} octets`], ...inner];
  }
  // A bit; in a table a boolean has an octet of its own.
  if (typeof value === "boolean" && !name.includes(".")) return [[name, `${Number(value)}`]];
  return [[name, String(value)]];
}

/** Octets of a table behind its length: names, tags and values. */
function sizeOf(table: object): number {
  return Object.entries(table).reduce((sum, [key, value]) => {
    const size =
      typeof value === "boolean"
        ? 1
        : typeof value === "string"
          ? 4 + value.length
          : 4 + sizeOf(value);
    return sum + 1 + key.length + 1 + size;
  }, 0);
}

/** `deliveryTag` as the specification writes it. */
function kebab(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (camel(words) !== name) throw new Error(`${name} is no name of a field`);
  return words;
}
