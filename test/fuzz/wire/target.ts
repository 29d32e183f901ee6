/**
 * The codec under any octets: frames are found, and their payloads read as everything that they
 * could be. What comes out must be what a second parser says; what is raised must be a protocol
 * error with the reply code of the rule that was broken.
 */
import { serialize } from "node:v8";
import { ProtocolError, UsageError } from "../../../src/errors.ts";
import { readTaggedTable, writeTable } from "../../../src/wire/field-table.ts";
import { FrameDecoder } from "../../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../../src/wire/generated/codec.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { readContentHeader } from "../../../src/wire/properties.ts";
import { Reader } from "../../../src/wire/reader.ts";
import { Writer } from "../../../src/wire/writer.ts";
import { allocatedOctets, countAllocations } from "../allocations.ts";
import type { Target } from "../campaign.ts";
import { disturb } from "../disturb.ts";
import { check, Fault } from "../fault.ts";
import { anyFrame, anyMethodFrame } from "../octets/build.ts";
import { Envelope } from "../octets/envelope.ts";
import { layoutOf } from "../octets/layout.ts";
import type { Random } from "../random.ts";
import { isOctets, Pieces, type Steps } from "../steps.ts";

/** What is fuzzed; tests put in what is broken. */
export interface Codec {
  readonly FrameDecoder: new (
    limit: number,
  ) => Pick<FrameDecoder, "push" | "next" | "buffered" | "unread">;
  readonly readClientMethod: (reader: Reader) => unknown;
  readonly readServerMethod: (reader: Reader) => unknown;
  readonly readContentHeader: (reader: Reader) => unknown;
}

const CODEC: Codec = { FrameDecoder, readClientMethod, readServerMethod, readContentHeader };

/** The target with the codec of this package, or with another one. */
export function wireTarget(codec: Codec = CODEC): Target {
  return { name: "wire", generate, run: (steps) => run(steps, codec) };
}

function generate(random: Random): Steps {
  const frames = Array.from({ length: random.between(1, 6) }, () => {
    const withTable = random.percent(25);
    const octets = withTable
      ? anyMethodFrame(random, random.pick(TABLE_METHODS), random.pick(CHANNELS))
      : anyFrame(random, random.pick(SIDES), CHANNELS);
    return { do: "octets" as const, octets };
  });
  const sender = random.pick(SIDES);
  return disturb(random, frames, {
    sender,
    channels: CHANNELS,
    foreign: () => [],
    action: () => undefined,
  });
}

function run(steps: Steps, codec: Codec): Set<string> {
  const pieces = new Pieces();
  const stream = steps.filter(isOctets).flatMap((step) => pieces.cut(step));
  stream.push(...pieces.flush());
  measure(stream, codec);
  return decode(stream, codec);
}

/** Only decodes, and looks at what that takes: lengths must not be believed before octets come. */
function measure(stream: readonly Uint8Array[], codec: Codec): void {
  const octets = stream.reduce((sum, { length }) => sum + length, 0);
  const decoder = new codec.FrameDecoder(LIMIT);
  const before = allocatedOctets();
  countAllocations(() => outcome(() => decodeOnly(stream, decoder, codec)));
  const allocated = allocatedOctets() - before;
  check(
    allocated <= MEMORY_PER_RUN + MEMORY_PER_OCTET * octets,
    "memory",
    () => `${allocated} octets were allocated for ${octets} that came`,
  );
}

function decodeOnly(
  stream: readonly Uint8Array[],
  decoder: InstanceType<Codec["FrameDecoder"]>,
  codec: Codec,
): void {
  for (const piece of stream) {
    decoder.push(piece);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      const { type, bytes, start, end } = frame;
      const methods = [codec.readClientMethod, codec.readServerMethod];
      for (const read of type === 1 ? methods : [codec.readContentHeader]) {
        outcome(() => read(new Reader(bytes, start, end)));
      }
    }
  }
}

function decode(stream: readonly Uint8Array[], codec: Codec): Set<string> {
  const marks = new Set<string>();
  const decoder = new codec.FrameDecoder(LIMIT);
  const envelope = new Envelope();
  for (const piece of stream) {
    const due = envelope.push(piece, LIMIT);
    // Every piece comes in the same buffer, as from a socket, with something else around it.
    const at = 1 + (piece.length % 7);
    const size = at + piece.length + 64;
    const pool = size <= POOL.length ? POOL : Buffer.alloc(size);
    const shared = pool.subarray(at, at + piece.length);
    pool.fill(0xce, 0, size);
    shared.set(piece);
    let refused: number | undefined;
    try {
      decoder.push(shared);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
        const whole = due.shift();
        check(whole !== undefined, "a frame that is none", () => envelope.broken ?? "not whole");
        const { type, channel, bytes, start, end } = frame;
        const head = Uint8Array.of(type, channel >> 8, channel);
        check(isSame(head, whole, 0), "a frame's type and channel");
        check(end - start === whole.length - 8, "a frame's size");
        check(isSame(bytes.subarray(start, end), whole, 7), "a frame's payload");
        for (const mark of readPayload(whole, bytes, start, end, codec)) marks.add(mark);
      }
    } catch (error) {
      refused = replyCodeOf(error);
      marks.add(`frame ${refused}`);
    }
    check(due.length === 0, "a frame is missing");
    check(refused === (envelope.broken === undefined ? undefined : 501), "a broken frame", () => {
      return `${envelope.broken ?? "a good one"} is answered with ${refused ?? "nothing"}`;
    });
    check(isSame(piece, shared, 0), "what came is not to be changed");
    if (refused !== undefined) return marks;
    check(decoder.unread.length === 0, "something is left unread");
    check(decoder.buffered === envelope.rest, "what is kept", () => {
      return `${decoder.buffered} octets of a frame, ${envelope.rest} came`;
    });
  }
  marks.add("decoded");
  return marks;
}

/** Reads a payload as all that it may be, in the place where it lies and in another one. */
function readPayload(
  frame: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: Codec,
): string[] {
  const type = frame[0];
  if (type !== 1 && type !== 2) return [];
  return SIDES.map((side) => {
    const method = side === "client" ? codec.readClientMethod : codec.readServerMethod;
    const read = type === 1 ? method : codec.readContentHeader;
    const [here, got] = outcome(() => readWhole(read, new Reader(bytes, start, end)));
    const [there, again] = outcome(() => readWhole(read, new Reader(frame.slice(7, -1))));
    check(here === there, "reading beyond the payload", () => `${here}, and ${there} elsewhere`);
    check(
      serialize(got).equals(serialize(again)),
      "reading beyond the payload",
      () => "the same octets elsewhere are read as something else",
    );
    const { fault, fields } = layoutOf(frame, side);
    check(here === fault, "a malformed payload", () => {
      return `${fault ?? "nothing"} is wrong, ${here ?? "nothing"} is said of it`;
    });
    for (const { kind, at, until } of fields) {
      if (kind === "table" && until !== undefined) rewrite(frame.subarray(at, until));
    }
    return `${type === 1 ? "method" : "header"} ${here ?? "read"}`;
  });
}

/** A table that can be read without loss must give the same octets when it is written. */
function rewrite(octets: Uint8Array): void {
  const reader = new Reader(octets);
  const [refused, table] = outcome(() => readTaggedTable(reader));
  if (refused !== undefined) return;
  const writer = new Writer();
  try {
    writeTable(writer, table as ReturnType<typeof readTaggedTable>);
  } catch (error) {
    // The smallest table of the walk may be an array of arrays, which has no names.
    if (!(error instanceof UsageError)) throw error;
    throw new Fault("a table that was read cannot be written", error.message, error);
  }
  check(isSame(writer.written, octets.subarray(0, reader.offset), 0), "a table changes on its way");
}

function readWhole(read: (reader: Reader) => unknown, reader: Reader): unknown {
  const value = read(reader);
  reader.expectEnd("it");
  return value;
}

/** What comes of reading: the reply code of a protocol error, or the value. */
function outcome(read: () => unknown): [replyCode: number | undefined, value: unknown] {
  try {
    return [undefined, read()];
  } catch (error) {
    return [replyCodeOf(error), undefined];
  }
}

function replyCodeOf(error: unknown): number {
  if (error instanceof ProtocolError) return error.replyCode;
  throw error;
}

function isSame(part: Uint8Array, whole: Uint8Array, at: number): boolean {
  return Buffer.compare(part, whole.subarray(at, at + part.length)) === 0;
}

const SIDES = ["client", "server"] as const;
const TABLE_METHODS: readonly Method["name"][] = [
  ...(["connection.start", "connection.start-ok", "queue.declare", "basic.consume"] as const),
];
const CHANNELS = [0, 1, 2, 65_535];

/** The largest frame. */
const LIMIT = 131_072;

/** Where octets come, again and again, as they do from a socket. */
const POOL = Buffer.alloc(4 * LIMIT);

/** Octets that a run may allocate: a frame that came in pieces is copied as it grows. */
const MEMORY_PER_OCTET = 6;
const MEMORY_PER_RUN = 16_384;
