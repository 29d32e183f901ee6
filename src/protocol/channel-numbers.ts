/** Channel numbers, 1 to channel-max: the lowest that was never used, else the one freed first. */
import { Fifo } from "./fifo.ts";

/** Gives numbers out and takes them back; one is free again only after close-ok. */
export class ChannelNumbers {
  #freed: Fifo<number> | undefined;
  #neverUsed = 1;

  /** A number up to `channelMax`; undefined when all are in use. */
  take(channelMax: number): number | undefined {
    if (this.#neverUsed <= channelMax) return this.#neverUsed++;
    return this.#freed?.shift();
  }

  /** The number can be used again. */
  free(number: number): void {
    this.#freed ??= new Fifo();
    this.#freed.push(number);
  }
}
