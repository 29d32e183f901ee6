import { expect } from "chai";
import { ConnectionLostError } from "../../src/index.ts";
import { stillPending, within } from "../support/environment.ts";
import { openChannel, type Peer, useScriptedServer } from "../support/scripted-server.ts";

describe("heartbeats over real sockets, with an interval of one second", function () {
  this.timeout(15_000);

  const server = useScriptedServer();
  const PROPOSAL = { heartbeatSeconds: 1 };

  /** A busy program: nothing of Node runs meanwhile. */
  function busy(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  it("keep connections that are idle, only talk, or only listen", async () => {
    const opened = [];
    for (let i = 0; i < 3; i++) opened.push(await open());
    const [idle, talking, listening] = opened as [Opened, Opened, Opened];
    const timers = [idle, talking].map(({ peer }) => setInterval(() => peer.heartbeat(), 400));
    let lost = 0;
    for (const { connection } of opened) connection.on("close", () => lost++);
    timers.push(
      setInterval(() => {
        if (lost === 0) talking.channel.basicPublish("", "q", "x");
      }, 100),
    );
    const method = { name: "basic.return", replyCode: 312, replyText: "" } as const;
    timers.push(
      setInterval(() => {
        const { peer, number } = listening;
        peer.sendContent(number, { ...method, exchange: "", routingKey: "k" }, "x");
      }, 100),
    );
    await sleep(2600);
    for (const timer of timers) clearInterval(timer);
    expect(lost).to.equal(0);
    expect(talking.peer.waiting.length).to.be.greaterThan(10);
    for (const { peer, connection, channel } of opened) {
      if (peer !== talking.peer) {
        const heard = peer.waiting;
        expect(new Set(heard)).to.deep.equal(new Set(["heartbeat"]));
        // One each half second is what we promise; fewer than two in 2.6 seconds ends it.
        expect(heard.length).to.be.within(2, 6);
      }
      const closing = Promise.all([channel.close(), skipTo(peer, "channel.close")]);
      await within(1_000, closing);
      connection.destroy();
    }
  });

  it("lie in the socket while the program is busy for longer; nothing does of a dead peer", async () => {
    const alive = await open();
    const dead = await open();
    alive.peer.heartbeat();
    busy(2300);
    await within(1_000, dead.connection.closed);
    expect(await dead.connection.closed).to.be.instanceOf(ConnectionLostError);
    await stillPending(alive.connection.closed, 300);
  });

  type Opened = Awaited<ReturnType<typeof open>>;

  async function open() {
    const { connection, peer } = await server().connect(PROPOSAL, PROPOSAL);
    return { connection, peer, ...(await openChannel(connection, peer)) };
  }

  /** Answers the client's close of a channel, whatever comes before. */
  async function skipTo(peer: Peer, name: "channel.close"): Promise<void> {
    for (;;) {
      const arrival = await peer.next();
      if (arrival.name !== name) continue;
      return peer.send(arrival.channel, { name: "channel.close-ok" });
    }
  }
});
