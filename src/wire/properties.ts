/**
 * The content header (specification section 2.3.5.2): after a method that carries content comes a
 * header frame with the size of the body and the properties of the message.
 *
 *     [class 2][weight 2][body size 8][property flags 2][property values ...]
 *
 * The flags tell which values follow, the first property in the highest bit. Bit 0 would announce
 * another 16 flags, but class basic has 14 properties and needs one word.
 */
import { ProtocolError, UsageError } from "../errors.ts";
import { readTable, writeTable, writeTime } from "./field-table.ts";
import { TaggedValue } from "./field-value.ts";
import { BASIC_CLASS_ID, REPLY_CODE } from "./generated/constants.ts";
import { type BasicProperties, PROPERTY_FLAG } from "./generated/properties.ts";
import type { Reader } from "./reader.ts";
import type { PropertySource, SentProperties } from "./tagged-properties.ts";
import { describe, type Writer } from "./writer.ts";

/** A content header, decoded. */
export interface ContentHeader {
  /** Octets of the body that follows, in all its frames. */
  readonly bodySize: number;
  /** The properties that were present. */
  readonly properties: BasicProperties;
}

/** What a message has that has no properties. */
export const NO_PROPERTIES: BasicProperties = Object.freeze({});

/** Writes the payload of a header frame; properties may be the octets that another one brought. */
export function writeContentHeader(
  writer: Writer,
  bodySize: number,
  properties: PropertySource,
): void {
  writer.writeShort(BASIC_CLASS_ID);
  writer.writeShort(0);
  writer.writeLonglong(bodySize, "the body size");
  if (properties instanceof Uint8Array) writer.writeBytes(properties);
  else writeProperties(writer, properties);
}

/** Reads the payload of a header frame, to its end. */
export function readContentHeader(reader: Reader): ContentHeader {
  const classId = reader.readShort();
  const weight = reader.readShort();
  if (classId !== BASIC_CLASS_ID || weight !== 0) {
    throw new ProtocolError("a content header has the wrong class or weight", {
      replyCode: REPLY_CODE.frameError,
      expected: `class ${BASIC_CLASS_ID}, weight 0`,
      got: `class ${classId}, weight ${weight}`,
      offset: 0,
    });
  }
  const bodySize = reader.readLonglong();
  const properties = readProperties(reader);
  reader.expectEnd("the content header");
  return { bodySize, properties };
}

/** Writes the flags and the values of the properties that are not undefined. */
export function writeProperties(writer: Writer, p: SentProperties): void {
  let flags = 0;
  const at = writer.length;
  writer.writeShort(0);
  if (p.contentType !== undefined) {
    flags |= PROPERTY_FLAG.contentType;
    writeShortstr(writer, p.contentType, "contentType");
  }
  if (p.contentEncoding !== undefined) {
    flags |= PROPERTY_FLAG.contentEncoding;
    writeShortstr(writer, p.contentEncoding, "contentEncoding");
  }
  if (p.headers !== undefined) {
    flags |= PROPERTY_FLAG.headers;
    writeTable(writer, p.headers, "headers");
  }
  if (p.deliveryMode !== undefined) {
    flags |= PROPERTY_FLAG.deliveryMode;
    writer.writeOctet(p.deliveryMode, "deliveryMode");
  }
  if (p.priority !== undefined) {
    flags |= PROPERTY_FLAG.priority;
    writer.writeOctet(p.priority, "priority");
  }
  if (p.correlationId !== undefined) {
    flags |= PROPERTY_FLAG.correlationId;
    writeShortstr(writer, p.correlationId, "correlationId");
  }
  if (p.replyTo !== undefined) {
    flags |= PROPERTY_FLAG.replyTo;
    writeShortstr(writer, p.replyTo, "replyTo");
  }
  if (p.expiration !== undefined) {
    flags |= PROPERTY_FLAG.expiration;
    writeShortstr(writer, p.expiration, "expiration");
  }
  if (p.messageId !== undefined) {
    flags |= PROPERTY_FLAG.messageId;
    writeShortstr(writer, p.messageId, "messageId");
  }
  if (p.timestamp !== undefined) {
    flags |= PROPERTY_FLAG.timestamp;
    writeTimestamp(writer, p.timestamp);
  }
  if (p.type !== undefined) {
    flags |= PROPERTY_FLAG.type;
    writeShortstr(writer, p.type, "type");
  }
  if (p.userId !== undefined) {
    flags |= PROPERTY_FLAG.userId;
    writeShortstr(writer, p.userId, "userId");
  }
  if (p.appId !== undefined) {
    flags |= PROPERTY_FLAG.appId;
    writeShortstr(writer, p.appId, "appId");
  }
  if (p.clusterId !== undefined) {
    flags |= PROPERTY_FLAG.clusterId;
    writeShortstr(writer, p.clusterId, "clusterId");
  }
  writer.patchShort(at, flags);
}

/** Reads the flags and the values of the properties. */
export function readProperties(reader: Reader): BasicProperties {
  const flags = readPropertyFlags(reader);
  const p: Writable<BasicProperties> = {};
  if (flags & PROPERTY_FLAG.contentType) p.contentType = reader.readShortstr();
  if (flags & PROPERTY_FLAG.contentEncoding) p.contentEncoding = reader.readShortstr();
  if (flags & PROPERTY_FLAG.headers) p.headers = readTable(reader);
  if (flags & PROPERTY_FLAG.deliveryMode) p.deliveryMode = reader.readOctet() as 1 | 2;
  if (flags & PROPERTY_FLAG.priority) p.priority = reader.readOctet();
  if (flags & PROPERTY_FLAG.correlationId) p.correlationId = reader.readShortstr();
  if (flags & PROPERTY_FLAG.replyTo) p.replyTo = reader.readShortstr();
  if (flags & PROPERTY_FLAG.expiration) p.expiration = reader.readShortstr();
  if (flags & PROPERTY_FLAG.messageId) p.messageId = reader.readShortstr();
  if (flags & PROPERTY_FLAG.timestamp) p.timestamp = reader.readTimestamp();
  if (flags & PROPERTY_FLAG.type) p.type = reader.readShortstr();
  if (flags & PROPERTY_FLAG.userId) p.userId = reader.readShortstr();
  if (flags & PROPERTY_FLAG.appId) p.appId = reader.readShortstr();
  if (flags & PROPERTY_FLAG.clusterId) p.clusterId = reader.readShortstr();
  return p;
}

/** Reads the flags that tell which properties follow; refuses those that no property has. */
export function readPropertyFlags(reader: Reader): number {
  const flags = reader.readShort();
  if ((flags & ~KNOWN_FLAGS) === 0) return flags;
  throw new ProtocolError("a content header announces properties that do not exist", {
    replyCode: REPLY_CODE.syntaxError,
    expected: `flags within 0x${KNOWN_FLAGS.toString(16)}`,
    got: `0x${flags.toString(16)}`,
    offset: reader.position - 2,
  });
}

function writeShortstr(writer: Writer, value: string | Uint8Array, what: string): void {
  if (value instanceof Uint8Array) writer.writeShortstrBytes(value, what);
  else writer.writeShortstr(value, what);
}

/** A bare number is refused: it would be taken for milliseconds as often as for seconds. */
function writeTimestamp(writer: Writer, value: Date | TaggedValue<"T">): void {
  if (value instanceof Date) return writer.writeTimestamp(value, "timestamp");
  if (value instanceof TaggedValue && value.type === "T") {
    return writeTime(writer, value.value, "timestamp");
  }
  throw new UsageError(`timestamp must be a Date, not ${describe(value)}`);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const KNOWN_FLAGS: number = Object.values(PROPERTY_FLAG).reduce((all, flag) => all | flag, 0);
