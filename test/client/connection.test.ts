import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  type AmqpError,
  ChannelClosedError,
  type Connection,
  ConnectionClosedError,
  ConnectionLostError,
  connect,
  ProtocolError,
  PublishError,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import { everythingShown, failure, stillPending, until, within } from "../support/environment.ts";
import {
  openChannel,
  openConfirmChannel,
  openPublisher,
  useScriptedServer,
} from "../support/scripted-server.ts";

describe("Connection", () => {
  const server = useScriptedServer();

  /** The events of a connection from here on, as they come. */
  function eventsOf(connection: Connection): unknown[][] {
    const events: unknown[][] = [];
    for (const name of ["blocked", "unblocked", "close"] as const) {
      connection.on(name, (...args: unknown[]) => events.push([name, ...args]));
    }
    return events;
  }

  describe("close()", () => {
    it("says goodbye and waits for the answer", async () => {
      const { connection, peer } = await server().connect();
      const events = eventsOf(connection);
      const closing = connection.close();
      const { method } = await peer.expect("connection.close");
      expect(method).to.include({ replyCode: 200, classId: 0, methodId: 0 });
      await stillPending(closing);
      expect(events).to.deep.equal([]);
      peer.send(0, { name: "connection.close-ok" });
      await closing;
      expect(await connection.closed).to.equal(undefined);
      expect(events).to.deep.equal([["close", undefined]]);
      await peer.expectEnd();
    });

    it("is the same promise when called again", async () => {
      const { connection, peer } = await server().connect();
      const closing = connection.close();
      expect(connection.close({ timeoutMs: 1 })).to.equal(closing);
      await peer.acceptClose();
      await closing;
      expect(connection.close()).to.equal(closing);
      await connection[Symbol.asyncDispose]();
      expect(peer.waiting).to.deep.equal([]);
    });

    it("waits for the confirms of publishers and channels first", async () => {
      const { connection, peer } = await server().connect();
      const { publisher, number } = await openPublisher(connection, peer);
      const { channel, number: other } = await openConfirmChannel(connection, peer);
      const published = publisher.publish("", "q", "1");
      channel.basicPublish("", "q", "2");
      await peer.expectPublishes(2);
      const closing = connection.close();
      await stillPending(closing);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(number, 1);
      await published;
      await peer.acceptChannelClose();
      await stillPending(closing);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(other, 1);
      await peer.acceptChannelClose();
      await peer.acceptClose();
      await closing;
      await channel.waitForConfirms();
      expect(await publisher.closed).to.equal(undefined);
      expect(await channel.closed).to.equal(undefined);
    });

    it("stops accepting at once", async () => {
      const { connection, peer } = await server().connect();
      const { publisher, number } = await openPublisher(connection, peer);
      const { channel } = await openConfirmChannel(connection, peer);
      const first = publisher.publish("", "q", "1");
      await peer.expectPublishes(1);
      const closing = connection.close();
      const late = await failure(publisher.publish("", "q", "2"), PublishError);
      expect(late).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
      expect(late.cause).to.be.instanceOf(ChannelClosedError);
      expect(() => channel.basicPublish("", "q", "2")).to.throw(ChannelClosedError);
      for (const open of [connection.openChannel(), connection.openPublisher()]) {
        const error = await within(500, failure(open, ConnectionClosedError));
        expect(error.replyCode).to.equal(200);
      }
      await peer.acceptChannelClose();
      peer.ack(number, 1);
      await first;
      await peer.acceptChannelClose();
      await peer.acceptClose();
      await closing;
    });

    it("gives up at its deadline, and still resolves", async () => {
      const { connection, peer } = await server().connect();
      const { publisher } = await openPublisher(connection, peer);
      const published = failure(publisher.publish("", "q", "1"), PublishError);
      await peer.expectPublishes(1);
      await within(1_000, connection.close({ timeoutMs: 50 }));
      const error = await published;
      expect(error.outcome).to.equal("unknown");
      const lost = (await connection.closed) as AmqpError;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(lost.cause).to.be.instanceOf(TimeoutError);
      await peer.expectEnd();
    });

    it("has a deadline of its own, also when told undefined", async () => {
      const { connection } = await server().connect({ closeTimeoutMs: 50 });
      await within(1_000, connection.close({ timeoutMs: undefined, signal: undefined }));
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    });

    it("gives up when its signal fires", async () => {
      const { connection, peer } = await server().connect();
      const controller = new AbortController();
      const closing = connection.close({ signal: controller.signal });
      await peer.expect("connection.close");
      controller.abort();
      await within(500, closing);
      expect(((await connection.closed) as AmqpError).cause).to.be.instanceOf(AbortError);
      expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
    });

    it("gives up at once when its signal had fired before", async () => {
      const { connection, peer } = await server().connect();
      await within(500, connection.close({ signal: AbortSignal.abort() }));
      expect(await within(500, connection.closed)).to.be.instanceOf(ConnectionLostError);
      await peer.expectEnd();
    });

    it("refuses a deadline that is none, and stays open", async () => {
      const { connection, peer } = await server().connect();
      for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5" as never]) {
        await failure(connection.close({ timeoutMs }), UsageError);
      }
      await openChannel(connection, peer);
    });

    it("gets on with a server that closes at the same moment", async () => {
      const { connection, peer } = await server().connect();
      const closing = connection.close();
      await peer.expect("connection.close");
      peer.closeConnection(320, "CONNECTION_FORCED");
      await peer.expect("connection.close-ok");
      peer.send(0, { name: "connection.close-ok" });
      await within(500, closing);
      expect(await connection.closed).to.equal(undefined);
    });

    it("does not wait for a server that hangs up instead of answering", async () => {
      const { connection, peer } = await server().connect();
      const closing = connection.close();
      await peer.expect("connection.close");
      peer.reset();
      await within(500, closing);
    });

    it("resolves when the connection is gone already", async () => {
      const { connection, peer } = await server().connect();
      peer.reset();
      await connection.closed;
      await within(500, connection.close());
      await within(500, connection.close());
    });

    it("comes with `await using`", async () => {
      const connecting = connect(server().url);
      const peer = await server().accept();
      await peer.handshake();
      const done = (async () => {
        await using connection = await connecting;
        await using channel = await connection.openChannel();
        await using publisher = await connection.openPublisher();
        expect(publisher.unconfirmed).to.equal(0);
        return [connection, channel, publisher] as const;
      })();
      await peer.acceptChannel();
      const number = await peer.acceptChannel();
      await peer.expect("confirm.select");
      peer.send(number, { name: "confirm.select-ok" });
      await peer.acceptChannelClose();
      await peer.acceptChannelClose();
      await peer.acceptClose();
      for (const each of await done) expect(await each.closed).to.equal(undefined);
    });
  });

  describe("destroy()", () => {
    it("ends it now, without a word", async () => {
      const { connection, peer } = await server().connect();
      const { publisher } = await openPublisher(connection, peer);
      const { channel } = await openChannel(connection, peer);
      const events = eventsOf(connection);
      const reason = new Error("a test");
      const calling = failure(channel.queueDeclare("q"), ConnectionLostError);
      const sent = failure(publisher.publish("", "q", "1"), PublishError);
      await peer.expect("queue.declare");
      await peer.expectPublishes(1);
      const unsent = failure(publisher.publish("", "q", "2"), PublishError);
      connection.destroy(reason);
      const lost = (await connection.closed) as AmqpError;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(lost.code).to.equal("ERR_AMQP_CONNECTION_LOST");
      expect(lost.cause).to.equal(reason);
      expect(await calling).to.equal(lost);
      expect(await sent).to.include({ outcome: "unknown", cause: lost });
      expect(await unsent).to.include({ outcome: "unsent", cause: lost });
      expect(await channel.closed).to.equal(lost);
      expect(await publisher.closed).to.equal(lost);
      expect(events).to.deep.equal([["close", lost]]);
      await peer.expectEnd();
    });

    it("may be called at any time, and again", async () => {
      const { connection } = await server().connect();
      const closing = connection.close();
      connection.destroy();
      connection.destroy(new Error("again"));
      await within(500, closing);
      const lost = (await connection.closed) as AmqpError;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(lost.cause).to.equal(undefined);
      connection.destroy();
    });
  });

  describe("that ends by itself", () => {
    it("gives the server's reason", async () => {
      const { connection, peer } = await server().connect();
      const { publisher } = await openPublisher(connection, peer);
      const events = eventsOf(connection);
      const sent = failure(publisher.publish("", "q", "1"), PublishError);
      await peer.expectPublishes(1);
      peer.closeConnection(320, "CONNECTION_FORCED - broker forced it", "basic.publish");
      await peer.expect("connection.close-ok");
      const closed = await connection.closed;
      expect(closed).to.be.instanceOf(ConnectionClosedError);
      expect(closed).to.include({
        code: "ERR_AMQP_CONNECTION_CLOSED",
        replyCode: 320,
        replyText: "CONNECTION_FORCED - broker forced it",
        method: "basic.publish",
      });
      expect((closed as AmqpError).phase).to.equal(undefined);
      expect(events).to.deep.equal([["close", closed]]);
      expect(await sent).to.include({ outcome: "unknown", cause: closed });
      await peer.expectEnd();
    });

    it("prefers the server's reason to the reset that follows", async () => {
      const { connection, peer } = await server().connect();
      peer.closeConnection(541, "INTERNAL_ERROR");
      await connection.closed;
      peer.reset();
      expect(await connection.closed).to.include({ replyCode: 541 });
    });

    it("gives the error of the network", async () => {
      const { connection, peer } = await server().connect();
      peer.reset();
      const lost = (await connection.closed) as AmqpError;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(lost.cause).to.include({ code: "ECONNRESET" });
    });

    it("takes the server's end of the stream for the end", async () => {
      const { connection, peer } = await server().connect();
      peer.end();
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
      await peer.expectEnd();
    });

    it("refuses everything afterwards, with the reason", async () => {
      const { connection, peer } = await server().connect();
      const { channel } = await openChannel(connection, peer);
      peer.reset();
      const lost = await connection.closed;
      expect(await failure(connection.openChannel())).to.equal(lost);
      expect(await failure(connection.openPublisher())).to.equal(lost);
      expect(await failure(connection.updateSecret("x"))).to.equal(lost);
      expect(await failure(channel.queueDeclare("q"))).to.equal(lost);
      expect(() => channel.basicPublish("", "q", "")).to.throw(ConnectionLostError);
      expect(() => channel.basicAck(1)).to.throw(ConnectionLostError);
      await within(500, channel.close());
    });

    it("leaves a signal alone that was given to what could not be opened", async () => {
      const { connection } = await server().connect();
      connection.destroy();
      const controller = new AbortController();
      await failure(connection.openChannel(controller), ConnectionLostError);
      await failure(connection.openPublisher(controller), ConnectionLostError);
      expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
      controller.abort();
    });

    it("notices silence: two heartbeats without a word", async () => {
      const { connection, peer } = await server().connect(
        { heartbeatSeconds: 1 },
        { heartbeatSeconds: 60 },
      );
      const start = Date.now();
      expect(await peer.next({ heartbeats: true })).to.include({ name: "heartbeat", channel: 0 });
      const lost = await connection.closed;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect((lost as AmqpError).message).to.match(/2 seconds/);
      expect(Date.now() - start).to.be.within(1_900, 3_000);
    });
  });

  describe("at octets that are not AMQP", () => {
    const GARBAGE: readonly (readonly [what: string, octets: string, replyCode: number])[] = [
      ["text", "HTTP/1.1 200 OK\r\n", 501],
      ["a frame over the negotiated size", "hex:01 0001 00100000", 501],
      ["a frame that does not end", "hex:08 0000 00000000 00", 501],
      ["an unknown method", "hex:01 0000 00000004 00990099 ce", 503],
      ["a method that is cut off", "hex:01 0000 00000006 000a0032 0001 ce", 501],
      ["a channel that is not open", "hex:01 0007 00000004 0014000b ce", 504],
      ["content on channel 0", "hex:03 0000 00000001 00 ce", 504],
      ["a heartbeat on a channel", "hex:08 0001 00000000 ce", 505],
      ["an answer to nothing", "hex:01 0001 00000004 0028000b ce", 503],
      ["a client's method", "hex:01 0000 00000004 000a0033 ce 01 0000 00000004 000a0033 ce", 503],
    ];
    for (const [what, octets, replyCode] of GARBAGE) {
      it(`ends with a ProtocolError: ${what}`, async () => {
        const { connection, peer } = await server().connect();
        const { publisher } = await openPublisher(connection, peer);
        const sent = failure(publisher.publish("", "q", "1"), PublishError);
        await peer.expectPublishes(1);
        peer.write(octets);
        const closed = await within(500, connection.closed);
        expect(closed).to.be.instanceOf(ProtocolError);
        expect(closed).to.include({ replyCode, code: "ERR_AMQP_PROTOCOL" });
        expect(await sent).to.include({ outcome: "unknown", cause: closed });
        const { method } = await peer.expect("connection.close");
        expect(method.replyCode).to.equal(replyCode);
        await peer.expectEnd();
      });
    }

    it("does not hold a frame over the size: it need not even arrive", async () => {
      const { connection, peer } = await server().connect({ frameMax: 4096 });
      peer.write("hex:01 0000 00000ff9");
      const closed = await within(500, connection.closed);
      expect(closed).to.include({ expected: "at most 4096 octets", got: "4097" });
    });
  });

  describe("that the broker has blocked", () => {
    it("tells when and why", async () => {
      const { connection, peer } = await server().connect();
      const events = eventsOf(connection);
      expect(connection.blockedReason).to.equal(undefined);
      peer.send(0, { name: "connection.blocked", reason: "low on memory" });
      await until(() => events.length === 1);
      expect(connection.blockedReason).to.equal("low on memory");
      peer.send(0, { name: "connection.unblocked" });
      await until(() => events.length === 2);
      expect(connection.blockedReason).to.equal(undefined);
      expect(events).to.deep.equal([["blocked", "low on memory"], ["unblocked"]]);
    });

    it("lets publishes wait, with their deadlines, and sends them afterwards", async () => {
      const { connection, peer } = await server().connect();
      const { publisher, number } = await openPublisher(connection, peer);
      peer.send(0, { name: "connection.blocked", reason: "" });
      await until(() => connection.blockedReason !== undefined);
      const published = publisher.publish("", "q", "1", { timeoutMs: 40 });
      const ready = publisher.ready();
      await stillPending(published, 100);
      await stillPending(ready);
      expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([1, 0]);
      expect(peer.waiting).to.deep.equal([]);
      peer.send(0, { name: "connection.unblocked" });
      await peer.expectPublishes(1);
      await ready;
      peer.ack(number, 1);
      expect(await published).to.deep.equal({ deliveryTag: 1 });
    });

    it("has a signal as the hard bound", async () => {
      const { connection, peer } = await server().connect();
      const { publisher } = await openPublisher(connection, peer);
      peer.send(0, { name: "connection.blocked", reason: "" });
      await until(() => connection.blockedReason !== undefined);
      const signal = AbortSignal.timeout(30);
      const error = await failure(publisher.publish("", "q", "1", { signal }), PublishError);
      expect(error.outcome).to.equal("unsent");
      expect(error.cause).to.be.instanceOf(AbortError);
      expect(publisher.queued).to.equal(0);
    });

    it("does not hold up a close() when the connection was lost meanwhile", async () => {
      const { connection, peer } = await server().connect();
      peer.send(0, { name: "connection.blocked", reason: "x" });
      await until(() => connection.blockedReason !== undefined);
      peer.reset();
      await connection.closed;
      await within(1000, connection.close());
    });

    it("waits with close() for what is queued, up to its deadline", async () => {
      const { connection, peer } = await server().connect();
      const { publisher } = await openPublisher(connection, peer);
      const sent = failure(publisher.publish("", "q", "0"), PublishError);
      await peer.expectPublishes(1);
      peer.send(0, { name: "connection.blocked", reason: "" });
      await until(() => connection.blockedReason !== undefined);
      const queued = failure(publisher.publish("", "q", "1"), PublishError);
      const closing = connection.close({ timeoutMs: 80 });
      await stillPending(closing);
      expect(peer.waiting).to.deep.equal([]);
      await within(1_000, closing);
      expect((await sent).outcome).to.equal("unknown");
      expect((await queued).outcome).to.equal("unsent");
    });
  });

  describe("openChannel()", () => {
    it("gives each channel a number of its own", async () => {
      const { connection, peer } = await server().connect();
      const numbers: number[] = [];
      for (let i = 0; i < 3; i++) numbers.push((await openChannel(connection, peer)).number);
      expect(numbers).to.deep.equal([1, 2, 3]);
    });

    it("refuses one more than channel-max, as a mistake, and goes on", async () => {
      const { connection, peer } = await server().connect({ channelMax: 1 });
      const { channel } = await openChannel(connection, peer);
      const controller = new AbortController();
      const error = await failure(connection.openChannel(controller), UsageError);
      expect(error.message).to.match(/all 1 channels/);
      expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
      await Promise.all([channel.close(), peer.acceptChannelClose()]);
      await openChannel(connection, peer);
    });

    it("is not taken down by a signal that fires before the answer", async () => {
      const { connection, peer } = await server().connect();
      for (const open of [
        (signal: AbortSignal) => connection.openChannel({ signal }),
        (signal: AbortSignal) => connection.openPublisher({ signal }),
      ]) {
        const controller = new AbortController();
        const failed = failure(open(controller.signal), AbortError);
        const { channel } = await peer.expect("channel.open");
        controller.abort(new Error("no patience"));
        expect((await failed).cause).to.include({ message: "no patience" });
        await peer.expect("channel.close");
        peer.send(channel, { name: "channel.open-ok" });
        peer.send(channel, { name: "channel.close-ok" });
        await openChannel(connection, peer);
        expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
      }
      await failure(connection.openChannel({ signal: AbortSignal.abort() }), AbortError);
      expect(peer.waiting).to.deep.equal([]);
    });

    it("is not taken down by a signal that fires at confirm.select", async () => {
      const { connection, peer } = await server().connect();
      const controller = new AbortController();
      const failed = failure(connection.openPublisher(controller), AbortError);
      const number = await peer.acceptChannel();
      await peer.expect("confirm.select");
      controller.abort();
      await failed;
      peer.send(number, { name: "confirm.select-ok" });
      await peer.acceptChannelClose();
      await openChannel(connection, peer);
    });

    it("does not listen to the signal once it is open", async () => {
      const { connection, peer } = await server().connect();
      const controller = new AbortController();
      const [publisher] = await Promise.all([
        connection.openPublisher(controller),
        peer.acceptChannel().then(async (number) => {
          await peer.expect("confirm.select");
          peer.send(number, { name: "confirm.select-ok" });
        }),
      ]);
      controller.abort();
      await stillPending(publisher.closed);
    });

    it("rejects where the broker closes the channel instead", async () => {
      const { connection, peer } = await server().connect();
      const failed = failure(connection.openChannel(), ChannelClosedError);
      const { channel } = await peer.expect("channel.open");
      peer.closeChannel(channel, 403, "ACCESS_REFUSED", "channel.open");
      expect(await failed).to.include({ replyCode: 403, method: "channel.open" });
      await peer.expect("channel.close-ok");
    });
  });

  describe("updateSecret()", () => {
    it("gives the broker the new secret", async () => {
      const { connection, peer } = await server().connect();
      for (const secret of ["t0ken", Buffer.from("t0ken")]) {
        const updating = connection.updateSecret(secret, "expired");
        const { method } = await peer.expect("connection.update-secret");
        expect(Buffer.from(method.newSecret).toString()).to.equal("t0ken");
        expect(method.reason).to.equal("expired");
        await stillPending(updating, 10);
        peer.send(0, { name: "connection.update-secret-ok" });
        await updating;
      }
    });

    it("shows it nowhere", async () => {
      const { connection, peer } = await server().connect();
      const mistake = await failure(connection.updateSecret("t0ken", "x".repeat(256)), UsageError);
      const refused = failure(connection.updateSecret("t0ken"), ConnectionClosedError);
      await peer.expect("connection.update-secret");
      peer.closeConnection(530, "NOT_ALLOWED", "connection.update-secret");
      for (const error of [mistake, await refused]) {
        expect(everythingShown(error)).not.to.include("t0ken");
      }
    });
  });

  it("shows no password, whatever is inspected", async () => {
    const connecting = connect(`amqp://user:s3cret@127.0.0.1:${server().port}`, {
      clientProperties: { a: 1 },
    });
    const peer = await server().accept();
    await peer.handshake();
    const connection = await connecting;
    const { channel } = await openChannel(connection, peer);
    const { publisher } = await openPublisher(connection, peer);
    for (const each of [connection, channel, publisher]) {
      expect(everythingShown(each)).not.to.include("s3cret");
    }
    connection.destroy(new Error("a test"));
    expect(everythingShown(await connection.closed)).not.to.include("s3cret");
    expect(everythingShown(connection)).not.to.include("s3cret");
  });

  it("never has an 'error' event", async () => {
    const { connection, peer } = await server().connect();
    const { channel } = await openChannel(connection, peer);
    const errors: unknown[] = [];
    for (const emitter of [connection, channel]) {
      (emitter as NodeJS.EventEmitter).on("error", (error) => errors.push(error));
    }
    peer.write("garbage");
    await connection.closed;
    await channel.closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).to.deep.equal([]);
  });
});
