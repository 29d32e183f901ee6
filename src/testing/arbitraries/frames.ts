/** Frames, contents, and streams of octets in pieces. */
import { FRAME_TYPE } from "../../wire/generated/constants.ts";
import type { ContentMethod } from "../../wire/generated/methods.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import {
  encodeFrame,
  encodeHeaderPayload,
  encodeMethodPayload,
  type Frame,
} from "../scripted-peer/encode.ts";
import type { Arbitrary, FastCheck } from "./fast-check.ts";
import { anyMethod, basicProperties, contentMethod } from "./methods.ts";

/** A frame of any type, with a payload that this type may have; each by itself, in no order. */
export function frame(fc: FastCheck): Arbitrary<Frame> {
  const channel = fc.integer({ min: 0, max: 0xffff });
  const { method: methodType, header, body, heartbeat } = FRAME_TYPE;
  return fc.oneof(
    fc.record({
      type: fc.constant(methodType),
      channel,
      payload: anyMethod(fc).map((value) =>
        Uint8Array.from(encodeMethodPayload(value.name, { ...value })),
      ),
    }),
    fc.record({ type: fc.constant(header), channel, payload: contentHeaderPayload(fc) }),
    fc.record({ type: fc.constant(body), channel, payload: fc.uint8Array({ size: "medium" }) }),
    fc.constant({ type: heartbeat, channel: 0, payload: new Uint8Array(0) }),
  );
}

/** A method that carries content, with properties and a body. */
export interface Content {
  readonly method: ContentMethod;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
}

/** A stream of octets: frames one behind the other, cut anywhere. */
export interface ChoppedStream {
  readonly frames: readonly Frame[];
  /** All the octets of the frames. */
  readonly octets: Uint8Array;
  /** The same octets in pieces; some may be empty. */
  readonly pieces: readonly Uint8Array[];
}

/** A method that carries content, with any properties and a body of up to so many octets. */
export function content(fc: FastCheck, maxBodyLength: number): Arbitrary<Content> {
  const body = fc.oneof(
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: maxBodyLength }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: maxBodyLength, size: "max" }) },
  );
  return fc.record({ method: contentMethod(fc), properties: basicProperties(fc), body });
}

/** Octets in pieces. */
export function chopped(fc: FastCheck, octets: Arbitrary<Uint8Array>): Arbitrary<Uint8Array[]> {
  return fc.tuple(octets, fc.array(fc.nat())).map(([whole, cuts]) => chop(whole, cuts));
}

/** Frames one behind the other, in pieces. */
export function choppedStream(fc: FastCheck): Arbitrary<ChoppedStream> {
  return fc
    .tuple(fc.array(frame(fc), { maxLength: 8 }), fc.array(fc.nat()))
    .map(([frames, cuts]) => {
      const octets = Uint8Array.from(Buffer.concat(frames.map(encodeFrame)));
      return { frames, octets, pieces: chop(octets, cuts) };
    });
}

/** One stream of octets, cut at the places given: 0 and the same place twice make empty pieces. */
export function chop(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
  return [...places, stream.length].map((end, i) => stream.slice(places[i - 1] ?? 0, end));
}

function contentHeaderPayload(fc: FastCheck): Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.maxSafeNat(), basicProperties(fc))
    .map(([size, properties]) => Uint8Array.from(encodeHeaderPayload(size, properties)));
}
