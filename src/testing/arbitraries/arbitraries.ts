/**
 * Arbitraries for fast-check: everything that travels in AMQP, made from the protocol table.
 *
 * fast-check is handed in, not imported: `amqp091/testing` works without it, and whoever has it
 * gets arbitraries of the very copy that runs the properties.
 */
import type { FieldTable, FieldValue, TaggedTable, TaggedValue } from "../../wire/field-value.ts";
import type {
  ClientMethod,
  ContentMethod,
  Method,
  ServerMethod,
} from "../../wire/generated/methods.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import type { Frame } from "../scripted-peer/encode.ts";
import type { MethodName, MethodNamed } from "../scripted-peer/method-types.ts";
import type { Arbitrary, FastCheck } from "./fast-check.ts";
import { fieldTableBytes, propertyBytes } from "./field-table-grammar.ts";
import {
  fieldTable,
  fieldTableReading,
  fieldValue,
  type Reading,
  taggedTable,
  taggedValue,
} from "./field-tables.ts";
import {
  type ChoppedStream,
  type Content,
  chopped,
  choppedStream,
  content,
  frame,
} from "./frames.ts";
import {
  anyMethod,
  basicProperties,
  clientMethod,
  contentMethod,
  method,
  serverMethod,
} from "./methods.ts";
import { malformedText, shortstr, text, timestamp } from "./text.ts";

/** What {@link arbitraries} gives. The functions stand by themselves and can be taken out. */
export interface Arbitraries {
  /** Text of at most 255 octets of UTF-8: mostly short, from all of Unicode, well-formed. */
  readonly shortstr: () => Arbitrary<string>;
  /** Well-formed text of any length that is practical. */
  readonly text: () => Arbitrary<string>;
  /** Octets that are no UTF-8, at most 20 unless told otherwise. */
  readonly malformedText: (maxLength?: number) => Arbitrary<Uint8Array>;
  /** A point in time at a whole second, from 1970 to as far as a `Date` reaches. */
  readonly timestamp: () => Arbitrary<Date>;
  /** A value of a field table that reads back as it is. */
  readonly fieldValue: () => Arbitrary<FieldValue>;
  /** A field table that reads back as it is; nested up to five levels deep. */
  readonly fieldTable: () => Arbitrary<FieldTable>;
  /**
   * A field table with everything that an application may put in, and what is read back: integers
   * that were bigints come as numbers, tags are gone, members that are `undefined` are missing.
   */
  readonly fieldTableReading: () => Arbitrary<Reading<FieldTable>>;
  /**
   * A field table as a lossless reading gives it: duplicate names, names and strings that are not
   * UTF-8, every NaN, booleans that are neither 0 nor 1.
   */
  readonly taggedTable: () => Arbitrary<TaggedTable>;
  /** A value with its type, as a lossless reading gives it. */
  readonly taggedValue: () => Arbitrary<TaggedValue>;
  /** A field table on the wire, length first: any octets that the grammar allows. */
  readonly fieldTableBytes: () => Arbitrary<Uint8Array>;
  /** Property flags and values on the wire, as in a content header: any octets, as above. */
  readonly propertyBytes: () => Arbitrary<Uint8Array>;
  /** The properties of a message, each there or not; all of them are such as RabbitMQ accepts. */
  readonly basicProperties: () => Arbitrary<BasicProperties>;
  /** A method by its name, with any arguments. */
  readonly method: <N extends MethodName>(name: N) => Arbitrary<MethodNamed<N>>;
  /** Any method. */
  readonly anyMethod: () => Arbitrary<Method>;
  /** Any method that a client may send. */
  readonly clientMethod: () => Arbitrary<ClientMethod>;
  /** Any method that a server may send. */
  readonly serverMethod: () => Arbitrary<ServerMethod>;
  /** Any method that content follows. */
  readonly contentMethod: () => Arbitrary<ContentMethod>;
  /** Any method that content follows, with properties and a body, of at most 1,000 octets. */
  readonly content: (options?: {
    readonly maxBodyLength?: number | undefined;
  }) => Arbitrary<Content>;
  /** A frame of any type, with a payload that this type may have; each by itself, in no order. */
  readonly frame: () => Arbitrary<Frame>;
  /** Up to eight frames one behind the other, and their octets cut anywhere. */
  readonly choppedStream: () => Arbitrary<ChoppedStream>;
  /** The octets that you have an arbitrary for, cut anywhere, with empty pieces here and there. */
  readonly chopped: (octets: Arbitrary<Uint8Array>) => Arbitrary<Uint8Array[]>;
}

/**
 * Arbitraries of AMQP for properties of your own, made with your fast-check (3.22 or later):
 *
 *     import fc from "fast-check";
 *     import { arbitraries } from "amqp091/testing";
 *
 *     const { clientMethod, chopped } = arbitraries(fc);
 *     fc.assert(fc.property(clientMethod(), (method) => …));
 *
 * What they make can be encoded, and unless told otherwise it reads back as it was given: a plain
 * table has no `undefined` members, a `Date` is at a whole second, a 64-bit integer is a bigint
 * only where a number could not hold it. Octets of methods and frames come from the scripted peer's
 * encoder ({@link encodeMethod}, {@link encodeContent}, {@link encodeFrame}), not from the
 * library's codec.
 */
export function arbitraries(fc: FastCheck): Arbitraries {
  return {
    shortstr: () => shortstr(fc),
    text: () => text(fc),
    malformedText: (maxLength) => malformedText(fc, maxLength),
    timestamp: () => timestamp(fc),
    fieldValue: () => fieldValue(fc),
    fieldTable: () => fieldTable(fc),
    fieldTableReading: () => fieldTableReading(fc),
    taggedTable: () => taggedTable(fc),
    taggedValue: () => taggedValue(fc),
    fieldTableBytes: () => fieldTableBytes(fc),
    propertyBytes: () => propertyBytes(fc),
    basicProperties: () => basicProperties(fc),
    method: (name) => method(fc, name),
    anyMethod: () => anyMethod(fc),
    clientMethod: () => clientMethod(fc),
    serverMethod: () => serverMethod(fc),
    contentMethod: () => contentMethod(fc),
    content: ({ maxBodyLength = 1000 } = {}) => content(fc, maxBodyLength),
    frame: () => frame(fc),
    choppedStream: () => choppedStream(fc),
    chopped: (octets) => chopped(fc, octets),
  };
}
