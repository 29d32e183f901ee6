/**
 * From the bytes of the input to the messages that are published, one after the other as they are
 * asked for: each stage is an asynchronous generator that holds no more than one message, so a file
 * of any size takes the same memory.
 *
 *     chunks -> lines -> numbered messages -> (queues declared) -> publishAll()
 */
import { UsageError } from "../errors.ts";
import type { Channel, Message } from "../index.ts";
import { splitLines } from "./lines.ts";
import { InvalidLineError, type MessageDefaults, parseJsonLine } from "./ndjson.ts";
import type { InputFormat } from "./publish-options.ts";

/** A message that knows where it stood in the input. */
export interface NumberedMessage extends Message {
  /** From 1. */
  readonly line: number;
}

/** Messages of the input; a line that is none is told to `onInvalid` and left out. */
export function readMessages(
  chunks: AsyncIterable<Uint8Array>,
  format: InputFormat,
  defaults: MessageDefaults,
  onInvalid: (line: number, error: InvalidLineError) => void,
): AsyncIterable<NumberedMessage> {
  if (format === "ndjson") return fromJson(splitLines(chunks), defaults, onInvalid);
  return fromBodies(format === "lines" ? splitLines(chunks) : joinAll(chunks), defaults);
}

/** Declares the queue of each message that goes through the default exchange, the first time. */
export async function* declaringQueues(
  messages: AsyncIterable<NumberedMessage>,
  channel: Channel,
): AsyncGenerator<NumberedMessage, void, undefined> {
  const declared = new Set<string>();
  for await (const message of messages) {
    const { exchange = "", routingKey } = message;
    if (exchange === "" && routingKey !== "" && !declared.has(routingKey)) {
      await declareQueue(channel, routingKey);
      declared.add(routingKey);
    }
    yield message;
  }
}

async function declareQueue(channel: Channel, queue: string): Promise<void> {
  try {
    await channel.queueDeclare(queue, { durable: true });
  } catch (error) {
    // It is no name for a queue, which ends that message and not all the others.
    if (!(error instanceof UsageError)) throw error;
  }
}

async function* fromBodies(
  bodies: AsyncIterable<Uint8Array>,
  { exchange, routingKey = "", mandatory, properties }: MessageDefaults,
): AsyncGenerator<NumberedMessage, void, undefined> {
  // Named one by one: spreading an object into a million others takes longer than publishing them.
  const { deliveryMode, contentType, headers } = properties;
  let line = 0;
  for await (const body of bodies) {
    line++;
    yield { line, exchange, routingKey, body, mandatory, deliveryMode, contentType, headers };
  }
}

async function* fromJson(
  lines: AsyncIterable<Uint8Array>,
  defaults: MessageDefaults,
  onInvalid: (line: number, error: InvalidLineError) => void,
): AsyncGenerator<NumberedMessage, void, undefined> {
  let line = 0;
  for await (const bytes of lines) {
    line++;
    try {
      const message = parseJsonLine(bytes, defaults);
      if (message === undefined) continue;
      yield { ...message, line };
    } catch (error) {
      if (!(error instanceof InvalidLineError)) throw error;
      onInvalid(line, error);
    }
  }
}

async function* joinAll(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  yield Buffer.concat(pieces);
}
