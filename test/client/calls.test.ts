import { expect } from "chai";
import {
  AbortError,
  type Channel,
  ChannelClosedError,
  TimeoutError,
  UsageError,
  type WaitBounds,
} from "../../src/index.ts";
import { failure, stillPending, until } from "../support/environment.ts";
import {
  openChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

describe("calls with a deadline or a signal", () => {
  const server = useScriptedServer();

  async function open(): Promise<{ channel: Channel; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect();
    return { peer, ...(await openChannel(connection, peer)) };
  }

  const DECLARED = { name: "queue.declare-ok", queue: "q", messageCount: 0, consumerCount: 0 };
  const declareOk = { ...DECLARED, name: "queue.declare-ok" } as const;

  it("release their caller, and still take the reply for their own", async () => {
    const { channel, peer, number } = await open();
    const late = await failure(channel.queueDeclare("late", { timeoutMs: 20 }), TimeoutError);
    expect(late.message).to.match(/queue\.declare \(sent: it may take effect\).*20 ms/);
    const next = channel.queueDeclare("next");
    await peer.expect("queue.declare");
    await stillPending(next);
    peer.send(number, { ...declareOk, queue: "late" });
    await peer.expect("queue.declare");
    peer.send(number, { ...declareOk, queue: "next" });
    expect(await next).to.have.property("queue", "next");
  });

  it("are not sent when their deadline passes while others are before them", async () => {
    const { channel, peer, number } = await open();
    const first = channel.queueDeclare("first");
    const second = failure(channel.queuePurge("second", { timeoutMs: 10 }), TimeoutError);
    const third = channel.queueDelete("third", { timeoutMs: 60_000 });
    expect((await second).message).to.contain("queue.purge (not sent)");
    await peer.expect("queue.declare");
    peer.send(number, declareOk);
    await first;
    await peer.expect("queue.delete");
    peer.send(number, { name: "queue.delete-ok", messageCount: 3 });
    expect(await third).to.deep.equal({ messageCount: 3 });
  });

  it("end with a signal, also one that has fired before", async () => {
    const { channel, peer } = await open();
    const controller = new AbortController();
    const { signal } = controller;
    const bound = failure(channel.queueBind("q", "x", "k", {}, { signal }), AbortError);
    await peer.expect("queue.bind");
    controller.abort("enough");
    const error = await bound;
    expect(error.message).to.contain("queue.bind (sent");
    expect(error.cause).to.equal("enough");
    const refused = await failure(channel.exchangeDeclare("x", "fanout", { signal }), AbortError);
    expect(refused.message).to.contain("exchange.declare (not sent)");
    expect(peer.waiting).to.deep.equal([]);
  });

  it("tell those who still wait when the channel is closed because of a late one", async () => {
    const { channel, peer, number } = await open();
    await failure(channel.queueDelete("late", { timeoutMs: 10 }), TimeoutError);
    const next = failure(channel.queuePurge("next"), ChannelClosedError);
    peer.closeChannel(number, 404, "NOT_FOUND - no queue 'late' in vhost '/'", "queue.delete");
    expect((await next).method).to.equal("queue.delete");
    await channel.closed;
  });

  it("have time that stands still while the broker has blocked the connection", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openChannel(connection, peer);
    peer.send(0, { name: "connection.blocked", reason: "" });
    await until(() => connection.blockedReason !== undefined);
    const declared = channel.queueDeclare("q", { timeoutMs: 40 });
    await peer.expect("queue.declare");
    await stillPending(declared, 100);
    peer.send(0, { name: "connection.unblocked" });
    await until(() => connection.blockedReason === undefined);
    peer.send(number, declareOk);
    expect(await declared).to.have.property("queue", "q");
  });

  it("give back a message that comes too late, unless it counts as acked", async () => {
    const { channel, peer, number } = await open();
    const get = async (noAck: boolean): Promise<void> => {
      await failure(channel.basicGet("q", { noAck, timeoutMs: 10 }), TimeoutError);
      await peer.expect("basic.get");
      const ok = {
        name: "basic.get-ok",
        redelivered: false,
        exchange: "",
        routingKey: "q",
      } as const;
      peer.sendContent(number, { ...ok, deliveryTag: 7, messageCount: 0 }, "late");
    };
    await get(true);
    await get(false);
    const nack = await peer.expect("basic.nack");
    expect(nack.method).to.deep.include({ deliveryTag: 7, multiple: false, requeue: true });
    await failure(channel.basicGet("q", { timeoutMs: 10 }), TimeoutError);
    await peer.expect("basic.get");
    peer.send(number, { name: "basic.get-empty" });
    const closing = channel.close();
    await peer.acceptChannelClose();
    await closing;
  });

  it("give back nothing on a channel that is closed meanwhile", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openChannel(connection, peer);
    await failure(channel.basicGet("q", { timeoutMs: 10 }), TimeoutError);
    await peer.expect("basic.get");
    const ok = { name: "basic.get-ok", redelivered: false, exchange: "", routingKey: "q" } as const;
    peer.sendContent(number, { ...ok, deliveryTag: 7, messageCount: 0 }, "late");
    peer.closeConnection(320, "CONNECTION_FORCED - bye");
    await connection.closed;
  });

  it("bound updateSecret(), openChannel() and ready() too", async () => {
    const { connection, peer } = await server().connect();
    const secret = await failure(
      connection.updateSecret("s3cret", "", { timeoutMs: 10 }),
      TimeoutError,
    );
    expect(secret.message).to.contain("connection.update-secret (sent").and.not.contain("s3cret");
    await peer.expect("connection.update-secret");
    peer.send(0, { name: "connection.update-secret-ok" });
    await failure(connection.openChannel({ timeoutMs: 10 }), TimeoutError);
    const opened = await peer.expect("channel.open");
    peer.send(opened.channel, { name: "channel.open-ok" });
    await peer.acceptChannelClose();
    const { publisher, number } = await openPublisher(connection, peer, { maxUnconfirmed: 1 });
    const published = publisher.publish("", "q", "1");
    await failure(publisher.ready({ timeoutMs: 10 }), TimeoutError);
    await failure(publisher.waitForConfirms({ timeoutMs: 10 }), TimeoutError);
    peer.ack(number, 1);
    await published;
    await publisher.ready({ timeoutMs: 60_000 });
  });

  it("refuse what is no deadline, and send nothing", async () => {
    const { connection, peer } = await server().connect();
    const { channel } = await openChannel(connection, peer);
    const { publisher } = await openPublisher(connection, peer);
    for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, "1" as unknown as number]) {
      const bounds: WaitBounds = { timeoutMs };
      const attempts: (() => Promise<unknown>)[] = [
        () => channel.confirmSelect(bounds),
        () => channel.basicGet("q", bounds),
        () => channel.exchangeDeclare("x", "fanout", bounds),
        () => channel.exchangeDelete("x", bounds),
        () => channel.exchangeBind("d", "s", "k", {}, bounds),
        () => channel.exchangeUnbind("d", "s", "k", {}, bounds),
        () => channel.queueDeclare("q", bounds),
        () => channel.queueBind("q", "x", "k", {}, bounds),
        () => channel.queueUnbind("q", "x", "k", {}, bounds),
        () => channel.queuePurge("q", bounds),
        () => channel.queueDelete("q", bounds),
        () => connection.updateSecret("s", "", bounds),
        () => connection.openChannel(bounds),
        () => publisher.ready(bounds),
      ];
      for (const attempt of attempts) {
        expect((await failure(attempt(), UsageError)).message).to.contain("timeoutMs");
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.waiting).to.deep.equal([]);
  });
});
