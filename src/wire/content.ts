/**
 * Content, outgoing (specification section 2.3.5.2): a method that carries content, its header and
 * its body, which is split to the negotiated frame-max. An empty body has no body frame.
 *
 *     [method frame][header frame][body frame]*
 *
 * The three must follow each other without another frame of the same channel between them, so they
 * are written in one go; and if anything cannot be encoded, nothing of them is written.
 */
import { UsageError } from "../errors.ts";
import {
  beginFrame,
  endFrame,
  FRAME_HEADER_SIZE,
  FRAME_OVERHEAD,
  writeMethodFrame,
} from "./frame.ts";
import { FRAME_END, FRAME_TYPE } from "./generated/constants.ts";
import type { ContentMethod } from "./generated/methods.ts";
import type { LastHead } from "./last-head.ts";
import type { Output } from "./output.ts";
import { writeContentHeader } from "./properties.ts";
import type { PropertySource } from "./tagged-properties.ts";
import { encodeText, isWellFormed } from "./text.ts";
import { describe, type Writer } from "./writer.ts";

/**
 * Bodies from this size on, in octets, are referred to instead of copied. Copying 8 KiB costs about
 * as much as handing the socket one more piece to write; bodies of 16 KiB that were copied took
 * half as much CPU again (8.3 µs a message instead of 5.6).
 */
export const REFER_FROM = 8192;

/**
 * Writes a method with content and returns the size of the body in octets. Text is encoded as
 * UTF-8; properties may be the octets of a header that came. Raises `UsageError`, with nothing written, for what cannot be encoded and for a method or
 * properties that do not fit in one frame. What is the same as in the `last` publish is copied.
 */
export function writeContent(
  output: Output,
  channel: number,
  method: ContentMethod,
  properties: PropertySource,
  body: Uint8Array | string,
  frameMax: number,
  last?: LastHead,
): number {
  const { writer } = output;
  const start = writer.length;
  const references = output.references;
  try {
    const bytes = typeof body === "string" && !isShort(body, frameMax) ? encodeBody(body) : body;
    if (typeof bytes !== "string" && !(bytes instanceof Uint8Array)) {
      throw new UsageError(`body must be a Uint8Array or a string, not ${describe(bytes)}`);
    }
    const header = writeHead(output, channel, method, properties, bytes.length, frameMax, last);
    if (typeof bytes === "string") return writeShortText(writer, channel, bytes, header, frameMax);
    writeBody(output, channel, bytes, frameMax);
    return bytes.length;
  } catch (error) {
    output.rollback(start, references);
    throw error;
  }
}

/** Writes the method frame and the header frame; gives where the header frame begins. */
function writeHead(
  output: Output,
  channel: number,
  method: ContentMethod,
  properties: PropertySource,
  bodySize: number,
  frameMax: number,
  last: LastHead | undefined,
): number {
  const { writer } = output;
  const start = writer.length;
  if (last === undefined || method.name !== "basic.publish") {
    writeMethodFrame(writer, channel, method, frameMax);
    return writeHeaderFrame(writer, channel, properties, bodySize, frameMax);
  }
  const same = last.repeat(output, method, properties);
  if (same === "all") {
    const header = writer.length - last.headerLength;
    writer.patchLonglong(header + FRAME_HEADER_SIZE + 4, bodySize);
    return header;
  }
  if (same === "nothing") writeMethodFrame(writer, channel, method, frameMax);
  const header = writeHeaderFrame(writer, channel, properties, bodySize, frameMax);
  last.remember(output, start, header, method, properties);
  return header;
}

function writeHeaderFrame(
  writer: Writer,
  channel: number,
  properties: PropertySource,
  bodySize: number,
  frameMax: number,
): number {
  const header = beginFrame(writer, FRAME_TYPE.header, channel);
  writeContentHeader(writer, bodySize, properties);
  endFrame(writer, header, frameMax, "the content header with its properties");
  return header;
}

/** Whether text fits in one frame however many octets its characters take. */
function isShort(text: string, frameMax: number): boolean {
  const most = text.length * 3;
  return most < REFER_FROM && most + FRAME_OVERHEAD <= frameMax;
}

function encodeBody(text: string): Uint8Array {
  const bytes = encodeText(text);
  if (bytes.length !== text.length && !isWellFormed(text)) {
    throw new UsageError("body has half a surrogate pair, which UTF-8 cannot express");
  }
  return bytes;
}

/** Encodes text straight into its frame, then corrects the body size in the header before it. */
function writeShortText(
  writer: Writer,
  channel: number,
  text: string,
  header: number,
  frameMax: number,
): number {
  if (text.length === 0) return 0;
  const frame = beginFrame(writer, FRAME_TYPE.body, channel);
  const size = writer.writeText(text, "body");
  endFrame(writer, frame, frameMax, "body");
  writer.patchLong(header + FRAME_HEADER_SIZE + 8, size);
  return size;
}

function writeBody(output: Output, channel: number, body: Uint8Array, frameMax: number): void {
  const { writer } = output;
  const most = frameMax - FRAME_OVERHEAD;
  for (let at = 0; at < body.length; at += most) {
    const size = Math.min(most, body.length - at);
    writer.writeFrameHeader(FRAME_TYPE.body, channel, size);
    const part = size === body.length ? body : body.subarray(at, at + size);
    if (size < REFER_FROM) writer.writeBytes(part);
    else output.refer(part);
    writer.writeOctet(FRAME_END);
  }
}
