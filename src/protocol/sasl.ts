/**
 * How a client proves who it is: SASL mechanisms (specification section 4.2.2; RabbitMQ's page on
 * access control). The server lists what it accepts in connection.start, the client picks one and
 * answers with its response, and the server may ask again with connection.secure.
 */
import { UsageError } from "../errors.ts";
import { writeTable } from "../wire/field-table.ts";
import { decodeLenient, encodeText } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";

/** A way to authenticate. `respond()` is asked anew at each connect, so tokens may change. */
export interface Credentials {
  /** The SASL mechanism, as in `PLAIN`. */
  readonly mechanism: string;
  /**
   * The response; `challenge` is undefined for the first, which goes with connection.start-ok, and
   * what connection.secure brought for later ones.
   */
  respond(challenge?: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** User name and password in the clear (RFC 4616): the usual way, over TLS where it matters. */
export function plain(username: string, password: string): Credentials {
  if (username.includes("\0") || password.includes("\0")) {
    throw new UsageError("neither user name nor password may hold a zero character");
  }
  return secretive("PLAIN", () => encodeText(`\0${username}\0${password}`));
}

/** User name and password in a field table without its length: RabbitMQ's older own mechanism. */
export function amqplain(username: string, password: string): Credentials {
  return secretive("AMQPLAIN", () => {
    const writer = new Writer();
    writeTable(writer, { LOGIN: username, PASSWORD: password });
    return writer.written.slice(4);
  });
}

/** Identity from outside of AMQP, such as a TLS client certificate (RFC 4422, appendix A). */
export function external(): Credentials {
  return secretive("EXTERNAL", () => new Uint8Array(0));
}

/** Credentials whose secrets are in a closure only, so that no log or inspection can show them. */
function secretive(mechanism: string, respond: () => Uint8Array): Credentials {
  return { mechanism, respond };
}

/** The mechanisms in a connection.start. */
export function parseMechanisms(octets: Uint8Array): string[] {
  return decodeLenient(octets, 0, octets.length).split(" ").filter(Boolean);
}
