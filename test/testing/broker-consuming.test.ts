/** What the plays of comparison/ do not show: clients that do not read, and what is left behind. */
import { expect } from "chai";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import * as m from "./methods.ts";
import { publishBytes, RawClient } from "./raw-client.ts";

const turn = (ms = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the broker's consumers", () => {
  let broker: EmbeddedBroker;
  let client: RawClient;
  beforeEach(async () => {
    broker = await startBroker();
    client = await RawClient.open(broker.port);
    await client.call(1, m.declareQueue("q"), "queue.declare-ok");
  });
  afterEach(async () => {
    client.destroy();
    await broker.stop();
  });

  const queue = (): NonNullable<ReturnType<EmbeddedBroker["queue"]>> => {
    const found = broker.queue("q");
    if (found === undefined) throw new Error("there is no queue");
    return found;
  };

  it("can be counted from outside", async () => {
    await client.call(1, m.consume("q", "one"), "basic.consume-ok");
    await client.call(1, m.consume("q", "two"), "basic.consume-ok");
    expect(queue().consumerCount).to.equal(2);
    await client.call(1, m.cancel("one"), "basic.cancel-ok");
    expect(queue().consumerCount).to.equal(1);
  });

  it("get large messages in frames of their own frame-max", async () => {
    const small = await RawClient.open(broker.port, { frameMax: 4096 });
    await small.call(1, m.consume("q", "c"), "basic.consume-ok");
    const body = "0123456789".repeat(10_000);
    client.publish(1, { routingKey: "q" }, body);
    expect(await small.next()).to.include({ name: "basic.deliver", body });
    expect(small.largestFrame).to.equal(4096);
    small.destroy();
  });

  it("that do not read get no more than fits, and the rest when they read", async () => {
    const lazy = await RawClient.open(broker.port);
    await lazy.call(1, m.consume("q", "lazy", { noAck: true }), "basic.consume-ok");
    lazy.socket.pause();
    await client.call(1, m.CONFIRM, "confirm.select-ok");
    const body = Buffer.alloc(100_000);
    for (let i = 0; i < 600; i++) client.publish(1, { routingKey: "q" }, body);
    // The publisher is served all the same: 60 MB are in, of which sockets hold some.
    for (let last = 0; last < 600; ) last = (await client.expect("basic.ack")).deliveryTag;
    expect(queue().messageCount).to.be.greaterThan(200);
    lazy.socket.resume();
    for (let i = 0; i < 600; i++) {
      expect(await lazy.expect("basic.deliver")).to.include({ deliveryTag: i + 1 });
    }
    expect(queue().messageCount).to.equal(0);
    lazy.destroy();
  });

  it("that do not read leave the messages to others", async () => {
    const lazy = await RawClient.open(broker.port);
    await lazy.call(1, m.consume("q", "lazy"), "basic.consume-ok");
    lazy.socket.pause();
    const eager = await RawClient.open(broker.port);
    await eager.call(1, m.consume("q", "eager", { noAck: true }), "basic.consume-ok");
    const body = Buffer.alloc(100_000);
    for (let i = 0; i < 600; i++) client.publish(1, { routingKey: "q" }, body);
    let got = 0;
    for (; got < 350; got++) await eager.expect("basic.deliver");
    lazy.destroy();
    // What the other one held comes too, and with it everything has come.
    for (; got < 600; got++) await eager.expect("basic.deliver");
    expect(queue().messageCount).to.equal(0);
    eager.destroy();
  });

  it("and publishers on one connection do not stop each other", async () => {
    await client.call(1, m.consume("q", "self", { noAck: true }), "basic.consume-ok");
    client.send(2, m.OPEN);
    await client.expect("channel.open-ok");
    const body = Buffer.alloc(50_000);
    for (let i = 0; i < 400; i++) client.publish(2, { routingKey: "q" }, body);
    for (let i = 0; i < 400; i++) await client.expect("basic.deliver");
    expect(queue().messageCount).to.equal(0);
  });

  it("get a hundred thousand messages, each once and in order", async function () {
    this.timeout(30_000);
    const reader = await RawClient.open(broker.port);
    await reader.call(1, m.qos(500), "basic.qos-ok");
    await reader.call(1, m.consume("q", "c"), "basic.consume-ok");
    const batch = Buffer.concat(
      Array.from({ length: 1000 }, () => publishBytes(1, { routingKey: "q" }, "x")),
    );
    for (let i = 0; i < 100; i++) client.write(batch);
    for (let tag = 1; tag <= 100_000; tag++) {
      const delivered = await reader.expect("basic.deliver");
      if (delivered.deliveryTag !== tag || delivered.redelivered) expect(delivered).to.equal(tag);
      if (tag % 100 === 0) reader.send(1, m.ack(tag, true));
    }
    reader.send(1, m.declareQueue("q", { passive: true }));
    expect(await reader.expect("queue.declare-ok")).to.include({ messageCount: 0 });
    reader.destroy();
  });

  it("whose message cannot be written lose their connection, not its publisher", async () => {
    const reader = await RawClient.open(broker.port, { frameMax: 4096 });
    await reader.call(1, m.consume("q", "c"), "basic.consume-ok");
    // No frame of the reader's has room for this header.
    client.publish(1, { routingKey: "q" }, "", { headers: { large: "x".repeat(4096) } });
    expect(await reader.expect("connection.close")).to.include({ replyCode: 502, classId: 0 });
    const declare = m.declareQueue("q", { passive: true });
    expect(await client.call(1, declare, "queue.declare-ok")).to.include({ messageCount: 1 });
    reader.destroy();
  });

  it("take what is published with `immediate`, if they can at once", async () => {
    await client.call(1, m.qos(1), "basic.qos-ok");
    await client.call(1, m.consume("q", "c"), "basic.consume-ok");
    client.publish(1, { routingKey: "q", immediate: true }, "taken");
    expect(await client.next()).to.include({ name: "basic.deliver", body: "taken" });
    client.publish(1, { routingKey: "q", immediate: true }, "too much");
    expect(await client.expect("basic.return")).to.include({ replyCode: 313 });
    expect(queue().messageCount).to.equal(0);
  });

  it("whose connection ends do not get their own messages again", async () => {
    client.send(2, m.OPEN);
    await client.expect("channel.open-ok");
    await client.call(1, m.consume("q", "one"), "basic.consume-ok");
    await client.call(2, m.consume("q", "two"), "basic.consume-ok");
    client.publish(1, { routingKey: "q" }, "x");
    await client.expect("basic.deliver");
    client.send(0, m.CLOSE_CONNECTION);
    expect((await client.untilEnd()).map(({ name }) => name)).to.deep.equal([
      "connection.close-ok",
      "end",
    ]);
    expect(queue().messages.map(({ redelivered }) => redelivered)).to.deep.equal([true]);
  });

  it("hear of their queue's end, whoever deleted it", async () => {
    const capabilities = { consumer_cancel_notify: true };
    const reader = await RawClient.open(broker.port, { capabilities });
    await reader.call(1, m.consume("q", "c"), "basic.consume-ok");
    client.send(1, m.deleteQueue("q"));
    expect(await reader.expect("basic.cancel")).to.include({ consumerTag: "c", nowait: true });
    reader.destroy();
  });
});

describe("a broker that is stopped", () => {
  it("rings no alarm of its queues afterwards", async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    await turn(10);
    const before = timers();
    const broker = await startBroker();
    const client = await RawClient.open(broker.port);
    const args = { "x-expires": 60_000, "x-message-ttl": 60_000 };
    await client.call(1, m.declareQueue("q", { arguments: args }), OK);
    await client.call(1, m.CONFIRM, "confirm.select-ok");
    client.publish(1, { routingKey: "q" }, "x");
    await client.expect("basic.ack");
    expect(timers()).to.be.greaterThan(before + 1);
    await broker.stop();
    await client.untilEnd();
    await turn(10);
    expect(timers()).to.equal(before);
  });
});

const OK = "queue.declare-ok";
