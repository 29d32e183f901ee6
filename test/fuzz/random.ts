/**
 * Chance that can be had again: the same seed gives the same numbers. A run of the fuzzer takes all
 * its choices from one of these, so that a seed and the number of a run are enough to repeat it.
 */
export class Random {
  #state: number;

  /** `seed` and `stream` are integers of 32 bits; each pair gives numbers of its own. */
  constructor(seed: number, stream = 0) {
    this.#state = scramble(seed ^ Math.imul(stream + 1, 0x9e3779b1));
  }

  /** 32 bits, unsigned. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return scramble(this.#state);
  }

  /** An integer from 0 up to and without `end`. */
  below(end: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * end);
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True so many times in a hundred. */
  percent(share: number): boolean {
    return this.below(100) < share;
  }

  /** One of these. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** One of these, as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let at = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      if (at < weight) return choice;
      at -= weight;
    }
    throw new Error("nothing to choose from");
  }

  /** So many random octets. */
  octets(length: number): Uint8Array {
    const octets = new Uint8Array(length);
    for (let i = 0; i < length; i++) octets[i] = this.next();
    return octets;
  }
}

/** The finalizer of MurmurHash3: every bit of the input reaches every bit of the output. */
function scramble(bits: number): number {
  let mixed = bits | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
