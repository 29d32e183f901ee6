import { expect } from "chai";
import {
  AbortError,
  type AmqpError,
  BatchError,
  type Channel,
  ChannelClosedError,
  ConnectionLostError,
  ProtocolError,
  PublishError,
  ReturnedError,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import {
  openChannel,
  openConfirmChannel,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

describe("Channel", () => {
  const server = useScriptedServer();

  async function open(): Promise<{ channel: Channel; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect();
    return { peer, ...(await openChannel(connection, peer)) };
  }

  async function openConfirming(): Promise<{ channel: Channel; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect();
    return { peer, ...(await openConfirmChannel(connection, peer)) };
  }

  function eventsOf(channel: Channel): unknown[][] {
    const events: unknown[][] = [];
    for (const name of ["ack", "nack", "return", "flow", "close"] as const) {
      channel.on(name, (...args: unknown[]) => events.push([name, ...args]));
    }
    return events;
  }

  describe("methods", () => {
    it("go out with what they are given, and with defaults for the rest", async () => {
      const { channel, peer, number } = await open();
      const x = { x: 1 };
      const noOptions = { durable: false, autoDelete: false, internal: false, passive: false };
      const all = { durable: true, autoDelete: true, passive: true };
      const exchange = { exchange: "e", nowait: false };
      const queue = { queue: "q", nowait: false };
      const noQueueOptions = { passive: false, durable: false, exclusive: false };
      const cases: readonly (readonly [() => Promise<unknown>, object, object, unknown])[] = [
        [
          () => channel.exchangeDeclare("e", "topic"),
          { name: "exchange.declare", type: "topic", ...noOptions, ...exchange, arguments: {} },
          { name: "exchange.declare-ok" },
          undefined,
        ],
        [
          () => channel.exchangeDeclare("e", "t", { ...all, internal: true, arguments: x }),
          {
            name: "exchange.declare",
            type: "t",
            ...all,
            internal: true,
            ...exchange,
            arguments: x,
          },
          { name: "exchange.declare-ok" },
          undefined,
        ],
        [
          () => channel.exchangeDelete("e"),
          { name: "exchange.delete", ...exchange, ifUnused: false },
          { name: "exchange.delete-ok" },
          undefined,
        ],
        [
          () => channel.exchangeDelete("e", { ifUnused: true }),
          { name: "exchange.delete", ...exchange, ifUnused: true },
          { name: "exchange.delete-ok" },
          undefined,
        ],
        [
          () => channel.exchangeBind("d", "s", "k", x),
          {
            name: "exchange.bind",
            destination: "d",
            source: "s",
            routingKey: "k",
            nowait: false,
            arguments: x,
          },
          { name: "exchange.bind-ok" },
          undefined,
        ],
        [
          () => channel.exchangeUnbind("d", "s", "k"),
          {
            name: "exchange.unbind",
            destination: "d",
            source: "s",
            routingKey: "k",
            nowait: false,
            arguments: {},
          },
          { name: "exchange.unbind-ok" },
          undefined,
        ],
        [
          () => channel.queueDeclare(),
          {
            name: "queue.declare",
            ...queue,
            queue: "",
            ...noQueueOptions,
            autoDelete: false,
            arguments: {},
          },
          { name: "queue.declare-ok", queue: "amq.gen-1", messageCount: 0, consumerCount: 0 },
          { queue: "amq.gen-1", messageCount: 0, consumerCount: 0 },
        ],
        [
          () => channel.queueDeclare("q", { ...all, exclusive: true, arguments: x }),
          { name: "queue.declare", ...queue, ...all, exclusive: true, arguments: x },
          { name: "queue.declare-ok", queue: "q", messageCount: 4_294_967_295, consumerCount: 2 },
          { queue: "q", messageCount: 4_294_967_295, consumerCount: 2 },
        ],
        [
          () => channel.queueBind("q", "e", "k", x),
          { name: "queue.bind", ...queue, exchange: "e", routingKey: "k", arguments: x },
          { name: "queue.bind-ok" },
          undefined,
        ],
        [
          () => channel.queueUnbind("q", "e", "k"),
          { name: "queue.unbind", queue: "q", exchange: "e", routingKey: "k", arguments: {} },
          { name: "queue.unbind-ok" },
          undefined,
        ],
        [
          () => channel.queuePurge("q"),
          { name: "queue.purge", ...queue },
          { name: "queue.purge-ok", messageCount: 7 },
          { messageCount: 7 },
        ],
        [
          () => channel.queueDelete("q"),
          { name: "queue.delete", ...queue, ifUnused: false, ifEmpty: false },
          { name: "queue.delete-ok", messageCount: 8 },
          { messageCount: 8 },
        ],
        [
          () => channel.queueDelete("q", { ifUnused: true, ifEmpty: true }),
          { name: "queue.delete", ...queue, ifUnused: true, ifEmpty: true },
          { name: "queue.delete-ok", messageCount: 0 },
          { messageCount: 0 },
        ],
        [
          () => channel.confirmSelect(),
          { name: "confirm.select", nowait: false },
          { name: "confirm.select-ok" },
          undefined,
        ],
        [
          () => channel.basicGet("q"),
          { name: "basic.get", queue: "q", noAck: false },
          { name: "basic.get-empty" },
          undefined,
        ],
        [
          () => channel.basicGet("q", { noAck: true }),
          { name: "basic.get", queue: "q", noAck: true },
          { name: "basic.get-empty" },
          undefined,
        ],
      ];
      for (const [call, sent, answer, result] of cases) {
        const calling = call();
        const arrival = await peer.next();
        expect(arrival.channel).to.equal(number);
        expect(arrival.method).to.deep.equal(sent);
        peer.send(number, answer as Parameters<Peer["send"]>[1]);
        expect(await calling).to.deep.equal(result);
      }
    });

    it("go one at a time, in order", async () => {
      const { channel, peer, number } = await open();
      const first = channel.queueDeclare("1");
      const second = channel.queuePurge("2");
      await peer.expect("queue.declare");
      await stillPending(second);
      expect(peer.waiting).to.deep.equal([]);
      const counts = { messageCount: 0, consumerCount: 0 };
      peer.send(number, { name: "queue.declare-ok", queue: "1", ...counts });
      await first;
      await peer.expect("queue.purge");
      peer.send(number, { name: "queue.purge-ok", messageCount: 0 });
      await second;
    });

    it("give a message with all that came with it", async () => {
      const { channel, peer, number } = await open();
      const getting = channel.basicGet("q");
      await peer.expect("basic.get");
      const message = { exchange: "e", routingKey: "k", messageCount: 3 };
      const properties = { contentType: "text/plain", headers: { a: [1, "b"] } };
      const body = Buffer.alloc(300_000, "x");
      peer.sendContent(
        number,
        { name: "basic.get-ok", deliveryTag: 9, redelivered: true, ...message },
        body,
        properties,
      );
      const delivery = await getting;
      expect(delivery?.body).to.have.length(body.length);
      expect(Buffer.compare(delivery?.body ?? new Uint8Array(), body)).to.equal(0);
      expect({ ...delivery, body: "" }).to.deep.equal({
        deliveryTag: 9,
        redelivered: true,
        ...message,
        properties,
        body: "",
      });
    });

    it("acknowledge what was taken", async () => {
      const { channel, peer } = await open();
      channel.basicAck(1);
      channel.basicAck(2, { multiple: true });
      channel.basicNack(3);
      channel.basicNack(4, { multiple: true, requeue: false });
      const sent = [];
      for (let i = 0; i < 4; i++) sent.push((await peer.next()).method);
      expect(sent).to.deep.equal([
        { name: "basic.ack", deliveryTag: 1, multiple: false },
        { name: "basic.ack", deliveryTag: 2, multiple: true },
        { name: "basic.nack", deliveryTag: 3, multiple: false, requeue: true },
        { name: "basic.nack", deliveryTag: 4, multiple: true, requeue: false },
      ]);
    });

    it("refuse what cannot be encoded, alone", async () => {
      const { channel, peer, number } = await open();
      const long = "x".repeat(256);
      for (const mistake of [
        () => channel.queueDeclare(long),
        () => channel.queueDeclare("q", { arguments: { x: Number.NaN } }),
        () => channel.queueDeclare("q", { arguments: { x: "x".repeat(140_000) } }),
        () => channel.exchangeDeclare("e", long),
        () => channel.queueBind("q", "e", "k", { x: 2n ** 63n }),
        () => channel.queueDeclare(42 as unknown as string),
        () => channel.basicGet("\ud800"),
      ]) {
        await failure(mistake(), UsageError);
      }
      expect(() => channel.basicAck(-1)).to.throw(UsageError);
      expect(() => channel.basicAck(1.5)).to.throw(UsageError);
      const calling = channel.queuePurge("q");
      await peer.expect("queue.purge");
      peer.send(number, { name: "queue.purge-ok", messageCount: 1 });
      await calling;
    });

    it("reject with the broker's reason when it closes the channel instead", async () => {
      const { channel, peer, number } = await open();
      const events = eventsOf(channel);
      const passive = failure(channel.queueDeclare("q", { passive: true }), ChannelClosedError);
      const behind = failure(channel.queuePurge("q"), ChannelClosedError);
      await peer.expect("queue.declare");
      peer.closeChannel(number, 404, "NOT_FOUND - no queue 'q' in vhost '/'", "queue.declare");
      await peer.expect("channel.close-ok");
      const error = await passive;
      expect(error).to.include({
        code: "ERR_AMQP_CHANNEL_CLOSED",
        name: "ChannelClosedError",
        replyCode: 404,
        replyText: "NOT_FOUND - no queue 'q' in vhost '/'",
        method: "queue.declare",
      });
      expect(await behind).to.equal(error);
      expect(await channel.closed).to.equal(error);
      expect(events).to.deep.equal([["close", error]]);
      expect(await failure(channel.queuePurge("q"))).to.equal(error);
      expect(() => channel.basicPublish("", "q", "")).to.throw(ChannelClosedError);
      await within(500, channel.close());
    });
  });

  describe("basicPublish()", () => {
    it("gives no number before confirm.select, and counts from 1 afterwards", async () => {
      const { channel, peer, number } = await open();
      expect(channel.basicPublish("", "q", "a")).to.equal(0);
      expect(channel.basicPublish("", "q", "b")).to.equal(0);
      const selecting = channel.confirmSelect();
      await peer.expectPublishes(2);
      await peer.expect("confirm.select");
      peer.send(number, { name: "confirm.select-ok" });
      await selecting;
      expect([1, 2, 3].map(() => channel.basicPublish("", "q", "c"))).to.deep.equal([1, 2, 3]);
      const again = channel.confirmSelect();
      await peer.expectPublishes(3);
      await peer.expect("confirm.select");
      peer.send(number, { name: "confirm.select-ok" });
      await again;
      expect(channel.basicPublish("", "q", "d")).to.equal(4);
    });

    it("sends the message as given", async () => {
      const { channel, peer, number } = await openConfirming();
      const properties = {
        contentType: "text/plain",
        contentEncoding: "identity",
        headers: { a: 1, b: undefined, c: [true, null, 2n], d: { e: new Uint8Array([1]) } },
        deliveryMode: 2,
        priority: 9,
        correlationId: "c",
        replyTo: "r",
        expiration: "60000",
        messageId: "m",
        timestamp: new Date(1_700_000_000_999),
        type: "t",
        userId: "u",
        appId: "a",
        clusterId: "cl",
      } as const;
      channel.basicPublish("e", "k", "päyload", { ...properties, mandatory: true });
      channel.basicPublish("e", "k", new Uint8Array([0, 255]), { immediate: true });
      channel.basicPublish("e", "k", "");
      const [first, second, third] = await peer.expectPublishes(3);
      expect(first?.channel).to.equal(number);
      expect(first?.method).to.deep.equal({
        name: "basic.publish",
        exchange: "e",
        routingKey: "k",
        mandatory: true,
        immediate: false,
      });
      expect(Buffer.from(first?.body ?? []).toString()).to.equal("päyload");
      expect(first?.properties).to.deep.equal({
        ...properties,
        headers: { a: 1, c: [true, null, 2], d: { e: new Uint8Array([1]) } },
        timestamp: new Date(1_700_000_000_000),
      });
      expect(second?.method).to.include({ mandatory: false, immediate: true });
      expect(second?.body).to.deep.equal(new Uint8Array([0, 255]));
      expect(second?.properties).to.deep.equal({});
      expect(third?.body).to.have.length(0);
    });

    it("refuses bad arguments before anything is written or numbered", async () => {
      const { channel, peer } = await openConfirming();
      for (const mistake of [
        () => channel.basicPublish("", "x".repeat(256), ""),
        () => channel.basicPublish("", "q", 42 as unknown as string),
        () => channel.basicPublish("", "q", undefined as unknown as string),
        () => channel.basicPublish("", "q", "", { expiration: "soon" }),
        () => channel.basicPublish("", "q", "", { headers: { x: Number.NaN } }),
      ]) {
        expect(mistake).to.throw(UsageError);
      }
      expect(channel.basicPublish("", "q", "good")).to.equal(1);
      const [only] = await peer.expectPublishes(1);
      expect(Buffer.from(only?.body ?? []).toString()).to.equal("good");
    });

    it("refuses to fill the memory when the peer reads nothing", async () => {
      const { channel, peer } = await openConfirming();
      peer.stall();
      const body = Buffer.alloc(1 << 20);
      let sent = 0;
      expect(() => {
        for (; sent < 200; sent++) channel.basicPublish("", "q", body);
      }).to.throw(UsageError, /octets wait/);
      expect(sent).to.be.within(10, 100);
    });
  });

  describe("events", () => {
    it("tell of every ack and nack as it came", async () => {
      const { channel, peer, number } = await openConfirming();
      const events = eventsOf(channel);
      for (let i = 0; i < 6; i++) channel.basicPublish("", "q", "");
      await peer.expectPublishes(6);
      peer.ack(number, 2);
      peer.nack(number, 3, true);
      peer.ack(number, 0, true);
      await until(() => events.length === 3);
      expect(events).to.deep.equal([
        ["ack", { deliveryTag: 2, multiple: false }],
        ["nack", { deliveryTag: 3, multiple: true }],
        ["ack", { deliveryTag: 0, multiple: true }],
      ]);
    });

    it("tell of a message that came back, with all of it", async () => {
      const { channel, peer, number } = await openConfirming();
      const events = eventsOf(channel);
      channel.basicPublish("e", "k", "body", { mandatory: true, messageId: "1" });
      const [published] = await peer.expectPublishes(1);
      if (published === undefined) throw new Error("unreachable");
      peer.sendReturn(number, published);
      peer.ack(number, 1);
      await until(() => events.length === 2);
      expect(events).to.deep.equal([
        [
          "return",
          {
            replyCode: 312,
            replyText: "NO_ROUTE",
            exchange: "e",
            routingKey: "k",
            properties: { messageId: "1" },
            body: new Uint8Array(Buffer.from("body")),
          },
        ],
        ["ack", { deliveryTag: 1, multiple: false }],
      ]);
    });

    it("tell of flow, which is answered", async () => {
      const { channel, peer, number } = await open();
      const events = eventsOf(channel);
      for (const active of [false, true]) {
        peer.send(number, { name: "channel.flow", active });
        expect((await peer.expect("channel.flow-ok")).method.active).to.equal(active);
      }
      expect(events).to.deep.equal([
        ["flow", false],
        ["flow", true],
      ]);
    });

    it("are nothing that anybody has to listen to", async () => {
      const { channel, peer, number } = await openConfirming();
      channel.basicPublish("", "q", "", { mandatory: true });
      const [published] = await peer.expectPublishes(1);
      if (published === undefined) throw new Error("unreachable");
      peer.sendReturn(number, published);
      peer.nack(number, 1);
      peer.closeChannel(number, 404, "NOT_FOUND");
      await peer.expect("channel.close-ok");
      expect(await channel.closed).to.include({ replyCode: 404 });
      expect(peer.socket.destroyed).to.equal(false);
    });
  });

  describe("waitForConfirms()", () => {
    it("resolves when everything so far is confirmed", async () => {
      const { channel, peer, number } = await openConfirming();
      await channel.waitForConfirms();
      for (let i = 0; i < 5; i++) channel.basicPublish("", "q", "");
      const waiting = channel.waitForConfirms();
      channel.basicPublish("", "q", "not waited for");
      await peer.expectPublishes(6);
      peer.ack(number, 5);
      peer.ack(number, 3, true);
      await stillPending(waiting);
      peer.ack(number, 4);
      await waiting;
      const rest = channel.waitForConfirms();
      await stillPending(rest);
      peer.ack(number, 6);
      await rest;
    });

    it("names what was not confirmed since the last call", async () => {
      const { channel, peer, number } = await openConfirming();
      for (let i = 0; i < 4; i++) channel.basicPublish("e", "k", `${i}`, { mandatory: i === 1 });
      const [, second] = await peer.expectPublishes(4);
      if (second === undefined) throw new Error("unreachable");
      peer.ack(number, 1);
      peer.sendReturn(number, second);
      peer.ack(number, 2);
      peer.nack(number, 4, true);
      const error = await failure(channel.waitForConfirms(), BatchError);
      expect(error).to.include({ confirmed: 1, failed: 3, code: "ERR_AMQP_BATCH" });
      expect(error.failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([2, 3, 4]);
      expect(error.failures[0]?.error).to.be.instanceOf(ReturnedError);
      expect(error.failures[1]?.error).to.include({ outcome: "nacked", mayBeDelivered: true });
      expect(error.failures[0]?.message).to.equal(undefined);
      await channel.waitForConfirms();
    });

    it("needs confirm.select", async () => {
      const { channel } = await open();
      await failure(channel.waitForConfirms(), UsageError);
    });

    it("has a deadline and a signal; who gives up loses nothing", async () => {
      const { channel, peer, number } = await openConfirming();
      channel.basicPublish("", "q", "");
      const controller = new AbortController();
      await failure(channel.waitForConfirms({ timeoutMs: 20 }), TimeoutError);
      const aborted = failure(channel.waitForConfirms(controller), AbortError);
      controller.abort(new Error("enough"));
      expect((await aborted).cause).to.include({ message: "enough" });
      await failure(channel.waitForConfirms({ signal: AbortSignal.abort() }), AbortError);
      await failure(channel.waitForConfirms({ timeoutMs: -1 }), UsageError);
      await peer.expectPublishes(1);
      peer.nack(number, 1);
      const error = await failure(channel.waitForConfirms(), BatchError);
      expect(error.failed).to.equal(1);
    });

    it("rejects when the channel or the connection ends", async () => {
      for (const end of [
        (peer: Peer, number: number) => peer.closeChannel(number, 406, "PRECONDITION_FAILED"),
        (peer: Peer) => peer.closeConnection(320, "CONNECTION_FORCED"),
        (peer: Peer) => peer.reset(),
      ]) {
        const { channel, peer, number } = await openConfirming();
        for (let i = 0; i < 3; i++) channel.basicPublish("", "q", "");
        await peer.expectPublishes(3);
        peer.ack(number, 1);
        const waiting = failure(channel.waitForConfirms(), BatchError);
        end(peer, number);
        const error = await waiting;
        expect(error).to.include({ confirmed: 1, failed: 2 });
        for (const each of error.failures) {
          expect(each.error).to.be.instanceOf(PublishError);
          expect(each.error).to.include({ outcome: "unknown" });
          expect(each.error.cause).to.equal(await channel.closed);
        }
      }
    });
  });

  describe("close()", () => {
    it("drains, closes and frees", async () => {
      const { channel, peer, number } = await openConfirming();
      const events = eventsOf(channel);
      channel.basicPublish("", "q", "");
      await peer.expectPublishes(1);
      const closing = channel.close();
      expect(channel.close()).to.equal(closing);
      expect(() => channel.basicPublish("", "q", "")).to.throw(ChannelClosedError);
      await stillPending(closing);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(number, 1);
      const { method } = await peer.expect("channel.close");
      expect(method).to.include({ replyCode: 200, classId: 0, methodId: 0 });
      peer.send(number, { name: "channel.close-ok" });
      await closing;
      expect(await channel.closed).to.equal(undefined);
      expect(events.at(-1)).to.deep.equal(["close", undefined]);
      await failure(channel.queueDeclare("q"), ChannelClosedError);
    });

    it("closes once when the deadline passed, and the connection goes on", async () => {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openConfirmChannel(connection, peer);
      channel.basicPublish("", "q", "");
      await peer.expectPublishes(1);
      const waiting = failure(channel.waitForConfirms(), BatchError);
      await within(1_000, channel.close({ timeoutMs: 30 }));
      const [failed] = (await waiting).failures;
      expect(failed?.error).to.include({ outcome: "unknown" });
      expect(failed?.error.cause).to.be.instanceOf(TimeoutError);
      expect(await channel.closed).to.be.instanceOf(TimeoutError);
      await peer.expect("channel.close");
      peer.ack(number, 1); // too late to matter
      peer.send(number, { name: "channel.close-ok" });
      const next = await openChannel(connection, peer);
      expect(next.number).to.not.equal(number);
    });

    it("has a deadline of its own, also when told undefined", async () => {
      const { connection, peer } = await server().connect({ closeTimeoutMs: 30 });
      const { channel } = await openChannel(connection, peer);
      await within(1_000, channel.close({ timeoutMs: undefined }));
    });

    it("gives up when its signal fires, or had fired", async () => {
      for (const late of [true, false]) {
        const { connection, peer } = await server().connect();
        const { channel, number } = await openConfirmChannel(connection, peer);
        channel.basicPublish("", "q", "");
        await peer.expectPublishes(1);
        const controller = new AbortController();
        if (!late) controller.abort();
        const closing = channel.close(controller);
        if (late) await stillPending(closing);
        controller.abort();
        await within(500, closing);
        expect(await within(500, channel.closed)).to.be.instanceOf(AbortError);
        await peer.expect("channel.close");
        peer.send(number, { name: "channel.close-ok" });
        await openChannel(connection, peer);
      }
    });

    it("refuses a deadline that is none, and stays open", async () => {
      const { channel, peer } = await open();
      await failure(channel.close({ timeoutMs: Number.NaN }), UsageError);
      await stillPending(channel.closed);
      await Promise.all([channel.close(), peer.acceptChannelClose()]);
    });

    it("does not need the broker when that has closed the channel first", async () => {
      const { channel, peer, number } = await openConfirming();
      channel.basicPublish("", "q", "");
      await peer.expectPublishes(1);
      const closing = channel.close();
      peer.closeChannel(number, 404, "NOT_FOUND", "basic.publish");
      await within(500, closing);
      await peer.expect("channel.close-ok");
      expect(await channel.closed).to.include({ replyCode: 404 });
      expect(peer.waiting).to.deep.equal([]);
    });
  });

  describe("that the peer breaks a rule on", () => {
    it("is closed with 406 for a confirm of nothing, and the connection goes on", async () => {
      const { connection, peer } = await server().connect();
      for (const [tag, multiple] of [
        [2, false],
        [0, false],
        [Number.MAX_SAFE_INTEGER, true],
      ] as const) {
        const { channel, number } = await openConfirmChannel(connection, peer);
        channel.basicPublish("", "q", "");
        await peer.expectPublishes(1);
        const waiting = failure(channel.waitForConfirms(), BatchError);
        peer.ack(number, tag, multiple);
        const { method } = await peer.expect("channel.close");
        expect(method.replyCode).to.equal(406);
        peer.send(number, { name: "channel.close-ok" });
        const closed = (await channel.closed) as AmqpError;
        expect(closed).to.be.instanceOf(ProtocolError);
        expect(closed).to.include({ replyCode: 406, got: String(tag), expected: "1 to 1" });
        expect((await waiting).failures[0]?.error).to.include({ outcome: "unknown" });
        await within(500, channel.close());
        expect(peer.waiting).to.deep.equal([]);
      }
      await openChannel(connection, peer);
    });

    it("is closed for a body over maxBodyBytes, at its header", async () => {
      const { connection, peer } = await server().connect({ maxBodyBytes: 1000 });
      const { channel, number } = await openChannel(connection, peer);
      const getting = failure(channel.basicGet("q"), ProtocolError);
      await peer.expect("basic.get");
      const got = { deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q" };
      const method = { name: "basic.get-ok", ...got, messageCount: 0 } as const;
      peer.sendContent(number, method, Buffer.alloc(1001));
      expect(await getting).to.include({ replyCode: 406, got: "1001" });
      await peer.expect("channel.close");
      peer.send(number, { name: "channel.close-ok" });
      const next = await openChannel(connection, peer);
      const fits = next.channel.basicGet("q");
      await peer.expect("basic.get");
      peer.sendContent(next.number, method, Buffer.alloc(1000));
      expect((await fits)?.body).to.have.length(1000);
    });

    it("takes the connection along where the rule is a hard one", async () => {
      const { channel, peer, number } = await open();
      peer.send(number, { name: "basic.get-empty" });
      await peer.expect("connection.close");
      expect(await channel.closed).to.be.instanceOf(ProtocolError);
    });
  });

  it("tells what became of it to everybody when the network fails", async () => {
    const { channel, peer } = await open();
    const events = eventsOf(channel);
    const calling = failure(channel.queueDeclare("q"), ConnectionLostError);
    await peer.expect("queue.declare");
    peer.reset();
    const lost = await channel.closed;
    expect(await calling).to.equal(lost);
    expect(events).to.deep.equal([["close", lost]]);
  });
});
