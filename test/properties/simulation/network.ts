/**
 * The stream between client and broker, in memory, where every octet waits until the schedule moves
 * it, and which can be cut anywhere.
 *
 *     client --write--> [buffered] --accept--> [upstream] --read--> broker
 *     client <--deliver-- [downstream] <-------------------------- broker
 */
import type { Transport, TransportHandler } from "../../../src/transport/transport.ts";
import type { Entry } from "./transcript.ts";

/** The transport of the client, and its other end. */
export class Network implements Transport {
  readonly #record: (entry: Entry) => void;
  #handler: TransportHandler | undefined;
  #buffered = new Octets();
  #upstream = new Octets();
  #downstream = new Octets();
  #saidLast = false;
  #destroyed = false;
  /** Nothing arrives at the client any more, and the client has been told. */
  closed = false;
  /** Octets stay in the client's buffer until {@link Network.accept}, else until the turn ends. */
  slow = false;
  #weight = 1;

  constructor(record: (entry: Entry) => void) {
    this.#record = record;
  }

  // ----- what the client sees -----

  get bufferedBytes(): number {
    return this.#buffered.length * this.#weight;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  write(pieces: readonly Uint8Array[]): void {
    if (this.#saidLast || this.#destroyed || this.closed) {
      this.#record({ what: "mistake", text: "something was written after the end" });
    }
    const octets = new Uint8Array(Buffer.concat(pieces));
    this.#record({ what: "wrote", octets, bufferedBytes: this.bufferedBytes });
    this.#buffered.push(octets);
  }

  end(): void {
    if (this.#saidLast) return;
    this.#saidLast = true;
    this.#record({ what: "ended" });
  }

  destroy(): void {
    if (this.#destroyed || this.closed) return;
    this.#destroyed = true;
    this.#record({ what: "destroyed" });
  }

  ref(): void {}

  unref(): void {}

  // ----- what the schedule does -----

  /** The broker says something. */
  say(octets: Uint8Array): void {
    this.#downstream.push(octets);
  }

  /** Changes how octets move, and lets each that is buffered count as if it were `weight`. */
  change(slow: boolean, weight: number): void {
    this.slow = slow;
    this.#weight = weight;
    this.#flushed();
  }

  /** The operating system takes octets from the client's buffer. */
  accept(length: number): boolean {
    if (this.closed || this.#destroyed) return false;
    const octets = this.#buffered.take(length);
    if (octets.length === 0) return false;
    this.#upstream.push(octets);
    this.#flushed();
    return true;
  }

  /** The broker reads. */
  read(length: number): Uint8Array {
    return this.#upstream.take(length);
  }

  /** The client is given octets, which are its own only until it returns. */
  deliver(length: number): void {
    if (this.closed || this.#destroyed) return;
    const octets = this.#downstream.take(length);
    if (octets.length === 0) return;
    this.#record({ what: "delivered", octets: octets.slice() });
    this.#handler?.data(octets);
    octets.fill(0xa5);
  }

  /** The stream ends for the client, whatever is on its way. */
  cut(cause: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#record({ what: "stream closed" });
    this.#handler?.closed(cause);
  }

  /** What happens by itself when a turn ends; whether anything did. */
  settle(): boolean {
    if (this.#destroyed && !this.closed) {
      this.cut(undefined);
      return true;
    }
    return this.slow ? false : this.accept(Number.POSITIVE_INFINITY);
  }

  /** Octets that could be delivered now. */
  get undelivered(): number {
    return this.closed || this.#destroyed ? 0 : this.#downstream.length;
  }

  #flushed(): void {
    if (this.closed || this.#destroyed) return;
    this.#record({ what: "flushed", bufferedBytes: this.bufferedBytes });
    this.#handler?.flushed();
  }
}

const NO_OCTETS: Uint8Array = new Uint8Array(0);

class Octets {
  #octets: Uint8Array = NO_OCTETS;

  get length(): number {
    return this.#octets.length;
  }

  push(octets: Uint8Array): void {
    this.#octets =
      this.#octets.length === 0
        ? octets.slice()
        : new Uint8Array(Buffer.concat([this.#octets, octets]));
  }

  take(length: number): Uint8Array {
    if (length === 0 || this.#octets.length === 0) return NO_OCTETS;
    const taken = this.#octets.slice(0, length);
    this.#octets = this.#octets.subarray(length);
    return taken;
  }
}
