import { expect } from "chai";
import { type Connection, connect } from "../../src/index.ts";
import { integration } from "../support/rabbitmq.ts";

integration("client and RabbitMQ, with an interval of one second", (broker) => {
  const opened: Connection[] = [];

  async function open(heartbeatSeconds: number): Promise<Connection> {
    const connection = await connect(broker().url, { heartbeatSeconds });
    expect(connection.tuning.heartbeatSeconds).to.equal(heartbeatSeconds);
    opened.push(connection);
    return connection;
  }

  afterEach(() => {
    for (const connection of opened.splice(0)) connection.destroy();
  });

  it("keep each other alive: idle, with traffic one way or both ways, or without heartbeats", async function () {
    this.timeout(15_000);
    const idle = await open(1);
    const both = await open(1);
    const oneWay = await open(1);
    const without = await open(0);
    const events: string[] = [];
    for (const [name, connection] of Object.entries({ idle, both, oneWay, without })) {
      connection.on("close", (reason) => events.push(`${name}: ${reason?.message}`));
    }
    const publisher = await both.openPublisher();
    const admin = await both.openChannel();
    const { queue } = await admin.queueDeclare("", { exclusive: false, autoDelete: false });
    // Without confirm.select, nothing but heartbeats ever comes back.
    const channel = await oneWay.openChannel();
    const published: Promise<unknown>[] = [];
    const timer = setInterval(() => {
      if (events.length > 0) return;
      channel.basicPublish("", queue, "one way");
      published.push(publisher.sendToQueue(queue, "both ways"));
    }, 200);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    clearInterval(timer);

    expect(events).to.deep.equal([]);
    await Promise.all(published);
    expect(published.length).to.be.greaterThan(5);
    await channel.close(); // whatever it has published is handled when this is answered
    expect(await admin.queueDelete(queue)).to.deep.equal({ messageCount: 2 * published.length });
    for (const connection of [idle, both, oneWay, without]) {
      await (await connection.openChannel()).close();
      await connection.close();
      expect(await connection.closed).to.equal(undefined);
    }
  });
});
