/** Confirms, returns, get and acknowledgement, with raw frames. */
import { expect } from "chai";
import fc from "fast-check";
import { connect } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { tagged } from "../../src/wire/field-value.ts";
import type { ClientMethod } from "../../src/wire/generated/methods.ts";
import * as m from "./methods.ts";
import { methodBytes, publishBytes, RawClient, show } from "./raw-client.ts";

describe("the broker's messages", () => {
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

  async function run(...methods: readonly ClientMethod[]): Promise<string[]> {
    for (const method of methods) client.send(1, method);
    client.send(1, { name: "basic.qos", prefetchSize: 0, prefetchCount: 0, global: false });
    return (await client.linesUntil("basic.qos-ok")).slice(0, -1);
  }

  function publish(...bodies: string[]): void {
    for (const body of bodies) client.publish(1, { routingKey: "q" }, body);
  }

  const bodies = (): string[] =>
    broker.queue("q").messages.map(({ body }) => Buffer.from(body).toString());

  describe("confirms", () => {
    it("count from the first confirm.select; a second one changes nothing", async () => {
      publish("not numbered");
      await run(m.CONFIRM);
      publish("1");
      expect(await client.expect("basic.ack")).to.include({ deliveryTag: 1, multiple: false });
      await run({ ...m.CONFIRM, nowait: true });
      publish("2");
      expect(await client.expect("basic.ack")).to.include({ deliveryTag: 2, multiple: false });
    });

    it("come as one ack for all that was read at once, per channel", async () => {
      client.send(2, m.OPEN);
      client.send(2, m.CONFIRM);
      await client.linesUntil("confirm.select-ok");
      await run(m.CONFIRM);
      const parts = [1, 2, 1, 1, 2].map((channel) => publishBytes(channel, { routingKey: "q" }));
      client.write(Buffer.concat(parts));
      expect([show(await client.next()), show(await client.next())]).to.have.members([
        '1 basic.ack {"deliveryTag":3,"multiple":true}',
        '2 basic.ack {"deliveryTag":2,"multiple":true}',
      ]);
    });

    it("come before close-ok", async () => {
      await run(m.CONFIRM);
      client.write(
        Buffer.concat([publishBytes(1, { routingKey: "q" }), methodBytes(1, m.CLOSE_CHANNEL)]),
      );
      expect(await client.linesUntil("channel.close-ok")).to.deep.equal([
        '1 basic.ack {"deliveryTag":1,"multiple":false}',
        "1 channel.close-ok {}",
      ]);
    });

    it("come for every publish exactly once, and after what was returned", async () => {
      await run(m.declareQueue("q"), m.CONFIRM);
      const message = fc.record({
        mandatory: fc.boolean(),
        routable: fc.boolean(),
        size: fc.integer({ min: 0, max: 20_000 }),
      });
      let published = 0;
      let confirmed = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 30 }), async (batch) => {
          const returnedTags: number[] = [];
          for (const { mandatory, routable, size } of batch) {
            published++;
            const routingKey = routable ? "q" : "nowhere";
            const properties = { messageId: `${published}` };
            client.publish(1, { routingKey, mandatory }, "x".repeat(size), properties);
            if (mandatory && !routable) returnedTags.push(published);
          }
          while (confirmed < published) {
            const { name, method, properties } = await client.next();
            if (name === "basic.return") {
              expect(properties?.messageId).to.equal(`${returnedTags.shift()}`);
            } else {
              if (method?.name !== "basic.ack") throw new Error(`${name} came`);
              expect(method.deliveryTag).to.be.greaterThan(confirmed);
              expect(method.multiple || method.deliveryTag === confirmed + 1).to.equal(true);
              confirmed = method.deliveryTag;
              expect(returnedTags.filter((tag) => tag <= confirmed)).to.deep.equal([]);
            }
          }
        }),
        { numRuns: 30 },
      );
    });
  });

  describe("returns", () => {
    it("mandatory, if there is no queue", async () => {
      await run(m.CONFIRM);
      const properties = { messageId: "1", headers: { BCC: ["x"], CC: ["y"] } };
      client.publish(1, { routingKey: "nope", mandatory: true }, "body", properties);
      client.publish(1, { exchange: "amq.fanout", routingKey: "k", mandatory: true });
      const lines = (await run()).filter((line) => !line.includes("basic.ack"));
      expect(lines).to.deep.equal([
        '1 basic.return {"replyCode":312,"replyText":"NO_ROUTE","exchange":"","routingKey":"nope",' +
          '"properties":{"headers":{"CC":["y"]},"messageId":"1"},"body":"body"}',
        '1 basic.return {"replyCode":312,"replyText":"NO_ROUTE","exchange":"amq.fanout",' +
          '"routingKey":"k","properties":{},"body":""}',
      ]);
    });

    it("immediate, because there is no consumer, and nothing is queued", async () => {
      await run(m.declareQueue("q"), m.CONFIRM);
      client.publish(1, { routingKey: "q", immediate: true }, "1");
      client.publish(1, { routingKey: "nope", immediate: true, mandatory: true }, "2");
      const lines = await client.linesUntil("basic.ack");
      expect(lines[0]).to.include('"replyCode":313,"replyText":"NO_CONSUMERS"');
      await run();
      expect(bodies()).to.deep.equal([]);
    });

    it("immediate and mandatory without a queue is NO_ROUTE", async () => {
      client.publish(1, { routingKey: "nope", immediate: true, mandatory: true });
      expect(await client.expect("basic.return")).to.include({ replyCode: 312 });
    });
  });

  describe("get", () => {
    it("gives the first message and how many are left, then get-empty", async () => {
      await run(m.declareQueue("q"));
      publish("1", "2");
      expect(await run(m.get("q"), m.get("q", false), m.get("q"))).to.deep.equal([
        '1 basic.get-ok {"deliveryTag":1,"redelivered":false,"exchange":"","routingKey":"q",' +
          '"messageCount":1,"properties":{},"body":"1"}',
        '1 basic.get-ok {"deliveryTag":2,"redelivered":false,"exchange":"","routingKey":"q",' +
          '"messageCount":0,"properties":{},"body":"2"}',
        "1 basic.get-empty {}",
      ]);
      expect(await run(m.ack(2))).to.deep.equal([]);
    });

    it("gives every property back as it came, header types included", async () => {
      await run(m.declareQueue("q"));
      const properties = {
        ...({ contentType: "a", contentEncoding: "b", deliveryMode: 2, priority: 200 } as const),
        headers: {
          ...{ small: tagged("B", 5), short: tagged("s", -5), long: tagged("l", 5) },
          ...{ float: tagged("f", 0.5), decimal: tagged("D", { scale: 2, value: 7 }) },
          ...{ list: [tagged("u", 1), null, true, "x"], table: { at: new Date(1e12) } },
          ...{ bytes: new Uint8Array([1, 2]) },
        },
        ...{ correlationId: "c", replyTo: "r", expiration: "60000", messageId: "m" },
        ...{ timestamp: new Date(1e12), type: "t", userId: "guest", appId: "ap", clusterId: "cl" },
      };
      const sent = publishBytes(1, { routingKey: "q" }, "body", properties);
      const received: Uint8Array[] = [];
      client.socket.on("data", (piece) => received.push(piece));
      client.write(sent);
      await run(m.get("q"));
      const methodSize = 8 + Buffer.from(sent).readUInt32BE(3);
      const content = Buffer.from(sent.subarray(methodSize)).toString("hex");
      expect(Buffer.concat(received).toString("hex")).to.include(content);
      expect(broker.queue("q").messages).to.deep.equal([]);
    });

    it("splits bodies to the frame-max that was negotiated", async () => {
      const small = await RawClient.open(broker.port, { frameMax: 4096 });
      await small.call(1, m.declareQueue("q"), "queue.declare-ok");
      const body = "0123456789".repeat(3000);
      small.publish(1, { routingKey: "q" }, body);
      small.send(1, m.get("q"));
      expect((await small.next()).body).to.equal(body);
      expect(small.largestFrame).to.equal(4096);
      small.destroy();
    });
  });

  describe("acknowledgement", () => {
    beforeEach(async () => {
      await run(m.declareQueue("q"));
      publish("a", "b", "c", "d");
      await run(m.get("q", false), m.get("q", false), m.get("q", false));
    });

    it("messages that are held do not count as ready, and are not purged", async () => {
      const lines = await run(m.declareQueue("q", { passive: true }), m.purge("q"));
      expect(lines[0]).to.include('"messageCount":1');
      expect(lines[1]).to.include('"messageCount":1');
      await run(m.nack(0, true, true));
      expect(bodies()).to.deep.equal(["a", "b", "c"]);
    });

    it("ack of several, then nothing is left to give back", async () => {
      await run(m.ack(2, true), m.nack(3, false, true));
      expect(bodies()).to.deep.equal(["c", "d"]);
      await run(m.ack(0, true), m.ack(0, true));
    });

    it("nack and reject without requeue drop", async () => {
      await run(m.nack(2, true, false), m.reject(3, false));
      expect(bodies()).to.deep.equal(["d"]);
    });

    it("requeued messages go where they were, marked as redelivered", async () => {
      await run(m.reject(3, true), m.nack(1, false, true));
      expect(bodies()).to.deep.equal(["a", "c", "d"]);
      await run(m.nack(0, true, true));
      expect(bodies()).to.deep.equal(["a", "b", "c", "d"]);
      const marks = broker.queue("q").messages.map(({ redelivered }) => redelivered);
      expect(marks).to.deep.equal([true, true, true, false]);
      expect((await run(m.get("q")))[0]).to.include('"deliveryTag":4,"redelivered":true');
    });

    it("channel.close gives everything back", async () => {
      await client.call(1, m.CLOSE_CHANNEL, "channel.close-ok");
      expect(bodies()).to.deep.equal(["a", "b", "c", "d"]);
    });

    it("a channel error gives everything back", async () => {
      client.send(1, m.ack(99));
      await client.expect("channel.close");
      expect(bodies()).to.deep.equal(["a", "b", "c", "d"]);
    });

    it("a lost connection gives everything back", async () => {
      client.destroy();
      while (bodies().length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(bodies()).to.deep.equal(["a", "b", "c", "d"]);
    });

    it("a message of a deleted queue can still be acknowledged, or given back to nowhere", async () => {
      expect(await run(m.deleteQueue("q"), m.ack(1), m.nack(0, true, true))).to.deep.equal([
        '1 queue.delete-ok {"messageCount":1}',
      ]);
    });
  });

  it("frames of clients that forget the eight octets around the payload are let pass", async () => {
    const forgetful = await RawClient.open(broker.port, { frameMax: 4096 });
    forgetful.frameMax = 4104;
    forgetful.publish(1, { routingKey: "nope", mandatory: true }, "x".repeat(9000));
    expect((await forgetful.next()).body).to.have.length(9000);
    forgetful.destroy();
  });

  it("what can be stored but not sent back ends the connection, not the process", async () => {
    // A header frame cannot be split, and the reader takes smaller frames than the publisher.
    await run(m.declareQueue("q"));
    client.publish(1, { routingKey: "q" }, "", { headers: { large: "x".repeat(4096) } });
    const reader = await RawClient.open(broker.port, { frameMax: 4096 });
    reader.send(1, m.get("q"));
    const { replyCode, replyText } = await reader.expect("connection.close");
    expect(replyCode).to.equal(502);
    expect(replyText).to.match(/^SYNTAX_ERROR - the content header .*4096/);
    reader.destroy();
  });

  it("a time that no Date reaches is sent back as it came", async () => {
    await run(m.declareQueue("q"));
    const bytes = publishBytes(1, { routingKey: "q" }, "", { timestamp: new Date(0) });
    bytes.fill(0x7f, bytes.length - 9, bytes.length - 1);
    client.write(bytes);
    await run(m.declareQueue("q", { passive: true }));
    const connection = await connect(`amqp://127.0.0.1:${broker.port}`);
    const got = await (await connection.openChannel()).basicGet("q");
    await connection.close();
    const { timestamp } = got?.taggedProperties ?? {};
    expect(timestamp).to.deep.equal(tagged("T", 0x7f7f7f7f7f7f7f7fn));
  });

  it("small things: qos, flow, cancel, update-secret", async () => {
    const lines = await run(
      { name: "channel.flow", active: true },
      { name: "basic.cancel", consumerTag: "nobody", nowait: false },
    );
    expect(lines).to.deep.equal([
      '1 channel.flow-ok {"active":true}',
      '1 basic.cancel-ok {"consumerTag":"nobody"}',
    ]);
    const newSecret = Buffer.from("secret");
    await client.call(
      0,
      { name: "connection.update-secret", newSecret, reason: "r" },
      "connection.update-secret-ok",
    );
  });

  it("any octets after the handshake end in a close, not in a crash", async () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const whole = methodBytes(1, m.declareQueue("q", { nowait: true }));
    const mutated = fc
      .tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }))
      .map(([at, value]) => Uint8Array.from(whole, (octet, i) => (i === at ? value : octet)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(octets, mutated), async (bytes) => {
        const victim = await RawClient.open(broker.port);
        victim.write(bytes);
        victim.socket.end();
        const arrivals = await victim.untilEnd();
        const names = arrivals.map(({ name }) => name).filter((name) => name !== "end");
        for (const each of arrivals) {
          if (each.method?.name === "connection.close") {
            expect(each.method.replyCode).to.be.within(501, 540);
          }
        }
        expect(names.length).to.be.at.most(2);
      }),
      { numRuns: 60 },
    );
  });
});
