/** Connections that stay and do not deliver: they stall, or come in pieces. */
import { setTimeout as sleep } from "node:timers/promises";
import { declareQueues, type Fault, toQueue } from "../fault.ts";
import { HASTY_MIX, PLAIN_MIX } from "../letter.ts";
import type { Direction } from "../proxy.ts";
import { until } from "../waiting.ts";

const STALLED = ["chaos.stall.0", "chaos.stall.1"] as const;

/** A short stall that recovers, then stalls of either and both directions until somebody gives up. */
export const STALL: Fault = {
  name: "stall",
  summary: "nothing is forwarded for a moment, then for longer than two heartbeats",
  queues: STALLED,
  atLeast: { confirmed: 100, unknown: 1, "short stall": 1, "long stall": 2, "connection lost": 2 },
  prepare: (node) => declareQueues(node, STALLED),
  play: async (stage) => {
    const { proxy, random, happenings } = stage;
    const lanes = [
      stage.lane("promises", [toQueue(STALLED[0]), toQueue(STALLED[1])], HASTY_MIX),
      stage.lane("batch", [toQueue(STALLED[1])], HASTY_MIX),
      stage.lane("tags", [toQueue(STALLED[0])], HASTY_MIX),
    ];
    const stall = async (directions: readonly Direction[], end: () => Promise<void>) => {
      const links = proxy.links;
      for (const link of links) link.stall(directions);
      await end();
      for (const link of links) link.resume();
    };
    await stage.publish(
      lanes,
      async (workload) => {
        await workload.published(0.2);
        await stall(["up", "down"], () => sleep(random.integer(300, 600)));
        happenings.count("short stall");
        await workload.published(0.5);
        for (const directions of [["up"], ["down"]] as const) {
          const stalled = workload.connection;
          await stall(directions, () =>
            until(() => workload.connection !== stalled, "the end of a stalled connection"),
          );
          happenings.count("long stall");
          await until(() => workload.connection !== undefined, "the next connection");
        }
      },
      { heartbeatSeconds: 1 },
    );
  },
};

const SPLIT_QUEUES = ["chaos.split.0", "chaos.split.1"] as const;

/** Nothing is lost, however small the pieces: everything is confirmed. */
export const SPLIT: Fault = {
  name: "split",
  summary: "both directions come in pieces of a few octets; nothing is lost",
  queues: SPLIT_QUEUES,
  atLeast: { confirmed: 50, split: 1 },
  prepare: (node) => declareQueues(node, SPLIT_QUEUES),
  play: async (stage) => {
    stage.proxy.onLink = (link) => {
      link.split(stage.random);
      stage.happenings.count("split");
    };
    const mix = { ...PLAIN_MIX, maxBody: 1_000 };
    await stage.publish([
      stage.lane("promises", [toQueue(SPLIT_QUEUES[0])], mix, { due: "answer" }),
      stage.lane("batch", [toQueue(SPLIT_QUEUES[1])], mix, { due: "answer" }),
      stage.lane("tags", [toQueue(SPLIT_QUEUES[1])], mix, { due: "answer" }),
    ]);
  },
};
