/**
 * The one place where octets, time and promises meet: it moves octets between a transport and a
 * connection's machine, wakes the machine when it wants to be woken, and hands its events on.
 *
 * Output is written once in a turn of the event loop: a thousand publishes in a loop are one
 * write. The first write after something was read hurries, so that a lone publish, and whatever an
 * answer sets off, goes out at once; what comes later in the turn is one more write at its end. If
 * all waited for the end, a lone publish would take half as long again; if none did, a loop that
 * awaits something else between its publishes would pay a write, some 5 µs, for each.
 *
 * Events are handed on when the machine has finished with what it was given, so nobody who listens
 * runs inside of the parser.
 */
import type { ConnectionMachine } from "../protocol/connection.ts";
import type { ConnectionEvent } from "../protocol/connection-events.ts";
import type { Timed } from "../protocol/patient-deadlines.ts";
import type { Transport, TransportHandler } from "../transport/transport.ts";
import type { Clock, Timer } from "./clock.ts";
import { CONNECTION_CLOSED, ConnectionTrace, FRAME_RECEIVED, FRAME_SENT } from "./trace.ts";

/** Who is told what happens on a connection. */
export interface ConnectionListener {
  handle(event: ConnectionEvent): void;
}

/** Drives one connection until its transport is closed. */
export class Driver implements TransportHandler {
  readonly machine: ConnectionMachine;
  readonly clock: Clock;
  readonly #transport: Transport;
  /** Is told of events: the handshake first, then the connection. */
  listener: ConnectionListener;
  #flushScheduled = false;
  /** Nothing was written since something was read. */
  #mayHurry = true;
  #telling = false;
  #transportClosed = false;
  #timer: Timer | undefined;
  #linger: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #due: (() => void)[] = NOTHING_DUE;
  /** Made when somebody listens. */
  #trace: ConnectionTrace | undefined;
  constructor(
    transport: Transport,
    machine: ConnectionMachine,
    clock: Clock,
    listener: ConnectionListener,
  ) {
    this.#transport = transport;
    this.machine = machine;
    this.clock = clock;
    this.listener = listener;
  }

  /** Begins: writes what the machine has to say first, and listens. */
  start(): void {
    this.#transport.start(this);
    this.drive();
  }

  /** Octets came from the transport. */
  data(bytes: Uint8Array): void {
    this.#mayHurry = true;
    if (FRAME_RECEIVED.hasSubscribers) this.#traced.received(this.machine.unfinishedFrame, bytes);
    this.machine.receive(bytes, this.clock.now());
    this.drive();
  }

  /** The transport takes octets again. */
  flushed(): void {
    this.machine.flushed(this.#transport.bufferedBytes);
    this.drive();
  }

  /** The transport is closed. */
  closed(cause: Error | undefined): void {
    this.#transportClosed = true;
    if (CONNECTION_CLOSED.hasSubscribers) this.#traced.closed(cause);
    this.machine.receiveEnd(cause);
    this.drive();
    this.#stopTimer();
    this.#linger?.cancel();
  }

  /** Does what the machine wants; to be called after everything that was asked of it. */
  drive(): void {
    this.#tellEvents();
    this.driveOutput();
    this.#driveTimer();
  }

  /** The part of {@link Driver.drive} that a publish needs. */
  driveOutput(): void {
    if (this.#flushScheduled || !this.machine.hasOutput) return;
    this.#flushScheduled = true;
    this.clock.soon(this.#flush, this.#mayHurry);
    // What waits for the end of this turn leaves the next one free to hurry.
    this.#mayHurry = !this.#mayHurry;
  }

  /** Gives something so many milliseconds in which the broker reads. */
  setDeadline(item: Timed, timeoutMs: number): void {
    this.machine.deadlines.add(item, timeoutMs, this.clock.now());
    this.#driveTimer();
  }

  /** Time that stands still while the broker has blocked the connection. */
  get patientClock(): Pick<Clock, "after"> {
    return { after: (ms, callback) => this.#afterPatiently(ms, callback) };
  }

  #afterPatiently(ms: number, callback: () => void): Timer {
    const item = { isOver: false, expire: () => this.#isDue(callback) };
    this.setDeadline(item, ms);
    return {
      cancel: () => {
        item.isOver = true;
      },
    };
  }

  #isDue(callback: () => void): void {
    if (this.#due === NOTHING_DUE) this.#due = [];
    this.#due.push(callback);
  }

  #driveTimer(): void {
    const at = this.machine.nextTimeout();
    if (at === undefined || at >= this.#timerAt) return;
    this.#stopTimer();
    this.#timerAt = at;
    this.#timer = this.clock.after(Math.max(at - this.clock.now(), 0), this.#wake);
  }

  /** Ends the connection now, without a word to the peer. */
  destroy(cause?: Error): void {
    this.machine.destroy(cause);
    this.drive();
    this.#transport.destroy();
  }

  ref(): void {
    this.#transport.ref();
  }

  unref(): void {
    this.#transport.unref();
  }

  get #traced(): ConnectionTrace {
    this.#trace ??= new ConnectionTrace(this.#transport.addresses);
    return this.#trace;
  }

  /** Events go out in order also when somebody who is told one asks for something else. */
  #tellEvents(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let events = this.machine.takeEvents(); events.length > 0; ) {
        for (const event of events) {
          this.listener.handle(event);
          if (event.type === "closed") this.#finish();
        }
        events = this.machine.takeEvents();
      }
    } finally {
      this.#telling = false;
    }
  }

  readonly #wake = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.machine.wake(this.clock.now());
    const due = this.#due;
    this.#due = NOTHING_DUE;
    for (const callback of due) callback();
    this.drive();
  };

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    if (this.#transportClosed || !this.machine.hasOutput) return;
    const pieces = this.machine.takeOutput(this.clock.now());
    this.#transport.write(pieces);
    if (FRAME_SENT.hasSubscribers) this.#traced.sent(pieces);
    this.machine.flushed(this.#transport.bufferedBytes);
    this.drive();
  };

  /** The last words go out, and the peer has a moment to hang up by itself. */
  #finish(): void {
    if (this.#transportClosed) return;
    this.#flush();
    this.#transport.end();
    this.#linger = this.clock.after(LINGER_MS, () => this.#transport.destroy());
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timerAt = Number.POSITIVE_INFINITY;
  }
}

/** One for all that have nothing. */
const NOTHING_DUE: (() => void)[] = [];

/** How long a closed connection's socket may linger for its last octets, in milliseconds. */
const LINGER_MS = 1000;
