import { getEventListeners } from "node:events";
import { expect } from "chai";
import { AbortError, PublishError, TimeoutError } from "../../src/index.ts";
import { failure, stillPending } from "../support/environment.ts";
import { block, endingOf, openVirtually, textOf, unblock } from "../support/virtual-line.ts";

describe("a blocked connection", () => {
  describe("lets deadlines stand still", () => {
    it("of what waits and of what was written: each has its rest afterwards", async () => {
      const opened = await openVirtually({ maxUnconfirmed: 1 });
      const { line, publisher } = opened;
      const written = failure(publisher.publish("", "q", "1", { timeoutMs: 50 }), PublishError);
      const queued = failure(publisher.publish("", "q", "2", { timeoutMs: 60 }), PublishError);
      await line.pass(20);
      await block(opened);
      await line.pass(500);
      await stillPending(Promise.race([written, queued]), 0);
      await unblock(opened);
      await line.pass(29);
      await stillPending(Promise.race([written, queued]), 0);
      await line.pass(1);
      const error = await line.run(written);
      expect(error).to.include({ outcome: "unknown", deliveryTag: 1 });
      expect(error.cause).to.be.instanceOf(TimeoutError);
      await line.pass(9);
      await stillPending(queued, 0);
      await line.pass(1);
      expect(await line.run(queued)).to.include({ outcome: "unsent", deliveryTag: 0 });
    });

    it("of what is published meanwhile: they begin when the broker reads", async () => {
      const opened = await openVirtually({ timeoutMs: 50 });
      const { line, peer, publisher, number } = opened;
      await block(opened);
      const early = failure(publisher.publish("", "q", "1"), PublishError);
      await line.pass(500);
      const late = failure(publisher.publish("", "q", "2"), PublishError);
      const impatient = failure(publisher.publish("", "q", "3", { timeoutMs: 0 }), PublishError);
      await line.pass(500);
      await stillPending(Promise.race([early, late, impatient]), 0);
      await unblock(opened);
      await line.pass(49);
      await impatient;
      await stillPending(Promise.race([early, late]), 0);
      await line.pass(1);
      expect((await line.run(early)).outcome).to.equal("unknown");
      expect((await line.run(late)).outcome).to.equal("unknown");
      peer.ack(number, 0, true);
      await line.quiet();
      expect(publisher.unconfirmed).to.equal(0);
    });

    it("again and again: only the time counts in which the broker reads", async () => {
      const opened = await openVirtually();
      const { line, peer, publisher } = opened;
      const published = failure(publisher.publish("", "q", "1", { timeoutMs: 50 }), PublishError);
      await line.quiet();
      for (let i = 0; i < 7; i++) {
        await line.pass(7);
        await block(opened);
        await line.pass(1000);
        await block(opened, "low on disk"); // a second alarm changes nothing
        await line.pass(1000);
        await unblock(opened);
        await unblock(opened);
      }
      await stillPending(published, 0);
      await line.pass(1);
      expect((await line.run(published)).outcome).to.equal("unknown");
      expect(peer.waiting).to.deep.equal(["basic.publish"]);
    });

    it("of calls and waits as well", async () => {
      const opened = await openVirtually({ maxUnconfirmed: 1 });
      const { line, connection, publisher, channel } = opened;
      const published = failure(publisher.publish("", "q", "1"), PublishError);
      const limits = { timeoutMs: 50 };
      await line.quiet();
      const waits = [
        publisher.waitForConfirms(limits),
        publisher.ready(limits),
        channel.queueDeclare("q", limits),
        channel.queuePurge("q", limits),
        connection.updateSecret("x", "", limits),
      ].map((each) => failure(each, TimeoutError));
      await line.pass(20);
      await block(opened);
      await line.pass(500);
      await unblock(opened);
      await line.pass(29);
      await stillPending(Promise.race(waits), 0);
      await line.pass(1);
      await line.run(Promise.all(waits));
      connection.destroy();
      await published;
    });

    it("but not those of others: a deadline on another connection passes", async () => {
      const opened = await openVirtually();
      const other = await openVirtually();
      await block(opened);
      const [patient, impatient] = [opened, other].map(({ publisher }) =>
        failure(publisher.publish("", "q", "1", { timeoutMs: 50 }), PublishError),
      );
      await opened.line.pass(50);
      await other.line.pass(50);
      await other.line.run(impatient as Promise<unknown>);
      await stillPending(patient as Promise<unknown>, 0);
      opened.connection.destroy();
      expect(await patient).to.include({ outcome: "unsent" });
    });
  });

  describe("does not let signals stand still", () => {
    it("what waits is withdrawn, what was written is unknown, the rest goes on in order", async () => {
      const opened = await openVirtually({ maxUnconfirmed: 2 });
      const { line, peer, publisher, number } = opened;
      const controller = new AbortController();
      const { signal } = controller;
      const endings = Array.from({ length: 6 }, (_, i) =>
        endingOf(publisher.publish("", "q", `${i}`, i % 2 === 0 ? { signal } : {})),
      );
      await line.quiet();
      await peer.expectPublishes(2);
      await block(opened);
      controller.abort();
      const aborted = [0, 2, 4].map((i) => endings[i]);
      expect(await Promise.all(aborted)).to.deep.equal(["unknown", "unsent", "unsent"]);
      expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([2, 2]);
      await unblock(opened);
      peer.ack(number, 2, true);
      await line.quiet();
      const bodies = (await peer.expectPublishes(2)).map(textOf);
      expect(bodies).to.deep.equal(["3", "5"]);
      peer.ack(number, 4, true);
      await line.quiet();
      expect(await Promise.all(endings)).to.deep.equal([
        ...["unknown", "confirmed", "unsent"],
        ...["confirmed", "unsent", "confirmed"],
      ]);
      expect(getEventListeners(signal, "abort")).to.deep.equal([]);
    });

    it("who waits for confirms, for room or for a channel gives up, and nothing else does", async () => {
      const opened = await openVirtually();
      const { line, peer, connection, publisher, channel, number, other } = opened;
      const published = publisher.publish("", "q", "1");
      channel.basicPublish("", "q", "2");
      await line.quiet();
      await peer.expectPublishes(2);
      await block(opened);
      const controller = new AbortController();
      const { signal } = controller;
      const impatient = [
        publisher.waitForConfirms({ signal }),
        channel.waitForConfirms({ signal }),
        publisher.ready({ signal }),
        connection.openChannel({ signal }),
        connection.openPublisher({ signal }),
      ].map((each) => failure(each, AbortError));
      const patient = [publisher.waitForConfirms(), channel.waitForConfirms(), publisher.ready()];
      await line.pass(10_000);
      controller.abort();
      await line.run(Promise.all(impatient));
      await stillPending(Promise.race(patient), 0);
      expect(getEventListeners(signal, "abort")).to.deep.equal([]);
      await unblock(opened);
      peer.ack(number, 1);
      peer.ack(other, 1);
      await line.run(Promise.all(patient));
      expect(await published).to.deep.equal({ deliveryTag: 1 });
      for (const name of ["channel.open", "channel.open", "channel.close", "channel.close"]) {
        expect((await peer.next()).name).to.equal(name);
      }
    });
  });
});
