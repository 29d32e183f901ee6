/**
 * What came and what is expected, brought together.
 *
 * What came is taken in its order. Expectations that wait at the same time are asked in the order in
 * which they were made, and the first one that wants a thing gets it; if none does, all of them fail
 * at once. Whether a thing that is already there is wanted is decided one turn of the event loop
 * later, so that expectations which are made together are there together.
 */
import { type Expectation, hint, type Verdict } from "./expectation.ts";
import type { Received } from "./received.ts";
import { show } from "./show.ts";
import type { Transcript } from "./transcript.ts";

/**
 * The script and what happened are not the same. The message has what was waited for, what came
 * instead, and the conversation up to there.
 */
export class ScriptError extends Error {
  /** What was waited for, in words. */
  readonly waitedFor: string;
  /** What came instead, in words; undefined if nothing did. */
  readonly came: string | undefined;
  /** The conversation, one line for each thing that was sent or came. */
  readonly transcript: string;

  constructor(message: string, waitedFor: string, came: string | undefined, transcript: string) {
    super(`${message}\nThe conversation (<- came, -> was sent):\n${transcript}`);
    this.waitedFor = waitedFor;
    this.came = came;
    this.transcript = transcript;
  }

  override get name(): string {
    return "ScriptError";
  }
}

interface Waiting {
  readonly expectation: Expectation<unknown>;
  readonly timer: NodeJS.Timeout;
  readonly site: { readonly stack?: string };
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The receiving half of a scripted peer. */
export class Inbox {
  readonly #received: Received[] = [];
  readonly #transcript: Transcript;
  /** Octets that are no whole frame yet, in words; empty if there are none. */
  readonly #unfinished: () => string;
  #waiting: Waiting[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(transcript: Transcript, unfinished: () => string) {
    this.#transcript = transcript;
    this.#unfinished = unfinished;
  }

  /** What came and nobody has asked for yet; heartbeats and the end do not count. */
  get unexpected(): readonly Received[] {
    return this.#received.filter(({ kind }) => kind !== "heartbeat" && kind !== "end");
  }

  /** Takes what came. */
  add(received: Received): void {
    this.#transcript.received(received);
    this.#received.push(received);
    // What waits is asked at once; what came before and was left is for a later turn.
    if (this.#turn === undefined) this.#match();
  }

  /** Waits for something; `site` has the stack of whoever asked. */
  expect<T>(expectation: Expectation<T>, timeoutMs: number, site: { stack?: string }): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => this.#timeOut(waiting, timeoutMs), timeoutMs);
      const waiting: Waiting = {
        expectation,
        timer,
        site,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      this.#waiting.push(waiting);
      this.#turn ??= setImmediate(() => {
        this.#turn = undefined;
        this.#match();
      });
    });
  }

  /** Ends all waiting. */
  close(): void {
    this.#failAll("the peer was closed", undefined);
    clearImmediate(this.#turn);
  }

  #match(): void {
    while (this.#waiting.length > 0) {
      const received = this.#received[0];
      if (received === undefined) return;
      // The end stays: whoever waits for something after it need not wait in vain.
      if (received.kind !== "end") this.#received.shift();
      this.#offer(received);
    }
  }

  #offer(received: Received): void {
    const reasons: string[] = [];
    for (const waiting of this.#waiting) {
      const verdict: Verdict<unknown> = waiting.expectation.judge(received);
      switch (verdict.verdict) {
        case "no":
          if (verdict.why !== undefined) reasons.push(verdict.why);
          continue;
        case "more":
          return;
        case "wrong":
          this.#settle(waiting);
          this.#fail(waiting, `this came, and it is wrong: ${verdict.why}:`, received);
          return;
        case "met":
          if (verdict.rest !== undefined) this.#received.unshift(verdict.rest);
          this.#settle(waiting);
          waiting.resolve(verdict.value);
          return;
      }
    }
    if (received.kind === "heartbeat") return; // they come when they come
    const because = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
    this.#failAll(`this came${because}:`, received);
  }

  #settle(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
  }

  #timeOut(waiting: Waiting, timeoutMs: number): void {
    this.#settle(waiting);
    const others = this.#waiting.length === 0 ? "" : `; waited for as well:${this.#inWords()}`;
    this.#fail(waiting, `nothing came in ${timeoutMs} ms${others}`);
  }

  #failAll(message: string, received: Received | undefined): void {
    for (const waiting of this.#waiting.splice(0)) {
      clearTimeout(waiting.timer);
      this.#fail(waiting, message, received);
    }
  }

  #inWords(): string {
    return this.#waiting.map(({ expectation }) => ` ${expectation.what}`).join(",");
  }

  #fail({ expectation, site, reject }: Waiting, message: string, received?: Received): void {
    const came = received === undefined ? undefined : show(received);
    const instead = came === undefined ? "" : `\n  ${came}${hint(received as Received)}`;
    const error = new ScriptError(
      `waited for ${expectation.what}, and ${message}${instead}`,
      expectation.what,
      came,
      `${this.#transcript}${this.#unfinished()}`,
    );
    // Where the script waited says more than where the frame came in.
    const frames = site.stack?.replace(/^Error.*\n/, "");
    if (frames !== undefined) error.stack = `${error.name}: ${error.message}\n${frames}`;
    reject(error);
  }
}
