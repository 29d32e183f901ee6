/** A connection as an application holds it: opens channels and publishers, tells, and closes. */
import { EventEmitter } from "node:events";
import { type AmqpError, CLOSED_BY_US, ConnectionClosedError } from "../errors.ts";
import type { ChannelEvent, ChannelMachine } from "../protocol/channel.ts";
import { ConnectionMachine } from "../protocol/connection.ts";
import type { ConnectionEvent } from "../protocol/connection-events.ts";
import type { Tuning } from "../protocol/negotiation.ts";
import type { Transport } from "../transport/transport.ts";
import type { FieldTable } from "../wire/field-value.ts";
import { encodeText } from "../wire/text.ts";
import { callMethod } from "./calls.ts";
import { Channel } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { CloseOptions } from "./close-channel.ts";
import { Login } from "./credentials.ts";
import { Driver } from "./driver.ts";
import { Ending } from "./ending.ts";
import { callListeners } from "./listeners.ts";
import type { ConnectPlan } from "./options.ts";
import { Publisher, type PublisherOptions, planPublisher } from "./publisher.ts";
import { refuseTimeout, type WaitBounds, waitFor } from "./waiting.ts";

/** The events of a {@link Connection}. */
export interface ConnectionEvents {
  /** The broker stopped reading from this connection: memory or disk ran low. */
  blocked: [reason: string];
  /** It reads again. */
  unblocked: [];
  /** The last event: undefined after our own `close()`. */
  close: [reason: AmqpError | undefined];
}

/** What closes with a connection: a channel or a publisher. */
interface Member {
  handle(event: ChannelEvent): void;
  close(options: CloseOptions): Promise<void>;
}

/** An open AMQP connection; `connect()` makes one. */
export class Connection extends EventEmitter<ConnectionEvents> implements AsyncDisposable {
  readonly #driver: Driver;
  readonly #closeTimeoutMs: number;
  /** Made for the first member: a connection may stay without one for long. */
  #members: Map<ChannelMachine, Member> | undefined;
  readonly #ending = new Ending();
  #closing: Promise<void> | undefined;
  #tellUnblocked: (() => void) | undefined;

  /** @internal */
  constructor(driver: Driver, closeTimeoutMs: number) {
    super();
    this.#driver = driver;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  /**
   * What it came to when it is over: resolves, never rejects; undefined after our own close, unless
   * that had to give up at its deadline.
   */
  get closed(): Promise<AmqpError | undefined> {
    return this.#ending.promise;
  }

  /** What was negotiated with the broker. */
  get tuning(): Tuning {
    return this.#driver.machine.tuning;
  }

  /** What the broker told of itself: product, version, capabilities. */
  get serverProperties(): FieldTable {
    return this.#driver.machine.serverProperties;
  }

  /** Why the broker has stopped reading from this connection; undefined while it reads. */
  get blockedReason(): string | undefined {
    return this.#driver.machine.blockedReason;
  }

  /**
   * Opens a channel for the protocol's methods.
   *
   * @throws UsageError when all channels up to channel-max are in use.
   */
  openChannel(options: WaitBounds = {}): Promise<Channel> {
    const mistake = refuseTimeout(options.timeoutMs);
    if (mistake !== undefined) return Promise.reject(mistake);
    return this.#open(options, (machine) => {
      machine.observed = true;
      return new Channel(machine, this.#driver, this.#closeTimeoutMs);
    });
  }

  /** Opens a publisher: a channel of its own, in confirm mode, behind a promise for each publish. */
  async openPublisher(options: PublisherOptions = {}): Promise<Publisher> {
    const plan = planPublisher(options);
    // `timeoutMs` is that of publishes here.
    const { signal } = options;
    const publisher = await this.#open({ signal }, (machine) => {
      const window = this.#driver.machine.scheduler.openWindow(machine, plan.limits);
      return new Publisher(machine, window, this.#driver, this.#closeTimeoutMs, plan);
    });
    await publisher.selectConfirms(signal);
    return publisher;
  }

  /**
   * Gives the broker a new secret, such as a fresh token, for a connection that stays open. RabbitMQ
   * passes it to the back ends that the login went through: one whose logins expire (OAuth 2) takes
   * it, or closes the connection with 530; the internal one answers that all is well and does nothing.
   *
   * @param reason For the broker's log; at most 255 octets.
   */
  async updateSecret(
    secret: string | Uint8Array,
    reason = "",
    bounds: WaitBounds = {},
  ): Promise<void> {
    const newSecret = typeof secret === "string" ? encodeText(secret) : secret;
    const method = { name: "connection.update-secret", newSecret, reason } as const;
    await callMethod(this.#driver.machine, this.#driver, method, bounds);
  }

  /**
   * Stops accepting, waits for outstanding confirms, then closes the channels and the connection.
   * Resolves also when the deadline passed: what became of each message is in its own promise.
   * Calling it again gives the same promise.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const mistake = refuseTimeout(options.timeoutMs);
    if (mistake !== undefined) return Promise.reject(mistake);
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  /** Ends it now, without a word to the broker: `closed` gives a `ConnectionLostError`. */
  destroy(reason?: Error): void {
    this.#driver.destroy(reason);
  }

  /** Keeps the process alive while the connection is open, which is the default. */
  ref(): void {
    this.#driver.ref();
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.#driver.unref();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal The handshake is over: what the machine tells comes here. */
  takeOver(): void {
    this.#driver.listener = this;
  }

  /** @internal What the machine tells once the connection is open. */
  handle(event: ConnectionEvent): void {
    switch (event.type) {
      case "blocked":
        return callListeners(() => this.emit("blocked", event.reason));
      case "unblocked":
        this.#tellUnblocked?.();
        return callListeners(() => this.emit("unblocked"));
      case "closed":
        this.#tellUnblocked?.();
        this.#ending.settle(event.error);
        return callListeners(() => this.emit("close", event.error));
      case "channel": {
        const member = this.#members?.get(event.channel);
        if (event.event.type === "closed") this.#members?.delete(event.channel);
        return member?.handle(event.event);
      }
      case "challenge":
      case "open":
        return; // openConnection() has seen to these
    }
  }

  #open<M extends Member>(options: WaitBounds, make: (machine: ChannelMachine) => M): Promise<M> {
    if (this.#closing !== undefined && this.#driver.machine.state === "open") {
      return Promise.reject(new ConnectionClosedError(CLOSED_BY_US));
    }
    let machine: ChannelMachine | undefined;
    return waitFor<M>(
      this.#driver.patientClock,
      options,
      () => "opening a channel",
      (resolve, reject) => {
        const opened = { resolve: () => resolve(member), reject };
        machine = this.#driver.machine.openChannel(opened);
        const member = make(machine);
        this.#members ??= new Map();
        this.#members.set(machine, member);
        this.#driver.drive();
      },
      (error) => {
        machine?.abandon(error);
        this.#driver.drive();
      },
    );
  }

  get #isBlocked(): boolean {
    const { state, blockedReason } = this.#driver.machine;
    return state === "open" && blockedReason !== undefined;
  }

  /** Resolves when the broker reads again, or never will. */
  #unblocked(): Promise<void> {
    return new Promise((resolve) => {
      this.#tellUnblocked = resolve;
    });
  }

  async #close(options: CloseOptions): Promise<void> {
    const { clock } = this.#driver;
    const timeoutMs = options.timeoutMs ?? this.#closeTimeoutMs;
    const closeOnce = async (): Promise<void> => {
      const members = [...(this.#members?.values() ?? [])];
      await Promise.all(members.map((member) => member.close({ timeoutMs })));
      // A broker that has blocked us reads nothing; a close that waits there would drop confirms.
      while (this.#isBlocked) await this.#unblocked();
      this.#driver.machine.close();
      this.#driver.drive();
      await this.closed;
    };
    try {
      await waitFor<void>(
        clock,
        { signal: options.signal, timeoutMs },
        () => "closing the connection",
        (resolve, reject) => closeOnce().then(resolve, reject),
        (error) => this.destroy(error),
      );
    } catch {
      // The deadline passed; the socket is destroyed, and everybody has been told.
    }
  }
}

/** Performs the handshake on an open transport; the signal's reason ends it. */
export function openConnection(
  transport: Transport,
  plan: ConnectPlan,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connection> {
  const { credentials, vhost, clientProperties, locale, proposal, maxBodyBytes } = plan;
  const { mechanism } = credentials;
  const login = new Login([credentials, ...plan.otherCredentials]);
  const settings = { mechanism, vhost, clientProperties, locale, proposal, maxBodyBytes };
  return new Promise((resolve, reject) => {
    const onAbort = (): void => driver.destroy(signal.reason);
    const handle = (event: ConnectionEvent): void => {
      if (event.type === "challenge") return answer(event.challenge);
      signal.removeEventListener("abort", onAbort);
      // From now on nothing holds what only the handshake needed.
      connection.takeOver();
      if (event.type === "closed") reject(event.error);
      else resolve(connection);
    };
    const machine = new ConnectionMachine(settings, clock.now());
    const driver = new Driver(transport, machine, clock, { handle });
    const connection = new Connection(driver, plan.closeTimeoutMs);
    const answer = (challenge: Uint8Array | undefined): void => {
      login
        .answer(challenge, machine.mechanisms)
        .then(({ response, mechanism }) => {
          machine.respond(response, mechanism);
          driver.drive();
        })
        .catch((error: AmqpError) => {
          error.phase = "authentication";
          reject(error);
          driver.destroy(error);
        });
    };
    signal.addEventListener("abort", onAbort);
    driver.start();
    if (signal.aborted) onAbort();
  });
}
