/**
 * AMQP URIs (rabbitmq.com/docs/uri-spec and rabbitmq.com/docs/uri-query-parameters):
 *
 *     amqp[s]://[username[:password]@]host[:port][/vhost][?name=value&...]
 *
 * Written by hand because the WHATWG parser refuses some of the specification's own examples
 * (`amqp://user@`), does not decode the host, and shows the password in its errors. An error from
 * here never shows any of the input but the name of what is wrong with it.
 */
import { UsageError } from "../errors.ts";

/** What a URI says; what it does not say is undefined. An empty part is not an absent one. */
export interface ParsedUri {
  readonly tls: boolean;
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly vhost: string | undefined;
  readonly query: UriQuery;
}

/** The query parameters that are understood; any other, or one of them twice, is refused. */
export interface UriQuery {
  readonly heartbeatSeconds?: number;
  readonly connectTimeoutMs?: number;
  readonly channelMax?: number;
  readonly frameMax?: number;
  /** SASL mechanisms, in the order of preference. */
  readonly authMechanisms?: readonly string[];
  /** What is for TLS; undefined where nothing is. */
  readonly tls?: UriTls;
}

/** The query parameters for TLS, under their own names. */
export interface UriTls {
  /** Path of the authorities that are trusted (PEM). */
  readonly cacertfile?: string;
  /** Path of the client's certificate (PEM). */
  readonly certfile?: string;
  /** Path of its key (PEM); default that of `certfile`. */
  readonly keyfile?: string;
  /** What the key is encrypted with. */
  readonly password?: string;
  /** Default `verify_peer`. */
  readonly verify?: "verify_peer" | "verify_none";
  /** The name that the server's certificate must have; `disable` sends none. Default the host. */
  readonly server_name_indication?: string;
}

/** Parses an AMQP URI; raises a `UsageError` that shows no secret. */
export function parseUri(uri: string): ParsedUri {
  const match = /^(amqps?):\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(uri);
  if (match === null) {
    throw new UsageError(
      "the URI is not of the form amqp://user:password@host:port/vhost or amqps://...; " +
        `${PERCENT_ENCODE}, as in %2F for "/" and %40 for "@"`,
    );
  }
  const [, scheme = "", authority = "", vhost, query] = match;
  if (vhost?.includes("@") || query?.includes("@")) {
    // Not forbidden, but far more likely the end of a password with a "/" or "?" in it; and then
    // what looks like the host is a part of the password too.
    throw new UsageError(
      `the URI has an "@" behind the host; ${PERCENT_ENCODE}, as in %2F for "/", %3F for "?" and ` +
        '%40 for "@"',
    );
  }
  const { hostname, port, username, password } = parseAuthority(authority);
  if (vhost?.includes("/")) {
    throw new UsageError('the vhost in the URI has a "/"; write it as %2F');
  }
  return {
    tls: scheme.toLowerCase() === "amqps",
    hostname,
    port,
    username,
    password,
    vhost: vhost === undefined ? undefined : decode(vhost, "vhost"),
    query: query === undefined ? {} : parseQuery(query),
  };
}

interface Authority {
  readonly hostname: string | undefined;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

function parseAuthority(authority: string): Authority {
  const at = authority.lastIndexOf("@");
  const userinfo = at < 0 ? undefined : authority.slice(0, at);
  const hostport = authority.slice(at + 1);
  if (userinfo?.includes("@")) {
    throw new UsageError('user name or password in the URI has an "@"; write it as %40');
  }
  const colon = userinfo?.indexOf(":") ?? -1;
  const username = colon < 0 ? userinfo : userinfo?.slice(0, colon);
  const password = colon < 0 ? undefined : userinfo?.slice(colon + 1);
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(hostport);
  if (parts === null) {
    throw new UsageError(
      "host or port in the URI cannot be read; an IPv6 address goes in brackets, a port is a " +
        `number, and ${PERCENT_ENCODE}`,
    );
  }
  const host = parts[1] ?? parts[2] ?? "";
  return {
    hostname: host === "" ? undefined : decode(host, "host"),
    port: parsePort(parts[3]),
    username: username === undefined ? undefined : decode(username, "user name"),
    password: password === undefined ? undefined : decode(password, "password"),
  };
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (port > 65_535) throw new UsageError("the port in the URI is not from 0 to 65535");
  return port;
}

function parseQuery(query: string): UriQuery {
  const parsed: Record<string, unknown> = {};
  const tls: Record<string, string> = {};
  const mechanisms: string[] = [];
  const names = new Set<string>();
  for (const pair of query.split("&").filter((text) => text !== "")) {
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), "query parameter name");
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1), `query parameter ${name}`);
    if (name === "auth_mechanism") {
      mechanisms.push(value);
      continue;
    }
    // Which of the two counts nobody can tell by looking, and one may be `verify_none`.
    if (names.has(name)) {
      throw new UsageError(
        `the URI has the query parameter ${JSON.stringify(name)} more than once`,
      );
    }
    names.add(name);
    if (TLS_PARAMETERS.includes(name)) {
      tls[name] = value;
      continue;
    }
    const option = NUMERIC.get(name);
    if (option === undefined) {
      const known = ["auth_mechanism", ...NUMERIC.keys(), ...TLS_PARAMETERS].join(", ");
      throw new UsageError(
        `the URI has the query parameter ${JSON.stringify(name)}, which is not one of ${known}`,
      );
    }
    if (!/^\d+$/.test(value)) {
      throw new UsageError(`the query parameter ${name} in the URI must be a whole number`);
    }
    parsed[option] = Number(value);
  }
  if (mechanisms.length > 0) parsed["authMechanisms"] = mechanisms;
  if (Object.keys(tls).length > 0) parsed["tls"] = checkTls(tls);
  return parsed;
}

const NUMERIC: ReadonlyMap<string, keyof UriQuery> = new Map([
  ["heartbeat", "heartbeatSeconds"],
  ["connection_timeout", "connectTimeoutMs"],
  ["channel_max", "channelMax"],
  ["frame_max", "frameMax"],
]);

const TLS_PARAMETERS: readonly string[] = [
  ...["cacertfile", "certfile", "keyfile", "password"],
  ...["verify", "server_name_indication"],
];

function checkTls(tls: UriTls): UriTls {
  const empty = Object.entries(tls).find(([, value]) => value === "");
  if (empty !== undefined) {
    throw new UsageError(`the query parameter ${empty[0]} in the URI is empty`);
  }
  if (!["verify_peer", "verify_none", undefined].includes(tls.verify)) {
    throw new UsageError("verify in the URI must be verify_peer or verify_none");
  }
  if (tls.keyfile !== undefined && tls.certfile === undefined) {
    throw new UsageError("the URI has keyfile, and no certfile with the certificate for it");
  }
  if (tls.password !== undefined && tls.certfile === undefined) {
    throw new UsageError(
      "the query parameter password in the URI is for the key of a TLS certificate, and there is " +
        "no certfile; the password to log in with goes before the host",
    );
  }
  return tls;
}

const PERCENT_ENCODE = "special characters in its parts must be percent-encoded";

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`the ${what} in the URI has a "%" that begins no character; write %25`);
  }
}
