import { expect } from "chai";
import fc from "fast-check";
import type { StoredMessage } from "../../src/testing/broker/message.ts";
import type { QueueEntry } from "../../src/testing/broker/message-list.ts";
import { Queue } from "../../src/testing/broker/queue.ts";

function message(name: number): StoredMessage {
  const properties = {};
  const body = new Uint8Array();
  const routingKey = `${name}`;
  const sentProperties = properties;
  return { exchange: "", routingKey, properties, body, sentProperties, routingKeys: undefined };
}

function newQueue(): Queue {
  return new Queue("q", { durable: false, autoDelete: false, owner: undefined, arguments: {} });
}

function names(queue: Queue): number[] {
  return queue.entries().map((entry) => Number(entry.message.routingKey));
}

describe("a queue of the broker", () => {
  it("is a sorted list of what was added and not taken, whatever is given back", () => {
    const operation = fc.oneof(
      fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ do: fc.constant("take" as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ do: fc.constant("requeue" as const), which: fc.array(fc.nat({ max: 40 })) }),
      fc.record({ do: fc.constant("purge" as const), when: fc.nat({ max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = newQueue();
        let model: number[] = [];
        let next = 0;
        const taken: QueueEntry[] = [];
        const seen = new Set<number>();
        for (const each of operations) {
          if (each.do === "add") {
            for (let i = 0; i < each.count; i++) {
              queue.add(message(next));
              model.push(next++);
            }
          } else if (each.do === "take") {
            for (let i = 0; i < each.count; i++) {
              const entry = queue.take();
              const expected = model.shift();
              expect(entry?.message.routingKey).to.equal(expected?.toString());
              if (entry === undefined || expected === undefined) continue;
              expect(entry.redelivered).to.equal(seen.has(expected));
              seen.add(expected);
              taken.push(entry);
            }
          } else if (each.do === "requeue") {
            const back = each.which.flatMap((i) => taken.splice(i, 1));
            queue.requeue(back);
            model.push(...back.map((entry) => Number(entry.message.routingKey)));
            model.sort((a, b) => a - b);
          } else if (each.when === 0) {
            expect(queue.purge()).to.equal(model.length);
            model = [];
          }
          expect(names(queue)).to.deep.equal(model);
          expect(queue.messageCount).to.equal(model.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("stays quick at both ends with many messages", () => {
    const queue = newQueue();
    for (let i = 0; i < 200_000; i++) queue.add(message(i));
    const taken: QueueEntry[] = [];
    for (let i = 0; i < 100_000; i++) taken.push(queue.take() as QueueEntry);
    queue.requeue(taken);
    expect(queue.take()?.message.routingKey).to.equal("0");
    while (queue.take() !== undefined) {
      queue.add(message(-1));
      queue.take();
    }
    expect(queue.messageCount).to.equal(0);
  });

  it("takes nothing back once it is deleted", () => {
    const queue = newQueue();
    queue.add(message(1));
    queue.add(message(2));
    const entry = queue.take() as QueueEntry;
    expect(queue.delete()).to.equal(1);
    queue.requeue([entry]);
    expect(queue.messageCount).to.equal(0);
  });
});
