/** The power cut: kill -9 of the node under way, persistent messages on durable queues. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "../fault.ts";
import { toQueue } from "../fault.ts";
import { HASTY_MIX, PLAIN_MIX } from "../letter.ts";
import { withChannel } from "../read-back.ts";
import { until } from "../waiting.ts";

const CLASSIC = "chaos.kill.classic";
const QUORUM = "chaos.kill.quorum";

/** When the queues were declared; Mnesia writes its log every few seconds. */
let declaredAt = Number.POSITIVE_INFINITY;

/** A durable queue that is younger than this is lost with its node, and its messages too. */
const OLD_ENOUGH_MS = 6_000;

/** What is confirmed is on the disk. */
export const KILL: Fault = {
  name: "kill",
  summary: "kill -9 of the node, which comes back with its data",
  queues: [CLASSIC, QUORUM],
  atLeast: { confirmed: 100, unknown: 1, killed: 1, "connection lost": 1 },
  prepare: async (node) => {
    await withChannel(node.url, async (channel) => {
      await channel.assertQueue(CLASSIC, { durable: true });
      const type = { "x-queue-type": "quorum" };
      await channel.assertQueue(QUORUM, { durable: true, arguments: type });
    });
    declaredAt = performance.now();
  },
  play: async (stage) => {
    await sleep(Math.max(declaredAt + OLD_ENOUGH_MS - performance.now(), 0));
    const plain = { ...PLAIN_MIX, persistent: 1 };
    const hasty = { ...HASTY_MIX, persistent: 1 };
    const lanes = [
      stage.lane("promises", [toQueue(CLASSIC)], plain),
      stage.lane("batch", [toQueue(CLASSIC)], hasty),
      stage.lane("promises", [toQueue(QUORUM)], hasty),
      stage.lane("tags", [toQueue(QUORUM)], plain),
    ];
    await stage.publish(lanes, async (workload) => {
      await workload.published(stage.random.integer(20, 60) / 100);
      await stage.node.kill();
      stage.happenings.count("killed");
      await stage.node.restart();
      const confirmed = stage.account.count("confirmed");
      await until(
        () => stage.account.count("confirmed") > confirmed,
        "a confirm after the restart",
      );
    });
  },
};
