/** What both sides said, in order, kept for the message of the expectation that fails. */
import { FrameReader } from "./frame-reader.ts";
import { hexOf } from "./octets.ts";
import type { Received } from "./received.ts";
import { plural, show } from "./show.ts";

/** How many lines are kept: the last ones tell what went wrong. */
const MOST_LINES = 200;

/** From how many octets on an entry is written out at once, so as not to hold them. */
const LARGE = 4096;

/** The conversation in lines, the latest ones last. */
export class Transcript {
  readonly #lines: (string | (() => string))[] = [];
  readonly #since = performance.now();
  #dropped = 0;

  /** Notes what came. */
  received(received: Received): void {
    this.#note("<-", () => show(received), received.octets.length);
  }

  /** Notes what was sent; frames are named, other octets are given in hex. */
  sent(octets: Uint8Array, how = ""): void {
    this.#note("->", () => `${showSent(octets)}${how}`, octets.length);
  }

  /** Notes what this side did that is not octets. */
  did(what: string): void {
    this.#note("--", () => what, 0);
  }

  /** All of it, one line each. */
  toString(): string {
    const lines = this.#lines.map((line) => (typeof line === "string" ? line : line()));
    if (this.#dropped > 0) lines.unshift(`   (${plural(this.#dropped, "line")} before)`);
    return lines.length === 0 ? "   (nothing)" : lines.join("\n");
  }

  #note(arrow: string, what: () => string, octets: number): void {
    const at = `+${Math.round(performance.now() - this.#since)} ms`.padStart(9);
    const line = (): string => `${at}  ${arrow} ${what().replaceAll("\n", `\n${" ".repeat(14)}`)}`;
    this.#lines.push(octets > LARGE ? line() : line);
    if (this.#lines.length > 2 * MOST_LINES) {
      this.#dropped += this.#lines.splice(0, MOST_LINES).length;
    }
  }
}

function showSent(octets: Uint8Array): string {
  const reader = new FrameReader();
  const lines = reader.push(octets).map(show);
  const { rest } = reader;
  if (rest.length > 0) lines.push(`no whole frame: ${hexOf(rest, 64)}`);
  return lines.length === 0 ? "no octets" : lines.join("\n");
}
