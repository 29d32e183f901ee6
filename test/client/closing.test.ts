import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  type AmqpError,
  type CloseOptions,
  ConnectionLostError,
  TimeoutError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import { openPublisher, useScriptedServer } from "../support/scripted-server.ts";
import { endingOf, type Opened, openVirtually } from "../support/virtual-line.ts";

/** The broker closes the connection, and answers our own close where that has crossed its. */
function closedByBroker({ peer }: Opened): void {
  peer.closeConnection(320, "CONNECTION_FORCED");
  if (peer.waiting.includes("connection.close")) peer.send(0, { name: "connection.close-ok" });
}

describe("a close gives up", () => {
  const TIMEOUT = 700;

  /** What holds a close up, for ever; and what becomes of a publish that was under way. */
  const HINDRANCES: readonly (readonly [
    what: string,
    hinder: (opened: Opened) => Promise<Promise<string>[]>,
    endings: readonly string[],
  ])[] = [
    [
      "the confirms do not come",
      async ({ line, publisher, channel, peer }) => {
        const published = endingOf(publisher.publish("", "q", "x"));
        channel.basicPublish("", "q", "x");
        await line.quiet();
        await peer.expectPublishes(2);
        return [published];
      },
      ["unknown"],
    ],
    [
      "the window has no room",
      async ({ line, publisher, channel }) => {
        const endings = [1, 2, 3].map(() => endingOf(publisher.publish("", "q", "x")));
        channel.basicPublish("", "q", "x");
        await line.quiet();
        return endings;
      },
      ["unknown", "unknown", "unsent"],
    ],
    ["nothing is answered any more", async () => [], []],
    [
      "the peer reads nothing any more",
      async ({ line, publisher, channel, peer }) => {
        peer.stall();
        const body = Buffer.alloc(1_100_000);
        const endings = [1, 2, 3].map(() => endingOf(publisher.publish("", "q", body)));
        channel.basicPublish("", "q", "x");
        await line.quiet();
        return endings;
      },
      ["unknown", "unsent", "unsent"],
    ],
    [
      "the broker has blocked the connection",
      async ({ line, publisher, channel, peer }) => {
        const written = endingOf(publisher.publish("", "q", "x"));
        channel.basicPublish("", "q", "x");
        await line.quiet();
        peer.send(0, { name: "connection.blocked", reason: "low on memory" });
        await line.quiet();
        return [written, endingOf(publisher.publish("", "q", "x"))];
      },
      ["unknown", "unsent"],
    ],
    [
      "a call is not answered",
      async ({ line, channel, publisher }) => {
        failure(channel.queueDeclare("q")).catch(() => {});
        const published = endingOf(publisher.publish("", "q", "x"));
        await line.quiet();
        return [published];
      },
      ["unknown"],
    ],
  ];
  const CLOSERS: readonly (readonly [
    who: string,
    close: (opened: Opened, options: CloseOptions) => Promise<void>,
  ])[] = [
    [
      "publisher.close() and channel.close()",
      async ({ publisher, channel }, options) => {
        await Promise.all([publisher.close(options), channel.close(options)]);
      },
    ],
    ["connection.close()", ({ connection }, options) => connection.close(options)],
  ];

  for (const [who, close] of CLOSERS) {
    for (const [what, hinder, expected] of HINDRANCES) {
      it(`at its deadline: ${who} where ${what}`, async () => {
        const opened = await openVirtually({ maxUnconfirmed: 2 });
        const { line, connection, publisher, channel } = opened;
        const endings = await hinder(opened);
        const waiting = channel.waitForConfirms().catch(() => {});
        const closing = close(opened, { timeoutMs: TIMEOUT });
        await line.pass(TIMEOUT - 1);
        await stillPending(closing, 0);
        await line.pass(1);
        await line.run(closing);
        expect(await Promise.all(endings)).to.deep.equal(expected);
        await waiting;
        expect([publisher.queued, publisher.unconfirmed]).to.deep.equal([0, 0]);
        const ofConnection = who.startsWith("connection");
        for (const member of [publisher, channel]) {
          const reason = (await line.run(member.closed)) as AmqpError;
          expect(ofConnection ? reason.cause : reason).to.be.instanceOf(TimeoutError);
        }
        expect(line.state).to.equal(ofConnection ? "destroyed" : "open");
        if (ofConnection) {
          expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
          expect(line.clock.timers).to.equal(0);
        }
        connection.destroy();
      });

      it(`with its signal: ${who} where ${what}`, async () => {
        const opened = await openVirtually({ maxUnconfirmed: 2 });
        const { line, connection, publisher, channel } = opened;
        const endings = await hinder(opened);
        const controller = new AbortController();
        const closing = close(opened, { signal: controller.signal });
        await line.pass(TIMEOUT);
        await stillPending(closing, 0);
        controller.abort();
        await line.run(closing);
        expect(await Promise.all(endings)).to.deep.equal(expected);
        for (const member of [publisher, channel]) {
          const reason = (await line.run(member.closed)) as AmqpError;
          const cause = who.startsWith("connection") ? reason.cause : reason;
          expect(cause).to.be.instanceOf(AbortError);
        }
        expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
        connection.destroy();
      });

      it(`at once with a signal that had fired: ${who} where ${what}`, async () => {
        const opened = await openVirtually({ maxUnconfirmed: 2 });
        const { line, connection } = opened;
        const endings = await hinder(opened);
        await line.run(close(opened, { signal: AbortSignal.abort() }));
        expect(await Promise.all(endings)).to.deep.equal(expected);
        connection.destroy();
      });
    }
  }

  it("at one deadline for draining, the channels and the connection together", async () => {
    const { line, peer, connection, publisher, number, other } = await openVirtually();
    const published = endingOf(publisher.publish("", "q", "x"));
    await line.quiet();
    await peer.expectPublishes(1);
    const closing = connection.close({ timeoutMs: 1000 });
    await line.pass(400);
    peer.ack(number, 1);
    await line.pass(300);
    for (const each of [number, other]) peer.send(each, { name: "channel.close-ok" });
    await line.pass(299);
    expect(peer.waiting.at(-1)).to.equal("connection.close");
    await stillPending(closing, 0);
    await line.pass(1);
    await line.run(closing);
    expect(await published).to.equal("confirmed");
    expect(await publisher.closed).to.equal(undefined);
    expect(((await connection.closed) as AmqpError).cause).to.be.instanceOf(TimeoutError);
  });

  it("at the connection's deadline where a publisher was given a longer one before", async () => {
    const { line, connection, publisher } = await openVirtually();
    const published = endingOf(publisher.publish("", "q", "x"));
    await line.quiet();
    const patient = publisher.close({ timeoutMs: 60_000 });
    const closing = connection.close({ timeoutMs: 10 });
    await line.pass(10);
    await line.run(Promise.all([patient, closing]));
    expect(await published).to.equal("unknown");
  });

  it("after 30 seconds where nobody gives it less", async () => {
    const { line, connection, publisher } = await openVirtually();
    const published = endingOf(publisher.publish("", "q", "x"));
    const closings = [publisher.close(), connection.close()];
    await line.pass(29_999);
    await stillPending(Promise.race(closings), 0);
    await line.pass(1);
    await line.run(Promise.all(closings));
    expect(await published).to.equal("unknown");
  });
});

describe("a close may be asked for at any time, and again", () => {
  it("by everybody at once", async () => {
    const { line, peer, connection, publisher, channel } = await openVirtually();
    const closings: Promise<void>[] = [];
    for (const each of [publisher, channel, connection]) {
      const closing = each.close();
      expect(each.close({ timeoutMs: 5 })).to.equal(closing);
      expect(each.close({ signal: AbortSignal.abort() })).to.equal(closing);
      closings.push(closing, each[Symbol.asyncDispose]());
    }
    await line.run(peer.acceptChannelClose());
    await line.run(peer.acceptChannelClose());
    await line.run(peer.acceptClose());
    await line.run(Promise.all(closings));
    expect(peer.waiting).to.deep.equal([]);
  });

  it("from the listeners of every event", async () => {
    const { line, peer, connection, publisher, channel, number, other } = await openVirtually();
    const closings: Promise<void>[] = [];
    const closeAll = (): void => {
      for (const each of [publisher, channel, connection]) closings.push(each.close());
    };
    channel.on("ack", closeAll).on("close", closeAll);
    connection.on("blocked", closeAll).on("unblocked", closeAll).on("close", closeAll);
    channel.basicPublish("", "q", "x");
    const published = endingOf(publisher.publish("", "q", "x"));
    await line.quiet();
    await peer.expectPublishes(2);
    peer.ack(other, 1);
    peer.send(0, { name: "connection.blocked", reason: "" });
    peer.send(0, { name: "connection.unblocked" });
    peer.ack(number, 1);
    await line.run(peer.acceptChannelClose());
    await line.run(peer.acceptChannelClose());
    await line.run(peer.acceptClose());
    await line.run(connection.closed);
    expect(await published).to.equal("confirmed");
    expect(closings).to.have.length(15);
    await line.run(Promise.all(closings));
  });

  it("after the connection was lost, in whatever way", async () => {
    for (const lose of [
      ({ peer }: Opened) => peer.reset(),
      ({ peer }: Opened) => peer.end(),
      ({ peer }: Opened) => peer.closeConnection(320, "CONNECTION_FORCED"),
      ({ peer }: Opened) => peer.write("garbage"),
      ({ connection }: Opened) => connection.destroy(),
    ]) {
      const opened = await openVirtually();
      const { line, connection, publisher, channel } = opened;
      lose(opened);
      await line.run(connection.closed);
      const reason = await connection.closed;
      await line.run(Promise.all([publisher, channel, connection].map((each) => each.close())));
      await line.run(Promise.all([publisher, channel, connection].map((each) => each.close())));
      expect(await publisher.closed).to.equal(reason);
    }
  });

  for (const [how, lose, outcome] of [
    ["a reset", ({ peer }: Opened) => peer.reset(), "unknown"],
    ["the end of the stream", ({ peer }: Opened) => peer.end(), "unknown"],
    ["a close of the broker", closedByBroker, "unknown"],
    ["destroy()", ({ connection }: Opened) => connection.destroy(), "unknown"],
  ] as const) {
    it(`and resolves when it is interrupted by ${how}, at every step`, async () => {
      for (let step = 0; step < 4; step++) {
        const opened = await openVirtually();
        const { line, peer, connection, publisher, number, channel, other } = opened;
        const published = endingOf(publisher.publish("", "q", "x"));
        await line.quiet();
        await peer.expectPublishes(1);
        const closings = [connection, publisher, channel].map((each) => each.close());
        if (step > 0) peer.ack(number, 1);
        if (step > 1) {
          await line.quiet();
          peer.send(number, { name: "channel.close-ok" });
        }
        if (step > 2) peer.send(other, { name: "channel.close-ok" });
        await line.quiet();
        lose(opened);
        await line.run(Promise.all(closings));
        expect(await published).to.equal(step > 0 ? "confirmed" : outcome);
        await line.run(connection.closed);
      }
    });
  }
});

describe("a close over a real socket", () => {
  const server = useScriptedServer();

  it("gives up at its deadline although the peer reads nothing, and frees the socket", async () => {
    const { connection, peer } = await server().connect();
    const { publisher } = await openPublisher(connection, peer);
    const before = sockets();
    peer.stall();
    const body = Buffer.alloc(1 << 20);
    const endings = Array.from({ length: 40 }, () => endingOf(publisher.publish("", "q", body)));
    await until(() => publisher.queued > 0);
    await within(2_000, connection.close({ timeoutMs: 100 }));
    const outcomes = await within(500, Promise.all(endings));
    expect(new Set(outcomes)).to.deep.equal(new Set(["unknown", "unsent"]));
    await until(() => sockets() < before);
  });

  function sockets(): number {
    return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  }
});
