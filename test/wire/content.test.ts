import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { REFER_FROM, writeContent } from "../../src/wire/content.ts";
import type { BasicPublish } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { Output } from "../../src/wire/output.ts";
import { concat, hex, raised, toHex } from "./octets.ts";

const PUBLISH: BasicPublish = {
  name: "basic.publish",
  exchange: "x",
  routingKey: "k",
  mandatory: true,
  immediate: false,
};
const METHOD = "01 00 05 00 00 00 0b 00 3c 00 28 00 00 01 78 01 6b 01 ce";

/** A header frame on channel 5 without properties, for a body of so many octets. */
function header(bodySize: number): string {
  const size = bodySize.toString(16).padStart(16, "0");
  return toHex(hex(`02 0005 0000000e 003c 0000 ${size} 0000 ce`));
}

/** A body frame on channel 5. */
function body(payload: Uint8Array): string {
  const size = payload.length.toString(16).padStart(8, "0");
  return toHex(hex(`03 0005 ${size} ${Buffer.from(payload).toString("hex")} ce`));
}

function write(
  payload: Uint8Array | string,
  frameMax: number,
  properties: BasicProperties = {},
): { octets: string; size: number; pieces: Uint8Array[] } {
  const output = new Output();
  const size = writeContent(output, 5, PUBLISH, properties, payload, frameMax);
  const length = output.length;
  const pieces = output.take();
  const octets = concat(...pieces);
  expect(length).to.equal(octets.length);
  return { octets: toHex(octets), size, pieces };
}

describe("wire/content", () => {
  it("is a method, a header and a body frame", () => {
    for (const payload of ["hi€", hex("68 69 e2 82 ac"), Buffer.from("hi€")]) {
      expect(write(payload, 4096)).to.deep.include({
        octets: `${METHOD} ${header(5)} ${body(hex("68 69 e2 82 ac"))}`,
        size: 5,
      });
    }
  });

  it("carries properties in the header", () => {
    expect(write("", 4096, { deliveryMode: 2 }).octets).to.equal(
      `${METHOD} 02 00 05 00 00 00 0f 00 3c 00 00 00 00 00 00 00 00 00 00 10 00 02 ce`,
    );
  });

  it("has no body frame where the body is empty", () => {
    for (const payload of ["", new Uint8Array(0)]) {
      expect(write(payload, 4096)).to.deep.include({ octets: `${METHOD} ${header(0)}`, size: 0 });
    }
  });

  describe("splits a body to frame-max, eight octets of it not being payload", () => {
    const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
    for (const [length, parts] of [
      [42, [42]],
      [43, [42, 1]],
      [84, [42, 42]],
      [85, [42, 42, 1]],
    ] as const) {
      it(`${length} octets at a frame-max of 50 are ${parts.join(" + ")}`, () => {
        const payload = counted(length);
        const frames = parts.map((part, i) => body(payload.subarray(i * 42, i * 42 + part)));
        expect(write(payload, 50)).to.deep.include({
          octets: `${METHOD} ${header(length)} ${frames.join(" ")}`,
          size: length,
        });
      });
    }

    it("text also inside its characters", () => {
      const text = `a${"€".repeat(28)}`; // 85 octets
      const octets = Buffer.from(text);
      const frames = [octets.subarray(0, 42), octets.subarray(42, 84), octets.subarray(84)];
      expect(write(text, 50)).to.deep.include({
        octets: `${METHOD} ${header(85)} ${frames.map(body).join(" ")}`,
        size: 85,
      });
    });
  });

  it("refers to large bodies instead of copying them", () => {
    const payload = new Uint8Array(REFER_FROM).fill(0x61);
    const { octets, pieces } = write(payload, 131_072);
    expect(octets).to.equal(`${METHOD} ${header(REFER_FROM)} ${body(payload)}`);
    expect(pieces[1]).to.equal(payload);
    const split = write(payload, REFER_FROM + 7).pieces;
    expect(split.some((piece) => piece.buffer === payload.buffer)).to.equal(false);
    const parts = write(new Uint8Array(3 * REFER_FROM), REFER_FROM + 8).pieces;
    expect(parts.filter((piece) => piece.length === REFER_FROM)).to.have.length(3);
  });

  it("copies small bodies, which may change as soon as the call returns", () => {
    const payload = new Uint8Array(REFER_FROM - 1).fill(0x61);
    const output = new Output();
    writeContent(output, 5, PUBLISH, {}, payload, 131_072);
    payload.fill(0xee);
    expect(toHex(concat(...output.take()))).to.equal(
      `${METHOD} ${header(REFER_FROM - 1)} ${body(payload.fill(0x61))}`,
    );
  });

  it("long text is text as well", () => {
    for (const text of ["a".repeat(2730), "a".repeat(2731), "€".repeat(2731), "a".repeat(9000)]) {
      const octets = Buffer.from(text);
      expect(write(text, 131_072)).to.deep.include({
        octets: `${METHOD} ${header(octets.length)} ${body(octets)}`,
        size: octets.length,
      });
    }
  });

  it("method and header fit in frame-max exactly, and are refused with one octet more", () => {
    const properties = { headers: { a: hex("00".repeat(40)) } };
    const { octets } = write("", 73, properties);
    expect(octets.length).to.equal((19 + 73) * 3 - 1);
    const long = raised(UsageError, () => write("", 72, properties));
    expect(long.message).to.match(/^the content header with its properties takes a frame of 73 /);
    const method = raised(UsageError, () => write("", 18));
    expect(method.message).to.match(/^basic.publish takes a frame of 19 octets/);
  });

  describe("that cannot be written leaves the output as it was:", () => {
    const large = "a".repeat(9000);
    const cases: [
      why: string,
      change: Partial<{
        channel: number;
        method: BasicPublish;
        properties: object;
        body: unknown;
        frameMax: number;
      }>,
    ][] = [
      ["a routing key too long", { method: { ...PUBLISH, routingKey: "k".repeat(256) } }],
      ["a channel number that is none", { channel: 65536 }],
      ["a property that does not fit", { properties: { priority: 256 } }],
      ["a header that is not finite", { properties: { headers: { a: Number.NaN } } }],
      ["properties larger than frame-max", { properties: { type: "t".repeat(200) }, frameMax: 99 }],
      ["a method larger than frame-max", { frameMax: 18 }],
      ["no frame-max to speak of", { frameMax: 8 }],
      ["short text with half a surrogate pair", { body: "a\ud800" }],
      ["long text with half a surrogate pair", { body: `${large}\ud800` }],
      ["long text that begins with the wrong half", { body: `\udc00${large}` }],
      [
        "text longer than a frame with half a pair",
        { body: `${"é".repeat(99)}\ud800`, frameMax: 99 },
      ],
      ["a body that is a number", { body: 5 }],
      ["a body that is null", { body: null }],
      ["a body that is an array", { body: [1, 2] }],
      ["a body that is an ArrayBuffer", { body: new ArrayBuffer(5) }],
      ["a body that is missing", { body: undefined }],
      [
        "a large body after properties that do not fit",
        { body: new Uint8Array(9000), frameMax: 20 },
      ],
    ];
    for (const [why, change] of cases) {
      it(why, () => {
        const output = new Output();
        output.writer.writeOctet(1);
        output.refer(hex("02 03"));
        output.writer.writeOctet(4);
        const given = {
          ...{ channel: 5, method: PUBLISH, properties: {}, body: "hi", frameMax: 4096 },
          ...change,
        };
        raised(UsageError, () =>
          writeContent(
            output,
            given.channel,
            given.method,
            given.properties,
            given.body as string,
            given.frameMax,
          ),
        );
        expect(output.length).to.equal(4);
        writeContent(output, 5, PUBLISH, {}, "", 4096);
        expect(toHex(concat(...output.take()))).to.equal(`01 02 03 04 ${METHOD} ${header(0)}`);
      });
    }
  });
});
