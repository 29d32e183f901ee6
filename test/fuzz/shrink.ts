/**
 * Makes the steps of a failed run as few and as short as they can be without losing the failure:
 * steps are left out, first many at once and then one by one; changes to frames are taken back;
 * pieces are joined; octets are cut off.
 */
import { emptied } from "./octets/mutate.ts";
import { type Action, isOctets, type Octets, type Steps } from "./steps.ts";

/** The smallest steps found that still fail, within so many attempts. */
export function shrink(steps: Steps, fails: (steps: Steps) => boolean, most = 1500): Steps {
  let smallest = steps;
  let attempts = 0;
  const attempt = (candidate: Steps): boolean => {
    if (++attempts > most || !fails(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let before = Number.POSITIVE_INFINITY; sizeOf(smallest) < before; ) {
    before = sizeOf(smallest);
    leaveOutSteps(() => smallest, attempt);
    simplifySteps(() => smallest, attempt);
  }
  return smallest;
}

type Attempt = (candidate: Steps) => boolean;

function leaveOutSteps(current: () => Steps, attempt: Attempt): void {
  for (let count = current().length; count >= 1; count = Math.floor(count / 2)) {
    for (let at = current().length - count; at >= 0; at -= count) {
      attempt(current().toSpliced(at, count));
    }
  }
}

function simplifySteps(current: () => Steps, attempt: Attempt): void {
  for (let at = current().length - 1; at >= 0; at--) {
    for (const simplify of SIMPLER) {
      for (let goesOn = true; goesOn; ) {
        const step = current()[at];
        if (step === undefined || !isOctets(step)) break;
        goesOn = simplify(step).some((simpler) => attempt(current().with(at, simpler)));
      }
    }
  }
}

/** Ways to make a step simpler, each with the boldest attempt first. */
const SIMPLER: readonly ((step: Octets) => (Octets | Action)[])[] = [
  ({ was, ...step }) => (was === undefined ? [] : [{ ...step, octets: was }]),
  ({ hold, ...step }) => (hold ? [step] : []),
  ({ cuts, ...step }) => {
    if (cuts === undefined) return [];
    const halves = cuts.length > 1 ? [cuts.slice(0, cuts.length >> 1), cuts.slice(1)] : [];
    return [step, ...halves.map((some) => ({ ...step, cuts: some }))];
  },
  (step) => emptied(step.octets).map((octets) => withOctets(step, octets)),
  (step) => {
    const { length } = step.octets;
    const shares = [length >> 1, length >> 2, 1].filter((count) => count > 0);
    return shares.map((count) => withOctets(step, step.octets.slice(0, length - count)));
  },
  (step) => {
    const nonZero = step.octets.findLastIndex((octet) => octet !== 0);
    if (nonZero < 0 || step.octets.length > MOST_ZEROED) return [];
    return [...step.octets.keys()].reverse().flatMap((at) => {
      if (step.octets[at] === 0) return [];
      return [withOctets(step, step.octets.with(at, 0))];
    });
  },
];

/** Longer octets are not zeroed one by one. */
const MOST_ZEROED = 64;

function withOctets({ was: _, ...step }: Octets, octets: Uint8Array): Octets {
  return { ...step, octets };
}

/** Strictly less with every attempt that succeeds, so shrinking comes to an end. */
function sizeOf(steps: Steps): number {
  let size = 0;
  for (const step of steps) {
    size += 1000;
    if (!isOctets(step)) continue;
    size += 10 * step.octets.length + (step.cuts?.length ?? 0) + (step.hold ? 1 : 0);
    for (const octet of step.octets) if (octet !== 0) size++;
    if (step.was !== undefined) size += 100;
  }
  return size;
}
