import { expect } from "chai";
import {
  AbortError,
  type Channel,
  ChannelClosedError,
  ConnectionClosedError,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import type { ClientMethod, ServerMethod } from "../../src/wire/generated/methods.ts";
import { failure, stillPending, until } from "../support/environment.ts";
import { openChannel, type Peer, useScriptedServer } from "../support/scripted-server.ts";

/** The methods of classes basic, channel, confirm and tx, and `nowait`, to the last field. */
describe("Channel's methods", () => {
  const server = useScriptedServer();

  interface Scene {
    readonly channel: Channel;
    readonly peer: Peer;
    readonly number: number;
  }

  async function open(): Promise<Scene> {
    const { connection, peer } = await server().connect();
    return { peer, ...(await openChannel(connection, peer)) };
  }

  describe("that are answered", () => {
    const CASES: readonly {
      readonly title: string;
      readonly call: (channel: Channel) => Promise<unknown>;
      readonly sends: ClientMethod;
      readonly reply: ServerMethod;
      readonly gives?: unknown;
    }[] = [
      {
        title: "basicQos() with a count alone",
        call: (channel) => channel.basicQos({ prefetchCount: 7 }),
        sends: { name: "basic.qos", prefetchCount: 7, prefetchSize: 0, global: false },
        reply: { name: "basic.qos-ok" },
      },
      {
        title: "basicQos() with all that it takes",
        call: (channel) => channel.basicQos({ prefetchCount: 7, prefetchSize: 9, global: true }),
        sends: { name: "basic.qos", prefetchCount: 7, prefetchSize: 9, global: true },
        reply: { name: "basic.qos-ok" },
      },
      {
        title: "basicConsume() with a queue alone",
        call: (channel) => channel.basicConsume("q"),
        sends: {
          ...({ name: "basic.consume", queue: "q", consumerTag: "", noLocal: false } as const),
          ...{ noAck: false, exclusive: false, nowait: false, arguments: {} },
        },
        reply: { name: "basic.consume-ok", consumerTag: "theirs" },
        gives: { consumerTag: "theirs" },
      },
      {
        title: "basicConsume() with all that it takes",
        call: (channel) =>
          channel.basicConsume("q", {
            ...{ consumerTag: "c", noLocal: true, noAck: true, exclusive: true },
            arguments: { x: 1 },
          }),
        sends: {
          ...({ name: "basic.consume", queue: "q", consumerTag: "c", noLocal: true } as const),
          ...{ noAck: true, exclusive: true, nowait: false, arguments: { x: 1 } },
        },
        reply: { name: "basic.consume-ok", consumerTag: "c" },
        gives: { consumerTag: "c" },
      },
      {
        title: "basicCancel()",
        call: (channel) => channel.basicCancel("c"),
        sends: { name: "basic.cancel", consumerTag: "c", nowait: false },
        reply: { name: "basic.cancel-ok", consumerTag: "c" },
        gives: { consumerTag: "c" },
      },
      {
        title: "basicRecover()",
        call: (channel) => channel.basicRecover(),
        sends: { name: "basic.recover", requeue: true },
        reply: { name: "basic.recover-ok" },
      },
      {
        title: "basicRecover() to the same consumers",
        call: (channel) => channel.basicRecover({ requeue: false }),
        sends: { name: "basic.recover", requeue: false },
        reply: { name: "basic.recover-ok" },
      },
      {
        title: "channelFlow(), which gives what is so now",
        call: (channel) => channel.channelFlow(false),
        sends: { name: "channel.flow", active: false },
        reply: { name: "channel.flow-ok", active: true },
        gives: { active: true },
      },
      ...(["select", "commit", "rollback"] as const).map((what) => {
        const member = `tx${what[0]?.toUpperCase()}${what.slice(1)}` as "txCommit";
        return {
          title: `${member}()`,
          call: (channel: Channel) => channel[member](),
          sends: { name: `tx.${what}` } as const,
          reply: { name: `tx.${what}-ok` } as const,
        };
      }),
    ];

    for (const { title, call, sends, reply, gives } of CASES) {
      it(title, async () => {
        const { channel, peer, number } = await open();
        const called = call(channel);
        expect((await peer.expect(sends.name)).method).to.deep.equal(sends);
        await stillPending(called, 5);
        peer.send(number, reply);
        expect(await called).to.deep.equal(gives);
      });
    }

    it("take a deadline and a signal", async () => {
      const { channel, peer } = await open();
      const late = failure(channel.txSelect({ timeoutMs: 10 }), TimeoutError);
      await peer.expect("tx.select");
      expect((await late).message).to.contain("tx.select (sent: it may take effect)");
      const { signal } = new AbortController();
      const options = { signal, timeoutMs: 10 };
      for (const call of [
        () => channel.txCommit(options),
        () => channel.txRollback(options),
        () => channel.channelFlow(true, options),
        () => channel.basicQos({ prefetchCount: 1, ...options }),
        () => channel.basicRecover(options),
        () => channel.basicConsume("q", options),
        () => channel.basicCancel("c", options),
      ]) {
        expect((await failure(call(), TimeoutError)).message).to.contain("(not sent)");
      }
    });
  });

  it("basicConsume() ends a consumer that is answered when nobody waits for it any more", async () => {
    const { channel, peer, number } = await open();
    const late = failure(channel.basicConsume("q", { timeoutMs: 10 }), TimeoutError);
    await peer.expect("basic.consume");
    await late;
    peer.send(number, { name: "basic.consume-ok", consumerTag: "theirs" });
    expect((await peer.expect("basic.cancel")).method.consumerTag).to.equal("theirs");
    const again = failure(channel.basicConsume("q", { timeoutMs: 10 }), TimeoutError);
    peer.send(number, { name: "basic.cancel-ok", consumerTag: "theirs" });
    await peer.expect("basic.consume");
    await again;
    peer.closeChannel(number, 404, "NOT_FOUND", "basic.consume");
    await channel.closed;
  });

  describe("that have no answer", () => {
    it("go out at once", async () => {
      const { channel, peer } = await open();
      channel.basicAck(1);
      channel.basicNack(2, { multiple: true, requeue: false });
      channel.basicReject(3);
      channel.basicReject(4, { requeue: false });
      channel.basicRecoverAsync();
      channel.basicRecoverAsync({ requeue: false });
      const sent: ClientMethod[] = [
        { name: "basic.ack", deliveryTag: 1, multiple: false },
        { name: "basic.nack", deliveryTag: 2, multiple: true, requeue: false },
        { name: "basic.reject", deliveryTag: 3, requeue: true },
        { name: "basic.reject", deliveryTag: 4, requeue: false },
        { name: "basic.recover-async", requeue: true },
        { name: "basic.recover-async", requeue: false },
      ];
      for (const method of sent) {
        expect((await peer.expect(method.name)).method).to.deep.equal(method);
      }
    });

    it("refuse what is no delivery tag", async () => {
      const { channel, peer } = await open();
      for (const tag of [-1, 0.5, Number.NaN, 2 ** 53, "1" as never]) {
        for (const settle of [
          () => channel.basicAck(tag),
          () => channel.basicNack(tag),
          () => channel.basicReject(tag),
        ]) {
          expect(settle, `${tag}`).to.throw(UsageError, "a delivery tag is a whole number");
        }
      }
      expect(peer.waiting).to.deep.equal([]);
    });

    it("wait for the end of a transaction, and publishes are refused meanwhile", async () => {
      for (const end of ["txCommit", "txRollback"] as const) {
        const { channel, peer, number } = await open();
        const ending = channel[end]();
        const name = end === "txCommit" ? "tx.commit" : "tx.rollback";
        await peer.expect(name);
        channel.basicAck(1);
        channel.basicRecoverAsync();
        expect(() => channel.basicPublish("", "q", "x")).to.throw(UsageError, "await txCommit()");
        await stillPending(ending, 20);
        expect(peer.waiting).to.deep.equal([]);
        peer.send(number, { name: `${name}-ok` });
        await ending;
        await peer.expect("basic.ack");
        await peer.expect("basic.recover-async");
        channel.basicPublish("", "q", "x");
        await peer.expect("basic.publish");
      }
    });
  });

  it("pause publishes while the broker asks for it with channel.flow", async () => {
    const { channel, peer, number } = await open();
    const events: boolean[] = [];
    channel.on("flow", (active) => events.push(active));
    peer.send(number, { name: "channel.flow", active: false });
    expect((await peer.expect("channel.flow-ok")).method.active).to.equal(false);
    expect(() => channel.basicPublish("", "q", "x")).to.throw(UsageError, "paused this channel");
    channel.basicAck(1); // no content
    await peer.expect("basic.ack");
    peer.send(number, { name: "channel.flow", active: true });
    await peer.expect("channel.flow-ok");
    await until(() => events.length === 2);
    expect(events).to.deep.equal([false, true]);
    channel.basicPublish("", "q", "x");
    await peer.expect("basic.publish");
  });

  describe("with nowait", () => {
    const NOWAIT = { nowait: true } as const;
    const CASES: readonly [
      ClientMethod["name"],
      (channel: Channel) => Promise<unknown>,
      unknown?,
    ][] = [
      ["exchange.declare", (channel) => channel.exchangeDeclare("x", "t", NOWAIT)],
      ["exchange.delete", (channel) => channel.exchangeDelete("x", NOWAIT)],
      ["exchange.bind", (channel) => channel.exchangeBind("d", "s", "k", {}, NOWAIT)],
      ["exchange.unbind", (channel) => channel.exchangeUnbind("d", "s", "k", {}, NOWAIT)],
      ["queue.declare", (channel) => channel.queueDeclare("q", NOWAIT)],
      ["queue.bind", (channel) => channel.queueBind("q", "x", "k", {}, NOWAIT)],
      ["queue.purge", (channel) => channel.queuePurge("q", NOWAIT)],
      ["queue.delete", (channel) => channel.queueDelete("q", NOWAIT)],
      [
        "basic.consume",
        (channel) => channel.basicConsume("q", NOWAIT),
        { consumerTag: "consumer-1" },
      ],
      ["basic.cancel", (channel) => channel.basicCancel("c", NOWAIT), { consumerTag: "c" }],
      ["confirm.select", (channel) => channel.confirmSelect(NOWAIT)],
    ];

    for (const [name, call, gives] of CASES) {
      it(`${name} resolves without an answer`, async () => {
        const { channel, peer } = await open();
        expect(await call(channel)).to.deep.equal(gives);
        expect((await peer.expect(name)).method).to.have.property("nowait", true);
      });
    }

    it("they keep their place behind calls, and can be taken back until then", async () => {
      const { channel, peer, number } = await open();
      const first = channel.queueDeclare("first");
      const second = channel.queueBind("q", "x", "k", {}, NOWAIT);
      const late = failure(channel.queuePurge("q", { ...NOWAIT, timeoutMs: 10 }), TimeoutError);
      const controller = new AbortController();
      const { signal } = controller;
      const aborted = failure(channel.queueDelete("q", { ...NOWAIT, signal }), AbortError);
      await failure(channel.confirmSelect({ ...NOWAIT, timeoutMs: -1 }), UsageError);
      controller.abort();
      expect((await late).message).to.contain("queue.purge (not sent)");
      expect((await aborted).message).to.contain("queue.delete (not sent)");
      await stillPending(second, 5);
      await peer.expect("queue.declare");
      const counts = { messageCount: 0, consumerCount: 0 };
      peer.send(number, { name: "queue.declare-ok", queue: "first", ...counts });
      await Promise.all([first, second]);
      await peer.expect("queue.bind");
      channel.basicAck(1);
      await peer.expect("basic.ack");
    });

    it("they are refused on a channel that is closed, and when the connection closes first", async () => {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openChannel(connection, peer);
      const { channel: other, number: otherNumber } = await openChannel(connection, peer);
      const waiting = failure(other.queueDeclare("q"));
      const behind = failure(other.queuePurge("q", NOWAIT), ConnectionClosedError);
      await peer.expect("queue.declare");
      peer.closeChannel(number, 404, "NOT_FOUND", "queue.bind");
      const reason = await channel.closed;
      expect(reason).to.be.instanceOf(ChannelClosedError);
      expect(await failure(channel.queuePurge("q", NOWAIT))).to.equal(reason);
      expect(otherNumber).to.not.equal(number);
      peer.closeConnection(320, "CONNECTION_FORCED");
      expect(await behind).to.equal(await connection.closed);
      await waiting;
    });
  });
});
