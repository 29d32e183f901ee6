/** The options of `amqp091 tap`: the help page, and what the arguments come to. */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { parseArgs } from "node:util";
import { planConnection } from "../client/options.ts";
import { UsageError } from "../errors.ts";
import { atMostOne, parsing, wholeNumber } from "./arguments.ts";
import { type DecodeFilter, parseMethodPattern } from "./decode-filter.ts";
import type { Io } from "./io.ts";
import type { ProxyOptions } from "./tap-proxy.ts";

/** What the help says. */
export const TAP_HELP = `Shows what clients and a broker say to each other while they do: a proxy in between.

Usage: amqp091 tap [OPTIONS]

Clients connect to the tap as if it were the broker. Octets are passed on as they come, in both
directions, and no faster than the other side takes them.

Where
  --listen [HOST:]PORT     where clients connect to (default: 127.0.0.1:5673); 0 takes a free port
  --to HOST[:PORT]         the broker, or its URL: amqp://host:5672 or amqps://host:5671
                           (default: AMQP_URL, else 127.0.0.1:5672)

TLS to the broker, with --to amqps://... (its certificate is verified)
  --ca FILE                the authority that vouches for the broker
  --cert FILE, --key FILE  a client certificate
  --servername NAME        the name that the broker's certificate must have
  --no-verify              take any certificate

TLS with clients
  --tls-listen-cert FILE, --tls-listen-key FILE
                           the certificate that clients are shown; they then have to use TLS

Output
  --record FILE            writes down the conversation as well: as a capture that Wireshark reads too
                           if FILE ends in .pcapng, else as lines of JSON. decode reads both. A
                           capture gives the server the port 5672, whatever it is: what else is
                           there Wireshark does not take for AMQP
  --html FILE              writes the conversation as a page for a browser as well
  --json                   one JSON object on each line: events, messages, links, notices
  --bytes                  the octets of each field beside it, with its place, type and domain
  --explain                what the specification says of each method and field
  --connection N           only this connection; may be repeated, as the next two
  --channel N              only this channel; 0 is the connection itself
  --method NAME            only this method with its content: basic.publish, or basic for a class
  --show-secrets           do not hide passwords (the responses of SASL, connection.update-secret),
                           neither on the screen nor in FILE
  --quiet                  do not show the conversation
  --no-summary             without the summary at the end

The filters are for what is shown; FILE gets everything. Both are without TLS. A reader that is too
slow, as a terminal that was stopped, is told how much it has missed; the conversation goes on.

Ctrl-C, or SIGTERM, ends all connections and gives the summary, with the exit code 0. That is 1 if
the port cannot be had, and 2 for a mistake on the command line.
`;

/** The arguments, checked. */
export interface TapArguments {
  readonly proxy: ProxyOptions;
  readonly record: string | undefined;
  readonly html: string | undefined;
  readonly json: boolean;
  readonly bytes: boolean;
  readonly explain: boolean;
  readonly showSecrets: boolean;
  readonly quiet: boolean;
  readonly summary: boolean;
  readonly filter: DecodeFilter;
}

/** Reads the arguments and the files that they name; raises a `UsageError` for what makes no sense. */
export async function parseTapArguments(
  args: readonly string[],
  env: Io["env"],
): Promise<TapArguments> {
  const { values } = parsing(() => parseArgs({ args: [...args], options: OPTIONS }));
  atMostOne(values, "json", "bytes");
  atMostOne(values, "json", "quiet");
  return {
    proxy: await parseProxy(values, env),
    record: values.record,
    html: values.html,
    json: values.json ?? false,
    bytes: values.bytes ?? false,
    explain: values.explain ?? false,
    showSecrets: values["show-secrets"] ?? false,
    quiet: values.quiet ?? false,
    summary: !values["no-summary"],
    filter: {
      connections: numbers(values.connection, "--connection", 1),
      channels: numbers(values.channel, "--channel", 0),
      methods: values.method?.map(parseMethodPattern),
    },
  };
}

const OPTIONS = {
  listen: { type: "string" },
  to: { type: "string" },
  ca: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  servername: { type: "string" },
  "no-verify": { type: "boolean" },
  "tls-listen-cert": { type: "string" },
  "tls-listen-key": { type: "string" },
  record: { type: "string" },
  html: { type: "string" },
  json: { type: "boolean" },
  bytes: { type: "boolean" },
  explain: { type: "boolean" },
  connection: { type: "string", multiple: true },
  channel: { type: "string", multiple: true },
  method: { type: "string", multiple: true },
  "show-secrets": { type: "boolean" },
  quiet: { type: "boolean" },
  "no-summary": { type: "boolean" },
} as const;

type Values = { readonly [O in keyof typeof OPTIONS]?: unknown };

async function parseProxy(values: Values, env: Io["env"]): Promise<ProxyOptions> {
  const given = text(values.to) ?? (env["AMQP_URL"] || undefined) ?? "127.0.0.1";
  const plan = planConnection(/^amqps?:/i.test(given) ? given : `amqp://${given}`, {});
  const [to] = plan.hosts;
  if (to === undefined || to.hostname === "") throw new UsageError("--to names no host");
  const ownTls = await tlsOf(values);
  if (plan.tls === undefined && ownTls !== undefined) {
    throw new UsageError("TLS to the broker takes a URL: --to amqps://HOST:PORT");
  }
  const fromUrl = (await plan.readTlsFiles?.(new AbortController().signal)) ?? plan.tls;
  return {
    listen: parseListen(text(values.listen) ?? "5673"),
    listenTls: await pairOf(values, "tls-listen-cert", "tls-listen-key"),
    to,
    toTls: fromUrl && { ...fromUrl, ...ownTls },
  };
}

async function tlsOf(values: Values): Promise<ConnectionOptions | undefined> {
  const own: ConnectionOptions = {
    ...(values.ca === undefined ? {} : { ca: await contentOf(text(values.ca), "ca") }),
    ...(await pairOf(values, "cert", "key")),
    ...(values.servername === undefined ? {} : { servername: text(values.servername) }),
    ...(values["no-verify"] === undefined ? {} : { rejectUnauthorized: false }),
  };
  return Object.keys(own).length === 0 ? undefined : own;
}

/** A certificate and its key, which may be in one file. */
async function pairOf(
  values: Values,
  certName: "cert" | "tls-listen-cert",
  keyName: "key" | "tls-listen-key",
): Promise<{ readonly cert: Buffer; readonly key: Buffer } | undefined> {
  const certFile = text(values[certName]);
  const keyFile = text(values[keyName]);
  if (certFile === undefined) {
    if (keyFile === undefined) return undefined;
    throw new UsageError(`--${keyName} is nothing without --${certName}`);
  }
  const cert = await contentOf(certFile, certName);
  return { cert, key: keyFile === undefined ? cert : await contentOf(keyFile, keyName) };
}

async function contentOf(file: string | undefined, option: string): Promise<Buffer> {
  try {
    return await readFile(file as string);
  } catch (cause) {
    throw new UsageError(`--${option} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** `5673`, `0.0.0.0:5673`, `[::1]:5673`, `::1` with a port behind. */
function parseListen(given: string): ProxyOptions["listen"] {
  const match = /^(?:(.*):)?(\d+)$/s.exec(given);
  const hostname = (match?.[1] ?? "127.0.0.1").replace(/^\[(.*)\]$/, "$1");
  const port = wholeNumber(match?.[2] ?? "", "the port of --listen", 0) as number;
  if (port > 65_535) throw new UsageError("the port of --listen must be at most 65535");
  if (hostname === "") throw new UsageError("--listen takes [HOST:]PORT; 0.0.0.0 is every address");
  if (hostname.includes(":") && !isIPv6(hostname)) {
    throw new UsageError("--listen takes [HOST:]PORT, an IPv6 address in brackets");
  }
  return { hostname, port };
}

function text(value: unknown): string | undefined {
  return value as string | undefined;
}

function numbers(
  texts: readonly string[] | undefined,
  option: string,
  least: number,
): ReadonlySet<number> | undefined {
  return texts && new Set(texts.map((given) => wholeNumber(given, option, least) as number));
}
