import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { expect } from "chai";
import {
  type AmqpError,
  ConnectionLostError,
  type ConnectOptions,
  connect,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import {
  everythingShown,
  failure,
  type SelfSigned,
  selfSignedCertificate,
  within,
} from "../support/environment.ts";
import { openPublisher, Peer, useScriptedServer } from "../support/scripted-server.ts";

describe("amqps", () => {
  const plainServer = useScriptedServer();
  let certificate: SelfSigned;
  let server: Server;
  let url: string;
  let sockets: TLSSocket[];
  let accepted: Promise<Peer>;

  before(async () => {
    certificate = await selfSignedCertificate();
  });
  beforeEach(async () => {
    sockets = [];
    server = createServer({ ...certificate, requestCert: true, rejectUnauthorized: false });
    server.on("tlsClientError", () => {}); // the client's error is what is looked at
    accepted = once(server, "secureConnection").then(([socket]) => {
      sockets.push(socket as TLSSocket);
      return new Peer(socket as TLSSocket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `amqps://user:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });

  async function refused(connecting: Promise<unknown>, says: RegExp): Promise<AmqpError> {
    const error = await within(1_500, failure(connecting, ConnectionLostError));
    expect(error.phase).to.equal("tls");
    expect(error.message)
      .to.match(/no TLS session/)
      .and.to.match(says);
    expect(everythingShown(error)).not.to.include("s3cret");
    return error;
  }

  it("refuses a certificate that nobody vouches for", async () => {
    const error = await refused(connect(url), /self-signed certificate/);
    expect(error.cause).to.include({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  });

  it("refuses one for another host", async () => {
    const tls = { ca: certificate.cert, servername: "other.example.org" };
    const error = await refused(connect(url, { tls }), /other\.example\.org/);
    expect(error.cause).to.include({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  it("takes one that the options vouch for, and publishes over it", async () => {
    const connecting = connect(url, { tls: { ca: certificate.cert } });
    const peer = await accepted;
    await peer.handshake();
    const connection = await connecting;
    const { publisher, number } = await openPublisher(connection, peer);
    const body = Buffer.alloc(300_000, 7);
    const published = publisher.publish("", "q", body);
    const [sent] = await peer.expectPublishes(1);
    expect(Buffer.compare(sent?.body ?? new Uint8Array(), body)).to.equal(0);
    peer.ack(number, 1);
    expect(await published).to.deep.equal({ deliveryTag: 1 });
    const closing = connection.close();
    await peer.acceptChannelClose();
    await peer.acceptClose();
    await closing;
  });

  it("names the host to the server, and shows a client certificate when it has one", async () => {
    const { port } = server.address() as AddressInfo;
    const connecting = connect({
      hostname: "localhost",
      port,
      tls: { ca: certificate.cert, cert: certificate.cert, key: certificate.key },
    });
    const peer = await accepted;
    await peer.handshake();
    const socket = sockets[0] as TLSSocket & { servername?: string };
    expect(socket.servername).to.equal("localhost");
    expect(socket.getPeerCertificate().subject?.CN).to.equal("localhost");
    (await connecting).destroy();
  });

  it("refuses a peer that does not speak TLS", async () => {
    const connecting = connect(plainServer().url.replace("amqp:", "amqps:"));
    const peer = await plainServer().accept();
    peer.write("AMQP\0\0\x09\x01");
    await refused(connecting, /127\.0\.0\.1/);
  });

  it("refuses a peer that hangs up", async () => {
    const connecting = connect(plainServer().url.replace("amqp:", "amqps:"));
    (await plainServer().accept()).end();
    await refused(connecting, /disconnected|ECONNRESET/);
  });

  it("gives up a peer that says nothing, and a name that is not resolved", async () => {
    const silent = connect(plainServer().url.replace("amqp:", "amqps:"), { connectTimeoutMs: 50 });
    expect((await failure(silent, TimeoutError)).phase).to.equal("tls");
    const unresolved = connect({
      hostname: "broker.example.org",
      tls: { lookup: () => {} },
      connectTimeoutMs: 50,
    });
    expect((await failure(unresolved, TimeoutError)).phase).to.equal("resolve");
  });

  it("fails in its own words for TLS options that are none", async () => {
    const nonsense: readonly ConnectOptions["tls"][] = [
      { cert: "no certificate" },
      { ca: "x", key: "s3cret" },
      { ciphers: "NO-SUCH-CIPHER" },
      { minVersion: "TLSv9" as "TLSv1.2" },
    ];
    for (const tls of nonsense) {
      const error = await failure(connect(url, { tls }), UsageError);
      expect(error.phase, JSON.stringify(tls)).to.equal("tls");
      expect(everythingShown(error)).not.to.include("s3cret");
    }
  });
});
