/** What a test can do with a broker that runs. */
import type { Duplex } from "node:stream";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import type { BrokerFaults } from "./faults/broker-faults.ts";
import type { BrokerConnection } from "./views/connection-view.ts";
import type { BrokerBinding, BrokerExchange } from "./views/exchange-view.ts";
import type { BrokerQueue } from "./views/queue-view.ts";
import type { WaitOptions } from "./waiting.ts";

/**
 * A broker that runs. What it holds can be looked at, waited for and changed from outside, without a
 * connection of one's own; where a virtual host can be named, the first one is meant if none is, and
 * one that the broker does not have is a `UsageError`.
 */
export interface EmbeddedBroker extends AsyncDisposable {
  /** With user and password, for `connect()`. */
  readonly url: string;
  readonly port: number;
  /** What can be made to go wrong. */
  readonly faults: BrokerFaults;
  /** Where the random numbers of its faults began. */
  readonly seed: number;

  /**
   * Takes the other side of a stream for a client that has just connected: a socket of TLS, say, or
   * one half of Node's `duplexPair()`, which needs no network. It is closed with the others, and faults
   * apply to it; a reset, where the stream has none, destroys it. A `UsageError` while the broker is
   * down.
   */
  attach(stream: Duplex): void;
  /** A queue by its name, whether it exists or not. */
  queue(name: string, vhost?: string): BrokerQueue;
  /** The queues that exist, the oldest first. */
  queues(vhost?: string): readonly BrokerQueue[];
  /** An exchange by its name, whether it exists or not. */
  exchange(name: string, vhost?: string): BrokerExchange;
  /** The exchanges that exist, those of the broker itself first. */
  exchanges(vhost?: string): readonly BrokerExchange[];
  /** All bindings; those of the default exchange are not listed. */
  bindings(vhost?: string): readonly BrokerBinding[];
  /** The connections that are open, past the login, the oldest first. A new array each time. */
  readonly connections: readonly BrokerConnection[];

  /** Waits until at least so many connections (default 1) are open, or with 0 none; gives them. */
  waitForConnections(count?: number, options?: WaitOptions): Promise<readonly BrokerConnection[]>;
  /**
   * Waits for a connection that is open and has this `connection_name`, or meets a condition; gives
   * the first that does.
   */
  waitForConnection(
    which: string | ((connection: BrokerConnection) => boolean),
    options?: WaitOptions,
  ): Promise<BrokerConnection>;
  /**
   * Waits until a condition gives something other than false, undefined, null, 0 or the empty text,
   * and gives that. It is looked at whenever the broker has done something, so it should be about
   * the broker; what it throws ends the wait. It must not be asynchronous (`UsageError`).
   */
  waitFor<T>(condition: () => T, options?: WaitOptions): Promise<Exclude<T, Falsy>>;

  /**
   * Publishes a message without a connection, and names the queues that it was routed to. Raises a
   * `UsageError` where RabbitMQ would refuse it, with its words.
   */
  publish(
    exchange: string,
    routingKey: string,
    body: Uint8Array | string,
    properties?: BasicProperties,
    vhost?: string,
  ): readonly string[];

  /**
   * Stops the broker and starts it again on the same port. As with RabbitMQ durable exchanges and
   * queues stay, with the bindings between them and the persistent messages (delivery mode 2);
   * everything else is gone, and with the connections go their exclusive queues and, with their
   * consumers, auto-delete ones. Messages that clients held unacknowledged are ready again, as
   * redelivered. Waits go on meanwhile.
   *
   * Rejects with the error of the operating system if somebody else has taken the port in between;
   * the broker is stopped then.
   */
  restart(options?: RestartOptions): Promise<void>;
  /**
   * Closes the port and every connection (clients get connection.close 320), and forgets
   * everything; waits that are not over reject with an `AbortError`. Resolves when no socket is
   * left. Idempotent.
   */
  stop(): Promise<void>;
}

/** What {@link EmbeddedBroker.waitFor} waits on for. */
export type Falsy = false | undefined | null | 0 | "";

/** How a restart goes. */
export interface RestartOptions {
  /**
   * What becomes of connections. `close`, the default: connection.close with the code 320, as when
   * RabbitMQ is stopped. `cut`: the sockets are closed without a word, as when it is killed; then,
   * as with RabbitMQ, auto-delete queues stay, and every message counts as redelivered.
   */
  readonly connections?: "close" | "cut" | undefined;
  /** What stays: what is `durable`, the default, or `everything` but exclusive queues. */
  readonly keep?: "durable" | "everything" | undefined;
  /** Called, and waited for, while the broker is away and connections are refused. */
  readonly whileDown?: (() => unknown) | undefined;
}
