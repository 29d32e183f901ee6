/**
 * The heartbeat clock of one connection. The negotiated interval is a timeout: each side sends
 * something at least every half of it, and takes the other for dead after two of it in silence.
 * Any traffic counts (rabbitmq.com/docs/heartbeats; the specification's section 4.2.7).
 *
 * A program that was busy for longer than the interval has not read what the peer sent meanwhile.
 * So silence is first only suspected: the socket is read for a moment more, and a peer that has
 * said anything is cleared.
 */

/** What there is to do when the clock rings. */
export type HeartbeatAction = "send" | "lost" | "none";

/** Knows when to send a heartbeat and when to give the peer up; times are in milliseconds. */
export class HeartbeatClock {
  readonly #intervalMs: number;
  #lastSent: number;
  #lastReceived: number;
  #suspectUntil: number | undefined;
  #watching = false;

  /** `intervalSeconds` is what was negotiated; 0 means that there are no heartbeats. */
  constructor(intervalSeconds: number, now: number) {
    this.#intervalMs = intervalSeconds * 1000;
    this.#lastSent = now;
    this.#lastReceived = now;
  }

  /** Something was written. */
  sent(now: number): void {
    this.#lastSent = now;
  }

  /** Something was read. */
  received(now: number): void {
    this.#lastReceived = now;
    this.#suspectUntil = undefined;
  }

  /** Begins to watch the peer: the handshake has a deadline of its own (errata, section 13). */
  watch(now: number): void {
    this.#watching = true;
    this.#lastReceived = now;
  }

  /** When {@link HeartbeatClock.ring} is due; undefined where there are no heartbeats. */
  nextTimeout(): number | undefined {
    if (this.#intervalMs === 0) return undefined;
    const send = this.#lastSent + this.#intervalMs / 2;
    return this.#watching ? Math.min(send, this.#suspectUntil ?? this.#silentAt) : send;
  }

  /** Tells what to do now. */
  ring(now: number): HeartbeatAction {
    if (this.#intervalMs === 0) return "none";
    if (this.#suspectUntil !== undefined) {
      if (now >= this.#suspectUntil) return "lost";
    } else if (this.#watching && now >= this.#silentAt) {
      this.#suspectUntil = now + LAST_LOOK_MS;
    }
    return now >= this.#lastSent + this.#intervalMs / 2 ? "send" : "none";
  }

  get #silentAt(): number {
    return this.#lastReceived + 2 * this.#intervalMs;
  }
}

/** How much longer the socket is read before a silent peer is given up, in milliseconds. */
export const LAST_LOOK_MS = 250;
