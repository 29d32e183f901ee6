import { expect } from "chai";
import {
  amqplain,
  BatchError,
  type Channel,
  type Connection,
  ConnectionClosedError,
  ConnectionLostError,
  connect,
  type Message,
  PublishError,
  ReturnedError,
} from "../../src/index.ts";
import { everythingShown, failure, until } from "../support/environment.ts";
import { freePort, integration } from "../support/rabbitmq.ts";

integration("connect() to RabbitMQ", (broker) => {
  const address = (): { hostname: string; port: number } => ({
    hostname: new URL(broker().url).hostname,
    port: broker().port,
  });

  it("agrees on RabbitMQ's limits and learns what it is", async () => {
    const connection = await connect(broker().url);
    expect(connection.tuning).to.include({ channelMax: 2047, heartbeatSeconds: 60 });
    expect(connection.tuning.frameMax).to.equal(131_072);
    expect(connection.serverProperties).to.include({ product: "RabbitMQ" });
    expect(connection.serverProperties["capabilities"]).to.include({ publisher_confirms: true });
    await connection.close();
    expect(await connection.closed).to.equal(undefined);
  });

  it("works with small frames, few channels and AMQPLAIN", async () => {
    const { username, password } = new URL(broker().url);
    await using connection = await connect({
      ...address(),
      frameMax: 4096,
      channelMax: 2,
      heartbeatSeconds: 1,
      credentials: amqplain(username, password),
    });
    expect(connection.tuning).to.deep.equal({ frameMax: 4096, channelMax: 2, heartbeatSeconds: 1 });
    const publisher = await connection.openPublisher();
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    await publisher.sendToQueue(queue, Buffer.alloc(50_000, 1), { mandatory: true });
    expect((await channel.basicGet(queue))?.body).to.have.length(50_000);
    // Heartbeats keep it open: RabbitMQ would close after two seconds of silence.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await publisher.sendToQueue(queue, "x", { mandatory: true });
  });

  it("says that the password is wrong, and does not show it", async () => {
    const error = await failure(
      connect({ ...address(), username: "guest", password: "s3cret" }),
      ConnectionClosedError,
    );
    expect(error).to.include({ phase: "authentication", replyCode: 403 });
    expect(error.message).to.match(/ACCESS_REFUSED/);
    expect(everythingShown(error)).not.to.include("s3cret");
  });

  it("says so also where the broker gives no reason", async () => {
    const error = await failure(
      connect({
        ...address(),
        password: "s3cret",
        clientProperties: { capabilities: { authentication_failure_close: false } },
      }),
      ConnectionLostError,
    );
    expect(error.phase).to.equal("authentication");
    expect(error.message).to.match(/check user name and password/);
    expect(everythingShown(error)).not.to.include("s3cret");
  });

  it("says that the vhost is missing", async () => {
    const error = await failure(
      connect(broker().url, { vhost: "no such vhost" }),
      ConnectionClosedError,
    );
    expect(error).to.include({ phase: "open", replyCode: 530 });
    expect(error.message).to.match(/no such vhost/);
  });

  it("goes on to the next host", async () => {
    const hosts = [{ hostname: "127.0.0.1", port: await freePort() }, address()];
    const connection = await connect(broker().url, { hosts });
    await connection.close();
  });

  it("opens and closes 50 times", async () => {
    for (let i = 0; i < 50; i++) await (await connect(broker().url)).close();
  });
});

integration("Publisher against RabbitMQ", (broker) => {
  let connection: Connection;
  let channel: Channel;
  let queue: string;

  beforeEach(async () => {
    connection = await connect(broker().url);
    channel = await connection.openChannel();
    ({ queue } = await channel.queueDeclare("", { exclusive: true }));
  });
  afterEach(() => connection.close());

  async function stored(): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const delivery = await channel.basicGet(queue, { noAck: true });
      if (delivery === undefined) return bodies;
      bodies.push(Buffer.from(delivery.body).toString());
    }
  }

  async function count(): Promise<number> {
    return (await channel.queueDeclare(queue, { passive: true })).messageCount;
  }

  it("confirms one by one, in a batch, and asynchronously", async () => {
    const publisher = await connection.openPublisher({
      properties: { deliveryMode: 2, headers: { a: 1 } },
    });
    const bodies = Array.from({ length: 50 }, (_, i) => `${i}`);
    const options = { mandatory: true };
    for (const body of bodies) await publisher.publish("", queue, body, options);
    const batch = bodies.map((body) => ({ routingKey: queue, body, ...options }));
    expect(await publisher.publishAll(batch)).to.deep.equal({ confirmed: 50 });
    let acknowledged = 0;
    for (const body of bodies) {
      publisher.publish("", queue, body, options).then(() => acknowledged++, expect.fail);
    }
    await publisher.waitForConfirms();
    expect(acknowledged).to.equal(50);
    const first = await channel.basicGet(queue);
    expect(first?.properties).to.deep.equal({ deliveryMode: 2, headers: { a: 1 } });
    channel.basicNack(first?.deliveryTag ?? 0);
    expect(await stored()).to.deep.equal([...bodies, ...bodies, ...bodies]);
  });

  it("takes a hundred thousand at once, with the defaults", async function () {
    this.timeout(60_000);
    const publisher = await connection.openPublisher();
    const confirmations = await Promise.all(
      Array.from({ length: 100_000 }, () => publisher.sendToQueue(queue, "x")),
    );
    expect(new Set(confirmations.map(({ deliveryTag }) => deliveryTag)).size).to.equal(100_000);
    expect(await count()).to.equal(100_000);
  });

  it("reads an endless generator until it is told to stop", async () => {
    const publisher = await connection.openPublisher({ maxUnconfirmed: 100 });
    const controller = new AbortController();
    let read = 0;
    let returned = false;
    const endless = async function* (): AsyncGenerator<Message> {
      try {
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve));
          if (++read === 500) controller.abort();
          yield { routingKey: queue, body: `${read}`, mandatory: true };
        }
      } finally {
        returned = true;
      }
    };
    const error = await failure(publisher.publishAll(endless(), controller), BatchError);
    // The one that was being read is told unsent, where it came in time.
    const outcomes = error.failures.map(({ error }) => (error as PublishError).outcome);
    expect(outcomes.join()).to.be.oneOf(["", "unsent"]);
    expect(error.confirmed).to.be.within(499, 500);
    expect(returned).to.equal(true);
    expect(await count()).to.equal(error.confirmed);
  });

  it("tells what came back of a mixed crowd, and only that", async () => {
    const publisher = await connection.openPublisher();
    const publishes = Array.from({ length: 300 }, (_, i) =>
      publisher.publish("", i % 3 === 0 ? `nowhere-${i % 2}` : queue, `${i}`, {
        mandatory: true,
        headers: { i, BCC: ["also-nowhere"] },
        replyTo: "r",
      }),
    );
    const results = await Promise.allSettled(publishes);
    for (const [i, result] of results.entries()) {
      if (i % 3 !== 0) {
        expect(result.status).to.equal("fulfilled");
        continue;
      }
      const error = result.status === "rejected" ? result.reason : undefined;
      expect(error).to.be.instanceOf(ReturnedError);
      expect(error).to.include({ outcome: "returned", deliveryTag: i + 1, mayBeDelivered: false });
      expect(error.returned).to.include({ replyCode: 312, replyText: "NO_ROUTE" });
      expect(Buffer.from(error.returned.body).toString()).to.equal(`${i}`);
    }
    expect(await count()).to.equal(200);
  });

  it("tells what was nacked", async () => {
    const full = await channel.queueDeclare("", {
      exclusive: true,
      arguments: { "x-max-length": 10, "x-overflow": "reject-publish" },
    });
    const publisher = await connection.openPublisher({ maxUnconfirmed: 1 });
    const messages = Array.from({ length: 15 }, (_, i) => ({
      routingKey: full.queue,
      body: `${i}`,
    }));
    const error = await failure(
      publisher.publishAll(messages, { stopOnFailure: false }),
      BatchError,
    );
    expect(error).to.include({ confirmed: 10, failed: 5 });
    for (const each of error.failures) {
      expect(each.error).to.include({ outcome: "nacked", mayBeDelivered: true });
    }
  });

  it("tells who was refused, and the next publisher works", async () => {
    const publisher = await connection.openPublisher();
    const outcomes = await Promise.all(
      ["", "no-such-exchange", ""].map((exchange) =>
        publisher.publish(exchange, queue, "x").then(
          () => "confirmed",
          ({ outcome }: PublishError) => outcome,
        ),
      ),
    );
    expect(outcomes[0]).to.be.oneOf(["confirmed", "unknown"]);
    expect(outcomes.slice(1)).to.deep.equal(["refused", "unprocessed"]);
    expect(await publisher.closed).to.include({ replyCode: 404, method: "basic.publish" });
    expect(await count()).to.equal(1);
    const late = await failure(publisher.sendToQueue(queue, "x"), PublishError);
    expect(late.outcome).to.equal("unsent");
    const next = await connection.openPublisher();
    expect(await next.sendToQueue(queue, "x", { mandatory: true })).to.deep.equal({
      deliveryTag: 1,
    });
  });

  it("loses the connection to `immediate`, which names 540", async () => {
    const publisher = await connection.openPublisher();
    const error = await failure(
      publisher.publish("", queue, "x", { immediate: true }),
      PublishError,
    );
    expect(error.outcome).to.equal("refused");
    expect(error.cause).to.be.instanceOf(ConnectionClosedError);
    expect(error.cause).to.include({ replyCode: 540, method: "basic.publish" });
    expect(await connection.closed).to.equal(error.cause);
  });

  it("sends nothing of what cannot be encoded, and counts on", async () => {
    const publisher = await connection.openPublisher();
    const results = await Promise.allSettled([
      publisher.sendToQueue(queue, "1"),
      publisher.sendToQueue(queue, "bad", { headers: { x: Number.NaN } }),
      publisher.sendToQueue(queue, "bad", { expiration: "soon" }),
      publisher.sendToQueue(queue, "bad", { headers: { x: "x".repeat(200_000) } }),
      publisher.sendToQueue(queue, "2"),
    ]);
    expect(
      results.map((each) => (each.status === "fulfilled" ? each.value : each.reason.code)),
    ).to.deep.equal([
      { deliveryTag: 1 },
      "ERR_AMQP_USAGE",
      "ERR_AMQP_USAGE",
      "ERR_AMQP_USAGE",
      { deliveryTag: 2 },
    ]);
    expect(await stored()).to.deep.equal(["1", "2"]);
  });

  it("drains before it closes: everything said to be confirmed is there", async () => {
    const other = await connect(broker().url);
    const publisher = await other.openPublisher({ maxUnconfirmed: 50 });
    const name = `amqp091-test-${process.pid}-drain`;
    await channel.queueDeclare(name);
    const publishes = Array.from({ length: 2_000 }, () => publisher.sendToQueue(name, "x"));
    await other.close();
    await Promise.all(publishes);
    expect(await channel.queueDelete(name)).to.deep.equal({ messageCount: 2_000 });
  });

  it("gives up what is pending in a channel that is closed past its deadline, alone", async () => {
    const publisher = await connection.openPublisher();
    const settled = Promise.allSettled(
      Array.from({ length: 200 }, () => publisher.sendToQueue(queue, "x")),
    );
    await publisher.close({ timeoutMs: 0 });
    await settled;
    const next = await connection.openPublisher();
    await next.sendToQueue(queue, "x", { mandatory: true });
    await stillOpen(connection);
  });

  it("gives up an opening that is aborted, alone", async () => {
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const opening =
        i % 2 === 0 ? connection.openChannel(controller) : connection.openPublisher(controller);
      setTimeout(() => controller.abort(), i / 10);
      await opening.then(
        (opened) => opened.close(),
        () => {},
      );
    }
    await stillOpen(connection);
  });

  async function stillOpen(it: Connection): Promise<void> {
    const each = await it.openChannel();
    await each.queueDeclare(queue, { passive: true });
    await each.close();
  }

  it("takes new secrets for a connection that stays open", async () => {
    await connection.updateSecret("guest", "a test");
    await stillOpen(connection);
  });

  it("returns to nothing when all has settled", async () => {
    const publisher = await connection.openPublisher();
    await Promise.all(Array.from({ length: 100 }, () => publisher.sendToQueue(queue, "x")));
    await until(() => publisher.unconfirmed === 0 && publisher.queued === 0);
  });
});
