/** Publishes that the broker refuses by closing their channel, or the connection. */
import type { Channel } from "amqplib";
import { declareQueues, type Fault, MAX_MESSAGE_SIZE, type Stage, toQueue } from "../fault.ts";
import type { Lane } from "../lanes.ts";
import { bodyOf, type Letter, PLAIN_MIX, type Route, writeLetter } from "../letter.ts";
import { withChannel } from "../read-back.ts";
import { until } from "../waiting.ts";

const KEPT = "chaos.delete.kept";
const FED = "chaos.delete.fed";
const DOOMED = "chaos.delete.doomed";

/** An exchange that may be gone, or back without its binding: not mandatory, it may be dropped. */
const TO_DOOMED: Route = {
  exchange: DOOMED,
  routingKey: "key",
  queues: [FED],
  answers: ["confirmed", "refused"],
  mayBeDropped: true,
  mandatory: false,
};
const TO_DOOMED_MANDATORY: Route = {
  ...TO_DOOMED,
  answers: ["confirmed", "refused", "returned"],
  mayBeDropped: false,
  mandatory: true,
};

/**
 * One lane publishes to the exchange all the time, so that several publishes name it when it is
 * gone; one does so now and then, so that a single one does; one never.
 */
export const DELETE: Fault = {
  name: "delete",
  summary: "an exchange is deleted while publishes go to it, and comes back",
  queues: [KEPT, FED],
  atLeast: { confirmed: 100, refused: 1, unknown: 1, deleted: 3, "channel closed": 3 },
  prepare: async (node) => {
    await declareQueues(node, [KEPT, FED]);
    await withChannel(node.url, declareDoomed);
  },
  play: async (stage) => {
    const { happenings, node } = stage;
    const doomed = [TO_DOOMED, TO_DOOMED_MANDATORY] as const;
    const lanes = [
      stage.lane("promises", doomed, PLAIN_MIX),
      stage.lane("batch", doomed, PLAIN_MIX),
      stage.lane("tags", doomed, PLAIN_MIX),
      nowAndThen(stage, doomed),
      stage.lane("promises", [toQueue(KEPT)], PLAIN_MIX, { due: "answer" }),
    ];
    await stage.publish(lanes, () =>
      withChannel(node.url, async (channel) => {
        for (let i = 0; i < 4; i++) {
          const refused = stage.account.count("refused");
          await channel.deleteExchange(DOOMED);
          happenings.count("deleted");
          // Until then it stays away: others are told `unknown`, because several may be to blame.
          await until(() => stage.account.count("refused") > refused, "a publish to be refused");
          await declareDoomed(channel);
          const confirmed = stage.account.count("confirmed");
          await until(() => stage.account.count("confirmed") > confirmed + 50, "confirms");
        }
      }),
    );
  },
};

async function declareDoomed(channel: Channel): Promise<void> {
  await channel.assertExchange(DOOMED, "direct", { durable: false });
  await channel.bindQueue(FED, DOOMED, "key");
}

/** Fewer than one message in a window goes to the doomed exchange. */
function nowAndThen(stage: Stage, doomed: readonly [Route, ...Route[]]): Lane {
  const window = 16;
  const random = stage.random.fork();
  const lane = stage.lane("promises", [toQueue(KEPT)], PLAIN_MIX, { window });
  let written = 0;
  return {
    ...lane,
    write: (id): Letter =>
      ++written % (2 * window) === 0
        ? writeLetter(id, random.pick(doomed), PLAIN_MIX, random)
        : lane.write(id),
  };
}

const GOOD = "chaos.refuse.good";
const SURE = "chaos.refuse.sure";
const INTERNAL = "chaos.refuse.internal.";
/** So many exchanges: no two open publishes name the same. */
const INTERNALS = 32;

/** Every kind of publish that RabbitMQ refuses, each with a sentence of its own. */
export const REFUSE: Fault = {
  name: "refuse",
  summary: "publishes that the broker refuses: 404, 403, 406, and 540 for the connection",
  queues: [GOOD, SURE],
  atLeast: { confirmed: 100, refused: 3, unprocessed: 1, "channel closed": 3 },
  prepare: async (node) => {
    await declareQueues(node, [GOOD, SURE]);
    await withChannel(node.url, async (channel) => {
      const options = { durable: false, internal: true };
      for (let i = 0; i < INTERNALS; i++) {
        await channel.assertExchange(`${INTERNAL}${i}`, "fanout", options);
      }
    });
  },
  play: async (stage) => {
    const good = toQueue(GOOD);
    await stage.publish([
      poisoned(stage, stage.lane("promises", [good], PLAIN_MIX), POISONS),
      poisoned(stage, stage.lane("batch", [good], PLAIN_MIX), POISONS),
      poisoned(stage, stage.lane("tags", [good], PLAIN_MIX), POISONS),
      stage.lane("promises", [toQueue(SURE)], PLAIN_MIX, { due: "answer" }),
    ]);
    await stage.publish([
      poisoned(stage, stage.lane("promises", [good], PLAIN_MIX), [immediate]),
      stage.lane("promises", [good], PLAIN_MIX),
    ]);
  },
};

type Poison = (letter: Letter, count: number) => Letter;

const POISONS: readonly [Poison, ...Poison[]] = [missingExchange, internal, tooLarge, someoneElse];

/** One message in 25 is refused. */
function poisoned(stage: Stage, lane: Lane, poisons: readonly [Poison, ...Poison[]]): Lane {
  const random = stage.random.fork();
  let count = 0;
  return {
    ...lane,
    write: (id) => {
      const letter = lane.write(id);
      return random.chance(1 / 25) ? random.pick(poisons)(letter, ++count) : letter;
    },
  };
}

// The first of these in a window closes the channel and is refused, and it is certain that the others
// were not processed.

function missingExchange(letter: Letter): Letter {
  return {
    ...letter,
    due: "certainty",
    route: { ...NOT_TAKEN, exchange: `chaos.refuse.missing.${letter.id}` },
  };
}

function internal(letter: Letter, count: number): Letter {
  const route = { ...NOT_TAKEN, exchange: `${INTERNAL}${count % INTERNALS}` };
  return { ...letter, due: "certainty", route };
}

function tooLarge(letter: Letter): Letter {
  const body = bodyOf(letter.id, MAX_MESSAGE_SIZE + letter.id);
  return { ...letter, due: "certainty", body, route: NOT_TAKEN };
}

function someoneElse(letter: Letter): Letter {
  const options = { ...letter.options, userId: `somebody-${letter.id}` };
  return { ...letter, due: "certainty", options, route: NOT_TAKEN };
}

function immediate(letter: Letter): Letter {
  return { ...letter, options: { ...letter.options, immediate: true }, route: NOT_TAKEN };
}

/** Nothing comes of these but a refusal. */
const NOT_TAKEN: Route = {
  exchange: "",
  routingKey: GOOD,
  queues: [],
  answers: ["refused"],
};
