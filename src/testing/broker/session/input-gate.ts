/**
 * Whether a connection reads. There can be several reasons not to, and all must be gone before it
 * does again: the client does not read what was written, the connection is blocked, a fault.
 */
import type { Duplex } from "node:stream";

/** What lets a socket's input in. */
export class InputGate {
  readonly #socket: Duplex;
  readonly #catchUp: () => void;
  readonly #reasons = new Set<object>();

  /** `catchUp` handles what was read before the gate closed. */
  constructor(socket: Duplex, catchUp: () => void) {
    this.#socket = socket;
    this.#catchUp = catchUp;
  }

  /** Whether nothing is read. */
  get closed(): boolean {
    return this.#reasons.size > 0;
  }

  /** Reads nothing. */
  close(reason: object): void {
    this.#reasons.add(reason);
    this.#socket.pause();
  }

  /** One reason less; with the last one, it reads again. */
  open(reason: object): void {
    if (!this.#reasons.delete(reason) || this.closed) return;
    this.#catchUp();
    if (!this.closed) this.#socket.resume();
  }
}
