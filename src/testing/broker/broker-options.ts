/** How a broker can be set up. */
import { isIPv6 } from "node:net";
import type { TlsOptions } from "node:tls";
import { UsageError } from "../../errors.ts";
import { FRAME_MIN_SIZE } from "../../wire/generated/constants.ts";
import type { ConfirmOptions } from "./faults/confirm-style.ts";
import { BROKER_MECHANISMS, type BrokerMechanism } from "./session/login.ts";
import type { BrokerEvent } from "./views/events.ts";

/** How {@link startBroker} sets up the broker. The limits default to RabbitMQ's. */
export interface BrokerOptions {
  /** The port; 0, the default, takes one that is free. */
  readonly port?: number | undefined;
  /**
   * The address to listen on, or a name for it. 127.0.0.1 if absent, which nobody reaches from
   * another machine; `::1` is the same for IPv6. With `0.0.0.0` or `::` everybody reaches it who
   * can reach the machine, and the passwords of tests are no secrets.
   */
  readonly host?: string | undefined;
  /**
   * Speaks TLS at the port, and gives an `amqps:` URL, if present: the options of Node's
   * `tls.createServer()`, of which `key` and `cert` are needed. With `requestCert` and `ca` clients are
   * asked for a certificate. The URL names the `host`, so set that if the certificate is for a name.
   */
  readonly tls?: TlsOptions | undefined;
  /** Passwords by user name; `{ guest: "guest" }` if absent. */
  readonly users?: { readonly [user: string]: string } | undefined;
  /**
   * The SASL mechanisms that are offered, in this order; `["PLAIN", "AMQPLAIN"]` if absent, as RabbitMQ
   * does. The others:
   *
   * - `RABBIT-CR-DEMO` asks for the password with connection.secure.
   * - `EXTERNAL` takes the one of the `users` whose name is the common name in the client's certificate
   *   (`ssl_cert_login_from = common_name` at RabbitMQ). Only clients that come by TLS are offered it.
   * - `ANONYMOUS` takes the first of the `users` (`anonymous_login_user` from RabbitMQ 4.0 on).
   */
  readonly mechanisms?: readonly BrokerMechanism[] | undefined;
  /** Names of the virtual hosts; `["/"]` if absent. The first one is in the broker's `url`. */
  readonly vhosts?: readonly string[] | undefined;
  /** Proposed frame-max in octets, at least 4,096; 131,072 if absent, 0 is no limit. */
  readonly frameMax?: number | undefined;
  /** Proposed channel-max; 2,047 if absent, 0 is no limit. */
  readonly channelMax?: number | undefined;
  /** Proposed heartbeat timeout; 60 if absent, 0 is none. The client decides. */
  readonly heartbeatSeconds?: number | undefined;
  /** Largest message body in octets; 16 MiB if absent, as from RabbitMQ 4.0 on. */
  readonly maxMessageSize?: number | undefined;
  /**
   * How long the waits of this broker last if they do not say, in milliseconds. 4,000 if absent:
   * less than the 5,000 after which Jest and Vitest end a test without saying what it waited for.
   * Mocha ends it after 2,000; either of the two wants to be set then.
   */
  readonly waitTimeoutMs?: number | undefined;
  /**
   * When and how publishes are confirmed, if not at once and in order: late, out of order, one by one
   * or many together.
   */
  readonly confirms?: ConfirmOptions | undefined;
  /**
   * Where the random numbers of {@link EmbeddedBroker.faults} begin: an integer from 0 to
   * 4,294,967,295. Random if absent; {@link EmbeddedBroker.seed} tells which, so that a test that failed
   * can be run again with it.
   */
  readonly seed?: number | undefined;
  /**
   * Is told what happens, in order and soon after: connections, errors, queues and exchanges. What
   * it throws is an uncaught exception.
   */
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
}

/** The options, complete and checked. */
export type BrokerSettings = {
  readonly [Name in Exclude<keyof BrokerOptions, Elsewhere>]-?: NonNullable<BrokerOptions[Name]>;
} & Pick<BrokerOptions, "tls">;

/** Fills in what the options leave out; a `UsageError` for what cannot be. */
export function brokerSettings(options: BrokerOptions): BrokerSettings {
  return {
    port: options.port ?? 0,
    host: options.host ?? LOOPBACK,
    tls: options.tls,
    mechanisms: mechanisms(options.mechanisms ?? ["PLAIN", "AMQPLAIN"]),
    users: options.users ?? { guest: "guest" },
    vhosts: options.vhosts ?? ["/"],
    frameMax: limit("frameMax", options.frameMax ?? 131_072, FRAME_MIN_SIZE, 0xffffffff),
    channelMax: limit("channelMax", options.channelMax ?? 2047, 1, 0xffff),
    heartbeatSeconds: limit("heartbeatSeconds", options.heartbeatSeconds ?? 60, 1, 0xffff),
    maxMessageSize: limit("maxMessageSize", options.maxMessageSize ?? 16_777_216, 1, 2 ** 31),
    waitTimeoutMs: options.waitTimeoutMs ?? 4000,
  };
}

/** For `connect()`: the first user with the password, the host, the port, the first virtual host. */
export function brokerUrl({ users, vhosts, host, tls }: BrokerSettings, port: number): string {
  const [login] = Object.entries(users);
  const [vhost] = vhosts;
  const userInfo = login === undefined ? "" : `${login.map(encodeURIComponent).join(":")}@`;
  const path = vhost === undefined || vhost === "/" ? "" : `/${encodeURIComponent(vhost)}`;
  return `${tls === undefined ? "amqp" : "amqps"}://${userInfo}${reachable(host)}:${port}${path}`;
}

/** What is looked after where it is used. */
type Elsewhere = "onEvent" | "confirms" | "seed" | "tls";

const LOOPBACK = "127.0.0.1";

/** Nobody could log in without any, and nobody knows what the others are. */
function mechanisms(names: readonly BrokerMechanism[]): readonly BrokerMechanism[] {
  const unknown = names.find((name) => !BROKER_MECHANISMS.includes(name));
  if (names.length > 0 && unknown === undefined) return names;
  const what = unknown === undefined ? "no mechanism" : `the mechanism '${unknown}'`;
  throw new UsageError(`mechanisms has ${what}; there are: ${BROKER_MECHANISMS.join(", ")}`);
}

/** 0, where it means no limit, or an integer within bounds. */
function limit(name: string, value: number, least: number, most: number): number {
  if (value === 0 || (Number.isInteger(value) && value >= least && value <= most)) return value;
  throw new UsageError(`${name} is ${value}; it must be 0 or an integer from ${least} to ${most}`);
}

/** Whoever listens everywhere is reached here, too. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return LOOPBACK;
  if (host === "::") return "[::1]";
  return isIPv6(host) ? `[${host}]` : host;
}
