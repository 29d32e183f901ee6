/** Deadlines, and the heartbeats of both sides. */
import type { Docket } from "./docket.ts";
import type { Ends } from "./ends.ts";

/** Hears of the time. */
export class Time {
  readonly #docket: Docket;
  readonly #ends: Ends;
  #heartbeatMs = 0;
  #lastWritten = 0;
  #lastDelivered = 0;
  /** When the silence was first long enough to be noticed. */
  #suspected: number | undefined;

  constructor(docket: Docket, ends: Ends) {
    this.#docket = docket;
    this.#ends = ends;
  }

  tunes(heartbeatSeconds: number): void {
    this.#heartbeatMs = heartbeatSeconds * 1000;
  }

  wrote(): void {
    this.#lastWritten = this.#docket.now;
  }

  delivered(): void {
    this.#lastDelivered = this.#docket.now;
    this.#suspected = undefined;
  }

  passes(now: number): void {
    const docket = this.#docket;
    docket.now = now;
    const silence = now - this.#lastDelivered;
    if (this.#heartbeatMs > 0 && silence >= 2 * this.#heartbeatMs) this.#suspected ??= now;
    if (docket.isDead) return;
    if (docket.blockedAt === undefined) {
      for (const each of docket.cases) {
        const over = each.due !== undefined && docket.activeTime >= each.due;
        if (over && each.member.opening.kind === "publisher") {
          docket.end(each, "its deadline", "unknown", "unknown");
        }
      }
    }
    this.#ends.expire();
  }

  /** The client ends the stream: for a reason that was heard, or because of silence. */
  hungUp(): void {
    const docket = this.#docket;
    if (docket.isDead) return;
    const silence = docket.now - this.#lastDelivered;
    // The silence must have been noticed before, and the socket read once more since then.
    const sure = this.#suspected !== undefined && this.#suspected < docket.now;
    if (this.#heartbeatMs === 0 || !sure) {
      docket.problem(`the client hung up after ${silence} ms of silence`);
    }
    this.#ends.die("silence", ["ConnectionLostError"]);
  }

  quiet(): void {
    const docket = this.#docket;
    if (this.#heartbeatMs === 0 || docket.isDead) return;
    if (docket.now - this.#lastWritten > this.#heartbeatMs / 2) {
      docket.problem("the client should have sent a heartbeat");
    }
    if (this.#suspected !== undefined && docket.now - this.#suspected > LAST_LOOK_MS) {
      docket.problem("the client should have given up the silent broker");
    }
  }
}

/** How long a client may take for its last look at the socket. */
const LAST_LOOK_MS = 1000;
