import { expect } from "chai";
import { type Channel, connect, ProtocolError, type Tuning, UsageError } from "../../src/index.ts";
import { failure } from "../support/environment.ts";
import { openChannel, useScriptedServer } from "../support/scripted-server.ts";

describe("Tuning", () => {
  const server = useScriptedServer();

  const MOST = 2 ** 32 - 1;
  /** frameMax, channelMax, heartbeatSeconds. */
  type Limits = readonly [number, number, number];
  const tuningOf = ([frameMax, channelMax, heartbeatSeconds]: Limits): Tuning => ({
    frameMax,
    channelMax,
    heartbeatSeconds,
  });

  const TABLE: readonly (readonly [what: string, ours: Limits, theirs: Limits, both: Limits])[] = [
    ["the server's, where they are lower", [9000, 9, 9], [8000, 8, 8], [8000, 8, 8]],
    ["ours, where they are lower", [8000, 8, 8], [9000, 9, 9], [8000, 8, 8]],
    ["ours, where the server has none", [9000, 9, 9], [0, 0, 0], [9000, 9, 9]],
    [
      "the server's, where we have none, but heartbeats are off",
      [0, 0, 0],
      [9000, 9, 9],
      [9000, 9, 0],
    ],
    ["what the fields hold, where nobody has any", [0, 0, 0], [0, 0, 0], [MOST, 65_535, 0]],
    ["the least", [4096, 1, 1], [4096, 1, 1], [4096, 1, 1]],
    ["the most", [MOST, 65_535, 65_535], [MOST, 65_535, 65_535], [MOST, 65_535, 65_535]],
  ];
  for (const [what, ours, theirs, both] of TABLE) {
    it(`agrees on ${what}, and tells the server so`, async () => {
      const { connection, said } = await server().connect(tuningOf(ours), tuningOf(theirs));
      expect(connection.tuning).to.deep.equal(tuningOf(both));
      const { frameMax, channelMax, heartbeat } = said.tuneOk;
      expect([frameMax, channelMax, heartbeat]).to.deep.equal(both);
    });
  }

  it("refuses frames smaller than AMQP allows, with a word to the server", async () => {
    for (const frameMax of [1, 4095]) {
      const refused = failure(connect(server().url), ProtocolError);
      const peer = await server().accept();
      await peer.start();
      peer.send(0, { name: "connection.tune", channelMax: 0, frameMax, heartbeat: 0 });
      const error = await refused;
      expect(error).to.include({ phase: "tuning", replyCode: 502, got: String(frameMax) });
      expect(error.expected).to.equal("a frame-max of 0 or at least 4096");
      const { method } = await peer.expect("connection.close");
      expect(method).to.include({ replyCode: 502 });
      await peer.expectEnd();
    }
  });

  it("takes the smallest frames, and cuts what it publishes to fit", async () => {
    const { connection, peer } = await server().connect({}, { frameMax: 4096 });
    const { channel } = await openChannel(connection, peer);
    const seen: number[] = [];
    let octets = Buffer.alloc(0);
    peer.socket.prependListener("data", (piece: Buffer) => {
      octets = Buffer.concat([octets, piece]);
    });
    channel.basicPublish("", "q", Buffer.alloc(10_000));
    await peer.expect("basic.publish");
    while (octets.length > 0) {
      const size = octets.readUInt32BE(3) + 8;
      seen.push(size);
      octets = octets.subarray(size);
    }
    expect(Math.max(...seen)).to.equal(4096);
    expect(seen.slice(2)).to.deep.equal([4096, 4096, 10_000 - 2 * 4088 + 8]);
  });

  it("numbers channels up to channel-max and refuses the next, as a mistake", async () => {
    const { connection, peer } = await server().connect({ channelMax: 0 }, { channelMax: 3 });
    const opened: { readonly channel: Channel; readonly number: number }[] = [];
    for (let i = 0; i < 3; i++) opened.push(await openChannel(connection, peer));
    expect(opened.map(({ number }) => number)).to.deep.equal([1, 2, 3]);
    const error = await failure(connection.openChannel(), UsageError);
    expect(error.message).to.equal(
      "all 3 channels of this connection are in use; close some, or open another connection",
    );
    expect(peer.waiting).to.deep.equal([]);
  });

  it("gives a number again only after close-ok, from the broker or to it", async () => {
    const { connection, peer } = await server().connect({ channelMax: 2 });
    const first = await openChannel(connection, peer);
    await openChannel(connection, peer);

    const closing = first.channel.close();
    await peer.expect("channel.close");
    await failure(connection.openChannel(), UsageError);
    peer.send(first.number, { name: "channel.close-ok" });
    await closing;
    expect((await openChannel(connection, peer)).number).to.equal(first.number);

    peer.closeChannel(2, 404, "NOT_FOUND - no queue");
    await peer.expect("channel.close-ok");
    expect((await openChannel(connection, peer)).number).to.equal(2);
    await failure(connection.openChannel(), UsageError);
  });

  it("goes on with a channel whose opening was given up when its number is free", async () => {
    const { connection, peer } = await server().connect({ channelMax: 1 });
    const controller = new AbortController();
    const given = failure(connection.openChannel({ signal: controller.signal }));
    const { channel } = await peer.expect("channel.open");
    controller.abort();
    await given;
    await failure(connection.openChannel(), UsageError);
    peer.send(channel, { name: "channel.open-ok" });
    await peer.acceptChannelClose();
    // The close-ok is on its way: it is read before what a later ping would bring.
    peer.send(0, { name: "connection.blocked", reason: "a mark" });
    await new Promise((resolve) => connection.once("blocked", resolve));
    peer.send(0, { name: "connection.unblocked" });
    expect((await openChannel(connection, peer)).number).to.equal(1);
  });
});
