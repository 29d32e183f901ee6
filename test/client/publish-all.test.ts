import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  BatchError,
  ChannelClosedError,
  type Confirmation,
  type Message,
  type MessageResult,
  PublishError,
  type Publisher,
  type PublisherOptions,
  UsageError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import { openPublisher, type Peer, useScriptedServer } from "../support/scripted-server.ts";

describe("publishAll()", () => {
  const server = useScriptedServer();

  async function open(options: PublisherOptions = {}): Promise<{
    publisher: Publisher;
    peer: Peer;
    number: number;
  }> {
    const { connection, peer } = await server().connect();
    return { peer, ...(await openPublisher(connection, peer, options)) };
  }

  /** Messages `q 1`, `q 2`, …; counts what is read and tells whether return() was called. */
  class Source {
    read = 0;
    returned = 0;
    readonly #most: number;
    readonly #make: (i: number) => Message;

    constructor(most = Number.POSITIVE_INFINITY, make = message) {
      this.#most = most;
      this.#make = make;
    }

    *[Symbol.iterator](): Generator<Message> {
      try {
        while (this.read < this.#most) yield this.#make(++this.read);
      } finally {
        this.returned++;
      }
    }

    async *lazily(): AsyncGenerator<Message> {
      try {
        while (this.read < this.#most) {
          await new Promise((resolve) => setImmediate(resolve));
          yield this.#make(++this.read);
        }
      } finally {
        this.returned++;
      }
    }
  }

  function message(i: number): Message {
    return { routingKey: "q", body: `${i}` };
  }

  /** Confirms everything until the test is over. */
  async function confirmAll(peer: Peer, number: number): Promise<void> {
    for (let tag = 1; ; tag++) {
      const { name } = await peer.next();
      if (name !== "basic.publish") return;
      peer.ack(number, tag);
    }
  }

  describe("publishes", () => {
    it("an array", async () => {
      const { publisher, peer, number } = await open();
      const publishing = publisher.publishAll([
        { routingKey: "a", body: "1" },
        { exchange: "e", routingKey: "b", body: Buffer.from("2"), mandatory: true, type: "t" },
      ]);
      const [first, second] = await peer.expectPublishes(2);
      expect(first?.method).to.include({ exchange: "", routingKey: "a", mandatory: false });
      expect(second?.method).to.include({ exchange: "e", routingKey: "b", mandatory: true });
      expect(second?.properties).to.deep.equal({ type: "t" });
      await stillPending(publishing);
      peer.ack(number, 2, true);
      expect(await publishing).to.deep.equal({ confirmed: 2 });
    });

    it("nothing", async () => {
      const { publisher } = await open();
      expect(await publisher.publishAll([])).to.deep.equal({ confirmed: 0 });
      expect(await publisher.publishAll(new Source(0).lazily())).to.deep.equal({ confirmed: 0 });
    });

    it("a generator, and an asynchronous one, to their ends", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 3 });
      void confirmAll(peer, number).catch(() => {});
      const source = new Source(20);
      expect(await publisher.publishAll(source)).to.deep.equal({ confirmed: 20 });
      const lazy = new Source(20);
      expect(await publisher.publishAll(lazy.lazily())).to.deep.equal({ confirmed: 20 });
    });

    it("an iterator whose promises are somebody else's", async () => {
      const { publisher, peer, number } = await open();
      void confirmAll(peer, number).catch(() => {});
      const source = new Source(3)[Symbol.iterator]();
      const iterator = {
        // biome-ignore lint/suspicious/noThenProperty: that is the point
        next: () => ({ then: (give: (step: unknown) => void) => give(source.next()) }),
      };
      const messages = { [Symbol.asyncIterator]: () => iterator };
      expect(
        await within(500, publisher.publishAll(messages as unknown as AsyncIterable<Message>)),
      ).to.deep.equal({ confirmed: 3 });
    });
  });

  describe("reads no faster than the window", () => {
    for (const kind of ["synchronous", "asynchronous"] as const) {
      it(`from an endless ${kind} generator`, async () => {
        const { publisher, peer, number } = await open({ maxUnconfirmed: 5 });
        const source = new Source();
        const messages = kind === "synchronous" ? source : source.lazily();
        const controller = new AbortController();
        const publishing = failure(
          publisher.publishAll(messages, { signal: controller.signal }),
          BatchError,
        );
        for (let tag = 0; tag <= 30; tag++) {
          await peer.expectPublishes(tag === 0 ? 5 : 1);
          await new Promise((resolve) => setTimeout(resolve, 1));
          // One more may have been asked for already, and is not sent.
          expect(source.read - tag).to.be.within(5, 6);
          expect(publisher.queued).to.equal(0);
          if (tag < 30) peer.ack(number, tag + 1);
        }
        controller.abort(new Error("enough"));
        await stillPending(publishing);
        expect(source.returned).to.equal(1);
        peer.ack(number, 35, true);
        const error = await publishing;
        expect(error).to.include({ confirmed: 35, failed: 0 });
        expect(error.cause).to.be.instanceOf(AbortError);
        expect((error.cause as AbortError).cause).to.include({ message: "enough" });
        expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
      });
    }
  });

  describe("at a failure", () => {
    it("stops reading, calls return(), waits for the rest, and names what failed", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 3 });
      const source = new Source();
      const publishing = publisher.publishAll(source);
      const outcome = failure(publishing, BatchError);
      await peer.expectPublishes(3);
      peer.nack(number, 2);
      await stillPending(publishing);
      const { read } = source;
      expect(source.returned).to.equal(1);
      peer.ack(number, 1);
      await stillPending(publishing);
      peer.ack(number, 0, true);
      const error = await outcome;
      expect(source.read).to.equal(read);
      expect(error).to.include({
        name: "BatchError",
        code: "ERR_AMQP_BATCH",
        failed: 1,
        confirmed: read - 1,
      });
      expect(error.failures).to.have.length(1);
      expect(error.failures[0]?.message).to.deep.equal(message(2));
      expect(error.failures[0]?.deliveryTag).to.equal(2);
      expect(error.failures[0]?.error).to.be.instanceOf(PublishError);
      expect(error.failures[0]?.error).to.include({ outcome: "nacked" });
      expect(error.message).to.match(/^1 of \d+ messages/);
    });

    it("goes on if told so, and counts", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const source = new Source(10);
      const outcome = failure(publisher.publishAll(source, { stopOnFailure: false }), BatchError);
      for (let tag = 1; tag <= 10; tag++) {
        await peer.expectPublishes(1);
        if (tag % 2 === 0) peer.nack(number, tag);
        else peer.ack(number, tag);
      }
      const error = await outcome;
      expect(source.read).to.equal(10);
      expect(error).to.include({ confirmed: 5, failed: 5 });
      const failed = error.failures.map(({ message }) => (message as Message).body);
      expect(failed).to.deep.equal(["2", "4", "6", "8", "10"]);
    });

    it("keeps 1,000 failures of all that there are", async () => {
      const { publisher, peer, number } = await open();
      const outcome = failure(
        publisher.publishAll(new Source(1500), { stopOnFailure: false }),
        BatchError,
      );
      await peer.expectPublishes(1500);
      peer.nack(number, 1500, true);
      const error = await outcome;
      expect([error.failed, error.confirmed]).to.deep.equal([1500, 0]);
      expect(error.failures).to.have.length(1000);
    });

    it("takes a message that cannot be encoded for one", async () => {
      const { publisher, peer, number } = await open();
      const make = (i: number): Message =>
        i === 3 ? { ...message(i), expiration: "x" } : message(i);
      const source = new Source(10, make);
      const outcome = failure(publisher.publishAll(source), BatchError);
      await peer.expectPublishes(2);
      peer.ack(number, 2, true);
      const error = await outcome;
      expect(error).to.include({ confirmed: 2, failed: 1 });
      expect(error.failures[0]).to.deep.include({ message: make(3), deliveryTag: 0 });
      expect(error.failures[0]?.error).to.be.instanceOf(UsageError);
      expect([source.read, source.returned]).to.deep.equal([3, 1]);
    });

    it("rejects with what the iterable throws, after what is under way", async () => {
      const { publisher, peer, number } = await open();
      const own = new Error("the disk is gone");
      const make = (i: number): Message => {
        if (i === 3) throw own;
        return message(i);
      };
      for (const messages of [new Source(9, make), new Source(9, make).lazily()]) {
        const publishing = publisher.publishAll(messages);
        const outcome = failure(publishing, BatchError);
        await peer.expectPublishes(2);
        await stillPending(publishing);
        peer.ack(number, 0, true);
        const error = await outcome;
        expect(error).to.include({ confirmed: 2, failed: 0, cause: own });
      }
    });

    it("fails for what is no iterable, or no message", async () => {
      const { publisher } = await open();
      for (const nonsense of [undefined, null, 42, {}]) {
        await failure(publisher.publishAll(nonsense as unknown as Message[]), Error);
      }
      for (const nonsense of [undefined, null, 42, "x"]) {
        const error = await failure(
          publisher.publishAll([nonsense as unknown as Message]),
          BatchError,
        );
        expect(error.failures[0]?.error).to.be.instanceOf(UsageError);
      }
    });
  });

  describe("at the end of the publisher", () => {
    it("stops reading when that is closed", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const source = new Source();
      const outcome = failure(publisher.publishAll(source), BatchError);
      await peer.expectPublishes(2);
      const closing = publisher.close();
      expect(source.read).to.be.at.most(3);
      peer.ack(number, 2, true);
      const error = await outcome;
      expect(error).to.include({ confirmed: 2, failed: 0 });
      expect(error.cause).to.be.instanceOf(ChannelClosedError);
      expect(source.returned).to.equal(1);
      await peer.acceptChannelClose();
      await closing;
    });

    it("tells a message unsent that was being read when the batch was stopped", async () => {
      const { publisher } = await open();
      for (const last of [message(1), undefined as unknown as Message]) {
        let open = (): void => {};
        const gate = new Promise<void>((resolve) => {
          open = resolve;
        });
        const slow = async function* (): AsyncGenerator<Message> {
          await gate;
          yield last;
        };
        const controller = new AbortController();
        const told: unknown[] = [];
        const onSettled = (_: Message, result: MessageResult): void => void told.push(result);
        const { signal } = controller;
        const outcome = failure(publisher.publishAll(slow(), { signal, onSettled }), BatchError);
        controller.abort(new Error("enough"));
        expect(await outcome).to.include({ confirmed: 0, failed: 0 });
        open();
        await until(() => told.length > 0);
        if (last === undefined) expect(told[0]).to.be.instanceOf(UsageError);
        else expect(told[0]).to.include({ outcome: "unsent", routingKey: last.routingKey });
      }
    });

    it("rejects where an iterator gives no object, and survives one that does so late", async () => {
      const { publisher } = await open();
      const odd = (next: () => unknown): Iterable<Message> =>
        ({ [Symbol.iterator]: () => ({ next }) }) as unknown as Iterable<Message>;
      for (const next of [() => undefined, async () => undefined, () => 1]) {
        const error = await failure(publisher.publishAll(odd(next)), BatchError);
        expect((error.cause as Error).message).to.contain("must give an object");
      }
      const controller = new AbortController();
      const late = new Promise((resolve) => {
        controller.signal.addEventListener("abort", () => resolve(undefined));
      });
      const outcome = failure(
        publisher.publishAll(
          odd(() => late),
          controller,
        ),
        BatchError,
      );
      controller.abort();
      await outcome;
      await new Promise((resolve) => setImmediate(resolve));
    });

    it("does not wait for a generator that is stuck", async () => {
      const { publisher, peer, number } = await open();
      const stuck = async function* (): AsyncGenerator<Message> {
        yield message(1);
        await new Promise(() => {});
      };
      for (const stop of ["abort", "close"] as const) {
        const controller = new AbortController();
        const outcome = failure(publisher.publishAll(stuck(), controller), BatchError);
        await peer.expectPublishes(1);
        peer.ack(number, 0, true);
        if (stop === "abort") controller.abort();
        else void publisher.close();
        expect(await within(500, outcome)).to.include({ confirmed: 1, failed: 0 });
      }
    });

    it("names what became of everything when the connection is lost", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 4 });
      const source = new Source();
      const outcome = failure(publisher.publishAll(source), BatchError);
      await peer.expectPublishes(4);
      peer.ack(number, 1);
      await peer.expectPublishes(1);
      peer.reset();
      const error = await within(500, outcome);
      expect(error).to.include({ confirmed: 1, failed: 4 });
      for (const each of error.failures) expect(each.error).to.include({ outcome: "unknown" });
      expect(source.returned).to.equal(1);
    });

    it("reads nothing when it is closed already", async () => {
      const { publisher, peer } = await open();
      await Promise.all([publisher.close(), peer.acceptChannelClose()]);
      const source = new Source();
      const error = await failure(publisher.publishAll(source), BatchError);
      expect(error).to.include({ confirmed: 0, failed: 0 });
      expect(error.cause).to.be.instanceOf(ChannelClosedError);
      expect(source.read).to.equal(0);
    });

    it("reads nothing when its signal has fired already", async () => {
      const { publisher, peer } = await open();
      const source = new Source();
      const signal = AbortSignal.abort();
      const error = await failure(publisher.publishAll(source, { signal }), BatchError);
      expect(error.cause).to.be.instanceOf(AbortError);
      expect(source.read).to.equal(0);
      expect(peer.waiting).to.deep.equal([]);
    });
  });

  describe("onSettled", () => {
    it("is told of each message, once, before the end", async () => {
      const { publisher, peer, number } = await open();
      const told: [Message, Confirmation | PublishError | UsageError][] = [];
      const make = (i: number): Message =>
        i === 2 ? { ...message(i), expiration: "x" } : message(i);
      const outcome = failure(
        publisher.publishAll(new Source(5, make), {
          stopOnFailure: false,
          // The contract's own type, so that this does not compile with a narrower promise.
          onSettled: (each: Message, result: Confirmation | PublishError | UsageError) => {
            told.push([each, result]);
          },
        }),
        BatchError,
      );
      await peer.expectPublishes(4);
      peer.ack(number, 3);
      peer.nack(number, 1);
      await until(() => told.length === 3);
      peer.ack(number, 0, true);
      await outcome;
      expect(told.map(([{ body }]) => body)).to.deep.equal(["2", "4", "1", "3", "5"]);
      const results = told.map(([, result]) =>
        result instanceof Error ? result.code : result.deliveryTag,
      );
      expect(results).to.deep.equal(["ERR_AMQP_USAGE", 3, "ERR_AMQP_PUBLISH_NACKED", 2, 4]);
    });
  });
});
