/**
 * How a client proves who it is: SASL mechanisms (specification section 4.2.2; RabbitMQ's page on
 * access control). The server lists what it accepts in connection.start, the client picks one and
 * answers with its response, and the server may ask again with connection.secure.
 */
import { CredentialsError, UsageError } from "../errors.ts";
import { writeTable } from "../wire/field-table.ts";
import { FRAME_MIN_SIZE } from "../wire/generated/constants.ts";
import { decodeLenient, encodeText } from "../wire/text.ts";
import { Writer } from "../wire/writer.ts";

/**
 * A way to authenticate: one that this module makes, or one's own. `respond()` is asked anew at each
 * connect, and for each host, so tokens may change; it may take its time, within the
 * `connectTimeoutMs` of the attempt. What it throws is the `cause` of a `CredentialsError`.
 */
export interface Credentials {
  /** The SASL mechanism, as in `PLAIN`: 1 to 255 octets. */
  readonly mechanism: string;
  /**
   * The response; `challenge` is undefined for the first, which goes with connection.start-ok, and
   * what connection.secure brought for later ones.
   */
  respond(challenge?: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * User name and password in the clear (RFC 4616): the usual way, over TLS where it matters. For
 * OAuth 2 RabbitMQ takes the token as the password, with any user name.
 *
 * @throws UsageError for a zero character, which would move the border between the two.
 */
export function plain(username: string, password: string): Credentials {
  if (username.includes("\0") || password.includes("\0")) {
    throw new UsageError("neither user name nor password may hold a zero character");
  }
  return secretive("PLAIN", () => encodeText(`\0${username}\0${password}`));
}

/** User name and password in a field table without its length: the older way of AMQP 0-8. */
export function amqplain(username: string, password: string): Credentials {
  return secretive("AMQPLAIN", () => {
    const writer = new Writer();
    writeTable(writer, { LOGIN: username, PASSWORD: password });
    return writer.written.slice(4);
  });
}

/**
 * Identity from outside of AMQP (RFC 4422, appendix A): that of the TLS client certificate. RabbitMQ
 * needs the plugin rabbitmq_auth_mechanism_ssl, and offers it on TLS connections only.
 */
export function external(): Credentials {
  return secretive("EXTERNAL", () => new Uint8Array(0));
}

/**
 * RABBIT-CR-DEMO: the user name first and the password in answer to connection.secure. It is no
 * safer than {@link plain}; RabbitMQ has it to show a challenge, and offers it only where
 * `auth_mechanisms` names it.
 */
export function crDemo(username: string, password: string): Credentials {
  return secretive("RABBIT-CR-DEMO", (challenge) =>
    encodeText(challenge === undefined ? username : `My password is ${password}`),
  );
}

/**
 * Nobody in particular (RFC 4505): RabbitMQ offers it from 4.0 on, older ones never.
 *
 * @param trace Whatever the broker's people may want to trace the client by: at most 255 characters.
 * @throws UsageError for a longer one.
 */
export function anonymous(trace = ""): Credentials {
  if ([...trace].length > MAX_TRACE) {
    throw new UsageError(`the trace of anonymous() has more than ${MAX_TRACE} characters`);
  }
  return secretive("ANONYMOUS", () => encodeText(trace));
}

/** RFC 4505, section 2. */
const MAX_TRACE = 255;

/** Credentials whose secrets are in a closure only, so that no log or inspection can show them. */
function secretive(
  mechanism: string,
  respond: (challenge?: Uint8Array) => Uint8Array,
): Credentials {
  return { mechanism, respond };
}

/**
 * The first whose mechanism the server offers. Where there is no choice the one is asked, offered or
 * not: what a server announces is no promise, and its answer tells more.
 *
 * @throws CredentialsError where there is a choice and the server offers none of it.
 */
export function chooseCredentials(
  choice: readonly [Credentials, ...Credentials[]],
  offered: readonly string[],
): Credentials {
  const [only] = choice;
  if (choice.length === 1) return only;
  const chosen = choice.find(({ mechanism }) => offered.includes(mechanism));
  if (chosen !== undefined) return chosen;
  const wanted = choice.map(({ mechanism }) => mechanism).join(", ");
  throw new CredentialsError(`${describeOffer(offered)}, and none of ${wanted}`);
}

/** What the loss of the connection may mean while its login is under way, where a choice was wrong. */
export function mechanismHint(mechanism: string, offered: readonly string[]): string | undefined {
  if (offered.includes(mechanism)) return undefined;
  return `; ${describeOffer(offered)}, and not ${mechanism}`;
}

/**
 * What it may mean where the login was large. Before connection.tune a peer need not take a frame of
 * more than {@link FRAME_MIN_SIZE} octets (section 4.2.2): RabbitMQ hangs up, and takes 8,192 from 4.1
 * on (`initial_frame_max`).
 */
export function sizeHint(octets: number): string | undefined {
  if (octets <= FRAME_MIN_SIZE) return undefined;
  return (
    `; the login took a frame of ${octets} octets, and before the limits are agreed on a broker need ` +
    `not take more than ${FRAME_MIN_SIZE}: is a token, or are the clientProperties, too long?`
  );
}

function describeOffer(offered: readonly string[]): string {
  const what = offered.length === 0 ? "no mechanism" : offered.join(", ");
  return `the broker offers ${what} to authenticate with`;
}

/** The mechanisms in a connection.start. */
export function parseMechanisms(octets: Uint8Array): string[] {
  return decodeLenient(octets, 0, octets.length).split(" ").filter(Boolean);
}
