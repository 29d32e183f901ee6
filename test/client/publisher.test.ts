import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  type AmqpError,
  BatchError,
  ChannelClosedError,
  type Connection,
  ProtocolError,
  PublishError,
  type Publisher,
  type PublisherOptions,
  type PublishOptions,
  ReturnedError,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import {
  openChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

describe("Publisher", () => {
  const server = useScriptedServer();

  async function open(options: PublisherOptions = {}): Promise<{
    connection: Connection;
    publisher: Publisher;
    peer: Peer;
    number: number;
  }> {
    const { connection, peer } = await server().connect();
    return { connection, peer, ...(await openPublisher(connection, peer, options)) };
  }

  describe("publish()", () => {
    it("resolves with the delivery tag when the confirm comes, in any order", async () => {
      const { publisher, peer, number } = await open();
      const publishes = [1, 2, 3, 4, 5].map((i) => publisher.publish("e", "k", `${i}`));
      const [first] = await peer.expectPublishes(5);
      expect(first?.channel).to.equal(number);
      expect(first?.method).to.deep.equal({
        name: "basic.publish",
        exchange: "e",
        routingKey: "k",
        mandatory: false,
        immediate: false,
      });
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([5, 0]);
      const order: number[] = [];
      for (const each of publishes) each.then((it) => order.push(it.deliveryTag), expect.fail);
      peer.ack(number, 4);
      peer.ack(number, 2, true);
      peer.ack(number, 0, true);
      expect(await Promise.all(publishes)).to.deep.equal(
        [1, 2, 3, 4, 5].map((deliveryTag) => ({ deliveryTag })),
      );
      expect(order).to.deep.equal([4, 1, 2, 3, 5]);
      expect(publisher.unconfirmed).to.equal(0);
    });

    it("is sendToQueue() through the default exchange", async () => {
      const { publisher, peer, number } = await open();
      const publishing = publisher.sendToQueue("q", "x", { mandatory: true, type: "t" });
      const [sent] = await peer.expectPublishes(1);
      expect(sent?.method).to.include({ exchange: "", routingKey: "q", mandatory: true });
      expect(sent?.properties).to.deep.equal({ type: "t" });
      peer.ack(number, 1);
      expect(await publishing).to.deep.equal({ deliveryTag: 1 });
    });

    it("rejects with `nacked` for a nack", async () => {
      const { publisher, peer, number } = await open();
      const first = publisher.publish("e", "k", "1");
      const second = failure(publisher.publish("e", "k", "2"), PublishError);
      await peer.expectPublishes(2);
      peer.nack(number, 2);
      peer.ack(number, 1);
      await first;
      const error = await second;
      expect(error).not.to.be.instanceOf(ReturnedError);
      expect(error).to.include({
        name: "PublishError",
        code: "ERR_AMQP_PUBLISH_NACKED",
        outcome: "nacked",
        mayBeDelivered: true,
        deliveryTag: 2,
        exchange: "e",
        routingKey: "k",
      });
      expect(error.cause).to.equal(undefined);
    });

    it("rejects with `returned` for what came back, and keeps its tag until the confirm", async () => {
      const { publisher, peer, number } = await open();
      const options = { mandatory: true, messageId: "m" };
      const returned = failure(publisher.publish("e", "k", "body", options), ReturnedError);
      const other = publisher.publish("e", "k", "other", options);
      const [sent] = await peer.expectPublishes(2);
      if (sent === undefined) throw new Error("unreachable");
      peer.sendReturn(number, sent);
      const error = await returned;
      expect(error).to.be.instanceOf(PublishError);
      expect(error).to.include({
        name: "ReturnedError",
        code: "ERR_AMQP_PUBLISH_RETURNED",
        outcome: "returned",
        mayBeDelivered: false,
        deliveryTag: 1,
        exchange: "e",
        routingKey: "k",
      });
      expect(error.returned).to.deep.equal({
        replyCode: 312,
        replyText: "NO_ROUTE",
        exchange: "e",
        routingKey: "k",
        properties: { messageId: "m" },
        body: new Uint8Array(Buffer.from("body")),
      });
      expect(publisher.unconfirmed).to.equal(2);
      peer.ack(number, 2, true);
      expect(await other).to.deep.equal({ deliveryTag: 2 });
      expect(publisher.unconfirmed).to.equal(0);
    });

    it("splits the body to the frame size and joins it to the octet", async () => {
      const { connection, peer } = await server().connect({ frameMax: 4096 });
      const { publisher, number } = await openPublisher(connection, peer);
      const sizes = [0, 1, 4087, 4088, 4089, 8176, 8177, 100_000];
      const bodies = sizes.map((size) => Buffer.from({ length: size, 0: 7, [size - 1]: 9 }));
      const publishes = bodies.map((body) => publisher.publish("", "q", body));
      const sent = await peer.expectPublishes(sizes.length);
      for (const [i, { body }] of sent.entries()) {
        expect(Buffer.compare(body, bodies[i] as Buffer)).to.equal(0);
      }
      peer.ack(number, sizes.length, true);
      await Promise.all(publishes);
    });

    it("waits for its turn past maxUnconfirmed, in order", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const publishes = [1, 2, 3, 4, 5].map((i) => publisher.publish("", "q", `${i}`));
      await peer.expectPublishes(2);
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([2, 3]);
      await stillPending(Promise.race(publishes));
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(number, 2);
      const [third] = await peer.expectPublishes(1);
      expect(Buffer.from(third?.body ?? []).toString()).to.equal("3");
      peer.ack(number, 3, true);
      const rest = await peer.expectPublishes(2);
      expect(rest.map(({ body }) => Buffer.from(body).toString())).to.deep.equal(["4", "5"]);
      peer.ack(number, 5, true);
      expect((await Promise.all(publishes)).map(({ deliveryTag }) => deliveryTag)).to.deep.equal([
        1, 2, 3, 4, 5,
      ]);
    });

    it("waits while the socket takes no more, so that it can still be `unsent`", async () => {
      const { connection, publisher, peer } = await open();
      peer.stall();
      const body = Buffer.alloc(1 << 20);
      const outcomes = Array.from({ length: 60 }, () =>
        failure(publisher.publish("", "q", body), PublishError),
      );
      await until(() => publisher.queued > 0);
      const before = publisher.unconfirmed;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(publisher.queued).to.be.greaterThan(10);
      connection.destroy();
      const errors = await Promise.all(outcomes);
      const unsent = errors.filter(({ outcome }) => outcome === "unsent");
      expect(unsent.length).to.be.greaterThan(10);
      expect(before).to.be.lessThan(50);
      for (const { outcome, deliveryTag } of errors) {
        expect(outcome).to.equal(deliveryTag === 0 ? "unsent" : "unknown");
      }
    });

    it("waits while the peer has paused the channel", async () => {
      const { publisher, peer, number } = await open();
      peer.send(number, { name: "channel.flow", active: false });
      expect((await peer.expect("channel.flow-ok")).method.active).to.equal(false);
      const published = publisher.publish("", "q", "1");
      await stillPending(published);
      expect(peer.waiting).to.deep.equal([]);
      peer.send(number, { name: "channel.flow", active: true });
      await peer.expect("channel.flow-ok");
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      await published;
    });

    it("is `unsent` past maxQueued", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1, maxQueued: 1 });
      const first = publisher.publish("", "q", "1");
      const second = publisher.publish("", "q", "2");
      const error = await failure(publisher.publish("", "q", "3"), PublishError);
      expect(error).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
      expect(error.message).to.match(/ready\(\)/);
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      await peer.expectPublishes(1);
      peer.ack(number, 2);
      expect([await first, await second]).to.deep.equal([{ deliveryTag: 1 }, { deliveryTag: 2 }]);
    });

    it("is `unsent` past maxQueuedBytes, counted in octets", async () => {
      const { publisher } = await open({ maxUnconfirmed: 1, maxQueuedBytes: 10 });
      publisher.publish("", "q", "1").catch(() => {});
      const queued = publisher.publish("", "q", "ääää");
      const error = await failure(publisher.publish("", "q", "ää"), PublishError);
      expect(error.outcome).to.equal("unsent");
      await stillPending(queued);
      const fits = publisher.publish("", "q", "ä");
      await stillPending(fits);
      for (const each of [queued, fits]) each.catch(() => {});
    });

    it("takes a window of a million", async () => {
      await open({ maxUnconfirmed: 1_000_000 });
    });

    it("refuses limits that are none", async () => {
      const { connection } = await server().connect();
      for (const options of [
        { maxUnconfirmed: 0 },
        { maxUnconfirmed: 1.5 },
        { maxQueued: -1 },
        { maxQueuedBytes: Number.NaN },
        { timeoutMs: -1 },
        { timeoutMs: Number.NaN },
      ]) {
        await failure(connection.openPublisher(options), UsageError);
      }
    });
  });

  describe("defaults", () => {
    it("are those of the publisher where a publish has none, headers key by key", async () => {
      const defaults = {
        contentType: "text/plain",
        deliveryMode: 2,
        headers: { a: 1, b: 2 },
        appId: "app",
      } as const;
      const { publisher, peer } = await open({ properties: defaults });
      const cases: readonly (readonly [PublishOptions, object])[] = [
        [{}, defaults],
        [{ contentType: "x" }, { ...defaults, contentType: "x" }],
        [{ headers: { b: 3, c: 4 } }, { ...defaults, headers: { a: 1, b: 3, c: 4 } }],
        [{ headers: {} }, defaults],
        [{ appId: undefined, headers: undefined }, defaults],
        [{ headers: { a: undefined } }, { ...defaults, headers: { b: 2 } }],
        [{ priority: 1 }, { ...defaults, priority: 1 }],
      ];
      for (const [options] of cases) publisher.publish("", "q", "", options).catch(() => {});
      const sent = await peer.expectPublishes(cases.length);
      expect(sent.map(({ properties }) => properties)).to.deep.equal(
        cases.map(([, expected]) => expected),
      );
    });

    it("refuse a publish that they make impossible", async () => {
      const { publisher } = await open({ properties: { expiration: "soon" } });
      await failure(publisher.publish("", "q", ""), UsageError);
    });

    it("include a deadline, which a publish may replace", async () => {
      const { publisher } = await open({ timeoutMs: 20 });
      const error = await failure(publisher.publish("", "q", ""), PublishError);
      expect(error.cause).to.be.instanceOf(TimeoutError);
      const patient = publisher.publish("", "q", "", { timeoutMs: 10_000 });
      await stillPending(patient, 60);
      patient.catch(() => {});
    });
  });

  describe("deadline", () => {
    it("releases the caller as `unknown`, and the tag still counts", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const error = await failure(publisher.publish("e", "k", "1", { timeoutMs: 20 }));
      expect(error).to.include({ outcome: "unknown", deliveryTag: 1, mayBeDelivered: true });
      expect(error.cause).to.be.instanceOf(TimeoutError);
      expect((error.cause as AmqpError).message).to.match(/20 ms/);
      expect(publisher.unconfirmed).to.equal(1);
      const next = publisher.publish("e", "k", "2");
      await peer.expectPublishes(1);
      await stillPending(next);
      peer.ack(number, 1);
      await peer.expectPublishes(1);
      peer.ack(number, 2);
      expect(await next).to.deep.equal({ deliveryTag: 2 });
    });

    it("withdraws as `unsent` what still waits, and takes no tag", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const first = publisher.publish("", "q", "1");
      const error = await failure(publisher.publish("", "q", "2", { timeoutMs: 20 }));
      expect(error).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
      expect(publisher.queued).to.equal(0);
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      await first;
      const third = publisher.publish("", "q", "3");
      const [sent] = await peer.expectPublishes(1);
      expect(Buffer.from(sent?.body ?? []).toString()).to.equal("3");
      peer.ack(number, 2);
      expect(await third).to.deep.equal({ deliveryTag: 2 });
    });

    it("of zero is over at once", async () => {
      const { publisher } = await open();
      const error = await failure(publisher.publish("", "q", "", { timeoutMs: 0 }), PublishError);
      expect(error.outcome).to.equal("unknown");
    });

    it("each has its own", async () => {
      const { publisher } = await open();
      const order: number[] = [];
      await Promise.all(
        [60, 20, 40].map((timeoutMs) =>
          failure(publisher.publish("", "q", "", { timeoutMs })).then(() => order.push(timeoutMs)),
        ),
      );
      expect(order).to.deep.equal([20, 40, 60]);
    });

    it("does nothing to what was confirmed in time", async () => {
      const { publisher, peer, number } = await open();
      const published = publisher.publish("", "q", "", { timeoutMs: 20 });
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      await published;
      await new Promise((resolve) => setTimeout(resolve, 40));
      await publisher.waitForConfirms();
    });
  });

  describe("signal", () => {
    it("withdraws before the write, and releases after it", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const controller = new AbortController();
      const { signal } = controller;
      const sent = failure(publisher.publish("", "q", "1", { signal }), PublishError);
      const waiting = failure(publisher.publish("", "q", "2", { signal }), PublishError);
      const unconcerned = publisher.publish("", "q", "3");
      await peer.expectPublishes(1);
      const reason = new Error("enough");
      controller.abort(reason);
      expect(await sent).to.include({ outcome: "unknown", deliveryTag: 1 });
      expect(await waiting).to.include({ outcome: "unsent", deliveryTag: 0 });
      for (const error of [await sent, await waiting]) {
        expect(error.cause).to.be.instanceOf(AbortError);
        expect((error.cause as AbortError).cause).to.equal(reason);
      }
      peer.ack(number, 1);
      await peer.expectPublishes(1);
      peer.ack(number, 2);
      expect(await unconcerned).to.deep.equal({ deliveryTag: 2 });
    });

    it("that fired before is `unsent`", async () => {
      const { publisher, peer } = await open();
      const signal = AbortSignal.abort();
      const error = await failure(publisher.publish("", "q", "1", { signal }), PublishError);
      expect(error).to.include({ outcome: "unsent", deliveryTag: 0 });
      expect(error.cause).to.be.instanceOf(AbortError);
      await stillPending(publisher.closed, 10);
      expect(peer.waiting).to.deep.equal([]);
    });

    it("has one listener however many publishes share it, and none afterwards", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 10 });
      const { signal } = new AbortController();
      const publishes = Array.from({ length: 50 }, () =>
        publisher.publish("", "q", "", { signal }),
      );
      expect(getEventListeners(signal, "abort")).to.have.length(1);
      for (let tag = 10; tag <= 50; tag += 10) {
        await peer.expectPublishes(10);
        expect(getEventListeners(signal, "abort")).to.have.length(1);
        peer.ack(number, tag, true);
      }
      await Promise.all(publishes);
      expect(getEventListeners(signal, "abort")).to.have.length(0);
      publisher.publish("", "q", "", { signal }).catch(() => {});
      expect(getEventListeners(signal, "abort")).to.have.length(1);
    });

    it("is let go however a publish ends", async () => {
      for (const end of [
        (peer: Peer, number: number) => peer.nack(number, 0, true),
        (peer: Peer, number: number) => peer.closeChannel(number, 404, "NOT_FOUND"),
        (peer: Peer) => peer.reset(),
      ]) {
        const { publisher, peer, number } = await open();
        const { signal } = new AbortController();
        const failed = failure(publisher.publish("", "q", "", { signal }), PublishError);
        await peer.expectPublishes(1);
        end(peer, number);
        await failed;
        expect(getEventListeners(signal, "abort")).to.have.length(0);
      }
      const { publisher } = await open();
      const controller = new AbortController();
      const { signal } = controller;
      await failure(publisher.publish("", "q", "", { signal, timeoutMs: 10 }), PublishError);
      await failure(publisher.publish("", "q", "", { signal, expiration: "x" }), UsageError);
      expect(getEventListeners(signal, "abort")).to.have.length(0);
      const aborted = failure(publisher.publish("", "q", "", { signal }), PublishError);
      controller.abort();
      await aborted;
      expect(getEventListeners(signal, "abort")).to.have.length(0);
    });
  });

  describe("ready()", () => {
    it("resolves when there is room: window, queue and socket", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      await publisher.ready();
      const first = publisher.publish("", "q", "1");
      await publisher.ready();
      const second = publisher.publish("", "q", "2");
      const ready = publisher.ready();
      await stillPending(ready);
      await peer.expectPublishes(2);
      peer.ack(number, 1);
      await ready;
      await first;
      peer.ack(number, 2);
      await second;
    });

    it("keeps a loop within the window, whatever its length", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 3, maxQueued: 0 });
      const publishes: Promise<unknown>[] = [];
      const confirming = (async () => {
        for (let tag = 1; tag <= 50; tag++) {
          await peer.expectPublishes(1);
          peer.ack(number, tag);
        }
      })();
      for (let i = 0; i < 50; i++) {
        await publisher.ready();
        publishes.push(publisher.publish("", "q", ""));
        expect(publisher.queued).to.equal(0);
      }
      await Promise.all([...publishes, confirming]);
    });

    it("waits for the socket too", async () => {
      const { publisher, peer } = await open();
      peer.stall();
      const body = Buffer.alloc(1 << 20);
      for (let i = 0; i < 60; i++) publisher.publish("", "q", body).catch(() => {});
      const ready = publisher.ready();
      await stillPending(ready, 60);
      peer.resume();
      await within(3_000, ready);
    });

    it("gives up with its signal", async () => {
      const { publisher } = await open({ maxUnconfirmed: 1 });
      publisher.publish("", "q", "").catch(() => {});
      const controller = new AbortController();
      const waiting = failure(publisher.ready(controller), AbortError);
      controller.abort();
      await waiting;
      await failure(publisher.ready({ signal: AbortSignal.abort() }), AbortError);
      expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
    });

    it("rejects when the publisher is closed or lost", async () => {
      const { publisher, peer } = await open({ maxUnconfirmed: 1 });
      publisher.publish("", "q", "").catch(() => {});
      const waiting = failure(publisher.ready());
      await peer.expectPublishes(1);
      peer.reset();
      expect(await waiting).to.equal(await publisher.closed);
      expect(await failure(publisher.ready())).to.equal(await publisher.closed);

      const other = await open();
      await Promise.all([other.publisher.close(), other.peer.acceptChannelClose()]);
      expect(await failure(other.publisher.ready())).to.be.instanceOf(ChannelClosedError);
    });
  });

  describe("waitForConfirms()", () => {
    it("resolves at once when there is nothing to wait for", async () => {
      const { publisher } = await open();
      await publisher.waitForConfirms();
    });

    it("waits for what was published so far, and tells of failures once", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const publishes = [1, 2, 3].map((i) => publisher.publish("e", "k", `${i}`));
      publishes[1]?.catch(() => {});
      const waiting = publisher.waitForConfirms();
      const later = publisher.publish("e", "k", "later");
      await peer.expectPublishes(2);
      peer.nack(number, 2);
      peer.ack(number, 1);
      await peer.expectPublishes(2);
      peer.ack(number, 3);
      const error = await failure(waiting, BatchError);
      expect(error).to.include({ confirmed: 2, failed: 1, code: "ERR_AMQP_BATCH" });
      expect(error.failures).to.have.length(1);
      expect(error.failures[0]).to.include({ message: undefined, deliveryTag: 2 });
      expect(error.failures[0]?.error).to.equal(await failure(publishes[1] as Promise<unknown>));
      const rest = publisher.waitForConfirms();
      await stillPending(rest);
      peer.ack(number, 4);
      await rest;
      await later;
    });

    it("does not count what was refused for its arguments", async () => {
      const { publisher } = await open();
      await failure(publisher.publish("", "x".repeat(256), ""), UsageError);
      await publisher.waitForConfirms();
    });

    it("counts what could not be sent", async () => {
      const { publisher } = await open({ maxUnconfirmed: 1, maxQueued: 0 });
      publisher.publish("", "q", "").catch(() => {});
      await failure(publisher.publish("", "q", ""), PublishError);
      const signal = AbortSignal.timeout(20);
      await failure(publisher.waitForConfirms({ signal }), AbortError);
      await failure(publisher.waitForConfirms({ timeoutMs: 20 }), TimeoutError);
    });

    it("keeps 1,000 failures and counts all", async () => {
      const { publisher, peer, number } = await open();
      for (let i = 0; i < 1500; i++) publisher.publish("", "q", "").catch(() => {});
      await peer.expectPublishes(1500);
      peer.nack(number, 1500, true);
      const error = await failure(publisher.waitForConfirms(), BatchError);
      expect([error.failed, error.failures.length]).to.deep.equal([1500, 1000]);
      expect(error.failures.at(-1)?.deliveryTag).to.equal(1000);
    });
  });

  describe("close()", () => {
    it("stops accepting, drains what is queued too, closes", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const publishes = [1, 2].map((i) => publisher.publish("", "q", `${i}`));
      await peer.expectPublishes(1);
      const closing = publisher.close();
      expect(publisher.close()).to.equal(closing);
      const late = await failure(publisher.publish("", "q", "3"), PublishError);
      expect(late).to.include({ outcome: "unsent", deliveryTag: 0 });
      expect(late.cause).to.be.instanceOf(ChannelClosedError);
      expect(late.cause).to.include({ replyCode: 200 });
      peer.ack(number, 1);
      await peer.expectPublishes(1);
      await stillPending(closing);
      peer.ack(number, 2);
      await Promise.all(publishes);
      await peer.acceptChannelClose();
      await closing;
      expect(await publisher.closed).to.equal(undefined);
    });

    it("lets confirms and returns count that arrive before its answer", async () => {
      const { publisher, peer, number } = await open();
      const mandatory = publisher.publish("e", "k", "1", { mandatory: true, timeoutMs: 20 });
      await failure(mandatory, PublishError);
      const closing = publisher.close(); // nobody waits, but the tag is open
      const [sent] = await peer.expectPublishes(1);
      if (sent === undefined) throw new Error("unreachable");
      await peer.expect("channel.close");
      peer.sendReturn(number, sent);
      peer.ack(number, 1);
      peer.send(number, { name: "channel.close-ok" });
      await closing;
      expect(await publisher.closed).to.equal(undefined);
    });

    it("gives up at its deadline, tells everybody, and the connection goes on", async () => {
      const { connection, publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const sent = failure(publisher.publish("", "q", "1"), PublishError);
      const queued = failure(publisher.publish("", "q", "2"), PublishError);
      await peer.expectPublishes(1);
      await within(1_000, publisher.close({ timeoutMs: 30 }));
      expect(await sent).to.include({ outcome: "unknown" });
      expect((await sent).cause).to.be.instanceOf(TimeoutError);
      expect(await queued).to.include({ outcome: "unsent" });
      expect(await publisher.closed).to.be.instanceOf(TimeoutError);
      await peer.expect("channel.close");
      peer.send(number, { name: "channel.close-ok" });
      await openChannel(connection, peer);
    });

    it("has a deadline of its own, also when told undefined", async () => {
      const { connection, peer } = await server().connect({ closeTimeoutMs: 30 });
      const { publisher } = await openPublisher(connection, peer);
      await within(1_000, publisher.close({ timeoutMs: undefined }));
    });

    it("gives up when its signal had fired before", async () => {
      const { publisher, peer } = await open();
      const sent = failure(publisher.publish("", "q", "1"), PublishError);
      await peer.expectPublishes(1);
      await within(500, publisher.close({ signal: AbortSignal.abort() }));
      expect((await within(500, sent)).cause).to.be.instanceOf(AbortError);
      await peer.expect("channel.close");
    });
  });

  it("tells apart who of its publishes was refused", async () => {
    const { publisher, peer, number } = await open();
    const publishes = ["ok", "missing", "ok"].map((exchange, i) =>
      failure(publisher.publish(exchange, "k", `${i}`), PublishError),
    );
    await peer.expectPublishes(3);
    const text = "NOT_FOUND - no exchange 'missing' in vhost '/'";
    peer.closeChannel(number, 404, text, "basic.publish");
    await peer.expect("channel.close-ok");
    const errors = await Promise.all(publishes);
    expect(errors.map(({ outcome }) => outcome)).to.deep.equal([
      "unknown",
      "refused",
      "unprocessed",
    ]);
    expect(errors.map(({ mayBeDelivered }) => mayBeDelivered)).to.deep.equal([true, false, false]);
    expect(errors.map(({ code }) => code)).to.deep.equal([
      "ERR_AMQP_PUBLISH_UNKNOWN",
      "ERR_AMQP_PUBLISH_REFUSED",
      "ERR_AMQP_PUBLISH_UNPROCESSED",
    ]);
    const closed = await publisher.closed;
    expect(closed).to.include({ replyCode: 404, replyText: text, method: "basic.publish" });
    for (const { cause } of errors) expect(cause).to.equal(closed);
    const later = await failure(publisher.publish("ok", "k", ""), PublishError);
    expect(later).to.include({ outcome: "unsent", cause: closed });
  });

  it("is closed for a confirm of nothing, which is a ProtocolError for everybody", async () => {
    const { connection, publisher, peer, number } = await open();
    const published = failure(publisher.publish("", "q", ""), PublishError);
    await peer.expectPublishes(1);
    peer.ack(number, 7);
    const error = await published;
    expect(error).to.include({ outcome: "unknown" });
    expect(error.cause).to.be.instanceOf(ProtocolError);
    await peer.acceptChannelClose();
    await openChannel(connection, peer);
  });

  it("does not pay for a stack trace for every publish that fails", async () => {
    const { connection, publisher, peer } = await open({ maxUnconfirmed: 50 });
    const failures = Array.from({ length: 100 }, () =>
      failure(publisher.publish("", "q", ""), PublishError),
    );
    await peer.expectPublishes(50);
    connection.destroy();
    for (const error of await Promise.all(failures)) {
      expect(error.stack ?? "").not.to.match(/^\s+at /m);
      expect(error.stack).to.match(/^PublishError: publish to queue "q"/);
    }
  });
});
