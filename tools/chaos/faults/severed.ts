/** Connections that end at any octet: in good order, dropped, or reset. */
import { declareQueues, type Fault, type Stage, toQueue } from "../fault.ts";
import { HASTY_MIX } from "../letter.ts";
import type { Direction, Link, Severing } from "../proxy.ts";

/** The proxy closes both sides, several times in a round. */
export const CUT: Fault = severing("cut", "the proxy closes both sides at a random octet", [
  "end",
  "close",
]);

/** The proxy resets both sides, several times in a round. */
export const RESET: Fault = severing("reset", "the proxy resets both sides at a random octet", [
  "reset",
]);

function severing(name: string, summary: string, ways: readonly [Severing, ...Severing[]]): Fault {
  const queues = [`chaos.${name}.0`, `chaos.${name}.1`] as const;
  return {
    name,
    summary,
    queues,
    atLeast: { confirmed: 100, unknown: 1, unsent: 1, severed: 3, "connection lost": 2 },
    prepare: (node) => declareQueues(node, queues),
    play: async (stage) => {
      let left = stage.random.integer(4, 6);
      stage.proxy.onLink = (link) => {
        if (left === 0) return;
        severSometime(stage, link, stage.random.pick(ways), left);
        left--;
      };
      const [first, second] = queues;
      await stage.publish([
        stage.lane("promises", [toQueue(first), toQueue(second)], HASTY_MIX, { window: 24 }),
        stage.lane("batch", [toQueue(second)], HASTY_MIX, { window: 12 }),
        stage.lane("tags", [toQueue(first)], HASTY_MIX, { window: 12 }),
      ]);
    },
  };
}

/** Chooses an octet that this connection reaches: in the handshake, in a publish, in a confirm. */
function severSometime(stage: Stage, link: Link, how: Severing, times: number): void {
  const { random, messages, happenings } = stage;
  const direction = random.pick<Direction>(["up", "down"]);
  const most = direction === "up" ? (messages * OCTETS_UP) / times : messages * OCTETS_DOWN;
  const octets = random.chance(0.15)
    ? random.integer(0, HANDSHAKE_OCTETS)
    : random.integer(HANDSHAKE_OCTETS, HANDSHAKE_OCTETS + Math.floor(most));
  link.severAfter(direction, octets, how, () => happenings.count("severed"));
}

/** What a handshake takes each way, more or less. */
const HANDSHAKE_OCTETS = 600;
/** The octets of a message with its frames, less than on average; and those of the confirms. */
const OCTETS_UP = 2_000;
const OCTETS_DOWN = 1;
