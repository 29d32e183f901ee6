/** The arbitraries that we give to everybody, for our own tests. */
import fc from "fast-check";
import { type Arbitraries, arbitraries } from "../../src/testing/arbitraries/arbitraries.ts";

export type { Reading } from "../../src/testing/arbitraries/field-tables.ts";
export { chop } from "../../src/testing/arbitraries/frames.ts";
export { encodeFrame, type Frame } from "../../src/testing/scripted-peer/encode.ts";
export type { MethodNamed } from "../../src/testing/scripted-peer/method-types.ts";

const made: Arbitraries = arbitraries(fc);

export const {
  shortstr,
  text,
  malformedText,
  timestamp,
  fieldValue,
  fieldTable,
  fieldTableReading,
  taggedTable,
  taggedValue,
  fieldTableBytes,
  propertyBytes,
  basicProperties,
  method,
  anyMethod,
  clientMethod,
  serverMethod,
  contentMethod,
  frame,
  choppedStream,
} = made;
