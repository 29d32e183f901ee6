/** Plays about what the arguments of queues do: dead letters, time limits, lengths, priorities. */
import type { FieldTable } from "../../../src/wire/field-value.ts";
import { tagged } from "../../../src/wire/field-value.ts";
import * as m from "../methods.ts";
import type { Play } from "./stage.ts";

function declare(queue: string, args: FieldTable): ReturnType<typeof m.declareQueue> {
  return m.declareQueue(queue, { arguments: args });
}

export const queues: Readonly<Record<string, Play>> = {
  "dead letters tell how they died": async (stage) => {
    const [one, two] = [stage.name("one"), stage.name("two")];
    const a = await stage.client("a");
    const to = (routingKey: string): FieldTable => ({
      ...{ "x-dead-letter-exchange": "", "x-dead-letter-routing-key": routingKey },
    });
    await a.do(1, declare(one, to(two)), declare(two, to(one)));
    const headers = { CC: ["carbon"], BCC: ["blind"], n: tagged("B", 5) };
    const properties = { headers, expiration: "60000", messageId: "id", deliveryMode: 2 } as const;
    await a.publish(1, { routingKey: one }, ["1"], properties);
    for (const [i, queue] of [one, two, one, two].entries()) {
      await a.do(1, m.get(queue, false));
      await a.do(1, i % 2 === 0 ? m.reject(i + 1, false) : m.nack(0, true, false));
    }
    await a.do(1, m.get(one));
    await a.publish(1, { routingKey: one }, ["plain", "second"]);
    await a.do(1, m.get(one, false), m.get(one, false), m.nack(0, true, false));
    await a.do(1, m.get(two), m.get(two));
  },

  "dead letters go through an exchange, with their routing keys": async (stage) => {
    const [q, x, dead] = [stage.name("q"), stage.name("x"), stage.name("dead")];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "topic"), m.declareQueue(dead), m.bindQueue(dead, x, "#"));
    await a.do(1, m.bindQueue(dead, x, "carbon"));
    await a.do(1, declare(q, { "x-dead-letter-exchange": x }));
    await a.publish(1, { routingKey: q }, ["1"], { headers: { CC: ["carbon"], a: 1 } });
    await a.do(1, m.consume(q, "x"));
    await a.do(1, m.reject(1, true));
    await a.do(1, m.reject(2, false));
    await a.do(1, m.get(dead), m.get(dead));
    await a.do(1, m.deleteExchange(x));
    await a.publish(1, { routingKey: q }, ["2"]);
    await a.do(1, m.reject(3, false));
    await a.do(1, m.get(dead));
  },

  "rejecting in a transaction": async (stage) => {
    const [q, dead] = [stage.name("q"), stage.name("dead")];
    const a = await stage.client("a");
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
    await a.do(1, declare(q, args), m.declareQueue(dead));
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.TX_SELECT, m.get(q, false), m.reject(1, false), m.get(dead));
    await a.do(1, m.TX_COMMIT);
    await a.do(1, m.get(dead));
  },

  "messages expire, by the queue's time limit or their own, from the front": async (stage) => {
    const [brief, q, dead] = [stage.name("brief"), stage.name("q"), stage.name("dead")];
    const a = await stage.client("a");
    const b = await stage.client("b");
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
    await a.do(1, declare(brief, { ...args, "x-message-ttl": 100 }), declare(q, args));
    await a.do(1, m.declareQueue(dead));
    await b.do(1, m.consume(dead, "dead"));
    await a.publish(1, { routingKey: brief }, ["its own limit"], { expiration: "20" }, b.gets(1));
    await a.publish(1, { routingKey: brief }, ["the queue's"], { expiration: "60000" }, b.gets(1));
    await a.publish(1, { routingKey: q }, ["no limit"]);
    await a.publish(1, { routingKey: q }, ["behind"], { expiration: "1" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.do(1, m.get(q, false));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.do(1, m.declareQueue(brief, { passive: true }), m.ack(1));
  },

  "a message that comes back too late has expired": async (stage) => {
    const [q, dead] = [stage.name("q"), stage.name("dead")];
    const a = await stage.client("a");
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
    await a.do(1, declare(q, { ...args, "x-message-ttl": 0 }), m.declareQueue(dead));
    await a.publish(1, { routingKey: q }, ["nobody is there"]);
    await a.do(1, m.get(q), m.get(dead));
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["at once"]);
    await a.do(1, m.nack(0, true, true));
    await a.do(1, m.get(dead));
  },

  "messages do not go round for ever": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": q };
    await a.do(1, declare(q, { ...args, "x-message-ttl": 0 }));
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.get(q));
    const b = stage.name("b");
    await a.do(1, declare(b, { ...args, "x-dead-letter-routing-key": b, "x-max-length": 1 }));
    await a.publish(1, { routingKey: b }, ["1", "2"]);
    await a.do(1, m.get(b, false), m.reject(1, false));
    await a.do(1, m.get(b), m.get(b));
  },

  "messages that somebody rejects may go round": async (stage) => {
    const [q, pause] = [stage.name("q"), stage.name("pause")];
    const a = await stage.client("a");
    const to = (routingKey: string): FieldTable => ({
      ...{ "x-dead-letter-exchange": "", "x-dead-letter-routing-key": routingKey },
    });
    await a.do(1, declare(q, to(pause)), declare(pause, { ...to(q), "x-message-ttl": 0 }));
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.qos(1));
    await a.do(1, m.consume(q, "x"));
    await a.do(1, m.reject(1, false));
    await a.do(1, m.reject(2, false));
    await a.do(1, m.ack(3));
  },

  "unused queues expire": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const args = { "x-expires": 500, "x-dead-letter-exchange": "" };
    await a.do(1, declare(q, args));
    await a.do(1, m.consume(q, "x"));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.do(1, m.cancel("x"));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await a.do(1, m.declareQueue(q, { passive: true }));
  },

  "what is too much goes from the front": async (stage) => {
    const [q, dead] = [stage.name("q"), stage.name("dead")];
    const a = await stage.client("a");
    const args = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
    await a.do(1, declare(q, { ...args, "x-max-length": 2 }), m.declareQueue(dead));
    await a.publish(1, { routingKey: q }, ["1", "2", "3", "4"]);
    await a.do(1, m.get(dead), m.get(dead), m.get(dead));
    await a.do(1, m.get(q, false), m.get(q, false), m.get(q, false));
    await a.publish(1, { routingKey: q }, ["5", "6"]);
    await a.do(1, m.nack(0, true, true));
    await a.do(1, m.get(dead), m.get(dead), m.get(dead), m.get(q), m.get(q), m.get(q));
  },

  "a limit in octets": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, declare(q, { "x-max-length-bytes": 5 }), m.CONFIRM);
    for (const body of ["123", "45", "6"]) await a.publish(1, { routingKey: q }, [body]);
    await a.do(1, m.get(q, false), m.get(q, false), m.get(q));
    await a.publish(1, { routingKey: q }, ["1234"]);
    await a.do(1, m.nack(0, true, true));
    await a.do(1, m.get(q), m.get(q));
    await a.publish(1, { routingKey: q }, ["1234567"]);
    await a.do(1, m.get(q));
  },

  "a full queue refuses publishes": async (stage) => {
    const [q, dead, both] = [stage.name("q"), stage.name("dead"), stage.name("both")];
    const a = await stage.client("a");
    const args = {
      ...{ "x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead },
    };
    await a.do(1, declare(q, { ...args, "x-overflow": "reject-publish" }), m.declareQueue(dead));
    await a.do(1, m.declareExchange(both, "fanout"), m.CONFIRM);
    await a.do(1, m.bindQueue(q, both, ""), m.bindQueue(dead, both, ""));
    for (const body of ["1", "2", "3"]) await a.publish(1, { routingKey: q }, [body]);
    await a.publish(1, { exchange: both }, ["one takes it"]);
    await a.do(1, m.get(dead), m.get(dead), m.get(q));
    await a.publish(1, { routingKey: q }, ["4"]);
    await a.do(1, m.deleteQueue(q));
    await a.do(1, declare(q, { ...args, "x-overflow": "reject-publish-dlx" }));
    for (const body of ["5", "6"]) await a.publish(1, { routingKey: q }, [body]);
    await a.do(1, m.get(dead), m.get(dead), m.get(q), m.get(q));
  },

  "a queue that holds nothing still delivers": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, declare(q, { "x-max-length": 0 }));
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["2"]);
    await a.do(1, m.cancel("x"));
    await a.do(1, m.nack(0, true, true), m.get(q));
    await a.do(1, m.deleteQueue(q), m.CONFIRM);
    await a.do(1, declare(q, { "x-max-length": 0, "x-overflow": "reject-publish" }));
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["3"]);
  },

  "message priorities": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, declare(q, { "x-max-priority": 5 }));
    for (const priority of [1, 5, 200, 0, 3, 1]) {
      await a.publish(1, { routingKey: q }, [`priority ${priority}`], { priority });
    }
    await a.publish(1, { routingKey: q }, ["no priority"]);
    await a.do(1, m.get(q, false), m.get(q, false), m.get(q, false), m.get(q, false));
    await a.do(1, m.nack(2, false, true));
    await a.do(1, m.nack(4, false, true));
    await a.do(1, ...Array.from({ length: 6 }, () => m.get(q, false)), m.nack(0, true, true));
    await a.do(1, m.qos(1));
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["the highest"], { priority: 5 });
    await a.do(1, m.ack(0, true));
    await a.do(1, m.cancel("x"));
    await a.do(1, m.ack(0, true), m.purge(q));
  },

  "arguments that are refused": async (stage) => {
    const a = await stage.client("a");
    const wrong: readonly FieldTable[] = [
      ...["x-expires", "x-message-ttl", "x-max-length", "x-max-length-bytes"].flatMap((name) => [
        ...[{ [name]: -1 }, { [name]: "x" }, { [name]: tagged("d", 1.5) }, { [name]: null }],
      ]),
      ...[{ "x-expires": 0 }, { "x-max-priority": 256 }, { "x-max-priority": -1 }],
      ...[{ "x-max-priority": "x" }, { "x-overflow": "bad" }, { "x-overflow": 1 }],
      ...[{ "x-dead-letter-exchange": 1 }, { "x-dead-letter-routing-key": "a" }],
      { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": 1 },
      ...[{ "x-queue-mode": "bad" }, { "x-queue-type": "bad" }, { "x-queue-type": 1 }],
      ...[{ "x-single-active-consumer": 1 }, { "x-dead-letter-strategy": "x" }],
      ...[{ "x-max-in-memory-length": 1 }, { "x-delivery-limit": 3 }, { "x-max-age": "1h" }],
      ...[{ "x-max-length": -1, "x-expires": -1 }, { "x-expires": 315_360_000_001 }],
      { "x-message-ttl": 315_360_000_001 },
    ];
    const q = stage.name("q");
    for (const args of wrong) await a.tries(1, declare(q, args));
    const right: readonly FieldTable[] = [
      ...[{ "x-expires": 4_294_967_296 }, { "x-message-ttl": 4_294_967_296 }, { "x-other": 1 }],
      ...[{ "x-max-priority": 0 }, { "x-queue-mode": "lazy" }, { "x-queue-type": "classic" }],
    ];
    for (const args of right) await a.do(1, declare(q, args), m.deleteQueue(q));
  },
};
