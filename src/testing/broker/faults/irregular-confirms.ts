/**
 * The confirms of one channel once they are no longer sent at once and in order: some are late, some
 * never come, some come in another order. What stays true is that a confirm with `multiple` covers
 * nothing but messages that are due and have the same answer:
 *
 *     open     1   2   3   4   5   6        issued and not answered
 *     due      a   a       n   a            3 is held, 6 is late
 *
 *     ack 2 multiple, nack 4, ack 5         nothing from 3 on may be covered
 */
import type { BasicAck, BasicNack } from "../../../wire/generated/methods.ts";
import { type ConfirmStyle, PLAIN_CONFIRMS } from "./confirm-style.ts";
import type { SeededRandom } from "./random.ts";

/** How a message is answered. */
export type Answer = "ack" | "nack";

/** Confirms that wait, and their order. */
export class IrregularConfirms {
  readonly #random: SeededRandom;
  readonly #wake: () => void;
  /** Tags that were issued and are not answered, ascending. */
  readonly #open = new Set<number>();
  readonly #twice = new Set<number>();
  /** What is due, the longest first. */
  #waiting: Due[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `wake` is called when {@link IrregularConfirms.take} has something that it had not before. */
  constructor(random: SeededRandom, wake: () => void) {
    this.#random = random;
    this.#wake = wake;
  }

  /** Whether every message has its answer. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** Whether its channel is over, so that nobody can be told any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** A message has a tag. */
  issue(tag: number): void {
    this.#open.add(tag);
  }

  /** Its answer is known. */
  due(tag: number, answer: Answer): void {
    this.#waiting.push({ tag, answer, since: Date.now() });
  }

  /** Has what is due sent. */
  wake(): void {
    this.#wake();
  }

  /** It will be confirmed twice. */
  repeat(tag: number): void {
    this.#twice.add(tag);
  }

  /** What is to be sent now. */
  take(style: ConfirmStyle = PLAIN_CONFIRMS): (BasicAck | BasicNack)[] {
    const confirms: (BasicAck | BasicNack)[] = [];
    const { batch = this.#waiting.length, delayMs } = style;
    if (style.batch !== undefined || delayMs === 0) {
      while (this.#waiting.length > 0 && this.#waiting.length >= batch) {
        this.#answer(this.#waiting.splice(0, batch), style, confirms);
      }
    }
    const now = Date.now();
    const old = this.#waiting.splice(0, this.#overdue(style, now));
    this.#answer(old, style, confirms);
    this.#wait(delayMs, now);
    return confirms;
  }

  /** The channel is over. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  /** How many have waited long enough; with the oldest of a batch all of it has. */
  #overdue({ batch, delayMs }: ConfirmStyle, now: number): number {
    const { length } = this.#waiting;
    const late = this.#waiting.findIndex(({ since }) => since + delayMs > now);
    return late < 0 || (batch !== undefined && late > 0) ? length : late;
  }

  #wait(delayMs: number, now: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#timer = setTimeout(this.#wake, Math.max(first.since + delayMs - now, 1));
  }

  /** Answers a batch. */
  #answer(batch: readonly Due[], style: ConfirmStyle, confirms: (BasicAck | BasicNack)[]): void {
    const { shuffled, multiple } = style;
    const answers = new Map(batch.map(({ tag, answer }) => [tag, answer]));
    const sorted = [...batch].sort((a, b) => a.tag - b.tag);
    const order = shuffled ? this.#random.shuffled(sorted) : sorted;
    for (const { tag, answer } of order) {
      if (!this.#open.has(tag)) continue; // a confirm before covered it
      const wide = multiple === "random" ? this.#random.coin() : multiple;
      // In order, the last of those with the same answer speaks for them; else it is its turn.
      const upTo = wide ? this.#reach(answers, answer, shuffled ? tag : undefined) : 0;
      const covers = upTo >= tag;
      const settled = covers ? this.#settleUpTo(upTo) : this.#settle(tag);
      const deliveryTag = covers ? upTo : tag;
      const isMultiple = covers && (settled.length > 1 || multiple === "random");
      confirms.push(confirm(answer, deliveryTag, isMultiple));
      for (const each of settled) {
        if (this.#twice.delete(each)) confirms.push(confirm(answer, each, false));
      }
    }
  }

  /** Up to which tag, and not beyond `end`, everything open is due with the same answer. */
  #reach(answers: ReadonlyMap<number, Answer>, answer: Answer, end = Number.MAX_VALUE): number {
    let reach = 0;
    for (const tag of this.#open) {
      if (tag > end || answers.get(tag) !== answer) break;
      reach = tag;
    }
    return reach;
  }

  #settleUpTo(last: number): number[] {
    const settled: number[] = [];
    for (const tag of this.#open) {
      if (tag > last) break;
      settled.push(tag);
      this.#open.delete(tag);
    }
    return settled;
  }

  #settle(tag: number): number[] {
    this.#open.delete(tag);
    return [tag];
  }
}

interface Due {
  readonly tag: number;
  readonly answer: Answer;
  /** In milliseconds of Date.now(). */
  readonly since: number;
}

function confirm(answer: Answer, deliveryTag: number, multiple: boolean): BasicAck | BasicNack {
  return answer === "ack"
    ? { name: "basic.ack", deliveryTag, multiple }
    : { name: "basic.nack", deliveryTag, multiple, requeue: true };
}
