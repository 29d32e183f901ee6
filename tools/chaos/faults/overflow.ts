/** A queue that is full and says so, and one that is not there: nacks and returns among confirms. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, toQueue } from "../fault.ts";
import { PLAIN_MIX, type Route } from "../letter.ts";
import { takeAll, withChannel } from "../read-back.ts";

const FULL = "chaos.overflow.full";
const ROOMY = "chaos.overflow.roomy";
const BOTH = "chaos.overflow.both";

const TO_FULL: Route = { ...toQueue(FULL), answers: ["confirmed", "nacked"] };

/** A nack says nothing of the message's other queues: one of these always takes it. */
const TO_BOTH: Route = {
  exchange: BOTH,
  routingKey: "",
  queues: [FULL, ROOMY],
  answers: ["confirmed", "nacked"],
};

const NOWHERE: Route = {
  exchange: "",
  routingKey: "chaos.overflow.nowhere",
  queues: [],
  answers: ["returned"],
  mandatory: true,
};

/** The queue is emptied now and then, so that confirms and nacks take turns. */
export const OVERFLOW: Fault = {
  name: "overflow",
  summary: "a full queue that rejects, and mandatory messages that no queue takes",
  queues: [FULL, ROOMY],
  atLeast: { confirmed: 50, nacked: 20, returned: 20, emptied: 1 },
  prepare: (node) =>
    withChannel(node.url, async (channel) => {
      const bounds = { "x-max-length": 30, "x-overflow": "reject-publish" };
      await channel.assertQueue(FULL, { durable: false, arguments: bounds });
      await channel.assertQueue(ROOMY, { durable: false });
      await channel.assertExchange(BOTH, "fanout", { durable: false });
      for (const queue of [FULL, ROOMY]) await channel.bindQueue(queue, BOTH, "");
    }),
  play: async (stage) => {
    const { account, happenings, node } = stage;
    const due = "answer"; // nothing is lost
    const mixed = [TO_FULL, toQueue(ROOMY), TO_BOTH, NOWHERE] as const;
    const lanes = [
      stage.lane("promises", mixed, PLAIN_MIX, { due }),
      stage.lane("batch", mixed, PLAIN_MIX, { due }),
      stage.lane("tags", [TO_FULL, NOWHERE], PLAIN_MIX, { due }),
      stage.lane("promises", [toQueue(ROOMY)], PLAIN_MIX, { due }),
    ];
    await stage.publish(lanes, async () => {
      await withChannel(node.url, async (channel) => {
        for (let i = 0; i < 10; i++) {
          await sleep(20);
          if ((await takeAll(channel, FULL, account)) > 0) happenings.count("emptied");
        }
      });
    });
  },
};
