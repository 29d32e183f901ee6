/** The embedded broker with the option `tls`. */
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { connect as connectAmqplib } from "amqplib";
import { expect } from "chai";
import { ConnectionClosedError, ConnectionLostError, connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { failure } from "../support/environment.ts";
import { RawClient } from "./raw-client.ts";

describe("the embedded broker with TLS", () => {
  let certificates: Certificates;
  let broker: EmbeddedBroker;
  before(async () => {
    certificates = await makeCertificates();
  });
  after(() => certificates.remove());
  beforeEach(async () => {
    const { cert, key } = certificates.server;
    broker = await startBroker({ tls: { cert, key } });
  });
  afterEach(() => broker.stop());

  const trusting = (): { ca: string } => ({ ca: certificates.ca.cert });

  it("serves clients of every kind by its URL", async () => {
    expect(broker.url).to.equal(`amqps://guest:guest@127.0.0.1:${broker.port}`);
    broker.queue("q").declare();
    await using connection = await connect(broker.url, { tls: trusting() });
    const publisher = await connection.openPublisher();
    await publisher.sendToQueue("q", "x".repeat(300_000), { mandatory: true });
    const other = await connectAmqplib(broker.url, { ca: [certificates.ca.cert] });
    const channel = await other.createChannel();
    const got = await channel.get("q", { noAck: true });
    expect(got === false ? undefined : got.content.length).to.equal(300_000);
    await other.close();
  });

  it("can be restarted, and says goodbye within TLS", async () => {
    const connection = await connect(broker.url, { tls: trusting() });
    await broker.restart();
    expect(await connection.closed).to.be.an.instanceOf(ConnectionClosedError);
    await using again = await connect(broker.url, { tls: trusting() });
    await again.openChannel();
  });

  it("is not kept by those who have not come in by TLS", async () => {
    const silent = connectTcp(broker.port, "127.0.0.1");
    await once(silent, "connect");
    const half = connectTcp(broker.port, "127.0.0.1");
    half.write(Buffer.from("16030100", "hex"));
    const plain = await RawClient.connect(broker.port);
    plain.write(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    expect((await plain.untilEnd()).map(({ name }) => name)).to.include("end");
    const ends = [silent, half].map((socket) => {
      socket.on("error", () => {});
      return once(socket, "close");
    });
    await Promise.all([broker.stop(), ...ends]);
  });

  it("hangs up on clients without the certificate that they are asked for", async () => {
    const { cert, key } = certificates.server;
    const tls = { cert, key, ca: certificates.ca.cert, requestCert: true };
    await using strict = await startBroker({ tls });
    await failure(connect(strict.url, { tls: trusting() }), ConnectionLostError);
    await using connection = await connect(strict.url, {
      tls: { ...trusting(), cert: certificates.client.cert, key: certificates.client.key },
    });
    await connection.openChannel();
    expect(strict.connections).to.have.length(1);
  });

  it("turns away and cuts as without", async () => {
    broker.faults.refuseConnections({ count: 1 });
    await failure(connect(broker.url, { tls: trusting() }), ConnectionLostError);
    const connection = await connect(broker.url, { tls: trusting() });
    broker.faults.cut({ how: "reset" });
    expect(await connection.closed).to.be.an.instanceOf(ConnectionLostError);
  });

  it("ends TLS as it ends the stream", async () => {
    const socket = connectTls({ port: broker.port, host: "127.0.0.1", ...trusting() });
    const client = new RawClient(socket);
    await once(socket, "secureConnect");
    await client.handshake();
    await Promise.all([client.untilEnd(), broker.stop()]);
  });

  it("rejects with Node's error for a key that is none", async () => {
    const { cert } = certificates.server;
    const error = await failure(startBroker({ tls: { cert, key: "no key" } }), Error);
    expect(error)
      .to.have.property("code")
      .that.matches(/^ERR_OSSL/);
  });
});
