/** The embedded broker with clients that are not themselves. */
import type { Target } from "../campaign.ts";
import { disturb } from "../disturb.ts";
import type { Random } from "../random.ts";
import { isOctets, type Steps } from "../steps.ts";
import { play, type Tamper } from "./player.ts";
import { anyBrokerAction, type BrokerAction, brokerSession, CLIENTS } from "./session.ts";

/** The target; tests tamper with it. */
export function brokerTarget(tamper?: Tamper): Target {
  return {
    name: "broker",
    generate,
    run: (steps) => play(steps as Steps<BrokerAction>, tamper),
  };
}

function generate(random: Random): Steps<BrokerAction> {
  return disturb<BrokerAction>(random, brokerSession(random), {
    sender: "client",
    channels: [0, 1, 1, 2, 3, 4, 65_535],
    peers: CLIENTS,
    foreign: () =>
      brokerSession(random)
        .filter(isOctets)
        .map(({ octets }) => octets),
    action: anyBrokerAction,
  });
}
