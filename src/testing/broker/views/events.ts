/** What a broker tells of while it happens: for logs, and for tests that count. */
import type { Destination } from "../exchange.ts";
import type { CloseWords, SessionEnding, SessionObserver } from "../session/observer.ts";
import type { Session } from "../session/session.ts";
import type { VirtualHostObserver } from "../virtual-host.ts";
import type { Waiting } from "../waiting.ts";
import type { BrokerConnection, ConnectionViews } from "./connection-view.ts";

/** Something that happened. Messages are not told of one by one. */
export type BrokerEvent =
  | BrokerConnectionOpened
  | BrokerConnectionRefused
  | BrokerConnectionClosed
  | BrokerChannelClosed
  | BrokerTopologyChange;

/** A client has logged in and opened its virtual host. */
export interface BrokerConnectionOpened {
  readonly type: "connectionOpened";
  readonly connection: BrokerConnection;
}

/** A client was not let in. Who only opens a socket and closes it again is not told of. */
export interface BrokerConnectionRefused {
  readonly type: "connectionRefused";
  /** As of {@link BrokerConnection}. */
  readonly name: string;
  /** In the words of the broker's log or, where the client is told, of connection.close. */
  readonly reason: string;
}

/** The socket of a connection is closed. */
export interface BrokerConnectionClosed {
  readonly type: "connectionClosed";
  readonly connection: BrokerConnection;
  /** Who sent connection.close first; `network` if nobody did. */
  readonly by: "client" | "broker" | "network";
  /** What it said; undefined if nobody sent it. */
  readonly replyCode: number | undefined;
  readonly replyText: string | undefined;
}

/** The broker closed a channel because of an error of its client. */
export interface BrokerChannelClosed {
  readonly type: "channelClosed";
  readonly connection: BrokerConnection;
  readonly channel: number;
  readonly replyCode: number;
  readonly replyText: string;
}

/** A queue or an exchange has come or gone. */
export interface BrokerTopologyChange {
  readonly type: "queueDeclared" | "queueDeleted" | "exchangeDeclared" | "exchangeDeleted";
  readonly name: string;
  readonly vhost: string;
}

/** Passes on what sessions and virtual hosts tell: to those who wait, and to a listener. */
export class Reporter implements SessionObserver, VirtualHostObserver {
  readonly #waiting: Waiting;
  readonly #views: ConnectionViews;
  readonly #listener: ((event: BrokerEvent) => void) | undefined;

  constructor(
    waiting: Waiting,
    views: ConnectionViews,
    listener: ((event: BrokerEvent) => void) | undefined,
  ) {
    this.#waiting = waiting;
    this.#views = views;
    this.#listener = listener;
  }

  changed(): void {
    this.#waiting.changed();
  }

  opened(session: Session): void {
    this.#tellOf(session, (connection) => ({ type: "connectionOpened", connection }));
  }

  closed(session: Session, { by, replyCode, replyText }: SessionEnding): void {
    this.#tellOf(session, (connection) => ({
      ...{ type: "connectionClosed", connection, by, replyCode, replyText },
    }));
  }

  refused({ name }: Session, reason: string): void {
    this.#tell({ type: "connectionRefused", name, reason });
  }

  channelClosed(session: Session, channel: number, { replyCode, replyText }: CloseWords): void {
    this.#tellOf(session, (connection) => ({
      ...{ type: "channelClosed", connection, channel, replyCode, replyText },
    }));
  }

  declared(kind: Destination["kind"], name: string, vhost: string): void {
    this.#tell({ type: `${kind}Declared`, name, vhost });
  }

  deleted(kind: Destination["kind"], name: string, vhost: string): void {
    this.#tell({ type: `${kind}Deleted`, name, vhost });
  }

  #tellOf(session: Session, event: (connection: BrokerConnection) => BrokerEvent): void {
    if (this.#listener === undefined) return;
    const connection = this.#views.of(session);
    if (connection !== undefined) this.#tell(event(connection));
  }

  /** Later, so that what the listener does or throws does not hit the broker in its work. */
  #tell(event: BrokerEvent): void {
    const listener = this.#listener;
    if (listener !== undefined) queueMicrotask(() => listener(event));
  }
}
