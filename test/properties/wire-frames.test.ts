import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../src/wire/generated/codec.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { readContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { chop, choppedStream, encodeFrame, type Frame, frame } from "../support/arbitraries.ts";
import { concat } from "../wire/octets.ts";

const FRAME_MAX = 65_536;

/** A stream of frames with octets changed, put in or taken out. */
function mutatedStream(): fc.Arbitrary<Uint8Array> {
  const mutation = fc.tuple(
    fc.nat(),
    fc.integer({ min: 0, max: 2 }),
    fc.uint8Array({ maxLength: 3 }),
  );
  return fc
    .tuple(fc.array(frame(), { minLength: 1, maxLength: 5 }), fc.array(mutation, { minLength: 1 }))
    .map(([frames, mutations]) => {
      const octets = [...concat(...frames.map(encodeFrame))];
      for (const [at, removed, added] of mutations) {
        octets.splice(at % (octets.length + 1), removed, ...added);
      }
      return Uint8Array.from(octets);
    });
}

/**
 * Decodes pieces that all come in the same buffer, as a socket may deliver them: what the decoder
 * keeps must be its own. `look` is called with each frame while it is valid.
 */
function decode(
  decoder: FrameDecoder,
  pieces: readonly Uint8Array[],
  look: (frame: Frame) => void,
): void {
  const shared = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)));
  let received = 0;
  for (const piece of pieces) {
    shared.fill(0xee);
    shared.set(piece);
    received += piece.length;
    decoder.push(shared.subarray(0, piece.length));
    for (let raw = decoder.next(); raw !== undefined; raw = decoder.next()) {
      const { type, channel, bytes, start, end } = raw;
      check(end - start + 8 <= decoder.maxFrameSize, "a frame is over the limit");
      look({ type, channel, payload: new Uint8Array(bytes.subarray(start, end)) });
      received = decoder.unread.length;
    }
    check(decoder.unread.length === 0, "something is left unread");
    check(decoder.buffered === received, "it holds something else than what came of a frame");
    check(decoder.buffered < Math.max(decoder.maxFrameSize, 8), "it holds a frame or more");
  }
}

/** Called for every octet: an assertion of chai costs more than decoding it. */
function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

function readPayload({ type, payload }: Frame): void {
  const readers = {
    [FRAME_TYPE.method]: [readClientMethod, readServerMethod],
    [FRAME_TYPE.header]: [readContentHeader],
  }[type];
  for (const read of readers ?? []) {
    onlyProtocolError(() => {
      const reader = new Reader(payload);
      read(reader);
      reader.expectEnd("the frame");
    });
  }
}

function onlyProtocolError(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(error.replyCode).to.be.within(501, 505);
  }
}

describe("properties of frames", () => {
  it("any chopping of a stream gives the same frames", () => {
    fc.assert(
      fc.property(choppedStream(), ({ frames, pieces }) => {
        const decoded: Frame[] = [];
        decode(new FrameDecoder(FRAME_MAX), pieces, (each) => decoded.push(each));
        expect(decoded).to.deep.equal(frames);
      }),
      { numRuns: 300 },
    );
  });

  it("also octet by octet, with nothing in between", () => {
    fc.assert(
      fc.property(choppedStream(), ({ frames, octets: stream }) => {
        const decoded: Frame[] = [];
        const octets = Array.from(stream, (octet) => [Uint8Array.of(octet), new Uint8Array(0)]);
        decode(new FrameDecoder(FRAME_MAX), octets.flat(), (each) => decoded.push(each));
        expect(decoded).to.deep.equal(frames);
      }),
      { numRuns: 40 },
    );
  });

  it("a frame may be as large as the limit, and is refused before its payload is kept if not", () => {
    const sizes = fc.tuple(
      fc.integer({ min: 8, max: 5000 }),
      fc.integer({ min: 1, max: 2 ** 32 - 4993 }),
    );
    fc.assert(
      fc.property(sizes, fc.nat(20), fc.array(fc.nat()), ([limit, excess], behind, cuts) => {
        const largest: Frame = { type: 3, channel: 1, payload: new Uint8Array(limit - 8) };
        const decoded: Frame[] = [];
        const decoder = new FrameDecoder(limit);
        decode(decoder, chop(encodeFrame(largest), cuts), (each) => decoded.push(each));
        expect(decoded).to.deep.equal([largest]);

        const declared = limit - 8 + excess;
        const header = Uint8Array.of(3, 0, 1, ...new Uint8Array(4));
        new DataView(header.buffer).setUint32(3, declared);
        const pieces = chop(concat(header, new Uint8Array(behind)), cuts);
        expect(() => decode(decoder, pieces, () => {})).to.throw(ProtocolError, "larger than");
        expect(decoder.buffered).to.be.at.most(7);
      }),
    );
  });

  it("octets at random raise nothing but a ProtocolError, and are not hoarded", () => {
    const nearlyFrames = fc
      .array(fc.oneof(fc.nat(0xff), fc.constantFrom(0, 1, 2, 3, 8, 206)), { maxLength: 60 })
      .map((octets) => Uint8Array.from(octets));
    const limit = fc.integer({ min: 0, max: 64 });
    fc.assert(
      fc.property(
        fc.oneof(nearlyFrames, fc.uint8Array()),
        fc.array(fc.nat()),
        limit,
        (octets, cuts, max) => {
          onlyProtocolError(() => decode(new FrameDecoder(max), chop(octets, cuts), readPayload));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("a stream with octets changed, added or missing raises nothing but a ProtocolError", () => {
    fc.assert(
      fc.property(mutatedStream(), fc.array(fc.nat()), (stream, cuts) => {
        onlyProtocolError(() =>
          decode(new FrameDecoder(FRAME_MAX), chop(stream, cuts), readPayload),
        );
      }),
      { numRuns: 500 },
    );
  });
});
