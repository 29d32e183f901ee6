import { expect } from "chai";
import {
  BatchError,
  type Connection,
  ConnectionClosedError,
  connect,
  PublishError,
  ReturnedError,
} from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { failure } from "../support/environment.ts";

/** The client against the broker that comes with it: the main job, from one end to the other. */
describe("client and embedded broker", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url);
  });
  afterEach(async () => {
    await connection.close();
    await broker.stop();
  });

  async function declare(name: string): Promise<void> {
    await using channel = await connection.openChannel();
    await channel.queueDeclare(name);
  }

  it("publish one by one, in a batch, and asynchronously", async () => {
    await declare("hello");
    const publisher = await connection.openPublisher();
    const messages = Array.from({ length: 100 }, (_, i) => `${i}`);
    for (const body of messages) await publisher.publish("", "hello", body, { mandatory: true });
    const batch = messages.map((body) => ({ routingKey: "hello", body }));
    expect(await publisher.publishAll(batch)).to.deep.equal({ confirmed: 100 });
    let acknowledged = 0;
    for (const body of messages) {
      publisher.publish("", "hello", body).then(() => acknowledged++, expect.fail);
    }
    await publisher.waitForConfirms();
    expect(acknowledged).to.equal(100);
    const stored = broker.queue("hello").messages.map(({ body }) => Buffer.from(body).toString());
    expect(stored).to.deep.equal([...messages, ...messages, ...messages]);
  });

  it("publish a hundred thousand at once, with the defaults", async function () {
    this.timeout(20_000);
    await declare("many");
    const publisher = await connection.openPublisher();
    const confirmations = await Promise.all(
      Array.from({ length: 100_000 }, () => publisher.publish("", "many", "x")),
    );
    expect(confirmations.at(-1)).to.deep.equal({ deliveryTag: 100_000 });
    expect(broker.queue("many").messageCount).to.equal(100_000);
    expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([0, 0]);
  });

  it("publish method by method, with delivery tags in hand", async () => {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await channel.exchangeDeclare("events", "topic");
    await channel.queueBind(queue, "events", "a.*");
    await channel.confirmSelect();
    const open = new Set<number>();
    channel.on("ack", ({ deliveryTag, multiple }) => {
      for (const tag of open) {
        if (tag === deliveryTag || (multiple && tag <= deliveryTag)) open.delete(tag);
      }
    });
    const body = new Uint8Array([0, 1, 254, 255]);
    for (let i = 0; i < 10; i++) {
      open.add(
        channel.basicPublish("events", i % 2 === 0 ? "a.b" : "b", body, { priority: i % 5 }),
      );
    }
    await channel.waitForConfirms();
    expect(open.size).to.equal(0);
    const first = await channel.basicGet(queue);
    expect(first).to.deep.include({ exchange: "events", routingKey: "a.b", body });
    expect(first).to.deep.include({ messageCount: 4, properties: { priority: 0 } });
    channel.basicAck(first?.deliveryTag ?? 0);
    expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 4 });
    expect(await channel.basicGet(queue)).to.equal(undefined);
    expect(await channel.queueDelete(queue)).to.deep.equal({ messageCount: 0 });
  });

  it("say what came back", async () => {
    const publisher = await connection.openPublisher();
    const error = await failure(
      publisher.sendToQueue("nowhere", "x", { mandatory: true }),
      ReturnedError,
    );
    expect(error.returned).to.include({ replyCode: 312, exchange: "", routingKey: "nowhere" });
    expect(await publisher.sendToQueue("nowhere", "x")).to.deep.equal({ deliveryTag: 2 });
  });

  it("say which exchange is missing, and let the next publisher work", async () => {
    const publisher = await connection.openPublisher();
    const publishes = ["", "missing", ""].map((exchange) =>
      publisher.publish(exchange, "q", "x").then(
        () => "confirmed",
        ({ outcome }: PublishError) => outcome,
      ),
    );
    const [before, refused, after] = await Promise.all(publishes);
    expect(before).to.be.oneOf(["confirmed", "unknown"]);
    expect([refused, after]).to.deep.equal(["refused", "unprocessed"]);
    const next = await connection.openPublisher();
    expect(await next.publish("", "q", "x")).to.deep.equal({ deliveryTag: 1 });
  });

  it("tell each other when the broker stops", async () => {
    const publisher = await connection.openPublisher();
    const waiting = failure(
      publisher.publishAll(
        (async function* () {
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve));
            yield { routingKey: "q", body: "x" };
          }
        })(),
      ),
      BatchError,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await broker.stop();
    expect(await connection.closed).to.be.instanceOf(ConnectionClosedError);
    expect(await connection.closed).to.include({ replyCode: 320 });
    expect((await waiting).confirmed).to.be.greaterThan(0);
    await failure(publisher.publish("", "q", "x"), PublishError);
  });
});
