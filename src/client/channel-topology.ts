/**
 * The methods of the classes exchange and queue: what messages are routed by, and what holds them.
 * Field names are the specification's in camel case (classes 40 and 50); exchange.bind and
 * exchange.unbind are RabbitMQ's (rabbitmq.com/docs/e2e).
 */
import type { FieldTable } from "../wire/field-value.ts";
import type { ClientMethod } from "../wire/generated/methods.ts";
import { ChannelCalls, type NowaitOptions } from "./channel-calls.ts";
import type { WaitBounds } from "./waiting.ts";

/** What exchange.declare takes beside name and type. */
export interface ExchangeDeclareOptions extends NowaitOptions {
  /** Only asks whether it exists; 404 if not. Default false. */
  readonly passive?: boolean | undefined;
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Is deleted when nothing is bound to it any more. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Takes messages from other exchanges only. Default false. */
  readonly internal?: boolean | undefined;
  /** Such as `alternate-exchange`. Default none. */
  readonly arguments?: FieldTable | undefined;
}

/** What queue.declare takes beside the name. */
export interface QueueDeclareOptions extends NowaitOptions {
  /** Only asks whether it exists; 404 if not. Default false. */
  readonly passive?: boolean | undefined;
  /** Survives a restart of the broker. Default false. */
  readonly durable?: boolean | undefined;
  /** Belongs to this connection and goes with it. Default false. */
  readonly exclusive?: boolean | undefined;
  /** Is deleted when its last consumer is gone. Default false. */
  readonly autoDelete?: boolean | undefined;
  /** Such as `x-queue-type`, `x-max-length` or `x-message-ttl`. Default none. */
  readonly arguments?: FieldTable | undefined;
}

/** What exchange.delete takes beside the name. */
export interface ExchangeDeleteOptions extends NowaitOptions {
  /** Only when nothing is bound to it. Default false. */
  readonly ifUnused?: boolean | undefined;
}

/** What queue.delete takes beside the name. */
export interface QueueDeleteOptions extends NowaitOptions {
  /** Only when it has no consumers. Default false. */
  readonly ifUnused?: boolean | undefined;
  /** Only when it has no messages. Default false. */
  readonly ifEmpty?: boolean | undefined;
}

/** What queue.declare-ok says. */
export interface QueueDeclaredReply {
  /** The name, also where the broker chose it. */
  readonly queue: string;
  /** Messages that are ready; not those that consumers hold. */
  readonly messageCount: number;
  readonly consumerCount: number;
}

/** What purging or deleting a queue comes to. */
export interface QueueEmptiedReply {
  /** Messages that were ready and are gone. */
  readonly messageCount: number;
}

type Waits = { readonly nowait?: false | undefined };
type DoesNotWait = { readonly nowait: true };

/** Exchanges, queues and their bindings. */
export abstract class TopologyMethods extends ChannelCalls {
  /**
   * Declares an exchange: `direct`, `fanout`, `topic`, `headers` or a type of a plugin. One that is
   * there already must have been declared alike, or the broker closes the channel (406).
   */
  async exchangeDeclare(
    exchange: string,
    type: string,
    options: ExchangeDeclareOptions = {},
  ): Promise<void> {
    const method: ClientMethod = {
      name: "exchange.declare",
      exchange,
      type,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      autoDelete: options.autoDelete ?? false,
      internal: options.internal ?? false,
      nowait: options.nowait ?? false,
      arguments: options.arguments ?? {},
    };
    await this.callOrSend(method, options);
  }

  /** Deletes an exchange; with `ifUnused` only when nothing is bound to it. */
  async exchangeDelete(exchange: string, options: ExchangeDeleteOptions = {}): Promise<void> {
    const { ifUnused = false, nowait = false } = options;
    await this.callOrSend({ name: "exchange.delete", exchange, ifUnused, nowait }, options);
  }

  /**
   * Binds an exchange to another one: messages flow from `source` to `destination`.
   *
   * @param args The arguments of the binding; deadline, signal and `nowait` come behind them.
   */
  async exchangeBind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
    options: NowaitOptions = {},
  ): Promise<void> {
    const { nowait = false } = options;
    const binding = { destination, source, routingKey, nowait, arguments: args };
    await this.callOrSend({ name: "exchange.bind", ...binding }, options);
  }

  /**
   * Undoes `exchangeBind()`; the arguments must be the same.
   *
   * @param args The arguments of the binding; deadline, signal and `nowait` come behind them.
   */
  async exchangeUnbind(
    destination: string,
    source: string,
    routingKey: string,
    args: FieldTable = {},
    options: NowaitOptions = {},
  ): Promise<void> {
    const { nowait = false } = options;
    const binding = { destination, source, routingKey, nowait, arguments: args };
    await this.callOrSend({ name: "exchange.unbind", ...binding }, options);
  }

  /**
   * Declares a queue. An empty name lets the broker choose one, which the reply tells; elsewhere on
   * the channel an empty name stands for the queue that was declared last. One that is there
   * already must have been declared alike, or the broker closes the channel (406). With `nowait`
   * there is no reply.
   */
  async queueDeclare(
    queue: string | undefined,
    options: QueueDeclareOptions & DoesNotWait,
  ): Promise<undefined>;
  async queueDeclare(
    queue?: string,
    options?: QueueDeclareOptions & Waits,
  ): Promise<QueueDeclaredReply>;
  async queueDeclare(
    queue?: string,
    options?: QueueDeclareOptions,
  ): Promise<QueueDeclaredReply | undefined>;
  async queueDeclare(
    queue = "",
    options: QueueDeclareOptions = {},
  ): Promise<QueueDeclaredReply | undefined> {
    const method = {
      name: "queue.declare",
      queue,
      passive: options.passive ?? false,
      durable: options.durable ?? false,
      exclusive: options.exclusive ?? false,
      autoDelete: options.autoDelete ?? false,
      nowait: options.nowait ?? false,
      arguments: options.arguments ?? {},
    } as const;
    if (method.nowait) {
      await this.callOrSend(method, options);
      return undefined;
    }
    const reply = await this.callFor("queue.declare-ok", method, options);
    const { messageCount, consumerCount } = reply;
    return { queue: reply.queue, messageCount, consumerCount };
  }

  /**
   * Binds a queue to an exchange.
   *
   * @param args The arguments of the binding; deadline, signal and `nowait` come behind them.
   */
  async queueBind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
    options: NowaitOptions = {},
  ): Promise<void> {
    const { nowait = false } = options;
    const binding = { queue, exchange, routingKey, nowait, arguments: args };
    await this.callOrSend({ name: "queue.bind", ...binding }, options);
  }

  /**
   * Undoes `queueBind()`; the arguments must be the same. The protocol has no `nowait` for it.
   *
   * @param args The arguments of the binding; deadline and signal come behind them.
   */
  async queueUnbind(
    queue: string,
    exchange: string,
    routingKey: string,
    args: FieldTable = {},
    bounds: WaitBounds = {},
  ): Promise<void> {
    const binding = { queue, exchange, routingKey, arguments: args };
    await this.call({ name: "queue.unbind", ...binding }, bounds);
  }

  /** Drops all messages that are ready in a queue; not those that consumers hold. */
  async queuePurge(queue: string, options: NowaitOptions & DoesNotWait): Promise<undefined>;
  async queuePurge(queue: string, options?: NowaitOptions & Waits): Promise<QueueEmptiedReply>;
  async queuePurge(queue: string, options?: NowaitOptions): Promise<QueueEmptiedReply | undefined>;
  async queuePurge(
    queue: string,
    options: NowaitOptions = {},
  ): Promise<QueueEmptiedReply | undefined> {
    const { nowait = false } = options;
    return this.#empty("queue.purge-ok", { name: "queue.purge", queue, nowait }, options);
  }

  /** Deletes a queue: with `ifUnused` only without consumers, with `ifEmpty` only without messages. */
  async queueDelete(queue: string, options: QueueDeleteOptions & DoesNotWait): Promise<undefined>;
  async queueDelete(
    queue: string,
    options?: QueueDeleteOptions & Waits,
  ): Promise<QueueEmptiedReply>;
  async queueDelete(
    queue: string,
    options?: QueueDeleteOptions,
  ): Promise<QueueEmptiedReply | undefined>;
  async queueDelete(
    queue: string,
    options: QueueDeleteOptions = {},
  ): Promise<QueueEmptiedReply | undefined> {
    const { ifUnused = false, ifEmpty = false, nowait = false } = options;
    const method = { name: "queue.delete", queue, ifUnused, ifEmpty, nowait } as const;
    return this.#empty("queue.delete-ok", method, options);
  }

  async #empty(
    reply: "queue.purge-ok" | "queue.delete-ok",
    method: ClientMethod & { readonly nowait: boolean },
    bounds: WaitBounds,
  ): Promise<QueueEmptiedReply | undefined> {
    if (method.nowait) {
      await this.callOrSend(method, bounds);
      return undefined;
    }
    const { messageCount } = await this.callFor(reply, method, bounds);
    return { messageCount };
  }
}
