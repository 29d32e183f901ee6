/**
 * Which broker a command talks to: the one that `--url` names, else AMQP_URL, else the embedded one,
 * which lives as long as the command.
 */
import { planConnection } from "../client/options.ts";
import { startBroker } from "../testing.ts";
import type { Io } from "./io.ts";

/** A broker to connect to. */
export interface BrokerUrl {
  /** With the password in it: for `connect()`, never for output. */
  readonly url: string;
  /** Whether it is ours, and all that it holds is gone after stop(). */
  readonly embedded: boolean;
  /** Host, port and virtual host, for output. */
  readonly description: string;
  /** Ends the embedded broker; does nothing to any other. */
  stop(): Promise<void>;
}

/** Finds the broker, or starts one; raises a `UsageError` for a URL that cannot be read. */
export async function findBroker(url: string | undefined, env: Io["env"]): Promise<BrokerUrl> {
  const named = url ?? env["AMQP_URL"] ?? "";
  if (named !== "") {
    const description = describeUrl(named);
    return { url: named, embedded: false, description, stop: () => Promise.resolve() };
  }
  const broker = await startBroker();
  return {
    url: broker.url,
    embedded: true,
    description: `embedded in this command, on 127.0.0.1:${broker.port}`,
    stop: () => broker.stop(),
  };
}

/** What is fit to be shown of a URL. */
function describeUrl(url: string): string {
  const { hosts, vhost } = planConnection(url, {});
  const addresses = hosts.map(({ hostname, port }) =>
    hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`,
  );
  return `${addresses.join(", ")}${vhost === "/" ? "" : `, virtual host ${vhost}`}`;
}
