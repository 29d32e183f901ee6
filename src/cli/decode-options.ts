/** The options of `amqp091 decode`: the help page, and what the arguments come to. */
import { parseArgs } from "node:util";
import type { Side } from "../dissect/model.ts";
import { UsageError } from "../errors.ts";
import { atMostOne, parsing, wholeNumber } from "./arguments.ts";
import { type DecodeFilter, parseMethodPattern } from "./decode-filter.ts";

/** What the help says. */
export const DECODE_HELP = `Takes apart what went over AMQP connections: frames, their fields, and what belongs together.

Usage: amqp091 decode [OPTIONS] [FILE]

Without FILE, or when FILE is -, standard input is read. What it is is seen from its octets:
  pcap, pcapng             a capture, as of tcpdump or Wireshark: all TCP connections in it that
                           speak AMQP, both directions, each put together from its packets
  hex                      hexadecimal digits, as people paste them: a stream, 0x.., xxd,
                           hexdump -C, Wireshark's dumps; a line that begins with # is a comment
  json                     what --json wrote, or a recording
  raw                      the octets themselves, of one direction

Input
  --format FORMAT          pcap, pcapng, hex, json or raw, instead of what the octets look like
  --from SIDE              of hex and raw: client or server sent it (default: the side that may
                           send each method)
  --port PORT              of captures: only connections with this port, which then are AMQP

Output
  --json                   one JSON object on each line: events, messages, links, notices
  --html FILE              a page for a browser, which needs nothing else: the conversation as a
                           sequence diagram, each frame with its octets and explanations
  --bytes                  the octets of each field beside it, with its place, type and domain
  --explain                what the specification says of each method and field
  --connection N           only this connection; may be repeated, as the next two
  --channel N              only this channel; 0 is the connection itself
  --method NAME            only this method with its content: basic.publish, or basic for a class
  --show-secrets           do not hide passwords (the responses of SASL, connection.update-secret).
                           A piece out of the middle of a login looks like anything else: it is
                           hidden for certain only with --from client
  --no-summary             without the summary at the end

A mistake in the octets is marked where it is, and decoding goes on at the next frame that can be
found. The exit code is 0 when all could be decoded, 1 when there was a mistake, 2 for one on the
command line.

To capture on this machine: tshark -i lo -f "tcp port 5672" -w capture.pcapng
`;

/** What a file may be. */
export type DecodeFormat = "pcap" | "pcapng" | "hex" | "json" | "raw";

/** The arguments, checked. */
export interface DecodeArguments {
  /** Undefined is standard input. */
  readonly file: string | undefined;
  /** Undefined: what the octets look like. */
  readonly format: DecodeFormat | undefined;
  readonly from: Side | undefined;
  readonly port: number | undefined;
  readonly json: boolean;
  /** The file of the page. */
  readonly html: string | undefined;
  readonly bytes: boolean;
  readonly explain: boolean;
  readonly showSecrets: boolean;
  readonly summary: boolean;
  readonly filter: DecodeFilter;
}

/** Reads the arguments; raises a `UsageError` for what makes no sense. */
export function parseDecodeArguments(args: readonly string[]): DecodeArguments {
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
  );
  atMostOne(values, "json", "bytes");
  for (const other of ["json", "bytes", "explain"]) atMostOne(values, "html", other);
  const [file, second] = positionals;
  if (second !== undefined) throw new UsageError("give one FILE at most");
  return {
    file: file === "-" ? undefined : file,
    format: oneOf(FORMATS, values.format, "--format"),
    from: oneOf(SIDES, values.from, "--from"),
    port: portNumber(values.port),
    json: values.json ?? false,
    html: values.html,
    bytes: values.bytes ?? false,
    explain: values.explain ?? false,
    showSecrets: values["show-secrets"] ?? false,
    summary: !values["no-summary"],
    filter: {
      connections: numbers(values.connection, "--connection", 1),
      channels: numbers(values.channel, "--channel", 0),
      methods: values.method?.map(parseMethodPattern),
    },
  };
}

const OPTIONS = {
  format: { type: "string" },
  from: { type: "string" },
  port: { type: "string" },
  json: { type: "boolean" },
  html: { type: "string" },
  bytes: { type: "boolean" },
  explain: { type: "boolean" },
  connection: { type: "string", multiple: true },
  channel: { type: "string", multiple: true },
  method: { type: "string", multiple: true },
  "show-secrets": { type: "boolean" },
  "no-summary": { type: "boolean" },
} as const;

const FORMATS = ["pcap", "pcapng", "hex", "json", "raw"] as const;
const SIDES = ["client", "server"] as const;

function oneOf<T extends string>(
  allowed: readonly T[],
  value: string | undefined,
  option: string,
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new UsageError(`${option} must be one of ${allowed.join(", ")}`);
  return found;
}

function portNumber(text: string | undefined): number | undefined {
  const port = wholeNumber(text, "--port", 1);
  if (port !== undefined && port > 65_535) throw new UsageError("--port must be at most 65535");
  return port;
}

function numbers(
  texts: readonly string[] | undefined,
  option: string,
  least: number,
): ReadonlySet<number> | undefined {
  return texts && new Set(texts.map((text) => wholeNumber(text, option, least) as number));
}
