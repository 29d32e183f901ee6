/** Counts what happened in a run: connections lost, alarms, kills. A fault that did not happen proves nothing. */
export class Happenings {
  readonly #counts: Map<string, number> = new Map();

  /** It happened once more. */
  count(what: string): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  /** How often it happened. */
  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Everything that happened, with its number, in the order of the first time. */
  entries(): readonly (readonly [what: string, times: number])[] {
    return [...this.#counts];
  }
}
