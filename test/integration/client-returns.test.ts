import { expect } from "chai";
import {
  BatchError,
  type Channel,
  type Connection,
  connect,
  PublishError,
  ReturnedError,
} from "../../src/index.ts";
import { failure, within } from "../support/environment.ts";
import { integration } from "../support/rabbitmq.ts";

/** Which messages come back is for RabbitMQ to say; whose they are is for us. */
integration("messages that RabbitMQ returns", (broker) => {
  let connection: Connection;
  let channel: Channel;
  let exchange: string;
  let queue: string;
  let exchanges = 0;

  beforeEach(async () => {
    connection = await connect(broker().url);
    channel = await connection.openChannel();
    exchange = `amqp091-test-${process.pid}-returns-${++exchanges}`;
    await channel.exchangeDeclare(exchange, "direct", { autoDelete: true });
    ({ queue } = await channel.queueDeclare("", { exclusive: true }));
    await channel.queueBind(queue, exchange, "keeps the exchange");
  });
  afterEach(() => connection.close());

  /** The bodies in the queue, in order. */
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

  /** What came back, or `confirmed`; anything else fails the test. */
  async function returnedOf(publish: Promise<unknown>): Promise<ReturnedError | "confirmed"> {
    return publish.then(
      () => "confirmed",
      (error: unknown) => {
        if (error instanceof ReturnedError) return error;
        throw error;
      },
    );
  }

  function text(body: Uint8Array): string {
    return Buffer.from(body).toString();
  }

  it("are just the unbound ones of 5,000 with random keys, each with its own body", async function many() {
    this.timeout(60_000);
    const keys = Array.from({ length: 64 }, (_, i) => `key ${i}`);
    const isBound = (key: string): boolean => Number(key.slice(4)) % 2 === 0;
    for (const key of keys) if (isBound(key)) await channel.queueBind(queue, exchange, key);
    const publisher = await connection.openPublisher();
    const sent = Array.from({ length: 5_000 }, (_, i) => ({
      key: keys[Math.floor(Math.random() * keys.length)] as string,
      // Some bodies are the same as those of others, with the same key or with another one.
      body: i % 3 === 0 ? `twin ${i % 5}` : `${i} ${"x".repeat(i % 50)}`,
      messageId: `${i}`,
    }));
    const endings = await within(
      50_000,
      Promise.all(
        sent.map(({ key, body, messageId }) =>
          returnedOf(publisher.publish(exchange, key, body, { mandatory: true, messageId })),
        ),
      ),
    );
    for (const [i, ending] of endings.entries()) {
      const { key, body, messageId } = sent[i] as (typeof sent)[0];
      expect(ending === "confirmed", `${i} to ${key} is confirmed`).to.equal(isBound(key));
      if (ending === "confirmed") continue;
      expect(ending).to.include({ outcome: "returned", deliveryTag: i + 1, routingKey: key });
      const { returned } = ending;
      expect(returned).to.include({ replyCode: 312, exchange, routingKey: key });
      expect(returned.properties).to.deep.equal({ messageId });
      expect(text(returned.body)).to.equal(body);
    }
    const routed = sent.filter(({ key }) => isBound(key)).map(({ body }) => body);
    expect(await stored()).to.deep.equal(routed);
    expect(publisher.unconfirmed).to.equal(0);
  });

  it("come from several publishers at once, in one socket, with confirms between them", async () => {
    await channel.queueBind(queue, exchange, "bound");
    const publishers = await Promise.all(
      Array.from({ length: 6 }, () => connection.openPublisher({ maxUnconfirmed: 200 })),
    );
    const publishing = publishers.flatMap((publisher, p) =>
      Array.from({ length: 300 }, async (_, i) => {
        // The same messages on every channel, but for who sent them; some are not mandatory.
        const key = i % (p + 2) === 0 ? "bound" : "unbound";
        const mandatory = i % 7 !== 0;
        const options = { mandatory, headers: { p } };
        const ending = await returnedOf(publisher.publish(exchange, key, `${i}`, options));
        expect(ending === "confirmed").to.equal(key === "bound" || !mandatory);
        if (ending === "confirmed") return key === "bound" ? 1 : 0;
        expect(ending.deliveryTag).to.equal(i + 1);
        expect(ending.returned.properties).to.deep.equal({ headers: { p } });
        expect(text(ending.returned.body)).to.equal(`${i}`);
        return 0;
      }),
    );
    const routed: number[] = await within(20_000, Promise.all(publishing));
    expect(await count()).to.equal(routed.reduce((sum, each) => sum + each, 0));
  });

  it("are as many as are missing, of identical ones whose queue comes and goes", async function comesAndGoes() {
    this.timeout(60_000);
    const binder = await connect(broker().url);
    const bindings = await binder.openChannel();
    const publisher = await connection.openPublisher({ maxUnconfirmed: 100 });
    let done = false;
    const comingAndGoing = (async () => {
      while (!done) {
        await bindings.exchangeBind(exchange, "amq.fanout", ""); // costs the broker a little time
        await channel.queueBind(queue, exchange, "k");
        await channel.queueUnbind(queue, exchange, "k");
        await bindings.exchangeUnbind(exchange, "amq.fanout", "");
      }
    })();
    const bodies = ["", "same", Buffer.alloc(9_000, "s")];
    const results = bodies.map(() => ({ confirmed: 0, returned: 0 }));
    for (let round = 0; round < 40; round++) {
      const publishing = Array.from({ length: 150 }, async (_, i) => {
        const which = i % bodies.length;
        const body = bodies[which] as Buffer | string;
        const ending = await returnedOf(
          publisher.publish(exchange, "k", body, { mandatory: true }),
        );
        const result = results[which] as (typeof results)[0];
        if (ending === "confirmed") {
          result.confirmed++;
        } else {
          result.returned++;
          expect(ending.returned.body).to.have.length(body.length);
        }
      });
      await within(20_000, Promise.all(publishing));
    }
    done = true;
    await comingAndGoing;
    await binder.close();
    const all = await stored();
    for (const [which, { confirmed, returned }] of results.entries()) {
      expect(confirmed + returned).to.equal(2_000);
      expect(confirmed, "some were routed").to.be.above(0);
      expect(returned, "some were returned").to.be.above(0);
      const { length } = bodies[which] as Buffer | string;
      expect(all.filter((body) => body.length === length)).to.have.length(confirmed);
    }
  });

  it("are not those that CC or BCC took to a queue, and BCC stays secret", async () => {
    await channel.queueBind(queue, exchange, "bound");
    const publisher = await connection.openPublisher();
    const cases: readonly (readonly [key: string, headers: object, back: boolean])[] = [
      ["nowhere", { CC: ["bound"] }, false],
      ["nowhere", { BCC: ["bound"] }, false],
      ["nowhere", { CC: ["elsewhere"] }, true],
      ["nowhere", { BCC: ["elsewhere"] }, true],
      ["nowhere", { CC: ["elsewhere"], BCC: ["elsewhere"], a: 1 }, true],
      ["nowhere", { CC: [], BCC: [] }, true],
      ["bound", { BCC: ["nowhere"] }, false],
      // Alike but for what is stripped: each is told apart from its neighbours all the same.
      ["nowhere", { BCC: ["one"], i: 1 }, true],
      ["nowhere", { BCC: ["bound"], i: 1 }, false],
      ["nowhere", { BCC: ["two"], i: 2 }, true],
    ];
    // One at a time, so that each is matched on its own; then all at once.
    for (const [key, headers, back] of cases) {
      const options = { mandatory: true, headers: { ...headers } };
      const ending = await returnedOf(publisher.publish(exchange, key, "m", options));
      expect(ending !== "confirmed", JSON.stringify(headers)).to.equal(back);
      if (ending === "confirmed") continue;
      const { BCC: _, ...visible } = headers as { BCC?: unknown };
      expect(ending.returned.properties.headers).to.deep.equal(visible);
    }
    const endings = await Promise.all(
      cases.map(([key, headers], i) => {
        const options = { mandatory: true, headers: { ...headers } };
        return returnedOf(publisher.publish(exchange, key, `${i}`, options));
      }),
    );
    for (const [i, [, headers, back]] of cases.entries()) {
      expect(endings[i] !== "confirmed", JSON.stringify(headers)).to.equal(back);
    }
    const routed = cases.filter(([, , back]) => !back).length;
    expect(await count()).to.equal(2 * routed);
  });

  it("come with all properties, and with bodies of many frames", async () => {
    await channel.queueBind(queue, exchange, "bound");
    const publisher = await connection.openPublisher();
    const { frameMax } = connection.tuning;
    const properties = {
      contentType: "application/octet-stream",
      headers: { n: 1.5, long: 2 ** 40, text: "ä", list: [1, "a"], when: new Date(1_000_000) },
      deliveryMode: 2,
      priority: 9,
      expiration: "60000",
      timestamp: new Date(1_700_000_000_000),
      userId: decodeURIComponent(new URL(broker().url).username),
    } as const;
    const sizes = [0, 1, frameMax - 8, frameMax - 7, 3 * frameMax, 1_000_000, 2_000_000];
    const bodies = sizes.map((size) => {
      const body = Buffer.alloc(size);
      for (let at = 0; at < size; at++) body[at] = (at * 31 + size) % 251;
      return body;
    });
    const publishing = bodies.flatMap((body) =>
      ["unbound", "bound", "unbound"].map((key) =>
        returnedOf(publisher.publish(exchange, key, body, { ...properties, mandatory: true })),
      ),
    );
    const endings = await within(20_000, Promise.all(publishing));
    for (const [i, ending] of endings.entries()) {
      if (i % 3 === 1) {
        expect(ending).to.equal("confirmed");
        continue;
      }
      const { returned } = ending as ReturnedError;
      expect((ending as ReturnedError).deliveryTag).to.equal(i + 1);
      expect(returned.properties).to.deep.equal(properties);
      expect(Buffer.compare(returned.body, bodies[Math.floor(i / 3)] as Buffer)).to.equal(0);
    }
    expect(await count()).to.equal(sizes.length);
  });

  it("are still their own publish's after a deadline: the next identical one is not told", async () => {
    const publisher = await connection.openPublisher();
    for (let i = 0; i < 20; i++) {
      const late = await failure(
        publisher.publish(exchange, "k", "same", { mandatory: true, timeoutMs: 0 }),
        PublishError,
      );
      // Rarely the return is there before the timer.
      expect(late.outcome).to.be.oneOf(["unknown", "returned"]);
      const bound = channel.queueBind(queue, exchange, "k");
      // The first one's return may be anywhere on its way by now.
      if (i % 2 === 0) await bound;
      const next = returnedOf(publisher.publish(exchange, "k", "same", { mandatory: true }));
      await bound;
      const before = await next;
      if (i % 2 === 0) expect(before).to.equal("confirmed");
      // The broker may get to the binding before it gets to the first one.
      const least = before === "confirmed" ? 1 : 0;
      expect(await count()).to.be.within(least, least + 1);
      await channel.queueUnbind(queue, exchange, "k");
      await channel.queuePurge(queue);
    }
  });

  it("are named by tag on a channel, whose event has each of them", async () => {
    await channel.queueBind(queue, exchange, "bound");
    const publishing = await connection.openChannel();
    await publishing.confirmSelect();
    const events: string[] = [];
    publishing.on("return", ({ body, replyText }) => events.push(`${text(body)} ${replyText}`));
    const unbound: number[] = [];
    for (let i = 1; i <= 1_000; i++) {
      const key = (i * 7919) % 3 === 0 ? "bound" : "unbound";
      const tag = publishing.basicPublish(exchange, key, `${i}`, { mandatory: true });
      expect(tag).to.equal(i);
      if (key === "unbound") unbound.push(i);
    }
    const error = await failure(publishing.waitForConfirms(), BatchError);
    expect(error).to.include({ failed: unbound.length, confirmed: 1_000 - unbound.length });
    expect(error.failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal(unbound);
    for (const { deliveryTag, error: each } of error.failures) {
      expect(each).to.be.instanceOf(ReturnedError);
      expect(each).to.include({ outcome: "returned", deliveryTag });
      expect(text((each as ReturnedError).returned.body)).to.equal(`${deliveryTag}`);
    }
    expect(events).to.deep.equal(unbound.map((tag) => `${tag} NO_ROUTE`));
    expect(await count()).to.equal(1_000 - unbound.length);
  });

  it("come from a queue that is gone, and not from one that is full", async () => {
    const full = await channel.queueDeclare("", {
      exclusive: true,
      arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
    });
    const publisher = await connection.openPublisher({ maxUnconfirmed: 1 });
    await publisher.sendToQueue(full.queue, "1", { mandatory: true });
    const nacked = await failure(
      publisher.sendToQueue(full.queue, "2", { mandatory: true }),
      PublishError,
    );
    expect(nacked).to.include({ outcome: "nacked" });
    const back = await failure(publisher.sendToQueue(`${full.queue}!`, "3", { mandatory: true }));
    expect(back).to.include({ outcome: "returned", deliveryTag: 3 });
    await channel.queueDelete(full.queue);
    const gone = await failure(publisher.sendToQueue(full.queue, "4", { mandatory: true }));
    expect(gone).to.include({ outcome: "returned", deliveryTag: 4 });
  });
});
