import { expect } from "chai";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import { CLOSE_CONNECTION, OPEN } from "./methods.ts";
import { PROTOCOL_HEADER, RawClient, show } from "./raw-client.ts";

const EXPLAINS = { authentication_failure_close: true };

describe("the broker's handshake", () => {
  let broker: EmbeddedBroker;
  let client: RawClient;
  beforeEach(async () => {
    broker = await startBroker({ users: { guest: "guest", ü: "p:w" }, vhosts: ["/", "other"] });
    client = await RawClient.connect(broker.port);
  });
  afterEach(async () => {
    client.destroy();
    await broker.stop();
  });

  async function untilStarted(): Promise<void> {
    client.write(PROTOCOL_HEADER);
    await client.expect("connection.start");
  }

  async function endsWith(...expected: string[]): Promise<void> {
    expect((await client.untilEnd()).map(show)).to.deep.equal([...expected, "0 end {}"]);
  }

  it("says who it is, what it can do and the limits of RabbitMQ", async () => {
    client.write(PROTOCOL_HEADER);
    const start = await client.expect("connection.start");
    expect([start.versionMajor, start.versionMinor]).to.deep.equal([0, 9]);
    expect(Buffer.from(start.mechanisms).toString()).to.equal("PLAIN AMQPLAIN");
    expect(Buffer.from(start.locales).toString()).to.equal("en_US");
    expect(start.serverProperties["capabilities"]).to.include({ publisher_confirms: true });
    client.startOk();
    const tune = await client.expect("connection.tune");
    expect(tune).to.include({ channelMax: 2047, frameMax: 131_072, heartbeat: 60 });
  });

  for (const [what, octets] of [
    ["AMQP 0-8", "AMQP\x00\x00\x08\x00"],
    ["AMQP 1.0", "AMQP\x00\x01\x00\x00"],
    ["SASL of AMQP 1.0", "AMQP\x03\x01\x00\x00"],
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ] as const) {
    it(`answers ${what} with the protocol header it speaks, and hangs up`, async () => {
      client.write(Buffer.from(octets, "latin1"));
      await endsWith("0 octets 414d515000000901");
    });
  }

  it("lets in whom it knows, to every virtual host, with both mechanisms", async () => {
    const response = Buffer.from("\x05LOGINS\0\0\0\x02ü\x08PASSWORDS\0\0\0\x03p:w", "utf8");
    await untilStarted();
    client.send(0, {
      name: "connection.start-ok",
      ...{ clientProperties: {}, mechanism: "AMQPLAIN", response, locale: "en_US" },
    });
    await client.expect("connection.tune");
    const plain = await RawClient.open(broker.port, {
      ...{ user: "ü", password: "p:w", vhost: "other" },
    });
    plain.destroy();
  });

  for (const [what, options] of [
    ["a wrong password", { password: "wrong" }],
    ["an unknown user", { user: "nobody" }],
    ["a property of all objects", { user: "constructor", password: "" }],
  ] as const) {
    it(`refuses ${what} with 403, if the client can understand it`, async () => {
      await untilStarted();
      client.startOk({ ...options, capabilities: EXPLAINS });
      expect(await client.expect("connection.close")).to.deep.equal({
        name: "connection.close",
        replyCode: 403,
        replyText:
          "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. " +
          "For details see the broker logfile.",
        classId: 0,
        methodId: 0,
      });
      client.send(0, { name: "connection.close-ok" });
      await endsWith();
    });

    it(`drops ${what} without a word otherwise`, async () => {
      await untilStarted();
      client.startOk(options);
      await endsWith();
    });
  }

  it("drops who cannot be understood", async () => {
    for (const [mechanism, response] of [
      ["PLAIN", "guest"],
      ["PLAIN", "\0guest"],
      ["PLAIN", "\0guest\0guest\0guest"],
      ["AMQPLAIN", "\x05LOGINS\0\0\0\x05guest"],
      ["AMQPLAIN", "\x05LOGINS\0\0\0\xff"],
      ["EXTERNAL", ""],
    ] as const) {
      client = await RawClient.connect(broker.port);
      await untilStarted();
      client.send(0, {
        ...{ name: "connection.start-ok", clientProperties: { capabilities: EXPLAINS } },
        ...{ mechanism, response: Buffer.from(response, "latin1"), locale: "en_US" },
      });
      await endsWith();
    }
  });

  it("drops what comes too early, and frames that are too large for the moment", async () => {
    for (const early of [
      () => client.send(0, { name: "connection.open", virtualHost: "/" }),
      () => client.send(0, CLOSE_CONNECTION),
      () => client.send(1, OPEN),
      () => client.write(Buffer.from("01000000002000", "hex")),
      () => client.write(Buffer.from("GET / HTTP/1.1")),
    ]) {
      client = await RawClient.connect(broker.port);
      await untilStarted();
      early();
      await endsWith();
    }
  });

  it("drops limits above its own, no limits, and a frame-max that is too small", async () => {
    for (const limits of [
      { frameMax: 131_073 },
      { frameMax: 0 },
      { frameMax: 4095 },
      { channelMax: 2048 },
      { channelMax: 0 },
    ]) {
      client = await RawClient.connect(broker.port);
      await client.handshake(limits);
      client.send(0, { name: "connection.open", virtualHost: "/" });
      await endsWith();
    }
  });

  it("agrees to no limits if it has none itself", async () => {
    const limitless = await startBroker({ frameMax: 0, channelMax: 0, heartbeatSeconds: 0 });
    const free = await RawClient.open(limitless.port, { frameMax: 0, channelMax: 0 });
    free.frameMax = 1_000_000;
    free.publish(1, { routingKey: "nobody", mandatory: true }, "x".repeat(500_000));
    const returned = await free.next();
    expect(returned.body?.length).to.equal(500_000);
    free.destroy();
    await limitless.stop();
  });

  it("refuses an unknown virtual host with 530", async () => {
    await client.handshake();
    client.send(0, { name: "connection.open", virtualHost: "nope" });
    expect(await client.expect("connection.close")).to.include({
      replyCode: 530,
      replyText: "NOT_ALLOWED - vhost nope not found",
      classId: METHODS["connection.open"].classId,
      methodId: METHODS["connection.open"].methodId,
    });
  });

  it("explains errors once the client has logged in", async () => {
    await client.handshake();
    client.send(0, CLOSE_CONNECTION);
    expect(await client.expect("connection.close")).to.include({
      replyCode: 504,
      replyText: "CHANNEL_ERROR - unexpected method in connection state opening",
    });
    // Two closes that cross: each is answered.
    client.send(0, CLOSE_CONNECTION);
    await client.expect("connection.close-ok");
    client.send(0, { name: "connection.close-ok" });
    await endsWith();
  });

  it("ignores heartbeats before the end of the handshake", async () => {
    await untilStarted();
    client.heartbeat();
    client.startOk();
    await client.expect("connection.tune");
  });

  it("works octet by octet", async () => {
    client.drip();
    await client.handshake();
    client.send(0, { name: "connection.open", virtualHost: "/" });
    await client.expect("connection.open-ok");
    client.send(7, OPEN);
    await client.expect("channel.open-ok");
    client.publish(7, { routingKey: "nobody", mandatory: true }, "body", { appId: "me" });
    expect(show(await client.next())).to.equal(
      '7 basic.return {"replyCode":312,"replyText":"NO_ROUTE","exchange":"",' +
        '"routingKey":"nobody","properties":{"appId":"me"},"body":"body"}',
    );
    client.send(0, CLOSE_CONNECTION);
    await client.expect("connection.close-ok");
    await endsWith();
  });
});
