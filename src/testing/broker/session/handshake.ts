/**
 * How a connection begins (specification section 2.2.4), after the protocol header:
 *
 *     broker                          client
 *     start  ------------------------>
 *            <------------------------ start-ok    who are you
 *     tune   ------------------------>
 *            <------------------------ tune-ok     the limits that hold
 *            <------------------------ open        a virtual host
 *     open-ok ----------------------->
 *
 * Like RabbitMQ the broker does not explain itself to somebody who has not logged in: what goes
 * wrong before tune-ok drops the socket (RabbitMQ first waits three seconds, to slow down guessing;
 * this one does not). The exception is a failed login, if the client said that it understands
 * `authentication_failure_close` (rabbitmq.com/docs/auth-notification).
 */
import { readTable } from "../../../wire/field-table.ts";
import type { FieldTable } from "../../../wire/field-value.ts";
import { FRAME_MIN_SIZE } from "../../../wire/generated/constants.ts";
import type {
  ClientMethod,
  ConnectionStart,
  ConnectionStartOk,
  ConnectionTuneOk,
  ServerMethod,
} from "../../../wire/generated/methods.ts";
import { Reader } from "../../../wire/reader.ts";
import { decodeLenient, encodeText } from "../../../wire/text.ts";
import { type Refusal, refusal } from "../refusal.ts";
import type { VirtualHost } from "../virtual-host.ts";

/** What the broker offers, and whom it lets in. */
export interface Realm {
  /** Passwords by user. */
  readonly users: ReadonlyMap<string, string>;
  readonly vhosts: ReadonlyMap<string, VirtualHost>;
  readonly frameMax: number;
  readonly channelMax: number;
  readonly heartbeatSeconds: number;
}

/** What came of it. */
export interface Admission {
  readonly user: string;
  readonly vhost: VirtualHost;
  /** Whether the client wants to hear of consumers that the broker cancels. */
  readonly cancelNotify: boolean;
  /** Whether it wants to hear that the connection is blocked. */
  readonly blockedNotify: boolean;
  /** What the client says of itself. */
  readonly clientProperties: FieldTable;
  /** The limits that hold. */
  readonly tuning: ConnectionTuneOk;
}

/** The handshake of one connection. */
export class Handshake {
  readonly #realm: Realm;
  #awaited: "connection.start-ok" | "connection.tune-ok" | "connection.open" =
    "connection.start-ok";
  #silent = true;
  #user = "";
  #clientProperties: FieldTable = {};
  #tuning: ConnectionTuneOk | undefined;
  #admission: Admission | undefined;

  constructor(realm: Realm) {
    this.#realm = realm;
  }

  /** Whether refusals drop the socket instead of being told. */
  get silent(): boolean {
    return this.#silent;
  }

  /** What the client answered to connection.tune, once it has. */
  get tuning(): ConnectionTuneOk | undefined {
    return this.#tuning;
  }

  /** Who came in and where, once the handshake is over. */
  get admission(): Admission | undefined {
    return this.#admission;
  }

  /** What the broker begins with. */
  start(): ConnectionStart {
    return {
      name: "connection.start",
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: SERVER_PROPERTIES,
      mechanisms: encodeText("PLAIN AMQPLAIN"),
      locales: encodeText("en_US"),
    };
  }

  /** A method came on channel 0; returns what to answer, if anything. */
  receive(method: ClientMethod): ServerMethod | undefined {
    if (method.name !== this.#awaited) {
      const state = this.#awaited === "connection.open" ? "opening" : "starting";
      throw refusal("channelError", `unexpected method in connection state ${state}`);
    }
    switch (method.name) {
      case "connection.start-ok":
        return this.#logIn(method);
      case "connection.tune-ok":
        return this.#tune(method);
      case "connection.open":
        return this.#open(method.virtualHost);
      default:
        return undefined;
    }
  }

  #logIn(method: ConnectionStartOk): ServerMethod {
    const { mechanism, response } = method;
    const [user, password] = loginOf(mechanism, response);
    const { clientProperties } = method;
    if (this.#realm.users.get(user) !== password) {
      this.#silent = !can(clientProperties, "authentication_failure_close");
      throw loginRefused(mechanism);
    }
    this.#user = user;
    this.#clientProperties = clientProperties;
    this.#awaited = "connection.tune-ok";
    const { channelMax, frameMax, heartbeatSeconds: heartbeat } = this.#realm;
    return { name: "connection.tune", channelMax, frameMax, heartbeat };
  }

  #tune(method: ConnectionTuneOk): undefined {
    const { channelMax, frameMax } = this.#realm;
    checkNegotiated("channel_max", method.channelMax, 1, channelMax);
    checkNegotiated("frame_max", method.frameMax, FRAME_MIN_SIZE, frameMax);
    this.#tuning = method;
    this.#silent = false;
    this.#awaited = "connection.open";
    return undefined;
  }

  #open(name: string): ServerMethod {
    const vhost = this.#realm.vhosts.get(name);
    if (vhost === undefined) throw refusal("notAllowed", `vhost ${name} not found`);
    const clientProperties = this.#clientProperties;
    const cancelNotify = can(clientProperties, "consumer_cancel_notify");
    const blockedNotify = can(clientProperties, "connection.blocked");
    // This method is not expected before tune-ok came.
    const tuning = this.#tuning as ConnectionTuneOk;
    const notify = { cancelNotify, blockedNotify };
    this.#admission = { user: this.#user, vhost, ...notify, clientProperties, tuning };
    return { name: "connection.open-ok" };
  }
}

/** What this broker can do; it must not claim more. */
const SERVER_PROPERTIES: FieldTable = {
  product: "amqp091 embedded broker",
  platform: `Node.js ${process.version}`,
  information: "In memory, for tests",
  capabilities: {
    publisher_confirms: true,
    exchange_exchange_bindings: true,
    "basic.nack": true,
    consumer_cancel_notify: true,
    "connection.blocked": true,
    consumer_priorities: true,
    per_consumer_qos: true,
    authentication_failure_close: true,
  },
};

/** User and password from the one response that both mechanisms need. */
function loginOf(mechanism: string, response: Uint8Array): readonly [string, string] {
  if (mechanism === "PLAIN") return plainLogin(response);
  if (mechanism === "AMQPLAIN") return amqplainLogin(response);
  throw refusal("commandInvalid", "unknown authentication mechanism");
}

/** RFC 4616 without an identity to act as: zero, user, zero, password. */
function plainLogin(response: Uint8Array): readonly [string, string] {
  const [before, user, password, ...more] = decodeLenient(response, 0, response.length).split("\0");
  if (before !== "" || user === undefined || password === undefined || more.length > 0) {
    throw refusal("syntaxError", "response invalid");
  }
  return [user, password];
}

/** A field table without its length in front, with LOGIN and PASSWORD. */
function amqplainLogin(response: Uint8Array): readonly [string, string] {
  const table = new Uint8Array(4 + response.length);
  new DataView(table.buffer).setUint32(0, response.length);
  table.set(response, 4);
  const { LOGIN: user, PASSWORD: password } = readTable(new Reader(table));
  if (typeof user !== "string" || typeof password !== "string") {
    throw refusal("syntaxError", "AMQPLAIN auth info is missing LOGIN or PASSWORD field");
  }
  return [user, password];
}

function loginRefused(mechanism: string): Refusal {
  return refusal(
    "accessRefused",
    `Login was refused using authentication mechanism ${mechanism}. For details see the broker ` +
      "logfile.",
    { scope: "connection", method: null },
  );
}

/** 0 means no limit: allowed only if the broker has none either. */
function checkNegotiated(name: string, value: number, least: number, most: number): void {
  const tooHigh = most > 0 && (value === 0 || value > most);
  if (!tooHigh && (value === 0 || value >= least)) return;
  const bound = tooHigh
    ? `higher than the maximum allowed value (${most})`
    : `lower than the minimum allowed value (${least})`;
  throw refusal("notAllowed", `negotiated ${name} = ${value} is ${bound}`, { method: null });
}

/** Whether a client says that it has this capability. */
function can({ capabilities }: FieldTable, name: string): boolean {
  const isTable = typeof capabilities === "object" && capabilities !== null;
  return isTable && Reflect.get(capabilities, name) === true;
}
