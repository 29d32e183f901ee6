import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect } from "chai";
import {
  amqplain,
  anonymous,
  ChannelClosedError,
  type Connection,
  ConnectionClosedError,
  ConnectionLostError,
  type ConnectOptions,
  type Credentials,
  CredentialsError,
  connect,
  crDemo,
  external,
  plain,
  UsageError,
} from "../../src/index.ts";
import { type BrokerOptions, type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { type Certificates, CLIENT_NAME, makeCertificates } from "../support/certificates.ts";
import { everythingShown, failure, within } from "../support/environment.ts";
import { freePort, integrationWithOwnNode } from "../support/rabbitmq.ts";
import { PROTOCOL_HEADER, RawClient, show } from "../testing/raw-client.ts";

describe("Authentication", () => {
  let certificates: Certificates;
  let tlsPort: number;
  let signingKey: KeyObject;
  const options = {
    plugins: ["rabbitmq_auth_mechanism_ssl", "rabbitmq_auth_backend_oauth2"],
    // Read when the node starts, which is after before().
    get config(): string {
      const { ca, server, directory } = certificates;
      return `
        listeners.ssl.local = 127.0.0.1:${tlsPort}
        ssl_options.cacertfile = ${ca.certFile}
        ssl_options.certfile = ${server.certFile}
        ssl_options.keyfile = ${server.keyFile}
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = false
        ssl_cert_login_from = common_name
        auth_mechanisms.1 = PLAIN
        auth_mechanisms.2 = AMQPLAIN
        auth_mechanisms.3 = EXTERNAL
        auth_mechanisms.4 = RABBIT-CR-DEMO
        auth_backends.1 = internal
        auth_backends.2 = rabbit_auth_backend_oauth2
        auth_oauth2.resource_server_id = rabbitmq
        auth_oauth2.default_key = test
        auth_oauth2.signing_keys.test = ${join(directory, "tokens.pem")}
      `.replaceAll(/^ +/gm, "");
    },
  };
  before(async () => {
    certificates = await makeCertificates();
    tlsPort = await freePort();
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    signingKey = privateKey;
    const pem = publicKey.export({ type: "spki", format: "pem" });
    await writeFile(join(certificates.directory, "tokens.pem"), pem);
  });
  after(() => certificates.remove());

  const trusting = (): { ca: string } => ({ ca: certificates.ca.cert });
  const certified = (): { ca: string; cert: string; key: string } => ({
    ...trusting(),
    cert: certificates.client.cert,
    key: certificates.client.key,
  });

  /** What holds for both brokers. */
  function waysIn(target: () => Target): void {
    /** Who the broker says has logged in, and by which mechanism, for each of these. */
    async function loginsOf(
      targets: readonly (readonly [url: string, options?: ConnectOptions])[],
    ): Promise<readonly (string | undefined)[]> {
      const connections = await Promise.all(
        targets.map(([url, connectOptions], i) =>
          connect(url, { ...connectOptions, connectionName: `login ${i}` }),
        ),
      );
      const logins = await target().logins();
      await Promise.all(connections.map((connection) => connection.close()));
      return targets.map((_, i) => logins.find(([name]) => name.includes(`login ${i}`))?.[1]);
    }

    /** What a client of no manners is told that gives these responses, whatever is answered. */
    async function told(socket: Socket, mechanism: string, ...responses: string[]) {
      const client = new RawClient(socket);
      client.write(PROTOCOL_HEADER);
      const { mechanisms } = await client.expect("connection.start");
      const offered = Buffer.from(mechanisms).toString().split(" ").sort().join(" ");
      const [first = "", ...more] = responses.map((text) => Buffer.from(text));
      client.send(0, {
        ...{ name: "connection.start-ok", clientProperties: EXPLAINS, locale: "en_US" },
        ...{ mechanism, response: Buffer.from(first) },
      });
      const lines = [`offered ${offered}`];
      for (const response of more) {
        lines.push(show(await client.next(NEVER_MS)));
        client.send(0, { name: "connection.secure-ok", response });
      }
      lines.push(show(await client.next(NEVER_MS)));
      client.destroy();
      return lines;
    }

    const overTcp = (): Socket => connectTcp(Number(new URL(target().url).port), "localhost");
    const overTls = (): Socket =>
      connectTls(Number(new URL(target().tlsUrl).port), "localhost", trusting());

    it("lets in by user name and password, in three ways", async () => {
      const ways = [plain, amqplain, crDemo].map((make) => make("guest", "guest"));
      const logins = await loginsOf(ways.map((credentials) => [target().url, { credentials }]));
      expect(logins).to.deep.equal(["guest PLAIN", "guest AMQPLAIN", "guest RABBIT-CR-DEMO"]);
    });

    it("refuses a wrong password in each of them, and says so", async () => {
      for (const make of [plain, amqplain, crDemo]) {
        const credentials = make("guest", "wr0ng");
        await refusedLogin(target().url, { credentials }, credentials.mechanism);
      }
    });

    it("lets in by a client certificate", async () => {
      const uri = new URLSearchParams({
        cacertfile: certificates.ca.certFile,
        certfile: certificates.client.certFile,
        keyfile: certificates.client.keyFile,
        auth_mechanism: "external",
      });
      const { tlsUrl } = target();
      const logins = await loginsOf([
        [tlsUrl, { tls: certified(), credentials: external() }],
        [`${tlsUrl}?${uri}`],
      ]);
      expect(logins).to.deep.equal([`${CLIENT_NAME} EXTERNAL`, `${CLIENT_NAME} EXTERNAL`]);
    });

    it("refuses a client certificate of nobody that it knows, and none at all", async () => {
      const { cert, key } = certificates.stranger;
      for (const tls of [{ ...trusting(), cert, key }, trusting()]) {
        await refusedLogin(target().tlsUrl, { tls, credentials: external() }, "EXTERNAL");
      }
    });

    it("hangs up at a mechanism that it does not offer, and the error tells what it does", async () => {
      for (const credentials of [external(), anonymous("somebody")]) {
        const error = await failure(connect(target().url, { credentials }), ConnectionLostError);
        expect(error.phase).to.equal("authentication");
        expect(error.message).to.match(/the broker offers [A-Z, -]*PLAIN[A-Z, -]* to authenticate/);
        expect(error.message).to.match(new RegExp(`and not ${credentials.mechanism}$`));
      }
    });

    it("is asked for the first mechanism of a choice that it offers", async () => {
      const credentials = [external(), crDemo("guest", "guest"), plain("guest", "wr0ng")];
      const uri = "?auth_mechanism=external&auth_mechanism=anonymous&auth_mechanism=amqplain";
      const { url, tlsUrl } = target();
      const logins = await loginsOf([
        [url, { credentials }],
        [tlsUrl, { credentials, tls: certified() }],
        [url + uri],
        [`${url}?auth_mechanism=crdemo`],
      ]);
      expect(logins).to.deep.equal([
        "guest RABBIT-CR-DEMO",
        `${CLIENT_NAME} EXTERNAL`,
        "guest AMQPLAIN",
        "guest RABBIT-CR-DEMO",
      ]);
    });

    it("is asked for none where it offers none of a choice", async () => {
      const credentials = [external(), anonymous()];
      const error = await failure(connect(target().url, { credentials }), CredentialsError);
      expect(error.phase).to.equal("authentication");
      expect(error.message).to.match(
        /the broker offers .*PLAIN.*, and none of EXTERNAL, ANONYMOUS/,
      );
    });

    it("tells a refused login, a refused virtual host and a dropped socket apart", async () => {
      await refusedLogin(target().url, { password: "wr0ng" }, "PLAIN");

      const silent = { capabilities: { authentication_failure_close: false } };
      const dropped = await failure(
        connect(target().url, { password: "wr0ng", clientProperties: silent }),
        ConnectionLostError,
      );
      expect(dropped.phase).to.equal("authentication");
      expect(dropped.message).to.match(/a broker may refuse a login so: check user name and/);

      const missing = await failure(
        connect(target().url, { vhost: "no such vhost" }),
        ConnectionClosedError,
      );
      expect(missing).to.include({ replyCode: 530, phase: "open", method: "connection.open" });
      expect(missing.message).to.match(/vhost no such vhost not found/);
    });

    it("says the same, word for word, in every mechanism", async function () {
      this.timeout(30_000); // RabbitMQ waits for three seconds before it hangs up
      const known = "offered AMQPLAIN PLAIN RABBIT-CR-DEMO";
      const knownOverTls = "offered AMQPLAIN EXTERNAL PLAIN RABBIT-CR-DEMO";
      const question = (text: string): string =>
        `0 connection.secure ${JSON.stringify({ challenge: new TextEncoder().encode(text) })}`;
      const refusedBy = (mechanism: string): string =>
        `0 connection.close ${JSON.stringify({
          replyCode: 403,
          replyText: `ACCESS_REFUSED - Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
          classId: 0,
          methodId: 0,
        })}`;
      const asksForPassword = question("Please tell me your password");
      const tune = '0 connection.tune {"channelMax":2047,"frameMax":131072,"heartbeat":60}';
      const end = "0 end {}";
      const cases: [Promise<string[]>, string[]][] = [
        [told(overTcp(), "PLAIN", "\0guest\0guest"), [known, tune]],
        [
          told(overTcp(), "RABBIT-CR-DEMO", "guest", "My password is guest"),
          [known, asksForPassword, tune],
        ],
        [
          told(overTcp(), "RABBIT-CR-DEMO", "guest", "My password is wr0ng"),
          [known, asksForPassword, refusedBy("RABBIT-CR-DEMO")],
        ],
        [
          told(overTcp(), "RABBIT-CR-DEMO", "nobody", "My password is guest"),
          [known, asksForPassword, refusedBy("RABBIT-CR-DEMO")],
        ],
        [told(overTcp(), "RABBIT-CR-DEMO", "guest", "guest"), [known, asksForPassword, end]],
        [
          told(overTcp(), "RABBIT-CR-DEMO", "guest", "My password is guest", "again"),
          [known, asksForPassword, tune, end],
        ],
        [told(overTcp(), "EXTERNAL", ""), [known, end]],
        [told(overTcp(), "external", ""), [known, end]],
        [told(overTls(), "EXTERNAL", ""), [knownOverTls, refusedBy("EXTERNAL")]],
        [told(overTls(), "PLAIN", "\0guest\0guest"), [knownOverTls, tune]],
      ];
      for (const [lines, expected] of cases) expect(await lines).to.deep.equal(expected);
    });
  }

  describe("at the embedded broker with many ways in", () => {
    const mechanisms = ["PLAIN", "AMQPLAIN", "EXTERNAL", "RABBIT-CR-DEMO"] as const;
    let brokers: readonly EmbeddedBroker[];
    before(async () => {
      const users = { guest: "guest", [CLIENT_NAME]: "pw" };
      const { cert, key } = certificates.server;
      const tls = { cert, key, ca: certificates.ca.cert, requestCert: true };
      brokers = await Promise.all([
        startBroker({ users, mechanisms }),
        // A server of TLS takes no client without a certificate by itself.
        startBroker({ users, mechanisms, tls: { ...tls, rejectUnauthorized: false } }),
      ]);
    });
    after(() => Promise.all(brokers.map((broker) => broker.stop())));
    waysIn(() => {
      const [open, secured] = brokers as [EmbeddedBroker, EmbeddedBroker];
      const tlsUrl = secured.url.replace("127.0.0.1", "localhost");
      return {
        url: open.url,
        tlsUrl,
        logins: async () =>
          brokers.flatMap(({ connections }) =>
            connections.map(
              ({ connectionName = "", user, mechanism }) =>
                [connectionName, `${user} ${mechanism}`] as const,
            ),
          ),
      };
    });

    it("trusts no certificate that TLS did not", async () => {
      const [, secured] = brokers as [EmbeddedBroker, EmbeddedBroker];
      const { cert, key } = certificates.impostor;
      const tls = { ...trusting(), cert, key };
      const url = secured.url.replace("127.0.0.1", "localhost");
      await refusedLogin(url, { tls, credentials: external() }, "EXTERNAL");
    });
  });

  describe("at an embedded broker that lets anybody in", () => {
    it("takes anonymous() for the first of its users", async () => {
      await using broker = await startBroker({ mechanisms: ["ANONYMOUS"], users: { nobody: "x" } });
      await using _ = await connect(broker.url, { credentials: anonymous("me") });
      expect(broker.connections[0]).to.include({ user: "nobody", mechanism: "ANONYMOUS" });
    });

    it("refuses anonymous() where it has no user", async () => {
      await using broker = await startBroker({ mechanisms: ["ANONYMOUS"], users: {} });
      await refusedLogin(broker.url, { credentials: anonymous() }, "ANONYMOUS");
    });

    it("says which mechanisms there are where it is asked for others", async () => {
      for (const [mechanisms, what] of [
        [[], "no mechanism"],
        [["PLAIN", "GSSAPI"], "the mechanism 'GSSAPI'"],
      ] as const) {
        const options = { mechanisms } as unknown as BrokerOptions;
        const error = await failure(startBroker(options), UsageError);
        expect(error.message).to.equal(
          `mechanisms has ${what}; there are: PLAIN, AMQPLAIN, EXTERNAL, RABBIT-CR-DEMO, ANONYMOUS`,
        );
      }
    });
  });

  integrationWithOwnNode("at a RabbitMQ with many ways in", options, (broker) => {
    describe("that knows two users", () => {
      before(async function addUser() {
        this.timeout(60_000);
        await broker().ctl("add_user", CLIENT_NAME, "pw");
        await broker().ctl("set_permissions", CLIENT_NAME, ".*", ".*", ".*");
        await broker().ctl("add_vhost", "closed");
      });

      waysIn(() => ({
        url: broker().url,
        tlsUrl: `amqps://guest:guest@localhost:${tlsPort}`,
        async logins() {
          const columns = ["user", "auth_mechanism", "client_properties"];
          const listed = await broker().ctl("list_connections", ...columns);
          return listed.split("\n").map((line) => {
            const [user, mechanism, properties = ""] = line.split("\t");
            return [properties, `${user} ${mechanism}`];
          });
        },
      }));

      it("hangs up at a login that is too large for it, and the error says so", async function () {
        this.timeout(20_000); // RabbitMQ thinks about it for three seconds
        const tooLarge = { password: "wr0ng".repeat(1000) };
        const error = await failure(connect(broker().url, tooLarge), ConnectionLostError);
        expect(error.phase).to.equal("authentication");
        expect(error.message).to.match(/a frame of 5\d\d\d octets, .* more than 4096/);
        expect(everythingShown(error)).not.to.include("wr0ng");
      });

      it("tells a virtual host that the user may not enter from one that is missing", async () => {
        const closed = await failure(
          connect(broker().url, { username: CLIENT_NAME, password: "pw", vhost: "closed" }),
          ConnectionClosedError,
        );
        expect(closed).to.include({ replyCode: 530, phase: "open", method: "connection.open" });
        expect(closed.message).to.match(/access to vhost 'closed' refused for user/);
      });
    });

    describe("with tokens that expire (OAuth 2)", () => {
      /** A token of so many seconds that RabbitMQ's plugin takes for all of it. */
      function token(seconds: number): string {
        const part = (value: unknown): string =>
          Buffer.from(JSON.stringify(value)).toString("base64url");
        const what = ["configure", "write", "read"].map((may) => `rabbitmq.${may}:*/*`);
        const exp = Math.floor(Date.now() / 1000) + seconds;
        const claims = { sub: "tester", aud: ["rabbitmq"], scope: what, exp };
        const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
        return `${signed}.${sign("sha256", Buffer.from(signed), signingKey).toString("base64url")}`;
      }

      it("asks one's own credentials anew at each connect", async () => {
        const tokens = [token(-60), token(600), token(600)];
        let asked = 0;
        const credentials: Credentials = {
          mechanism: "PLAIN",
          respond: async () => plain("", await fetched(tokens[asked++] as string)).respond(),
        };
        await refusedLogin(broker().url, { credentials }, "PLAIN");
        for (const count of [2, 3]) {
          await using connection = await connect(broker().url, { credentials });
          await connection.openChannel();
          expect(asked).to.equal(count);
        }
      });

      it("takes a fresh token on a connection that is open", async () => {
        const login = { username: "", password: token(6) };
        await using renewed = await connect(broker().url, login);
        await using forgotten = await connect(broker().url, login);
        await renewed.updateSecret(token(600), "the old one expires");
        const declaring = async (connection: Connection): Promise<void> => {
          const channel = await connection.openChannel();
          await channel.queueDeclare("", { exclusive: true });
          await channel.close();
        };
        const error = await failure(
          (async () => {
            for (;;) await declaring(forgotten);
          })(),
          ChannelClosedError,
        );
        expect(error).to.include({ replyCode: 403, method: "queue.declare" });
        expect(error.message).to.match(/ACCESS_REFUSED/);
        await declaring(renewed);
      });

      it("ends the connection for a token that is none", async () => {
        const connection = await connect(broker().url, { username: "", password: token(600) });
        const updating = connection.updateSecret("wr0ng-t0ken", "a mistake");
        const error = await within(10_000, failure(updating, ConnectionClosedError));
        expect(error).to.include({ replyCode: 530 });
        expect(error.message).to.match(
          /NOT_ALLOWED - New secret was refused by one of the backends/,
        );
        expect(await connection.closed).to.equal(error);
        expect(everythingShown(error)).not.to.include("wr0ng-t0ken");
      });

      it("is answered, and nothing else, where the user has a password", async () => {
        await using connection = await connect(broker().url);
        await connection.updateSecret("not the password", "any");
        const channel = await connection.openChannel();
        await channel.queueDeclare("", { exclusive: true });
      });
    });
  });
});

/** Where the ways in are tried. */
interface Target {
  readonly url: string;
  readonly tlsUrl: string;
  /** What tells one connection from another, and who came in how. */
  logins(): Promise<readonly (readonly [identity: string, login: string])[]>;
}

const EXPLAINS = { capabilities: { authentication_failure_close: true } };
/** More than the three seconds of RabbitMQ, on a busy machine. */
const NEVER_MS = 15_000;

async function refusedLogin(
  url: string,
  connectOptions: ConnectOptions,
  mechanism: string,
): Promise<void> {
  const error = await failure(connect(url, connectOptions), ConnectionClosedError);
  expect(error).to.include({ replyCode: 403, phase: "authentication" });
  expect(error.message).to.match(/ACCESS_REFUSED - Login was refused/);
  expect(error.message).to.include(mechanism);
  expect(everythingShown(error)).not.to.include("wr0ng");
}

function fetched(token: string): Promise<string> {
  return new Promise((resolve) => setImmediate(resolve, token));
}
