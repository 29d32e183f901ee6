/** The README's examples of testing one's own publisher, as they stand there. */
import assert from "node:assert/strict";
import { connect, type Publisher } from "../../../src/index.ts";
import { startBroker } from "../../../src/testing.ts";

/** The reader's own code: it sends again what the broker did not take. */
async function placeOrder(publisher: Publisher, order: string): Promise<string> {
  try {
    await publisher.publish("", "orders", order, { mandatory: true });
    return "placed";
  } catch (error) {
    const { outcome, mayBeDelivered } = error as { outcome: string; mayBeDelivered: boolean };
    return mayBeDelivered ? `ask again: ${outcome}` : `not placed: ${outcome}`;
  }
}

describe("the README's example of a test", () => {
  it("against a nack", async () => {
    await using broker = await startBroker();
    await using connection = await connect(broker.url);
    await using publisher = await connection.openPublisher();
    await (await connection.openChannel()).queueDeclare("orders");

    broker.faults.nack({ routingKey: "orders", after: 1 });
    assert.equal(await placeOrder(publisher, "one"), "placed");
    assert.equal(await placeOrder(publisher, "two"), "ask again: nacked");
    assert.equal(await placeOrder(publisher, "three"), "placed");
    assert.equal(broker.queue("orders").messageCount, 2);
  });

  it("against an overflow", async () => {
    await using broker = await startBroker();
    await using connection = await connect(broker.url);
    await using publisher = await connection.openPublisher();
    const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
    await (await connection.openChannel()).queueDeclare("orders", { arguments: limits });

    assert.equal(await placeOrder(publisher, "one"), "placed");
    assert.equal(await placeOrder(publisher, "two"), "ask again: nacked");
    assert.equal(broker.queue("orders").messageCount, 1);
  });

  it("against a lost connection", async () => {
    await using broker = await startBroker();
    const connection = await connect(broker.url);
    const publisher = await connection.openPublisher();
    await (await connection.openChannel()).queueDeclare("orders");

    broker.faults.cut({ inside: "basic.ack" }); // the broker has the order, and nobody hears of it
    assert.equal(await placeOrder(publisher, "one"), "ask again: unknown");
    assert.equal(broker.queue("orders").messageCount, 1);
    assert.equal(await placeOrder(publisher, "two"), "not placed: unsent");
  });
});
