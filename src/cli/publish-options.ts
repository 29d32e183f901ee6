/** The options of `amqp091 publish`: the help page, and what the arguments come to. */
import { parseArgs } from "node:util";
import { UsageError } from "../errors.ts";
import { atMostOne, parsing, wholeNumber } from "./arguments.ts";
import type { MessageDefaults } from "./ndjson.ts";

/** What the help says. */
export const PUBLISH_HELP = `Publishes lines of a file, each confirmed by the broker.

Usage: amqp091 publish [OPTIONS] --queue NAME [FILE]
       amqp091 publish [OPTIONS] --exchange NAME --routing-key KEY [FILE]
       amqp091 publish [OPTIONS] --ndjson [FILE]

Without FILE, or when FILE is -, standard input is read. One message is
  a line                   by default: the bytes before each 0x0A, undecoded. CRLF keeps its CR, an
                           empty line is an empty message, the last line need not be terminated
  --ndjson                 a JSON object on each line; blank lines are skipped:
                           {"exchange": "", "routingKey": "q", "body": "text", "mandatory": true,
                           "properties": {"priority": 5, "headers": {"k": "v"}}}
                           a body of bytes is {"base64": "..."}; --queue, --exchange and
                           --routing-key stand in for what a line leaves out
  --whole-file             the whole file

Where to
  --queue NAME             to this queue, through the default exchange
  --exchange NAME          to this exchange
  --routing-key KEY        with this routing key (default: the empty one)
  --declare                declare each queue first that is named through the default exchange:
                           durable, and left as it is where it exists
  --url URL                the broker (default: AMQP_URL, else the embedded broker, which ends with
                           the command, and where --declare is always on)

How
  --no-mandatory           let the broker drop what no queue takes, and confirm it all the same
  --transient              let messages be lost when the broker restarts (default: --persistent)
  --content-type TYPE      as in application/json
  --header NAME=VALUE      a header of every message; may be repeated
  --timeout MS             give up on a confirm after so many milliseconds (default: never)
  --max-unconfirmed N      messages that may be under way at once (default: 4096)
  --quiet                  nothing on standard error if all is confirmed

A summary of outcomes goes to standard error. Ctrl-C stops reading, waits for the confirms of what
was sent, and prints it; a second one ends at once. The exit code is 0 when everything was
confirmed, 1 when anything was not, 2 for a mistake on the command line, and 130 after Ctrl-C.
`;

/** What a message is. */
export type InputFormat = "lines" | "ndjson" | "whole-file";

/** The arguments, checked. */
export interface PublishArguments {
  /** Undefined is standard input. */
  readonly file: string | undefined;
  readonly format: InputFormat;
  readonly url: string | undefined;
  readonly defaults: MessageDefaults;
  readonly declare: boolean;
  readonly timeoutMs: number | undefined;
  readonly maxUnconfirmed: number | undefined;
  readonly quiet: boolean;
}

/** Reads the arguments; raises a `UsageError` for what makes no sense. */
export function parsePublishArguments(args: readonly string[]): PublishArguments {
  const { values, positionals } = parsing(() =>
    parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
  );
  atMostOne(values, "queue", "exchange");
  atMostOne(values, "queue", "routing-key");
  atMostOne(values, "ndjson", "whole-file");
  atMostOne(values, "mandatory", "no-mandatory");
  atMostOne(values, "persistent", "transient");
  const format = values.ndjson ? "ndjson" : values["whole-file"] ? "whole-file" : "lines";
  const { exchange } = values;
  const routingKey =
    values.queue ?? values["routing-key"] ?? (exchange === undefined ? undefined : "");
  if (format !== "ndjson" && values.queue === undefined && exchange === undefined) {
    throw new UsageError("say where to publish to: --queue NAME or --exchange NAME");
  }
  if (values.declare && exchange !== undefined && exchange !== "") {
    throw new UsageError(
      "--declare declares queues, which --exchange does not name; leave one out",
    );
  }
  return {
    file: oneFile(positionals),
    format,
    url: values.url,
    defaults: {
      exchange,
      routingKey,
      mandatory: !values["no-mandatory"],
      properties: {
        deliveryMode: values.transient ? 1 : 2,
        contentType: values["content-type"],
        headers: parseHeaders(values.header),
      },
    },
    declare: values.declare ?? false,
    timeoutMs: wholeNumber(values.timeout, "--timeout", 1),
    maxUnconfirmed: wholeNumber(values["max-unconfirmed"], "--max-unconfirmed", 1),
    quiet: values.quiet ?? false,
  };
}

const OPTIONS = {
  ndjson: { type: "boolean" },
  "whole-file": { type: "boolean" },
  queue: { type: "string" },
  exchange: { type: "string" },
  "routing-key": { type: "string" },
  declare: { type: "boolean" },
  url: { type: "string" },
  mandatory: { type: "boolean" },
  "no-mandatory": { type: "boolean" },
  persistent: { type: "boolean" },
  transient: { type: "boolean" },
  "content-type": { type: "string" },
  header: { type: "string", multiple: true },
  timeout: { type: "string" },
  "max-unconfirmed": { type: "string" },
  quiet: { type: "boolean" },
} as const;

function oneFile(positionals: readonly string[]): string | undefined {
  const [file, second] = positionals;
  if (second !== undefined) throw new UsageError("give one FILE at most");
  if (file !== undefined && /^amqps?:\/\//i.test(file)) {
    throw new UsageError("the URL of the broker goes after --url, or into AMQP_URL");
  }
  return file === "-" ? undefined : file;
}

function parseHeaders(
  headers: readonly string[] | undefined,
): { [name: string]: string } | undefined {
  if (headers === undefined) return undefined;
  return Object.fromEntries(
    headers.map((header) => {
      const equals = header.indexOf("=");
      if (equals < 1) throw new UsageError("--header must be of the form NAME=VALUE");
      return [header.slice(0, equals), header.slice(equals + 1)];
    }),
  );
}
