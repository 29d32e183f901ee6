import { expect } from "chai";
import fc from "fast-check";
import { UsageError } from "../../src/errors.ts";
import { type Content, ContentAssembler } from "../../src/protocol/content-assembler.ts";
import { writeContent } from "../../src/wire/content.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { ContentMethod } from "../../src/wire/generated/methods.ts";
import { Output } from "../../src/wire/output.ts";
import { Reader } from "../../src/wire/reader.ts";
import { basicProperties, contentMethod, text } from "../support/arbitraries.ts";
import { concat } from "../wire/octets.ts";

/** Room for any method with content: three short strings of 255 octets, and some integers. */
const ROOM_FOR_METHODS = 800;

interface Joined {
  readonly content: Content;
  readonly channels: Set<number>;
  /** Octets of payload of each body frame. */
  readonly bodies: number[];
}

/** Takes frames apart and joins content again, as the receiver of these octets would. */
function join(stream: Uint8Array, frameMax: number): Joined {
  const decoder = new FrameDecoder(frameMax);
  const assembler = new ContentAssembler(Number.MAX_SAFE_INTEGER);
  const channels = new Set<number>();
  const bodies: number[] = [];
  let content: Content | undefined;
  decoder.push(stream);
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
    expect(content, "a frame behind the last one").to.equal(undefined);
    expect(frame.end - frame.start + 8).to.be.at.most(frameMax);
    channels.add(frame.channel);
    if (frame.type === FRAME_TYPE.method) {
      assembler.begin(readMethod(frame.bytes.subarray(frame.start, frame.end)));
    } else if (frame.type === FRAME_TYPE.header) {
      content = assembler.header(frame);
    } else {
      bodies.push(frame.end - frame.start);
      content = assembler.body(frame);
    }
  }
  expect(decoder.buffered).to.equal(0);
  if (content === undefined) throw new Error("the content did not end");
  return { content, channels, bodies };
}

function readMethod(payload: Uint8Array): ContentMethod {
  const isPublish = payload[3] === METHODS["basic.publish"].methodId;
  const read = isPublish ? readClientMethod : readServerMethod;
  return read(new Reader(payload)) as ContentMethod;
}

/** Sizes at and around whole frames, of which there are 0 to 3. */
function sizeAround(payloadMax: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -2, max: 2 }))
    .map(([frames, more]) => Math.max(0, frames * payloadMax + more));
}

function frameMaxAndSize(): fc.Arbitrary<[frameMax: number, size: number]> {
  const frameMax = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: ROOM_FOR_METHODS, max: 4096 }) },
    { weight: 3, arbitrary: fc.constantFrom(4096, 8192, 8199, 8200, 8201) },
    { weight: 2, arbitrary: fc.integer({ min: 4096, max: 20_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(131_072) },
  );
  return frameMax.chain((max) => fc.tuple(fc.constant(max), sizeAround(max - 8)));
}

describe("properties of content", () => {
  it("no frame exceeds frame-max, all but the last are full, and they join to what was given", () => {
    fc.assert(
      fc.property(
        contentMethod(),
        frameMaxAndSize(),
        fc.integer({ min: 1, max: 0xffff }),
        fc.nat(0xff),
        (method, [frameMax, size], channel, seed) => {
          const body = Uint8Array.from({ length: size }, (_, i) => i * 31 + (i >>> 8) + seed);
          const output = new Output();
          const properties = { appId: "a", headers: { seed } };
          expect(writeContent(output, channel, method, properties, body, frameMax)).to.equal(size);
          const length = output.length;
          const stream = concat(...output.take());
          expect(stream).to.have.length(length);

          const { content, channels, bodies } = join(stream, frameMax);
          expect([...channels]).to.deep.equal([channel]);
          expect(content.method).to.deep.equal(method);
          expect(content.properties).to.deep.equal(properties);
          expect(Buffer.compare(content.body, body)).to.equal(0);
          const full = Math.floor(size / (frameMax - 8));
          const rest = size % (frameMax - 8);
          expect(bodies).to.deep.equal([
            ...Array<number>(full).fill(frameMax - 8),
            ...(rest > 0 ? [rest] : []),
          ]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("any properties arrive, or are refused because they do not fit", () => {
    fc.assert(
      fc.property(contentMethod(), basicProperties(), (method, properties) => {
        const output = new Output();
        try {
          writeContent(output, 1, method, properties, "body", ROOM_FOR_METHODS);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          expect(error.message).to.contain("the negotiated frame-max is 800");
          expect(output.length).to.equal(0);
          return;
        }
        const { content } = join(concat(...output.take()), ROOM_FOR_METHODS);
        expect(content.properties).to.deep.equal(properties);
      }),
      { numRuns: 150 },
    );
  });

  /** Text whose size in UTF-8 may be anywhere around the ways in which text is written. */
  const longText = fc
    .tuple(text(), fc.constantFrom("", "x", "é", "€", "🐇"), fc.integer({ min: 0, max: 4200 }))
    .map(([start, unit, count]) => start + unit.repeat(count));
  const frameMax = fc.constantFrom(ROOM_FOR_METHODS, 4096, 8192, 131_072);
  const publish = contentMethod().filter(({ name }) => name === "basic.publish");

  it("text arrives as UTF-8", () => {
    fc.assert(
      fc.property(publish, longText, frameMax, (method, body, max) => {
        const output = new Output();
        const size = writeContent(output, 1, method, {}, body, max);
        const { content } = join(concat(...output.take()), max);
        expect(Buffer.from(content.body).equals(Buffer.from(body))).to.equal(true);
        expect(size).to.equal(content.body.length);
      }),
    );
  });

  it("text with half a surrogate pair anywhere is refused, and nothing is written", () => {
    const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit));
    fc.assert(
      fc.property(publish, longText, half, longText, frameMax, (method, a, lone, b, max) => {
        const body = `${a}.${lone}.${b}`;
        const output = new Output();
        output.writer.writeOctet(1);
        output.refer(Uint8Array.of(2));
        expect(() => writeContent(output, 1, method, {}, body, max)).to.throw(
          UsageError,
          "surrogate",
        );
        expect(output.length).to.equal(2);
        expect([...concat(...output.take())]).to.deep.equal([1, 2]);
      }),
    );
  });
});
