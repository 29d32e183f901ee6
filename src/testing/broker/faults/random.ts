/**
 * Random numbers that come again: the same seeds give the same numbers, so that what a fault did by
 * chance in a failing test can be had once more. The generator is mulberry32: 32 bits of state, good
 * enough to shuffle confirms and cut octets, and of no use for secrets.
 */
import { randomInt } from "node:crypto";
import { UsageError } from "../../../errors.ts";

/** A row of random numbers. */
export class SeededRandom {
  #state = 0x9e3779b9;

  /** All seeds count, in their order; each is taken as 32 bits. */
  constructor(...seeds: readonly number[]) {
    for (const seed of seeds) {
      this.#state = (this.#state ^ seed) | 0;
      this.#state = Math.floor(this.next() * 2 ** 32) | 0;
    }
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True as often as false. */
  coin(): boolean {
    return this.next() < 0.5;
  }

  /** A copy in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }
}

/** The seed that was asked for, or any; `UsageError` if it is none. */
export function seedOf(seed: number | undefined): number {
  if (seed === undefined) return randomInt(2 ** 32);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new UsageError(`seed is ${seed}; it must be an integer from 0 to ${2 ** 32 - 1}`);
}
