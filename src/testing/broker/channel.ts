/**
 * One channel of a connection: what a client asks for, method by method, and the answers
 * (specification sections 1.5 to 1.8). Opening and closing is the session's business.
 *
 * A method that is refused throws; the session then closes the channel and calls {@link
 * Channel.fail}. From there on everything on the channel but close and close-ok is dropped, and so
 * are the confirms that were not sent yet. That is what RabbitMQ does.
 */

import type { Payload } from "../../protocol/content-assembler.ts";
import type {
  BasicCancel,
  BasicConsume,
  BasicDeliver,
  BasicGet,
  BasicRecover,
  BasicRecoverAsync,
  ClientMethod,
  ContentMethod,
  QueueBind,
  QueueDeclare,
  QueueDelete,
  QueueUnbind,
  ServerMethod,
} from "../../wire/generated/methods.ts";
import { ChannelPublishing, type PublishingOutlet } from "./channel-publishing.ts";
import { Consuming, type ConsumingHost } from "./consuming.ts";
import { ask, type FaultPoints, type FaultyConnection } from "./faults/points.ts";
import type { StoredMessage } from "./message.ts";
import type { Routed } from "./publishing.ts";
import { refusal } from "./refusal.ts";
import { Transaction } from "./transaction.ts";
import type { Fate } from "./unacknowledged.ts";
import type { QueueBinding, VirtualHost } from "./virtual-host.ts";

/** What a channel needs of its connection; the object itself is the owner of exclusive queues. */
export interface ChannelHost {
  readonly vhost: VirtualHost;
  /** Who is logged in. */
  readonly user: string;
  readonly maxMessageSize: number;
  /** Whether the client wants to hear of consumers that the broker cancels. */
  readonly cancelNotify: boolean;
  /** Whether deliveries can be sent; {@link Channel.resume} tells when they can again. */
  readonly takesDeliveries: boolean;
  /** Sends a method. */
  send(channel: number, method: ServerMethod): void;
  /** Sends a method with a message. */
  sendContent(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void;
  /** Sends a delivery; if it cannot be written, that ends this connection and throws nothing. */
  sendDelivery(channel: number, method: BasicDeliver, message: StoredMessage): void;
  /** What is set to go wrong, and the connection as faults see it. */
  readonly faults: Readonly<FaultPoints>;
  readonly faulty: FaultyConnection;
  /** Asks for {@link Channel.sendAck} when all that was read from the socket is handled. */
  sendAckLater(channel: PublishingOutlet): void;
}

/** One open channel. */
export class Channel implements ConsumingHost, PublishingOutlet {
  readonly number: number;
  readonly #host: ChannelHost;
  readonly #incoming: ChannelPublishing;
  readonly #consuming: Consuming;
  #transaction: Transaction | undefined;
  #lastQueue = "";
  #failed = false;
  #released = false;
  /** How often the client was asked to stop or to go on, and has not answered. */
  #flowsAsked = 0;

  constructor(number: number, host: ChannelHost) {
    this.number = number;
    this.#host = host;
    this.#incoming = new ChannelPublishing(number, host, this);
    this.#consuming = new Consuming(this);
  }

  get vhost(): VirtualHost {
    return this.#host.vhost;
  }

  /** Whether its consumers can be sent messages. */
  get open(): boolean {
    return !this.#failed && this.#host.takesDeliveries;
  }

  /** Whether the broker closed it and waits for close-ok. */
  get failed(): boolean {
    return this.#failed;
  }

  /** What it was switched to: `confirm`, `transaction`, or neither. */
  get mode(): "normal" | "confirm" | "transaction" {
    if (this.#incoming.publishing.confirming) return "confirm";
    return this.#transaction === undefined ? "normal" : "transaction";
  }

  /** Its consumers, its prefetch and what its client holds; to look at. */
  get consuming(): Consuming {
    return this.#consuming;
  }

  /** The broker is about to close the channel. */
  fail(): void {
    this.#failed = true;
    this.release();
  }

  /** The channel or its connection is over: what is unacknowledged goes back to its queues. */
  release(): void {
    this.#released = true;
    this.#incoming.publishing.stop();
    const waiting = this.#transaction?.take().settlements ?? [];
    this.#consuming.release(waiting.flatMap(({ held }) => held));
  }

  /** The connection takes deliveries again. */
  resume(): void {
    this.#consuming.resume();
  }

  deliver(method: BasicDeliver, message: StoredMessage): void {
    this.#host.sendDelivery(this.number, method, message);
  }

  /** Whether a fault wants a message of this queue delivered twice. */
  deliversTwice(queue: string): boolean {
    const { faults, faulty } = this.#host;
    return faults.deliveries !== undefined && ask(faults.deliveries, faulty, queue) === true;
  }

  /** Cancels consumers from our side; returns how many. */
  cancelConsumers(picks: (queue: string, consumerTag: string) => boolean): number {
    return this.#consuming.cancelFromHere(picks);
  }

  /** Gives what the client holds to consumers again; returns how many messages. */
  redeliver(picks: (queue: string) => boolean): number {
    return this.#consuming.redeliver(picks);
  }

  /** Asks the client to stop publishing, or to go on. */
  askFlow(active: boolean): void {
    this.#flowsAsked++;
    this.#send({ name: "channel.flow", active });
  }

  notifyCancelled(method: BasicCancel): void {
    if (this.#host.cancelNotify) this.#send(method);
  }

  /** Sends the confirms that are due. */
  sendAck(): void {
    if (this.#released) return;
    const { confirms } = this.#host.faults;
    const style = confirms === undefined ? undefined : ask(confirms, this.#host.faulty);
    for (const confirm of this.#incoming.publishing.takeConfirms(style)) this.#send(confirm);
  }

  /** Raises if content is under way, so that no method may come. */
  checkIdle(method: ClientMethod): void {
    this.#incoming.checkIdle(method);
  }

  /** A header frame came. */
  header(payload: Payload): void {
    this.#incoming.header(payload);
  }

  /** A body frame came. */
  body(payload: Payload): void {
    this.#incoming.body(payload);
  }

  /** A message came in. */
  take(routed: Routed): void {
    if (this.#transaction === undefined) this.#store(routed);
    else this.#transaction.publish(routed);
  }

  /** A method came: any but those that open and close channels. */
  method(method: ClientMethod): void {
    if (method.name === "basic.publish") {
      this.#incoming.begin(method);
      return;
    }
    this.checkIdle(method);
    this.#answer(method);
  }

  #answer(method: ClientMethod): void {
    const { vhost } = this.#host;
    switch (method.name) {
      case "channel.flow":
        if (!method.active) throw refusal("notImplemented", "active=false");
        return this.#send({ name: "channel.flow-ok", active: true });
      case "channel.flow-ok":
        if (this.#flowsAsked === 0) throw refusal("commandInvalid", "unimplemented method");
        this.#flowsAsked--;
        return;

      case "exchange.declare":
        vhost.declareExchange(method);
        return this.#reply(method, { name: "exchange.declare-ok" });
      case "exchange.delete":
        vhost.deleteExchange(method);
        return this.#reply(method, { name: "exchange.delete-ok" });
      case "exchange.bind":
        vhost.bindExchange(method);
        return this.#reply(method, { name: "exchange.bind-ok" });
      case "exchange.unbind":
        vhost.unbindExchange(method);
        return this.#reply(method, { name: "exchange.unbind-ok" });

      case "queue.declare":
        return this.#declareQueue(method);
      case "queue.bind":
        vhost.bindQueue(this.#binding(method), this.#host);
        return this.#reply(method, { name: "queue.bind-ok" });
      case "queue.unbind":
        vhost.unbindQueue(this.#binding(method), this.#host);
        return this.#send({ name: "queue.unbind-ok" });
      case "queue.purge": {
        const queue = vhost.queue(this.#queueName(method.queue), this.#host);
        return this.#reply(method, { name: "queue.purge-ok", messageCount: queue.purge() });
      }
      case "queue.delete":
        return this.#deleteQueue(method);

      case "basic.get":
        return this.#get(method);
      case "basic.consume":
        return this.#consume(method);
      case "basic.cancel":
        this.#consuming.cancel(method.consumerTag);
        return this.#reply(method, { name: "basic.cancel-ok", consumerTag: method.consumerTag });
      case "basic.qos":
        this.#consuming.qos(method);
        this.#send({ name: "basic.qos-ok" });
        return this.#consuming.resume();
      case "basic.ack":
        return this.#settle(method.deliveryTag, method.multiple, "acknowledged");
      case "basic.nack":
        return this.#settle(method.deliveryTag, method.multiple, fateOf(method));
      case "basic.reject":
        return this.#settle(method.deliveryTag, false, fateOf(method));
      case "basic.recover":
      case "basic.recover-async":
        return this.#recover(method);

      case "confirm.select":
        if (this.#transaction !== undefined) throw cannotSwitch("tx", "confirm");
        this.#incoming.publishing.select();
        return this.#reply(method, { name: "confirm.select-ok" });
      case "tx.select":
        if (this.#incoming.publishing.confirming) throw cannotSwitch("confirm", "tx");
        this.#transaction ??= new Transaction();
        return this.#send({ name: "tx.select-ok" });
      case "tx.commit":
        return this.#commit(this.#openTransaction());
      case "tx.rollback":
        this.#rollBack(this.#openTransaction());
        return this.#send({ name: "tx.rollback-ok" });

      default:
        // Methods of class connection, and replies to what this broker never asks.
        throw refusal("commandInvalid", "unimplemented method");
    }
  }

  #store(routed: Routed): void {
    const returned = this.#incoming.publishing.store(routed);
    if (returned === undefined) return;
    this.#host.sendContent(this.number, returned.method, returned.message);
  }

  #declareQueue(method: QueueDeclare): void {
    const queue = this.#host.vhost.declareQueue(method, this.#host);
    this.#lastQueue = queue.name;
    this.#reply(method, {
      name: "queue.declare-ok",
      queue: queue.name,
      messageCount: queue.messageCount,
      consumerCount: queue.consumerCount,
    });
  }

  #get({ queue: name, noAck }: BasicGet): void {
    const queue = this.#host.vhost.queue(this.#queueName(name), this.#host);
    const entry = queue.take();
    if (entry === undefined) return this.#send({ name: "basic.get-empty" });
    const { message, redelivered } = entry;
    const { exchange, routingKey } = message;
    const { messageCount } = queue;
    const deliveryTag = this.#consuming.hold(queue, entry, noAck);
    this.#host.sendContent(
      this.number,
      { name: "basic.get-ok", deliveryTag, redelivered, exchange, routingKey, messageCount },
      message,
    );
  }

  /** Answers first: RabbitMQ tells of the consumers that go with a queue after it is deleted. */
  #deleteQueue(method: QueueDelete): void {
    const { vhost } = this.#host;
    const named = { ...method, queue: this.#queueName(method.queue) };
    const queue = vhost.queueToDelete(named, this.#host);
    const messageCount = queue?.messageCount ?? 0;
    this.#reply(method, { name: "queue.delete-ok", messageCount });
    if (queue !== undefined) vhost.removeQueue(queue);
  }

  #consume(method: BasicConsume): void {
    const consumerTag = this.#consuming.tagFor(method);
    const queue = this.#host.vhost.queueToConsume(
      this.#queueName(method.queue),
      method,
      this.#host,
    );
    this.#reply(method, { name: "basic.consume-ok", consumerTag });
    this.#consuming.consume(consumerTag, queue, method);
  }

  #settle(deliveryTag: number, multiple: boolean, fate: Fate): void {
    const held = this.#consuming.take(deliveryTag, multiple);
    if (this.#transaction === undefined) this.#consuming.settle(held, fate);
    else this.#transaction.settle(held, fate);
  }

  /** Answers first: what comes back may go out again at once, and RabbitMQ has that come after. */
  #recover({ name, requeue }: BasicRecover | BasicRecoverAsync): void {
    if (!requeue) throw refusal("notImplemented", "requeue=false");
    if (name === "basic.recover") this.#send({ name: "basic.recover-ok" });
    this.#consuming.settle(this.#consuming.takeAll(), "requeued");
  }

  #openTransaction(): Transaction {
    if (this.#transaction !== undefined) return this.#transaction;
    throw refusal("preconditionFailed", "channel is not transactional");
  }

  /**
   * Publishes come first, then the answer, then what acknowledgements set free, as in RabbitMQ.
   * Queues that are gone by now do not count.
   */
  #commit(transaction: Transaction): void {
    const { publishes, settlements } = transaction.take();
    for (const routed of publishes) {
      const queues = routed.queues.filter(({ deleted }) => !deleted);
      this.#store({ ...routed, queues });
    }
    this.#send({ name: "tx.commit-ok" });
    for (const { held, fate } of settlements) this.#consuming.settle(held, fate);
  }

  #rollBack(transaction: Transaction): void {
    const { settlements } = transaction.take();
    this.#consuming.putBack(settlements.flatMap(({ held }) => held));
  }

  /** An empty name means the queue that was declared last on this channel. */
  #queueName(name: string): string {
    if (name !== "") return name;
    if (this.#lastQueue === "") throw refusal("notFound", "no previously declared queue");
    return this.#lastQueue;
  }

  /** If the routing key is empty as well, it is the queue's name (specification 1.7.2.3). */
  #binding(method: QueueBind | QueueUnbind): QueueBinding {
    const queue = this.#queueName(method.queue);
    const isShort = method.queue === "" && method.routingKey === "";
    return { ...method, queue, routingKey: isShort ? queue : method.routingKey };
  }

  #send(method: ServerMethod): void {
    this.#host.send(this.number, method);
  }

  #reply({ nowait }: { readonly nowait: boolean }, method: ServerMethod): void {
    if (!nowait) this.#send(method);
  }
}

function fateOf({ requeue }: { readonly requeue: boolean }): Fate {
  return requeue ? "requeued" : "rejected";
}

function cannotSwitch(from: string, to: string): Error {
  return refusal("preconditionFailed", `cannot switch from ${from} to ${to} mode`);
}
