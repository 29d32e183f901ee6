/**
 * Our codec against other people's octets: vectors.json was captured from, and decoded by, other
 * implementations (capture.ts says how), by-hand.ts was put together from the grammar. What decodes
 * to the expected values must also encode to the same octets again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { readTaggedTable } from "../../src/wire/field-table.ts";
import { type FieldTable, tagged } from "../../src/wire/field-value.ts";
import {
  beginFrame,
  endFrame,
  writeHeartbeatFrame,
  writeMethodFrame,
  writeProtocolHeader,
} from "../../src/wire/frame.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod, writeMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { readContentHeader, writeContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";
import { BY_HAND } from "./by-hand.ts";
import { bytesByHand, type Json, type JsonObject, type Vector } from "./vector.ts";

const PATH = join(process.cwd(), "test", "golden", "vectors.json");
const CAPTURED = JSON.parse(readFileSync(PATH, "utf8")) as readonly Vector[];
const FRAME_MAX = 131_072;

describe("golden vectors", () => {
  describe("captured from other implementations", () => {
    for (const vector of CAPTURED) {
      it(vector.name, () => {
        const bytes = Uint8Array.from(Buffer.from(vector.hex, "hex"));
        if (vector.frame === "protocol-header") {
          checkProtocolHeader(bytes, vector.expect);
        } else {
          const { channel, encoded } = roundTrip(bytes, vector);
          expect(channel).to.equal(vector.channel);
          if (vector.reserved === undefined) expect(encoded).to.equal(vector.hex);
        }
      });
    }
  });

  describe("put together by hand", () => {
    for (const vector of BY_HAND) {
      it(vector.name, () => {
        const bytes = bytesByHand(vector);
        expect(roundTrip(bytes, vector).encoded).to.equal(hex(bytes));
      });
    }
  });

  it("has every method of the table, from whoever may send it", () => {
    const seen = new Set(CAPTURED.map((v) => `${v.sender} ${String(v.expect["name"])}`));
    const missing = Object.entries(METHODS).flatMap(([name, { from }]) =>
      from.map((sender) => `${sender} ${name}`).filter((key) => !seen.has(key)),
    );
    expect(missing).to.deep.equal([]);
  });

  it("has makers that have no line of code in common", () => {
    const makers = CAPTURED.map((v) => v.source.split(" → ")[0]?.replace(/ [\d.]+$/, ""));
    expect(makers).to.include.members(["RabbitMQ", "pika", "amqplib", "librabbitmq"]);
  });
});

function checkProtocolHeader(bytes: Uint8Array, expected: JsonObject): void {
  expect(Buffer.from(bytes.subarray(0, 5)).toString("latin1")).to.equal("AMQP\0");
  expect([...bytes.subarray(5)]).to.deep.equal(expected["version"]);
  if (String(expected["version"]) !== "0,9,1") return;
  const writer = new Writer();
  writeProtocolHeader(writer);
  expect(hex(writer.written)).to.equal(hex(bytes));
}

/** Decodes, compares with what is expected, and encodes again. */
function roundTrip(
  bytes: Uint8Array,
  vector: Pick<Vector, "frame" | "sender" | "expect">,
): { readonly channel: number; readonly encoded: string } {
  const expected = revive(vector.expect);
  const decoder = new FrameDecoder(FRAME_MAX);
  decoder.push(bytes);
  const frame = decoder.next();
  if (frame === undefined) throw new Error("the frame is not whole");
  const { type, channel, start, end } = frame;
  const payload = frame.bytes.slice(start, end);
  expect(decoder.next(), "a second frame").to.equal(undefined);

  const writer = new Writer();
  switch (vector.frame) {
    case "method": {
      expect(type).to.equal(FRAME_TYPE.method);
      const method = readMethod(payload, vector.sender);
      expect(method).to.deep.equal(expected);
      writeMethodFrame(writer, channel, withTaggedTable(method, payload), FRAME_MAX);
      break;
    }
    case "header": {
      expect(type).to.equal(FRAME_TYPE.header);
      const header = readContentHeader(new Reader(payload));
      expect(header).to.deep.equal(expected);
      const at = beginFrame(writer, FRAME_TYPE.header, channel);
      const properties = withTaggedHeaders(header.properties, payload);
      writeContentHeader(writer, header.bodySize, properties);
      endFrame(writer, at, FRAME_MAX, "header");
      break;
    }
    case "body": {
      expect(type).to.equal(FRAME_TYPE.body);
      expect({ body: payload }).to.deep.equal(expected);
      const at = beginFrame(writer, FRAME_TYPE.body, channel);
      writer.writeBytes(payload);
      endFrame(writer, at, FRAME_MAX, "body");
      break;
    }
    case "heartbeat":
      expect(type).to.equal(FRAME_TYPE.heartbeat);
      expect(payload.length).to.equal(0);
      writeHeartbeatFrame(writer);
      break;
    case "protocol-header":
      throw new Error("a protocol header is no frame");
  }
  return { channel, encoded: hex(writer.written) };
}

function readMethod(payload: Uint8Array, sender: Vector["sender"]): Method {
  const reader = new Reader(payload);
  const method = sender === "client" ? readClientMethod(reader) : readServerMethod(reader);
  reader.expectEnd(method.name);
  return method;
}

/**
 * The plain reading of a table forgets type letters, so that a table is written back from its
 * tagged reading. The writer takes one wherever it takes a table; only the types do not say so.
 */
function withTaggedTable(method: Method, payload: Uint8Array): Method {
  switch (method.name) {
    case "connection.start":
      return { ...method, serverProperties: readTagged(payload, 6) };
    case "connection.start-ok":
      return { ...method, clientProperties: readTagged(payload, 4) };
    default: {
      if (!("arguments" in method)) return method;
      // Arguments come last in every method that has them: behind all that an empty table leaves.
      const writer = new Writer();
      writeMethod(writer, { ...method, arguments: {} });
      return { ...method, arguments: readTagged(payload, writer.length - 4) };
    }
  }
}

function withTaggedHeaders(properties: BasicProperties, payload: Uint8Array): BasicProperties {
  if (properties.headers === undefined) return properties;
  const { contentType, contentEncoding } = properties;
  const writer = new Writer();
  writeContentHeader(writer, 0, { contentType, contentEncoding });
  return { ...properties, headers: readTagged(payload, writer.length) };
}

function readTagged(payload: Uint8Array, at: number): FieldTable {
  return readTaggedTable(new Reader(payload, at)) as unknown as FieldTable;
}

/** What a vector's JSON stands for. */
function revive(json: Json): unknown {
  if (Array.isArray(json)) return json.map(revive);
  if (typeof json !== "object" || json === null) return json;
  const object = json as JsonObject;
  if ("$hex" in object) return Uint8Array.from(Buffer.from(object["$hex"] as string, "hex"));
  if ("$bigint" in object) return BigInt(object["$bigint"] as string);
  if ("$number" in object) return Number(object["$number"]);
  if ("$date" in object) return new Date(object["$date"] as string);
  if ("$decimal" in object) {
    const [scale, value] = object["$decimal"] as [number, number];
    return tagged("D", { scale, value });
  }
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, revive(value)]));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
