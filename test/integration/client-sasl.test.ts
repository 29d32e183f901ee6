import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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
} from "../../src/index.ts";
import { type Certificates, CLIENT_NAME, makeCertificates } from "../support/certificates.ts";
import { everythingShown, failure, within } from "../support/environment.ts";
import { freePort, integrationWithOwnNode } from "../support/rabbitmq.ts";

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

  integrationWithOwnNode("at a RabbitMQ with many ways in", options, (broker) => {
    const overTls = (): string => `amqps://guest:guest@localhost:${tlsPort}`;
    const trusting = (): { ca: string } => ({ ca: certificates.ca.cert });
    const certified = (): { ca: string; cert: string; key: string } => ({
      ...trusting(),
      cert: certificates.client.cert,
      key: certificates.client.key,
    });

    /** Who RabbitMQ says has logged in, and by which mechanism, for each of these. */
    async function loginsOf(
      targets: readonly (readonly [url: string, options?: ConnectOptions])[],
    ): Promise<readonly string[]> {
      const connections = await Promise.all(
        targets.map(([url, connectOptions], i) =>
          connect(url, { ...connectOptions, connectionName: `login ${i}` }),
        ),
      );
      const columns = ["user", "auth_mechanism", "client_properties"];
      const listed = await broker().ctl("list_connections", ...columns);
      await Promise.all(connections.map((connection) => connection.close()));
      const rows = listed.split("\n").map((line) => line.split("\t"));
      return targets.map((_, i) => {
        const [user, mechanism] = rows.find((row) => row[2]?.includes(`"login ${i}"`)) ?? [];
        return `${user} ${mechanism}`;
      });
    }

    async function refusedLogin(
      connectOptions: ConnectOptions,
      mechanism: string,
      url = broker().url,
    ): Promise<void> {
      const error = await failure(connect(url, connectOptions), ConnectionClosedError);
      expect(error).to.include({ replyCode: 403, phase: "authentication" });
      expect(error.message).to.match(/ACCESS_REFUSED - Login was refused/);
      expect(error.message).to.include(mechanism);
      expect(everythingShown(error)).not.to.include("wr0ng");
    }

    describe("that knows two users", () => {
      before(async function addUser() {
        this.timeout(60_000);
        await broker().ctl("add_user", CLIENT_NAME, "pw");
        await broker().ctl("set_permissions", CLIENT_NAME, ".*", ".*", ".*");
        await broker().ctl("add_vhost", "closed");
      });

      it("lets in by user name and password, in three ways", async () => {
        const ways = [plain, amqplain, crDemo].map((make) => make("guest", "guest"));
        const logins = await loginsOf(ways.map((credentials) => [broker().url, { credentials }]));
        expect(logins).to.deep.equal(["guest PLAIN", "guest AMQPLAIN", "guest RABBIT-CR-DEMO"]);
      });

      it("refuses a wrong password in each of them, and says so", async () => {
        for (const make of [plain, amqplain, crDemo]) {
          const credentials = make("guest", "wr0ng");
          await refusedLogin({ credentials }, credentials.mechanism);
        }
      });

      it("lets in by a client certificate", async () => {
        const uri = new URLSearchParams({
          cacertfile: certificates.ca.certFile,
          certfile: certificates.client.certFile,
          keyfile: certificates.client.keyFile,
          auth_mechanism: "external",
        });
        const logins = await loginsOf([
          [overTls(), { tls: certified(), credentials: external() }],
          [`${overTls()}?${uri}`],
        ]);
        expect(logins).to.deep.equal([`${CLIENT_NAME} EXTERNAL`, `${CLIENT_NAME} EXTERNAL`]);
      });

      it("refuses a client certificate of nobody that it knows", async () => {
        const { cert, key } = certificates.stranger;
        const tls = { ...trusting(), cert, key };
        await refusedLogin({ tls, credentials: external() }, "EXTERNAL", overTls());
      });

      it("hangs up at a mechanism that it does not offer, and the error tells what it does", async () => {
        for (const credentials of [external(), anonymous("somebody")]) {
          const error = await failure(connect(broker().url, { credentials }), ConnectionLostError);
          expect(error.phase).to.equal("authentication");
          expect(error.message).to.match(
            /the broker offers [A-Z, -]*PLAIN[A-Z, -]* to authenticate/,
          );
          expect(error.message).to.match(new RegExp(`and not ${credentials.mechanism}$`));
        }
      });

      it("hangs up at a login that is too large for it, and the error says so", async function () {
        this.timeout(20_000); // RabbitMQ thinks about it for three seconds
        const tooLarge = { password: "wr0ng".repeat(1000) };
        const error = await failure(connect(broker().url, tooLarge), ConnectionLostError);
        expect(error.phase).to.equal("authentication");
        expect(error.message).to.match(/a frame of 5\d\d\d octets, .* more than 4096/);
        expect(everythingShown(error)).not.to.include("wr0ng");
      });

      it("is asked for the first mechanism of a choice that it offers", async () => {
        const credentials = [external(), crDemo("guest", "guest"), plain("guest", "wr0ng")];
        const uri = "?auth_mechanism=external&auth_mechanism=anonymous&auth_mechanism=amqplain";
        const logins = await loginsOf([
          [broker().url, { credentials }],
          [overTls(), { credentials, tls: certified() }],
          [broker().url + uri],
          [`${broker().url}?auth_mechanism=crdemo`],
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
        const error = await failure(connect(broker().url, { credentials }), CredentialsError);
        expect(error.phase).to.equal("authentication");
        expect(error.message).to.match(
          /the broker offers .*PLAIN.*, and none of EXTERNAL, ANONYMOUS/,
        );
      });

      it("tells a refused login, a refused virtual host and a dropped socket apart", async () => {
        await refusedLogin({ password: "wr0ng" }, "PLAIN");

        const silent = { capabilities: { authentication_failure_close: false } };
        const dropped = await failure(
          connect(broker().url, { password: "wr0ng", clientProperties: silent }),
          ConnectionLostError,
        );
        expect(dropped.phase).to.equal("authentication");
        expect(dropped.message).to.match(/a broker may refuse a login so: check user name and/);

        const missing = await failure(
          connect(broker().url, { vhost: "no such vhost" }),
          ConnectionClosedError,
        );
        expect(missing).to.include({ replyCode: 530, phase: "open", method: "connection.open" });
        expect(missing.message).to.match(/vhost no such vhost not found/);

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
        await refusedLogin({ credentials }, "PLAIN");
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

function fetched(token: string): Promise<string> {
  return new Promise((resolve) => setImmediate(resolve, token));
}
