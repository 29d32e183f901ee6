/** What a session needs to know of its broker. */
import type { FaultPoints } from "../faults/points.ts";
import type { Realm } from "./handshake.ts";
import type { SessionObserver } from "./observer.ts";
import type { Session } from "./session.ts";

/** What a session needs to know of its broker. */
export interface SessionRealm extends Realm {
  readonly maxMessageSize: number;
  readonly observer: SessionObserver;
  /** Whether the broker goes down, so that what comes back to a queue stays there. */
  readonly goingDown: boolean;
  /** What is set to go wrong; nothing can be if absent. */
  readonly faults?: FaultPoints | undefined;
  /** Somebody has logged in: faults may have waited for it. */
  readonly opened?: ((session: Session) => void) | undefined;
}
