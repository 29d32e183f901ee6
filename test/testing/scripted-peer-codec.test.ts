/**
 * The scripted peer's own encoder and decoder: against the octets of other implementations, and
 * against the library's codec, with which they have nothing but the protocol table in common.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { decodeHeader, decodeMethod } from "../../src/testing/scripted-peer/decode.ts";
import {
  encodeBody,
  encodeContent,
  encodeFrame,
  encodeHeader,
  encodeHeaderPayload,
  encodeHeartbeat,
  encodeMethod,
  encodeMethodPayload,
} from "../../src/testing/scripted-peer/encode.ts";
import { FrameReader } from "../../src/testing/scripted-peer/frame-reader.ts";
import { Malformed } from "../../src/testing/scripted-peer/octets.ts";
import type { Received } from "../../src/testing/scripted-peer/received.ts";
import { writeContent } from "../../src/wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame } from "../../src/wire/frame.ts";
import { readClientMethod, readServerMethod, writeMethod } from "../../src/wire/generated/codec.ts";
import { Output } from "../../src/wire/output.ts";
import { readContentHeader, writeContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";
import { BY_HAND } from "../golden/by-hand.ts";
import { bytesByHand, type Vector } from "../golden/vector.ts";
import {
  anyMethod,
  basicProperties,
  chop,
  contentMethod,
  fieldTableReading,
  frame,
  taggedTable,
} from "../support/arbitraries.ts";

const PATH = join(process.cwd(), "test", "golden", "vectors.json");
const CAPTURED = JSON.parse(readFileSync(PATH, "utf8")) as readonly Vector[];

describe("the scripted peer's codec", () => {
  describe("on frames of other implementations", () => {
    for (const vector of CAPTURED) {
      it(`reads ${vector.name} as the library does`, () => {
        checkVector(Buffer.from(vector.hex, "hex"), vector);
      });
    }
    for (const vector of BY_HAND) {
      it(`reads ${vector.name} as the library does`, () =>
        checkVector(bytesByHand(vector), vector));
    }

    it("writes again what they say, down to the octet", () => {
      // The plain reading of a table forgets its type letters.
      const hasTable = (received: Received): boolean =>
        Object.values(fieldsOf(received)).some((value) => value?.constructor === Object);
      let rewritten = 0;
      for (const { hex, reserved } of CAPTURED) {
        const [received] = new FrameReader().push(Buffer.from(hex, "hex"));
        if (received === undefined || reserved !== undefined || hasTable(received)) continue;
        expect(hexOf(encodeAgain(received))).to.equal(hex);
        rewritten++;
      }
      expect(rewritten).to.be.greaterThan(60);
    });
  });

  describe("beside the library's", () => {
    it("writes the same octets for every method", () => {
      fc.assert(
        fc.property(fc.nat(0xffff), anyMethod(), (channel, method) => {
          const { name } = method;
          const output = new Output();
          writeMethodFrame(output.writer, channel, method, 0xffff_ffff);
          const ours = encodeMethod(channel, name, method);
          expect(hexOf(ours)).to.equal(hexOf(Buffer.concat(output.take())));
        }),
      );
    });

    it("reads what the library wrote, for every method", () => {
      fc.assert(
        fc.property(anyMethod(), (method) => {
          const writer = new Writer();
          writeMethod(writer, method);
          expect(decodeMethod(writer.written)).to.deep.equal(method);
        }),
      );
    });

    it("writes and reads the same content headers", () => {
      fc.assert(
        fc.property(fc.maxSafeNat(), basicProperties(), (bodySize, properties) => {
          const writer = new Writer();
          writeContentHeader(writer, bodySize, properties);
          const { written } = writer;
          expect(hexOf(encodeHeaderPayload(bodySize, properties))).to.equal(hexOf(written));
          expect(decodeHeader(written)).to.deep.equal(readContentHeader(new Reader(written)));
        }),
      );
    });

    it("writes the same tables, whatever a table can hold", () => {
      const tables = fc.oneof(
        fieldTableReading().map(({ given }) => given),
        taggedTable(),
      ) as fc.Arbitrary<object>;
      fc.assert(
        fc.property(tables, (headers) => {
          const writer = new Writer();
          writeContentHeader(writer, 0, { headers: headers as never });
          const ours = encodeHeaderPayload(0, { headers: headers as never });
          expect(hexOf(ours)).to.equal(hexOf(writer.written));
        }),
      );
    });

    it("cuts bodies into the same frames", () => {
      const bodies = fc.uint8Array({ maxLength: 300 });
      const sizes = fc.integer({ min: 60, max: 200 });
      fc.assert(
        fc.property(contentMethod(), bodies, sizes, (method, body, bodyMax) => {
          // Methods and headers are not cut, so that the limit leaves room for them.
          const frameMax = bodyMax + 4000;
          const long = Buffer.concat(Array.from({ length: 30 }, () => body));
          const output = new Output();
          writeContent(output, 1, method, {}, long, frameMax);
          const ours = encodeContent(1, method.name, method, long, {}, frameMax);
          expect(hexOf(ours)).to.equal(hexOf(Buffer.concat(output.take())));
        }),
      );
    });

    it("has the same heartbeat", () => {
      const output = new Output();
      writeHeartbeatFrame(output.writer);
      expect(hexOf(encodeHeartbeat())).to.equal(hexOf(Buffer.concat(output.take())));
    });
  });

  it("gives the same frames however a stream is cut", function () {
    this.timeout(30_000); // a hundred streams, compared octet by octet, on a machine that is busy
    const streams = fc.array(frame(), { maxLength: 6 });
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 20 }), (frames, cuts) => {
        const stream = Buffer.concat([
          Buffer.from("414d515000000901", "hex"),
          ...frames.map(encodeFrame),
        ]);
        const whole = new FrameReader().push(stream);
        const reader = new FrameReader();
        const pieces = chop(stream, cuts).flatMap((piece) => reader.push(piece));
        expect(pieces).to.deep.equal(whole);
        expect(whole.slice(1).map(({ octets }) => hexOf(octets))).to.deep.equal(
          frames.map((one) => hexOf(encodeFrame(one))),
        );
        expect(reader.rest.length).to.equal(0);
      }),
    );
  });

  it("throws nothing at any octets, and loses none of them", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
        const reader = new FrameReader();
        const read = pieces.flatMap((piece) => reader.push(piece)).map(({ octets }) => octets);
        expect(hexOf(Buffer.concat([...read, reader.rest]))).to.equal(hexOf(Buffer.concat(pieces)));
      }),
    );
  });

  describe("refuses", () => {
    const unreadable: [what: string, hex: string, why: RegExp][] = [
      ["a method that is none", "003c ffff", /there is no method 60.65535/],
      ["a method that ends too early", "003c 0050 00", /8 octets are due and 1 are left/],
      ["a method that goes on", "0055 000b 00", /1 octets are left after the last field/],
      ["a table with an unknown type", "000a 000b 00000003 01 61 5a", /unknown type "Z"/],
      ["a table longer than its frame", "000a 000b 000000ff", /255 octets are due and 0 are left/],
    ];
    for (const [what, hex, why] of unreadable) {
      it(what, () => {
        expect(() => decodeMethod(bytes(hex))).to.throw(Malformed, why);
      });
    }

    it("headers of another class, weight or property", () => {
      const size = "0000000000000000";
      expect(() => decodeHeader(bytes(`000a 0000 ${size} 0000`))).to.throw(Malformed, /class 10/);
      expect(() => decodeHeader(bytes(`003c 0001 ${size} 0000`))).to.throw(
        Malformed,
        /weight is 1/,
      );
      expect(() => decodeHeader(bytes(`003c 0000 ${size} 0001`))).to.throw(Malformed, /flag 0x1/);
    });

    it("tables that nest without an end", () => {
      let table = bytes("00000000");
      for (let i = 0; i < 70; i++) {
        table = Buffer.concat([bytes("0161 46"), table]);
        table = Buffer.concat([u32(table.length), table]);
      }
      const method = Buffer.concat([bytes("000a 000a 00 09"), table]);
      expect(() => decodeMethod(method)).to.throw(Malformed, /more than 64 levels/);
    });

    it("to send what cannot be expressed, and says which field it was", () => {
      expect(() => encodeMethod(1, "basic.ack", { deliveryTag: -1 })).to.throw(
        TypeError,
        "basic.ack's deliveryTag cannot be sent: -1 does not fit in 8 octets",
      );
      expect(() => encodeMethod(1, "queue.declare", { queue: "q".repeat(256) })).to.throw(
        TypeError,
        /queue.declare's queue cannot be sent: 256 does not fit in 1 octets/,
      );
      expect(() => encodeHeader(1, 0, { priority: 1.5 })).to.throw(TypeError, /priority/);
      expect(() => encodeMethod(1, "basic.ack", { tag: 1 } as never)).to.throw(
        TypeError,
        "basic.ack has no field tag",
      );
    });
  });

  it("sends what the library would refuse: NaN, reserved fields, wrong sizes", () => {
    const table = hexOf(
      encodeMethod(0, "connection.start-ok", { clientProperties: { n: Number.NaN } }),
    );
    expect(table).to.include("016e647ff8000000000000");
    expect(hexOf(encodeMethod(1, "channel.open", { reserved1: "x" }))).to.equal(
      "010001000000060014000a0178ce",
    );
    expect(hexOf(encodeBody(1, "abc"))).to.equal("03000100000003616263ce");
    expect(hexOf(encodeFrame({ type: 9, channel: 1, payload: bytes("ff") }))).to.equal(
      "09000100000001ffce",
    );
  });
});

/** A frame of somebody else's is read as the library reads it. */
function checkVector(octets: Uint8Array, vector: Pick<Vector, "frame" | "sender">): void {
  const reader = new FrameReader();
  const [received, ...more] = reader.push(octets);
  expect(more).to.deep.equal([]);
  expect(received?.kind).to.equal(vector.frame);
  expect(hexOf(received?.octets ?? new Uint8Array())).to.equal(hexOf(octets));
  const payload = new Reader(Uint8Array.from(octets.subarray(7, -1)));
  if (received?.kind === "method") {
    const read = vector.sender === "client" ? readClientMethod : readServerMethod;
    expect(received.method).to.deep.equal(read(payload));
  } else if (received?.kind === "header") {
    const { bodySize, properties } = received;
    expect({ bodySize, properties }).to.deep.equal(readContentHeader(payload));
  } else if (received?.kind === "body") {
    expect(hexOf(received.body)).to.equal(hexOf(octets.subarray(7, -1)));
  }
}

function fieldsOf(received: Received): object {
  if (received.kind === "method") return received.method;
  return received.kind === "header" ? received.properties : {};
}

function encodeAgain(received: Received): Uint8Array {
  switch (received.kind) {
    case "method": {
      const payload = encodeMethodPayload(received.method.name, received.method as never);
      return encodeFrame({ type: 1, channel: received.channel, payload });
    }
    case "header":
      return encodeHeader(received.channel, received.bodySize, received.properties);
    case "body":
      return encodeBody(received.channel, received.body);
    case "heartbeat":
      return encodeHeartbeat(received.channel);
    default:
      return received.octets;
  }
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString("hex");
}
