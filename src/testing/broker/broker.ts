/**
 * The embedded broker: an AMQP 0-9-1 broker in this process, on a loopback port, with everything in
 * memory. Here it listens; sessions (session.ts) do the talking and virtual hosts
 * (virtual-host.ts) have the exchanges and queues.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { UsageError } from "../../errors.ts";
import { FRAME_MIN_SIZE } from "../../wire/generated/constants.ts";
import type { BrokerMessage } from "./message.ts";
import type { Queue } from "./queue.ts";
import { Session, type SessionRealm } from "./session.ts";
import { VirtualHost } from "./virtual-host.ts";

/** How {@link startBroker} sets up the broker. The limits default to RabbitMQ's. */
export interface BrokerOptions {
  /** The port on 127.0.0.1; 0, the default, takes one that is free. */
  readonly port?: number | undefined;
  /** Passwords by user name; `{ guest: "guest" }` if absent. */
  readonly users?: { readonly [user: string]: string } | undefined;
  /** Names of the virtual hosts; `["/"]` if absent. The first one is in the broker's `url`. */
  readonly vhosts?: readonly string[] | undefined;
  /** Proposed frame-max in octets, at least 4,096; 131,072 if absent, 0 is no limit. */
  readonly frameMax?: number | undefined;
  /** Proposed channel-max; 2,047 if absent, 0 is no limit. */
  readonly channelMax?: number | undefined;
  /** Proposed heartbeat timeout; 60 if absent, 0 is none. The client decides. */
  readonly heartbeatSeconds?: number | undefined;
  /** Largest message body in octets; 16 MiB if absent, as from RabbitMQ 4.0 on. */
  readonly maxMessageSize?: number | undefined;
}

/** A message that lies in a queue. */
export interface QueuedMessage extends BrokerMessage {
  /** Whether a client has had it before. */
  readonly redelivered: boolean;
}

/** A queue, looked at from outside of the protocol: what it says is what is true at the moment. */
export interface BrokerQueue {
  readonly name: string;
  /** Messages that are ready; those that a client holds unacknowledged do not count. */
  readonly messageCount: number;
  readonly consumerCount: number;
  /** The messages that are ready, the next one first. A new array each time. */
  readonly messages: readonly QueuedMessage[];
}

/** A broker that runs. */
export interface EmbeddedBroker extends AsyncDisposable {
  /** With user and password, for `connect()`. */
  readonly url: string;
  readonly port: number;
  /** A queue by its name; undefined if there is none. The first virtual host if none is named. */
  queue(name: string, vhost?: string): BrokerQueue | undefined;
  /**
   * Closes the port and every connection (clients get connection.close 320), and forgets
   * everything. Resolves when no socket is left. Idempotent.
   */
  stop(): Promise<void>;
}

/**
 * Starts a broker on 127.0.0.1. It speaks AMQP 0-9-1 to any client and behaves as RabbitMQ 3.10
 * does, reply codes and texts included, with these exceptions:
 *
 * - Queues of the types quorum and stream behave like classic ones, so they may be transient, their
 *   own arguments (`x-delivery-limit`, `x-stream-offset`, …) have no effect, and `x-queue-mode` has
 *   none either. There is no direct reply-to.
 * - `immediate` is not refused with 540 but does what the specification says: without a consumer that
 *   can take it at once, the message is returned with 313 NO_CONSUMERS.
 * - Everything is answered in the order in which it was asked. RabbitMQ's basic.consume-ok and
 *   basic.cancel-ok may come after answers to later methods, and its deliveries when they come.
 * - A client that does not read gets no more deliveries when 1 MiB waits for it; RabbitMQ stops after
 *   200 messages on a channel.
 * - Messages are confirmed at once, all that came in one read of the socket by one basic.ack.
 * - A message over the limit is refused at its header, not after its body.
 * - Before the login is complete, errors drop the socket at once, not after three seconds.
 * - For malformed frames and unknown methods the reply texts are different, and where RabbitMQ just
 *   drops the connection (unknown methods), waits for ever (a body longer than declared) or fails
 *   with 541 (malformed properties), this broker closes with 501, 502 or 503.
 * - Unless both sides say 0 for frame-max, frames up to eight octets larger are let pass, as
 *   RabbitMQ does for clients that forget to count the octets around the payload.
 *
 * Rejects with the error of the operating system if the port cannot be had.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = new Broker(options);
  await broker.listen(options.port ?? 0);
  return broker;
}

class Broker implements EmbeddedBroker {
  url = "";
  port = 0;
  readonly #realm: SessionRealm;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  #stopped: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    const users = options.users ?? { guest: "guest" };
    const vhosts = options.vhosts ?? ["/"];
    this.#realm = {
      users: new Map(Object.entries(users)),
      vhosts: new Map(vhosts.map((name) => [name, new VirtualHost(name)])),
      frameMax: limit("frameMax", options.frameMax ?? 131_072, FRAME_MIN_SIZE, 0xffffffff),
      channelMax: limit("channelMax", options.channelMax ?? 2047, 1, 0xffff),
      heartbeatSeconds: limit("heartbeatSeconds", options.heartbeatSeconds ?? 60, 1, 0xffff),
      maxMessageSize: limit("maxMessageSize", options.maxMessageSize ?? 16_777_216, 1, 2 ** 31),
    };
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    this.url = this.#makeUrl();
  }

  queue(name: string, vhost?: string): BrokerQueue | undefined {
    const { vhosts } = this.#realm;
    const host = vhost === undefined ? [...vhosts.values()][0] : vhosts.get(vhost);
    const queue = host?.findQueue(name);
    return queue === undefined ? undefined : new QueueView(queue);
  }

  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const session of this.#sessions) session.shutDown();
      for (const vhost of this.#realm.vhosts.values()) vhost.clear();
    });
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #accept(socket: Socket): void {
    const session = new Session(socket, this.#realm);
    this.#sessions.add(session);
    socket.on("close", () => this.#sessions.delete(session));
  }

  #makeUrl(): string {
    const { users, vhosts } = this.#realm;
    const [login] = users;
    const [vhost] = vhosts.keys();
    const userInfo = login === undefined ? "" : `${login.map(encodeURIComponent).join(":")}@`;
    const path = vhost === undefined || vhost === "/" ? "" : `/${encodeURIComponent(vhost)}`;
    return `amqp://${userInfo}127.0.0.1:${this.port}${path}`;
  }
}

class QueueView implements BrokerQueue {
  readonly name: string;
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.name = queue.name;
    this.#queue = queue;
  }

  get messageCount(): number {
    return this.#queue.messageCount;
  }

  get consumerCount(): number {
    return this.#queue.consumerCount;
  }

  get messages(): readonly QueuedMessage[] {
    return this.#queue.entries().map(({ message, redelivered }) => {
      const { exchange, routingKey, properties, body } = message;
      return { exchange, routingKey, properties, body, redelivered };
    });
  }
}

/** 0, where it means no limit, or an integer within bounds. */
function limit(name: string, value: number, least: number, most: number): number {
  if (value === 0 || (Number.isInteger(value) && value >= least && value <= most)) return value;
  throw new UsageError(`${name} is ${value}; it must be 0 or an integer from ${least} to ${most}`);
}
