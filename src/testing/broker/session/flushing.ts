/**
 * When what a session gathered is written: at the end of the turn in which it was caused, as long as
 * the socket takes it; and what happens meanwhile with deliveries for which there is no room.
 */
import type { InputGate } from "./input-gate.ts";
import { OUTPUT_LIMIT } from "./limits.ts";
import type { SessionOutput } from "./output.ts";

/** What happens around a write. */
export interface FlushingHost {
  /** Something is written. */
  sent(): void;
  /** There is room for deliveries again. */
  deliver(): void;
  /** Everything is written that could be. */
  flushed(): void;
}

/** Writes in time. */
export class Flushing {
  /** Whether frames are being handled: what they cause goes out when they are done. */
  working = false;
  readonly #output: SessionOutput;
  readonly #gate: InputGate;
  readonly #host: FlushingHost;
  #soon = false;
  /** Whether a consumer could not be given a message because of what waits to be written. */
  #owesDeliveries = false;

  constructor(output: SessionOutput, gate: InputGate, host: FlushingHost) {
    this.#output = output;
    this.#gate = gate;
    this.#host = host;
  }

  /** Whether there is room for a delivery; if not, the host is asked to deliver when there is. */
  get takesDeliveries(): boolean {
    if (this.#output.length <= OUTPUT_LIMIT) return true;
    this.#owesDeliveries = true;
    return false;
  }

  /** Writes what there is; false if so much waits then that input must wait too. */
  now(): boolean {
    if (this.#output.gathered > 0) this.#host.sent();
    const hasRoom = this.#output.flush();
    if (!hasRoom) this.#gate.close(this.#output);
    return hasRoom;
  }

  /** Writes, and goes on with deliveries for which there was no room, until the socket is full. */
  all(): void {
    this.now();
    while (this.#owesDeliveries && this.#output.length <= OUTPUT_LIMIT) {
      this.#owesDeliveries = false;
      this.working = true;
      this.#host.deliver();
      this.working = false;
      this.now();
    }
    this.#host.flushed();
  }

  /** Something was written while others worked: it goes out when they are done. */
  soon(): void {
    if (this.working || this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      this.all();
    });
  }

  /** The socket takes more: goes on with what waits, then with the frames that a stall left. */
  resume(): void {
    this.all();
    if (this.#output.hasRoom) this.#gate.open(this.#output);
  }
}
