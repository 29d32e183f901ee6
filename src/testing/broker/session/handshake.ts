/**
 * How a connection begins (specification section 2.2.4), after the protocol header:
 *
 *     broker                          client
 *     start  ------------------------>
 *            <------------------------ start-ok    who are you
 *     secure ------------------------>             in some mechanisms (login.ts)
 *            <------------------------ secure-ok
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
import type { FieldTable } from "../../../wire/field-value.ts";
import { FRAME_MIN_SIZE } from "../../../wire/generated/constants.ts";
import type {
  ClientMethod,
  ConnectionStart,
  ConnectionStartOk,
  ConnectionTuneOk,
  ServerMethod,
} from "../../../wire/generated/methods.ts";
import { encodeText } from "../../../wire/text.ts";
import { type Refusal, refusal } from "../refusal.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { Login, type LoginRealm, offeredMechanisms } from "./login.ts";
import type { Peer } from "./stream.ts";

/** What the broker offers, and whom it lets in. */
export interface Realm extends LoginRealm {
  readonly vhosts: ReadonlyMap<string, VirtualHost>;
  readonly frameMax: number;
  readonly channelMax: number;
  readonly heartbeatSeconds: number;
}

/** What came of it. */
export interface Admission {
  readonly user: string;
  /** By which SASL mechanism. */
  readonly mechanism: string;
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
  readonly #peer: Peer;
  #awaited: Awaited = "connection.start-ok";
  #silent = true;
  #login: Login | undefined;
  #user = "";
  #clientProperties: FieldTable = {};
  #tuning: ConnectionTuneOk | undefined;
  #admission: Admission | undefined;

  constructor(realm: Realm, peer: Peer) {
    this.#realm = realm;
    this.#peer = peer;
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
      mechanisms: encodeText(offeredMechanisms(this.#realm, this.#peer).join(" ")),
      locales: encodeText("en_US"),
    };
  }

  /** A method came on channel 0; returns what to answer, if anything. */
  receive(method: ClientMethod): ServerMethod | undefined {
    if (method.name !== this.#awaited) {
      const state = STATES[this.#awaited];
      throw refusal("channelError", `unexpected method in connection state ${state}`);
    }
    switch (method.name) {
      case "connection.start-ok":
        return this.#logIn(method);
      case "connection.secure-ok":
        return this.#respond(method.response);
      case "connection.tune-ok":
        return this.#tune(method);
      case "connection.open":
        return this.#open(method.virtualHost);
      default:
        return undefined;
    }
  }

  #logIn({ mechanism, response, clientProperties }: ConnectionStartOk): ServerMethod {
    this.#login = new Login(mechanism, this.#realm, this.#peer);
    this.#clientProperties = clientProperties;
    return this.#respond(response);
  }

  #respond(response: Uint8Array): ServerMethod {
    // Nothing else is expected before start-ok came.
    const login = this.#login as Login;
    const step = login.respond(response);
    if (step.is === "challenged") {
      this.#awaited = "connection.secure-ok";
      return { name: "connection.secure", challenge: step.challenge };
    }
    if (step.is === "refused") {
      this.#silent = !can(this.#clientProperties, "authentication_failure_close");
      throw loginRefused(login.mechanism);
    }
    this.#user = step.user;
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
    const { mechanism } = this.#login as Login;
    const who = { user: this.#user, mechanism, clientProperties };
    this.#admission = { ...who, vhost, cancelNotify, blockedNotify, tuning };
    return { name: "connection.open-ok" };
  }
}

type Awaited =
  | "connection.start-ok"
  | "connection.secure-ok"
  | "connection.tune-ok"
  | "connection.open";

/** What RabbitMQ calls the states in which these are awaited. */
const STATES: Readonly<Record<Awaited, string>> = {
  "connection.start-ok": "starting",
  "connection.secure-ok": "securing",
  "connection.tune-ok": "tuning",
  "connection.open": "opening",
};

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
