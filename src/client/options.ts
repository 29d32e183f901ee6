/** What `connect()` is given, and what it makes of it: every default and limit in one place. */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { UsageError } from "../errors.ts";
import { CHANNEL_MAX_CAP, DEFAULT_PROPOSAL, type Tuning } from "../protocol/negotiation.ts";
import {
  amqplain,
  anonymous,
  type Credentials,
  crDemo,
  external,
  plain,
} from "../protocol/sasl.ts";
import type { FieldTable } from "../wire/field-value.ts";
import { writeMethodFrame } from "../wire/frame.ts";
import { FRAME_MIN_SIZE, PORT, TLS_PORT } from "../wire/generated/constants.ts";
import type { ClientMethod } from "../wire/generated/methods.ts";
import { Writer } from "../wire/writer.ts";
import { planTls, type TlsPlan } from "./tls-options.ts";
import { type ParsedUri, parseUri } from "./uri.ts";
import { VERSION } from "./version.ts";

/** Where to connect to. */
export interface Host {
  /** A name or an address, IPv6 with or without brackets. */
  readonly hostname: string;
  /** Default 5672, or 5671 with TLS. */
  readonly port?: number | undefined;
}

/** What `connect()` takes; what is given here wins over what the URI says. */
export interface ConnectOptions {
  /** A name or an address, IPv6 with or without brackets. Default `localhost`. */
  readonly hostname?: string | undefined;
  /** Default 5672, or 5671 with TLS. */
  readonly port?: number | undefined;
  /** Virtual host; default `/`. */
  readonly vhost?: string | undefined;
  /**
   * TLS, with Node's defaults or with these options (`ca`, `cert`, `key`, `servername` and the rest of
   * `tls.connect()`), each of which wins over the URI's; default as the URI's scheme says. The
   * broker's certificate is verified unless `rejectUnauthorized` is false. One authority in `ca`
   * takes the place of all those that Node trusts.
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /** Hosts that are tried in turn, instead of `hostname` and `port`. */
  readonly hosts?: readonly Host[] | undefined;
  /** Tries the hosts in random order; default false. */
  readonly shuffle?: boolean | undefined;
  /** Default `guest`, which RabbitMQ lets in from its own machine only. */
  readonly username?: string | undefined;
  /** Default `guest`. */
  readonly password?: string | undefined;
  /**
   * How to authenticate, instead of `username` and `password`; asked anew at each attempt. Of several
   * the first is taken whose mechanism the server offers. Default `plain()` with user name and
   * password, or what the URI's `auth_mechanism` names.
   */
  readonly credentials?: Credentials | readonly Credentials[] | undefined;
  /** Added to what this client tells of itself. */
  readonly clientProperties?: FieldTable | undefined;
  /** A name for the connection that RabbitMQ shows in its management and logs. */
  readonly connectionName?: string | undefined;
  /** Default `en_US`, the only one there is. */
  readonly locale?: string | undefined;
  /** Octets of the largest frame, 4,096 to 2^32 - 1; 0 is no limit. Default 131,072. */
  readonly frameMax?: number | undefined;
  /** The highest channel number, 1 to 65,535; 0 is no limit. Default 2,047. */
  readonly channelMax?: number | undefined;
  /** Seconds, 0 to 65,535; 0 is off, else the lower of both sides' holds. Default 60. */
  readonly heartbeatSeconds?: number | undefined;
  /**
   * Octets of the largest body that is received, those of one's own messages that come back included;
   * a larger one closes its channel. Default 128 MiB, RabbitMQ 3's own limit.
   */
  readonly maxBodyBytes?: number | undefined;
  /** Milliseconds, 1 or more, for each host until the connection is open; default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds that `close()` waits for confirms and the peer; default 30,000. */
  readonly closeTimeoutMs?: number | undefined;
  /** Sends small segments at once (TCP_NODELAY); default true. */
  readonly noDelay?: boolean | undefined;
  /** Milliseconds of silence before TCP probes the peer; 0 is off. Default 60,000. */
  readonly keepAliveMs?: number | undefined;
  /** Aborts the attempt, not a connection that is open. */
  readonly signal?: AbortSignal | undefined;
}

/** Options with every default filled in. */
export interface ConnectPlan extends TlsPlan {
  readonly hosts: readonly { readonly hostname: string; readonly port: number }[];
  readonly credentials: Credentials;
  /** To use in turn where the server does not offer the mechanism of `credentials`. */
  readonly otherCredentials: readonly Credentials[];
  readonly vhost: string;
  readonly locale: string;
  readonly clientProperties: FieldTable;
  readonly proposal: Tuning;
  readonly maxBodyBytes: number;
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly noDelay: boolean;
  readonly keepAliveMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes a plan of a URI and options; raises a `UsageError` for what is out of range. */
export function planConnection(uri: string | undefined, options: ConnectOptions): ConnectPlan {
  const parsed = uri === undefined ? undefined : parseUri(uri);
  const query = parsed?.query ?? {};
  const tlsPlan = planTls(options.tls, parsed?.tls ?? false, query.tls);
  const [credentials, ...otherCredentials] = resolveCredentials(options, parsed);
  const plan: ConnectPlan = {
    hosts: resolveHosts(options, parsed, tlsPlan.tls === undefined ? PORT : TLS_PORT),
    ...tlsPlan,
    credentials,
    otherCredentials,
    vhost: options.vhost ?? parsed?.vhost ?? "/",
    locale: options.locale ?? "en_US",
    clientProperties: describeClient(options),
    proposal: {
      frameMax: frameMax(options.frameMax ?? query.frameMax ?? DEFAULT_PROPOSAL.frameMax),
      channelMax: integer(
        options.channelMax ?? query.channelMax ?? DEFAULT_PROPOSAL.channelMax,
        "channelMax",
        CHANNEL_MAX_CAP,
      ),
      heartbeatSeconds: integer(
        options.heartbeatSeconds ?? query.heartbeatSeconds ?? DEFAULT_PROPOSAL.heartbeatSeconds,
        "heartbeatSeconds",
        MAX_HEARTBEAT_SECONDS,
      ),
    },
    maxBodyBytes: integer(options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES, "maxBodyBytes"),
    connectTimeoutMs: integer(
      options.connectTimeoutMs ?? query.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      "connectTimeoutMs",
      Number.MAX_SAFE_INTEGER,
      1,
    ),
    closeTimeoutMs: integer(options.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS, "closeTimeoutMs"),
    noDelay: options.noDelay ?? true,
    keepAliveMs: integer(options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS, "keepAliveMs"),
    signal: options.signal,
  };
  checkEncoding(plan);
  return plan;
}

/** Encodes what the broker will be told, to nowhere: a mistake shows before anything is opened. */
function checkEncoding(plan: ConnectPlan): void {
  const { clientProperties, locale } = plan;
  const response = new Uint8Array(0); // asked for when the broker wants it
  const writer = new Writer();
  const write = (method: ClientMethod): void =>
    writeMethodFrame(writer, 0, method, DEFAULT_PROPOSAL.frameMax);
  for (const { mechanism } of [plan.credentials, ...plan.otherCredentials]) {
    write({ name: "connection.start-ok", clientProperties, mechanism, response, locale });
  }
  write({ name: "connection.open", virtualHost: plan.vhost });
}

/** RabbitMQ 3 accepts messages of up to 128 MiB, RabbitMQ 4 of 16 MiB unless told otherwise. */
const DEFAULT_MAX_BODY_BYTES = 134_217_728;
/** As long as RabbitMQ itself gives a handshake. */
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
/** As long as RabbitMQ keeps the socket of a closing connection (CLOSING_TIMEOUT). */
const DEFAULT_CLOSE_TIMEOUT_MS = 30_000;
/** Shorter than the idle timeouts of the usual load balancers and firewalls. */
const DEFAULT_KEEP_ALIVE_MS = 60_000;
/** connection.tune has 16 bits for it. */
const MAX_HEARTBEAT_SECONDS = 65_535;

function resolveHosts(
  options: ConnectOptions,
  parsed: ParsedUri | undefined,
  defaultPort: number,
): ConnectPlan["hosts"] {
  const single = {
    hostname: options.hostname ?? parsed?.hostname ?? "localhost",
    port: options.port ?? parsed?.port,
  };
  const hosts = (options.hosts ?? [single]).map((host) => ({
    hostname: checkHostname(host),
    port: integer(host.port ?? defaultPort, "port", MAX_PORT),
  }));
  if (hosts.length === 0) throw new UsageError("hosts is empty; give at least one");
  return hosts;
}

const MAX_PORT = 65_535;

/** Without a name Node connects to localhost: a variable may be missing, and that is some other broker. */
function checkHostname(host: Host): string {
  const hostname: unknown = host?.hostname;
  if (typeof hostname !== "string" || hostname === "") {
    throw new UsageError("the hostname of each host must be a string that is not empty");
  }
  return /^\[(.+)\]$/.exec(hostname)?.[1] ?? hostname;
}

type Choice = [Credentials, ...Credentials[]];

function resolveCredentials(options: ConnectOptions, parsed: ParsedUri | undefined): Choice {
  if (options.credentials !== undefined) {
    const choice = [options.credentials].flat() as Credentials[];
    if (choice.length === 0) throw new UsageError("credentials is empty; give at least one");
    if (!choice.every((each) => typeof each?.respond === "function")) {
      throw new UsageError("credentials must have a mechanism and a function respond()");
    }
    return choice as Choice;
  }
  const username = options.username ?? parsed?.username ?? "guest";
  const password = options.password ?? parsed?.password ?? "guest";
  for (const [name, value] of Object.entries({ username, password })) {
    if (typeof value !== "string") throw new UsageError(`${name} must be a string`);
  }
  const names = parsed?.query.authMechanisms ?? ["plain"];
  return names.map((name) => {
    const make = MECHANISMS.get(name.toLowerCase());
    if (make !== undefined) return make(username, password);
    const known = [...MECHANISMS.keys()].join(", ");
    throw new UsageError(`auth_mechanism in the URI must be one of ${known}`);
  }) as Choice;
}

/** By their names in a URI, which are those of RabbitMQ's Erlang client, and by their own. */
const MECHANISMS: ReadonlyMap<string, (username: string, password: string) => Credentials> =
  new Map([
    ["plain", plain],
    ["amqplain", amqplain],
    ["external", () => external()],
    ["crdemo", crDemo],
    ["rabbit-cr-demo", crDemo],
    ["anonymous", () => anonymous()],
  ]);

/**
 * What the broker is told about this client. Some of RabbitMQ's notices go only to clients that
 * announce them: blocked and unblocked, and the reason of a refused login.
 */
function describeClient(options: ConnectOptions): FieldTable {
  const { connectionName, clientProperties } = options;
  if (connectionName === undefined && clientProperties === undefined) return THIS_CLIENT;
  return {
    ...THIS_CLIENT,
    ...(connectionName === undefined ? {} : { connection_name: connectionName }),
    ...clientProperties,
    capabilities: {
      ...CAPABILITIES,
      ...(clientProperties?.["capabilities"] as FieldTable | undefined),
    },
  };
}

const CAPABILITIES: FieldTable = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  authentication_failure_close: true,
};

const THIS_CLIENT: FieldTable = {
  product: "amqp091",
  version: VERSION,
  platform: "Node.js",
  information: "https://www.npmjs.com/package/amqp091",
  capabilities: CAPABILITIES,
};

function frameMax(value: number): number {
  if (value !== 0 && value < FRAME_MIN_SIZE) {
    throw new UsageError(`frameMax must be 0 or at least ${FRAME_MIN_SIZE}`);
  }
  return integer(value, "frameMax", 0xffff_ffff);
}

function integer(
  value: number,
  name: string,
  most: number = Number.MAX_SAFE_INTEGER,
  least = 0,
): number {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new UsageError(`${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}
