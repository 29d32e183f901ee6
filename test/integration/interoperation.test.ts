/** What this client publishes, read by clients of other people, and in other languages. */
import amqp, { type GetMessage } from "amqplib";
import { expect } from "chai";
import { type Connection, connect, type PublishOptions } from "../../src/index.ts";
import { writeProperties } from "../../src/wire/properties.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { HeaderTap } from "../support/interoperation/header-tap.ts";
import {
  BODIES,
  EMPTY_PROPERTIES,
  EVERY_PROPERTY,
  FIELDS,
  fieldsFor,
} from "../support/interoperation/ours.ts";
import {
  AMQP_TOOLS,
  PIKA,
  type PikaMessage,
  pikaGet,
  run,
  withProgram,
} from "../support/interoperation/programs.ts";
import { written } from "../wire/octets.ts";

againstBothBrokers("what we publish", (url) => {
  let tap: HeaderTap;
  let connection: Connection;
  let count = 0;
  let queue = "";

  beforeEach(async () => {
    tap = await HeaderTap.start(url());
    connection = await connect(url());
    queue = `amqp091-test-${process.pid}-interoperation-${++count}`;
    await (await connection.openChannel()).queueDeclare(queue);
  });
  afterEach(async () => {
    await (await connection.openChannel()).queueDelete(queue);
    await connection.close();
    await tap.stop();
  });

  async function publish(options: PublishOptions, body: Uint8Array | string = ""): Promise<void> {
    const publisher = await connection.openPublisher();
    await publisher.publish("", queue, body, { ...options, mandatory: true });
    await publisher.close();
  }

  /** The octets that the other client was sent are those that we meant. */
  function expectOctets(...all: readonly PublishOptions[]): void {
    const octets = all.map((properties) => written((w) => writeProperties(w, properties)));
    expect(tap.delivered).to.deep.equal(octets);
  }

  describe("is read by amqplib:", () => {
    async function get(): Promise<GetMessage> {
      const client = await amqp.connect(tap.url);
      const channel = await client.createChannel();
      const message = await channel.get(queue, { noAck: true });
      await client.close();
      if (message === false) throw new Error("the queue is empty");
      return message;
    }

    async function properties(): Promise<Record<string, unknown>> {
      const all = Object.entries((await get()).properties);
      return Object.fromEntries(all.filter(([, value]) => value !== undefined));
    }

    it("every type of header", async () => {
      const headers = fieldsFor("ours");
      await publish({ headers });
      const got = (await properties())["headers"] as Record<string, unknown>;
      for (const [name, { amqplib }] of Object.entries(FIELDS)) {
        expect(got[name], name).to.deep.equal(amqplib);
      }
      expect(Object.keys(got)).to.have.members(Object.keys(FIELDS));
      expectOctets({ headers });
    });

    it("each property", async () => {
      await publish(EVERY_PROPERTY);
      const { timestamp, ...others } = EVERY_PROPERTY;
      const seconds = Number(timestamp) / 1000;
      expect(await properties()).to.deep.equal({ ...others, timestamp: seconds });
      expectOctets(EVERY_PROPERTY);
    });

    it("properties that are there and empty", async () => {
      await publish(EMPTY_PROPERTIES);
      expect(await properties()).to.deep.equal({ ...EMPTY_PROPERTIES, timestamp: 0 });
      expectOctets(EMPTY_PROPERTIES);
    });

    it("no properties", async () => {
      await publish({});
      expect(await properties()).to.deep.equal({});
      expectOctets({});
    });

    for (const [what, body] of Object.entries(BODIES)) {
      it(`a body ${what}`, async () => {
        await publish({}, body);
        expect((await get()).content.equals(body)).to.equal(true);
      });
    }
  });

  withProgram(PIKA, () => {
    describe("is read by pika:", function () {
      this.timeout(20_000);

      async function get(): Promise<PikaMessage> {
        const [message, ...others] = await pikaGet(tap.port, queue);
        expect(others).to.have.length(0);
        if (message === undefined) throw new Error("the queue is empty");
        return message;
      }

      it("every type of header", async () => {
        const headers = fieldsFor("ours");
        await publish({ headers });
        expect((await get()).properties).to.deep.equal({ headers: fieldsFor("pika") });
        expectOctets({ headers });
      });

      it("each property", async () => {
        await publish(EVERY_PROPERTY);
        expect((await get()).properties).to.deep.equal({
          content_type: "'text/plain'",
          content_encoding: "'identity'",
          headers: { answer: "42" },
          delivery_mode: "2",
          priority: "9",
          correlation_id: "'correlation ✓'",
          reply_to: "'a.reply'",
          expiration: "'3600000'",
          message_id: `'${"m".repeat(255)}'`,
          timestamp: "1709209845",
          type: "'kind'",
          user_id: "'guest'",
          app_id: "'interoperation'",
          cluster_id: "'cluster'",
        });
        expectOctets(EVERY_PROPERTY);
      });

      it("properties that are there and empty, and none", async () => {
        await publish(EMPTY_PROPERTIES);
        await publish({});
        const [empty, none] = await pikaGet(tap.port, queue);
        expect(empty?.properties).to.deep.equal({
          ...{ content_type: "''", content_encoding: "''", headers: {}, priority: "0" },
          ...{ correlation_id: "''", reply_to: "''", message_id: "''", timestamp: "0" },
          ...{ type: "''", app_id: "''", cluster_id: "''" },
        });
        expect(none?.properties).to.deep.equal({});
        expectOctets(EMPTY_PROPERTIES, {});
      });

      it("bodies of every length, text and octets", async () => {
        for (const body of Object.values(BODIES)) await publish({}, body);
        const got = (await pikaGet(tap.port, queue)).map(({ body }) => body);
        const sent = Object.values(BODIES).map((body) => Buffer.from(body).toString("hex"));
        expect(got.map(({ length }) => length)).to.deep.equal(sent.map(({ length }) => length));
        expect(got.join() === sent.join()).to.equal(true);
      });
    });
  });

  withProgram(AMQP_TOOLS, () => {
    describe("is read by librabbitmq's amqp-tools:", function () {
      this.timeout(20_000);

      for (const [what, body] of Object.entries(BODIES)) {
        it(`a body ${what}, behind every header and property`, async () => {
          const properties = { ...EVERY_PROPERTY, headers: fieldsFor("ours") };
          await publish(properties, body);
          await publish(properties, body);
          const got = await run("amqp-get", [`--url=${tap.url}`, `--queue=${queue}`]);
          expect(got.equals(body)).to.equal(true);
          const consume = [`--url=${tap.url}`, `--queue=${queue}`, "--count=1", "cat"];
          expect((await run("amqp-consume", consume)).equals(body)).to.equal(true);
          expectOctets(properties, properties);
        });
      }
    });
  });
});
