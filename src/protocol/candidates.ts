/** Publications in the order of their tags, of which any may be let go of at any time. */
import type { BasicProperties } from "../wire/generated/properties.ts";
import { Fifo } from "./fifo.ts";
import type { Publication } from "./publication.ts";

/** A publication that still has its message. */
export type Held = Publication & {
  readonly body: Uint8Array | string;
  readonly properties: BasicProperties;
};

/** Those of some publications that still have their message: their confirm has not arrived. */
export class Candidates {
  #list = new Fifo<Publication>();
  #removed = 0;

  /** The one with the lowest tag. */
  get first(): Publication | undefined {
    return this.#list.peek();
  }

  /** Adds one whose tag is above all others. */
  push(publication: Publication): void {
    this.#list.push(publication);
  }

  /** One of them has lost its message. Confirms mostly come in order, so it is at the front. */
  tidy(): void {
    while (this.#list.length > 0 && this.#list.peek()?.body === undefined) this.#list.shift();
    this.#removed++;
    if (this.#removed <= this.#list.length / 2 + GAPS) return;
    const left = new Fifo<Publication>();
    for (const each of this) left.push(each);
    this.#list = left;
    this.#removed = 0;
  }

  /** The first one whose tag is above this. */
  firstAbove(tag: number): Publication | undefined {
    for (const each of this) if (each.deliveryTag > tag) return each;
    return undefined;
  }

  *[Symbol.iterator](): Generator<Held> {
    for (const each of this.#list) if (each.body !== undefined) yield each as Held;
  }
}

/** So many gaps behind one that stays open are not worth closing. */
const GAPS = 64;
