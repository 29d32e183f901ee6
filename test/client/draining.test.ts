import { expect } from "chai";
import { BatchError, ChannelClosedError, ReturnedError } from "../../src/index.ts";
import { failure, stillPending } from "../support/environment.ts";
import { type Expected, openChannel, openPublisher } from "../support/scripted-server.ts";
import { endingOf, openVirtually, textOf } from "../support/virtual-line.ts";

describe("a close", () => {
  describe("waits for what is under way", () => {
    it("sends what is queued behind the window, in order, before channel.close", async () => {
      const { line, peer, publisher, number } = await openVirtually({ maxUnconfirmed: 2 });
      const bodies = Array.from({ length: 9 }, (_, i) => `${i}`);
      const endings = bodies.map((body) => endingOf(publisher.publish("", "q", body)));
      const closing = publisher.close();
      const seen: string[] = [];
      for (let tag = 1; tag <= bodies.length; tag++) {
        await line.quiet();
        seen.push(...(await peer.expectPublishes(peer.waiting.length)).map(textOf));
        expect(seen).to.have.length(Math.min(tag + 1, bodies.length));
        peer.ack(number, tag);
      }
      await line.run(peer.acceptChannelClose());
      await line.run(closing);
      expect(seen).to.deep.equal(bodies);
      expect(new Set(await Promise.all(endings))).to.deep.equal(new Set(["confirmed"]));
      expect(await publisher.closed).to.equal(undefined);
    });

    it("sends what waits for the socket, when that takes octets again", async () => {
      const { line, peer, connection, publisher, number, other } = await openVirtually();
      peer.stall();
      const body = Buffer.alloc(400_000);
      const endings = Array.from({ length: 8 }, () => endingOf(publisher.publish("", "q", body)));
      await line.quiet();
      expect(publisher.queued).to.be.greaterThan(0);
      const closing = connection.close();
      await line.pass(1000);
      peer.resume();
      await line.quiet();
      expect(peer.waiting).to.include("channel.close"); // of the channel that has nothing to wait for
      const sent = peer.waiting.filter((name) => name === "basic.publish");
      expect(sent).to.have.length(8);
      while (peer.waiting.length > 0) await peer.next();
      peer.send(other, { name: "channel.close-ok" });
      peer.ack(number, 8, true);
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect(await Promise.all(endings)).to.deep.equal(Array(8).fill("confirmed"));
    });

    it("of every publisher and channel of a connection, each in its own time", async () => {
      const { line, peer, connection, publisher, number, channel, other } = await openVirtually();
      const second = await line.run(openPublisher(connection, peer, { maxUnconfirmed: 1 }));
      const endings = [publisher, second.publisher, second.publisher].map((each) =>
        endingOf(each.publish("", "q", "x")),
      );
      channel.basicPublish("", "q", "x");
      await line.quiet();
      await peer.expectPublishes(3);
      const closing = connection.close();
      await line.quiet();
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(other, 1);
      await line.run(peer.acceptChannelClose());
      peer.ack(second.number, 1);
      await line.quiet();
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      await line.run(peer.acceptChannelClose());
      await stillPending(closing, 0);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(second.number, 2);
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect(await Promise.all(endings)).to.deep.equal(["confirmed", "confirmed", "confirmed"]);
      expect(await connection.closed).to.equal(undefined);
    });

    it("settles by nacks and returns as well, and tells who waits for confirms", async () => {
      const { line, peer, connection, publisher, number, channel, other } = await openVirtually();
      const returned = failure(
        publisher.publish("", "nowhere", "1", { mandatory: true }),
        ReturnedError,
      );
      const nacked = endingOf(publisher.publish("", "q", "2"));
      const confirmed = endingOf(publisher.publish("", "q", "3"));
      const events: unknown[] = [];
      channel.on("return", ({ routingKey }) => events.push(`return ${routingKey}`));
      channel.on("nack", ({ deliveryTag }) => events.push(`nack ${deliveryTag}`));
      channel.on("close", () => events.push("close"));
      channel.basicPublish("", "nowhere", "4", { mandatory: true });
      channel.basicPublish("", "q", "5");
      const batches = [publisher, channel].map((each) =>
        failure(each.waitForConfirms(), BatchError),
      );
      await line.quiet();
      const sent = await peer.expectPublishes(5);
      const closing = connection.close();
      await line.quiet();
      expect(peer.waiting).to.deep.equal([]);
      peer.sendReturn(number, sent[0] as Expected<"basic.publish">);
      peer.nack(number, 2);
      peer.ack(number, 3, true);
      peer.sendReturn(other, sent[3] as Expected<"basic.publish">);
      peer.ack(other, 1);
      peer.nack(other, 2);
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect((await returned).returned.routingKey).to.equal("nowhere");
      expect([await nacked, await confirmed]).to.deep.equal(["nacked", "confirmed"]);
      expect(await batches[0]).to.include({ confirmed: 1, failed: 2 });
      expect(await batches[1]).to.include({ confirmed: 0, failed: 2 });
      expect(events).to.deep.equal(["return nowhere", "nack 2", "close"]);
    });

    it("does not wait for those that were released, whose confirms may still come", async () => {
      const { line, peer, publisher, number, connection } = await openVirtually();
      const controller = new AbortController();
      const { signal } = controller;
      const released = [
        endingOf(publisher.publish("", "q", "1", { mandatory: true, timeoutMs: 10 })),
        endingOf(publisher.publish("", "q", "2", { mandatory: true, signal })),
        endingOf(publisher.publish("", "q", "3", { signal })),
      ];
      await line.pass(10);
      controller.abort();
      expect(await Promise.all(released)).to.deep.equal(Array(3).fill("unknown"));
      expect(publisher.unconfirmed).to.equal(3);
      const closing = publisher.close();
      await line.quiet();
      const [first, second] = await peer.expectPublishes(3);
      await peer.expect("channel.close");
      for (const each of [first, second]) {
        peer.sendReturn(number, each as Expected<"basic.publish">);
      }
      peer.ack(number, 1);
      peer.nack(number, 2);
      peer.ack(number, 0, true);
      peer.send(number, { name: "channel.close-ok" });
      await line.run(closing);
      expect(await publisher.closed).to.equal(undefined);
      expect(publisher.unconfirmed).to.equal(0);
      await line.run(openChannel(connection, peer)); // nothing was wrong with any of that
    });

    it("tells of confirms and returns up to channel.close-ok, and of nothing behind it", async () => {
      const { line, peer, channel, other } = await openVirtually();
      const events: unknown[] = [];
      channel.on("return", ({ routingKey }) => events.push(`return ${routingKey}`));
      channel.on("ack", ({ deliveryTag }) => events.push(`ack ${deliveryTag}`));
      channel.on("nack", ({ deliveryTag }) => events.push(`nack ${deliveryTag}`));
      channel.on("flow", () => events.push("flow"));
      channel.on("close", () => events.push("close"));
      for (const key of ["1", "2"]) channel.basicPublish("", key, "x", { mandatory: true });
      await line.quiet();
      const [first] = await peer.expectPublishes(2);
      const closing = channel.close();
      peer.ack(other, 2, true);
      await line.quiet();
      await peer.expect("channel.close");
      peer.sendReturn(other, first as Expected<"basic.publish">);
      peer.ack(other, 1);
      peer.nack(other, 2);
      peer.send(other, { name: "channel.flow", active: false });
      peer.send(other, { name: "channel.close-ok" });
      await line.run(closing);
      expect(events).to.deep.equal(["ack 2", "return 1", "ack 1", "nack 2", "close"]);
      expect(peer.waiting).to.deep.equal([]);
    });

    it("lets calls that wait for their answers finish first, in order", async () => {
      const { line, peer, channel, other } = await openVirtually();
      const declared = channel.queueDeclare("q");
      const purged = channel.queuePurge("q");
      const closing = channel.close();
      await line.quiet();
      await peer.expect("queue.declare");
      expect(peer.waiting).to.deep.equal([]);
      const counts = { messageCount: 0, consumerCount: 0 };
      peer.send(other, { name: "queue.declare-ok", queue: "q", ...counts });
      await line.quiet();
      await peer.expect("queue.purge");
      peer.send(other, { name: "queue.purge-ok", messageCount: 3 });
      await line.run(peer.acceptChannelClose());
      await line.run(closing);
      expect(await declared).to.include({ queue: "q" });
      expect(await purged).to.deep.equal({ messageCount: 3 });
    });

    it("puts what was published without confirms before channel.close", async () => {
      const { line, connection, peer } = await openVirtually();
      const { channel } = await line.run(openChannel(connection, peer));
      expect(channel.basicPublish("", "q", "1")).to.equal(0);
      const closing = channel.close();
      await line.quiet();
      await peer.expectPublishes(1);
      await line.run(peer.acceptChannelClose());
      await line.run(closing);
    });

    it("lets a publisher open that was being opened, and closes it", async () => {
      const { line, peer, connection } = await openVirtually();
      const opening = failure(connection.openPublisher(), ChannelClosedError);
      await line.quiet();
      const { channel } = await peer.expect("channel.open");
      const closing = connection.close();
      await line.quiet();
      await peer.expect("channel.close");
      await peer.expect("channel.close");
      for (const each of [1, 2]) peer.send(each, { name: "channel.close-ok" });
      peer.send(channel, { name: "channel.open-ok" });
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect(await opening).to.include({ replyCode: 200 });
    });

    it("does not wait for a channel that the broker closes meanwhile", async () => {
      const { line, peer, connection, publisher, number, channel, other } = await openVirtually();
      const published = endingOf(publisher.publish("", "q", "1"));
      channel.basicPublish("none", "q", "2");
      await line.quiet();
      const closing = connection.close();
      await line.quiet();
      await peer.expectPublishes(2);
      const why = "NOT_FOUND - no exchange 'none' in vhost '/'";
      peer.closeChannel(other, 404, why, "basic.publish");
      await line.quiet();
      await peer.expect("channel.close-ok");
      peer.ack(number, 1);
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect(await published).to.equal("confirmed");
      expect(await channel.closed).to.include({ replyCode: 404 });
      expect(await connection.closed).to.equal(undefined);
    });
  });

  describe("accepts nothing new", () => {
    const stages = ["draining", "waiting for channel.close-ok", "closed"] as const;
    for (const stage of stages) {
      it(`while ${stage}: it is unsent, and takes no tag`, async () => {
        const { line, peer, publisher, number, channel, other } = await openVirtually();
        const first = publisher.publish("", "q", "1");
        channel.basicPublish("", "q", "1");
        await line.quiet();
        await peer.expectPublishes(2);
        const closing = Promise.all([publisher.close(), channel.close()]);
        if (stage !== "draining") {
          peer.ack(number, 1);
          peer.ack(other, 1);
          await line.quiet();
        }
        if (stage === "closed") {
          await line.run(peer.acceptChannelClose());
          await line.run(peer.acceptChannelClose());
          await line.run(closing);
        }
        const before = peer.waiting;
        const refused = [
          publisher.publish("", "q", "x"),
          publisher.sendToQueue("q", "x", { mandatory: true, timeoutMs: 1 }),
        ];
        for (const each of refused) {
          const error = await failure(each);
          expect(error).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
          expect(error.cause).to.be.instanceOf(ChannelClosedError).and.include({ replyCode: 200 });
        }
        const messages = [{ routingKey: "q", body: "x" }];
        const batch = await failure(publisher.publishAll(messages), BatchError);
        expect(batch.confirmed).to.equal(0);
        expect(await failure(publisher.ready())).to.be.instanceOf(ChannelClosedError);
        expect(() => channel.basicPublish("", "q", "x")).to.throw(ChannelClosedError);
        await line.quiet();
        expect(peer.waiting).to.deep.equal(before);
        expect(publisher.queued).to.equal(0);
        if (stage === "draining") {
          peer.ack(number, 1);
          peer.ack(other, 1);
        }
        if (stage !== "closed") {
          await line.run(peer.acceptChannelClose());
          await line.run(peer.acceptChannelClose());
        }
        await line.run(closing);
        expect(await first).to.deep.equal({ deliveryTag: 1 });
        expect(await publisher.closed).to.equal(undefined);
      });
    }
  });

  it("lets stragglers of channels that were given up come while the connection closes", async () => {
    const { line, peer, connection, publisher, number, channel, other } = await openVirtually();
    const published = endingOf(publisher.publish("", "q", "x", { mandatory: true }));
    channel.basicPublish("", "q", "x");
    await line.quiet();
    const [first] = await peer.expectPublishes(2);
    const given = Promise.all([publisher, channel].map((each) => each.close({ timeoutMs: 10 })));
    await line.pass(10);
    await line.run(given);
    expect(await published).to.equal("unknown");
    const closing = connection.close();
    await line.quiet();
    expect(peer.waiting).to.deep.equal(["channel.close", "channel.close", "connection.close"]);
    peer.sendReturn(number, first as Expected<"basic.publish">);
    peer.ack(number, 1);
    peer.nack(other, 1);
    peer.send(number, { name: "channel.flow", active: false });
    peer.send(number, { name: "channel.close-ok" });
    peer.closeChannel(other, 541, "INTERNAL_ERROR");
    peer.send(0, { name: "connection.blocked", reason: "" });
    peer.send(0, { name: "connection.close-ok" });
    await line.run(closing);
    expect(await connection.closed).to.equal(undefined);
  });
});
