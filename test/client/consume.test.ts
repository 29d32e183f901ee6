import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  type Channel,
  ChannelClosedError,
  type Connection,
  ConnectionLostError,
  type ConnectOptions,
  type ConsumedDelivery,
  type ConsumeOptions,
  type Consumer,
  ConsumerCancelledError,
  UsageError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import { openChannel, type Peer, useScriptedServer } from "../support/scripted-server.ts";

/** Consuming from a peer that does things in odd orders, or not at all. */
describe("consume()", () => {
  const server = useScriptedServer();

  interface Scene {
    readonly connection: Connection;
    readonly channel: Channel;
    readonly peer: Peer;
    readonly number: number;
  }

  async function open(options: ConnectOptions = {}): Promise<Scene> {
    const { connection, peer } = await server().connect(options);
    return { connection, peer, ...(await openChannel(connection, peer)) };
  }

  /** A consumer whose start was answered, and the first message that it was given. */
  async function consuming(
    scene: Scene,
    options: ConsumeOptions = {},
  ): Promise<{ readonly consumer: Consumer; readonly first: ConsumedDelivery }> {
    const consumer = scene.channel.consume("q", { consumerTag: "c", ...options });
    const first = next(consumer);
    await accept(scene, options.noAck === true);
    deliver(scene, 1);
    return { consumer, first: await first };
  }

  /** Answers basic.qos, unless there is none, and basic.consume. */
  async function accept({ peer, number }: Scene, noAck = false): Promise<void> {
    if (!noAck) {
      await peer.expect("basic.qos");
      peer.send(number, { name: "basic.qos-ok" });
    }
    const { consumerTag } = (await peer.expect("basic.consume")).method;
    peer.send(number, { name: "basic.consume-ok", consumerTag });
  }

  function deliver({ peer, number }: Scene, ...deliveryTags: readonly number[]): void {
    for (const deliveryTag of deliveryTags) {
      const method = { name: "basic.deliver", consumerTag: "c", deliveryTag } as const;
      const target = { redelivered: false, exchange: "", routingKey: "q" };
      peer.sendContent(number, { ...method, ...target }, `${deliveryTag}`);
    }
  }

  async function acceptCancel({ peer, number }: Scene): Promise<void> {
    const { consumerTag } = (await peer.expect("basic.cancel")).method;
    peer.send(number, { name: "basic.cancel-ok", consumerTag });
  }

  async function next(consumer: Consumer): Promise<ConsumedDelivery> {
    const result = await within(3000, consumer.next());
    if (result.done === true) throw new Error("it has ended");
    return result.value;
  }

  /** The tags of the deliveries that come back next. */
  async function nacked({ peer }: Scene, count: number): Promise<number[]> {
    const tags: number[] = [];
    while (tags.length < count) {
      const { deliveryTag, requeue, multiple } = (await peer.expect("basic.nack")).method;
      expect([requeue, multiple]).to.deep.equal([true, false]);
      tags.push(deliveryTag);
    }
    return tags;
  }

  /** Waits until the client has dealt with what was sent, and says that nothing else came back. */
  async function nothingElse({ channel, peer, number }: Scene): Promise<void> {
    const answered = channel.queuePurge("the end");
    await peer.expect("queue.purge");
    peer.send(number, { name: "queue.purge-ok", messageCount: 0 });
    await answered;
  }

  describe("starts", () => {
    it("with the first message that is asked for: basic.qos, then basic.consume", async () => {
      const scene = await open();
      const consumer = scene.channel.consume("q");
      expect(consumer.consumerTag).to.equal("consumer-1");
      await nothingElse(scene);
      void next(consumer).catch(() => {});
      const { method: qos } = await scene.peer.expect("basic.qos");
      expect(qos).to.deep.include({ prefetchCount: 100, prefetchSize: 0, global: false });
      scene.peer.send(scene.number, { name: "basic.qos-ok" });
      const { method } = await scene.peer.expect("basic.consume");
      expect(method).to.deep.equal({
        name: "basic.consume",
        queue: "q",
        consumerTag: "consumer-1",
        noLocal: false,
        noAck: false,
        exclusive: false,
        nowait: false,
        arguments: {},
      });
    });

    it("with what it is given", async () => {
      const scene = await open();
      const options = {
        ...{ prefetch: 0, exclusive: true, noLocal: true, priority: -3 },
        ...{ consumerTag: "mine", arguments: { x: 1 } },
      };
      void next(scene.channel.consume("q", options)).catch(() => {});
      expect((await scene.peer.expect("basic.qos")).method.prefetchCount).to.equal(0);
      scene.peer.send(scene.number, { name: "basic.qos-ok" });
      expect((await scene.peer.expect("basic.consume")).method).to.deep.include({
        ...{ consumerTag: "mine", exclusive: true, noLocal: true },
        arguments: { x: 1, "x-priority": -3 },
      });
    });

    it("without basic.qos where nothing is acked", async () => {
      const scene = await open();
      void next(scene.channel.consume("q", { noAck: true })).catch(() => {});
      expect((await scene.peer.expect("basic.consume")).method.noAck).to.equal(true);
    });

    it("with its own basic.qos right before it, however many start at once", async () => {
      const scene = await open();
      for (const prefetch of [1, 2, 3]) {
        void next(scene.channel.consume("q", { prefetch })).catch(() => {});
      }
      for (const prefetch of [1, 2, 3]) {
        expect((await scene.peer.expect("basic.qos")).method.prefetchCount).to.equal(prefetch);
        scene.peer.send(scene.number, { name: "basic.qos-ok" });
        const consumerTag = `consumer-${prefetch}`;
        expect((await scene.peer.expect("basic.consume")).method).to.include({ consumerTag });
        scene.peer.send(scene.number, { name: "basic.consume-ok", consumerTag });
      }
    });

    it("never, where it is ended before", async () => {
      const scene = await open();
      const consumer = scene.channel.consume("q");
      expect(await consumer.return()).to.deep.equal({ done: true, value: undefined });
      expect(await consumer.next()).to.deep.equal({ done: true, value: undefined });
      const controller = new AbortController();
      controller.abort("no");
      const { signal } = controller;
      expect(await failure(scene.channel.consume("q", { signal }).next(), AbortError)).to.include({
        cause: "no",
      });
      await nothingElse(scene);
    });

    it("never with options that cannot be", async () => {
      const { channel } = await open();
      for (const options of [
        ...[-1, 65_536, 1.5, Number.NaN].map((prefetch) => ({ prefetch })),
        ...[2 ** 31, 0.5].map((priority) => ({ priority })),
        { consumerTag: "" },
      ]) {
        expect(() => channel.consume("q", options), JSON.stringify(options)).to.throw(UsageError);
      }
    });

    it("not twice under one name, and under one that is free", async () => {
      const scene = await open();
      const waits = scene.channel.consume("q", { consumerTag: "w" });
      void waits.next().catch(() => {});
      await failure(scene.channel.consume("q", { consumerTag: "w" }).next(), UsageError);
      await accept(scene);
      const { consumer } = await consuming(scene, { consumerTag: "c" });
      await failure(scene.channel.consume("q", { consumerTag: "c" }).next(), UsageError);
      const raw = scene.channel.basicConsume("q", { consumerTag: "consumer-1", noAck: true });
      await accept(scene, true);
      await raw;
      expect(scene.channel.consume("q").consumerTag).to.equal("consumer-2");
      const ended = consumer.return();
      await acceptCancel(scene);
      await ended;
      void next(scene.channel.consume("q", { consumerTag: "c" })).catch(() => {});
      expect(await nacked(scene, 1)).to.deep.equal([1]);
      await scene.peer.expect("basic.qos");
    });

    it("not with arguments that cannot be encoded; the channel and the name stay free", async () => {
      const scene = await open();
      const bad = { consumerTag: "c", arguments: { x: Number.NaN } };
      const never = scene.channel.consume("q", bad);
      const refused = failure(never.next(), UsageError);
      await scene.peer.expect("basic.qos");
      scene.peer.send(scene.number, { name: "basic.qos-ok" });
      await refused;
      await never.return(); // nothing to cancel
      const { consumer } = await consuming(scene);
      expect(consumer.consumerTag).to.equal("c");
    });
  });

  it("hands out what came before consume-ok", async () => {
    const scene = await open();
    const consumer = scene.channel.consume("q", { consumerTag: "c" });
    const first = next(consumer);
    await scene.peer.expect("basic.qos");
    scene.peer.send(scene.number, { name: "basic.qos-ok" });
    await scene.peer.expect("basic.consume");
    deliver(scene, 1, 2);
    expect((await first).deliveryTag).to.equal(1);
    expect((await next(consumer)).deliveryTag).to.equal(2);
    scene.peer.send(scene.number, { name: "basic.consume-ok", consumerTag: "c" });
    deliver(scene, 3);
    expect((await next(consumer)).deliveryTag).to.equal(3);
  });

  it("serves those who wait in their order, and tells all of them the end", async () => {
    const scene = await open();
    const { consumer } = await consuming(scene);
    const waiting = [consumer.next(), consumer.next(), consumer.next(), consumer.next()];
    deliver(scene, 2, 3);
    const given = await Promise.all(waiting.slice(0, 2));
    expect(given.map(({ value }) => value?.deliveryTag)).to.deep.equal([2, 3]);
    scene.peer.closeChannel(scene.number, 541, "INTERNAL_ERROR");
    const reason = await scene.channel.closed;
    for (const each of waiting.slice(2)) expect(await failure(each)).to.equal(reason);
    expect(await failure(consumer.next())).to.equal(reason);
  });

  describe("ends", () => {
    it("with basic.cancel, and then gives back what was not settled, once", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2, 3);
      (await next(consumer)).ack();
      first.ack();
      await scene.peer.expect("basic.ack");
      await scene.peer.expect("basic.ack");
      const ended = Promise.all([consumer.return(), consumer[Symbol.asyncDispose]()]);
      await scene.peer.expect("basic.cancel");
      deliver(scene, 4); // was on its way
      await stillPending(ended);
      scene.peer.send(scene.number, { name: "basic.cancel-ok", consumerTag: "c" });
      await ended;
      expect(await nacked(scene, 2)).to.deep.equal([3, 4]);
      await nothingElse(scene);
      expect(await consumer.next()).to.deep.equal({ done: true, value: undefined });
    });

    for (const keepUnsettled of [false, true]) {
      it(`without a nack for what a stream sent, keepUnsettled ${keepUnsettled}`, async () => {
        const scene = await open();
        const { peer, number } = scene;
        const { consumer } = await consuming(scene, { keepUnsettled });
        for (const deliveryTag of [2, 3]) {
          const method = { name: "basic.deliver", consumerTag: "c", deliveryTag } as const;
          const target = { redelivered: false, exchange: "", routingKey: "q" };
          const headers = { "x-stream-offset": deliveryTag };
          peer.sendContent(number, { ...method, ...target }, "m", { headers });
        }
        await next(consumer);
        const ended = consumer.return();
        await acceptCancel(scene);
        await ended;
        if (!keepUnsettled) expect(await nacked(scene, 1)).to.deep.equal([1]);
        await nothingElse(scene);
      });
    }

    it("without a loss when its start was not answered yet", async () => {
      const scene = await open();
      const consumer = scene.channel.consume("q", { consumerTag: "c" });
      const waiting = consumer.next();
      await scene.peer.expect("basic.qos");
      const ended = consumer.return();
      expect(await waiting).to.deep.equal({ done: true, value: undefined });
      scene.peer.send(scene.number, { name: "basic.qos-ok" });
      await scene.peer.expect("basic.consume");
      deliver(scene, 1);
      scene.peer.send(scene.number, { name: "basic.consume-ok", consumerTag: "c" });
      await acceptCancel(scene);
      await ended;
      expect(await nacked(scene, 1)).to.deep.equal([1]);
    });

    it("although the broker does not answer; what it sends until then goes back then", async () => {
      const scene = await open({ closeTimeoutMs: 40 });
      const { consumer } = await consuming(scene);
      await within(3000, consumer.return());
      await scene.peer.expect("basic.cancel");
      deliver(scene, 2);
      scene.peer.send(scene.number, { name: "basic.cancel-ok", consumerTag: "c" });
      expect(await nacked(scene, 2)).to.deep.equal([1, 2]);
    });

    it("and gives back nothing when the channel was lost meanwhile", async () => {
      const scene = await open();
      const { consumer } = await consuming(scene);
      const ended = consumer.return();
      await scene.peer.expect("basic.cancel");
      scene.peer.closeChannel(scene.number, 541, "INTERNAL_ERROR");
      await ended;
      expect((await consumer.next()).done).to.equal(true);
      await scene.peer.expect("channel.close-ok");
      expect(scene.peer.waiting).to.deep.equal([]);
    });

    it("for its signal at once, and never listens longer than it runs", async () => {
      const scene = await open();
      const controller = new AbortController();
      const { signal } = controller;
      const { consumer } = await consuming(scene, { signal });
      const waiting = consumer.next();
      expect(getEventListeners(signal, "abort")).to.have.length(1);
      controller.abort("enough");
      expect(await failure(waiting, AbortError)).to.include({ cause: "enough" });
      await acceptCancel(scene);
      expect(await nacked(scene, 1)).to.deep.equal([1]);
      expect(await failure(consumer.next(), AbortError)).to.include({ cause: "enough" });
      expect((await consumer.return()).done).to.equal(true);
      const other = new AbortController();
      const ended = (await consuming(scene, { signal: other.signal })).consumer.return();
      await acceptCancel(scene);
      await ended;
      expect(getEventListeners(other.signal, "abort")).to.deep.equal([]);
    });

    it("and gives back nothing of others", async () => {
      const scene = await open();
      const { first } = await consuming(scene);
      const other = scene.channel.consume("q", { consumerTag: "d" });
      const waiting = other.next();
      await accept(scene);
      const method = { name: "basic.deliver", consumerTag: "d", deliveryTag: 2 } as const;
      const target = { redelivered: false, exchange: "", routingKey: "q" };
      scene.peer.sendContent(scene.number, { ...method, ...target }, "d");
      await waiting;
      const ended = other.return();
      await acceptCancel(scene);
      await ended;
      expect(await nacked(scene, 1)).to.deep.equal([2]);
      first.ack();
      await scene.peer.expect("basic.ack");
    });

    it("and keeps what was handed out, if asked to", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene, { keepUnsettled: true });
      deliver(scene, 2, 3);
      await nothingElse(scene);
      scene.channel.basicReject(2);
      await scene.peer.expect("basic.reject");
      const ended = consumer.return();
      await acceptCancel(scene);
      await ended;
      expect(await nacked(scene, 1)).to.deep.equal([3]);
      first.ack();
      expect((await scene.peer.expect("basic.ack")).method.deliveryTag).to.equal(1);
    });

    it("with nothing to give back where nothing is acked", async () => {
      for (const keepUnsettled of [true, false]) {
        const scene = await open();
        const { consumer } = await consuming(scene, { noAck: true, keepUnsettled });
        deliver(scene, 2);
        const ended = consumer.return();
        await acceptCancel(scene);
        await ended;
        await nothingElse(scene);
      }
    });

    it("quietly when this client closes the channel, which waits for nobody", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2);
      await nothingElse(scene);
      const closing = scene.channel.close();
      expect((await consumer.next()).done).to.equal(true);
      await scene.peer.acceptChannelClose();
      await closing;
      expect(() => first.ack()).to.throw(ChannelClosedError, "closed by this client");
      await failure(scene.channel.consume("q").next(), ChannelClosedError);
    });

    it("behind what had arrived where nothing is acked, whoever closes", async () => {
      for (const ours of [true, false]) {
        const scene = await open();
        const { consumer } = await consuming(scene, { noAck: true });
        deliver(scene, 2);
        await nothingElse(scene);
        if (ours) {
          const closing = scene.channel.close();
          await scene.peer.acceptChannelClose();
          await closing;
        } else {
          scene.peer.reset();
          await scene.connection.closed;
        }
        expect((await next(consumer)).deliveryTag).to.equal(2);
        if (ours) expect((await consumer.next()).done).to.equal(true);
        else await failure(consumer.next(), ConnectionLostError);
      }
    });

    it("at once with the reason where the connection is lost and acks cannot reach it", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2);
      await nothingElse(scene);
      scene.peer.reset();
      const reason = await scene.connection.closed;
      expect(await failure(consumer.next(), ConnectionLostError)).to.equal(reason);
      expect(() => first.ack()).to.throw(ConnectionLostError);
      expect((await consumer.return()).done).to.equal(true);
    });
  });

  describe("when the broker cancels", () => {
    async function cancelled(scene: Scene, nowait = true): Promise<void> {
      scene.peer.send(scene.number, { name: "basic.cancel", consumerTag: "c", nowait });
      if (!nowait) {
        const { consumerTag } = (await scene.peer.expect("basic.cancel-ok")).method;
        expect(consumerTag).to.equal("c");
      }
      await nothingElse(scene);
    }

    it("hands out what had arrived, then fails; and answers where it is asked to", async () => {
      for (const nowait of [true, false]) {
        const scene = await open();
        const { consumer } = await consuming(scene);
        deliver(scene, 2);
        await cancelled(scene, nowait);
        const last = await next(consumer);
        last.ack();
        expect((await scene.peer.expect("basic.ack")).method.deliveryTag).to.equal(2);
        const error = await failure(consumer.next(), ConsumerCancelledError);
        expect(error).to.include({ consumerTag: "c", queue: "q", name: "ConsumerCancelledError" });
        expect(error.message).to.contain("consumer c of queue q");
        expect((await consumer.return()).done).to.equal(true);
        expect(await nacked(scene, 1)).to.deep.equal([1]);
        await nothingElse(scene);
      }
    });

    it("gives back what was not handed out if the loop ends before", async () => {
      const scene = await open();
      const { consumer } = await consuming(scene);
      deliver(scene, 2);
      await cancelled(scene);
      await consumer.return();
      expect(await nacked(scene, 2)).to.deep.equal([1, 2]);
      await nothingElse(scene);
    });

    it("takes nothing from a new consumer of its name when its loop ends late", async () => {
      const scene = await open();
      const { consumer } = await consuming(scene);
      await cancelled(scene);
      const again = scene.channel.consume("q", { consumerTag: "c" });
      const waiting = next(again);
      await accept(scene);
      await consumer.return();
      expect(await nacked(scene, 1)).to.deep.equal([1]);
      deliver(scene, 2);
      expect((await waiting).deliveryTag).to.equal(2);
    });

    it("hands out nothing more when the channel is lost behind it", async () => {
      const scene = await open();
      const { consumer } = await consuming(scene);
      deliver(scene, 2);
      await cancelled(scene);
      const again = scene.channel.consume("q", { consumerTag: "c" }); // the name is free
      const other = failure(again.next(), ChannelClosedError);
      await scene.peer.expect("basic.qos");
      scene.peer.closeChannel(scene.number, 541, "INTERNAL_ERROR");
      await other;
      await failure(consumer.next(), ConsumerCancelledError);
    });

    it("tells the listeners of `cancel`, also those of basicConsume()", async () => {
      const scene = await open();
      const seen: unknown[] = [];
      scene.channel.on("cancel", (event) => seen.push(event));
      const started = scene.channel.basicConsume("q", { consumerTag: "c" });
      await accept(scene, true);
      await started;
      await cancelled(scene);
      expect(seen).to.deep.equal([{ consumerTag: "c" }]);
    });
  });

  describe("a delivery", () => {
    it("is settled once", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2, 3);
      const [second, third] = [await next(consumer), await next(consumer)];
      first.ack();
      second.nack({ requeue: false });
      third.reject();
      for (const each of [first, second, third]) {
        for (const settle of [() => each.ack(), () => each.nack(), () => each.reject()]) {
          expect(settle).to.throw(UsageError, `delivery ${each.deliveryTag} was settled already`);
        }
      }
      expect((await scene.peer.expect("basic.ack")).method).to.include({
        deliveryTag: 1,
        multiple: false,
      });
      expect((await scene.peer.expect("basic.nack")).method).to.include({
        ...{ deliveryTag: 2, multiple: false, requeue: false },
      });
      expect((await scene.peer.expect("basic.reject")).method).to.include({
        ...{ deliveryTag: 3, requeue: true },
      });
      await nothingElse(scene);
    });

    it("that was acked with others needs no ack of its own, and takes nothing else", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2, 3);
      const [second, third] = [await next(consumer), await next(consumer)];
      second.ack({ multiple: true });
      first.ack();
      expect(() => first.nack()).to.throw(UsageError, "by basic.ack of all up to 2");
      expect(() => second.ack()).to.throw(UsageError, "by basic.ack");
      scene.channel.basicAck(0, { multiple: true });
      third.ack();
      expect(() => third.reject()).to.throw(UsageError, "by basic.ack of all");
      await scene.peer.expect("basic.ack");
      await scene.peer.expect("basic.ack");
      await nothingElse(scene);
    });

    it("that needs no answer refuses one", async () => {
      const scene = await open();
      const { first } = await consuming(scene, { noAck: true });
      for (const settle of [() => first.ack(), () => first.nack(), () => first.reject()]) {
        expect(settle).to.throw(UsageError, "asked for with noAck");
      }
      await nothingElse(scene);
    });

    it("that went back while it waited is not handed out; it comes again", async () => {
      const scene = await open();
      const { consumer, first } = await consuming(scene);
      deliver(scene, 2, 3);
      await nothingElse(scene);
      const recovering = scene.channel.basicRecover();
      await scene.peer.expect("basic.recover");
      scene.peer.send(scene.number, { name: "basic.recover-ok" });
      await recovering;
      deliver(scene, 4);
      expect((await next(consumer)).deliveryTag).to.equal(4);
      expect(() => first.ack()).to.throw(UsageError, "by basic.recover");
    });

    it("that was acked by number while it waited is handed out all the same", async () => {
      const scene = await open();
      const { consumer } = await consuming(scene);
      deliver(scene, 2);
      await nothingElse(scene);
      scene.channel.basicAck(2, { multiple: true });
      const second = await next(consumer);
      expect(second.deliveryTag).to.equal(2);
      expect(() => second.nack()).to.throw(UsageError);
    });

    it("is an event where basicConsume() asked for it, whatever a listener does", async () => {
      const scene = await open();
      const seen: ConsumedDelivery[] = [];
      scene.channel.on("deliver", (delivery) => seen.push(delivery));
      const started = scene.channel.basicConsume("q", { consumerTag: "c" });
      await accept(scene, true);
      await started;
      deliver(scene, 1, 2);
      await until(() => seen.length === 2);
      seen[1]?.ack({ multiple: true });
      expect((await scene.peer.expect("basic.ack")).method).to.include({
        ...{ deliveryTag: 2, multiple: true },
      });
    });
  });
});
