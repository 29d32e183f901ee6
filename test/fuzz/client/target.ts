/** The client core with a server that is not itself. */
import type { Target } from "../campaign.ts";
import { disturb } from "../disturb.ts";
import type { Random } from "../random.ts";
import { isOctets, type Steps } from "../steps.ts";
import { type MakeMachine, play } from "./player.ts";
import { anyAction, type ClientAction, clientSession } from "./session.ts";

/** The target with the client core of this package, or with one that `make` makes. */
export function clientTarget(make?: MakeMachine): Target {
  return {
    name: "client",
    generate,
    run: (steps) => play(steps as Steps<ClientAction>, make),
  };
}

function generate(random: Random): Steps<ClientAction> {
  return disturb<ClientAction>(random, clientSession(random), {
    sender: "server",
    channels: [0, 1, 1, 2, 2, 3, 4, 65_535],
    foreign: () =>
      clientSession(random)
        .filter(isOctets)
        .map(({ octets }) => octets),
    action: () => anyAction(random, random.below(3), 20),
  });
}
