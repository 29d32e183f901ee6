/** Refusals on command, seen by a client that takes the octets as they come. */
import { expect } from "chai";
import { UsageError } from "../../../src/errors.ts";
import {
  CLOSE_OK,
  CONFIRM,
  consume,
  declareExchange,
  declareQueue,
  get,
  OPEN,
} from "../methods.ts";
import { RawClient, show } from "../raw-client.ts";
import { bodies, lines, nothingCame, publish, stage } from "./stage.ts";

describe("a fault", () => {
  const on = stage();

  it("refuses a method with a close of its channel, which names the method", async () => {
    const client = await on.open();
    const fault = on.broker.faults.refuse("queue.declare", {
      ...{ replyCode: 403, replyText: "ACCESS_REFUSED - not today", after: 1 },
    });
    await client.call(1, declareQueue("a"), "queue.declare-ok");
    const close = await client.call(1, declareQueue("b"), "channel.close");
    expect(close).to.deep.equal({
      ...{ name: "channel.close", replyCode: 403, replyText: "ACCESS_REFUSED - not today" },
      ...{ classId: 50, methodId: 10 },
    });
    expect(await fault.done).to.equal(1);
    expect(on.broker.queue("b").exists).to.equal(false);
    client.send(1, CLOSE_OK);
    await client.call(1, OPEN, "channel.open-ok");
    await client.call(1, declareQueue("b"), "queue.declare-ok");
  });

  it("refuses with a close of the connection where the code is a hard one", async () => {
    const client = await on.open();
    on.broker.faults.refuse("basic.get", { replyCode: 541 });
    const close = await client.call(1, get("q"), "connection.close");
    expect(close).to.include({ replyCode: 541, replyText: "INTERNAL_ERROR", classId: 60 });
  });

  it("refuses with what it is told to close, and only what a predicate picks", async () => {
    const client = await on.open();
    const fault = on.broker.faults.refuse("exchange.declare", {
      ...{ replyCode: 404, scope: "connection", count: Number.POSITIVE_INFINITY },
      predicate: ({ exchange }) => exchange === "bad",
    });
    await client.call(1, declareExchange("good", "direct"), "exchange.declare-ok");
    await client.call(1, declareExchange("bad", "direct"), "connection.close");
    expect(fault.struck).to.equal(1);
    fault.clear();
  });

  it("refuses a publish when all of it has come, and confirms nothing after that", async () => {
    const client = await on.confirming();
    on.broker.faults.refuse("basic.publish", { replyCode: 404, replyText: "gone", after: 2 });
    publish(client, 4);
    const close = await client.expect("channel.close");
    expect(close).to.include({ replyCode: 404, replyText: "gone", classId: 60, methodId: 40 });
    expect(bodies(on.broker)).to.deep.equal(["1", "2"]);
  });

  it("refuses a login, and tells so", async () => {
    const fault = on.broker.faults.refuse("connection.start-ok", { replyCode: 403 });
    const client = await RawClient.connect(on.broker.port);
    client.write(Buffer.from("AMQP\x00\x00\x09\x01", "latin1"));
    await client.expect("connection.start");
    client.startOk();
    expect(await client.expect("connection.close")).to.include({ replyCode: 403, classId: 10 });
    client.destroy();
    expect(fault.struck).to.equal(1);
    await on.open();
  });

  it("closes one channel, or all that are open", async () => {
    const client = await on.confirming();
    await client.call(2, OPEN, "channel.open-ok");
    await client.call(3, OPEN, "channel.open-ok");
    expect(on.broker.faults.closeChannels({ replyCode: 406, channel: 2 }).struck).to.equal(1);
    expect(await lines(client, 1)).to.deep.equal([
      '2 channel.close {"replyCode":406,"replyText":"PRECONDITION_FAILED","classId":0,"methodId":0}',
    ]);
    // Channel 2 is not open any more, though its close-ok has not come.
    expect(on.broker.faults.closeChannels({ replyCode: 404, replyText: "x" }).struck).to.equal(2);
    expect((await lines(client, 2)).map((line) => line.slice(0, 15))).to.deep.equal([
      "1 channel.close",
      "3 channel.close",
    ]);
  });

  it("closes connections by name, by what they are, or all", async () => {
    const [first, second, third] = [await on.open(), await on.open(), await on.open()];
    const [, view] = on.broker.connections;
    if (view === undefined) throw new Error("there must be two connections");
    const { faults } = on.broker;
    const one = faults.closeConnections({ connection: view, replyText: "you" });
    expect(show(await second.next())).to.equal(
      '0 connection.close {"replyCode":320,"replyText":"you","classId":0,"methodId":0}',
    );
    expect(one.struck).to.equal(1);
    expect(faults.closeConnections({ connection: ({ id }) => id === 1 }).struck).to.equal(1);
    expect(await first.expect("connection.close")).to.include({
      replyText: "CONNECTION_FORCED - Closed via management plugin", // as of the view's close()
    });
    expect(faults.closeConnections({ connection: "nobody" }).struck).to.equal(0);
    await nothingCame(await on.confirming());
    expect(faults.closeConnections().struck).to.equal(2);
    await third.expect("connection.close");
  });

  it("sends whatever a test wants", async () => {
    const client = await on.confirming();
    const { faults } = on.broker;
    faults.send({ name: "basic.ack", deliveryTag: 77, multiple: false });
    faults.send({ name: "connection.blocked", reason: "a lie" });
    faults.send({ name: "channel.flow", active: false }, { channel: 1 });
    expect(await lines(client, 3)).to.deep.equal([
      "ack 77",
      '0 connection.blocked {"reason":"a lie"}',
      '1 channel.flow {"active":false}',
    ]);
    client.send(1, { name: "channel.flow-ok", active: false });
    await nothingCame(client);
    expect(faults.send({ name: "channel.flow", active: true }, { channel: 2 }).struck).to.equal(0);
  });

  it("asks for no more messages, and for more again", async () => {
    const client = await on.open();
    const fault = on.broker.faults.stopFlow();
    expect(await lines(client, 1)).to.deep.equal(['1 channel.flow {"active":false}']);
    client.send(1, { name: "channel.flow-ok", active: false });
    fault.clear();
    expect(await lines(client, 1)).to.deep.equal(['1 channel.flow {"active":true}']);
    client.send(1, { name: "channel.flow-ok", active: true });
    await client.call(1, CONFIRM, "confirm.select-ok");
    // A third answer was not asked for.
    client.send(1, { name: "channel.flow-ok", active: true });
    expect(await client.expect("connection.close")).to.include({ replyCode: 503 });
  });

  it("cancels consumers, who keep what they hold", async () => {
    const client = await on.confirming({ capabilities: { consumer_cancel_notify: true } });
    publish(client);
    await client.expect("basic.ack");
    await client.call(1, consume("q", "a"), "basic.consume-ok");
    await client.expect("basic.deliver");
    await client.call(1, consume("q", "b"), "basic.consume-ok");
    expect(on.broker.faults.cancelConsumers({ queue: "other" }).struck).to.equal(0);
    expect(on.broker.faults.cancelConsumers({ queue: "q", consumerTag: "a" }).struck).to.equal(1);
    expect(await lines(client, 1)).to.deep.equal([
      '1 basic.cancel {"consumerTag":"a","nowait":true}',
    ]);
    client.send(1, { name: "basic.ack", deliveryTag: 1, multiple: false });
    await nothingCame(client);
    expect(on.broker.faults.cancelConsumers().struck).to.equal(1);
    expect(on.broker.queue("q").consumerCount).to.equal(0);
  });

  it("delivers again what a client holds, and takes acks of both", async () => {
    const client = await on.confirming();
    publish(client, 2);
    await client.expect("basic.ack");
    await client.call(1, consume("q", "a"), "basic.consume-ok");
    await lines(client, 2);
    expect(on.broker.faults.redeliver({ queue: "other" }).struck).to.equal(0);
    expect(on.broker.faults.redeliver().struck).to.equal(2);
    const again = await lines(client, 2);
    expect(again[0]).to.include('"deliveryTag":3,"redelivered":true').and.to.include('"body":"1"');
    expect(again[1]).to.include('"deliveryTag":4,"redelivered":true').and.to.include('"body":"2"');
    client.send(1, { name: "basic.nack", deliveryTag: 2, multiple: true, requeue: true });
    client.send(1, { name: "basic.ack", deliveryTag: 3, multiple: false });
    await nothingCame(client);
    client.send(1, { name: "basic.ack", deliveryTag: 4, multiple: false });
    await nothingCame(client);
    expect(on.broker.faults.redeliver().struck).to.equal(0);
  });

  it("delivers the next message twice", async () => {
    const client = await on.confirming();
    await client.call(1, consume("q", "a"), "basic.consume-ok");
    const fault = on.broker.faults.duplicateDelivery({ queue: "q" });
    publish(client, 2);
    const came = await lines(client, 4);
    expect(
      came.slice(0, 3).map((line) => /"deliveryTag":\d,"redelivered":\w+/.exec(line)?.[0]),
    ).to.deep.equal([
      '"deliveryTag":1,"redelivered":false',
      '"deliveryTag":2,"redelivered":true',
      '"deliveryTag":3,"redelivered":false',
    ]);
    expect(came.map((line) => /"body":"\d"/.exec(line)?.[0])).to.deep.equal([
      ...['"body":"1"', '"body":"1"', '"body":"2"', undefined],
    ]);
    expect(await fault.done).to.equal(1);
    client.send(1, { name: "basic.ack", deliveryTag: 3, multiple: true });
    await nothingCame(client);
    expect(on.broker.faults.redeliver().struck).to.equal(0);
  });

  it("takes no code that is none", () => {
    const { faults } = on.broker;
    for (const replyCode of [-1, 65_536, 1.5, Number.NaN]) {
      expect(() => faults.refuse("basic.get", { replyCode })).to.throw(UsageError);
      expect(() => faults.closeChannels({ replyCode })).to.throw(UsageError);
      expect(() => faults.return({ replyCode })).to.throw(UsageError);
    }
    expect(faults.active).to.deep.equal([]);
  });
});
