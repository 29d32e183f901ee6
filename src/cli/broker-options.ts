/** The options of `amqp091 broker`: the help page, and what the arguments come to. */
import { parseArgs } from "node:util";
import { UsageError } from "../errors.ts";
import type { BrokerOptions } from "../testing.ts";
import { atMostOne, parsing, wholeNumber } from "./arguments.ts";

/** What the help says. */
export const BROKER_HELP = `Runs the embedded broker until Ctrl-C. Everything is in memory, and gone afterwards.

Usage: amqp091 broker [OPTIONS]

Where
  --port N                 the port (default: 5672); 0 takes one that is free
  --host ADDRESS           the address (default: 127.0.0.1, which only this machine reaches);
                           0.0.0.0 lets in everybody who reaches the machine and knows a password

Who and what
  --user NAME:PASSWORD     somebody who may log in; may be repeated (default: guest:guest)
  --vhost NAME             a virtual host; may be repeated (default: /)
  --max-message-size N     the largest body in octets (default: 16777216); 0 is no limit
  --heartbeat SECONDS      proposed to clients (default: 60); 0 is none

What it says
  --quiet                  its URL, and nothing else
  --verbose                queues and exchanges as well, and how many messages are where, once a
                           second while that changes

The URL goes to standard output, with the password, fit for AMQP_URL. Connections and errors go to
standard error, one line each. Ctrl-C, or SIGTERM, closes all connections (320) and ends it with the
exit code 0; that is 1 if the port cannot be had, and 2 for a mistake on the command line.
`;

/** The arguments, checked as far as the broker does not check them itself. */
export interface BrokerArguments {
  readonly options: BrokerOptions;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** Reads the arguments; raises a `UsageError` for what makes no sense. */
export function parseBrokerArguments(args: readonly string[]): BrokerArguments {
  const { values } = parsing(() => parseArgs({ args: [...args], options: OPTIONS }));
  atMostOne(values, "quiet", "verbose");
  const port = wholeNumber(values.port, "--port", 0) ?? AMQP_PORT;
  if (port > 65_535) throw new UsageError("--port must be at most 65535");
  return {
    options: {
      port,
      host: values.host,
      users: parseUsers(values.user),
      vhosts: values.vhost,
      maxMessageSize: wholeNumber(values["max-message-size"], "--max-message-size", 0),
      heartbeatSeconds: wholeNumber(values.heartbeat, "--heartbeat", 0),
    },
    quiet: values.quiet ?? false,
    verbose: values.verbose ?? false,
  };
}

const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  user: { type: "string", multiple: true },
  vhost: { type: "string", multiple: true },
  "max-message-size": { type: "string" },
  heartbeat: { type: "string" },
  quiet: { type: "boolean" },
  verbose: { type: "boolean" },
} as const;

/** IANA's for amqp. */
const AMQP_PORT = 5672;

/** The password may have colons in it. */
function parseUsers(users: readonly string[] | undefined): { [user: string]: string } | undefined {
  if (users === undefined) return undefined;
  return Object.fromEntries(
    users.map((user) => {
      const colon = user.indexOf(":");
      if (colon < 1) throw new UsageError("--user must be of the form NAME:PASSWORD");
      return [user.slice(0, colon), user.slice(colon + 1)];
    }),
  );
}
