/** Faults of the line between broker and client: blocked, silent, slow, in pieces, cut. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import { CLOSE_CONNECTION, consume, declareQueue } from "../methods.ts";
import { methodBytes, PROTOCOL_HEADER, publishBytes, RawClient, show } from "../raw-client.ts";
import { bodies, lines, nothingCame, publish, stage } from "./stage.ts";

const TELL = { capabilities: { "connection.blocked": true } };

describe("a fault of the line", () => {
  const on = stage();

  /** Whether a client was reset, by the error of its socket; it resolves with the end. */
  async function ending(client: RawClient): Promise<string> {
    if (!client.socket.closed) {
      const error = await Promise.race([
        once(client.socket, "close").then(() => undefined),
        new Promise<Error>((resolve) => client.socket.once("error", resolve)),
      ]);
      if (error !== undefined) return (error as NodeJS.ErrnoException).code ?? error.message;
    }
    return "end";
  }

  it("blocks who publishes, says so, and takes and confirms everything when it is over", async () => {
    const client = await on.confirming(TELL);
    const fault = on.broker.faults.block({ reason: "no room" });
    await nothingCame(client);
    expect(fault.struck).to.equal(0);
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(['0 connection.blocked {"reason":"no room"}']);
    await fault.waitForStrikes();
    publish(client, 2);
    client.send(1, declareQueue("later"));
    // Others go on, and those who do not publish are not blocked.
    const other = await on.open();
    await other.call(1, declareQueue("other"), "queue.declare-ok");
    expect(on.broker.queue("later").exists).to.equal(false);
    expect(bodies(on.broker)).to.deep.equal([]);
    fault.clear();
    await client.expect("connection.unblocked");
    const came = await client.linesUntil("queue.declare-ok");
    if (!came.join().includes('"deliveryTag":3')) await client.expect("basic.ack");
    expect(bodies(on.broker)).to.deep.equal(["1", "1", "2"]);
  });

  it("blocks at once who is there and who comes, and tells only who wants to know", async () => {
    const client = await on.open(TELL);
    const deaf = await on.open();
    const fault = on.broker.faults.block({ atOnce: true });
    expect(await lines(client, 1)).to.deep.equal([
      '0 connection.blocked {"reason":"low on memory"}',
    ]);
    const late = await RawClient.connect(on.broker.port);
    await late.handshake(TELL);
    late.send(0, { name: "connection.open", virtualHost: "/" });
    await late.expect("connection.open-ok");
    await late.expect("connection.blocked");
    const second = on.broker.faults.block({ atOnce: true });
    fault.clear();
    deaf.send(1, declareQueue("q"));
    // Two alarms are one to the client, and it is over with the second.
    second.clear();
    await client.expect("connection.unblocked");
    await late.expect("connection.unblocked");
    await deaf.expect("queue.declare-ok");
    expect([fault.struck, second.struck]).to.deep.equal([3, 3]);
    late.destroy();
  });

  it("reads nothing, so that the client's writes pile up, and then all of it", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.stopReading({ connection: ({ id }) => id === 1 });
    const other = await on.confirming();
    publish(other);
    await other.expect("basic.ack");
    const body = Buffer.alloc(1_000_000);
    for (let i = 0; i < 30; i++) client.publish(1, { routingKey: "q" }, body);
    await nothingCame(other);
    expect(client.socket.writableLength).to.be.greaterThan(10_000_000);
    expect(bodies(on.broker)).to.deep.equal(["1"]);
    fault.clear();
    while ((await client.expect("basic.ack")).deliveryTag < 30);
    expect(on.broker.queue("q").messageCount).to.equal(31);
  });

  it("writes nothing, not even heartbeats, and then all of it in order", async () => {
    const client = await on.confirming({ heartbeat: 1 });
    const fault = on.broker.faults.stopWriting();
    const start = Date.now();
    publish(client, 2);
    await on.broker.queue("q").waitForMessages(2);
    client.send(1, declareQueue("q2"));
    // Acks, the answer, and then heartbeats, of which none is due before half a second.
    await fault.waitForStrikes(3);
    expect(Date.now() - start).to.be.greaterThan(400);
    fault.clear();
    const came = await lines(client, 3);
    expect(came.map((line) => line.slice(0, 15))).to.deep.equal([
      "ack 2 multiple",
      "1 queue.declare",
      "0 heartbeat {}",
    ]);
  });

  it("reads no more either when too much waits to be written", async () => {
    const [client, other] = [await on.open(), await on.confirming()];
    const fault = on.broker.faults.stopWriting({ connection: ({ id }) => id === 1 });
    const body = Buffer.alloc(1_000_000);
    for (let i = 0; i < 30; i++) {
      client.publish(1, { routingKey: "nowhere", mandatory: true }, body);
    }
    await fault.waitForStrikes(2);
    await nothingCame(other);
    expect(client.socket.writableLength).to.be.greaterThan(10_000_000);
    fault.clear();
    for (let i = 0; i < 30; i++) await client.expect("basic.return");
  });

  it("writes late, each time, and in order", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.delay({ ms: 50, jitterMs: 20 });
    const start = Date.now();
    publish(client);
    await client.expect("basic.ack");
    expect(Date.now() - start).to.be.at.least(49);
    for (let i = 0; i < 20; i++) {
      publish(client);
      await on.broker.queue("q").waitForMessages(i + 2);
    }
    let last = 1;
    while (last < 21) {
      const { deliveryTag } = await client.expect("basic.ack");
      expect(deliveryTag).to.be.greaterThan(last);
      last = deliveryTag;
    }
    publish(client);
    await on.broker.queue("q").waitForMessages(22);
    fault.clear();
    await client.expect("basic.ack");
  });

  it("writes in single octets, and nobody notices", async () => {
    const fault = on.broker.faults.split();
    const client = await on.confirming();
    const before = fault.struck;
    const sizes: number[] = [];
    client.socket.on("data", (piece) => sizes.push(piece.length));
    await client.call(1, consume("q", "a"), "basic.consume-ok");
    publish(client, 3);
    const came = await lines(client, 4);
    expect(came.filter((line) => line.includes("basic.deliver"))).to.have.length(3);
    expect(came.at(-1)).to.equal("ack 3 multiple");
    expect(fault.struck).to.be.greaterThan(before);
    const octets = sizes.reduce((all, each) => all + each, 0);
    expect(sizes.length).to.be.greaterThan(octets / 4);
    fault.clear();
    client.send(0, CLOSE_CONNECTION);
    expect((await client.untilEnd()).map(show)).to.deep.equal([
      "0 connection.close-ok {}",
      "0 end {}",
    ]);
  });

  it("writes all of it in pieces before it hangs up", async () => {
    on.broker.faults.split({ octets: 3, random: true });
    const client = await on.open();
    client.send(0, CLOSE_CONNECTION);
    expect((await client.untilEnd()).map(show)).to.deep.equal([
      "0 connection.close-ok {}",
      "0 end {}",
    ]);
  });

  it("cuts all at once, by an end or by a reset", async () => {
    const [one, two] = [await on.open(), await on.open()];
    const reset = on.broker.faults.cut({ how: "reset", connection: ({ id }) => id === 1 });
    expect(reset.struck).to.equal(1);
    expect(await ending(one)).to.equal("ECONNRESET");
    expect(on.broker.faults.cut().struck).to.equal(1);
    expect(await ending(two)).to.equal("end");
    expect((await two.untilEnd()).map(show)).to.deep.equal(["0 end {}"]);
    await on.broker.waitForConnections(0);
  });

  for (const how of ["end", "reset"] as const) {
    it(`cuts where a method comes, after what came before is answered: ${how}`, async () => {
      const client = await on.confirming();
      const fault = on.broker.faults.cut({ on: "basic.publish", after: 2, how, routingKey: "q" });
      publish(client, 4);
      expect(await lines(client, 2)).to.deep.equal(["ack 2 multiple", "0 end {}"]);
      expect(bodies(on.broker)).to.deep.equal(["1", "2"]);
      expect(await fault.done).to.equal(1);
      await on.confirming();
    });
  }

  it("hangs up in the handshake", async () => {
    on.broker.faults.cut({ on: "connection.tune-ok" });
    const client = await RawClient.connect(on.broker.port);
    await client.handshake();
    expect((await client.untilEnd()).map(show)).to.deep.equal(["0 end {}"]);
  });

  it("writes nothing after the octet where it cuts, not even a confirm that is due", async () => {
    const client = await on.confirming();
    const body = Buffer.alloc(600_000);
    for (let i = 0; i < 2; i++) on.broker.publish("", "q", body);
    const fault = on.broker.faults.cut({ inside: "basic.get-ok", at: 10 });
    let heard = 0;
    client.socket.on("data", (piece) => {
      heard += piece.length;
    });
    // In one piece: when the answers are too long to be gathered, the confirm has not been written.
    const get = methodBytes(1, { name: "basic.get", queue: "q", noAck: true });
    client.write(Buffer.concat([publishBytes(1, { routingKey: "q" }, "x"), get, get, get]));
    expect(await fault.done).to.equal(1);
    await client.untilEnd();
    expect(heard).to.equal(10);
  });

  it("tells those whose answers are late why the broker stops, before it hangs up", async () => {
    const client = await on.open();
    on.broker.faults.delay({ ms: 60_000 });
    on.broker.faults.split();
    await on.broker.stop();
    expect((await client.untilEnd()).map(({ name }) => name)).to.deep.equal([
      ...["connection.close", "end"],
    ]);
  });

  it("cuts in the middle of a confirm, at an octet of the seed's or of yours", async () => {
    const heard = new Map<string, number>();
    for (const [seed, at] of [[1], [1], [2], [3], [4], [1, 5], [1, 500]] as const) {
      await on.start({ seed });
      const client = await on.confirming();
      on.broker.faults.cut({ inside: "basic.ack", after: 1, at });
      let octets = 0;
      publish(client);
      await client.expect("basic.ack");
      client.socket.on("data", (piece) => (octets += piece.length));
      publish(client);
      expect((await client.untilEnd()).map(show)).to.deep.equal(["0 end {}"]);
      const key = `${seed} ${at}`;
      if (heard.has(key)) expect(octets).to.equal(heard.get(key));
      heard.set(key, octets);
    }
    // An ack is a frame of 21 octets.
    expect([...heard.values()].every((octets) => octets >= 1 && octets <= 20)).to.equal(true);
    expect(heard.get("1 5")).to.equal(5);
    expect(heard.get("1 500")).to.equal(20);
    expect(new Set(heard.values()).size).to.be.greaterThan(3);
  });

  it("cuts in the middle of a message that it has not got", async () => {
    const client = await on.confirming();
    on.broker.faults.cut({ inside: "basic.publish", after: 1, exchange: "", routingKey: /q/ });
    publish(client, 3);
    expect(await lines(client, 2)).to.deep.equal(["ack 1", "0 end {}"]);
    expect(bodies(on.broker)).to.deep.equal(["1"]);
  });

  it("cuts after so many octets, read or written, from now or from the beginning", async () => {
    const client = await on.confirming();
    const size = publishBytes(1, { routingKey: "q" }, "1").length;
    const { faults } = on.broker;
    faults.cut({ afterRead: 2 * size + 5 });
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
    publish(client, 3);
    expect(await lines(client, 2)).to.deep.equal(["ack 2", "0 end {}"]);
    expect(bodies(on.broker)).to.deep.equal(["1", "1"]);

    const next = await on.confirming();
    faults.cut({ afterWritten: 30 });
    let octets = 0;
    next.socket.on("data", (piece) => (octets += piece.length));
    publish(next);
    await next.expect("basic.ack");
    publish(next);
    await next.untilEnd();
    expect(octets).to.equal(30);

    faults.cut({ afterWritten: 7 });
    const early = await RawClient.connect(on.broker.port);
    octets = 0;
    early.socket.on("data", (piece) => (octets += piece.length));
    early.write(PROTOCOL_HEADER);
    await early.untilEnd();
    expect(octets).to.equal(7);

    faults.cut({ afterRead: 8, how: "reset" });
    const soon = await RawClient.connect(on.broker.port);
    soon.write(Buffer.concat([PROTOCOL_HEADER, PROTOCOL_HEADER]));
    const came = (await soon.untilEnd()).map(({ name }) => name);
    expect(came).to.deep.equal(["connection.start", "end"]);
    expect(faults.active).to.deep.equal([]);
  });

  it("turns new connections away, and leaves the others alone", async () => {
    const client = await on.confirming();
    const { faults } = on.broker;
    faults.refuseConnections({ count: 1 });
    faults.refuseConnections({ count: 1, how: "end" });
    const silent = faults.refuseConnections({ count: 1, how: "silence" });
    const attempts = [1, 2, 3].map(() => connect(on.broker.port, "127.0.0.1"));
    const seen = attempts.map(
      (socket) =>
        new Promise<string>((resolve) => {
          socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
          socket.on("data", () => resolve("data"));
          socket.on("close", () => resolve("close"));
        }),
    );
    for (const socket of attempts) socket.write(PROTOCOL_HEADER);
    expect([await seen[0], await seen[1]]).to.deep.equal(["ECONNRESET", "close"]);
    await silent.done;
    await nothingCame(client);
    expect(attempts[2]?.destroyed).to.equal(false);
    faults.clear();
    expect(await seen[2]).to.equal("close");
    await on.open();
  });

  it("keeps nobody from stopping the broker", async () => {
    const { faults } = on.broker;
    faults.refuseConnections({ after: 3, how: "silence" });
    const clients = [await on.confirming(TELL), await on.confirming(), await on.open()];
    const silent = connect(on.broker.port, "127.0.0.1").on("error", () => {});
    await once(silent, "connect");
    faults.block({ atOnce: true });
    faults.stopWriting();
    faults.stopReading();
    faults.delay({ ms: 60_000 });
    faults.confirms({ delayMs: 60_000 });
    for (const client of clients) publish(client);
    await on.broker.restart();
    await on.broker.stop();
    await Promise.all(clients.map((client) => client.untilEnd()));
    if (!silent.closed) await once(silent, "close");
  });
});
