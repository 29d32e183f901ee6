import { once } from "node:events";
import { copyFile, writeFile } from "node:fs/promises";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { expect } from "chai";
import {
  type AmqpError,
  type Connection,
  ConnectionLostError,
  type ConnectOptions,
  connect,
  UsageError,
} from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { type Certificates, KEY_PASSWORD, makeCertificates } from "../support/certificates.ts";
import { everythingShown, failure, IPV6_LOOPBACK } from "../support/environment.ts";
import { freePort } from "../support/rabbitmq.ts";

describe("amqps, before a broker", function () {
  this.timeout(10_000);
  let certificates: Certificates;
  let broker: EmbeddedBroker;
  let front: TlsFront;
  const connections: Connection[] = [];

  before(async () => {
    certificates = await makeCertificates();
    broker = await startBroker();
  });
  after(async () => {
    await broker.stop();
    await certificates.remove();
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.destroy();
    await front.stop();
  });

  /** A TLS server with these options, and a connection's URL to it by this host name. */
  async function serve(options: TlsOptions, hostname = "localhost"): Promise<string> {
    front = await TlsFront.start(broker.port, options);
    return `amqps://guest:guest@${hostname}:${front.port}`;
  }

  /** Connects, publishes something over many records, and has it confirmed. */
  async function works(url: string, options: ConnectOptions = {}): Promise<void> {
    const connection = await connect(url, options);
    connections.push(connection);
    const publisher = await connection.openPublisher();
    expect(await publisher.publish("", "nowhere", Buffer.alloc(300_000))).to.include({
      deliveryTag: 1,
    });
    await connection.close();
  }

  async function refused(
    url: string,
    options: ConnectOptions,
    says: RegExp,
  ): Promise<ConnectionLostError> {
    const before = front.applicationOctets;
    const error = await failure(connect(url, options), ConnectionLostError);
    expect(error.phase, error.message).to.equal("tls");
    expect(error.message).to.match(says);
    expect(error.message).to.match(/no TLS session/);
    expect(front.applicationOctets).to.equal(before);
    expect(error.message).not.to.match(/routines|\n/);
    return error;
  }

  const fromServer = (): TlsOptions => ({
    cert: certificates.server.cert,
    key: certificates.server.key,
  });
  const fromWrongName = (): TlsOptions => ({
    cert: certificates.wrongName.cert,
    key: certificates.wrongName.key,
  });
  /** As a broker that insists on a certificate of the client. */
  const insisting = (): TlsOptions => ({
    ...fromServer(),
    ca: certificates.ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });

  describe("verifies the broker", () => {
    for (const hostname of ["localhost", "127.0.0.1", ...(IPV6_LOOPBACK ? ["[::1]"] : [])]) {
      it(`and works where the authority is given and the certificate is for ${hostname}`, async () => {
        const url = await serve(fromServer(), hostname);
        await works(url, { tls: { ca: certificates.ca.cert } });
      });

      it(`and refuses a certificate that is not for ${hostname}`, async () => {
        const url = await serve(fromWrongName(), hostname);
        const options = { tls: { ca: certificates.ca.cert } };
        const error = await refused(url, options, /tls\.servername, or server_name_indication/);
        expect(error.message).to.match(/altnames: .* is not in the cert/);
        expect(error.cause).to.include({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
      });
    }

    it("and takes a certificate for the name that it was told to expect", async () => {
      const url = await serve(fromWrongName());
      const tls = { ca: certificates.ca.cert, servername: "elsewhere.example.org" };
      await works(url, { tls });
      expect(front.serverNames).to.deep.equal(["elsewhere.example.org"]);
    });

    it("and refuses an authority that it does not know", async () => {
      const url = await serve(fromServer());
      for (const options of [{}, { tls: true }, { tls: { ca: certificates.otherCa.cert } }]) {
        await refused(url, options, /vouches.*tls\.ca, or cacertfile in the URI/);
      }
    });

    it("and refuses a certificate whose time is over", async () => {
      const { cert, key } = certificates.expired;
      const url = await serve({ cert, key });
      const error = await refused(
        url,
        { tls: { ca: cert } },
        /expired.*has to be renewed, or a clock/,
      );
      expect(error.cause).to.include({ code: "CERT_HAS_EXPIRED" });
    });

    it("only where it is not told to take any certificate", async () => {
      await works(await serve(fromWrongName()), { tls: { rejectUnauthorized: false } });
    });

    it("and says its name, but no address, to the server", async () => {
      const url = await serve(fromServer());
      await works(url, { tls: { ca: certificates.ca.cert, servername: undefined } });
      await works(url.replace("localhost", "127.0.0.1"), { tls: { ca: certificates.ca.cert } });
      expect(front.serverNames).to.deep.equal(["localhost", false]);
    });

    it("at each of several hosts, and tells the failure of each with its phase", async () => {
      await serve(fromWrongName());
      const closed = await freePort();
      const hosts = [
        { hostname: "127.0.0.1", port: closed },
        { hostname: "localhost", port: front.port },
        { hostname: "127.0.0.1", port: front.port },
      ];
      const tls = { ca: certificates.ca.cert };
      const error = await failure(connect({ hosts, tls }), ConnectionLostError);
      const lines = error.message.split("\n").map((line) => line.trim());
      expect(lines[0]).to.match(/none of 3 hosts/);
      expect(lines[1]).to.match(new RegExp(`^127.0.0.1:${closed}, phase tcp: .*ECONNREFUSED`));
      expect(lines[2]).to.match(new RegExp(`^localhost:${front.port}, phase tls: .*altnames`));
      expect(lines[3]).to.match(new RegExp(`^127.0.0.1:${front.port}, phase tls: `));
      expect(lines).to.have.length(4);
      const { errors } = error.cause as AggregateError;
      expect(errors.map(({ phase }: AmqpError) => phase)).to.deep.equal(["tcp", "tls", "tls"]);
    });

    it("at no further host where the options are a mistake", async () => {
      await serve(fromServer());
      const hosts = [1, 2].map(() => ({ hostname: "localhost", port: front.port }));
      const error = await failure(connect({ hosts, tls: { cert: "none" } }), UsageError);
      expect(error.phase).to.equal("tls");
    });
  });

  describe("shows a client certificate", () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`that the broker trusts (${version})`, async () => {
        const url = await serve(insisting());
        const { cert, key } = certificates.client;
        const ca = certificates.ca.cert;
        await works(url, { tls: { ca, cert, key, minVersion: version, maxVersion: version } });
      });

      it(`or is told that the broker may want one (${version})`, async () => {
        const url = await serve(insisting());
        const ca = certificates.ca.cert;
        const tls = { ca, minVersion: version, maxVersion: version };
        await refused(
          url,
          { tls },
          /may want a client certificate, or another one: options tls\.cert/,
        );
      });

      it(`or is told that it may be the reason when the broker hangs up (${version})`, async () => {
        const url = await serve(insisting());
        const { cert, key } = certificates.otherCa;
        const ca = certificates.ca.cert;
        const tls = { ca, cert, key, minVersion: version, maxVersion: version };
        // Node's server hangs up without an alert, before or after the session is there.
        const error = await failure(connect(url, { tls }), ConnectionLostError);
        expect(error.phase).to.be.oneOf(["tls", "handshake"]);
        expect(error.message).to.match(/hung up.*client('s)? certificate/);
      });
    }
  });

  it("tells a peer that has nothing behind its TLS", async () => {
    front = await TlsFront.start(await freePort(), fromServer());
    const connecting = connect(`amqps://localhost:${front.port}`, {
      tls: { ca: certificates.ca.cert },
    });
    const error = await failure(connecting, ConnectionLostError);
    expect(error.phase).to.equal("handshake");
    expect(error.message).to.match(/took the TLS session and hung up.*nothing that speaks AMQP/);
  });

  describe("as the URI's query parameters say", () => {
    const path = (file: string): string => encodeURIComponent(file);

    it("trusts the authority of cacertfile, with verify_peer and without", async () => {
      const url = await serve(fromServer());
      const { certFile } = certificates.ca;
      await works(`${url}?cacertfile=${path(certFile)}`);
      await works(`${url}?cacertfile=${path(certFile)}&verify=verify_peer`);
      await refused(`${url}?verify=verify_peer`, {}, /vouches/);
      await refused(`${url}?cacertfile=${path(certificates.otherCa.certFile)}`, {}, /vouches/);
    });

    it("takes any certificate with verify_none", async () => {
      await works(`${await serve(fromWrongName())}?verify=verify_none`);
    });

    it("expects the name of server_name_indication, or sends none at all", async () => {
      const url = `${await serve(fromWrongName())}?cacertfile=${path(certificates.ca.certFile)}`;
      await works(`${url}&server_name_indication=elsewhere.example.org`);
      await refused(`${url}&server_name_indication=disable`, {}, /localhost.*servername/);
      await works(`${url}&server_name_indication=disable&verify=verify_none`);
      expect([front.serverNames[0], front.serverNames.at(-1)]).to.deep.equal([
        "elsewhere.example.org",
        false,
      ]);
    });

    it("shows the certificate of certfile, with a key beside it or in it, or a locked one", async () => {
      const url = `${await serve(insisting())}?cacertfile=${path(certificates.ca.certFile)}`;
      const { client, lockedClient, directory } = certificates;
      await works(`${url}&certfile=${path(client.certFile)}&keyfile=${path(client.keyFile)}`);
      const both = join(directory, "client cert & key.pem");
      await writeFile(both, client.cert + client.key);
      await works(`${url}&certfile=${path(both)}`);
      const locked = `certfile=${path(client.certFile)}&keyfile=${path(lockedClient.keyFile)}`;
      await works(`${url}&${locked}&password=${KEY_PASSWORD}`);
    });

    it("fails as a mistake for a key that the password does not open, and shows neither", async () => {
      const url = await serve(fromServer());
      const { lockedClient } = certificates;
      const files = `certfile=${path(lockedClient.certFile)}&keyfile=${path(lockedClient.keyFile)}`;
      for (const password of ["", "&password=wr0ng-s3cret"]) {
        const error = await failure(connect(`${url}?${files}${password}`), UsageError);
        expect(error.phase).to.equal("tls");
        expect(everythingShown(error)).not.to.match(/s3cret|PRIVATE KEY/);
      }
    });

    it("fails as a mistake for a file that cannot be read, and names it", async () => {
      const url = await serve(fromServer());
      const { certFile } = certificates.client;
      for (const [name, query] of [
        ["cacertfile", "cacertfile=/no/such.pem"],
        ["certfile", "certfile=/no/such.pem"],
        ["keyfile", `certfile=${path(certFile)}&keyfile=/no/such.pem`],
      ] as const) {
        const hosts = ["a", "b"].map((hostname) => ({ hostname }));
        const error = await failure(connect(`${url}?${query}`, { hosts }), UsageError);
        expect(error.phase).to.equal("tls");
        expect(error.message).to.match(new RegExp(`^${name} in the URI .*ENOENT.*/no/such.pem`));
      }
    });

    it("reads the files anew at each connect", async () => {
      const url = await serve(fromServer());
      const { ca, otherCa, directory } = certificates;
      const renewed = join(directory, "renewed.pem");
      await copyFile(otherCa.certFile, renewed);
      await refused(`${url}?cacertfile=${path(renewed)}`, {}, /vouches/);
      await copyFile(ca.certFile, renewed);
      await works(`${url}?cacertfile=${path(renewed)}`);
    });

    it("unless an option says otherwise", async () => {
      const url = await serve(fromServer());
      const { ca, otherCa } = certificates;
      const query = `?cacertfile=${path(otherCa.certFile)}&server_name_indication=other.example.org`;
      const tls = { ca: ca.cert, servername: "localhost", rejectUnauthorized: undefined };
      await works(url + query, { tls });
      await refused(`${url}?verify=verify_none`, { tls: { rejectUnauthorized: true } }, /vouches/);
      await works(`${url}?verify=verify_none`, { tls: { rejectUnauthorized: undefined } });
      await works(`${url}?cacertfile=${path(ca.certFile)}`, { tls: true });
    });

    it("also where only the option asks for TLS, and not at all where it forbids it", async () => {
      const url = await serve(fromServer());
      const query = `?cacertfile=${path(certificates.ca.certFile)}`;
      await works(url.replace("amqps:", "amqp:") + query, { tls: true });
      await works(`amqps://127.0.0.1:${broker.port}?cacertfile=/no/such.pem`, { tls: false });
    });
  });
});

/** TLS in front of a broker that has none. */
class TlsFront {
  readonly port: number;
  /** What clients called the server; false for one that said no name. */
  readonly serverNames: (string | false)[] = [];
  /** Octets of clients that came through TLS. */
  applicationOctets = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(server: Server, brokerPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("tlsClientError", () => {}); // the client's error is what is looked at
    server.on("secureConnection", (socket) => {
      this.serverNames.push((socket as { servername?: string | false }).servername ?? false);
      const behind = connectTcp(brokerPort, "127.0.0.1");
      for (const each of [socket, behind]) {
        this.#sockets.add(each);
        each.on("error", () => {});
        each.on("close", () => this.#sockets.delete(each));
      }
      socket.on("data", ({ length }) => {
        this.applicationOctets += length;
      });
      socket.on("close", () => behind.destroy());
      behind.on("close", () => socket.destroy());
      socket.pipe(behind).pipe(socket);
    });
  }

  static async start(brokerPort: number, options: TlsOptions): Promise<TlsFront> {
    const server = createServer(options);
    server.listen(0); // localhost may be either family
    await once(server, "listening");
    return new TlsFront(server, brokerPort);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
