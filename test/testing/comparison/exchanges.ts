/** Plays about exchanges: which message goes where by type, and how exchanges end. */
import type { FieldTable } from "../../../src/wire/field-value.ts";
import { tagged } from "../../../src/wire/field-value.ts";
import * as m from "../methods.ts";
import type { Actor, Play } from "./stage.ts";

/** Publishes mandatory messages, one for each routing key, and looks into each queue after each. */
async function sends(
  actor: Actor,
  exchange: string,
  routingKeys: readonly string[],
  queues: readonly string[],
): Promise<void> {
  for (const routingKey of routingKeys) {
    await actor.publish(1, { exchange, routingKey, mandatory: true }, [routingKey]);
    await actor.do(1, ...queues.flatMap((queue) => [m.get(queue), m.get(queue)]));
  }
}

/** The same with headers. */
async function sendsHeaders(
  actor: Actor,
  exchange: string,
  tables: readonly FieldTable[],
  queues: readonly string[],
): Promise<void> {
  for (const [i, headers] of tables.entries()) {
    await actor.publish(1, { exchange, mandatory: true }, [`${i}`], { headers });
    await actor.do(1, ...queues.map((queue) => m.get(queue)));
  }
}

export const exchanges: Readonly<Record<string, Play>> = {
  "direct exchanges go by the routing key": async (stage) => {
    const [x, one, two] = [stage.name("x"), stage.name("one"), stage.name("two")];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "direct"), m.declareQueue(one), m.declareQueue(two));
    await a.do(1, m.bindQueue(one, x, "a"), m.bindQueue(one, x, "a"), m.bindQueue(one, x, "b"));
    await a.do(1, m.bindQueue(two, x, "a"), m.bindQueue(two, x, ""));
    await a.do(1, m.bindQueue(two, x, "a", { arguments: { again: 1 } }));
    await sends(a, x, ["a", "b", "", "A", "c"], [one, two]);
    await a.do(1, m.unbindQueue(two, x, "a"));
    await sends(a, x, ["a"], [one, two]);
    await a.do(1, m.unbindQueue(two, x, "a", { arguments: { again: 1 } }));
    await sends(a, x, ["a"], [one, two]);
  },

  "the default exchange goes by the names of queues": async (stage) => {
    const [one, two] = [stage.name("one"), stage.name("two")];
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(one), m.declareQueue(two));
    await sends(a, "", [one, two, stage.name("none"), ""], [one, two]);
    const headers = { CC: [two, two, one, stage.name("none")], BCC: [one] };
    await a.publish(1, { routingKey: one, mandatory: true }, ["copies"], { headers });
    await a.do(1, m.get(one), m.get(one), m.get(two), m.get(two));
    const nowhere = { routingKey: stage.name("none"), mandatory: true };
    await a.publish(1, nowhere, ["blind"], { headers: { BCC: [stage.name("none")], a: 1 } });
    await a.publish(1, nowhere, ["a copy"], { headers: { CC: [two] } });
    await a.do(1, m.get(two));
  },

  "fanout exchanges go everywhere": async (stage) => {
    const [x, one, two] = [stage.name("x"), stage.name("one"), stage.name("two")];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "fanout"), m.declareQueue(one), m.declareQueue(two));
    await sends(a, x, ["nobody"], [one, two]);
    await a.do(1, m.bindQueue(one, x, "a"), m.bindQueue(one, x, "b"), m.bindQueue(two, x, ""));
    await sends(a, x, ["a", "c"], [one, two]);
    await a.do(1, m.unbindQueue(one, x, "a"), m.unbindQueue(two, x, "other"));
    await sends(a, x, ["a"], [one, two]);
    await a.do(1, m.unbindQueue(one, x, "b"), m.unbindQueue(two, x, ""));
    await sends(a, x, ["a"], [one, two]);
  },

  "topic exchanges know words, * and #": async (stage) => {
    const x = stage.name("x");
    const patterns = [
      ...["#", "*", "a", "a.b", "a.*", "*.b", "a.#", "#.b", "a.#.b", "#.a.#", "*.*", "#.#"],
      ...["#.*", "*.#", "a.*.c.#", "", ".", "a..b", "a*", "#b", "*.#.*"],
    ];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "topic"));
    const queues = patterns.map((pattern) => stage.name(`'${pattern}'`));
    for (const [i, queue] of queues.entries()) {
      await a.do(1, m.declareQueue(queue), m.bindQueue(queue, x, patterns[i] ?? ""));
    }
    const keys = ["", "a", "b", "a.b", "a.b.c", "a.x.c.d", "a.x.b", "a..b", ".", "*", "#", "A.B"];
    for (const key of [...keys, "a*", "#b", "x.a.y.a.z"]) {
      await a.publish(1, { exchange: x, routingKey: key }, [key]);
      await a.do(1, ...queues.flatMap((queue) => [m.purge(queue)]));
    }
    await a.do(1, m.unbindQueue(queues[0] ?? "", x, "#"));
    await a.publish(1, { exchange: x, routingKey: "a.b" }, ["a.b"]);
    await a.do(1, ...queues.map((queue) => m.purge(queue)));
  },

  "headers exchanges match all, any, and names with x- if told to": async (stage) => {
    const x = stage.name("x");
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "headers"));
    const bindings: Readonly<Record<string, FieldTable>> = {
      none: {},
      "all by default": { a: 1, b: "2" },
      all: { "x-match": "all", a: 1, b: "2" },
      any: { "x-match": "any", a: 1, b: "2" },
      "any of nothing": { "x-match": "any" },
      "all with x": { "x-match": "all-with-x", a: 1, "x-c": true },
      "any with x": { "x-match": "any-with-x", a: 1, "x-c": true },
      "all, x unheard": { "x-match": "all", a: 1, "x-c": true },
      "any, x unheard": { "x-match": "any", "x-c": true },
      void: { a: null },
      "any void": { "x-match": "any", a: null, b: null },
      "another type": { a: tagged("l", 1n) },
      text: { a: "1" },
      table: { t: { a: 1, b: [1, "2"] } },
    };
    const queues = Object.keys(bindings).map((name) => stage.name(name));
    for (const [i, args] of Object.values(bindings).entries()) {
      const queue = queues[i] ?? "";
      await a.do(1, m.declareQueue(queue), m.bindQueue(queue, x, "", { arguments: args }));
    }
    const tables: readonly FieldTable[] = [
      ...[{}, { a: 1 }, { b: "2" }, { a: 1, b: "2" }, { a: 2, b: "3" }, { a: 1, b: "2", c: 3 }],
      ...[{ "x-c": true }, { a: 1, "x-c": true }, { a: null }, { a: "1" }, { a: tagged("l", 1n) }],
      ...[{ a: tagged("d", 1) }, { a: tagged("s", 1) }, { t: { a: 1, b: [1, "2"] } }],
      ...[{ t: { b: [1, "2"], a: 1 } }, { t: { a: 1 } }, { a: tagged("B", 1) }],
    ];
    await sendsHeaders(a, x, tables, queues);
    await a.publish(1, { exchange: x, mandatory: true }, ["no headers at all"]);
    await a.do(1, ...queues.map((queue) => m.get(queue)));
  },

  "bindings of headers exchanges are told apart by their arguments": async (stage) => {
    const [x, q] = [stage.name("x"), stage.name("q")];
    const a = await stage.client("a");
    const binding = (args: FieldTable) => ({ arguments: args });
    await a.do(1, m.declareExchange(x, "headers"), m.declareQueue(q));
    await a.do(1, m.bindQueue(q, x, "k", binding({ a: 1, b: 2 })));
    await a.do(1, m.unbindQueue(q, x, "k", binding({ a: 1 })));
    await a.do(1, m.unbindQueue(q, x, "", binding({ a: 1, b: 2 })));
    await sendsHeaders(a, x, [{ a: 1, b: 2 }], [q]);
    await a.do(1, m.unbindQueue(q, x, "k", binding({ b: 2, a: 1 })));
    await sendsHeaders(a, x, [{ a: 1, b: 2 }], [q]);
    for (const match of ["some", "", 3, true, null, ["all"], { a: 1 }]) {
      await a.tries(1, m.bindQueue(q, x, "", binding({ "x-match": match })));
    }
    await a.tries(1, m.unbindQueue(q, x, "", binding({ "x-match": "some" })));
    await a.tries(1, m.bindExchange(x, x, "", binding({ "x-match": "some" })));
    await a.tries(1, m.bindQueue(q, "amq.direct", x, binding({ "x-match": "some" })));
    await a.tries(1, m.unbindQueue(q, "amq.direct", x, binding({ "x-match": "some" })));
  },

  "exchanges are bound to exchanges, also in a ring": async (stage) => {
    const [x, y, z] = [stage.name("x"), stage.name("y"), stage.name("z")];
    const [one, two] = [stage.name("one"), stage.name("two")];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "direct"), m.declareExchange(y, "topic"));
    await a.do(1, m.declareExchange(z, "fanout", { internal: true }));
    await a.do(1, m.declareQueue(one), m.declareQueue(two));
    await a.do(1, m.bindExchange(y, x, "a.b"), m.bindExchange(z, y, "a.*"));
    await a.do(1, m.bindQueue(one, z, ""), m.bindQueue(two, y, "#"), m.bindQueue(one, x, "a.b"));
    await sends(a, x, ["a.b", "c"], [one, two]);
    await sends(a, y, ["a.c", "c"], [one, two]);
    await a.do(1, m.bindExchange(x, z, ""), m.bindExchange(x, x, "a.b"));
    await sends(a, x, ["a.b"], [one, two]);
    await a.do(1, m.unbindExchange(y, x, "nope"), m.unbindExchange(y, x, "a.b"));
    await sends(a, x, ["a.b"], [one, two]);
    await a.do(1, m.deleteExchange(z), m.bindExchange(y, x, "a.b"));
    await sends(a, x, ["a.b"], [one, two]);
    await a.do(1, m.bindExchange(y, x, "", { nowait: true }));
    await a.do(1, m.unbindExchange(y, x, "", { nowait: true }));
  },

  "what no binding takes goes to the alternate exchange": async (stage) => {
    const [x, other, last] = [stage.name("x"), stage.name("other"), stage.name("last")];
    const [bound, rest] = [stage.name("bound"), stage.name("rest")];
    const a = await stage.client("a");
    const to = (alternate: string) => ({ arguments: { "alternate-exchange": alternate } });
    await a.do(1, m.declareExchange(x, "direct", to(other)), m.CONFIRM);
    await a.do(1, m.declareQueue(bound), m.declareQueue(rest), m.bindQueue(bound, x, "a"));
    await sends(a, x, ["a", "b"], [bound, rest]);
    await a.do(1, m.declareExchange(other, "direct", to(last)));
    await sends(a, x, ["b"], [bound, rest]);
    await a.do(1, m.declareExchange(last, "fanout", { internal: true, ...to(x) }));
    await sends(a, x, ["b"], [bound, rest]);
    await a.do(1, m.bindQueue(rest, last, ""), m.bindQueue(rest, other, "c"));
    await sends(a, x, ["a", "b", "c"], [bound, rest]);
    await sends(a, other, ["a"], [bound, rest]);
    await a.do(1, m.deleteExchange(last));
    await sends(a, x, ["b"], [bound, rest]);
  },

  "an alternate exchange that is none": async (stage) => {
    const [x, q] = [stage.name("x"), stage.name("q")];
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    for (const alternate of [1, true, null, ["a"], { a: 1 }]) {
      const args = { arguments: { "alternate-exchange": alternate } };
      await a.tries(1, m.declareExchange(x, "direct", args));
      await a.tries(1, m.declareExchange(x, "", { passive: true }));
    }
    for (const alternate of ["", x]) {
      const args = { arguments: { "alternate-exchange": alternate } };
      await a.tries(1, m.declareExchange(x, "direct", args));
      await a.publish(1, { exchange: x, routingKey: q, mandatory: true }, ["1"]);
      await a.do(1, m.get(q), m.deleteExchange(x));
    }
  },

  "auto-delete exchanges go with their last binding": async (stage) => {
    const [x, y, q, p] = [stage.name("x"), stage.name("y"), stage.name("q"), stage.name("p")];
    const a = await stage.client("a");
    const auto = { autoDelete: true };
    const is = (exchange: string) => m.declareExchange(exchange, "", { passive: true });
    await a.do(1, m.declareExchange(x, "fanout", auto), m.declareQueue(q), m.declareQueue(p));
    await a.do(1, m.unbindQueue(q, x, ""), is(x));
    await a.do(1, m.bindQueue(q, x, ""), m.bindQueue(p, x, ""), m.unbindQueue(q, x, ""), is(x));
    await a.tries(1, m.unbindQueue(p, x, ""), is(x));
    await a.do(1, m.declareExchange(x, "fanout", auto), m.bindQueue(q, x, ""), m.deleteQueue(q));
    await a.tries(1, is(x));
    await a.do(1, m.declareExchange(x, "fanout", auto), m.declareExchange(y, "fanout", auto));
    await a.do(1, m.bindExchange(y, x, ""), m.bindQueue(p, y, ""), m.unbindQueue(p, y, ""));
    await a.tries(1, is(y));
    await a.tries(1, is(x));
    await a.do(1, m.declareExchange(x, "fanout", auto), m.deleteExchange(x, { ifUnused: true }));
    await a.tries(1, is(x));
  },

  "exchanges in use, and those that nobody uses": async (stage) => {
    const [x, y, q] = [stage.name("x"), stage.name("y"), stage.name("q")];
    const a = await stage.client("a");
    const unused = { ifUnused: true };
    await a.do(1, m.declareExchange(x, "fanout"), m.declareExchange(y, "fanout"));
    await a.do(1, m.declareQueue(q), m.bindExchange(y, x, ""));
    await a.tries(1, m.deleteExchange(x, unused));
    await a.do(1, m.deleteExchange(y, unused), m.bindQueue(q, x, ""));
    await a.tries(1, m.deleteExchange(x, unused));
    await a.do(1, m.deleteExchange(x), m.deleteExchange(x), m.deleteExchange(x, unused));
    await a.do(1, m.declareExchange(x, "fanout", { nowait: true }));
    await a.do(1, m.deleteExchange(x, { nowait: true }));
    await a.tries(1, m.bindQueue(q, x, ""));
  },
};
