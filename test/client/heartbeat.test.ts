import { expect } from "chai";
import { type AmqpError, ConnectionLostError, PublishError } from "../../src/index.ts";
import { LAST_LOOK_MS } from "../../src/protocol/heartbeat.ts";
import { failure } from "../support/environment.ts";
import { openChannel, openConfirmChannel, openPublisher } from "../support/scripted-server.ts";
import { VirtualLine } from "../support/virtual-line.ts";

const SECOND = 1000;
const INTERVAL = 10 * SECOND;
const HALF = INTERVAL / 2;
/** When a peer that has said nothing since time 0 is given up. */
const LOST = 2 * INTERVAL + LAST_LOOK_MS;
const HOUR = 3600 * SECOND;

/** A connection in virtual time with heartbeats of ten seconds, proposed by both sides. */
function connectVirtually(ours = 10, theirs = 10): ReturnType<typeof VirtualLine.connect> {
  return VirtualLine.connect({ heartbeatSeconds: ours }, { heartbeatSeconds: theirs });
}

/** The times between one and the next. */
function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] as number));
}

describe("heartbeats", () => {
  describe("that we send", () => {
    it("come after half an interval in which we say nothing, on the millisecond", async () => {
      const { line, peer } = await connectVirtually();
      line.every(HALF, () => peer.heartbeat());
      await line.pass(60 * SECOND);
      const expected = Array.from({ length: 12 }, (_, i) => (i + 1) * HALF);
      expect(line.heartbeatsAt).to.deep.equal(expected);
      expect(line.state).to.equal("open");
    });

    it("come although the broker talks all the time, and we only listen", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { channel, number } = await line.run(openChannel(connection, peer));
      const returns: unknown[] = [];
      channel.on("return", (message) => returns.push(message));
      line.every(100, () =>
        peer.sendContent(
          number,
          { name: "basic.return", replyCode: 312, replyText: "", exchange: "", routingKey: "k" },
          "x",
        ),
      );
      await line.pass(60 * SECOND);
      expect(returns).to.have.length(600);
      expect(line.heartbeatsAt).to.have.length(12);
      expect(new Set(gaps(line.heartbeatsAt))).to.deep.equal(new Set([HALF]));
    });

    it("come between publishes that are further apart than that, counted from the last", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { channel } = await line.run(openChannel(connection, peer));
      line.every(HALF, () => peer.heartbeat());
      line.every(7 * SECOND, () => channel.basicPublish("", "q", "x"));
      await line.pass(30 * SECOND);
      expect(line.heartbeatsAt.map((at) => at / SECOND)).to.deep.equal([5, 12, 19, 26]);
      const writes = line.written.map(({ at }) => at);
      expect(Math.max(...gaps(writes))).to.equal(HALF);
    });

    it("are spared while we publish", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { channel } = await line.run(openChannel(connection, peer));
      line.every(HALF, () => peer.heartbeat());
      line.every(HALF - 1, () => channel.basicPublish("", "q", "x"));
      await line.pass(120 * SECOND);
      expect(line.heartbeatsAt).to.deep.equal([]);
      expect(line.state).to.equal("open");
    });

    it("go on while publishes wait for a confirm that does not come", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher } = await line.run(
        openPublisher(connection, peer, { maxUnconfirmed: 1, maxQueued: 5 }),
      );
      line.every(HALF, () => peer.heartbeat());
      const publishes = [1, 2].map(() => failure(publisher.publish("", "q", "x"), PublishError));
      await line.pass(60 * SECOND);
      expect(line.heartbeatsAt).to.have.length(12);
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([1, 1]);
      connection.destroy();
      await Promise.all(publishes);
    });

    it("go on while the broker has blocked us, and while close() waits for that", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher } = await line.run(openPublisher(connection, peer));
      peer.send(0, { name: "connection.blocked", reason: "low on memory" });
      await line.quiet();
      line.every(HALF, () => peer.heartbeat());
      const queued = failure(publisher.publish("", "q", "x", { timeoutMs: 50 }), PublishError);
      await line.pass(60 * SECOND);
      expect(line.heartbeatsAt).to.have.length(12);
      const closing = connection.close({ timeoutMs: 60 * SECOND });
      await line.pass(59 * SECOND);
      expect(line.heartbeatsAt).to.have.length(23);
      expect(line.state).to.equal("open");
      await line.pass(SECOND);
      await closing;
      expect((await queued).outcome).to.equal("unsent");
    });
  });

  describe("that we expect", () => {
    it("may be any traffic: confirms alone keep the connection for an hour", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher, number } = await line.run(openPublisher(connection, peer));
      let confirmed = 0;
      line.every(15 * SECOND, () => {
        publisher.publish("", "q", "x").then(() => confirmed++, expect.fail);
      });
      for (let tag = 1; tag <= HOUR / (15 * SECOND); tag++) {
        await line.pass(15 * SECOND);
        peer.ack(number, tag);
      }
      await line.quiet();
      expect(confirmed).to.equal(240);
      expect(connection.closed).to.be.a("promise");
      expect(line.state).to.equal("open");
    });

    it("may be a single octet of a frame that takes minutes to arrive", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher, number } = await line.run(openPublisher(connection, peer));
      const published = publisher.publish("", "q", "x");
      await line.quiet();
      const ack: Buffer[] = [];
      const { write } = peer;
      peer.write = (piece) => ack.push(Buffer.from(piece as Uint8Array));
      peer.ack(number, 1);
      peer.write = write;
      for (const octet of Buffer.concat(ack)) {
        await line.pass(2 * INTERVAL - 1);
        peer.write(Buffer.of(octet));
      }
      expect(await line.run(published)).to.deep.equal({ deliveryTag: 1 });
    });

    it("are not what we write ourselves: silence ends it, however much we publish", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { channel } = await line.run(openChannel(connection, peer));
      line.every(100, () => {
        if (line.state === "open") channel.basicPublish("", "q", "x");
      });
      await line.pass(LOST - 1);
      expect(line.state).to.equal("open");
      await line.pass(1);
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    });

    it("end everything when they do not come: what was written is unknown, the rest unsent", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher } = await line.run(openPublisher(connection, peer, { maxUnconfirmed: 1 }));
      const { channel } = await line.run(openConfirmChannel(connection, peer));
      const events: unknown[] = [];
      connection.on("close", (reason) => events.push(reason));
      const written = failure(publisher.publish("", "q", "1"), PublishError);
      const queued = failure(publisher.publish("", "q", "2"), PublishError);
      channel.basicPublish("", "q", "3");
      const waiting = failure(channel.waitForConfirms());
      const calling = failure(channel.queueDeclare("q"), ConnectionLostError);
      const opening = failure(connection.openChannel(), ConnectionLostError);
      const ready = failure(publisher.ready(), ConnectionLostError);
      peer.stall();
      await line.pass(LOST - 1);
      expect(line.state).to.equal("open");
      expect(events).to.deep.equal([]);
      await line.pass(1);
      const lost = (await connection.closed) as AmqpError;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(lost.message).to.equal("nothing came from the broker for 20 seconds");
      expect(events).to.deep.equal([lost]);
      expect(await written).to.include({ outcome: "unknown", cause: lost });
      expect(await queued).to.include({ outcome: "unsent", cause: lost });
      for (const each of [calling, opening, ready]) expect(await each).to.equal(lost);
      await waiting;
      expect(line.state).to.equal("ended");
      // A peer that reads nothing does not hang up either: the socket is destroyed all the same.
      await line.pass(SECOND);
      expect(line.state).to.equal("destroyed");
      expect(line.clock.timers).to.equal(0);
    });

    it("are expected of a broker that has blocked us, too", async () => {
      const { line, connection, peer } = await connectVirtually();
      const { publisher } = await line.run(openPublisher(connection, peer));
      const written = failure(publisher.publish("", "q", "1"), PublishError);
      await line.quiet();
      peer.send(0, { name: "connection.blocked", reason: "" });
      const stop = line.every(HALF, () => peer.heartbeat());
      await line.pass(INTERVAL * 10);
      expect(connection.blockedReason).to.equal("");
      const queued = failure(publisher.publish("", "q", "2"), PublishError);
      stop();
      await line.pass(LOST);
      const lost = await connection.closed;
      expect(lost).to.be.instanceOf(ConnectionLostError);
      expect(await written).to.include({ outcome: "unknown", cause: lost });
      expect(await queued).to.include({ outcome: "unsent", cause: lost });
    });

    it("are watched from connection.open-ok to the answer to our close", async () => {
      const { line, connection, peer } = await connectVirtually();
      await line.pass(INTERVAL);
      peer.heartbeat();
      await line.pass(INTERVAL);
      const closing = connection.close({ timeoutMs: HOUR });
      await line.pass(INTERVAL + LAST_LOOK_MS);
      await closing;
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    });
  });

  describe("that are off", () => {
    for (const [who, ours, theirs] of [
      ["we", 0, 60],
      ["both", 0, 0],
    ] as const) {
      it(`because ${who} said 0: nothing is sent and nothing expected`, async () => {
        const { line, connection, peer } = await connectVirtually(ours, theirs);
        expect(connection.tuning.heartbeatSeconds).to.equal(0);
        const written = line.written.length;
        await line.pass(24 * HOUR);
        expect(line.clock.timers).to.equal(0);
        expect(line.written).to.have.length(written);
        const { publisher, number } = await line.run(openPublisher(connection, peer));
        const published = publisher.publish("", "q", "x");
        await line.pass(24 * HOUR);
        peer.ack(number, 1);
        await line.run(published);
        expect(line.heartbeatsAt).to.deep.equal([]);
      });
    }

    it("in the broker's proposal alone are ours: we cannot do with less than we asked for", async () => {
      const { line, connection } = await connectVirtually(10, 0);
      expect(connection.tuning.heartbeatSeconds).to.equal(10);
      await line.pass(LOST);
      expect(line.heartbeatsAt).to.have.length(4);
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    });

    it("because of a shorter one: the lower of both is the interval", async () => {
      for (const [ours, theirs] of [
        [4, 60],
        [60, 4],
      ] as const) {
        const { line, connection } = await connectVirtually(ours, theirs);
        await line.pass(8 * SECOND + LAST_LOOK_MS);
        expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
        expect(line.heartbeatsAt).to.deep.equal([2000, 4000, 6000, 8000]);
      }
    });
  });

  describe("while our own event loop stalls", () => {
    /** Everybody was silent for less than an interval, then the program is busy for four. */
    async function stall(): ReturnType<typeof connectVirtually> {
      const opened = await connectVirtually();
      const { line, peer } = opened;
      await line.pass(HALF + SECOND);
      peer.heartbeat();
      await line.quiet();
      line.busy(4 * INTERVAL);
      return opened;
    }

    it("lie in the socket: the connection survives, however long it took", async () => {
      const { line, connection, peer } = await stall();
      for (let i = 0; i < 8; i++) peer.heartbeat();
      await line.runTimers();
      line.every(HALF, () => peer.heartbeat());
      await line.pass(HOUR);
      const { publisher, number } = await line.run(openPublisher(connection, peer));
      const published = publisher.publish("", "q", "x");
      await line.quiet();
      peer.ack(number, 1);
      await line.run(published);
    });

    it("are sent as soon as it is over", async () => {
      const { line, peer } = await stall();
      peer.heartbeat();
      const before = line.heartbeatsAt.length;
      await line.quiet();
      expect(line.heartbeatsAt.length).to.equal(before + 1);
      expect(line.heartbeatsAt.at(-1)).to.equal(line.clock.now());
    });

    it("do not come from a peer that is gone: that is found a moment later", async () => {
      const { line, connection } = await stall();
      await line.quiet();
      await line.pass(LAST_LOOK_MS - 1);
      expect(line.state).to.equal("open");
      await line.pass(1);
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    });

    it("again and again, save it each time", async () => {
      const { line, peer } = await connectVirtually();
      for (let i = 0; i < 50; i++) {
        line.busy(3 * INTERVAL);
        peer.heartbeat();
        await line.runTimers();
        await line.quiet();
      }
      expect(line.state).to.equal("open");
      expect(line.heartbeatsAt).to.have.length(50);
    });

    it("save it also where other timers outlast the last look before the socket is read", async () => {
      const { line, peer } = await stall();
      peer.heartbeat();
      await line.runTimers();
      line.busy(LAST_LOOK_MS + 100);
      await line.pass(HALF);
      expect(line.state).to.equal("open");
    });
  });
});
