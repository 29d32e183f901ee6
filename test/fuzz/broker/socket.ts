/** A socket of the embedded broker without a network: what the broker uses of one, and no more. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { check } from "../fault.ts";

/** The broker's end of a connection; the fuzzer has the other in its hands. */
export class FakeSocket extends EventEmitter {
  writable = true;
  destroyed = false;
  /** Whether the client reads nothing, so that everything written has to wait. */
  stalled = false;
  /** Octets written since the client stopped reading. */
  waiting = 0;
  readonly #onWrite: (octets: Uint8Array) => void;
  #paused = false;
  #incoming: Uint8Array[] = [];
  #corked: Uint8Array[] | undefined;

  constructor(onWrite: (octets: Uint8Array) => void) {
    super();
    this.#onWrite = onWrite;
  }

  /** What the broker takes for a socket. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get writableNeedDrain(): boolean {
    return this.stalled && this.waiting > 0;
  }

  /** Whether what arrives is read. */
  get takesInput(): boolean {
    return !this.#paused;
  }

  /** Octets of the client arrive, unless the broker does not want any. */
  arrive(octets: Uint8Array): void {
    this.#incoming.push(octets);
    this.#deliver();
  }

  /** The client reads again. */
  drain(): void {
    const wanted = this.writableNeedDrain;
    this.stalled = false;
    this.waiting = 0;
    if (wanted && !this.destroyed) this.emit("drain");
    this.#deliver();
  }

  /** The connection is gone, whoever ended it. */
  hangUp(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.writable = false;
    this.emit("close");
  }

  setNoDelay(): void {}

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const pieces = this.#corked ?? [];
    this.#corked = undefined;
    const octets = Buffer.concat(pieces);
    if (octets.length === 0) return;
    if (this.stalled) this.waiting += octets.length;
    this.#onWrite(octets);
  }

  write(octets: Uint8Array): boolean {
    check(this.writable, "the broker writes after the end");
    check(this.#corked !== undefined, "the broker writes piece by piece");
    this.#corked.push(octets);
    return !this.stalled;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(): void {
    this.writable = false;
  }

  destroy(): void {
    this.hangUp();
  }

  #deliver(): void {
    while (!this.#paused && !this.destroyed) {
      const octets = this.#incoming.shift();
      if (octets === undefined) return;
      this.emit("data", octets);
    }
  }
}
