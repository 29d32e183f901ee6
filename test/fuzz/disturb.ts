/**
 * Makes something else of a session that was in order: frames are changed, repeated, left out,
 * swapped, put in from elsewhere, and all of it arrives in other pieces.
 */
import { anyFrame } from "./octets/build.ts";
import { mutate } from "./octets/mutate.ts";
import type { Random } from "./random.ts";
import { type Action, isOctets, type Octets, type Steps } from "./steps.ts";

/** What there is to disturb a session with. */
export interface Disturbance<A extends Action> {
  /** Who writes the octets. */
  readonly sender: "client" | "server";
  /** The channels that matter. */
  readonly channels: readonly number[];
  /** How many peers write, counted from 0. */
  readonly peers?: number;
  /** Makes frames of another session. */
  readonly foreign: () => readonly Uint8Array[];
  /** Something else that may happen at any time. */
  readonly action: (random: Random) => A | undefined;
}

/** The steps with some disturbances, or rarely with none. */
export function disturb<A extends Action>(
  random: Random,
  steps: Steps<A>,
  by: Disturbance<A>,
): Steps<A> {
  const disturbed = [...steps];
  const count = random.weighted([
    [2, 0],
    [8, 1],
    [5, 2],
    [2, 4],
    [1, 12],
  ]);
  for (let i = 0; i < count; i++) random.weighted(KINDS)(random, disturbed, by as never);
  return chop(random, disturbed);
}

type Kind = (random: Random, steps: (Octets | Action)[], by: Disturbance<Action>) => void;

const KINDS: readonly (readonly [weight: number, kind: Kind])[] = [
  [12, changeFrame],
  [3, repeat],
  [2, leaveOut],
  [2, swap],
  [4, putInFrame],
  [1, putInOctets],
  [1, moveFrame],
  [2, act],
];

function changeFrame(random: Random, steps: (Octets | Action)[], by: Disturbance<Action>): void {
  // Content headers are rare and have much in them.
  const headers = steps.flatMap((step, i) => (isOctets(step) && step.octets[0] === 2 ? [i] : []));
  const rare = headers.length > 0 && random.percent(15);
  const at = rare ? random.pick(headers) : anyOctets(random, steps);
  const step = steps[at];
  if (step === undefined || !isOctets(step)) return;
  const octets = mutate(random, step.octets, by.sender, by.channels);
  steps[at] = { ...step, octets, was: step.was ?? step.octets };
}

/** The same frame again, at once or later, mostly once. */
function repeat(random: Random, steps: (Octets | Action)[]): void {
  const at = anyOctets(random, steps);
  const step = steps[at];
  if (step === undefined) return;
  const copies = random.percent(90) ? 1 : random.between(2, 30);
  const where = random.percent(50) ? at + 1 : random.between(at + 1, steps.length);
  steps.splice(where, 0, ...Array.from({ length: copies }, () => step));
}

function leaveOut(random: Random, steps: (Octets | Action)[]): void {
  steps.splice(place(random, steps), random.percent(90) ? 1 : random.below(10));
}

function swap(random: Random, steps: (Octets | Action)[]): void {
  const at = anyOctets(random, steps);
  const [step] = steps.splice(at, 1);
  if (step !== undefined) steps.splice(at + 1, 0, step);
}

function moveFrame(random: Random, steps: (Octets | Action)[]): void {
  const [step] = steps.splice(anyOctets(random, steps), 1);
  if (step !== undefined) steps.splice(place(random, steps), 0, step);
}

function putInFrame(random: Random, steps: (Octets | Action)[], by: Disturbance<Action>): void {
  const foreign = random.percent(50) ? by.foreign() : [];
  const { sender, channels } = by;
  const octets = foreign.length === 0 ? anyFrame(random, sender, channels) : random.pick(foreign);
  putIn(random, steps, octets, by);
}

function putInOctets(random: Random, steps: (Octets | Action)[], by: Disturbance<Action>): void {
  if (random.percent(60)) return putIn(random, steps, random.octets(random.between(1, 12)), by);
  // Somebody else answers, or asks, and goes on or not.
  const octets = Buffer.from(random.pick(GREETINGS), "latin1");
  const first = steps.findIndex(isOctets);
  if (random.percent(50)) putIn(random, steps, octets, by);
  else if (first >= 0) steps[first] = { ...(steps[first] as Octets), octets };
}

function putIn(
  random: Random,
  steps: (Octets | Action)[],
  octets: Uint8Array,
  { peers = 1 }: Disturbance<Action>,
): void {
  const who = peers === 1 ? {} : { who: random.below(peers) };
  steps.splice(place(random, steps), 0, { do: "octets", octets, ...who });
}

function act(random: Random, steps: (Octets | Action)[], { action }: Disturbance<Action>): void {
  const step = action(random);
  if (step !== undefined) steps.splice(place(random, steps), 0, step);
}

/** Rather late than early: what ends a session at its beginning hides all that would come. */
function place(random: Random, { length }: { readonly length: number }): number {
  return Math.max(random.below(length + 1), random.below(length + 1));
}

/** Where a step with octets is, looked for from anywhere on. */
function anyOctets(random: Random, steps: readonly (Octets | Action)[]): number {
  const from = place(random, steps);
  const at = steps.findIndex((step, i) => i >= from && isOctets(step));
  return at >= 0 ? at : steps.findIndex(isOctets);
}

/** Other pieces, the same octets; unless it is forbidden, some come later than they should. */
export function chop<A extends Action>(random: Random, steps: Steps<A>, mayDelay = true): Steps<A> {
  const share = random.pick([0, 0, 30, 100]);
  const most = random.pick([1, 3, 3, 40]);
  const together = mayDelay ? random.pick([0, 0, 20, 80]) : 0;
  if (share === 0 && together === 0) return steps;
  return steps.map((step) => {
    if (!isOctets(step)) return step;
    const count = random.percent(share) ? random.between(1, most) : 0;
    const cuts = Array.from({ length: count }, () => random.between(1, step.octets.length));
    return { ...step, cuts: cuts.sort((a, b) => a - b), hold: random.percent(together) };
  });
}

/** What else may answer, or ask, on a port. */
const GREETINGS: readonly string[] = [
  "AMQP\0\0\x09\x01",
  "AMQP\x03\x01\0\0",
  "AMQP\0\x01\0\0",
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  "\x16\x03\x01\x02\0",
];
