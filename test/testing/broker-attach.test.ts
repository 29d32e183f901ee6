/** Clients that come to the embedded broker over a stream of their own. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { duplexPair } from "node:stream";
import { createServer } from "node:tls";
import { connect as connectAmqplib } from "amqplib";
import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { ConnectionClosedError, connect } from "../../src/index.ts";
import { type EmbeddedBroker, ScriptedPeer, startBroker } from "../../src/testing.ts";
import { makeCertificates } from "../support/certificates.ts";

describe("the embedded broker over a stream", () => {
  let broker: EmbeddedBroker;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(() => broker.stop());

  async function attached(): Promise<ScriptedPeer<"client">> {
    const [ours, theirs] = duplexPair();
    broker.attach(theirs);
    const peer = ScriptedPeer.over(ours, "client");
    await peer.handshake();
    return peer;
  }

  it("needs no network, and has the same connections, faults and ends", async () => {
    const peer = await attached();
    expect(broker.connections).to.have.length(1);
    expect(broker.connections[0]).to.include({ name: "a stream", user: "guest" });
    const channel = await peer.openChannel();
    await channel.call("queue.declare", { queue: "q" }, "queue.declare-ok");
    await channel.call("confirm.select", {}, "confirm.select-ok");
    broker.faults.split();
    broker.faults.nack();
    channel.sendContent("basic.publish", { routingKey: "q" }, "hi");
    await channel.expect("basic.nack", { deliveryTag: 1 });
    await peer.closeHandshake();
    await broker.waitForConnections(0);
  });

  it("notices who hangs up, and cuts with an end and with a reset", async () => {
    (await attached()).hangUp();
    await broker.waitForConnections(0);
    const ended = await attached();
    broker.faults.cut();
    await ended.expectEnd("end");
    ended.hangUp();
    await attached();
    broker.faults.cut({ how: "reset" });
    await broker.waitForConnections(0);
  });

  it("says goodbye to all when it stops, and takes nobody any more", async () => {
    const peer = await attached();
    await Promise.all([peer.expect("connection.close", { replyCode: 320 }), broker.stop()]);
    const [, late] = duplexPair();
    expect(() => broker.attach(late)).to.throw(UsageError, "the broker is down");
  });

  it("serves clients of TLS", async () => {
    const { ca, server: issued, remove } = await makeCertificates();
    const server = createServer({ key: issued.key, cert: issued.cert }, (socket) =>
      broker.attach(socket),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `amqps://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}`;
    broker.queue("q").declare();
    const connection = await connect(url, { tls: { ca: ca.cert } });
    const publisher = await connection.openPublisher();
    await publisher.sendToQueue("q", "x".repeat(300_000), { mandatory: true });
    const peer = await connectAmqplib(url, { ca: [ca.cert] });
    peer.on("error", () => {});
    expect(broker.connections).to.have.length(2);
    await Promise.all([once(peer, "close"), broker.stop()]);
    expect(await connection.closed).to.be.an.instanceOf(ConnectionClosedError);
    server.close();
    await remove();
  });
});
