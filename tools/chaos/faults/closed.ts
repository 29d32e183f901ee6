/** Endings on purpose: our own close() and destroy() with a full window, and an operator's. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, connect, type Publisher } from "../../../src/index.ts";
import { declareQueues, type Fault, type Stage, toQueue } from "../fault.ts";
import { PLAIN_MIX } from "../letter.ts";
import { Posting } from "../posting.ts";
import { until } from "../waiting.ts";

const QUEUE = "chaos.close.0";
/** On a durable queue, confirms of persistent messages take their time: many are open. */
const DURABLE = { durable: true };
const SLOW_MIX = { ...PLAIN_MIX, persistent: 0.8, maxBody: 4_000 };

/** Ends a connection that has two publishers with more publishes than their windows hold. */
interface Way {
  readonly name: string;
  /** Whether every publish is confirmed before the end. */
  readonly drains: boolean;
  end(stage: Stage, connection: Connection, publishers: readonly Publisher[]): Promise<unknown>;
}

const WAYS: readonly Way[] = [
  {
    name: "close()",
    drains: true,
    end: (_stage, connection) => connection.close(),
  },
  {
    name: "close() of each publisher",
    drains: true,
    end: async (_stage, connection, publishers) => {
      await Promise.all(publishers.map((publisher) => publisher.close()));
      await connection.close();
    },
  },
  {
    name: "close() out of time",
    drains: false,
    end: ({ random }, connection) => connection.close({ timeoutMs: random.integer(0, 15) }),
  },
  {
    name: "close() of a publisher out of time",
    drains: false,
    end: async ({ random }, connection, publishers) => {
      const timeoutMs = random.integer(0, 10);
      await Promise.all(publishers.map((publisher) => publisher.close({ timeoutMs })));
      await connection.close();
    },
  },
  {
    name: "close() with a signal",
    drains: false,
    end: ({ random }, connection) =>
      connection.close({ signal: AbortSignal.timeout(random.integer(0, 15)) }),
  },
  {
    name: "destroy()",
    drains: false,
    end: async ({ random }, connection) => {
      if (random.chance(0.8)) await sleep(random.integer(0, 15));
      connection.destroy();
      await connection.closed;
    },
  },
  {
    name: "close(), then destroy()",
    drains: false,
    end: async ({ random }, connection) => {
      const closing = connection.close();
      await sleep(random.integer(0, 15));
      connection.destroy();
      await closing;
    },
  },
  {
    name: "close(), then a cut",
    drains: false,
    end: async ({ random, proxy }, connection) => {
      const closing = connection.close();
      await sleep(random.integer(0, 15));
      for (const link of proxy.links) link.sever(random.pick(["end", "close", "reset"]));
      await closing;
    },
  },
];

/** Everything settles; and what was published when the end had begun was never sent. */
export const CLOSE: Fault = {
  name: "close",
  summary: "close() and destroy() with a full window, in every way",
  queues: [QUEUE],
  atLeast: { confirmed: 100, unknown: 1, unsent: 1, ended: WAYS.length },
  prepare: (node) => declareQueues(node, [QUEUE], DURABLE),
  play: async (stage) => {
    for (const way of WAYS) await endInThisWay(stage, way);
  },
};

async function endInThisWay(stage: Stage, way: Way): Promise<void> {
  const { account, happenings, random } = stage;
  const connection = await connect(stage.url);
  const posting = new Posting(account, connection);
  const lane = stage.lane("promises", [toQueue(QUEUE)], SLOW_MIX, {
    due: way.drains ? "answer" : undefined,
  });
  const publishers = await Promise.all([
    connection.openPublisher({ maxUnconfirmed: lane.window }),
    connection.openPublisher({ maxUnconfirmed: lane.window }),
  ]);
  const share = Math.max(LEAST, Math.ceil(stage.messages / WAYS.length / publishers.length));
  const told: Promise<void>[] = [];
  for (const publisher of publishers) {
    for (let i = 0; i < share; i++) {
      told.push(posting.publish(publisher, lane.write(account.newId())));
    }
  }
  if (random.chance(0.7)) await sleep(random.integer(0, 10));
  const ended = way.end(stage, connection, publishers);
  // Too late: unsent, also where those before it are still being waited for.
  const late = stage.lane("promises", [toQueue(QUEUE)], SLOW_MIX);
  if (way.name.startsWith("close()")) {
    const letter = late.write(account.newId());
    told.push(
      posting.publish(publishers[0], letter).then(() => {
        if (account.endingOf(letter.id) === "unsent") return;
        account.violation("published after close(), and not unsent", way.name);
      }),
    );
  }
  await ended;
  await connection.closed;
  happenings.count("ended");
  await until(() => account.pending === 0, `${way.name}: every publish to settle`, SETTLE_MS).catch(
    () => {
      for (const name of account.pendingNames()) account.violation(`open after ${way.name}`, name);
    },
  );
  for (const { unconfirmed, queued } of publishers) {
    if (unconfirmed + queued > 0) account.violation("left over after the end", way.name);
  }
  if (account.pending === 0) await Promise.all(told);
}

const SETTLE_MS = 2_000;
/** More than a broker confirms in a few milliseconds, and than a window holds. */
const LEAST = 150;

const EXPELLED = ["chaos.expel.0", "chaos.expel.1"] as const;

/** connection.close with 320, as from an operator or at a shutdown. */
export const EXPEL: Fault = {
  name: "expel",
  summary: "an operator closes all connections (rabbitmqctl close_all_connections)",
  queues: EXPELLED,
  atLeast: { confirmed: 100, "connection lost": 1 },
  prepare: (node) => declareQueues(node, EXPELLED, DURABLE),
  play: async (stage) => {
    const lanes = [
      stage.lane("promises", [toQueue(EXPELLED[0])], SLOW_MIX),
      stage.lane("batch", [toQueue(EXPELLED[1])], SLOW_MIX),
      stage.lane("tags", [toQueue(EXPELLED[1])], SLOW_MIX),
    ];
    await stage.publish(lanes, async (workload) => {
      await workload.published(0.2);
      const lost = stage.happenings.of("connection lost");
      await stage.node.ctl("close_all_connections", "chaos");
      await until(
        () => stage.happenings.of("connection lost") > lost,
        "the connection to be closed",
      );
    });
  },
};
