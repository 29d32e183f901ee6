/**
 * `broker.faults`: what a test can have go wrong. Each method sets one fault and gives it back; the
 * fault says how often it has struck, and is over when that was often enough or when it is cleared.
 */
import type { ClientMethod, ContentMethod, ServerMethod } from "../../../wire/generated/methods.ts";
import type { ConfirmOptions } from "./confirm-style.ts";
import type { Fault, FaultTimes } from "./fault.ts";
import type { CutKind } from "./points.ts";
import type { FaultScope, PublishFaultOptions } from "./selection.ts";

/** `nack()`: which publishes, and what becomes of the message. */
export interface NackOptions extends PublishFaultOptions {
  /**
   * Whether the queues get the message all the same: a nack does not say that nobody has it. False
   * if absent.
   */
  readonly store?: boolean | undefined;
}

/** `return()`: which publishes, and what the broker says. */
export interface ReturnOptions extends PublishFaultOptions {
  /** 312, NO_ROUTE, if absent. */
  readonly replyCode?: number | undefined;
  /** The name of the reply code if absent. */
  readonly replyText?: string | undefined;
}

/** `dropConfirm()`: which publishes, and what becomes of the message. */
export interface DropConfirmOptions extends PublishFaultOptions {
  /** Whether the queues get the message; true if absent. */
  readonly store?: boolean | undefined;
}

/** Confirms that the broker keeps back until it is told to send them. */
export interface HeldConfirms extends Fault {
  /** How many it holds now. Those of a channel or connection that is over are forgotten. */
  readonly held: number;
  /**
   * Sends the oldest so many, or all; what comes after is held as before. Confirms of a channel that
   * go out together go out as they would have, with `multiple` where that is true.
   */
  release(count?: number): void;
  /** Sends all and holds no more. */
  clear(): void;
}

/** With which words something is refused. */
export interface ReplyOptions {
  /** One of the specification's, or any other: from 0 to 65,535. */
  readonly replyCode: number;
  /** Up to 255 octets; the code's name if absent. RabbitMQ writes `NOT_FOUND - no queue 'q' …`. */
  readonly replyText?: string | undefined;
}

/** `refuse()`: how, when and whom. */
export interface RefuseOptions<N extends ClientMethod["name"]>
  extends ReplyOptions,
    FaultScope,
    FaultTimes {
  /** What is closed; if absent what the specification says of the reply code (soft or hard). */
  readonly scope?: "channel" | "connection" | undefined;
  /** Looks at the method; any if absent. */
  readonly predicate?: ((method: Extract<ClientMethod, { name: N }>) => boolean) | undefined;
}

/** `closeChannels()` */
export interface CloseChannelsOptions extends ReplyOptions, FaultScope {
  /** The number of the channel; all that are open if absent. */
  readonly channel?: number | undefined;
}

/** `closeConnections()` */
export interface CloseConnectionsOptions extends FaultScope {
  /** 320, CONNECTION_FORCED, if absent. */
  readonly replyCode?: number | undefined;
  /** If absent, the code's name and ` - Closed via management plugin`, as of RabbitMQ's operators. */
  readonly replyText?: string | undefined;
}

/** `block()` */
export interface BlockOptions extends FaultScope {
  /** What connection.blocked says: "low on memory" if absent, as RabbitMQ has it. */
  readonly reason?: string | undefined;
  /**
   * False, the default, waits as RabbitMQ does for the next message that a connection publishes. True
   * blocks every connection as soon as it is open.
   */
  readonly atOnce?: boolean | undefined;
}

/** `delay()` */
export interface DelayOptions extends FaultScope {
  /** By how many milliseconds everything that the broker writes is late. */
  readonly ms: number;
  /** Up to how many milliseconds more, by chance; 0 if absent. The order stays. */
  readonly jitterMs?: number | undefined;
}

/** `split()` */
export interface SplitOptions extends FaultScope {
  /** At most so many octets in a piece; 1 if absent. */
  readonly octets?: number | undefined;
  /** Whether each piece has a random size, from 1 to `octets`. False if absent. */
  readonly random?: boolean | undefined;
}

/** `cut()`: at most one of `on`, `inside`, `afterRead` and `afterWritten`. */
export interface CutOptions extends FaultScope, FaultTimes {
  /**
   * "end", the default, ends the stream like a process that hangs up; what was written before
   * arrives. "reset" sends a RST, which the client sees as ECONNRESET.
   */
  readonly how?: CutKind | undefined;
  /** When this method comes, which nobody handles then; what came before is answered. */
  readonly on?: ClientMethod["name"] | undefined;
  /**
   * A method of the broker's: in the middle of its frames. Or "basic.publish": when the header of a
   * message has come and its body has not been looked at, so that the broker does not have the
   * message.
   */
  readonly inside?: Exclude<ServerMethod["name"], "connection.start"> | "basic.publish" | undefined;
  /** With `inside` and a method of the broker's: after so many octets of it; by chance if absent. */
  readonly at?: number | undefined;
  /** With "basic.publish": only those to this exchange. */
  readonly exchange?: string | undefined;
  /** With "basic.publish": only those with this routing key, or one that the pattern matches. */
  readonly routingKey?: string | RegExp | undefined;
  /** When so many octets of a connection were read: from now on, or from its beginning. */
  readonly afterRead?: number | undefined;
  /** When so many octets were written to it: from now on, or from its beginning. */
  readonly afterWritten?: number | undefined;
}

/** `refuseConnections()` */
export interface RefuseConnectionsOptions extends FaultTimes {
  /** How many; Infinity if absent. */
  readonly count?: number | undefined;
  /**
   * "reset", the default, and "end" drop the connection as soon as it is there. "silence" keeps it and
   * says nothing, until the fault is cleared: then these connections are dropped.
   */
  readonly how?: CutKind | "silence" | undefined;
}

/** Which consumers. */
export interface ConsumerFaultOptions extends FaultScope {
  /** Those of this queue. */
  readonly queue?: string | undefined;
}

/** `cancelConsumers()` */
export interface CancelOptions extends ConsumerFaultOptions {
  readonly consumerTag?: string | undefined;
}

/** `send()` */
export interface FaultySendOptions extends FaultScope {
  /** A channel's number; every open channel if absent. Methods of class connection go on 0. */
  readonly channel?: number | undefined;
}

/**
 * Faults on command. Every method sets one and gives it back as a {@link Fault}:
 *
 *     broker.faults.nack({ count: 3, routingKey: "orders" });
 *     broker.faults.cut({ on: "basic.publish", after: 10 });
 *     broker.faults.refuse("queue.declare", { replyCode: 403 });
 *
 * Faults apply to all connections, those that are there and those that will come, unless
 * `connection` names one. Those with a `count` strike once if it is absent. Of several that
 * could strike the same publish or method, the one that was set first does, alone. What is left to
 * chance comes from the broker's `seed`, so that the same seed with the same input makes the same of
 * it. Bad options are a `UsageError`, thrown before anything is set.
 */
export interface BrokerFaults {
  /** What is set and not over, the oldest first. A new array each time. */
  readonly active: readonly Fault[];

  /**
   * Nacks the next publishes on channels in confirm mode. A broker does that when a queue is full
   * (overflow `reject-publish`) or fails. Each is a strike.
   */
  nack(options?: NackOptions): Fault;

  /**
   * Sends the next publishes back, whether or not a queue could take them and `mandatory` asks for it,
   * and confirms them then, as RabbitMQ does. No queue gets them. Each is a strike.
   */
  return(options?: ReturnOptions): Fault;

  /**
   * A broker that lies: loses the next messages, and acks them as if it had them. Each is a strike.
   * What no publisher can notice, the check at the other end should.
   */
  lose(options?: PublishFaultOptions): Fault;

  /**
   * Never confirms the next publishes, though their queues have them; nor does a later confirm with
   * `multiple` cover them. Each is a strike.
   */
  dropConfirm(options?: DropConfirmOptions): Fault;

  /** Confirms the next publishes twice, the second time right after the first. Each is a strike. */
  duplicateConfirm(options?: PublishFaultOptions): Fault;

  /**
   * Keeps confirms back until {@link HeldConfirms.release}: all from here on, unless `count` says how
   * many. Each is a strike. The messages are in their queues.
   */
  holdConfirms(options?: PublishFaultOptions): HeldConfirms;

  /**
   * Sends confirms late, out of order, one by one: see {@link ConfirmOptions}, which can also be set
   * for good when the broker is started. Ends when it is cleared; of several the newest holds. The
   * strikes are not counted.
   */
  confirms(options: ConfirmOptions & FaultScope): Fault;

  /**
   * Answers a method with a close of its channel or its connection, as the reply code demands, and
   * does not do what it asks. A publish is refused when all of it has come, on its channel with
   * `{ replyCode: 404 }` for instance; as in RabbitMQ, what was published before in the same piece of
   * input is not confirmed any more. Methods of the handshake can be refused too. Each refusal is a
   * strike.
   */
  refuse<N extends ClientMethod["name"]>(method: N, options: RefuseOptions<N>): Fault;

  /** Closes channels at once, with channel.close. Over when it returns; each channel is a strike. */
  closeChannels(options: CloseChannelsOptions): Fault;

  /**
   * Closes connections at once, with connection.close, as an operator does. Over when it returns; each
   * connection is a strike.
   */
  closeConnections(options?: CloseConnectionsOptions): Fault;

  /**
   * Raises a resource alarm, until it is cleared: connections that publish are blocked. Clients with
   * the capability `connection.blocked` are told, and of the end too; nothing is read meanwhile, and
   * what is not confirmed yet is confirmed at the end. A connection that is blocked is a strike.
   */
  block(options?: BlockOptions): Fault;

  /**
   * Asks to stop publishing, with channel.flow on every channel that is open, and to go on when it is
   * cleared. What comes all the same is taken. Each channel is a strike.
   */
  stopFlow(options?: FaultScope): Fault;

  /**
   * Reads nothing, until it is cleared: the client's writes fill its buffers. Unlike a blocked
   * connection nobody is told. Heartbeats go out, and none is missed. Each connection is a strike.
   */
  stopReading(options?: FaultScope): Fault;

  /**
   * Writes nothing, heartbeats included, until it is cleared; what was to be written goes out then, in
   * order. Reads on, until 1 MiB waits. Each write that is kept back is a strike.
   */
  stopWriting(options?: FaultScope): Fault;

  /** Writes everything late, until it is cleared. Each write is a strike. */
  delay(options: DelayOptions): Fault;

  /**
   * Writes in pieces, each in a turn of the event loop of its own, until it is cleared: single octets,
   * or as `octets` and `random` say. A client should not notice. Each write that was split is a strike.
   */
  split(options?: SplitOptions): Fault;

  /**
   * Cuts connections without a word: at once, or where the options say. At once it is over when it
   * returns, and each connection is a strike; else each cut is one.
   */
  cut(options?: CutOptions): Fault;

  /** Turns new connections away. Each is a strike. */
  refuseConnections(options?: RefuseConnectionsOptions): Fault;

  /**
   * Cancels consumers at once: clients with the capability `consumer_cancel_notify` get basic.cancel.
   * What they hold they may still acknowledge. Over when it returns; each consumer is a strike.
   */
  cancelConsumers(options?: CancelOptions): Fault;

  /**
   * Gives what clients hold unacknowledged to consumers again, at once, marked as redelivered: as if
   * the connection that has it was lost. Acknowledgements of what they had are taken and mean nothing.
   * Over when it returns; each message is a strike.
   */
  redeliver(options?: ConsumerFaultOptions): Fault;

  /**
   * Delivers the next messages twice, with two delivery tags, the second time marked as redelivered.
   * Each message is a strike.
   */
  duplicateDelivery(options?: ConsumerFaultOptions & FaultTimes): Fault;

  /**
   * Sends a method, however wrong it is at the moment: a confirm of a tag that nobody has issued,
   * say. Over when it returns; each channel, or connection, that gets it is a strike.
   */
  send(method: Exclude<ServerMethod, ContentMethod>, options?: FaultySendOptions): Fault;

  /** Clears all. */
  clear(): void;
}
