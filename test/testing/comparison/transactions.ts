/** Plays about transactions. */
import * as m from "../methods.ts";
import type { Play } from "./stage.ts";

export const transactions: Readonly<Record<string, Play>> = {
  "publishes wait for the commit, and a rollback forgets them": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q), m.TX_SELECT, m.TX_SELECT);
    await a.publish(1, { routingKey: q }, ["1", "2"]);
    await a.publish(1, { routingKey: stage.name("nowhere"), mandatory: true }, ["3"]);
    await b.do(1, m.get(q));
    await a.do(1, m.TX_COMMIT);
    await b.do(1, m.get(q), m.get(q), m.get(q));
    await a.publish(1, { routingKey: q }, ["4"]);
    await a.do(1, m.TX_ROLLBACK, m.TX_COMMIT);
    await b.do(1, m.get(q));
  },

  "routing is done when a message is published": async (stage) => {
    const [q, late, x] = [stage.name("q"), stage.name("late"), stage.name("x")];
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.declareQueue(late), m.declareExchange(x, "fanout"));
    await a.do(1, m.TX_SELECT, m.bindQueue(q, x, ""));
    await a.publish(1, { exchange: x, mandatory: true }, ["1"]);
    await a.do(1, m.bindQueue(late, x, ""), m.deleteQueue(q));
    await a.do(1, m.TX_COMMIT);
    await a.do(1, m.get(late));
    await a.publish(1, { exchange: stage.name("no exchange") }, ["2"]);
  },

  "acknowledgements wait for the commit, and a rollback takes them back": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q), m.TX_SELECT);
    await b.publish(1, { routingKey: q }, ["1", "2", "3", "4"]);
    await a.do(1, ...Array.from({ length: 4 }, () => m.get(q, false)));
    await a.do(1, m.ack(2), m.nack(1, false, true), m.reject(3, false));
    await b.do(1, m.get(q));
    await a.do(1, m.TX_ROLLBACK);
    await a.do(1, m.ack(3, true), m.TX_COMMIT);
    await a.do(1, m.nack(4, false, true));
    await b.do(1, m.get(q));
    await a.do(1, m.TX_COMMIT);
    await b.do(1, m.get(q, false), m.nack(1, false, true));
    await a.do(1, m.get(q, false));
    await a.do(1, m.ack(5));
    await a.do(1, m.ack(5));
    await b.do(1, m.get(q, false));
  },

  "consumers get their next message when the commit acknowledges": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.TX_SELECT, m.qos(1));
    await a.do(1, m.consume(q, "x"));
    await a.publish(1, { routingKey: q }, ["1", "2"]);
    await a.do(1, m.TX_COMMIT);
    await a.do(1, m.ack(1));
    await a.do(1, m.TX_COMMIT);
    await a.do(1, m.RECOVER);
  },

  "transactions and confirms exclude each other": async (stage) => {
    const a = await stage.client("a");
    await a.do(1, m.TX_SELECT, m.CONFIRM);
    await a.do(1, m.OPEN, m.CONFIRM, m.TX_SELECT);
    await a.do(1, m.OPEN, m.TX_COMMIT);
    await a.do(1, m.OPEN, m.TX_ROLLBACK);
  },
};
