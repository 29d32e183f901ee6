/**
 * One channel of a connection: what a client asks for, method by method, and the answers
 * (specification sections 1.5 to 1.8). Opening and closing is the session's business.
 *
 * A method that is refused throws; the session then closes the channel and calls {@link
 * Channel.fail}. From there on everything on the channel but close and close-ok is dropped, and so
 * are the confirms that were not sent yet. That is what RabbitMQ does.
 */

import { ProtocolError } from "../../errors.ts";
import { ContentAssembler, type Payload } from "../../protocol/content-assembler.ts";
import type { FieldTable } from "../../wire/field-value.ts";
import { REPLY_CODE } from "../../wire/generated/constants.ts";
import type {
  BasicGet,
  BasicPublish,
  ClientMethod,
  ContentMethod,
  QueueBind,
  QueueDeclare,
  QueueUnbind,
  ServerMethod,
} from "../../wire/generated/methods.ts";
import { readTypedHeaders, type StoredMessage } from "./message.ts";
import { Publishing } from "./publishing.ts";
import { refusal } from "./refusal.ts";
import { requeue, Unacknowledged } from "./unacknowledged.ts";
import type { QueueBinding, VirtualHost } from "./virtual-host.ts";

/** What a channel needs of its connection; the object itself is the owner of exclusive queues. */
export interface ChannelHost {
  readonly vhost: VirtualHost;
  /** Who is logged in. */
  readonly user: string;
  readonly maxMessageSize: number;
  /** Sends a method. */
  send(channel: number, method: ServerMethod): void;
  /** Sends a method with a message. */
  sendContent(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void;
  /** Asks for {@link Channel.sendAck} when all that was read from the socket is handled. */
  sendAckLater(channel: Channel): void;
}

/** One open channel. */
export class Channel {
  readonly number: number;
  readonly #host: ChannelHost;
  readonly #publishing: Publishing;
  readonly #content: ContentAssembler<BasicPublish>;
  readonly #unacknowledged = new Unacknowledged();
  #typedHeaders: FieldTable | undefined;
  #lastQueue = "";
  #failed = false;

  constructor(number: number, host: ChannelHost) {
    this.number = number;
    this.#host = host;
    this.#publishing = new Publishing(host.vhost, host.user);
    this.#content = new ContentAssembler(host.maxMessageSize);
  }

  /** Whether the broker closed it and waits for close-ok. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The broker is about to close the channel. */
  fail(): void {
    this.#failed = true;
    this.release();
  }

  /** The channel or its connection is over: what is unacknowledged goes back to its queues. */
  release(): void {
    requeue(this.#unacknowledged.settleAll());
  }

  /** Sends the confirms that are due. */
  sendAck(): void {
    if (this.#failed) return;
    const ack = this.#publishing.takeAck();
    if (ack !== undefined) this.#send(ack);
  }

  /** Raises if content is under way, so that no method may come. */
  checkIdle(method: ClientMethod): void {
    this.#content.refuseIfBusy(method.name);
  }

  /** A header frame came. */
  header(payload: Payload): void {
    try {
      const content = this.#content.header(payload);
      this.#typedHeaders = readTypedHeaders(payload);
      if (content !== undefined) this.#publish(content);
    } catch (error) {
      throw tooLarge(error, this.#host.maxMessageSize);
    }
  }

  /** A body frame came. */
  body(payload: Payload): void {
    const content = this.#content.body(payload);
    if (content !== undefined) this.#publish(content);
  }

  /** A method came: any but those that open and close channels. */
  method(method: ClientMethod): void {
    if (method.name === "basic.publish") {
      this.#content.begin(method);
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
      case "queue.delete": {
        const named = { ...method, queue: this.#queueName(method.queue) };
        const messageCount = vhost.deleteQueue(named, this.#host);
        return this.#reply(method, { name: "queue.delete-ok", messageCount });
      }

      case "basic.get":
        return this.#get(method);
      case "basic.ack":
        this.#unacknowledged.settle(method.deliveryTag, method.multiple);
        return;
      case "basic.nack":
        return this.#reject(method.deliveryTag, method.multiple, method.requeue);
      case "basic.reject":
        return this.#reject(method.deliveryTag, false, method.requeue);
      case "basic.qos": {
        const { prefetchSize } = method;
        if (prefetchSize > 0) {
          throw refusal("notImplemented", `prefetch_size!=0 (${prefetchSize})`);
        }
        return this.#send({ name: "basic.qos-ok" });
      }
      case "basic.cancel":
        // There are no consumers, and cancelling one that does not exist is no error.
        return this.#reply(method, { name: "basic.cancel-ok", consumerTag: method.consumerTag });

      case "confirm.select":
        this.#publishing.select();
        return this.#reply(method, { name: "confirm.select-ok" });
      case "tx.select":
        if (!this.#publishing.confirming) throw notImplemented(method);
        throw refusal("preconditionFailed", "cannot switch from confirm to tx mode");
      case "tx.commit":
      case "tx.rollback":
        throw refusal("preconditionFailed", "channel is not transactional");

      case "basic.consume":
      case "basic.recover":
      case "basic.recover-async":
        throw notImplemented(method);
      default:
        // Methods of class connection, and replies to what this broker never asks.
        throw refusal("commandInvalid", "unimplemented method");
    }
  }

  #publish(content: Parameters<Publishing["publish"]>[0]): void {
    const returned = this.#publishing.publish(content, this.#typedHeaders);
    if (returned !== undefined) {
      this.#host.sendContent(this.number, returned.method, returned.message);
    }
    if (this.#publishing.confirming) this.#host.sendAckLater(this);
  }

  #declareQueue(method: QueueDeclare): void {
    const queue = this.#host.vhost.declareQueue(method, this.#host);
    this.#lastQueue = queue.name;
    this.#reply(method, {
      name: "queue.declare-ok",
      queue: queue.name,
      messageCount: queue.messageCount,
      consumerCount: 0,
    });
  }

  #get({ queue: name, noAck }: BasicGet): void {
    const queue = this.#host.vhost.queue(this.#queueName(name), this.#host);
    const entry = queue.take();
    if (entry === undefined) return this.#send({ name: "basic.get-empty" });
    const { message, redelivered } = entry;
    const { exchange, routingKey } = message;
    const { messageCount } = queue;
    const deliveryTag = this.#unacknowledged.add(noAck ? undefined : { queue, entry });
    this.#host.sendContent(
      this.number,
      { name: "basic.get-ok", deliveryTag, redelivered, exchange, routingKey, messageCount },
      message,
    );
  }

  #reject(deliveryTag: number, multiple: boolean, again: boolean): void {
    const settled = this.#unacknowledged.settle(deliveryTag, multiple);
    if (again) requeue(settled);
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

function notImplemented({ name }: ClientMethod): Error {
  return refusal("notImplemented", `${name} is not implemented by the embedded broker`);
}

/** The assembler refuses at the header what RabbitMQ refuses when it has the whole body. */
function tooLarge(error: unknown, maxMessageSize: number): unknown {
  if (!(error instanceof ProtocolError)) return error;
  if (error.replyCode !== REPLY_CODE.preconditionFailed) return error;
  return refusal(
    "preconditionFailed",
    `message size ${error.got} is larger than configured max size ${maxMessageSize}`,
  );
}
