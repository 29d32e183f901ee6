/** A node that is short of memory: it reads nothing from those who publish until that is over. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RabbitNode } from "../../../test/support/rabbitmq.ts";
import { declareQueues, type Fault, type Stage, toQueue } from "../fault.ts";
import { HASTY_MIX, PLAIN_MIX } from "../letter.ts";
import { until } from "../waiting.ts";
import type { Workload } from "../workload.ts";

const ALARM_QUEUES = ["chaos.alarm.0", "chaos.alarm.1"] as const;

/** Longer than the deadlines of the messages, which stand still meanwhile. */
const BLOCKED_MS = 1_200;
const DEADLINE_MS = 1_000;

/** Publishes wait, deadlines stand still, and in the end everything is confirmed. */
export const ALARM: Fault = {
  name: "alarm",
  summary: "a memory alarm, set and cleared: publishes wait, and all are confirmed",
  queues: ALARM_QUEUES,
  atLeast: { confirmed: 100, blocked: 1, unblocked: 1, "waited it out": 1 },
  prepare: (node) => declareQueues(node, ALARM_QUEUES),
  play: async (stage) => {
    const { account, happenings } = stage;
    const hasty = { ...HASTY_MIX, deadlines: 0.3, deadlineMs: DEADLINE_MS };
    const lanes = [
      stage.lane("promises", [toQueue(ALARM_QUEUES[0])], PLAIN_MIX, { due: "answer" }),
      stage.lane("batch", [toQueue(ALARM_QUEUES[1])], PLAIN_MIX, { due: "answer" }),
      stage.lane("tags", [toQueue(ALARM_QUEUES[0])], PLAIN_MIX, { due: "answer" }),
      stage.lane("promises", [toQueue(ALARM_QUEUES[1])], hasty, { due: "answer" }),
    ];
    await stage.publish(lanes, async (workload) => {
      await whileBlocked(stage, workload, async () => {
        await sleep(BLOCKED_MS);
      });
      await until(() => workload.connection?.blockedReason === undefined, "the end of the alarm");
      const confirmed = account.count("confirmed");
      await until(() => account.count("confirmed") > confirmed, "a confirm after the alarm");
      happenings.count("waited it out");
    });
  },
};

const CUT_QUEUES = ["chaos.alarm-cut.0", "chaos.alarm-cut.1"] as const;

/** The connection is lost while it is blocked, and the next one is opened under the alarm. */
export const ALARM_CUT: Fault = {
  name: "alarm-cut",
  summary: "a memory alarm, and the connection is cut while it is blocked",
  queues: CUT_QUEUES,
  atLeast: { confirmed: 100, unknown: 1, unsent: 1, blocked: 2, "connection lost": 1 },
  prepare: (node) => declareQueues(node, CUT_QUEUES),
  play: async (stage) => {
    const lanes = [
      stage.lane("promises", [toQueue(CUT_QUEUES[0])], HASTY_MIX),
      stage.lane("batch", [toQueue(CUT_QUEUES[1])], HASTY_MIX),
      stage.lane("tags", [toQueue(CUT_QUEUES[1])], HASTY_MIX),
    ];
    await stage.publish(lanes, async (workload) => {
      await whileBlocked(stage, workload, async () => {
        await sleep(100); // some more are published, and wait in the client
        const blocked = stage.happenings.of("blocked");
        for (const link of stage.proxy.links) link.sever(stage.random.pick(["end", "reset"]));
        await until(() => stage.happenings.of("blocked") > blocked, "the next one to be blocked");
      });
    });
  },
};

/** Sets the alarm, waits until the connection is blocked, and clears the alarm at last. */
async function whileBlocked(
  stage: Stage,
  workload: Workload,
  then: () => Promise<void>,
): Promise<void> {
  await setLowMemory(stage.node, true);
  try {
    await until(() => workload.connection?.blockedReason !== undefined, "connection.blocked");
    await then();
  } finally {
    await setLowMemory(stage.node, false);
  }
}

async function setLowMemory(node: RabbitNode, low: boolean): Promise<void> {
  await node.ctl("set_vm_memory_high_watermark", low ? "0" : "0.4");
}
