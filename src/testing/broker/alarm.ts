/** A timer that rings at a time of the clock, however far away, and can be set anew cheaply. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** When it rings, in milliseconds of Date.now(); Infinity is never. */
  get at(): number {
    return this.#at;
  }

  /** Rings at this time and not before; at any other time that was set it does not ring. */
  set(at: number): void {
    this.clear();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#at = at;
    this.#start();
  }

  /** Rings no more. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  #start(): void {
    const wait = Math.min(Math.max(this.#at - Date.now(), 0), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => {
      // A timer may end a little early, and cannot be set as far ahead as an expiration can be.
      if (Date.now() < this.#at) return this.#start();
      this.clear();
      this.#ring();
    }, wait);
  }
}

/** The most that setTimeout() takes. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
