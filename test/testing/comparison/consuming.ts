/** Plays about consuming, prefetch, acknowledgement and the ends of things. */
import * as m from "../methods.ts";
import type { Play } from "./stage.ts";

export const consuming: Readonly<Record<string, Play>> = {
  "consumers take turns, and messages go back when their channel is closed": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.consume(q, ""));
    await a.do(1, m.consume(q, "t"));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.publish(1, { routingKey: q }, ["1", "2", "3"], { headers: { n: 5 } });
    await a.do(1, m.deleteQueue(q, { ifUnused: true }));
    await a.do(1, m.OPEN);
    await a.do(1, m.declareQueue(q, { passive: true }), m.get(q, false));
    await a.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.OPEN);
    await a.do(1, m.consume(q, "t"));
  },

  "consumers that are refused": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q));
    await a.do(1, m.consume(q, "alone", { exclusive: true }));
    await b.do(1, m.consume(q, "other"));
    await b.do(1, m.OPEN);
    await b.do(1, m.consume(q, "other", { exclusive: true }));
    await b.do(1, m.OPEN);
    await b.do(1, m.get(q));
    await a.do(1, m.cancel("alone"));
    await a.do(1, m.consume(q, "one"));
    await b.do(1, m.consume(q, "other", { exclusive: true }));
    await b.do(1, m.OPEN, m.consume(stage.name("missing"), "x"));
    await b.do(1, m.OPEN, m.consume("", "x"));
    await b.do(1, m.OPEN, m.consume(q, "x", { arguments: { "x-priority": "high" } }));
    await b.do(1, m.OPEN, m.consume(q, "x", { arguments: { "x-priority": 1.5 } }));
    const wrong = { arguments: { "x-cancel-on-ha-failover": 1 } };
    await b.do(1, m.OPEN, m.consume(q, "x", wrong));
    await b.do(1, m.OPEN, m.consume(q, "x"));
    await b.do(1, m.consume(q, "x"));
  },

  "the exclusive queue of another connection": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q, { exclusive: true }));
    await b.do(1, m.consume(q, "x"));
    await b.do(1, m.OPEN);
    await b.do(1, m.deleteQueue(q));
    await b.do(1, m.OPEN);
    await a.do(1, m.consume("", "x", { nowait: true }));
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.deleteQueue(q));
    await b.do(1, m.declareQueue(q, { passive: true }));
  },

  "consumer priorities": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.qos(1));
    const priority = (value: number): object => ({ arguments: { "x-priority": value } });
    await a.do(1, m.consume(q, "usual"));
    await a.do(1, m.consume(q, "high", priority(5)));
    await a.do(1, m.consume(q, "also high", priority(5)));
    await a.do(1, m.consume(q, "low", priority(-5)));
    await a.publish(1, { routingKey: q }, ["1", "2", "3", "4", "5", "6"]);
    await a.do(1, m.ack(3));
    await a.do(1, m.ack(2));
    await a.publish(1, { routingKey: q }, ["7", "8"]);
    await a.do(1, m.ack(0, true));
    await a.do(1, m.cancel("high"));
    await a.do(1, m.cancel("also high"));
    await a.do(1, m.ack(0, true));
  },

  "a single active consumer": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q, { arguments: { "x-single-active-consumer": true } }));
    await b.do(1, m.consume(q, "x", { exclusive: true }));
    await b.do(1, m.OPEN);
    await a.do(1, m.qos(2), m.consume(q, "first"));
    await a.do(1, m.consume(q, "second"));
    await b.do(1, m.consume(q, "high", { arguments: { "x-priority": 5 } }));
    await b.do(1, m.consume(q, "low", { arguments: { "x-priority": -5 } }));
    await a.publish(1, { routingKey: q }, ["1", "2", "3", "4"]);
    await a.do(1, m.ack(1));
    await a.do(1, m.nack(2, false, true));
    await a.do(1, m.cancel("first"));
    await b.do(1, m.cancel("high"));
    await b.do(1, m.nack(0, true, true));
    await a.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.OPEN);
    await a.do(1, m.declareQueue(q, { passive: true }), m.consume(q, "again"));
    await b.publish(1, { routingKey: q }, ["5"]);
    await b.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.ack(0, true));
  },

  "prefetch per consumer": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.qos(2));
    await a.do(1, m.consume(q, "two"));
    await a.do(1, m.qos(1), m.consume(q, "one"));
    await a.do(1, m.qos(0));
    await a.publish(1, { routingKey: q }, ["1", "2", "3", "4", "5"]);
    await a.do(1, m.ack(1));
    await a.do(1, m.nack(2, false, true));
    await a.do(1, m.ack(0, true));
    await a.do(1, m.consume(q, "no limit"));
    await a.publish(1, { routingKey: q }, ["6", "7", "8", "9", "10"]);
    await a.do(1, m.reject(6, true));
    await a.do(1, m.nack(0, true, false));
    await a.do(1, m.get(q));
  },

  "prefetch does not count for consumers without acknowledgement": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.qos(1));
    await a.do(1, m.consume(q, "x", { noAck: true }));
    await a.publish(1, { routingKey: q }, ["1", "2", "3"]);
    await a.do(1, m.ack(1));
  },

  "prefetch of the whole channel": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.qos(2, true));
    await a.do(1, m.consume(q, "one"));
    await a.do(1, m.consume(q, "two"));
    await a.do(1, m.consume(q, "no ack", { noAck: true }));
    for (const body of ["1", "2", "3", "4", "5", "6"]) {
      await a.publish(1, { routingKey: q }, [body]);
    }
    await a.do(1, m.ack(1));
    await a.do(1, m.qos(3, true));
    await a.do(1, m.qos(0, false));
    await a.do(1, m.ack(0, true));
  },

  "a prefetch of the channel that comes late": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["1", "2", "3"]);
    await a.do(1, m.qos(2, true));
    await a.publish(1, { routingKey: q }, ["4", "5"]);
    await a.do(1, m.ack(1));
    await a.do(1, m.ack(2));
    await a.do(1, m.nack(3, false, true));
    await a.do(1, m.qos(0, true));
  },

  "what cannot be asked of qos and recover": async (stage) => {
    const a = await stage.client("a");
    await a.do(1, { name: "channel.flow", active: true });
    await a.do(1, { ...m.qos(1), prefetchSize: 10 });
    const b = await stage.client("b");
    await b.do(1, { ...m.RECOVER, requeue: false });
    const c = await stage.client("c");
    await c.do(1, { ...m.RECOVER_ASYNC, requeue: false });
    const d = await stage.client("d");
    await d.do(1, { name: "channel.flow", active: false });
  },

  "delivery tags that are not there": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.nack(0, true, true), m.ack(0, true));
    const wrong = [m.ack(1), m.ack(0), m.reject(77, true), m.nack(5, true, true), m.ack(5, true)];
    for (const method of wrong) await a.tries(1, method);
    await a.publish(1, { routingKey: q }, ["1", "2", "3"]);
    await a.do(1, m.get(q, false), m.get(q, false), m.get(q, false));
    await a.do(1, m.ack(2));
    await a.do(1, m.ack(2, true));
    await a.do(1, m.OPEN);
    await a.do(1, m.declareQueue(q, { passive: true }), m.get(q));
  },

  "acknowledgement in every way, and messages that go back to their places": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q));
    await a.publish(1, { routingKey: q }, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    await a.do(1, m.qos(5));
    await a.do(1, m.consume(q, "x"));
    await a.do(1, m.cancel("x"));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.do(1, m.nack(4, false, true));
    await a.do(1, m.nack(2, true, true));
    await a.do(1, m.ack(3));
    await b.do(1, m.get(q), m.get(q), m.get(q), m.get(q));
    await a.do(1, m.reject(5, false));
    await b.do(1, m.get(q), m.get(q), m.get(q));
  },

  "recovery gives everything again": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    await a.publish(1, { routingKey: q }, ["1", "2", "3"]);
    await a.do(1, m.get(q, false), m.get(q, false), m.RECOVER);
    await a.do(1, m.consume(q, "x"));
    await a.do(1, m.RECOVER_ASYNC);
    await a.do(1, m.ack(7));
    await a.do(1, m.RECOVER);
    await a.do(1, m.cancel("x"));
    await a.do(1, m.RECOVER);
    await a.do(1, m.declareQueue(q, { passive: true }), m.ack(9));
  },

  "a queue is deleted under its consumers": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    const deaf = await stage.client("deaf", { capabilities: {} });
    await a.do(1, m.declareQueue(q));
    await a.do(1, m.consume(q, "z"));
    await a.do(1, m.qos(1), m.consume(q, "y"));
    await a.do(1, m.consume(q, "x"));
    await b.do(1, m.consume(q, "b"));
    await deaf.do(1, m.consume(q, "deaf"));
    await a.publish(1, { routingKey: q }, ["1", "2"]);
    await a.do(1, m.deleteQueue(q));
    await a.do(1, m.ack(1));
    await a.do(1, m.nack(0, true, true));
    await a.do(1, m.cancel("z"));
    await a.do(1, m.declareQueue(q));
    await a.do(1, m.consume(q, "z"));
    await b.do(1, m.deleteQueue(q, { nowait: true }));
  },

  "auto-delete queues go with their last consumer": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    const declare = m.declareQueue(q, { autoDelete: true });
    await a.do(1, declare, m.declareQueue(q, { autoDelete: true }));
    await a.do(1, m.consume(q, "one"));
    await b.do(1, m.consume(q, "two"));
    await a.do(1, m.cancel("one"));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await b.do(1, m.cancel("two"));
    await a.do(1, m.declareQueue(q, { passive: true }));
    await a.do(1, m.OPEN, declare);
    await a.do(1, m.consume(q, "one"));
    await a.do(1, m.CLOSE_CHANNEL);
    await b.do(1, m.declareQueue(q, { passive: true }));
    await b.do(1, m.OPEN, declare);
    await b.publish(1, { routingKey: q }, ["1"]);
    await b.do(1, m.get(q, false));
    await b.do(1, m.consume(q, "one"));
    await b.do(1, m.ack(77));
    await a.do(1, m.OPEN, m.declareQueue(q, { passive: true }));
  },

  "nowait gets no answer": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const nowait = true;
    await a.do(1, m.declareQueue(q, { nowait }), m.consume(q, "x", { nowait }));
    await a.do(1, m.bindQueue(q, "amq.direct", q, { nowait }));
    await a.publish(1, { exchange: "amq.direct", routingKey: q }, ["1"]);
    await a.do(1, { ...m.CONFIRM, nowait });
    await a.publish(1, { routingKey: stage.name("nowhere") }, ["2"]);
    await a.do(1, m.cancel("x", true), m.cancel("nobody", true), m.purge(q, true));
    await a.do(1, m.unbindQueue(q, "amq.direct", q), m.deleteQueue(q, { nowait }));
    await a.do(1, m.declareQueue(q, { passive: true, nowait }));
  },

  "what a lost connection held goes to others": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q), m.qos(2));
    await a.do(1, m.consume(q, "a"));
    await b.publish(1, { routingKey: q }, ["1", "2", "3"]);
    await b.do(1, m.consume(q, "b"));
    await a.drop(b.gets(2));
    await b.do(1, m.declareQueue(q, { passive: true }));
  },

  "one channel's messages go to the consumer of another": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    await a.do(2, m.OPEN, m.qos(1));
    await a.do(2, m.consume(q, "second"));
    await a.do(1, m.consume(q, "first"));
    await a.publish(1, { routingKey: q, mandatory: true }, ["1"]);
    await a.publish(1, { routingKey: q }, ["2"]);
    await a.do(2, m.nack(1, false, true));
    await a.do(2, m.CLOSE_CHANNEL);
    await a.do(1, m.ack(0, true));
  },
};
