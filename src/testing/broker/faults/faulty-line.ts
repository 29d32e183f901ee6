/**
 * What a broker writes to one client, on its way through a line that is slow, silent, broken in
 * pieces, or cut. Everything passes in order; a fault only says when and in which pieces.
 */
import type { Duplex } from "node:stream";
import type { CutKind } from "./points.ts";

/** What one fault does to a line. */
export interface LineRule {
  /** Nothing passes. */
  readonly silent?: boolean | undefined;
  /** By how many milliseconds what is written now is late. */
  readonly delayMs?: (() => number) | undefined;
  /** How many octets the next write to the socket has at most; each is a turn of its own. */
  readonly pieceSize?: (() => number) | undefined;
  /** Something was written under this rule. */
  readonly used?: (() => void) | undefined;
}

/** What the line needs of its connection. */
export interface LineHost {
  /** The octet where the line is to be cut has passed. */
  cut(kind: CutKind): void;
  /** What could not pass at once has passed: there is room for more. */
  drained(): void;
}

/** The way from the broker to one socket. */
export class FaultyLine {
  readonly #socket: Duplex;
  readonly #host: LineHost;
  readonly #rules = new Set<LineRule>();
  #queue: Piece[] = [];
  #length = 0;
  /** Octets that were ever given to this line, and those that passed. */
  #given = 0;
  #passed = 0;
  #cuts: Cut[] = [];
  #ending = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #waitsForDrain = false;
  #writing = false;

  constructor(socket: Duplex, host: LineHost) {
    this.#socket = socket;
    this.#host = host;
  }

  /** How many octets are under way. */
  get length(): number {
    return this.#length;
  }

  /** Whether it does nothing that a socket alone would not do; one that was cut never is again. */
  get idle(): boolean {
    if (this.#stopped) return false;
    return this.#length === 0 && this.#rules.size === 0 && this.#cuts.length === 0;
  }

  /** How many octets were ever given to this line. */
  get given(): number {
    return this.#given;
  }

  /** One fault more. */
  add(rule: LineRule): void {
    this.#rules.add(rule);
  }

  /** One fault less; what it held back goes on. */
  remove(rule: LineRule): void {
    if (!this.#rules.delete(rule) || this.#stopped) return;
    // What is late because of it need not be late any more.
    if (rule.delayMs !== undefined) for (const piece of this.#queue) piece.dueAt = 0;
    this.#pass();
  }

  /**
   * Cuts the line after so many octets that were ever given to it. `strikes` is asked when they have
   * passed, and has the last word.
   */
  cutAt(octets: number, strikes: () => CutKind | undefined): void {
    this.#cuts.push({ octets, strikes });
    this.#cuts.sort((a, b) => a.octets - b.octets);
  }

  /** Takes octets. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#stopped) return;
    this.#writing = true;
    let dueAt = 0;
    for (const { delayMs, used } of this.#rules) {
      if (delayMs !== undefined) dueAt = Math.max(dueAt, Date.now()) + delayMs();
      used?.();
    }
    this.#queue.push({ bytes, dueAt });
    this.#length += bytes.length;
    this.#given += bytes.length;
    this.#pass();
    this.#writing = false;
  }

  /** Ends the socket when all has passed. */
  end(): void {
    this.#ending = true;
    this.#pass();
  }

  /** Lets everything pass at once, unless nothing may; nothing passes after that. */
  finish(): void {
    const silent = [...this.#rules].some((rule) => rule.silent === true);
    const left = silent || !this.#socket.writable ? [] : this.#queue;
    for (const { bytes } of left) this.#socket.write(bytes);
    this.stop();
  }

  /** Nothing passes any more. */
  stop(): void {
    this.#stopped = true;
    this.#rest();
    this.#queue = [];
    this.#length = 0;
    this.#cuts = [];
  }

  #pass(): void {
    if (this.#stopped || this.#waitsForDrain || this.#turn !== undefined) return;
    this.#rest();
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined) break;
      if ([...this.#rules].some(({ silent }) => silent === true)) return;
      const wait = first.dueAt - Date.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#pass(), wait);
        return;
      }
      if (this.#socket.writableNeedDrain) return this.#waitForDrain();
      const size = this.#nextSize(first);
      const isPiece = size < first.bytes.length || this.#pieceRule() !== undefined;
      this.#let(first, size);
      if (this.#cutHere()) return;
      if (isPiece && this.#queue.length > 0) {
        this.#turn = setImmediate(() => {
          this.#turn = undefined;
          this.#pass();
        });
        return;
      }
    }
    if (this.#ending) this.#socket.end();
    else if (!this.#writing) this.#host.drained();
  }

  /** Lets so many octets of the first piece pass. */
  #let(first: Piece, size: number): void {
    if (this.#socket.writable) this.#socket.write(first.bytes.subarray(0, size));
    this.#passed += size;
    this.#length -= size;
    if (size === first.bytes.length) this.#queue.shift();
    else first.bytes = first.bytes.subarray(size);
  }

  #nextSize({ bytes }: Piece): number {
    const size = this.#pieceRule()?.() ?? bytes.length;
    const [cut] = this.#cuts;
    const left = cut === undefined ? bytes.length : cut.octets - this.#passed;
    return Math.max(1, Math.min(size, bytes.length, left));
  }

  #pieceRule(): (() => number) | undefined {
    for (const { pieceSize } of this.#rules) if (pieceSize !== undefined) return pieceSize;
    return undefined;
  }

  #cutHere(): boolean {
    for (let cut = this.#cuts[0]; cut !== undefined; cut = this.#cuts[0]) {
      if (cut.octets > this.#passed) return false;
      this.#cuts.shift();
      const kind = cut.strikes();
      if (kind === undefined) continue;
      this.stop();
      this.#host.cut(kind);
      return true;
    }
    return false;
  }

  #waitForDrain(): void {
    this.#waitsForDrain = true;
    this.#socket.once("drain", () => {
      this.#waitsForDrain = false;
      this.#pass();
    });
  }

  #rest(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
  }
}

interface Piece {
  bytes: Uint8Array;
  /** In milliseconds of Date.now(); 0 is at once. */
  dueAt: number;
}

interface Cut {
  readonly octets: number;
  readonly strikes: () => CutKind | undefined;
}
