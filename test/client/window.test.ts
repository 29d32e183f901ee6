import { getEventListeners } from "node:events";
import { expect } from "chai";
import {
  AbortError,
  type Connection,
  PublishError,
  type Publisher,
  type PublisherOptions,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import { openPublisher, type Peer, useScriptedServer } from "../support/scripted-server.ts";

describe("the window of a publisher", () => {
  const server = useScriptedServer();

  async function open(
    options: PublisherOptions = {},
  ): Promise<{ connection: Connection; publisher: Publisher; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect();
    return { connection, peer, ...(await openPublisher(connection, peer, options)) };
  }

  async function expectBodies(peer: Peer, count: number): Promise<string[]> {
    const sent = await peer.expectPublishes(count);
    return sent.map(({ body }) => Buffer.from(body).toString());
  }

  async function block(connection: Connection, peer: Peer): Promise<void> {
    peer.send(0, { name: "connection.blocked", reason: "low on memory" });
    await until(() => connection.blockedReason !== undefined);
  }

  async function unblock(connection: Connection, peer: Peer): Promise<void> {
    peer.send(0, { name: "connection.unblocked" });
    await until(() => connection.blockedReason === undefined);
  }

  function outcomeOf(publish: Promise<unknown>): Promise<string> {
    return publish.then(
      () => "confirmed",
      (error: PublishError) => error.outcome,
    );
  }

  describe("lets no more be unconfirmed than maxUnconfirmed,", () => {
    const each = (tags: readonly number[], tell: (tag: number) => void): void => {
      for (const tag of tags) tell(tag);
    };
    for (const [how, confirm] of [
      ["one by one", (peer, number, tags) => each(tags, (tag) => peer.ack(number, tag))],
      [
        "one by one, the last one first",
        (peer, number, tags) => each(tags.reverse(), (tag) => peer.nack(number, tag)),
      ],
      ["all up to one", (peer, number, tags) => peer.ack(number, tags.at(-1) as number, true)],
      ["all there are", (peer, number) => peer.ack(number, 0, true)],
    ] satisfies [string, (peer: Peer, number: number, tags: number[]) => void][]) {
      it(`and sends the next in order, confirmed ${how}`, async () => {
        const { publisher, peer, number } = await open({ maxUnconfirmed: 7 });
        const bodies = Array.from({ length: 100 }, (_, i) => `${i}`);
        const settled = Promise.allSettled(bodies.map((body) => publisher.publish("e", "k", body)));
        const arrived: string[] = [];
        let confirmed = 0;
        while (arrived.length < 100) {
          const due = Math.min(7 - (arrived.length - confirmed), 100 - arrived.length);
          arrived.push(...(await expectBodies(peer, due)));
          expect(publisher.unconfirmed).to.be.at.most(7);
          await until(() => publisher.unconfirmed === arrived.length - confirmed);
          expect(publisher.queued).to.equal(100 - arrived.length);
          expect(peer.waiting).to.deep.equal([]);
          const count = how === "all there are" ? 7 : 1 + (confirmed % 5);
          const last = Math.min(confirmed + count, arrived.length);
          const tags = Array.from({ length: last - confirmed }, (_, i) => confirmed + 1 + i);
          confirm(peer, number, tags);
          confirmed = last;
        }
        peer.ack(number, 0, true);
        await settled;
        expect(arrived).to.deep.equal(bodies);
      });
    }

    it("whoever waits for them or not: a caller's deadline makes no room", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const late = [1, 2].map((i) =>
        failure(publisher.publish("e", "k", `${i}`, { timeoutMs: 10 }), PublishError),
      );
      const waiting = publisher.publish("e", "k", "3");
      await Promise.all(late);
      await stillPending(waiting);
      expect(await expectBodies(peer, 2)).to.deep.equal(["1", "2"]);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(number, 2);
      expect(await expectBodies(peer, 1)).to.deep.equal(["3"]);
      peer.ack(number, 3);
      expect(await waiting).to.deep.equal({ deliveryTag: 3 });
    });

    it("returned or not: a return makes no room, its confirm does", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const returned = failure(publisher.publish("e", "k", "1", { mandatory: true }));
      const waiting = publisher.publish("e", "k", "2");
      const [sent] = await peer.expectPublishes(1);
      if (sent === undefined) throw new Error("unreachable");
      peer.sendReturn(number, sent);
      await returned;
      await stillPending(waiting);
      expect(peer.waiting).to.deep.equal([]);
      peer.ack(number, 1);
      expect(await expectBodies(peer, 1)).to.deep.equal(["2"]);
      peer.ack(number, 2);
      await waiting;
    });
  });

  describe("queues no more", () => {
    it("than maxQueued, and takes more as soon as one is gone", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1, maxQueued: 3 });
      const controller = new AbortController();
      const outcomes = [{}, {}, { signal: controller.signal }, { timeoutMs: 40 }].map(
        (options, i) => outcomeOf(publisher.publish("e", "k", `${i}`, options)),
      );
      const refused = async (): Promise<void> => {
        const error = await failure(publisher.publish("e", "k", "too many"), PublishError);
        expect(error).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
        expect(error.cause).to.be.instanceOf(UsageError);
        expect(error.message).to.include("maxQueued").and.to.include("ready()");
      };
      expect(publisher.queued).to.equal(3);
      await refused();
      controller.abort();
      expect(await outcomes[2]).to.equal("unsent");
      outcomes.push(outcomeOf(publisher.publish("e", "k", "4")));
      await refused();
      expect(await outcomes[3]).to.equal("unsent"); // its deadline
      outcomes.push(outcomeOf(publisher.publish("e", "k", "5")));
      await refused();
      expect(await expectBodies(peer, 1)).to.deep.equal(["0"]);
      peer.ack(number, 1);
      expect(await expectBodies(peer, 1)).to.deep.equal(["1"]);
      outcomes.push(outcomeOf(publisher.publish("e", "k", "6")));
      await refused();
      for (const [i, body] of ["4", "5", "6"].entries()) {
        peer.ack(number, 2 + i);
        expect(await expectBodies(peer, 1)).to.deep.equal([body]);
      }
      peer.ack(number, 5);
      expect(await Promise.all(outcomes)).to.deep.equal([
        ...["confirmed", "confirmed", "unsent", "unsent"],
        ...["confirmed", "confirmed", "confirmed"],
      ]);
    });

    it("than maxQueuedBytes, to the octet, and takes more as soon as some are gone", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1, maxQueuedBytes: 10 });
      const publish = (body: string | Uint8Array, signal?: AbortSignal): Promise<string> =>
        outcomeOf(publisher.publish("e", "k", body, { signal }));
      // What goes straight out does not wait, however large.
      const first = publish(Buffer.alloc(1_000));
      const controller = new AbortController();
      const aborted = publish("€€", controller.signal); // 6 octets
      const fits = publish(new Uint8Array(4));
      const full = await failure(publisher.publish("e", "k", "x"), PublishError);
      expect(full.outcome).to.equal("unsent");
      expect(full.message).to.include("maxQueuedBytes");
      const empty = publish(""); // takes no octet
      expect(publisher.queued).to.equal(3);
      controller.abort();
      expect(await aborted).to.equal("unsent");
      expect(await publish("1234567")).to.equal("unsent");
      const again = publish("123456");
      expect(await publish("1")).to.equal("unsent");
      await peer.expectPublishes(1);
      peer.ack(number, 1);
      expect(await expectBodies(peer, 1)).to.deep.equal(["\0\0\0\0"]);
      const last = publish("1234");
      expect(await publish("1")).to.equal("unsent");
      for (const [i, body] of ["", "123456", "1234"].entries()) {
        peer.ack(number, i + 2);
        expect(await expectBodies(peer, 1)).to.deep.equal([body]);
      }
      peer.ack(number, 5);
      expect(await Promise.all([first, fits, empty, again, last])).to.deep.equal(
        Array(5).fill("confirmed"),
      );
    });

    it("and does not send what was refused, nor number it", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2, maxQueued: 1 });
      const outcomes = Array.from({ length: 50 }, (_, i) =>
        outcomeOf(publisher.publish("e", "k", `${i}`)),
      );
      expect(await expectBodies(peer, 2)).to.deep.equal(["0", "1"]);
      peer.ack(number, 2, true);
      expect(await expectBodies(peer, 1)).to.deep.equal(["2"]);
      peer.ack(number, 3);
      const all = await Promise.all(outcomes);
      expect(all.slice(0, 3)).to.deep.equal(["confirmed", "confirmed", "confirmed"]);
      expect(new Set(all.slice(3))).to.deep.equal(new Set(["unsent"]));
      const next = publisher.publish("e", "k", "next");
      expect(await expectBodies(peer, 1)).to.deep.equal(["next"]);
      peer.ack(number, 4);
      expect(await next).to.deep.equal({ deliveryTag: 4 });
    });
  });

  describe("can be left while waiting:", () => {
    it("by hundreds with one signal, and the others keep their order and their tags", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const { signal } = new AbortController();
      const controller = new AbortController();
      const publishing = Array.from({ length: 900 }, (_, i) =>
        publisher
          .publish("e", "k", `${i}`, { signal: i % 3 === 1 ? controller.signal : signal })
          .then(
            ({ deliveryTag }) => deliveryTag,
            (error: unknown) => error,
          ),
      );
      expect(getEventListeners(controller.signal, "abort")).to.have.length(1);
      await expectBodies(peer, 1);
      const reason = new Error("enough");
      controller.abort(reason);
      expect(publisher.queued).to.equal(599);
      const arrived = ["0"];
      for (let tag = 1; tag < 600; tag++) {
        peer.ack(number, tag);
        arrived.push(...(await expectBodies(peer, 1)));
      }
      peer.ack(number, 600);
      const kept = Array.from({ length: 900 }, (_, i) => i).filter((i) => i % 3 !== 1);
      expect(arrived).to.deep.equal(kept.map((i) => `${i}`));
      for (const [i, result] of (await Promise.all(publishing)).entries()) {
        if (i % 3 !== 1) {
          expect(result).to.equal(kept.indexOf(i) + 1);
          continue;
        }
        expect(result).to.be.instanceOf(PublishError);
        expect(result).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
        const { cause } = result as PublishError;
        expect(cause).to.be.instanceOf(AbortError);
        expect((cause as AbortError).cause).to.equal(reason);
      }
      expect(getEventListeners(signal, "abort")).to.have.length(0);
      expect(getEventListeners(controller.signal, "abort")).to.have.length(0);
    });

    it("by the last of the queue, the first, or all", async () => {
      for (const leaving of [[1], [3], [1, 2, 3]]) {
        const { connection, publisher, peer, number } = await open({ maxUnconfirmed: 1 });
        const controllers = Array.from({ length: 4 }, () => new AbortController());
        const outcomes = controllers.map(({ signal }, i) =>
          outcomeOf(publisher.publish("e", "k", `${i}`, { signal })),
        );
        await expectBodies(peer, 1);
        for (const i of leaving) controllers[i]?.abort();
        const staying = [0, 1, 2, 3].filter((i) => !leaving.includes(i));
        expect(publisher.queued).to.equal(staying.length - 1);
        for (const [at, i] of staying.entries()) {
          if (at > 0) expect(await expectBodies(peer, 1)).to.deep.equal([`${i}`]);
          peer.ack(number, at + 1);
        }
        expect(await Promise.all(outcomes)).to.deep.equal(
          [0, 1, 2, 3].map((i) => (leaving.includes(i) ? "unsent" : "confirmed")),
        );
        await publisher.ready();
        connection.destroy();
      }
    });

    it("by those whose deadline passes, each at its own time", async () => {
      const { publisher } = await open({ maxUnconfirmed: 1 });
      publisher.publish("e", "k", "open").catch(() => {});
      const order: number[] = [];
      const publishing = [50, 10, 30].map(async (timeoutMs) => {
        const error = await failure(
          publisher.publish("e", "k", `${timeoutMs}`, { timeoutMs }),
          PublishError,
        );
        expect(error).to.include({ outcome: "unsent" });
        expect(error.cause).to.be.instanceOf(TimeoutError);
        order.push(timeoutMs);
      });
      await within(2_000, Promise.all(publishing));
      expect(order).to.deep.equal([10, 30, 50]);
      expect(publisher.queued).to.equal(0);
    });
  });

  describe("is fair:", () => {
    it("a publisher with little to say does not wait for one with much", async () => {
      const { connection, peer } = await server().connect();
      const much = await openPublisher(connection, peer);
      const little = await openPublisher(connection, peer);
      await block(connection, peer);
      const publishing = [
        ...Array.from({ length: 3_000 }, (_, i) => much.publisher.publish("e", "much", `${i}`)),
        ...Array.from({ length: 50 }, (_, i) => little.publisher.publish("e", "little", `${i}`)),
      ];
      expect([much.publisher.queued, little.publisher.queued]).to.deep.equal([3_000, 50]);
      await unblock(connection, peer);
      const sent = await peer.expectPublishes(3_050);
      const places = sent.flatMap(({ channel }, at) => (channel === little.number ? [at] : []));
      expect(places.at(-1)).to.be.below(200);
      for (const { number } of [much, little]) {
        const own = sent.filter(({ channel }) => channel === number);
        expect(own.map(({ body }) => Buffer.from(body).toString())).to.deep.equal(
          own.map((_, i) => `${i}`),
        );
        peer.ack(number, 0, true);
      }
      await Promise.all(publishing);
    });

    it("a full window holds up nobody else", async () => {
      const { connection, peer } = await server().connect();
      const full = await openPublisher(connection, peer, { maxUnconfirmed: 1 });
      const other = await openPublisher(connection, peer);
      const held = ["1", "2", "3"].map((body) => full.publisher.publish("e", "k", body));
      await peer.expectPublishes(1);
      for (let tag = 1; tag <= 20; tag++) {
        const publish = other.publisher.publish("e", "k", `${tag}`);
        const [sent] = await peer.expectPublishes(1);
        expect(sent?.channel).to.equal(other.number);
        peer.ack(other.number, tag);
        await publish;
      }
      await stillPending(Promise.race(held));
      for (const each of held) each.catch(() => {});
    });

    it("large bodies give small ones of another publisher their turn", async () => {
      const { connection, peer } = await server().connect();
      const large = await openPublisher(connection, peer);
      const small = await openPublisher(connection, peer);
      peer.stall();
      const body = Buffer.alloc(1 << 20);
      for (let i = 0; i < 60; i++) large.publisher.publish("e", "k", body).catch(() => {});
      await until(() => large.publisher.queued > 0);
      for (let i = 0; i < 10; i++) small.publisher.publish("e", "k", "small").catch(() => {});
      expect(small.publisher.queued).to.equal(10);
      const written = 60 - large.publisher.queued;
      expect(written).to.be.below(50);
      peer.resume();
      let largeOnes = 0;
      for (let smallOnes = 0; smallOnes < 10; ) {
        const [sent] = await peer.expectPublishes(1);
        if (sent?.channel === small.number) smallOnes++;
        else largeOnes++;
      }
      // One of a megabyte fills the output, and then it is the other's turn.
      expect(largeOnes - written).to.be.at.most(3);
    });
  });

  describe("tells with ready()", () => {
    it("everybody who waits, once a publish would go straight out", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 2 });
      const publishing = ["1", "2", "3"].map((body) => publisher.publish("e", "k", body));
      const readies = [publisher.ready(), publisher.ready(), publisher.ready()];
      await expectBodies(peer, 2);
      peer.ack(number, 1); // makes room for the third, and for nobody else
      await expectBodies(peer, 1);
      await stillPending(Promise.race(readies));
      peer.ack(number, 2);
      await within(500, Promise.all(readies));
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([1, 0]);
      const next = publisher.publish("e", "k", "4");
      expect(publisher.queued).to.equal(0);
      expect(await expectBodies(peer, 1)).to.deep.equal(["4"]);
      peer.ack(number, 4, true);
      await Promise.all([...publishing, next]);
    });

    it("where the queue was left instead of sent", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const controller = new AbortController();
      const first = publisher.publish("e", "k", "1");
      const left = outcomeOf(publisher.publish("e", "k", "2", controller));
      const ready = publisher.ready();
      await expectBodies(peer, 1);
      controller.abort();
      expect(await left).to.equal("unsent");
      await stillPending(ready);
      peer.ack(number, 1);
      await within(500, ready);
      await first;
    });

    it("not while the broker has blocked the connection, or paused the channel", async () => {
      const { connection, publisher, peer, number } = await open();
      await block(connection, peer);
      const whileBlocked = publisher.ready();
      await stillPending(whileBlocked);
      peer.send(number, { name: "channel.flow", active: false });
      await peer.expect("channel.flow-ok");
      await unblock(connection, peer);
      const whilePaused = publisher.ready();
      await stillPending(Promise.race([whileBlocked, whilePaused]));
      peer.send(number, { name: "channel.flow", active: true });
      await peer.expect("channel.flow-ok");
      await within(500, Promise.all([whileBlocked, whilePaused]));
    });

    it("one who gives up, and not the others with it", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const publish = publisher.publish("e", "k", "1");
      const controller = new AbortController();
      const { signal } = controller;
      const given = [publisher.ready({ signal }), publisher.ready({ signal })].map((each) =>
        failure(each, AbortError),
      );
      const patient = publisher.ready();
      controller.abort(new Error("enough"));
      for (const error of await Promise.all(given)) {
        expect(error.cause).to.be.instanceOf(Error).and.to.include({ message: "enough" });
      }
      expect(getEventListeners(signal, "abort")).to.have.length(0);
      await expectBodies(peer, 1);
      peer.ack(number, 1);
      await Promise.all([patient, publish]);
    });

    it("so that a loop that asks never has to queue, however slow the broker", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 10, maxQueued: 0 });
      const publishing: Promise<unknown>[] = [];
      const confirming = (async () => {
        for (let tag = 1; tag <= 300; tag++) {
          await peer.expectPublishes(1);
          if (tag % 10 === 0) peer.ack(number, tag, true);
        }
      })();
      for (let i = 0; i < 300; i++) {
        await publisher.ready();
        publishing.push(publisher.publish("e", "k", `${i}`));
        expect(publisher.queued).to.equal(0);
        expect(publisher.unconfirmed).to.be.at.most(10);
      }
      await within(2_000, Promise.all([...publishing, confirming]));
    });
  });
});
