/**
 * Heartbeats (specification section 4.2.7; rabbitmq.com/docs/heartbeats). The negotiated value is a
 * timeout: each side says something twice in that time, and a peer that has been silent for two of
 * them is gone. Any traffic counts.
 */

/** What a heartbeat timer does. */
export interface HeartbeatActions {
  /** Nothing was sent for half of the timeout. */
  readonly send: () => void;
  /** Nothing was received for twice the timeout. */
  readonly giveUp: () => void;
}

/** Looks twice in each timeout at what has happened since. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #sent = true;
  #silentLooks = 0;

  /** `timeoutSeconds` is what was negotiated and is not 0. */
  constructor(timeoutSeconds: number, actions: HeartbeatActions) {
    this.#timer = setInterval(() => this.#look(actions), timeoutSeconds * 500);
  }

  /** Something was written. */
  sent(): void {
    this.#sent = true;
  }

  /** Something was read, or cannot be because we do not read at the moment. */
  received(): void {
    this.#silentLooks = 0;
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look({ send, giveUp }: HeartbeatActions): void {
    if (!this.#sent) send();
    this.#sent = false;
    this.#silentLooks++;
    if (this.#silentLooks > LOOKS_IN_TWO_TIMEOUTS) giveUp();
  }
}

const LOOKS_IN_TWO_TIMEOUTS = 4;
