/**
 * Who somebody is: the SASL mechanisms (specification section 4.2.2), from the broker's side, with
 * what RabbitMQ says in each (rabbitmq.com/docs/access-control#mechanisms).
 */
import { readTable } from "../../../wire/field-table.ts";
import { Reader } from "../../../wire/reader.ts";
import { decodeLenient, encodeText } from "../../../wire/text.ts";
import { refusal } from "../refusal.ts";
import type { Peer } from "./stream.ts";

/** A way to log in that the broker knows. */
export type BrokerMechanism = (typeof BROKER_MECHANISMS)[number];

/** All that there are. */
export const BROKER_MECHANISMS = [
  "PLAIN",
  "AMQPLAIN",
  "EXTERNAL",
  "RABBIT-CR-DEMO",
  "ANONYMOUS",
] as const;

/** Who may log in, and how. */
export interface LoginRealm {
  /** Passwords by user. */
  readonly users: ReadonlyMap<string, string>;
  /** What is offered, in this order. */
  readonly mechanisms: readonly BrokerMechanism[];
}

/** Where a response led to. */
export type LoginStep =
  | { readonly is: "accepted"; readonly user: string }
  | { readonly is: "refused" }
  /** One more response is needed, to this. */
  | { readonly is: "challenged"; readonly challenge: Uint8Array };

/** The mechanisms for this client: EXTERNAL needs to be outside of something, and only TLS is. */
export function offeredMechanisms(realm: LoginRealm, peer: Peer): readonly BrokerMechanism[] {
  return realm.mechanisms.filter((each) => each !== "EXTERNAL" || peer.secured);
}

/** One login. */
export class Login {
  readonly mechanism: string;
  readonly #realm: LoginRealm;
  readonly #peer: Peer;
  /** Who said their name in the first response of RABBIT-CR-DEMO. */
  #claimed: string | undefined;

  /** Raises a refusal where the mechanism is not one that was offered. */
  constructor(mechanism: string, realm: LoginRealm, peer: Peer) {
    if (!offeredMechanisms(realm, peer).some((each) => each === mechanism)) {
      throw refusal("commandInvalid", `unknown authentication mechanism '${mechanism}'`);
    }
    this.mechanism = mechanism;
    this.#realm = realm;
    this.#peer = peer;
  }

  /** Takes the response that came with start-ok or secure-ok; a refusal if it is malformed. */
  respond(response: Uint8Array): LoginStep {
    switch (this.mechanism as BrokerMechanism) {
      case "PLAIN":
        return this.#withPassword(...plainLogin(response));
      case "AMQPLAIN":
        return this.#withPassword(...amqplainLogin(response));
      case "EXTERNAL":
        return this.#withoutPassword(this.#peer.certifiedName);
      case "RABBIT-CR-DEMO":
        return this.#challenged(response);
      case "ANONYMOUS":
        return this.#withoutPassword([...this.#realm.users.keys()][0]);
    }
  }

  #withPassword(user: string, password: string): LoginStep {
    return this.#realm.users.get(user) === password ? { is: "accepted", user } : REFUSED;
  }

  #withoutPassword(user: string | undefined): LoginStep {
    if (user === undefined || !this.#realm.users.has(user)) return REFUSED;
    return { is: "accepted", user };
  }

  #challenged(response: Uint8Array): LoginStep {
    const text = decodeLenient(response, 0, response.length);
    if (this.#claimed === undefined) {
      this.#claimed = text;
      return { is: "challenged", challenge: encodeText("Please tell me your password") };
    }
    if (!text.startsWith(CR_DEMO_ANSWER)) throw refusal("syntaxError", "Invalid response");
    return this.#withPassword(this.#claimed, text.slice(CR_DEMO_ANSWER.length));
  }
}

const REFUSED: LoginStep = { is: "refused" };
const CR_DEMO_ANSWER = "My password is ";

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
