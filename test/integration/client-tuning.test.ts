import { expect } from "chai";
import {
  type Channel,
  type Connection,
  type ConnectOptions,
  connect,
  ProtocolError,
  type Tuning,
  UsageError,
} from "../../src/index.ts";
import { failure } from "../support/environment.ts";
import { integrationWithOwnNode } from "../support/rabbitmq.ts";

const config = "channel_max = 3\nframe_max = 4096\nheartbeat = 7";

integrationWithOwnNode("Tuning with RabbitMQ", { config }, (broker) => {
  const connections: Connection[] = [];
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close();
  });

  async function connected(options: ConnectOptions = {}): Promise<Connection> {
    const connection = await connect(broker().url, options);
    connections.push(connection);
    return connection;
  }

  /** RabbitMQ looks at these at each connect. */
  async function serverSays({ frameMax, channelMax, heartbeatSeconds }: Tuning): Promise<void> {
    const set = Object.entries({
      frame_max: frameMax,
      channel_max: channelMax,
      heartbeat: heartbeatSeconds,
    }).map(([name, value]) => `application:set_env(rabbit, ${name}, ${value})`);
    await broker().ctl("eval", `${set.join(", ")}.`);
  }

  /** Publishes a body and gets it back as it was. */
  async function survives(connection: Connection, octets: number): Promise<void> {
    const publisher = await connection.openPublisher();
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const body = Buffer.alloc(octets);
    for (let i = 0; i < octets; i++) body[i] = i % 251;
    await publisher.sendToQueue(queue, body, { mandatory: true });
    const got = await channel.basicGet(queue);
    expect(got?.body.length).to.equal(octets);
    expect(Buffer.compare(got?.body ?? new Uint8Array(), body)).to.equal(0);
  }

  describe("that sets limits", () => {
    it("keeps them", async () => {
      const connection = await connected();
      expect(connection.tuning).to.deep.equal({
        frameMax: 4096,
        channelMax: 3,
        heartbeatSeconds: 7,
      });
      await survives(connection, 100_000);
    });

    it("takes 0 of ours for the server's, but of heartbeats for off", async () => {
      const none = { frameMax: 0, channelMax: 0, heartbeatSeconds: 0 };
      const connection = await connected(none);
      expect(connection.tuning).to.deep.equal({
        frameMax: 4096,
        channelMax: 3,
        heartbeatSeconds: 0,
      });
      await survives(connection, 4096 - 8);
      await connection.openChannel();
    });

    it("refuses the channel after the last, and goes on", async () => {
      const connection = await connected();
      const channels: Channel[] = [];
      for (let i = 0; i < 3; i++) channels.push(await connection.openChannel());
      for (const open of [() => connection.openChannel(), () => connection.openPublisher()]) {
        const error = await failure(open(), UsageError);
        expect(error.message).to.match(/all 3 channels .* in use; close some/);
      }
      await channels[1]?.close();
      await connection.openChannel();
      await failure(connection.openChannel(), UsageError);
      for (const channel of [channels[0], channels[2]]) {
        await channel?.queueDeclare("", { exclusive: true });
      }
    });

    it("uses a number again only when the broker has let go of it", async () => {
      const connection = await connected({ channelMax: 2 });
      const kept = await connection.openChannel();
      for (let i = 0; i < 100; i++) {
        const channel = await connection.openChannel();
        // Closed by us, or by the broker for a queue that does not exist.
        if (i % 2 === 0) await channel.close();
        else await failure(channel.queueDeclare("no such queue", { passive: true }));
      }
      await kept.queueDeclare("", { exclusive: true });
    });

    it("refuses a channel while its number waits for close-ok", async () => {
      const connection = await connected({ channelMax: 1 });
      const channel = await connection.openChannel();
      const closing = channel.close();
      await failure(connection.openChannel(), UsageError);
      await closing;
      await connection.openChannel();
    });
  });

  describe("that sets none", () => {
    before(() => serverSays({ frameMax: 0, channelMax: 0, heartbeatSeconds: 0 }));

    it("keeps ours", async () => {
      const ours = { frameMax: 5000, channelMax: 2, heartbeatSeconds: 9 };
      const connection = await connected(ours);
      expect(connection.tuning).to.deep.equal(ours);
      await survives(connection, 100_000);
    });

    it("has what the fields can hold where we set none either", async () => {
      const none = { frameMax: 0, channelMax: 0, heartbeatSeconds: 0 };
      const connection = await connected(none);
      expect(connection.tuning).to.deep.equal({
        frameMax: 2 ** 32 - 1,
        channelMax: 65_535,
        heartbeatSeconds: 0,
      });
      await survives(connection, 3_000_000);
    });
  });

  describe("that wants frames smaller than AMQP allows", () => {
    it("is refused", async () => {
      await serverSays({ frameMax: 4095, channelMax: 0, heartbeatSeconds: 0 });
      const error = await failure(connect(broker().url), ProtocolError);
      expect(error).to.include({ phase: "tuning", replyCode: 502, got: "4095" });
      expect(error.expected).to.match(/0 or at least 4096/);
      await serverSays({ frameMax: 4096, channelMax: 0, heartbeatSeconds: 0 });
      await survives(await connected(), 100_000);
    });
  });
});
