/**
 * What a run consists of: a list of steps, which are data. Octets arrive, or something else happens
 * that the target knows how to do. A run can so be printed, read again and made smaller without
 * knowing what its steps mean.
 */
import { concat } from "../wire/octets.ts";

/** Octets of the peer. */
export interface Octets {
  readonly do: "octets";
  readonly octets: Uint8Array;
  /** What they were before they were changed, if they were. */
  readonly was?: Uint8Array;
  /** Whose, where there are several. */
  readonly who?: number;
  /** Where they are cut into pieces that arrive one by one. */
  readonly cuts?: readonly number[];
  /** Whether the last piece arrives with those that come next. */
  readonly hold?: boolean;
}

/** Anything else: a name and plain arguments. */
export interface Action {
  readonly do: string;
}

/** The steps of a run. */
export type Steps<A extends Action = Action> = readonly (Octets | A)[];

/** Whether it is octets that arrive. */
export function isOctets(step: Action): step is Octets {
  return step.do === "octets";
}

/** Puts octets that were held back together with what follows, and cuts them into pieces. */
export class Pieces {
  #held: Uint8Array[] = [];

  /** The pieces that arrive with this step. */
  cut({ octets, cuts = [], hold = false }: Octets): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let from = 0;
    for (const cut of cuts) {
      if (cut <= from || cut > octets.length) continue;
      this.#held.push(octets.subarray(from, cut));
      pieces.push(this.#takeHeld());
      from = cut;
    }
    this.#held.push(octets.subarray(from));
    if (!hold) pieces.push(this.#takeHeld());
    return pieces;
  }

  /** What was held back until the end. */
  flush(): Uint8Array[] {
    const rest = this.#takeHeld();
    return rest.length === 0 ? [] : [rest];
  }

  #takeHeld(): Uint8Array {
    const piece = concat(...this.#held);
    this.#held = [];
    return piece;
  }
}

/** The steps as text, one in a line; the octets in hexadecimal digits. */
export function printSteps(steps: Steps): string {
  const lines = steps.map((step) => {
    if (!isOctets(step)) return JSON.stringify(step);
    const { was: _, octets, ...rest } = step;
    return JSON.stringify({ ...rest, octets: Buffer.from(octets).toString("hex") });
  });
  return lines.join("\n");
}

/** The steps in a text that was printed. */
export function parseSteps(text: string): Steps {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const step = JSON.parse(line) as Action;
      if (!isOctets(step)) return step;
      return { ...step, octets: new Uint8Array(Buffer.from(String(step.octets), "hex")) };
    });
}
