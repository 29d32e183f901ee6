import { expect } from "chai";
import {
  AbortError,
  type Channel,
  ChannelClosedError,
  type Connection,
  ConnectionLostError,
  type ConsumedDelivery,
  ConsumerCancelledError,
  connect,
  type FieldTable,
  type GotDelivery,
  UsageError,
} from "../../src/index.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { failure, until } from "../support/environment.ts";

/** Consuming as an application does it. */
againstBothBrokers("consume()", (url, kind) => {
  let connection: Connection;
  let channel: Channel;
  /** Another one, to look at queues while the first is busy. */
  let side: Channel;
  let count = 0;
  const unique = (what: string): string => `amqp091-test-${process.pid}-c-${what}-${++count}`;

  beforeEach(async () => {
    connection = await connect(url());
    [channel, side] = [await connection.openChannel(), await connection.openChannel()];
    await side.confirmSelect();
  });
  afterEach(() => connection.close());

  function numbers(n: number): string[] {
    return Array.from({ length: n }, (_, i) => `${i + 1}`);
  }

  async function publish(
    queue: string,
    ...bodies: readonly (string | Uint8Array)[]
  ): Promise<void> {
    for (const body of bodies) side.basicPublish("", queue, body, { deliveryMode: 2 });
    await side.waitForConfirms();
  }

  async function ownQueue(...bodies: readonly string[]): Promise<string> {
    const { queue } = await side.queueDeclare("", { exclusive: true });
    await publish(queue, ...bodies);
    return queue;
  }

  /** Waits until so many messages are ready: what goes back does so in a moment. */
  async function expectReady(queue: string, messageCount: number): Promise<void> {
    for (;;) {
      const found = await side.queueDeclare(queue, { passive: true });
      if (found.messageCount === messageCount) return;
    }
  }

  async function expectConsumers(queue: string, consumerCount: number): Promise<void> {
    for (;;) {
      const found = await side.queueDeclare(queue, { passive: true });
      if (found.consumerCount === consumerCount) return;
    }
  }

  async function next(consumer: AsyncIterator<ConsumedDelivery>): Promise<ConsumedDelivery> {
    const result = await consumer.next();
    if (result.done === true) throw new Error("it has ended");
    return result.value;
  }

  function text({ body }: { readonly body: Uint8Array }): string {
    return Buffer.from(body).toString();
  }

  it("gives every message once, in order, with what it was published with", async () => {
    const queue = await ownQueue();
    side.basicPublish("amq.fanout", "nobody is bound yet", "lost");
    await side.queueBind(queue, "amq.topic", "a.#");
    side.basicPublish("amq.topic", "a.b", "1", { messageId: "m", headers: { n: 1n } });
    await publish(queue, ...numbers(500).slice(1));
    const bodies: string[] = [];
    for await (const delivery of channel.consume(queue, { prefetch: 10 })) {
      if (bodies.length === 0) {
        expect(delivery).to.include({ exchange: "amq.topic", routingKey: "a.b", deliveryTag: 1 });
        expect(delivery.properties).to.deep.equal({ messageId: "m", headers: { n: 1 } });
      }
      expect(delivery.redelivered).to.equal(false);
      bodies.push(text(delivery));
      delivery.ack();
      if (bodies.length === 500) break;
    }
    expect(bodies).to.deep.equal(numbers(500));
    await expectReady(queue, 0);
    expect(await side.queueDelete(queue, { ifUnused: true })).to.deep.equal({ messageCount: 0 });
  });

  it("is sent no more than its prefetch ahead", async () => {
    const queue = await ownQueue(...numbers(10));
    const consumer = channel.consume(queue, { prefetch: 3 });
    const first = await next(consumer);
    await expectReady(queue, 7);
    first.ack();
    await expectReady(queue, 6);
    await consumer.return();
    await expectReady(queue, 9);
  });

  it("has a finite prefetch unless told otherwise, and its own beside others", async () => {
    const [many, few] = [await ownQueue(...numbers(150)), await ownQueue(...numbers(150))];
    const all = channel.consume(many, { prefetch: 0 });
    const hundred = channel.consume(few);
    await Promise.all([next(all), next(hundred)]);
    await expectReady(many, 0);
    await expectReady(few, 50);
    await Promise.all([all.return(), hundred.return()]);
    await expectReady(many, 150);
    await expectReady(few, 150);
  });

  describe("the end of a loop", () => {
    it("gives back what it did not settle, and keeps what it acked", async () => {
      const queue = await ownQueue(...numbers(10));
      for await (const delivery of channel.consume(queue)) {
        if (text(delivery) === "4") break;
        delivery.ack();
      }
      await expectReady(queue, 7);
      await expectConsumers(queue, 0);
      const again = await channel.basicGet(queue);
      expect(again).to.include({ redelivered: true });
      expect(text(again as GotDelivery)).to.equal("4");
    });

    it("does so too when its body fails, with that failure", async () => {
      const queue = await ownQueue(...numbers(3));
      const loop = async (): Promise<void> => {
        for await (const delivery of channel.consume(queue)) {
          if (text(delivery) === "2") throw new RangeError("no such thing");
          delivery.ack();
        }
      };
      expect((await failure(loop(), RangeError)).message).to.equal("no such thing");
      await expectReady(queue, 2);
      await expectConsumers(queue, 0);
    });

    it("leaves open what it was given, if asked to", async () => {
      const queue = await ownQueue(...numbers(10));
      const given: ConsumedDelivery[] = [];
      for await (const delivery of channel.consume(queue, { keepUnsettled: true })) {
        given.push(delivery);
        if (given.length === 4) break;
      }
      await expectReady(queue, 6);
      given[0]?.ack();
      given[3]?.ack({ multiple: true });
      given[2]?.ack(); // the one before covered it
      await channel.close();
      await expectReady(queue, 6);
    });

    it("refuses an answer that comes too late", async () => {
      const queue = await ownQueue("1");
      let last: ConsumedDelivery | undefined;
      for await (const delivery of channel.consume(queue)) {
        last = delivery;
        break;
      }
      expect(() => last?.ack()).to.throw(UsageError, "keepUnsettled");
      expect(await channel.basicGet(queue, { noAck: true })).to.include({ redelivered: true });
    });

    it("comes with a signal, also for one who waits", async () => {
      const queue = await ownQueue("1", "2");
      const controller = new AbortController();
      const { signal } = controller;
      const seen: string[] = [];
      const loop = (async () => {
        for await (const delivery of channel.consume(queue, { signal, prefetch: 2 })) {
          seen.push(text(delivery));
          if (seen.length === 1) delivery.ack();
        }
      })();
      await until(() => seen.length === 2);
      controller.abort(new Error("enough"));
      const error = await failure(loop, AbortError);
      expect((error.cause as Error).message).to.equal("enough");
      await expectReady(queue, 1);
      await expectConsumers(queue, 0);
      const late = channel.consume(queue, { signal });
      await failure(late.next(), AbortError);
    });

    it("comes quietly when this client closes the channel", async () => {
      const queue = await ownQueue("1", "2", "3");
      const seen: string[] = [];
      for await (const delivery of channel.consume(queue)) {
        seen.push(text(delivery));
        delivery.ack();
        if (seen.length === 2) void channel.close();
      }
      expect(seen).to.deep.equal(["1", "2"]);
      await expectReady(queue, 1);
    });

    it("comes with the reason when the broker closes the channel", async () => {
      const queue = await ownQueue("1", "2", "3");
      const consumer = channel.consume(queue);
      const first = await next(consumer);
      const waiting = failure(
        (async () => {
          for await (const _ of consumer);
        })(),
      );
      channel.basicAck(99);
      const reason = await channel.closed;
      expect(reason).to.be.instanceOf(ChannelClosedError);
      expect(await waiting).to.equal(reason);
      expect(() => first.ack()).to.throw(ChannelClosedError, "unknown delivery tag 99");
      await expectReady(queue, 3);
    });

    it("comes with the reason when the connection is lost", async () => {
      const queue = unique("survivor");
      await side.queueDeclare(queue, {});
      const other = await connect(url());
      const consumer = (await other.openChannel()).consume(queue);
      const loop = failure(consumer.next(), ConnectionLostError);
      await expectConsumers(queue, 1);
      other.destroy(new Error("cut"));
      expect(await loop).to.equal(await other.closed);
      await side.queueDelete(queue);
    });

    it("comes with the refusal where there is no such queue", async () => {
      const loop = failure(channel.consume(unique("missing")).next(), ChannelClosedError);
      expect(await loop).to.include({ replyCode: 404, method: "basic.consume" });
    });
  });

  describe("basicCancel()", () => {
    for (const nowait of [false, true]) {
      it(`ends a loop after what had arrived${nowait ? ", also with nowait" : ""}`, async () => {
        const queue = await ownQueue(...numbers(5));
        const bodies: string[] = [];
        const consumer = channel.consume(queue, { prefetch: 3 });
        for await (const delivery of consumer) {
          bodies.push(text(delivery));
          if (bodies.length === 1) {
            await expectReady(queue, 2);
            await channel.basicCancel(consumer.consumerTag, { nowait });
          }
          delivery.ack();
        }
        expect(bodies).to.deep.equal(["1", "2", "3"]);
        await expectConsumers(queue, 0);
        await channel.close();
        await expectReady(queue, 2);
      });

      it(`ends one that waits${nowait ? ", also with nowait" : ""}`, async () => {
        const consumer = channel.consume(await ownQueue(), { consumerTag: "waits" });
        const waiting = consumer.next();
        await channel.basicCancel("waits", { nowait });
        expect(await waiting).to.deep.equal({ done: true, value: undefined });
      });
    }
  });

  it("refuses a second consumer of one name whatever waits before it, and goes on", async () => {
    const queue = await ownQueue("1");
    const declared = channel.queueDeclare(queue, { passive: true });
    const [first, second, third] = await Promise.allSettled([
      channel.basicConsume(queue, { consumerTag: "same" }),
      channel.basicConsume(queue, { consumerTag: "same", nowait: true }),
      channel.consume(queue, { consumerTag: "same" }).next(),
      declared,
    ]);
    expect(first).to.deep.include({ status: "fulfilled" });
    for (const refused of [second, third]) {
      expect(refused.status === "rejected" && refused.reason).to.be.instanceOf(UsageError);
    }
    await channel.basicCancel("same");
  });

  describe("the broker's cancel", () => {
    it("ends the loop with an error of its own, after what had arrived", async () => {
      const queue = await ownQueue(...numbers(5));
      const cancelled: unknown[] = [];
      channel.on("cancel", (event) => cancelled.push(event));
      const consumer = channel.consume(queue, { consumerTag: "mine" });
      const bodies = [text(await next(consumer))];
      await expectReady(queue, 0);
      await side.queueDelete(queue);
      await until(() => cancelled.length === 1);
      const loop = async (): Promise<void> => {
        for await (const delivery of consumer) {
          bodies.push(text(delivery));
          delivery.ack();
        }
      };
      const error = await failure(loop(), ConsumerCancelledError);
      expect(error).to.include({ consumerTag: "mine", queue, code: "ERR_AMQP_CONSUMER_CANCELLED" });
      expect(bodies).to.deep.equal(numbers(5));
      expect(cancelled).to.deep.equal([{ consumerTag: "mine" }]);
    });

    it("does not harm the channel, nor a loop that ends at the same time", async () => {
      const queue = await ownQueue(...numbers(5));
      for await (const delivery of channel.consume(queue)) {
        delivery.ack();
        void side.queueDelete(queue);
        break;
      }
      const again = await ownQueue("x");
      expect(text(await next(channel.consume(again)))).to.equal("x");
    });
  });

  it("marks what comes again as redelivered", async () => {
    const queue = await ownQueue("1");
    const seen: [boolean, number][] = [];
    for await (const delivery of channel.consume(queue)) {
      seen.push([delivery.redelivered, delivery.deliveryTag]);
      if (seen.length === 1) delivery.nack();
      else if (seen.length === 2) delivery.reject();
      else {
        delivery.ack();
        break;
      }
    }
    expect(seen).to.deep.equal([
      [false, 1],
      [true, 2],
      [true, 3],
    ]);
    await expectReady(queue, 0);
  });

  it("serves consumers by priority", async () => {
    const queue = await ownQueue();
    const low = channel.consume(queue, { priority: -1, prefetch: 10 });
    const high = channel.consume(queue, { priority: 10, prefetch: 3 });
    const [lows, highs]: [string[], string[]] = [[], []];
    const gather = async (consumer: typeof low, into: string[]): Promise<void> => {
      for await (const delivery of consumer) into.push(text(delivery));
    };
    const loops = [gather(low, lows), gather(high, highs)];
    await expectConsumers(queue, 2);
    for (const body of numbers(5)) await publish(queue, body);
    await until(() => lows.length + highs.length === 5);
    expect([highs, lows]).to.deep.equal([
      ["1", "2", "3"],
      ["4", "5"],
    ]);
    await channel.close();
    await Promise.all(loops);
  });

  it("refuses a second consumer of a queue that one consumes alone", async () => {
    const queue = await ownQueue("1");
    const alone = channel.consume(queue, { exclusive: true });
    await next(alone);
    expect(await failure(side.consume(queue).next())).to.include({ replyCode: 403 });
  });

  it("needs no acks with noAck", async () => {
    const queue = await ownQueue(...numbers(300));
    const bodies: string[] = [];
    for await (const delivery of channel.consume(queue, { noAck: true })) {
      bodies.push(text(delivery));
      expect(() => delivery.ack()).to.throw(UsageError, "noAck");
      if (bodies.length === 300) break;
    }
    expect(bodies).to.deep.equal(numbers(300));
    await expectReady(queue, 0);
  });

  it("puts large bodies together from many frames, beside others'", async () => {
    const queues = [unique("large"), unique("large")];
    for (const queue of queues) await side.queueDeclare(queue);
    const { hostname, port } = new URL(url());
    const narrow = await connect({ hostname, port: Number(port), frameMax: 4096 });
    const sizes = [0, 1, 4088, 4089, 100_000, 3_000_000];
    for (const size of sizes) {
      for (const queue of queues) await publish(queue, pattern(size));
    }
    await Promise.all(
      queues.map(async (queue) => {
        const consumer = (await narrow.openChannel()).consume(queue, { prefetch: 2 });
        for (const size of sizes) {
          const delivery = await next(consumer);
          expect(Buffer.compare(delivery.body, pattern(size)), `${size}`).to.equal(0);
          delivery.ack();
        }
      }),
    );
    await narrow.close();
    for (const queue of queues) await side.queueDelete(queue);
  });

  if (kind === "RabbitMQ") {
    it("consumes from a quorum queue", async () => {
      const queue = unique("quorum");
      const args: FieldTable = { "x-queue-type": "quorum" };
      await side.queueDeclare(queue, { durable: true, arguments: args });
      await publish(queue, ...numbers(50));
      const bodies: string[] = [];
      for await (const delivery of channel.consume(queue, { prefetch: 7 })) {
        if (bodies.length === 10 && !delivery.redelivered) {
          delivery.nack();
          continue;
        }
        if (delivery.redelivered) {
          expect(delivery.properties.headers).to.deep.include({ "x-delivery-count": 1 });
        }
        bodies.push(text(delivery));
        delivery.ack();
        if (bodies.length === 50) break;
      }
      expect(bodies.sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers(50));
      await side.queueDelete(queue);
    });

    it("reads a stream from any offset, as often as one likes", async () => {
      const queue = unique("stream");
      const args: FieldTable = { "x-queue-type": "stream" };
      await side.queueDeclare(queue, { durable: true, arguments: args });
      await publish(queue, ...numbers(100));
      const read = async (
        offset: string | number | bigint | Date,
        n: number,
      ): Promise<[string, unknown][]> => {
        const found: [string, unknown][] = [];
        const options = { prefetch: 10, arguments: { "x-stream-offset": offset } };
        for await (const delivery of channel.consume(queue, options)) {
          found.push([text(delivery), delivery.properties.headers?.["x-stream-offset"]]);
          delivery.ack();
          if (found.length === n) return found;
        }
        throw new Error("a stream does not end");
      };
      const all = await read("first", 100);
      expect(all.map(([body]) => body)).to.deep.equal(numbers(100));
      expect(all[99]?.[1]).to.equal(99);
      expect(await read(95, 5)).to.deep.equal(all.slice(95));
      expect(await read(95n, 5)).to.deep.equal(all.slice(95));
      expect(await read(new Date(0), 3)).to.deep.equal(all.slice(0, 3));
      expect(await read("1h", 3)).to.deep.equal(all.slice(0, 3));
      // "last" is the last chunk, and how many messages that has is the broker's business.
      const [[, first] = []] = await read("last", 1);
      expect(await read("last", 100 - Number(first))).to.deep.equal(all.slice(Number(first)));
      const later = read("next", 1);
      await channel.basicQos({ prefetchCount: 10 }); // answered behind consume-ok
      await publish(queue, "later");
      expect(await later).to.deep.equal([["later", 100]]);
      await side.queueDelete(queue);
    });

    it("refuses a stream that is not acked", async () => {
      const queue = unique("stream");
      await side.queueDeclare(queue, { durable: true, arguments: { "x-queue-type": "stream" } });
      const refused = await failure(channel.consume(queue, { noAck: true }).next());
      expect(refused).to.include({ replyCode: 406, method: "basic.consume" });
      await side.queueDelete(queue);
    });
  }

  it("lets several workers share one consumer", async () => {
    const queue = await ownQueue(...numbers(100));
    const consumer = channel.consume(queue, { prefetch: 8 });
    const bodies = new Set<string>();
    const worker = async (): Promise<void> => {
      for (;;) {
        const { done, value } = await consumer.next();
        if (done === true) return;
        await new Promise(setImmediate);
        bodies.add(text(value));
        value.ack();
        if (bodies.size === 100) await consumer.return();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect([...bodies].sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers(100));
    await expectReady(queue, 0);
  });

  it("counts acks of a transaction when it is committed", async () => {
    const queue = await ownQueue("1", "2");
    await channel.txSelect();
    const consumer = channel.consume(queue, { prefetch: 1 });
    const first = await next(consumer);
    first.ack();
    await channel.txRollback();
    first.ack();
    await channel.txCommit();
    expect(text(await next(consumer))).to.equal("2");
    await consumer.return();
    await channel.txCommit();
    await expectReady(queue, 1);
  });

  it("knows a second ack also while a transaction ends, and sends all in order", async () => {
    const queue = await ownQueue("1", "2", "3");
    await channel.txSelect();
    const consumer = channel.consume(queue);
    const [first, second, third] = [
      await next(consumer),
      await next(consumer),
      await next(consumer),
    ];
    const committed = channel.txCommit();
    const declared = channel.queueDeclare(queue, { passive: true });
    first.ack();
    expect(() => first.ack()).to.throw(UsageError, "settled already");
    await committed;
    second.ack({ multiple: true });
    await declared;
    third.nack();
    await channel.txCommit();
    await channel.close();
    await expectReady(queue, 1);
  });

  function pattern(size: number): Buffer {
    const body = Buffer.alloc(size);
    for (let i = 0; i < size; i++) body[i] = (i * 31 + (i >> 8)) % 251;
    return body;
  }
});
