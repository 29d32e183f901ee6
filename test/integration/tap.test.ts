/** `amqp091 tap` between three clients and RabbitMQ. */
import amqp from "amqplib";
import { expect } from "chai";
import { connect } from "../../src/index.ts";
import { addressOf, TapCommand } from "../cli/tap-command.ts";
import { until } from "../support/environment.ts";
import { PIKA, pikaPublish, withProgram } from "../support/interoperation/programs.ts";
import { integration } from "../support/rabbitmq.ts";

integration("amqp091 tap before RabbitMQ", (broker) => {
  let tap: TapCommand;
  const queue = `amqp091-test-${process.pid}-tap`;
  beforeEach(async () => {
    tap = await TapCommand.start(addressOf(broker().url), "--json");
    const connection = await connect(broker().url);
    await (await connection.openChannel()).queueDeclare(queue);
    await connection.close();
  });
  afterEach(async () => {
    await tap.stop();
    const connection = await connect(broker().url);
    await (await connection.openChannel()).queueDelete(queue);
    await connection.close();
  });

  /** What went through it, when the connection is over: without a mistake, and at least a publish. */
  async function published(): Promise<number> {
    await until(() => tap.items.some(({ state }) => state === "closed"));
    const { items } = tap;
    const wrong = items.filter(({ error, type }) => error !== undefined || type === "undecodable");
    expect(wrong).to.deep.equal([]);
    return items.filter(({ kind, method }) => kind === "message" && method === "basic.publish")
      .length;
  }

  it("carries our client, and links each publish with its confirm", async () => {
    const connection = await connect(tap.url);
    const publisher = await connection.openPublisher();
    await publisher.publishAll(
      Array.from({ length: 500 }, (_, i) => ({ routingKey: queue, body: `message ${i}` })),
    );
    await connection.close();
    expect(await published()).to.equal(500);
    const confirms = tap.items.filter(({ link }) => link === "confirm");
    expect(confirms.map(({ deliveryTag }) => deliveryTag).sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 500 }, (_, i) => i + 1),
    );
    expect(
      confirms.every(({ outcome, latencyMs }) => outcome === "ack" && latencyMs >= 0),
    ).to.equal(true);
  });

  it("carries amqplib", async () => {
    const connection = await amqp.connect(tap.url);
    const channel = await connection.createConfirmChannel();
    const body = Buffer.alloc(500_000, 7);
    channel.sendToQueue(queue, body);
    await channel.waitForConfirms();
    const got = await channel.get(queue, { noAck: true });
    expect(got !== false && got.content.equals(body)).to.equal(true);
    await connection.close();
    expect(await published()).to.equal(1);
  });

  withProgram(PIKA, () => {
    it("carries pika", async () => {
      await pikaPublish(tap.port, queue);
      expect(await published()).to.be.above(0);
    }).timeout(20_000);
  });
});
