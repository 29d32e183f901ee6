/** From the octets of a file, whatever it is, to the items of the conversations in it. */
import { CaptureDissector } from "../dissect/capture/conversations.ts";
import type { PacketReader } from "../dissect/capture/packet.ts";
import { isPcap, PcapReader } from "../dissect/capture/pcap.ts";
import { isPcapng, PcapngReader } from "../dissect/capture/pcapng.ts";
import { Dissector, notice } from "../dissect/dissector.ts";
import { hexTextOf, looksLikeHex, parseHex } from "../dissect/hex.ts";
import type { Item } from "../dissect/model.ts";
import { UsageError } from "../errors.ts";
import type { DecodeArguments, DecodeFormat } from "./decode-options.ts";
import { RecordingReader } from "./decode-recording.ts";
import { splitLines } from "./lines.ts";

/** How much of the beginning tells what a file is. */
const BEGINNING = 4096;

/** No text of hexadecimal digits is larger, in octets: it is read as a whole. */
const MAX_HEX = 67_108_864;

/** Larger pieces are cut, so that no more items are there at once than a piece of it makes. */
const PIECE = 65_536;

/** How many lines of a recording that cannot be read are told one by one. */
const MAX_TOLD = 10;

/** What was found beside the items. */
export interface InputReport {
  /** What is wrong with the file itself. */
  fault: string | undefined;
  /** TCP connections that were something else. */
  others: number;
  format: DecodeFormat | undefined;
}

/** Reads the input to its end and gives what is in it, as it is found. */
export async function* decodeInput(
  input: AsyncIterable<Uint8Array>,
  options: DecodeArguments,
  report: InputReport,
): AsyncGenerator<readonly Item[], void, undefined> {
  const { showSecrets, explain } = options;
  const dissector = new Dissector({ showSecrets, explain });
  const { beginning, whole } = await peek(input);
  const format = options.format ?? recognize(beginning);
  report.format = format;
  refuseOthers(format, options);
  if (beginning.length === 0) {
    report.fault = "there is nothing in the input";
    return;
  }
  switch (format) {
    case "pcap":
      return yield* decodeCapture(whole, new PcapReader(), dissector, options, report);
    case "pcapng":
      return yield* decodeCapture(whole, new PcapngReader(), dissector, options, report);
    case "hex":
      return yield* decodeHex(whole, dissector, options, report);
    case "json":
      return yield* decodeRecording(whole, dissector, report);
    case "raw":
      return yield* decodeRaw(whole, dissector, options);
  }
}

function recognize(beginning: Uint8Array): DecodeFormat {
  if (isPcapng(beginning)) return "pcapng";
  if (isPcap(beginning)) return "pcap";
  if (RECORDING.test(Buffer.from(beginning.subarray(0, 100)).toString("latin1"))) return "json";
  return looksLikeHex(beginning) ? "hex" : "raw";
}

/** The first line of a recording: an object with a name in it. */
const RECORDING = /^(?:\u00ef\u00bb\u00bf)?\s*\{\s*"/;

function refuseOthers(format: DecodeFormat, { from, port }: DecodeArguments): void {
  const isCapture = format === "pcap" || format === "pcapng";
  if (port !== undefined && !isCapture)
    throw new UsageError(`--port is for captures, not ${format}`);
  if (from !== undefined && format !== "hex" && format !== "raw") {
    throw new UsageError(`--from is for hex and raw; a file of ${format} says who sent what`);
  }
}

async function* decodeCapture(
  chunks: AsyncIterable<Uint8Array>,
  reader: PacketReader,
  dissector: Dissector,
  { port }: DecodeArguments,
  report: InputReport,
): AsyncGenerator<readonly Item[], void, undefined> {
  const capture = new CaptureDissector(dissector, { port });
  for await (const chunk of chunks) {
    for (const packet of reader.push(chunk)) yield capture.push(packet);
    if (reader.error !== undefined) break;
  }
  const cut = reader.rest();
  if (cut !== undefined) yield capture.push(cut);
  yield capture.end();
  report.fault = reader.error ?? reader.end();
  report.others = capture.others;
}

async function* decodeHex(
  chunks: AsyncIterable<Uint8Array>,
  dissector: Dissector,
  options: DecodeArguments,
  report: InputReport,
): AsyncGenerator<readonly Item[], void, undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_HEX) throw new UsageError("more than 64 MiB of hexadecimal digits");
    pieces.push(chunk);
  }
  const { bytes, error, note } = parseHex(hexTextOf(Buffer.concat(pieces)));
  report.fault = error ?? (bytes.length === 0 ? "there are no octets in the input" : undefined);
  if (note !== undefined) yield [notice(note)];
  if (bytes.length > 0) yield* decodeStream([bytes], dissector, options);
}

async function* decodeRaw(
  chunks: AsyncIterable<Uint8Array>,
  dissector: Dissector,
  options: DecodeArguments,
): AsyncGenerator<readonly Item[], void, undefined> {
  let found = options.format !== undefined;
  for await (const items of decodeStream(chunks, dissector, options)) {
    found ||= items.some((item) => item.kind === "event" && item.type !== "undecodable");
    yield items;
  }
  if (!found) yield [notice("read as raw octets, and there is no frame in them; --format hex?")];
}

async function* decodeStream(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  dissector: Dissector,
  { from }: DecodeArguments,
): AsyncGenerator<readonly Item[], void, undefined> {
  const connection = dissector.open({ mixed: from === undefined });
  yield [connection];
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      yield dissector.push(connection.id, from ?? "client", chunk.subarray(at, at + PIECE));
    }
  }
  yield dissector.end(connection.id);
}

async function* decodeRecording(
  chunks: AsyncIterable<Uint8Array>,
  dissector: Dissector,
  report: InputReport,
): AsyncGenerator<readonly Item[], void, undefined> {
  const recording = new RecordingReader(dissector);
  let line = 0;
  let bad = 0;
  let first: string | undefined;
  for await (const octets of splitLines(chunks)) {
    line++;
    const text = Buffer.from(octets).toString().trim(); // of a byte order mark too
    if (text === "") continue;
    try {
      yield recording.push(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const fault = `line ${line} is no line of a conversation: ${error.message}`;
      first ??= fault;
      if (++bad <= MAX_TOLD) yield [notice(fault)];
    }
  }
  const more = bad > 1 ? ` (and ${bad - 1} more like it)` : "";
  report.fault = first === undefined ? undefined : first + more;
  yield recording.end();
}

/** The beginning of a stream, and the stream with it. */
async function peek(
  input: AsyncIterable<Uint8Array>,
): Promise<{ beginning: Uint8Array; whole: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < BEGINNING) {
    const { value, done } = await iterator.next();
    if (done) break;
    pieces.push(value);
    length += value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* pieces;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      yield next.value;
    }
  }
  return { beginning: Buffer.concat(pieces), whole: all() };
}
