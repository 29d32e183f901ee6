/** The usual opening of a connection, from either side (specification section 2.2.4). */

import type { FieldTable } from "../../wire/field-value.ts";
import type {
  ConnectionOpen,
  ConnectionStart,
  ConnectionStartOk,
  ConnectionTune,
  ConnectionTuneOk,
} from "../../wire/generated/methods.ts";
import type { MethodName, SentFields } from "./method-types.ts";
import type { ReceivedMethod } from "./received.ts";

/** What a peer in the part of the server says in the handshake. */
export interface ServerHandshakeOptions {
  /** The largest frame in octets, 0 for no limit. Default 131,072, as RabbitMQ's. */
  readonly frameMax?: number | undefined;
  /** The highest channel number, 0 for no limit. Default 2,047, as RabbitMQ's. */
  readonly channelMax?: number | undefined;
  /** The heartbeat timeout, 0 for none. Default 0: a script sends its heartbeats itself. */
  readonly heartbeatSeconds?: number | undefined;
  /** Mechanisms with a space between. Default `"PLAIN AMQPLAIN"`. */
  readonly mechanisms?: string | undefined;
  /** Locales with a space between. Default `"en_US"`. */
  readonly locales?: string | undefined;
  /** Default: a product and the capabilities of RabbitMQ, which some clients insist on. */
  readonly serverProperties?: FieldTable | undefined;
}

/** What the client said in the handshake. */
export interface ServerHandshake {
  readonly startOk: ConnectionStartOk;
  readonly tuneOk: ConnectionTuneOk;
  readonly open: ConnectionOpen;
}

/** What a peer in the part of the client says in the handshake. */
export interface ClientHandshakeOptions {
  /** Default: the one in the URL, else `guest`. */
  readonly username?: string | undefined;
  /** Default: the one in the URL, else `guest`. */
  readonly password?: string | undefined;
  /** Default: the one in the URL, else `/`. */
  readonly vhost?: string | undefined;
  /** Default: what the server proposes. */
  readonly frameMax?: number | undefined;
  /** Default: what the server proposes. */
  readonly channelMax?: number | undefined;
  /** Default 0: a script sends its heartbeats itself. */
  readonly heartbeatSeconds?: number | undefined;
  /** Default: a product and every capability that RabbitMQ knows of a client. */
  readonly clientProperties?: FieldTable | undefined;
}

/** What the server said in the handshake. */
export interface ClientHandshake {
  readonly start: ConnectionStart;
  readonly tune: ConnectionTune;
}

/** Who a client says it is, as the URL has it. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

/** What the handshake takes of a peer. */
interface Speaker {
  frameMax: number;
  expect<N extends MethodName>(
    name: N,
    fields?: undefined,
    options?: { readonly channel?: number },
  ): Promise<ReceivedMethod<N>>;
  expectProtocolHeader(): Promise<unknown>;
  send<N extends MethodName>(name: N, fields?: SentFields<N>): void;
  sendProtocolHeader(): void;
}

const SERVER_CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  consumer_priorities: true,
  authentication_failure_close: true,
  per_consumer_qos: true,
  direct_reply_to: true,
};

const CLIENT_CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  "basic.nack": true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
  authentication_failure_close: true,
};

/** Plays the server up to and including connection.open-ok. */
export async function playServer(
  peer: Speaker,
  options: ServerHandshakeOptions,
): Promise<ServerHandshake> {
  await peer.expectProtocolHeader();
  peer.send("connection.start", {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: options.serverProperties ?? {
      product: "ScriptedPeer",
      capabilities: SERVER_CAPABILITIES,
    },
    mechanisms: options.mechanisms ?? "PLAIN AMQPLAIN",
    locales: options.locales ?? "en_US",
  });
  const startOk = (await peer.expect("connection.start-ok")).method;
  peer.send("connection.tune", {
    channelMax: options.channelMax ?? 2047,
    frameMax: options.frameMax ?? 131_072,
    heartbeat: options.heartbeatSeconds ?? 0,
  });
  const tuneOk = (await peer.expect("connection.tune-ok")).method;
  const open = (await peer.expect("connection.open")).method;
  peer.send("connection.open-ok");
  peer.frameMax = tuneOk.frameMax;
  return { startOk, tuneOk, open };
}

/** Plays the client up to and including connection.open-ok. */
export async function playClient(
  peer: Speaker,
  options: ClientHandshakeOptions,
  login: Login,
): Promise<ClientHandshake> {
  peer.sendProtocolHeader();
  const start = (await peer.expect("connection.start")).method;
  const username = options.username ?? login.username;
  const password = options.password ?? login.password;
  peer.send("connection.start-ok", {
    clientProperties: options.clientProperties ?? {
      product: "ScriptedPeer",
      capabilities: CLIENT_CAPABILITIES,
    },
    mechanism: "PLAIN",
    response: `\0${username}\0${password}`,
    locale: "en_US",
  });
  const tune = (await peer.expect("connection.tune")).method;
  peer.frameMax = options.frameMax ?? tune.frameMax;
  peer.send("connection.tune-ok", {
    channelMax: options.channelMax ?? tune.channelMax,
    frameMax: peer.frameMax,
    heartbeat: options.heartbeatSeconds ?? 0,
  });
  peer.send("connection.open", { virtualHost: options.vhost ?? login.vhost });
  await peer.expect("connection.open-ok");
  return { start, tune };
}

/** Reads user, password and virtual host out of an `amqp:` URL. */
export function loginOf(url: URL): Login {
  return {
    username: decodeURIComponent(url.username) || "guest",
    password: decodeURIComponent(url.password) || "guest",
    vhost: url.pathname === "" ? "/" : decodeURIComponent(url.pathname.slice(1)),
  };
}
