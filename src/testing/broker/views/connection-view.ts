/** Connections, channels and consumers, looked at from outside of the protocol. */
import type { FieldTable } from "../../../wire/field-value.ts";
import type { Channel } from "../channel.ts";
import type { Consumer } from "../consumers.ts";
import { operatorClose } from "../faults/refusals.ts";
import type { Admission } from "../session/handshake.ts";
import type { Session } from "../session/session.ts";
import type { Waiting, WaitOptions } from "../waiting.ts";

/** A connection of a client that has logged in. It can be looked at after its end as well. */
export interface BrokerConnection {
  /** As RabbitMQ names it: `127.0.0.1:50000 -> 127.0.0.1:5672`. */
  readonly name: string;
  /** The client property `connection_name`, if there is one. */
  readonly connectionName: string | undefined;
  readonly user: string;
  /** The SASL mechanism of the login: `PLAIN`, as a rule. */
  readonly mechanism: string;
  readonly vhost: string;
  readonly clientProperties: FieldTable;
  /** What was negotiated; 0 is no limit, or no heartbeats. */
  readonly tuning: {
    readonly frameMax: number;
    readonly channelMax: number;
    readonly heartbeatSeconds: number;
  };
  /** Whether neither side has closed it. */
  readonly open: boolean;
  /**
   * Why it is blocked: the reason of connection.blocked, whether the client wanted to hear it or not;
   * undefined as long as it is not blocked. Under an alarm that is not before it publishes.
   */
  readonly blocked: string | undefined;
  /** Its channels as they are now, the lowest number first. A new array each time. */
  readonly channels: readonly BrokerChannel[];
  /**
   * Closes it as RabbitMQ's management plugin does: connection.close with the code 320 and the text
   * `CONNECTION_FORCED - Closed via management plugin`, unless you name others. Does nothing if it
   * is closed.
   */
  close(reason?: BrokerCloseReason): void;
  /** Resolves when neither side has it open any more. */
  waitUntilClosed(options?: WaitOptions): Promise<void>;
}

/** What a close of the broker says. */
export interface BrokerCloseReason {
  /** Default 320, connection-forced. */
  readonly replyCode?: number | undefined;
  /** At most 255 octets of UTF-8; what is longer is cut. */
  readonly replyText?: string | undefined;
}

/** A channel as it was when it was looked at. */
export interface BrokerChannel {
  readonly number: number;
  /** What it was switched to: `confirm` by confirm.select, `transaction` by tx.select. */
  readonly mode: "normal" | "confirm" | "transaction";
  /** basic.qos for each consumer that comes from now on; 0 is no limit. */
  readonly prefetch: number;
  /** basic.qos for the channel as a whole (`global`); 0 is no limit. */
  readonly globalPrefetch: number;
  /** Messages that the client was given and has not acked, nacked or rejected. */
  readonly unacknowledgedCount: number;
  /** The first one first. */
  readonly consumers: readonly BrokerConsumer[];
}

/** A consumer as it was when it was looked at. */
export interface BrokerConsumer {
  readonly consumerTag: string;
  readonly queue: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  /** `x-priority`; 0 is usual. */
  readonly priority: number;
  /** How many messages it may hold unacknowledged; 0 is no limit. */
  readonly prefetch: number;
  /** How many it holds. */
  readonly unacknowledgedCount: number;
}

/** The views of connections; one for each, however often it is looked at. */
export class ConnectionViews {
  readonly #waiting: Waiting;
  readonly #views = new WeakMap<Session, BrokerConnection>();

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** The view of a session, if its client is past the login. */
  of(session: Session): BrokerConnection | undefined {
    const known = this.#views.get(session);
    if (known !== undefined || session.admission === undefined) return known;
    const view = new ConnectionView(session, session.admission, this.#waiting);
    this.#views.set(session, view);
    return view;
  }
}

/** What is to be seen of a consumer. */
export function consumerView({ settings, unacknowledged }: Consumer): BrokerConsumer {
  const { tag, queue, noAck, exclusive, priority, prefetch } = settings;
  return {
    consumerTag: tag,
    queue: queue.name,
    noAck,
    exclusive,
    priority,
    prefetch: Number.isFinite(prefetch) ? prefetch : 0,
    unacknowledgedCount: unacknowledged,
  };
}

class ConnectionView implements BrokerConnection {
  readonly name: string;
  readonly connectionName: string | undefined;
  readonly user: string;
  readonly mechanism: string;
  readonly vhost: string;
  readonly clientProperties: FieldTable;
  readonly tuning: BrokerConnection["tuning"];
  readonly #session: Session;
  readonly #waiting: Waiting;

  constructor(session: Session, admission: Admission, waiting: Waiting) {
    const { user, mechanism, vhost, clientProperties, tuning } = admission;
    const { frameMax, channelMax, heartbeat } = tuning;
    const { connection_name: connectionName } = clientProperties;
    this.name = session.name;
    this.connectionName = typeof connectionName === "string" ? connectionName : undefined;
    this.user = user;
    this.mechanism = mechanism;
    this.vhost = vhost.name;
    this.clientProperties = clientProperties;
    this.tuning = { frameMax, channelMax, heartbeatSeconds: heartbeat };
    this.#session = session;
    this.#waiting = waiting;
  }

  get open(): boolean {
    return this.#session.open;
  }

  get blocked(): string | undefined {
    return this.open ? this.#session.faulty.blocking?.reason : undefined;
  }

  get channels(): readonly BrokerChannel[] {
    return [...this.#session.channels.values()]
      .filter(({ failed }) => !failed)
      .sort((a, b) => a.number - b.number)
      .map(channelView);
  }

  close(reason: BrokerCloseReason = {}): void {
    this.#session.close(operatorClose(reason));
  }

  waitUntilClosed(options?: WaitOptions): Promise<void> {
    const wish = {
      what: `connection ${this.name} to be closed`,
      look: () => (this.open ? undefined : true),
      found: () => "it is open",
    };
    return this.#waiting.wait(wish, options).then(() => {});
  }
}

function channelView({ number, mode, consuming }: Channel): BrokerChannel {
  const { prefetch, globalPrefetch, unacknowledgedCount, consumers } = consuming;
  return {
    ...{ number, mode, prefetch, globalPrefetch, unacknowledgedCount },
    consumers: consumers.map(consumerView),
  };
}
