/** Plays about declaring what is there, is there in another way, or may not be. */
import type { FieldTable } from "../../../src/wire/field-value.ts";
import { tagged } from "../../../src/wire/field-value.ts";
import type { ClientMethod } from "../../../src/wire/generated/methods.ts";
import * as m from "../methods.ts";
import type { Play } from "./stage.ts";

/** The name in an answer of queue.declare. */
const GENERATED = /amq\.gen-[\w-]{22}/;

export const declaring: Readonly<Record<string, Play>> = {
  "an exchange declared in another way": async (stage) => {
    const x = stage.name("x");
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "direct"), m.declareExchange(x, "direct"));
    const args = { "alternate-exchange": "y" };
    for (const other of [
      m.declareExchange(x, "fanout"),
      m.declareExchange(x, "direct", { durable: true }),
      m.declareExchange(x, "direct", { autoDelete: true }),
      m.declareExchange(x, "direct", { internal: true }),
      m.declareExchange(x, "direct", { arguments: args }),
      m.declareExchange(x, "direct", { arguments: { other: 1 } }),
      m.declareExchange(x, "fanout", { durable: true, autoDelete: true, internal: true }),
      m.declareExchange(x, "", { passive: true, durable: true }),
    ]) {
      await a.tries(1, other);
    }
    const y = stage.name("y");
    await a.do(1, m.declareExchange(y, "topic", { durable: true, arguments: args }));
    await a.tries(1, m.declareExchange(y, "topic", { durable: true }));
    const another = { "alternate-exchange": "z" };
    await a.tries(1, m.declareExchange(y, "topic", { durable: true, arguments: another }));
    const typed = { "alternate-exchange": 1 };
    await a.tries(1, m.declareExchange(y, "topic", { durable: true, arguments: typed }));
  },

  "exchanges that are the broker's": async (stage) => {
    const [x, q] = [stage.name("x"), stage.name("q")];
    const a = await stage.client("a");
    const durable = { durable: true };
    await a.do(1, m.declareExchange(x, "direct"), m.declareQueue(q));
    for (const method of [
      m.declareExchange("", "direct", durable),
      m.declareExchange("", "", { passive: true }),
      m.declareExchange("amq.direct", "direct", durable),
      m.declareExchange("amq.direct", "direct"),
      m.declareExchange("amq.topic", "fanout", durable),
      m.declareExchange("amq.topic", "", { passive: true }),
      m.declareExchange("amq.fanout", "fanout", durable),
      m.declareExchange("amq.headers", "headers", durable),
      m.declareExchange("amq.match", "headers", durable),
      m.declareExchange("amq.mine", "direct"),
      m.declareExchange("amq.mine", "", { passive: true }),
      m.declareExchange("amq.", "direct"),
      m.deleteExchange(""),
      m.deleteExchange("amq.direct"),
      m.deleteExchange("amq.match", { ifUnused: true }),
      m.deleteExchange("amq.missing"),
      m.deleteExchange(stage.name("missing")),
      ...[m.bindExchange("", x, ""), m.bindExchange(x, "", ""), m.unbindExchange("", x, "")],
      ...[m.unbindExchange(x, "", ""), m.bindQueue(q, "", q), m.unbindQueue(q, "", q)],
    ]) {
      await a.tries(1, method);
    }
  },

  "what is not there": async (stage) => {
    const [x, q] = [stage.name("x"), stage.name("q")];
    const [noX, noQ] = [stage.name("no x"), stage.name("no 'ü' \"q\"")];
    const a = await stage.client("a");
    await a.do(1, m.declareExchange(x, "direct"), m.declareQueue(q));
    await a.do(1, m.CLOSE_CHANNEL);
    await a.do(1, m.OPEN);
    for (const method of [
      m.declareExchange(noX, "", { passive: true }),
      ...[m.bindExchange(noX, x, ""), m.bindExchange(x, noX, ""), m.bindExchange(noX, noX, "")],
      ...[m.unbindExchange(noX, x, ""), m.unbindExchange(x, noX, "")],
      ...[m.unbindExchange(x, x, "no binding"), m.deleteExchange(noX)],
      m.declareQueue(noQ, { passive: true }),
      m.declareQueue("", { passive: true }),
      ...[m.bindQueue(noQ, x, ""), m.bindQueue(q, noX, ""), m.bindQueue(noQ, noX, "")],
      ...[m.unbindQueue(noQ, x, ""), m.unbindQueue(q, noX, ""), m.unbindQueue(q, x, "")],
      ...[m.unbindQueue(noQ, noX, ""), m.purge(noQ), m.deleteQueue(noQ), m.get(noQ)],
      m.deleteQueue(noQ, { ifEmpty: true, ifUnused: true }),
      ...[m.consume(noQ, "t"), m.cancel("nobody")],
      ...[m.purge(""), m.deleteQueue(""), m.get(""), m.consume("", "t"), m.bindQueue("", x, "")],
      ...[m.bindQueue("", x, "key"), m.unbindQueue("", x, "")],
      m.declareExchange(noX, "", { passive: true, nowait: true }),
    ] satisfies ClientMethod[]) {
      await a.tries(1, method);
    }
  },

  "a queue declared in another way": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q), m.declareQueue(q));
    for (const other of [
      m.declareQueue(q, { durable: true }),
      m.declareQueue(q, { autoDelete: true }),
      m.declareQueue(q, { exclusive: true }),
      m.declareQueue(q, { exclusive: true, durable: true, autoDelete: true }),
      m.declareQueue(q, { arguments: { other: 1 } }),
      m.declareQueue(q, { passive: true, durable: true, exclusive: true }),
    ]) {
      await a.tries(1, other);
    }
    const mine = stage.name("mine");
    await a.do(1, m.declareQueue(mine, { exclusive: true, durable: true, autoDelete: true }));
    await a.tries(1, m.declareQueue(mine));
    await a.tries(1, m.declareQueue(mine, { durable: true, autoDelete: true }));
    await a.tries(1, m.declareQueue(mine, { exclusive: true }));
    await a.tries(1, m.declareQueue(mine, { passive: true }));
  },

  "a queue declared with other arguments": async (stage) => {
    const a = await stage.client("a");
    const args: FieldTable = {
      ...{ "x-expires": 60_000, "x-message-ttl": 1000, "x-max-length": 5, "x-max-priority": 3 },
      ...{ "x-max-length-bytes": 500, "x-dead-letter-exchange": "a" },
      ...{ "x-dead-letter-routing-key": "b", "x-overflow": "drop-head", "x-queue-mode": "lazy" },
      ...{ "x-single-active-consumer": true, "x-queue-type": "classic" },
    };
    const [full, bare] = [stage.name("full"), stage.name("bare")];
    await a.do(1, m.declareQueue(full, { arguments: args }), m.declareQueue(bare));
    await a.do(1, m.declareQueue(full, { arguments: { ...args, other: 1 } }));
    const other: FieldTable = {
      ...{ "x-expires": 60_001, "x-message-ttl": 1001, "x-max-length": 6, "x-max-priority": 4 },
      ...{ "x-max-length-bytes": 501, "x-dead-letter-exchange": "c" },
      ...{ "x-dead-letter-routing-key": "d", "x-overflow": "reject-publish" },
      ...{ "x-queue-mode": "default", "x-single-active-consumer": false },
    };
    for (const name of Object.keys(args)) {
      const { [name]: value = null, ...without } = args;
      await a.tries(1, m.declareQueue(full, { arguments: without }));
      if (name in other) {
        const changed = { ...args, [name]: other[name] ?? null };
        await a.tries(1, m.declareQueue(full, { arguments: changed }));
      }
      const alone = name === "x-dead-letter-routing-key" ? { "x-dead-letter-exchange": "a" } : {};
      await a.tries(1, m.declareQueue(bare, { arguments: { ...alone, [name]: value } }));
    }
    await a.tries(1, m.declareQueue(bare, { arguments: { "x-queue-type": "nonsense" } }));
    await a.tries(1, m.declareQueue(bare, { arguments: { "x-max-length": null } }));
  },

  "the same number in another type": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    const declare = (value: FieldTable[string]) =>
      m.declareQueue(q, { arguments: { "x-message-ttl": value } });
    await a.do(1, declare(tagged("I", 100)));
    for (const type of ["b", "s", "u", "i", "l"] as const)
      await a.tries(1, declare(tagged(type, 100)));
    await a.tries(1, declare(tagged("l", 100n)));
    await a.tries(1, declare("100"));
    for (const type of ["d", "f"] as const) {
      const b = await stage.client(`b with ${type}`);
      await b.do(1, declare(tagged(type, 100)));
    }
  },

  "names that the broker makes, and those that it keeps for itself": async (stage) => {
    const a = await stage.client("a");
    const b = await stage.client("b");
    const x = stage.name("x");
    await a.do(1, m.declareExchange(x, "direct"));
    await a.do(1, m.declareQueue("", { exclusive: true, autoDelete: true }));
    const name = GENERATED.exec(a.lines.at(-1) ?? "")?.[0] ?? "";
    await a.do(1, m.bindQueue("", x, ""), m.bindQueue("", x, "key"));
    await a.publish(1, { exchange: x, routingKey: name, mandatory: true }, ["by its name"]);
    await a.publish(1, { exchange: x, routingKey: "key", mandatory: true }, ["by a key"]);
    await a.publish(1, { exchange: x, routingKey: "", mandatory: true }, ["by nothing"]);
    await a.do(1, m.get(""), m.get(""), m.get(""), m.purge(""));
    await a.do(1, m.unbindQueue("", x, ""));
    await a.publish(1, { exchange: x, routingKey: name, mandatory: true }, ["no more"]);
    await a.do(1, m.declareQueue(name, { passive: true }));
    await a.tries(1, m.declareQueue(name, { exclusive: true, autoDelete: true }));
    await a.tries(1, m.declareQueue(name, { exclusive: true }));
    await a.tries(1, m.declareQueue(name));
    await b.tries(1, m.declareQueue(name, { exclusive: true, autoDelete: true }));
    await b.tries(1, m.declareQueue(name));
    await b.tries(1, m.declareQueue(name, { passive: true }));
    for (const reserved of ["amq.mine", "amq.gen-mine", "amq.", "amq.ctag-x", "amq.rabbitmq.x"]) {
      await b.tries(1, m.declareQueue(reserved));
      await b.tries(1, m.declareQueue(reserved, { passive: true }));
    }
    await b.do(1, m.declareQueue("amq", { exclusive: true, autoDelete: true }));
    await b.do(1, m.deleteQueue("amq"), m.deleteQueue("amq.missing"));
    await a.do(1, m.deleteQueue(name));
  },

  "all that can be asked of another connection's exclusive queue": async (stage) => {
    const [q, x] = [stage.name("q"), stage.name("x")];
    const a = await stage.client("a");
    const b = await stage.client("b");
    await a.do(1, m.declareQueue(q, { exclusive: true }), m.declareExchange(x, "direct"));
    await a.do(1, m.bindQueue(q, x, "bound"));
    for (const method of [
      ...[m.declareQueue(q), m.declareQueue(q, { exclusive: true })],
      ...[m.declareQueue(q, { passive: true }), m.bindQueue(q, x, "new")],
      ...[m.bindQueue(q, x, "bound"), m.unbindQueue(q, x, "no binding")],
      ...[m.unbindQueue(q, x, "bound"), m.unbindQueue(q, stage.name("no x"), "")],
      ...[m.purge(q), m.deleteQueue(q), m.deleteQueue(q, { ifEmpty: true }), m.get(q)],
      ...[m.consume(q, "t"), m.consume(q, "t", { exclusive: true })],
    ]) {
      await b.tries(1, method);
    }
    await b.publish(1, { routingKey: q, mandatory: true }, ["anybody may"]);
    await b.publish(1, { exchange: x, routingKey: "bound", mandatory: true }, ["so"]);
    await a.do(1, m.get(q), m.get(q));
    await a.do(0, m.CLOSE_CONNECTION);
    await b.do(1, m.declareQueue(q, { exclusive: true }));
  },

  "queues that are deleted on conditions": async (stage) => {
    const q = stage.name("q");
    const a = await stage.client("a");
    await a.do(1, m.declareQueue(q));
    await a.publish(1, { routingKey: q }, ["1", "2"]);
    await a.tries(1, m.deleteQueue(q, { ifEmpty: true }));
    await a.do(1, m.consume(q, "t"));
    await a.tries(1, m.deleteQueue(q, { ifEmpty: true }));
    await a.do(1, m.consume(q, "t"));
    await a.tries(1, m.deleteQueue(q, { ifUnused: true }));
    await a.do(1, m.consume(q, "t"));
    await a.tries(1, m.deleteQueue(q, { ifUnused: true, ifEmpty: true }));
    await a.do(1, m.get(q, false), m.purge(q), m.declareQueue(q, { passive: true }));
    await a.do(1, m.deleteQueue(q, { ifUnused: true, ifEmpty: true }));
    await a.do(1, m.deleteQueue(q));
  },
};
