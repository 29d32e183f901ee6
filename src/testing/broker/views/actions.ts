/** Doing to a broker from outside what otherwise clients do, by the same ways. */
import { ProtocolError, UsageError } from "../../../errors.ts";
import { type Content, ContentAssembler } from "../../../protocol/content-assembler.ts";
import { writeContent } from "../../../wire/content.ts";
import { FrameDecoder } from "../../../wire/frame-decoder.ts";
import { readClientMethod, writeMethod } from "../../../wire/generated/codec.ts";
import { FRAME_TYPE } from "../../../wire/generated/constants.ts";
import type { BasicPublish, ClientMethod } from "../../../wire/generated/methods.ts";
import type { BasicProperties } from "../../../wire/generated/properties.ts";
import { Output } from "../../../wire/output.ts";
import { Reader } from "../../../wire/reader.ts";
import { Writer } from "../../../wire/writer.ts";
import { Publishing } from "../publishing.ts";
import { Refusal } from "../refusal.ts";
import type { VirtualHost } from "../virtual-host.ts";

/** Who does it: owns no queue. */
export const OPERATOR: object = {};

/** A method as it arrives when a client sends it; a `UsageError` if it cannot be sent. */
export function asSent<M extends ClientMethod>(method: M): M {
  const writer = new Writer(256);
  writeMethod(writer, method);
  return readClientMethod(new Reader(writer.written.slice())) as M;
}

/** Does something; what the broker would refuse a client is a `UsageError` in the same words. */
export function done<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) throw new UsageError(error.replyText);
    if (error instanceof ProtocolError) throw new UsageError(error.message);
    throw error;
  }
}

/** Publishes a message as a client would, and names the queues that it was routed to. */
export function publishInto(
  vhost: VirtualHost,
  maxMessageSize: number,
  method: Pick<BasicPublish, "exchange" | "routingKey">,
  properties: BasicProperties,
  body: Uint8Array | string,
): readonly string[] {
  return done(() => {
    const content = contentAsSent(method, properties, body, maxMessageSize);
    // Nobody is logged in, so a message may say that it is from anybody.
    const publishing = new Publishing(vhost, properties.userId ?? "");
    const routed = publishing.route(content);
    publishing.store(routed);
    return routed.queues.map(({ name }) => name);
  });
}

/** The way there and back also makes a copy of the body. */
function contentAsSent(
  { exchange, routingKey }: Pick<BasicPublish, "exchange" | "routingKey">,
  properties: BasicProperties,
  body: Uint8Array | string,
  maxMessageSize: number,
): Content<BasicPublish> {
  const output = new Output();
  const method: BasicPublish = {
    ...{ name: "basic.publish", exchange, routingKey, mandatory: false, immediate: false },
  };
  writeContent(output, 1, method, properties, body, FRAME_SIZE);
  const decoder = new FrameDecoder(FRAME_SIZE);
  const assembler = new ContentAssembler<BasicPublish>(maxMessageSize);
  assembler.begin(method);
  let content: Content<BasicPublish> | undefined;
  for (const piece of output.take()) {
    decoder.push(piece.slice());
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      if (frame.type === FRAME_TYPE.header) content = assembler.header(frame);
      else if (frame.type === FRAME_TYPE.body) content = assembler.body(frame);
    }
  }
  if (content === undefined) throw new Error("what was written is not a message");
  return content;
}

/** In octets: RabbitMQ's frame-max. */
const FRAME_SIZE = 131_072;
