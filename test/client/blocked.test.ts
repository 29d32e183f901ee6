import { expect } from "chai";
import { BatchError, ConnectionClosedError, ConnectionLostError } from "../../src/index.ts";
import { failure, stillPending } from "../support/environment.ts";
import { openChannel, openPublisher } from "../support/scripted-server.ts";
import {
  block,
  endingOf,
  type Opened,
  openVirtually,
  textOf,
  unblock,
} from "../support/virtual-line.ts";

describe("a blocked connection", () => {
  describe("tells", () => {
    it("when, and why, before and after each listener is called", async () => {
      const opened = await openVirtually();
      const { connection } = opened;
      const seen: unknown[] = [];
      connection.on("blocked", (reason) => seen.push([reason, connection.blockedReason]));
      connection.on("unblocked", () => seen.push(["unblocked", connection.blockedReason]));
      for (const reason of ["low on memory", "", "low on disk"]) {
        await block(opened, reason);
        expect(connection.blockedReason).to.equal(reason);
        await unblock(opened);
        expect(connection.blockedReason).to.equal(undefined);
      }
      expect(seen).to.deep.equal([
        ["low on memory", "low on memory"],
        ["unblocked", undefined],
        ["", ""],
        ["unblocked", undefined],
        ["low on disk", "low on disk"],
        ["unblocked", undefined],
      ]);
    });
  });

  describe("lets publishes wait in the queue", () => {
    it("of every publisher, and sends them in order when the broker reads again", async () => {
      const opened = await openVirtually();
      const { line, connection, peer, publisher, number } = opened;
      const second = await line.run(openPublisher(connection, peer));
      await block(opened, ""); // no reason is a reason as well
      const endings = Array.from({ length: 100 }, (_, i) =>
        endingOf((i % 2 === 0 ? publisher : second.publisher).publish("", "q", `${i}`)),
      );
      await line.pass(60_000);
      expect(peer.waiting).to.deep.equal([]);
      expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([50, 0]);
      await unblock(opened);
      const sent = await peer.expectPublishes(100);
      for (const each of [number, second.number]) {
        const bodies = sent.filter(({ channel }) => channel === each).map(textOf);
        expect(bodies).to.deep.equal([...bodies].sort((a, b) => Number(a) - Number(b)));
        peer.ack(each, 50, true);
      }
      await line.quiet();
      expect(new Set(await Promise.all(endings))).to.deep.equal(new Set(["confirmed"]));
    });

    it("also those that waited for the window: a confirm meanwhile sends none of them", async () => {
      const opened = await openVirtually({ maxUnconfirmed: 2 });
      const { line, peer, publisher, number } = opened;
      const endings = Array.from({ length: 6 }, () => endingOf(publisher.publish("", "q", "x")));
      await line.quiet();
      await peer.expectPublishes(2);
      await block(opened);
      peer.ack(number, 2, true);
      await line.pass(1000);
      expect(await Promise.all(endings.slice(0, 2))).to.deep.equal(["confirmed", "confirmed"]);
      expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([4, 0]);
      expect(peer.waiting).to.deep.equal([]);
      await unblock(opened);
      await peer.expectPublishes(2);
      peer.ack(number, 4, true);
      await line.quiet();
      await peer.expectPublishes(2);
      peer.ack(number, 6, true);
      expect(await line.run(Promise.all(endings))).to.deep.equal(Array(6).fill("confirmed"));
    });

    it("up to its limits: past them they are unsent", async () => {
      const opened = await openVirtually({ maxQueued: 3, maxQueuedBytes: 10 });
      const { publisher, connection } = opened;
      await block(opened);
      const endings = ["12345", "123456", "12345", "", ""].map((body) =>
        endingOf(publisher.publish("", "q", body)),
      );
      expect([await endings[1], await endings[4]]).to.deep.equal(["unsent", "unsent"]);
      expect(publisher.queued).to.equal(3);
      connection.destroy();
      expect(new Set(await Promise.all(endings))).to.deep.equal(new Set(["unsent"]));
    });

    it("and reads no more of what publishAll() is given than the window takes", async () => {
      const opened = await openVirtually({ maxUnconfirmed: 10 });
      const { line, publisher, peer } = opened;
      await block(opened);
      let read = 0;
      const endless = (function* () {
        for (;;) yield { routingKey: "q", body: `${read++}` };
      })();
      const controller = new AbortController();
      const { signal } = controller;
      const batch = failure(publisher.publishAll(endless, { signal }), BatchError);
      await line.pass(60_000);
      expect(read).to.be.below(20);
      expect(peer.waiting).to.deep.equal([]);
      controller.abort();
      const { failed, failures } = await line.run(batch);
      expect(failed).to.be.below(20);
      for (const { error } of failures) expect(error).to.include({ outcome: "unsent" });
      expect(publisher.queued).to.equal(0);
    });
  });

  it("counts confirms, nacks and returns that come all the same", async () => {
    const opened = await openVirtually();
    const { line, peer, publisher, number } = opened;
    const endings = [1, 2, 3].map(() =>
      endingOf(publisher.publish("", "q", "x", { mandatory: true })),
    );
    await line.quiet();
    const [first] = await peer.expectPublishes(3);
    await block(opened);
    if (first !== undefined) peer.sendReturn(number, first);
    peer.ack(number, 1);
    peer.nack(number, 2);
    peer.ack(number, 3);
    await line.quiet();
    expect(await Promise.all(endings)).to.deep.equal(["returned", "nacked", "confirmed"]);
  });

  it("lets calls and openings wait for their answers", async () => {
    const opened = await openVirtually();
    const { line, peer, connection, channel, other } = opened;
    await block(opened);
    const opening = openChannel(connection, peer);
    const purging = channel.queuePurge("q");
    await line.pass(60_000 * 60);
    await stillPending(purging, 0);
    await unblock(opened);
    await peer.expect("queue.purge");
    peer.send(other, { name: "queue.purge-ok", messageCount: 1 });
    expect(await line.run(purging)).to.deep.equal({ messageCount: 1 });
    await line.run(opening);
  });

  it("numbers what is published method by method, and waits for its confirms", async () => {
    const opened = await openVirtually();
    const { line, peer, channel, other } = opened;
    await block(opened);
    const tags = [1, 2, 3].map(() => channel.basicPublish("", "q", "x"));
    expect(tags).to.deep.equal([1, 2, 3]);
    const waiting = channel.waitForConfirms();
    await line.pass(60_000);
    await stillPending(waiting, 0);
    await unblock(opened);
    await peer.expectPublishes(3);
    peer.ack(other, 3, true);
    await line.run(waiting);
  });

  describe("that is cut", () => {
    const CUTS: readonly (readonly [
      what: string,
      cut: (opened: Opened) => void,
      cause: unknown,
    ])[] = [
      ["by a reset", ({ peer }) => peer.reset(), ConnectionLostError],
      ["by the end of the stream", ({ peer }) => peer.end(), ConnectionLostError],
      [
        "by the broker",
        ({ peer }) => peer.closeConnection(320, "CONNECTION_FORCED"),
        ConnectionClosedError,
      ],
      ["by destroy()", ({ connection }) => connection.destroy(), ConnectionLostError],
    ];
    for (const [what, cut, cause] of CUTS) {
      it(`${what}: what was written is unknown, what waits is unsent`, async () => {
        const opened = await openVirtually({ maxUnconfirmed: 3 });
        const { line, connection, publisher, channel } = opened;
        const endings = Array.from({ length: 5 }, () => endingOf(publisher.publish("", "q", "x")));
        channel.basicPublish("", "q", "x");
        await line.quiet();
        await block(opened);
        endings.push(endingOf(publisher.publish("", "q", "x", { timeoutMs: 1 })));
        const waits = [publisher, channel].map((each) =>
          failure(each.waitForConfirms(), BatchError),
        );
        const ready = failure(publisher.ready());
        const events: unknown[] = [];
        connection.on("unblocked", () => events.push("unblocked"));
        connection.on("close", () => events.push("close"));
        cut(opened);
        await line.run(connection.closed);
        expect(await Promise.all(endings)).to.deep.equal([
          ...["unknown", "unknown", "unknown"],
          ...["unsent", "unsent", "unsent"],
        ]);
        expect(await waits[0]).to.include({ confirmed: 0, failed: 6 });
        expect((await waits[1])?.failures[0]?.error).to.include({ outcome: "unknown" });
        expect(await connection.closed).to.be.instanceOf(cause);
        expect(await ready).to.equal(await connection.closed);
        expect(events).to.deep.equal(["close"]);
        expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([0, 0]);
        await line.pass(1000);
        expect(line.clock.timers).to.equal(0);
      });
    }
  });

  describe("that is closed", () => {
    it("waits for the broker to read, sends what is queued, and closes in good order", async () => {
      const opened = await openVirtually();
      const { line, peer, connection, publisher, channel, number, other } = opened;
      const written = endingOf(publisher.publish("", "q", "1"));
      channel.basicPublish("", "q", "2");
      await line.quiet();
      await peer.expectPublishes(2);
      await block(opened);
      const queued = endingOf(publisher.publish("", "q", "3"));
      const closing = connection.close();
      await line.pass(20_000);
      expect(peer.waiting).to.deep.equal([]);
      await unblock(opened);
      await peer.expectPublishes(1);
      peer.ack(other, 1);
      await line.run(peer.acceptChannelClose());
      peer.ack(number, 2, true);
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect([await written, await queued]).to.deep.equal(["confirmed", "confirmed"]);
      expect(await connection.closed).to.equal(undefined);
    });

    it("says no connection.close before that, though no channel is left to wait for", async () => {
      const opened = await openVirtually();
      const { line, peer, connection, publisher, channel, number, other } = opened;
      const written = endingOf(publisher.publish("", "q", "1"));
      await line.quiet();
      await peer.expectPublishes(1);
      await block(opened);
      const given = Promise.all([publisher, channel].map((each) => each.close({ timeoutMs: 10 })));
      await line.pass(10);
      await line.run(given);
      const closing = connection.close({ timeoutMs: 1000 });
      await line.pass(500);
      expect(peer.waiting).to.deep.equal(["channel.close", "channel.close"]);
      await unblock(opened);
      peer.ack(number, 1);
      for (const each of [number, other]) {
        await peer.expect("channel.close");
        peer.send(each, { name: "channel.close-ok" });
      }
      await line.run(peer.acceptClose());
      await line.run(closing);
      expect(await written).to.equal("unknown");
      expect(await connection.closed).to.equal(undefined);
    });

    it("is destroyed at the deadline, which does not stand still", async () => {
      const opened = await openVirtually();
      const { line, peer, connection } = opened;
      await block(opened);
      const closing = connection.close({ timeoutMs: 1000 });
      await line.pass(999);
      expect(line.state).to.equal("open");
      await line.pass(1);
      await line.run(closing);
      expect(line.state).to.equal("destroyed");
      expect(peer.waiting).not.to.include("connection.close");
    });

    it("may be blocked while it closes, and still hears the answer", async () => {
      const opened = await openVirtually();
      const { line, peer, connection } = opened;
      const events: string[] = [];
      connection.on("blocked", () => events.push("blocked"));
      connection.on("close", () => events.push("close"));
      const closing = connection.close();
      await line.run(peer.acceptChannelClose());
      await line.run(peer.acceptChannelClose());
      await line.quiet();
      await peer.expect("connection.close");
      await block(opened);
      peer.send(0, { name: "connection.close-ok" });
      await line.run(closing);
      expect(events).to.deep.equal(["blocked", "close"]);
      expect(await connection.closed).to.equal(undefined);
    });
  });
});
