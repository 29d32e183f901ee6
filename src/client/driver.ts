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
import type { Transport } from "../transport/transport.ts";
import type { Clock, Timer } from "./clock.ts";

/** Drives one connection until its transport is closed. */
export class Driver {
  readonly machine: ConnectionMachine;
  readonly clock: Clock;
  readonly #transport: Transport;
  /** Is told of events: the handshake first, then the connection. */
  onEvent: (event: ConnectionEvent) => void;
  #flushScheduled = false;
  /** Nothing was written since something was read. */
  #mayHurry = true;
  #telling = false;
  #transportClosed = false;
  #timer: Timer | undefined;
  #linger: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #due: (() => void)[] = [];
  /** Time that stands still while the broker has blocked the connection. */
  readonly patientClock: Pick<Clock, "after"> = {
    after: (ms, callback) => {
      const item = { isOver: false, expire: () => void this.#due.push(callback) };
      this.setDeadline(item, ms);
      return {
        cancel: () => {
          item.isOver = true;
        },
      };
    },
  };

  constructor(
    transport: Transport,
    machine: ConnectionMachine,
    clock: Clock,
    onEvent: (event: ConnectionEvent) => void,
  ) {
    this.#transport = transport;
    this.machine = machine;
    this.clock = clock;
    this.onEvent = onEvent;
  }

  /** Begins: writes what the machine has to say first, and listens. */
  start(): void {
    this.#transport.start({
      data: (bytes) => {
        this.#mayHurry = true;
        this.machine.receive(bytes, this.clock.now());
        this.drive();
      },
      flushed: () => {
        this.machine.flushed(this.#transport.bufferedBytes);
        this.drive();
      },
      closed: (cause) => {
        this.#transportClosed = true;
        this.machine.receiveEnd(cause);
        this.drive();
        this.#stopTimer();
        this.#linger?.cancel();
      },
    });
    this.drive();
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

  #driveTimer(): void {
    const at = this.machine.nextTimeout();
    if (at === undefined || at >= this.#timerAt) return;
    this.#stopTimer();
    this.#timerAt = at;
    this.#timer = this.clock.after(Math.max(at - this.clock.now(), 0), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.machine.wake(this.clock.now());
      for (const callback of this.#due.splice(0)) callback();
      this.drive();
    });
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

  /** Events go out in order also when somebody who is told one asks for something else. */
  #tellEvents(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let events = this.machine.takeEvents(); events.length > 0; ) {
        for (const event of events) {
          this.onEvent(event);
          if (event.type === "closed") this.#finish();
        }
        events = this.machine.takeEvents();
      }
    } finally {
      this.#telling = false;
    }
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    if (this.#transportClosed || !this.machine.hasOutput) return;
    this.#transport.write(this.machine.takeOutput(this.clock.now()));
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

/** How long a closed connection's socket may linger for its last octets, in milliseconds. */
const LINGER_MS = 1000;
