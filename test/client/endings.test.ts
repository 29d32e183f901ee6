import { expect } from "chai";
import {
  type AmqpError,
  BatchError,
  type Connection,
  type Message,
  PublishError,
  type Publisher,
} from "../../src/index.ts";
import { failure, within } from "../support/environment.ts";
import { openPublisher, type Peer, useScriptedServer } from "../support/scripted-server.ts";

/** How a test ends what is under way. */
interface Ending {
  readonly connection: Connection;
  readonly publisher: Publisher;
  readonly peer: Peer;
  readonly number: number;
  readonly controller: AbortController;
}

// Publishes 1 to 6: the window takes four; 1 is confirmed and 2 nacked before the end comes, so 5
// and 6 are written too, and 7 to 9 wait.
const ENDINGS: readonly (readonly [
  what: string,
  end: (ending: Ending) => unknown,
  written: string,
  cause: string,
])[] = [
  [
    "the server closes the channel",
    ({ peer, number }) => peer.closeChannel(number, 406, "PRECONDITION_FAILED"),
    "unknown",
    "ChannelClosedError",
  ],
  [
    "the server closes the connection",
    ({ peer }) => peer.closeConnection(320, "CONNECTION_FORCED"),
    "unknown",
    "ConnectionClosedError",
  ],
  ["the server ends the stream", ({ peer }) => peer.end(), "unknown", "ConnectionLostError"],
  ["the server resets the socket", ({ peer }) => peer.reset(), "unknown", "ConnectionLostError"],
  ["the server sends garbage", ({ peer }) => peer.write("garbage"), "unknown", "ProtocolError"],
  [
    "the server confirms what never was",
    ({ peer, number }) => peer.ack(number, 99),
    "unknown",
    "ProtocolError",
  ],
  ["destroy()", ({ connection }) => connection.destroy(), "unknown", "ConnectionLostError"],
  [
    "close() past its deadline",
    ({ connection }) => connection.close({ timeoutMs: 20 }),
    "unknown",
    "ConnectionLostError",
  ],
  [
    "close() of the publisher past its deadline",
    ({ publisher }) => publisher.close({ timeoutMs: 20 }),
    "unknown",
    "TimeoutError",
  ],
  ["a signal", ({ controller }) => controller.abort(), "unknown", "AbortError"],
  ["a deadline", () => {}, "unknown", "TimeoutError"],
];

describe("every publish settles, once", () => {
  const server = useScriptedServer();

  async function open(): Promise<Ending> {
    const { connection, peer } = await server().connect();
    const controller = new AbortController();
    const opened = await openPublisher(connection, peer, { maxUnconfirmed: 4 });
    return { connection, peer, controller, ...opened };
  }

  const outcomes = (written: string): string[] => [
    ...["confirmed", "nacked"],
    ...Array.from({ length: 4 }, () => written),
    ...Array.from({ length: 3 }, () => "unsent"),
  ];

  for (const [what, end, written, causeName] of ENDINGS) {
    it(`when it ends by ${what}`, async () => {
      const ending = await open();
      const { publisher, peer, number, controller } = ending;
      const timeoutMs = what === "a deadline" ? 120 : undefined;
      const settled: string[] = [];
      const causes = new Set<string>();
      const publishes = Array.from({ length: 9 }, (_, i) =>
        publisher.publish("", "q", `${i}`, { signal: controller.signal, timeoutMs }).then(
          ({ deliveryTag }) => {
            expect(deliveryTag).to.equal(i + 1);
            settled[i] = "confirmed";
          },
          (error: PublishError) => {
            expect(error).to.be.instanceOf(PublishError);
            expect(error.deliveryTag).to.equal(error.outcome === "unsent" ? 0 : i + 1);
            settled[i] = error.outcome;
            if (error.outcome !== "nacked") causes.add((error.cause as Error).name);
          },
        ),
      );
      const waiting = failure(publisher.waitForConfirms(), BatchError);
      await peer.expectPublishes(4);
      peer.ack(number, 1);
      peer.nack(number, 2);
      await peer.expectPublishes(2);
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([4, 3]);
      end(ending);
      await within(1_000, Promise.all(publishes));
      expect(settled).to.deep.equal(outcomes(written));
      expect([...causes]).to.deep.equal([causeName]);
      expect(await within(500, waiting)).to.include({ confirmed: 1, failed: 8 });
      expect(publisher.queued).to.equal(0);
    });

    // A deadline and a signal of single messages end those, and not the batch: see below.
    if (what === "a signal" || what === "a deadline") continue;

    it(`in a batch when it ends by ${what}`, async () => {
      const ending = await open();
      const { publisher, peer, number } = ending;
      const told: Map<Message, number> = new Map();
      const messages = Array.from({ length: 9 }, (_, i) => ({
        routingKey: "q",
        body: `${i}`,
      }));
      const publishing = failure(
        publisher.publishAll(messages, {
          stopOnFailure: false,
          onSettled: (message) => told.set(message, (told.get(message) ?? 0) + 1),
        }),
        BatchError,
      );
      await peer.expectPublishes(4);
      peer.ack(number, 1);
      peer.nack(number, 2);
      await peer.expectPublishes(2);
      end(ending);
      const error = await within(1_000, publishing);
      expect(error.confirmed).to.equal(1);
      const written_ = error.failures
        .slice(0, 5)
        .map((each) => (each.error as PublishError).outcome);
      expect(written_).to.deep.equal(["nacked", written, written, written, written]);
      expect(error.failures).to.have.length(error.failed);
      expect(told.size).to.equal(error.confirmed + error.failed);
      expect([...told.values()].every((times) => times === 1)).to.equal(true);
    });
  }

  it("in a batch whose messages have a deadline, or a signal", async () => {
    const { publisher, peer, controller } = await open();
    for (const limits of [{ timeoutMs: 30 }, { signal: controller.signal }]) {
      const messages = Array.from({ length: 9 }, () => ({ routingKey: "q", body: "", ...limits }));
      const batch = failure(publisher.publishAll(messages), BatchError);
      await peer.expectPublishes(4);
      if ("signal" in limits) controller.abort();
      const error = await within(1_000, batch);
      expect(error).to.include({ confirmed: 0, failed: 4 });
      for (const each of error.failures) expect(each.error).to.include({ outcome: "unknown" });
      peer.ack(1, 0, true);
    }
  });

  it("whatever comes after: confirms, returns and closes of what is over change nothing", async () => {
    const { connection, publisher, peer, number } = await open();
    const publishes = Array.from({ length: 3 }, () =>
      failure(publisher.publish("", "q", "x", { mandatory: true, timeoutMs: 10 }), PublishError),
    );
    const sent = await peer.expectPublishes(3);
    const errors = await Promise.all(publishes);
    for (const each of sent) peer.sendReturn(number, each);
    peer.ack(number, 2);
    peer.ack(number, 2);
    peer.nack(number, 3, true);
    peer.ack(number, 0, true);
    peer.closeChannel(number, 404, "NOT_FOUND");
    await peer.expect("channel.close-ok");
    expect(errors.map(({ outcome }) => outcome)).to.deep.equal(["unknown", "unknown", "unknown"]);
    expect(publisher.unconfirmed).to.equal(0);
    connection.destroy();
  });

  it("in the same turn: what was not given to the socket yet is `unsent`", async () => {
    const { connection, publisher, peer } = await open();
    const publishes = Array.from({ length: 6 }, () =>
      failure(publisher.publish("", "q", "x"), PublishError),
    );
    connection.destroy();
    const errors = await Promise.all(publishes);
    expect(new Set(errors.map(({ outcome }) => outcome))).to.deep.equal(new Set(["unsent"]));
    await peer.expectEnd();
  });

  it("also where publishes on several publishers share a socket", async () => {
    const { connection, publisher, peer } = await open();
    const other = await openPublisher(connection, peer);
    const publishes = [publisher, other.publisher].flatMap((each) =>
      Array.from({ length: 10 }, () => failure(each.publish("", "q", "x"), PublishError)),
    );
    await peer.expectPublishes(14);
    peer.reset();
    const errors = await within(500, Promise.all(publishes));
    expect(errors.filter(({ outcome }) => outcome === "unknown")).to.have.length(14);
    expect(errors.filter(({ outcome }) => outcome === "unsent")).to.have.length(6);
    const reason = (await connection.closed) as AmqpError;
    for (const { cause } of errors) expect(cause).to.equal(reason);
  });

  it("after a cut anywhere in the server's answers", async () => {
    // Return, ack and nack in one piece of octets, which ends after each of them in turn.
    for (let cut = 0; ; cut += 7) {
      const { publisher, peer, number } = await open();
      const publishes = Array.from({ length: 3 }, () =>
        publisher.publish("", "q", "x", { mandatory: true }).then(
          () => "confirmed",
          ({ outcome }: PublishError) => outcome,
        ),
      );
      const [first] = await peer.expectPublishes(3);
      if (first === undefined) throw new Error("unreachable");
      const octets: Buffer[] = [];
      const { write } = peer;
      peer.write = (piece) => octets.push(Buffer.from(piece as Uint8Array));
      peer.sendReturn(number, first);
      peer.ack(number, 1);
      peer.nack(number, 2);
      peer.write = write;
      const all = Buffer.concat(octets);
      peer.write(all.subarray(0, cut));
      peer.end();
      const [returned, nacked, last] = await within(500, Promise.all(publishes));
      expect(returned).to.be.oneOf(["returned", "unknown"]);
      expect(nacked).to.be.oneOf(["nacked", "unknown"]);
      expect(last).to.equal("unknown");
      if (cut >= all.length) {
        expect([returned, nacked]).to.deep.equal(["returned", "nacked"]);
        return;
      }
    }
  });
});
