/**
 * The messages of a run. Each has a name of its own, as its message id and at the beginning of its
 * body, and a body that can be made again from name and size: whoever finds a message can tell which
 * it is and whether it is whole.
 */
import type { PublishOptions } from "../../src/index.ts";
import type { Random } from "./random.ts";

/** Where messages go, and what the broker may answer. */
export interface Route {
  readonly exchange: string;
  readonly routingKey: string;
  /** Every queue that they can come to. */
  readonly queues: readonly string[];
  /** Every answer that the broker may give, if it gives one. */
  readonly answers: readonly Answer[];
  /**
   * A confirm does not say that those queues have it: the exchange may lose its bindings at any
   * moment, and a message that is not mandatory is dropped then.
   */
  readonly mayBeDropped?: boolean;
  /** Default as the mix has it. */
  readonly mandatory?: boolean;
}

/** The endings that a broker decides. */
export type Answer = "confirmed" | "returned" | "nacked" | "refused";

/** How much of what there is in the messages: probabilities, and sizes in octets. */
export interface Mix {
  readonly persistent: number;
  readonly mandatory: number;
  /** Publishes with a deadline, of up to so many milliseconds. */
  readonly deadlines: number;
  readonly deadlineMs: number;
  /** Publishes with an AbortSignal that fires within so many milliseconds. */
  readonly signals: number;
  readonly signalMs: number;
  readonly maxBody: number;
}

/** A bit of everything that cannot fail a publish by itself. */
export const PLAIN_MIX: Mix = {
  persistent: 0.4,
  mandatory: 0.3,
  deadlines: 0,
  deadlineMs: 0,
  signals: 0,
  signalMs: 0,
  maxBody: 20_480,
};

/** With deadlines and signals that some publishes miss. */
export const HASTY_MIX: Mix = {
  ...PLAIN_MIX,
  deadlines: 0.15,
  deadlineMs: 400,
  signals: 0.1,
  signalMs: 200,
};

/** A message, ready to be published. */
export interface Letter {
  readonly id: number;
  readonly route: Route;
  readonly body: Uint8Array;
  readonly options: PublishOptions;
  /**
   * What must be known of it in the end: its `answer`, where nothing is lost on its way and nothing
   * else may fail it; or at least `certainty`, that is any ending but `unknown`.
   */
  readonly due: "answer" | "certainty" | undefined;
}

/** Writes a letter. What is due is not if it carries a deadline or a signal. */
export function writeLetter(
  id: number,
  route: Route,
  mix: Mix,
  random: Random,
  due?: Letter["due"],
): Letter {
  const hasDeadline = random.chance(mix.deadlines);
  const hasSignal = random.chance(mix.signals);
  const options: PublishOptions = {
    messageId: nameOf(id),
    deliveryMode: random.chance(mix.persistent) ? 2 : 1,
    mandatory: route.mandatory ?? random.chance(mix.mandatory),
    ...(hasDeadline ? { timeoutMs: random.integer(1, mix.deadlineMs) } : {}),
    ...(hasSignal ? { signal: AbortSignal.timeout(random.integer(1, mix.signalMs)) } : {}),
  };
  const body = bodyOf(id, bodySize(random, mix.maxBody));
  return { id, route, body, options, due: hasDeadline || hasSignal ? undefined : due };
}

/** What a message is called: the same length for all, so that it can be found in a stream. */
export function nameOf(id: number): string {
  return NAME_PREFIX + String(id).padStart(NAME_DIGITS, "0");
}

/** The id of a message by its name; undefined where it is not a name. */
export function idOf(name: unknown): number | undefined {
  if (typeof name !== "string" || name.length !== NAME_LENGTH) return undefined;
  const digits = name.slice(NAME_PREFIX.length);
  return name.startsWith(NAME_PREFIX) && /^\d+$/.test(digits) ? Number(digits) : undefined;
}

/** The body of a message: its name, then octets over 127 that follow from id and place. */
export function bodyOf(id: number, size: number): Uint8Array {
  const name = Buffer.from(nameOf(id), "latin1");
  const body = Buffer.alloc(size);
  for (let at = name.copy(body); at < size; at++) body[at] = 0x80 | ((id * 7 + at * 31) & 0x7f);
  return body;
}

/** Finds the names of messages in a stream that comes in pieces. */
export class NameSpotter {
  #tail: Buffer = Buffer.alloc(0);

  /** The ids of the messages whose name ends in this piece. */
  see(piece: Uint8Array): number[] {
    const octets = Buffer.concat([this.#tail, piece]);
    const ids: number[] = [];
    for (let at = octets.indexOf(NAME_PREFIX); at >= 0; ) {
      const id = idOf(octets.toString("latin1", at, at + NAME_LENGTH));
      if (id !== undefined) ids.push(id);
      at = octets.indexOf(NAME_PREFIX, at + 1);
    }
    // One octet less than a name: none is seen twice.
    this.#tail = octets.subarray(Math.max(octets.length - NAME_LENGTH + 1, 0));
    return ids;
  }
}

const NAME_PREFIX = "chaos#";
const NAME_DIGITS = 8;
const NAME_LENGTH = NAME_PREFIX.length + NAME_DIGITS;

/** Some are empty, most are small, some fill the socket. */
function bodySize(random: Random, most: number): number {
  if (random.chance(0.05)) return 0;
  return random.integer(0, random.chance(0.7) ? Math.min(most, 512) : most);
}
