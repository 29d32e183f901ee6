/** Plays about publishing: confirms, returns, and messages that are refused. */
import { tagged } from "../../../src/wire/field-value.ts";
import type { BasicProperties } from "../../../src/wire/generated/properties.ts";
import * as m from "../methods.ts";
import type { Play } from "./stage.ts";

export const publishing: Readonly<Record<string, Play>> = {
  "mandatory messages come back before they are confirmed": async (stage) => {
    const [q, x, none] = [stage.name("q"), stage.name("x"), stage.name("none")];
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.declareExchange(x, "topic"), m.CONFIRM);
    const properties: BasicProperties = {
      ...{ contentType: "text/plain", contentEncoding: "utf8", deliveryMode: 2, priority: 3 },
      ...{ correlationId: "c", replyTo: "r", expiration: "60000", messageId: "m", type: "t" },
      ...{ timestamp: new Date(1_700_000_000_000), userId: "guest", appId: "a", clusterId: "z" },
      headers: { a: 1, b: tagged("B", 2), c: [true, null, { d: "e" }] },
    };
    await a.publish(1, { routingKey: none, mandatory: true }, ["1"], properties);
    await a.publish(1, { routingKey: none }, ["2"], properties);
    await a.publish(1, { exchange: x, routingKey: "a.b", mandatory: true }, ["3"]);
    await a.publish(1, { exchange: "amq.headers", mandatory: true }, ["4"], { headers: {} });
    await a.publish(1, { routingKey: q, mandatory: true }, ["5"], properties);
    await a.do(1, m.get(q));
  },

  "confirms count from the first confirm.select": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    await a.publish(1, { routingKey: q }, ["before"]);
    await a.do(1, m.CONFIRM);
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.CONFIRM);
    await a.publish(1, { routingKey: q }, ["2"]);
    await a.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.OPEN);
    await a.publish(1, { routingKey: q }, ["not confirmed"]);
    await a.do(1, { ...m.CONFIRM, nowait: true });
    await a.publish(1, { routingKey: q }, ["1 again"]);
    await a.do(1, m.declareQueue(q, { passive: true }));
  },

  "what is acked by a client that confirms is what it was given": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.CONFIRM);
    await a.publish(1, { routingKey: q }, ["1"]);
    await a.do(1, m.get(q, false));
    await a.do(1, m.ack(1));
    await a.tries(1, m.ack(1));
    await a.publish(1, { routingKey: q }, ["2"]);
  },

  "messages that are refused": async (stage) => {
    const [q, inside, none] = [stage.name("q"), stage.name("inside"), stage.name("none")];
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.declareExchange(inside, "fanout", { internal: true }));
    const refused = async (
      method: Parameters<typeof a.publish>[1],
      properties: BasicProperties = {},
    ): Promise<void> => {
      await a.publish(1, method, ["refused"], properties);
      await a.reopen(1);
    };
    await refused({ exchange: none, routingKey: q });
    await refused({ exchange: none, routingKey: q, mandatory: true });
    await refused({ exchange: inside, routingKey: q });
    for (const properties of [
      ...[{ userId: "nobody" }, { userId: "" }, { userId: "nobody", expiration: "x" }],
      ...["x", "", " 1", "1 ", "-1", "1.5", "1e3", "315360000001", "-99999"].map((expiration) => ({
        expiration,
      })),
      ...[0, 3, 255].map((mode) => ({ deliveryMode: mode as 1 })),
      ...["CC", "BCC"].flatMap((name) => [
        ...[{ headers: { [name]: "q" } }, { headers: { [name]: 1 } }],
        ...[{ headers: { [name]: null } }, { headers: { [name]: { a: 1 } } }],
      ]),
      { headers: { CC: "q" }, deliveryMode: 7 as 1 },
    ] satisfies BasicProperties[]) {
      await refused({ routingKey: q }, properties);
    }
    await a.publish(1, { routingKey: q }, ["taken"], { expiration: "315360000000" });
    await a.publish(1, { routingKey: q }, ["taken"], { expiration: "+7000000" });
    await a.publish(1, { routingKey: q }, ["taken"], { headers: { CC: [1, null, ["x"]] } });
    await a.do(1, m.get(q), m.get(q), m.get(q), m.get(q));
  },

  "after a message that is refused the channel does nothing more": async (stage) => {
    const [q, none] = [stage.name("q"), stage.name("none")];
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q), m.TX_SELECT);
    await a.publish(1, { routingKey: q }, ["not committed"]);
    await a.publish(1, { exchange: none }, ["refused", "refused too"]);
    await b.do(1, m.get(q));
  },

  "nobody can take an immediate message": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.CONFIRM);
    await a.publish(1, { routingKey: q, immediate: true }, ["1"]);
  },

  "bodies of all sizes, and none": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a", { frameMax: 4096 });
    await a.do(1, m.declareQueue(q));
    await a.publish(1, { routingKey: q }, ["", "1", "x".repeat(4088), "y".repeat(10_000)]);
    await a.do(1, m.get(q), m.get(q));
    await a.do(1, m.get(q));
    await a.do(1, m.get(q));
  },
};
