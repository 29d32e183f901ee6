/** What a session tells of itself, to whoever looks on: waits, logs. */
import type { Session } from "./session.ts";

/** What a close method said, ours or the client's. */
export interface CloseWords {
  readonly replyCode: number;
  readonly replyText: string;
}

/** How a connection ended; by the network, or a broker that cut it, where nobody said a word. */
export interface SessionEnding extends Partial<CloseWords> {
  readonly by: "client" | "broker" | "network";
}

/** Is told of what happens to a session. It must not throw. */
export interface SessionObserver {
  /** Something was done, so that what can be looked at may be different now. */
  changed(): void;
  /** A client has logged in and opened its virtual host. */
  opened(session: Session): void;
  /** The socket of such a client is closed. */
  closed(session: Session, ending: SessionEnding): void;
  /** A client was not let in, and why. */
  refused(session: Session, why: string): void;
  /** The broker closes a channel. */
  channelClosed(session: Session, channel: number, why: CloseWords): void;
}
