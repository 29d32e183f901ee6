import { expect } from "chai";
import {
  type AmqpError,
  type Connection,
  ConnectionLostError,
  type ConnectOptions,
  connect,
  ProtocolError,
} from "../../src/index.ts";
import { type Certificates, CLIENT_NAME, makeCertificates } from "../support/certificates.ts";
import { failure } from "../support/environment.ts";
import { freePort, integrationWithOwnNode } from "../support/rabbitmq.ts";

describe("amqps", () => {
  let certificates: Certificates;
  let port: number;
  const options = {
    // Read when the node starts, which is after before().
    get config(): string {
      const { ca, server } = certificates;
      return `
        listeners.ssl.local = 127.0.0.1:${port}
        ssl_options.cacertfile = ${ca.certFile}
        ssl_options.certfile = ${server.certFile}
        ssl_options.keyfile = ${server.keyFile}
        ssl_options.verify = verify_peer
        ssl_options.fail_if_no_peer_cert = true
      `.replaceAll(/^ +/gm, "");
    },
  };
  before(async () => {
    certificates = await makeCertificates();
    port = await freePort();
  });
  after(() => certificates.remove());

  integrationWithOwnNode("to a RabbitMQ that wants client certificates", options, (broker) => {
    const url = (hostname = "localhost"): string => `amqps://guest:guest@${hostname}:${port}`;
    const ours = (): { ca: string; cert: string; key: string } => ({
      ca: certificates.ca.cert,
      cert: certificates.client.cert,
      key: certificates.client.key,
    });

    async function works(connecting: Promise<Connection>): Promise<void> {
      await using connection = await connecting;
      const publisher = await connection.openPublisher();
      const channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await publisher.sendToQueue(queue, Buffer.alloc(200_000, 7), { mandatory: true });
      const got = await channel.basicGet(queue);
      expect(Buffer.compare(got?.body ?? new Uint8Array(), Buffer.alloc(200_000, 7))).to.equal(0);
    }

    async function refused(
      target: string,
      tls: ConnectOptions["tls"],
      says: RegExp,
    ): Promise<AmqpError> {
      const error = await failure(connect(target, { tls }), ConnectionLostError);
      expect(error.phase, error.message).to.equal("tls");
      expect(error.message).to.match(says);
      return error;
    }

    it("publishes and gets back, with every certificate in order", async () => {
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        await works(connect(url(), { tls: { ...ours(), maxVersion } }));
      }
      await works(connect(url("127.0.0.1"), { tls: ours() }));
    });

    it("is known to the broker by its certificate", async () => {
      await using connection = await connect(url(), { tls: ours() });
      await connection.openChannel();
      const listed = await broker().ctl("list_connections", "ssl", "peer_cert_subject");
      expect(listed).to.include(`true\tCN=${CLIENT_NAME}`);
    });

    it("does so with what the URI's query parameters name", async () => {
      const { ca, client } = certificates;
      const files = new URLSearchParams({
        cacertfile: ca.certFile,
        certfile: client.certFile,
        keyfile: client.keyFile,
        verify: "verify_peer",
        server_name_indication: "localhost",
      });
      await works(connect(`${url("127.0.0.1")}?${files}`));
      files.delete("cacertfile");
      files.set("verify", "verify_none");
      await works(connect(`${url("127.0.0.1")}?${files}`));
    });

    it("refuses a broker that nobody known vouches for", async () => {
      const { ca, ...ownCertificate } = ours();
      await refused(url(), ownCertificate, /vouches.*tls\.ca/);
      await refused(url(), { ...ours(), ca: certificates.otherCa.cert }, /vouches.*tls\.ca/);
      await works(connect(url(), { tls: { ...ownCertificate, rejectUnauthorized: false } }));
    });

    it("refuses a broker whose certificate is for another name", async () => {
      const tls = { ...ours(), servername: "elsewhere.example.org" };
      const error = await refused(url(), tls, /elsewhere\.example\.org.*DNS:localhost/);
      expect(error.cause).to.include({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    });

    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`says that the broker wants a client certificate (${maxVersion})`, async () => {
        const { ca } = ours();
        await refused(url(), { ca, maxVersion }, /may want a client certificate.*tls\.cert/);
      });

      it(`says that the broker does not accept the one that it got (${maxVersion})`, async () => {
        const { cert, key } = certificates.otherCa;
        const tls = { ca: certificates.ca.cert, cert, key, maxVersion };
        await refused(url(), tls, /does not accept the client certificate/);
      });
    }

    it("says that a port is for TLS, or is not", async () => {
      const plain = await failure(connect(url().replace("amqps:", "amqp:")), ProtocolError);
      expect(plain.phase).to.equal("handshake");
      expect(plain.message).to.match(/speaks TLS on this port; use amqps:/);
      const target = broker().url.replace("amqp:", "amqps:");
      await refused(target, ours(), /wrong version number.*does not speak TLS on this port/);
    });
  });
});
