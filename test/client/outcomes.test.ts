import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import {
  BatchError,
  ChannelClosedError,
  ConnectionLostError,
  type Message,
  PublishError,
  type PublishOutcome,
  ReturnedError,
  UsageError,
} from "../../src/index.ts";
import { failure, within } from "../support/environment.ts";
import {
  openConfirmChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

/** In the order of their tags: what becomes of each of seven messages. */
const ENDINGS: readonly (PublishOutcome | "confirmed")[] = [
  "confirmed",
  "nacked",
  "returned",
  "unknown",
  "refused",
  "unprocessed",
  "unsent",
];
const MAY_BE_DELIVERED: ReadonlySet<string> = new Set(["nacked", "unknown"]);
/** The window: the first three have settled when the next three are sent, and the last one waits. */
const WINDOW = 3;
const NOT_FOUND = "NOT_FOUND - no exchange 'missing' in vhost '/'";

/** Seven messages, each with the name of what will become of it. */
function messages(): (Message & { readonly body: string })[] {
  return ENDINGS.map((ending) => ({
    exchange: ending === "refused" ? "missing" : "e",
    routingKey: ending,
    body: ending,
    mandatory: ending === "returned",
  }));
}

/** The server's part: settles the first three, then closes the channel because of the fifth. */
async function play(peer: Peer, number: number): Promise<void> {
  const sent = await peer.expectPublishes(WINDOW);
  const returned = sent[2];
  if (returned === undefined) throw new Error("unreachable");
  peer.ack(number, 1);
  peer.nack(number, 2);
  peer.sendReturn(number, returned);
  peer.ack(number, 3);
  await peer.expectPublishes(WINDOW);
  peer.closeChannel(number, 404, NOT_FOUND, "basic.publish");
  await peer.expect("channel.close-ok");
}

/** The rejections that nobody handles while something is done, in place of mocha's watch for them. */
async function unhandledDuring(work: () => Promise<void>): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const watch = (reason: unknown): void => {
    unhandled.push(reason);
  };
  const saved = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", watch);
  try {
    await work();
    // Node tells of them at the end of a turn.
    for (let i = 0; i < 3; i++) await turn();
  } finally {
    process.removeListener("unhandledRejection", watch);
    for (const listener of saved) process.on("unhandledRejection", listener);
  }
  return unhandled;
}

describe("the outcome of a publish", () => {
  const server = useScriptedServer();

  function expectError(error: unknown, ending: string, deliveryTag: number): void {
    expect(error, ending).to.be.instanceOf(PublishError);
    if (ending === "returned") expect(error).to.be.instanceOf(ReturnedError);
    else expect(error).not.to.be.instanceOf(ReturnedError);
    expect(error).to.include({
      outcome: ending,
      mayBeDelivered: MAY_BE_DELIVERED.has(ending),
      code: `ERR_AMQP_PUBLISH_${ending.toUpperCase()}`,
      deliveryTag: ending === "unsent" ? 0 : deliveryTag,
      exchange: ending === "refused" ? "missing" : "e",
      routingKey: ending,
    });
    const { cause, message } = error as PublishError;
    expect(message).to.include(ending === "refused" ? '"missing"' : '"e"');
    if (ending === "nacked" || ending === "returned") return;
    expect(cause).to.be.instanceOf(ChannelClosedError);
    expect(cause).to.include({ replyCode: 404, replyText: NOT_FOUND, method: "basic.publish" });
    expect(message).to.include(NOT_FOUND);
  }

  it("is told by publish(): all of them on one channel, each once", async () => {
    const { connection, peer } = await server().connect();
    const { publisher, number } = await openPublisher(connection, peer, {
      maxUnconfirmed: WINDOW,
    });
    const settled: string[] = [];
    const results = messages().map(({ exchange = "", routingKey, body, mandatory }) => {
      const publishing = publisher.publish(exchange, routingKey, body, { mandatory });
      publishing.then(
        () => settled.push("confirmed"),
        ({ outcome }: PublishError) => settled.push(outcome),
      );
      return publishing;
    });
    const [all] = await within(
      2_000,
      Promise.all([Promise.allSettled(results), play(peer, number)]),
    );
    for (const [i, result] of all.entries()) {
      const ending = ENDINGS[i] as string;
      if (result.status === "fulfilled") {
        expect(ending).to.equal("confirmed");
        expect(result.value).to.deep.equal({ deliveryTag: 1 });
      } else {
        expectError(result.reason, ending, i + 1);
      }
    }
    expect(settled).to.deep.equal(ENDINGS);
    const { returned } = (all[2] as PromiseRejectedResult).reason as ReturnedError;
    expect(returned).to.include({ replyCode: 312, exchange: "e", routingKey: "returned" });
    expect(Buffer.from(returned.body).toString()).to.equal("returned");
    const error = await failure(publisher.waitForConfirms(), BatchError);
    expect(error).to.include({ confirmed: 1, failed: 6 });
    expect(error.failures.map(({ error: each }) => (each as PublishError).outcome)).to.deep.equal(
      ENDINGS.slice(1),
    );
  });

  it("is told by publishAll(): each failure with its message", async () => {
    const { connection, peer } = await server().connect();
    const { publisher, number } = await openPublisher(connection, peer, {
      maxUnconfirmed: WINDOW,
    });
    // Six of them: a batch waits for room itself, and leaves nothing in the queue to be `unsent`.
    const all = messages();
    const settled: [Message, string][] = [];
    const batch = failure(
      publisher.publishAll(all.slice(0, 6), {
        stopOnFailure: false,
        onSettled: (message, result) => {
          settled.push([
            message,
            result instanceof UsageError
              ? "misused"
              : result instanceof PublishError
                ? result.outcome
                : "confirmed",
          ]);
        },
      }),
      BatchError,
    );
    await within(2_000, play(peer, number));
    const error = await within(500, batch);
    expect(error).to.include({ confirmed: 1, failed: 5 });
    for (const [i, each] of error.failures.entries()) {
      const at = i + 1;
      expect(each.message).to.equal(all[at]);
      expect(each.deliveryTag).to.equal(at + 1);
      expectError(each.error, ENDINGS[at] as string, at + 1);
    }
    expect(settled).to.deep.equal(all.slice(0, 6).map((message, i) => [message, ENDINGS[i]]));
  });

  it("is told by publishAll() also for what was never sent", async () => {
    const { connection, peer } = await server().connect();
    const { publisher, number } = await openPublisher(connection, peer);
    const all = [{}, { signal: AbortSignal.abort() }, {}].map((options, i) => ({
      routingKey: "k",
      body: `${i}`,
      ...options,
    }));
    const batch = failure(publisher.publishAll(all, { stopOnFailure: false }), BatchError);
    await peer.expectPublishes(2);
    peer.ack(number, 2, true);
    const { failures, confirmed } = await batch;
    expect(confirmed).to.equal(2);
    expect(failures).to.have.length(1);
    expect(failures[0]).to.include({ deliveryTag: 0, message: all[1] });
    expect(failures[0]?.error).to.include({ outcome: "unsent", mayBeDelivered: false });
  });

  it("is told by waitForConfirms() of a channel: each failure with its tag", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    const all = messages().slice(0, 6);
    const publish = ({ exchange = "", routingKey, body, mandatory }: Message): number =>
      channel.basicPublish(exchange, routingKey, body, { mandatory });
    expect(all.slice(0, WINDOW).map(publish)).to.deep.equal([1, 2, 3]);
    const playing = play(peer, number);
    const events: string[] = [];
    channel.on("ack", ({ deliveryTag }) => events.push(`ack ${deliveryTag}`));
    channel.on("nack", ({ deliveryTag }) => events.push(`nack ${deliveryTag}`));
    channel.on("return", ({ routingKey }) => events.push(`return ${routingKey}`));
    expect(all.slice(WINDOW).map(publish)).to.deep.equal([4, 5, 6]);
    const error = await within(2_000, failure(channel.waitForConfirms(), BatchError));
    await playing;
    expect(error).to.include({ confirmed: 1, failed: 5 });
    for (const [i, each] of error.failures.entries()) {
      const at = i + 1;
      expect(each.message).to.equal(undefined);
      expect(each.deliveryTag).to.equal(at + 1);
      expectError(each.error, ENDINGS[at] as string, at + 1);
    }
    expect(events).to.deep.equal(["ack 1", "nack 2", "return returned", "ack 3"]);
    await channel.waitForConfirms(); // all of it was told already
  });

  it("is told by waitForConfirms() of a channel for what was never sent", async () => {
    const { connection, peer } = await server().connect();
    const { channel } = await openConfirmChannel(connection, peer);
    expect(channel.basicPublish("e", "unsent", "m")).to.equal(1);
    const waiting = failure(channel.waitForConfirms(), BatchError);
    connection.destroy();
    const { failures } = await waiting;
    expect(failures[0]).to.include({ deliveryTag: 1 });
    expect(failures[0]?.error).to.include({ outcome: "unsent", mayBeDelivered: false });
    expect(failures[0]?.error.cause).to.be.instanceOf(ConnectionLostError);
    await peer.expectEnd();
  });

  it("is told to each waitForConfirms() of what was published since the one before", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    const waits: Promise<BatchError>[] = [];
    for (let i = 1; i <= 3; i++) {
      for (let j = 0; j < 2; j++) channel.basicPublish("e", "k", `${i}`);
      waits.push(failure(channel.waitForConfirms(), BatchError));
    }
    await peer.expectPublishes(6);
    // The later ones are settled first; no wait ends before those in front of it.
    const ended: number[] = [];
    for (const [i, wait] of waits.entries()) wait.then(() => ended.push(i), expect.fail);
    peer.nack(number, 6);
    peer.ack(number, 5);
    peer.nack(number, 3);
    peer.nack(number, 4);
    peer.ack(number, 2);
    peer.nack(number, 1);
    const errors = await within(1_000, Promise.all(waits));
    expect(ended).to.deep.equal([0, 1, 2]);
    expect(errors.map(({ confirmed, failed }) => [confirmed, failed])).to.deep.equal([
      [1, 1],
      [0, 2],
      [1, 1],
    ]);
    expect(
      errors.map(({ failures }) => failures.map(({ deliveryTag }) => deliveryTag)),
    ).to.deep.equal([[1], [3, 4], [6]]);
  });

  describe("is nobody's unhandled rejection", () => {
    async function withPublisher(
      use: (opened: Awaited<ReturnType<typeof openPublisher>>, peer: Peer) => Promise<void>,
    ): Promise<void> {
      const { connection, peer } = await server().connect();
      await use(await openPublisher(connection, peer, { maxUnconfirmed: WINDOW }), peer);
      connection.destroy();
    }

    it("in publishAll()", async () => {
      const unhandled = await unhandledDuring(async () => {
        for (const stopOnFailure of [true, false]) {
          await withPublisher(async ({ publisher, number }, peer) => {
            const all = stopOnFailure ? messages().slice(3) : messages();
            const batch = failure(publisher.publishAll(all, { stopOnFailure }), BatchError);
            if (stopOnFailure) {
              await peer.expectPublishes(WINDOW);
              peer.closeChannel(number, 404, NOT_FOUND, "basic.publish");
            } else {
              await play(peer, number);
            }
            await batch;
            await failure(publisher.publishAll(all, { stopOnFailure }), BatchError);
          });
        }
      });
      expect(unhandled).to.deep.equal([]);
    });

    it("in Channel.basicPublish(), whether anybody waits for confirms or not", async () => {
      for (const waits of [true, false]) {
        const unhandled = await unhandledDuring(async () => {
          const { connection, peer } = await server().connect();
          const { channel, number } = await openConfirmChannel(connection, peer);
          for (const { exchange = "", routingKey, body, mandatory } of messages().slice(0, 6)) {
            channel.basicPublish(exchange, routingKey, body, { mandatory });
          }
          const waiting = waits ? failure(channel.waitForConfirms(), BatchError) : undefined;
          await play(peer, number);
          await waiting;
          const other = await openConfirmChannel(connection, peer);
          other.channel.basicPublish("e", "k", "unknown");
          await peer.expectPublishes(1);
          other.channel.basicPublish("e", "k", "unsent");
          connection.destroy();
          await connection.closed;
        });
        expect(unhandled).to.deep.equal([]);
      }
    });

    it("but always where publish() was not looked at, also with waitForConfirms()", async () => {
      for (const waits of [true, false]) {
        const unhandled = await unhandledDuring(() =>
          withPublisher(async ({ publisher, number }, peer) => {
            for (const { exchange = "", routingKey, body, mandatory } of messages()) {
              void publisher.publish(exchange, routingKey, body, { mandatory });
            }
            const waiting = waits ? failure(publisher.waitForConfirms(), BatchError) : undefined;
            await play(peer, number);
            await waiting;
          }),
        );
        const outcomes = unhandled.map((reason) => (reason as PublishError).outcome);
        expect(outcomes).to.deep.equal(ENDINGS.slice(1));
      }
    });

    it("but that of waitForConfirms() where nobody looks at it", async () => {
      const unhandled = await unhandledDuring(async () => {
        const { connection, peer } = await server().connect();
        const { channel } = await openConfirmChannel(connection, peer);
        channel.basicPublish("e", "k", "m");
        void channel.waitForConfirms();
        connection.destroy();
        await connection.closed;
      });
      expect(unhandled).to.have.length(1);
      expect(unhandled[0]).to.be.instanceOf(BatchError);
    });
  });

  it("is told to each of very many that fail at once, and nothing is left open", async () => {
    const { connection, peer } = await server().connect();
    const { publisher } = await openPublisher(connection, peer, { maxUnconfirmed: 1_000 });
    const counts: Record<string, number> = {};
    const publishing = Array.from({ length: 20_000 }, () =>
      publisher.publish("e", "k", "m").catch(({ outcome }: PublishError) => {
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }),
    );
    await peer.expectPublishes(1_000);
    peer.reset();
    await Promise.all(publishing);
    expect(counts).to.deep.equal({ unknown: 1_000, unsent: 19_000 });
    expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([0, 0]);
  });
});
