/** Exchanges, bindings and queues, with raw frames; as seen on RabbitMQ 3.10.8. */
import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import type { ClientMethod } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import * as m from "./methods.ts";
import { RawClient, show } from "./raw-client.ts";

describe("the broker's exchanges and queues", () => {
  let broker: EmbeddedBroker;
  let client: RawClient;
  beforeEach(async () => {
    broker = await startBroker();
    client = await RawClient.open(broker.port);
  });
  afterEach(async () => {
    client.destroy();
    await broker.stop();
  });

  /** Sends methods and waits until all of them are handled; gives what came in between. */
  async function run(...methods: readonly ClientMethod[]): Promise<string[]> {
    for (const method of methods) client.send(1, method);
    client.send(1, { name: "basic.qos", prefetchSize: 0, prefetchCount: 0, global: false });
    return (await client.linesUntil("basic.qos-ok")).slice(0, -1);
  }

  /** Publishes to an exchange and gives the messages in `q` afterwards, which is then empty. */
  async function routed(
    exchange: string,
    routingKey: string,
    headers?: BasicProperties["headers"],
  ): Promise<number> {
    client.publish(1, { exchange, routingKey }, "", headers === undefined ? {} : { headers });
    await run();
    const count = broker.queue("q").messageCount;
    await run(m.purge("q"));
    return count;
  }

  const count = (name: string): number | undefined => {
    const queue = broker.queue(name);
    return queue.exists ? queue.messageCount : undefined;
  };

  it("the default exchange routes by the name of the queue", async () => {
    await run(m.declareQueue("q"));
    expect(await routed("", "q")).to.equal(1);
    expect(await routed("", "other")).to.equal(0);
  });

  it("direct by the whole key, and once however many bindings match", async () => {
    await run(m.declareQueue("q"), m.bindQueue("q", "amq.direct", "a"));
    await run(m.bindQueue("q", "amq.direct", "a"), m.bindQueue("q", "amq.direct", "b"));
    await run(m.bindQueue("q", "amq.direct", "a", { arguments: { x: 1 } }));
    expect(await routed("amq.direct", "a")).to.equal(1);
    expect(await routed("amq.direct", "c")).to.equal(0);
    expect(await routed("amq.direct", "c", { CC: ["a", "b"] })).to.equal(1);
    // A binding is its queue, key and arguments: there are two for the key "a".
    await run(m.unbindQueue("q", "amq.direct", "a"));
    expect(await routed("amq.direct", "a")).to.equal(1);
    await run(m.unbindQueue("q", "amq.direct", "a", { arguments: { x: 1 } }));
    expect(await routed("amq.direct", "a")).to.equal(0);
    expect(await routed("amq.direct", "b")).to.equal(1);
  });

  it("fanout to every queue, one message for all", async () => {
    await run(m.declareQueue("q"), m.declareQueue("r"), m.declareExchange("x", "fanout"));
    await run(m.bindQueue("q", "x", "ignored"), m.bindQueue("r", "x", ""));
    expect(await routed("x", "whatever")).to.equal(1);
    expect(count("r")).to.equal(1);
    await run(m.unbindQueue("q", "x", "ignored"));
    expect(await routed("x", "whatever")).to.equal(0);
    expect(count("r")).to.equal(2);
  });

  it("topic by pattern", async () => {
    await run(m.declareQueue("q"), m.bindQueue("q", "amq.topic", "a.*.#"));
    expect(await routed("amq.topic", "a.b.c")).to.equal(1);
    expect(await routed("amq.topic", "a")).to.equal(0);
    await run(m.unbindQueue("q", "amq.topic", "a.*.#"));
    expect(await routed("amq.topic", "a.b.c")).to.equal(0);
  });

  const headers: [args: object, matching: object[], others: object[]][] = [
    [{ a: 1, b: "x" }, [{ a: 1, b: "x", c: 2 }], [{ a: 1 }, {}, { a: 1, b: 1 }]],
    [{ "x-match": "all", a: 1, "x-b": 2 }, [{ a: 1 }], [{ "x-b": 2 }]],
    [
      { "x-match": "any", a: 1, b: "x", "x-c": 1 },
      [{ a: 1 }, { b: "x" }],
      [{ a: 2 }, { "x-c": 1 }],
    ],
    [{ "x-match": "any-with-x", "x-c": 1 }, [{ "x-c": 1 }], [{}]],
    [{ "x-match": "all-with-x", "x-c": 1, a: 1 }, [{ "x-c": 1, a: 1 }], [{ a: 1 }]],
    [{}, [{}, { a: 1 }], []],
    [{ "x-match": "any" }, [], [{}, { a: 1 }]],
    [{ a: null }, [{ a: 1 }, { a: "x" }], [{ b: 1 }]],
  ];
  for (const [args, matching, others] of headers) {
    it(`headers by ${JSON.stringify(args)}`, async () => {
      const options = { arguments: args as { [name: string]: string } };
      await run(m.declareQueue("q"), m.bindQueue("q", "amq.headers", "", options));
      for (const each of matching) {
        expect(await routed("amq.headers", "", { ...each }), JSON.stringify(each)).to.equal(1);
      }
      for (const each of others) {
        expect(await routed("amq.headers", "", { ...each }), JSON.stringify(each)).to.equal(0);
      }
      await run(m.unbindQueue("q", "amq.headers", "", options));
      expect(await routed("amq.headers", "", { ...matching[0] })).to.equal(0);
    });
  }

  it("exchanges to exchanges, around every circle once, and through internal ones", async () => {
    await run(
      m.declareExchange("x", "fanout"),
      m.declareExchange("y", "fanout", { internal: true }),
      m.declareQueue("q"),
      ...[m.bindExchange("y", "x", ""), m.bindExchange("x", "y", "")],
      ...[m.bindQueue("q", "x", ""), m.bindQueue("q", "y", "")],
    );
    expect(await routed("x", "")).to.equal(1);
    await run(m.unbindQueue("q", "x", ""));
    expect(await routed("x", "")).to.equal(1);
    await run(m.unbindExchange("y", "x", ""));
    expect(await routed("x", "")).to.equal(0);
  });

  it("an alternate exchange takes what no binding matches", async () => {
    const args = { "alternate-exchange": "amq.fanout" };
    await run(m.declareExchange("x", "direct", { arguments: args }), m.declareQueue("q"));
    await run(m.declareQueue("r"), m.bindQueue("r", "x", "r"), m.bindQueue("q", "amq.fanout", ""));
    expect(await routed("x", "nobody's")).to.equal(1);
    expect(await routed("x", "r")).to.equal(0);
    expect(broker.queue("r").messages[0]?.exchange).to.equal("x");
  });

  it("CC and BCC are further routing keys, and BCC is not shown", async () => {
    const list = { CC: ["q", 7, "r"], BCC: ["s"], other: 1 };
    await run(m.declareQueue("q"), m.declareQueue("r"), m.declareQueue("s"));
    client.publish(1, { routingKey: "nobody" }, "b", { headers: list, appId: "me" });
    await run();
    for (const name of ["q", "r", "s"]) {
      expect(broker.queue(name).messages).to.deep.equal([
        {
          ...{ exchange: "", routingKey: "nobody", body: new Uint8Array(Buffer.from("b")) },
          ...{ properties: { headers: { CC: ["q", 7, "r"], other: 1 }, appId: "me" } },
          redelivered: false,
        },
      ]);
    }
  });

  it("an auto-delete exchange goes with its last binding, not before it had one", async () => {
    const exists = async (exchange: string): Promise<boolean> => {
      client.send(2, { name: "channel.open" });
      await client.expect("channel.open-ok");
      client.send(2, m.declareExchange(exchange, "", { passive: true }));
      const { name } = await client.next();
      const isThere = name === "exchange.declare-ok";
      if (isThere) await client.call(2, m.CLOSE_CHANNEL, "channel.close-ok");
      else client.send(2, m.CLOSE_OK);
      return isThere;
    };
    const autoDelete = { autoDelete: true };
    await run(m.declareQueue("q"), m.declareExchange("x", "fanout", autoDelete));
    await run(m.bindExchange("x", "amq.direct", ""), m.unbindExchange("x", "amq.direct", ""));
    expect(await exists("x")).to.equal(true);
    await run(m.bindQueue("q", "x", "a"), m.bindQueue("q", "x", "b"), m.unbindQueue("q", "x", "a"));
    expect(await exists("x")).to.equal(true);
    await run(m.unbindQueue("q", "x", "b"));
    expect(await exists("x")).to.equal(false);
    // When a queue goes, and when another exchange goes.
    await run(
      m.declareExchange("y", "fanout", autoDelete),
      m.declareExchange("x", "fanout", autoDelete),
    );
    await run(m.bindExchange("y", "x", ""), m.bindQueue("q", "y", ""), m.deleteQueue("q"));
    expect([await exists("x"), await exists("y")]).to.deep.equal([false, false]);
  });

  it("what does not exist can be deleted and unbound", async () => {
    expect(
      await run(
        m.deleteExchange("nope"),
        m.deleteQueue("nope"),
        m.unbindQueue("nope", "amq.direct", "x"),
        m.unbindExchange("nope", "amq.direct", "x"),
        m.unbindExchange("amq.direct", "nope", "x"),
        m.declareQueue("q"),
        m.unbindQueue("q", "nope", "x"),
        m.unbindQueue("q", "amq.direct", "x"),
      ),
    ).to.deep.equal([
      "1 exchange.delete-ok {}",
      '1 queue.delete-ok {"messageCount":0}',
      "1 queue.unbind-ok {}",
      "1 exchange.unbind-ok {}",
      "1 exchange.unbind-ok {}",
      '1 queue.declare-ok {"queue":"q","messageCount":0,"consumerCount":0}',
      "1 queue.unbind-ok {}",
      "1 queue.unbind-ok {}",
    ]);
  });

  it("unused exchanges and empty queues can be deleted on that condition", async () => {
    await run(m.declareExchange("x", "fanout"), m.bindExchange("x", "amq.direct", ""));
    await run(m.declareQueue("q"));
    client.publish(1, { routingKey: "q" });
    expect(
      await run(
        m.deleteExchange("x", { ifUnused: true }),
        m.deleteQueue("q", { ifUnused: true }),
        m.declareQueue("q"),
        m.deleteQueue("q", { ifEmpty: true }),
      ),
    ).to.deep.equal([
      "1 exchange.delete-ok {}",
      '1 queue.delete-ok {"messageCount":1}',
      '1 queue.declare-ok {"queue":"q","messageCount":0,"consumerCount":0}',
      '1 queue.delete-ok {"messageCount":0}',
    ]);
  });

  it("the same declaration twice is fine, whatever foreign arguments say", async () => {
    const lines = await run(
      m.declareExchange("amq.topic", "topic", { durable: true }),
      m.declareExchange("amq.topic", "", { passive: true }),
      m.declareExchange("x", "direct", { arguments: { foo: 1 } }),
      m.declareExchange("x", "direct", { arguments: { foo: 2 } }),
      m.declareQueue("q", { exclusive: true, arguments: { foo: 1 } }),
      m.declareQueue("q", { exclusive: true, arguments: { foo: 2 } }),
    );
    expect(lines).to.have.length(6);
  });

  it("a queue without a name gets one, and is the last one declared", async () => {
    const [declared = ""] = await run(m.declareQueue("", { exclusive: true }));
    const name = /amq\.gen-[\w-]{22}/.exec(declared)?.[0] ?? "";
    // Bound without a key it is bound by its own name.
    await run(m.bindQueue("", "amq.direct", ""));
    client.publish(1, { exchange: "amq.direct", routingKey: name }, "b");
    await run();
    expect(count(name)).to.equal(1);
    const lines = await run(
      ...[m.declareQueue(name, { passive: true }), m.get(""), m.purge("")],
      ...[m.unbindQueue("", "amq.direct", ""), m.deleteQueue("")],
    );
    expect(lines[1]).to.include("1 basic.get-ok");
    expect(count(name)).to.equal(undefined);
  });

  it("nowait gets no answer, and is done", async () => {
    const nowait = { nowait: true };
    const lines = await run(
      m.declareQueue("q", nowait),
      m.declareExchange("x", "fanout", nowait),
      m.bindQueue("q", "x", "", nowait),
      m.bindExchange("x", "amq.fanout", "", nowait),
      m.purge("q", true),
      { name: "basic.cancel", consumerTag: "c", nowait: true },
    );
    expect(lines).to.deep.equal([]);
    expect(await routed("amq.fanout", "")).to.equal(1);
    expect(
      await run(
        m.unbindExchange("x", "amq.fanout", "", nowait),
        m.deleteExchange("x", nowait),
        m.deleteQueue("q", nowait),
      ),
    ).to.deep.equal([]);
    expect(broker.queue("q").exists).to.equal(false);
  });

  it("virtual hosts have nothing in common", async () => {
    const two = await startBroker({ vhosts: ["a/b", "c"] });
    expect(two.url).to.equal(`amqp://guest:guest@127.0.0.1:${two.port}/a%2Fb`);
    const other = await RawClient.open(two.port, { vhost: "c" });
    await other.call(1, m.declareQueue("q"), "queue.declare-ok");
    expect(two.queue("q").exists).to.equal(false);
    expect(two.queue("q", "c").exists).to.equal(true);
    expect(() => two.queue("q", "d")).to.throw(UsageError, "no vhost 'd'; there are: 'a/b', 'c'");
    other.send(1, m.declareQueue("r", { passive: true }));
    expect(show(await other.next())).to.include("no queue 'r' in vhost 'c'");
    other.destroy();
    await two.stop();
  });
});
