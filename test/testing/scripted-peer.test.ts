import { once } from "node:events";
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { TLSSocket } from "node:tls";
import { connect as connectAmqplib } from "amqplib";
import { expect } from "chai";
import { type Connection, ConnectionLostError, connect, PublishError } from "../../src/index.ts";
import {
  encodeBody,
  encodeContent,
  encodeHeader,
  encodeHeartbeat,
  encodeMethod,
  type PeerListener,
  ScriptError,
  ScriptedPeer,
  startBroker,
} from "../../src/testing.ts";
import { failure } from "../support/environment.ts";

const HEADER = Buffer.from("414d515000000901", "hex");

describe("ScriptedPeer", () => {
  describe("as a server", () => {
    let listener: PeerListener;
    let connection: Connection | undefined;
    beforeEach(async () => {
      listener = await ScriptedPeer.listen();
    });
    afterEach(() => {
      connection?.destroy();
      return listener.close();
    });

    /** A connection of our client, with the other side of it. */
    async function open(): Promise<ScriptedPeer<"server">> {
      const [client, peer] = await Promise.all([connect(listener.url), listener.handshake()]);
      connection = client;
      return peer;
    }

    it("plays the handshake with its limits, and tells what the client said", async () => {
      const limits = { frameMax: 5000, channelMax: 7, heartbeatSeconds: 9 };
      const serverProperties = { product: "none", list: [1, 2n ** 60n] };
      const connecting = connect(`${listener.url}/v`, { heartbeatSeconds: 30 });
      const peer = await listener.accept();
      const said = await peer.handshake({ ...limits, serverProperties });
      connection = await connecting;
      expect(connection.tuning).to.deep.equal(limits);
      expect(connection.serverProperties).to.deep.equal(serverProperties);
      expect(said.startOk.mechanism).to.equal("PLAIN");
      expect(said.tuneOk).to.deep.include({ frameMax: 5000, channelMax: 7, heartbeat: 9 });
      expect(said.open.virtualHost).to.equal("v");
      expect(peer.frameMax).to.equal(5000);
      expect(peer.transcript).to.include("response: <12 octets>").and.not.include("guest");
    });

    it("confirms a publish of ours, then is gone in the middle of a frame", async () => {
      const peer = await open();
      const opening = (connection as Connection).openPublisher();
      const channel = await peer.openChannel();
      await channel.answer("confirm.select");
      const publisher = await opening;

      const first = publisher.publish("", "hello", "one", { deliveryMode: 2 });
      const { method, body, properties } = await channel.expectContent(
        "basic.publish",
        { exchange: "", routingKey: (key) => key.startsWith("hell") },
        { body: "one", properties: { deliveryMode: 2 } },
      );
      expect(method.mandatory).to.equal(false);
      expect(Buffer.from(body).toString()).to.equal("one");
      expect(properties).to.deep.equal({ deliveryMode: 2 });
      channel.send("basic.ack", { deliveryTag: 1 });
      expect(await first).to.deep.equal({ deliveryTag: 1 });

      const second = publisher.publish("", "hello", "two");
      await channel.expectContent("basic.publish");
      const ack = encodeMethod(channel.number, "basic.ack", { deliveryTag: 2 });
      peer.sendOctets(ack.subarray(0, 12));
      peer.hangUp("reset");
      const error = await failure(second, PublishError);
      expect(error.outcome).to.equal("unknown");
      expect(error.cause).to.be.an.instanceof(ConnectionLostError);
    });

    it("plays a whole conversation with amqplib", async () => {
      const connecting = connectAmqplib(listener.url);
      const peer = await listener.handshake();
      const client = await connecting;
      const opening = client.createConfirmChannel();
      const channel = await peer.openChannel();
      await channel.answer("confirm.select");
      const theirs = await opening;

      const declaring = theirs.assertQueue("q", { durable: false });
      await channel.answer("queue.declare", { queue: "q", messageCount: 3, consumerCount: 1 });
      expect(await declaring).to.deep.equal({ queue: "q", messageCount: 3, consumerCount: 1 });

      const body = Buffer.alloc(300_000, "x");
      theirs.sendToQueue("q", body, { headers: { n: 1 } });
      await channel.expectContent(
        "basic.publish",
        { routingKey: "q" },
        {
          body,
          properties: { headers: { n: 1 } },
        },
      );
      channel.send("basic.ack", { deliveryTag: 1 });
      await theirs.waitForConfirms();

      const getting = theirs.get("q", { noAck: true });
      await channel.expect("basic.get", { queue: "q", noAck: true });
      channel.sendContent("basic.get-ok", { deliveryTag: 1, routingKey: "q" }, body, { type: "t" });
      const got = await getting;
      expect(got !== false && got.content.equals(body) && got.properties.type === "t").to.equal(
        true,
      );

      const closing = client.close();
      await peer.closeHandshake();
      await closing;
    });

    it("has the same method on several channels, each by its number", async () => {
      const peer = await open();
      const [one, a] = await Promise.all([
        (connection as Connection).openChannel(),
        peer.openChannel(),
      ]);
      const [two, b] = await Promise.all([
        (connection as Connection).openChannel(),
        peer.openChannel(),
      ]);
      const calls = [two.queuePurge("second"), one.queuePurge("first")];
      // Expectations that are made together may be met in any order.
      await Promise.all([
        a.expect("queue.purge", { queue: "first" }),
        b.expect("queue.purge", { queue: "second" }),
      ]);
      a.send("queue.purge-ok", { messageCount: 1 });
      b.send("queue.purge-ok", { messageCount: 2 });
      expect(await Promise.all(calls)).to.deep.equal([{ messageCount: 2 }, { messageCount: 1 }]);
    });

    it("stops reading and reads again", async () => {
      const peer = await open();
      const [channel, ours] = await Promise.all([
        (connection as Connection).openChannel(),
        peer.openChannel(),
      ]);
      peer.pause();
      const purging = channel.queuePurge("q");
      const error = await failure(ours.expect("queue.purge", {}, { timeoutMs: 30 }), ScriptError);
      expect(error.message).to.match(/-- stopped reading$/m);
      peer.resume();
      await ours.answer("queue.purge");
      await purging;
    });

    it("rejects when nobody connects in time", async () => {
      const error = await failure(listener.accept({ timeoutMs: 20 }), ScriptError);
      expect(error.message).to.match(/waited for a client to connect, and none did in 20 ms/);
    });

    it("has clients in the order in which they came", async () => {
      const sockets = [0, 1].map(() => connectSocket(listener.port, "127.0.0.1"));
      for (const [i, socket] of sockets.entries()) {
        const peer = await listener.accept();
        socket.write(encodeMethod(i, "basic.ack"));
        expect((await peer.expect("basic.ack")).channel).to.equal(i);
        socket.destroy();
        await peer.expectEnd();
      }
    });
  });

  describe("as a client", () => {
    it("works a broker, method by method and piece by piece", async () => {
      const broker = await startBroker({ vhosts: ["/", "v"], users: { "a b": "c/d" } });
      const url = `amqp://a%20b:c%2Fd@127.0.0.1:${broker.port}/v`;
      const peer = await ScriptedPeer.connect(url);
      const { start, tune } = await peer.handshake({ frameMax: 4096 });
      expect(start.versionMinor).to.equal(9);
      expect(tune.frameMax).to.equal(131_072);
      expect(peer.frameMax).to.equal(4096);

      const channel = await peer.openChannel();
      expect(channel.number).to.equal(1);
      await channel.call("queue.declare", { queue: "q" }, "queue.declare-ok");
      channel.sendContent("basic.publish", { routingKey: "q" }, "x".repeat(10_000));
      await peer.chop(encodeContent(1, "basic.publish", { routingKey: "q" }, "tiny"), { size: 1 });
      const { method } = await channel.call("queue.purge", { queue: "q" }, "queue.purge-ok");
      expect(method.messageCount).to.equal(2);

      const second = await peer.openChannel();
      expect(second.number).to.equal(2);
      second.send("queue.declare", { queue: "absent", passive: true });
      const { method: close } = await second.expect("channel.close", { replyCode: 404 });
      expect(close.replyText).to.match(/^NOT_FOUND/);
      second.send("channel.close-ok");

      await peer.closeHandshake();
      await peer.expectEnd("end");
      await peer.close();
      await broker.stop();
    });

    it("says what it likes: a broken frame is answered with 501", async () => {
      const broker = await startBroker();
      const peer = await ScriptedPeer.connect(broker.url);
      await peer.handshake();
      await peer.chop("01 0001 00000004 003c0050 00", { at: [7, 11] });
      await peer.expect("connection.close", { replyCode: 501 });
      peer.hangUp("destroy");
      await peer.expectEnd("hung-up");
      await peer.close();
      await broker.stop();
    });

    it("rejects with the system's error where nobody listens, and for what is no amqp: URL", async () => {
      const listener = await ScriptedPeer.listen();
      await listener.close();
      const error = await failure(ScriptedPeer.connect(listener.url), Error);
      expect(error).to.have.property("code", "ECONNREFUSED");
      await failure(ScriptedPeer.connect("amqps://localhost"), TypeError);
    });
  });

  describe("over a duplex", () => {
    let peer: ScriptedPeer<"server">;
    let other: Duplex;
    let pieces: string[];
    beforeEach(() => {
      const [ours, theirs] = duplexPair();
      peer = ScriptedPeer.over(ours, "server", { timeoutMs: 1000 });
      other = theirs;
      pieces = [];
      other.on("data", (piece: Buffer) => pieces.push(piece.toString("hex")));
    });
    afterEach(() => {
      other.destroy();
      peer.stream.destroy();
    });

    it("keeps the pieces of chop() apart", async () => {
      await peer.chop("01 02 03 04 05", { size: 2 });
      await peer.chop("0a0b0c0d", { at: [1, 3, 3, 0, 99] });
      await peer.chop(new Uint8Array(0), { size: 1 });
      expect(pieces).to.deep.equal(["0102", "0304", "05", "0a", "0b0c", "0d"]);
      expect(peer.transcript).to.match(/-> .*01 02 03 04 05 \(in 3 pieces\)/);
    });

    it("refuses pieces of no octets, and octets that are no hex", async () => {
      await failure(peer.chop("00", { size: 0 }), RangeError);
      expect(() => peer.sendOctets("0")).to.throw(TypeError, 'not as "0"');
      expect(() => peer.sendOctets("hello")).to.throw(TypeError);
      expect(pieces).to.deep.equal([]);
    });

    it("stops to chop when the stream is gone", async () => {
      let writes = 0;
      const { write } = peer.stream;
      peer.stream.write = (...args: unknown[]) => {
        writes++;
        return write.apply(peer.stream, args as never);
      };
      const chopping = peer.chop(new Uint8Array(1000), { size: 1 });
      await once(other, "data");
      peer.stream.destroy();
      await chopping;
      expect(writes).to.be.within(1, 900);
    });

    it("takes what comes frame by frame", async () => {
      other.write(HEADER);
      other.write(encodeHeartbeat());
      other.write(
        encodeContent(3, "basic.publish", { routingKey: "k" }, "abcdef", { type: "t" }, 12),
      );
      await peer.expectProtocolHeader();
      await peer.expectHeartbeat();
      const { octets } = await peer.expect("basic.publish", { routingKey: "k" }, { channel: 3 });
      expect(Buffer.from(octets).toString("hex")).to.equal(
        "01" + "0003" + "0000000a" + "003c0028" + "0000" + "00" + "016b" + "00" + "ce",
      );
      const header = await peer.expectHeader({ type: "t" }, { bodySize: 6, channel: 3 });
      expect(header.bodySize).to.equal(6);
      await peer.expectBody("abcd");
      await peer.expectBody((body) => body.length === 2);
      await peer.close();
    });

    it("passes over heartbeats that nobody waits for", async () => {
      other.write(encodeHeartbeat());
      other.write(encodeMethod(1, "tx.select"));
      other.write(encodeHeartbeat());
      await peer.channel(1).expect("tx.select");
      await peer.close();
    });

    it("gives whatever comes", async () => {
      other.write(encodeHeartbeat());
      other.write(encodeMethod(1, "tx.select"));
      other.end();
      expect((await peer.receive()).kind).to.equal("heartbeat");
      expect(await peer.receive()).to.deep.include({ kind: "method", channel: 1 });
      expect(await peer.receive()).to.deep.include({ kind: "end", how: "end" });
    });

    it("takes contents of two channels that are mixed", async () => {
      const frames = [1, 2].map((channel) => [
        encodeMethod(channel, "basic.publish", { routingKey: `k${channel}` }),
        encodeHeader(channel, 2),
        encodeBody(channel, "ab"),
      ]);
      const mixed = [0, 1, 2].flatMap((i) => frames.map((of) => of[i] as Uint8Array));
      other.write(Buffer.concat(mixed));
      const [one, two] = await Promise.all([
        peer.channel(1).expectContent("basic.publish", {}, { body: "ab" }),
        peer.channel(2).expectContent("basic.publish", {}, { body: "ab" }),
      ]);
      expect([one.method.routingKey, two.method.routingKey]).to.deep.equal(["k1", "k2"]);
    });

    it("gives what is there to whichever of the expectations made together wants it", async () => {
      other.write(encodeMethod(1, "tx.select"));
      other.write(encodeMethod(2, "tx.commit"));
      while (peer.unexpected.length < 2) await new Promise((resolve) => setImmediate(resolve));
      const select = peer.channel(1);
      await Promise.all([peer.channel(2).expect("tx.commit"), select.expect("tx.select")]);
    });

    it("takes octets that are no frames, however they come", async () => {
      other.write("GET / HTTP/1.1\r\n");
      await peer.expectOctets(Buffer.from("GET / "));
      await peer.expectOctets(Buffer.from("HTTP"));
      other.write("\r\n");
      await peer.expectOctets(Buffer.from("/1.1\r\n\r\n"));
      await peer.close();
    });

    it("takes frames as octets", async () => {
      other.write(encodeMethod(1, "tx.select"));
      other.write(encodeHeartbeat());
      await peer.expectOctets("01 0001 00000004 005a000a ce  08 0000 00000000 ce");
    });

    it("sends heartbeats, headers and methods without a channel of their own", async () => {
      peer.sendHeartbeat();
      peer.sendProtocolHeader("414d5150 00010000");
      peer.send("connection.open-ok");
      expect(() => peer.send("channel.open-ok")).to.throw(TypeError, "peer.channel(1).send");
      await new Promise((resolve) => setImmediate(resolve));
      expect(pieces.join("")).to.equal(
        "080000000000" + "00ce" + "414d515000010000" + "0100000000000500" + "0a002900ce",
      );
    });

    it("sends nothing after it has hung up", async () => {
      peer.hangUp();
      expect(() => peer.sendHeartbeat()).to.throw("hung up");
      await failure(peer.chop("00", { size: 1 }), Error);
      other.write(encodeMethod(1, "tx.select"));
      await peer.channel(1).expect("tx.select");
    });

    it("destroys what cannot be reset: TLS, pipes, pairs", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const client = connectSocket((server.address() as AddressInfo).port);
      const [socket] = (await once(server, "connection")) as [Socket];
      const gone = once(client, "close");
      const overTls = ScriptedPeer.over(new TLSSocket(socket, { isServer: true }), "server");
      client.on("error", () => {}).resume();
      overTls.hangUp("reset");
      peer.hangUp("reset");
      await Promise.all([gone, overTls.expectEnd("hung-up"), peer.expectEnd("hung-up")]);
      server.close();
    });

    it("has no reply to answer where the specification has none", async () => {
      await failure(peer.channel(1).answer("basic.ack"), TypeError);
    });

    it("takes deadlines that a timer can keep, and no others", async () => {
      for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
        expect(() => ScriptedPeer.over(other, "client", { timeoutMs })).to.throw(RangeError);
        await failure(ScriptedPeer.listen({ timeoutMs }), RangeError);
        await failure(peer.expectHeartbeat({ timeoutMs }), RangeError);
      }
    });
  });
});
