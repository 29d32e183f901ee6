import { expect } from "chai";
import fc from "fast-check";
import { Consumer, type Receiver } from "../../src/testing/broker/consumers.ts";
import type { StoredMessage } from "../../src/testing/broker/message.ts";
import type { QueueEntry } from "../../src/testing/broker/message-list.ts";
import { Queue } from "../../src/testing/broker/queue.ts";
import { type Held, settle } from "../../src/testing/broker/unacknowledged.ts";

function message(name: number, priority: number): StoredMessage {
  const properties = { priority };
  return {
    ...{ exchange: "", routingKey: `${name}`, properties, sentProperties: properties },
    ...{ body: new Uint8Array(), routingKeys: undefined },
  };
}

/** A channel that keeps what it gets. */
class Keeper implements Receiver {
  open = true;
  readonly held: Held[] = [];
  readonly all: number[] = [];
  cancellations = 0;

  deliver(consumer: Consumer, entry: QueueEntry): void {
    expect(consumer.settings.receiver).to.equal(this);
    expect(this.open).to.equal(true);
    this.all.push(Number(entry.message.routingKey));
    if (consumer.settings.noAck) return;
    this.held.push({ tag: this.all.length, queue: consumer.settings.queue, entry, consumer });
  }

  cancelled(): void {
    this.cancellations++;
  }
}

function newQueue(args: Record<string, number> = {}): Queue {
  const settings = { durable: false, autoDelete: false, owner: undefined };
  return new Queue("q", { ...settings, arguments: args });
}

function consumer(
  queue: Queue,
  receiver: Receiver,
  options: { prefetch?: number; priority?: number; noAck?: boolean; tag?: string } = {},
): Consumer {
  const { prefetch = Number.POSITIVE_INFINITY, priority = 0, noAck = false, tag = "t" } = options;
  return new Consumer({ tag, queue, receiver, noAck, exclusive: false, priority, prefetch });
}

describe("a queue with consumers", () => {
  it("loses nothing, gives nobody too much, and keeps nothing back that somebody can take", () => {
    const which = fc.nat({ max: 3 });
    const operation = fc.oneof(
      fc.record({ do: fc.constant("add" as const), priority: fc.nat({ max: 3 }) }),
      fc.record({
        ...{ do: fc.constant("settle" as const), which, count: fc.nat({ max: 3 }) },
        fate: fc.constantFrom("acknowledged" as const, "requeued" as const, "rejected" as const),
      }),
      fc.record({ do: fc.constant("shut" as const), which }),
      fc.record({ do: fc.constant("leave" as const), which }),
      fc.record({ do: fc.constant("join" as const), which }),
      fc.record({ do: fc.constant("get" as const) }),
    );
    const prefetches = [1, 2, 3, Number.POSITIVE_INFINITY];
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), fc.nat({ max: 3 }), (operations, max) => {
        const queue = newQueue({ "x-max-priority": max });
        const keepers = prefetches.map(() => new Keeper());
        const consumers = keepers.map((keeper, i) =>
          consumer(queue, keeper, { tag: `${i}`, prefetch: prefetches[i] ?? 0, priority: i % 2 }),
        );
        const joined = new Set<Consumer>();
        let next = 0;
        let done = 0;
        for (const each of operations) {
          const at = "which" in each ? each.which : 0;
          const keeper = keepers[at] as Keeper;
          const one = consumers[at] as Consumer;
          if (each.do === "add") {
            queue.add(message(next++, each.priority));
          } else if (each.do === "settle") {
            const held = keeper.held.splice(0, each.count);
            if (each.fate !== "requeued") done += held.length;
            settle(held, each.fate);
          } else if (each.do === "shut") {
            keeper.open = !keeper.open;
            if (keeper.open) queue.resume([one]);
          } else if (each.do === "join" && !joined.has(one)) {
            joined.add(one);
            queue.addConsumer(one);
          } else if (each.do === "leave" && joined.has(one)) {
            // Like a channel that ends: its consumer goes, and comes back as a new one.
            joined.delete(one);
            queue.removeConsumer(one);
            settle(keeper.held.splice(0), "requeued");
            consumers[at] = consumer(queue, keeper, { ...one.settings });
          } else if (each.do === "get" && queue.take() !== undefined) {
            done++;
          }
          const held = keepers.reduce((sum, { held }) => sum + held.length, 0);
          expect(queue.messageCount + held + done).to.equal(next);
          keepers.forEach(({ held }, i) => {
            expect(held.length).to.be.at.most(prefetches[i] ?? 0);
          });
          const canTake = [...joined].some(({ ready }) => ready);
          expect(canTake && queue.messageCount > 0).to.equal(false);
          expect(queue.consumerCount).to.equal(joined.size);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("deals evenly among those of the highest priority", () => {
    const queue = newQueue();
    const keepers = [new Keeper(), new Keeper(), new Keeper()];
    const low = new Keeper();
    queue.addConsumer(consumer(queue, low, { priority: -1 }));
    for (const keeper of keepers) queue.addConsumer(consumer(queue, keeper));
    for (let i = 0; i < 9; i++) queue.add(message(i, 0));
    expect(keepers.map(({ all }) => all)).to.deep.equal([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ]);
    expect(low.all).to.deep.equal([]);
  });

  it("tells its consumers when it is deleted, and delivers no more", () => {
    const queue = newQueue();
    const keepers = [new Keeper(), new Keeper()];
    for (const keeper of keepers) queue.addConsumer(consumer(queue, keeper, { prefetch: 1 }));
    for (let i = 0; i < 4; i++) queue.add(message(i, 0));
    expect(queue.delete()).to.equal(2);
    for (const { held, cancellations } of keepers) {
      expect(cancellations).to.equal(1);
      settle(held, "requeued");
    }
    expect(keepers.map(({ all }) => all)).to.deep.equal([[0], [1]]);
  });

  it("goes on when a receiver ends in the middle of a delivery", () => {
    const queue = newQueue();
    const steady = new Keeper();
    const frail = new Keeper();
    const leaves = consumer(queue, frail);
    frail.deliver = (to, entry) => {
      frail.open = false;
      queue.removeConsumer(leaves);
      settle([{ tag: 1, queue, entry, consumer: to }], "requeued");
    };
    queue.add(message(0, 0));
    queue.add(message(1, 0));
    queue.addConsumer(leaves);
    expect(queue.messageCount).to.equal(2);
    queue.addConsumer(consumer(queue, steady));
    expect(steady.all).to.deep.equal([0, 1]);
    expect(steady.held.map(({ entry }) => entry.redelivered)).to.deep.equal([true, false]);
  });

  it("takes any number of messages back in the middle of their delivery", () => {
    const queue = newQueue();
    const moody = new Keeper();
    moody.deliver = (to, entry) => {
      if (entry.redelivered) moody.all.push(Number(entry.message.routingKey));
      else settle([{ tag: 1, queue, entry, consumer: to }], "requeued");
    };
    for (let i = 0; i < 20_000; i++) queue.add(message(i, 0));
    queue.addConsumer(consumer(queue, moody));
    expect(moody.all).to.deep.equal(Array.from({ length: 20_000 }, (_, i) => i));
  });
});
