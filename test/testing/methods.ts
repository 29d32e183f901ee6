/** Client methods with the usual values filled in, for tests that send them by hand. */
import type * as m from "../../src/wire/generated/methods.ts";

type Options<M> = Partial<Omit<M, "name">>;

export const OPEN: m.ChannelOpen = { name: "channel.open" };
export const CLOSE_OK: m.ChannelCloseOk = { name: "channel.close-ok" };
export const CONFIRM: m.ConfirmSelect = { name: "confirm.select", nowait: false };

const GOODBYE = { replyCode: 200, replyText: "", classId: 0, methodId: 0 };
export const CLOSE_CHANNEL: m.ChannelClose = { name: "channel.close", ...GOODBYE };
export const CLOSE_CONNECTION: m.ConnectionClose = { name: "connection.close", ...GOODBYE };

export function declareExchange(
  exchange: string,
  type: string,
  options: Options<m.ExchangeDeclare> = {},
): m.ExchangeDeclare {
  return {
    ...{ name: "exchange.declare", exchange, type, passive: false, durable: false },
    ...{ autoDelete: false, internal: false, nowait: false, arguments: {} },
    ...options,
  };
}

export function deleteExchange(
  exchange: string,
  options: Options<m.ExchangeDelete> = {},
): m.ExchangeDelete {
  return { name: "exchange.delete", exchange, ifUnused: false, nowait: false, ...options };
}

export function bindExchange(
  destination: string,
  source: string,
  routingKey: string,
  options: Options<m.ExchangeBind> = {},
): m.ExchangeBind {
  return {
    ...{ name: "exchange.bind", destination, source, routingKey, nowait: false, arguments: {} },
    ...options,
  };
}

export function unbindExchange(
  destination: string,
  source: string,
  routingKey: string,
  options: Options<m.ExchangeUnbind> = {},
): m.ExchangeUnbind {
  return { ...bindExchange(destination, source, routingKey, options), name: "exchange.unbind" };
}

export function declareQueue(queue: string, options: Options<m.QueueDeclare> = {}): m.QueueDeclare {
  return {
    ...{ name: "queue.declare", queue, passive: false, durable: false, exclusive: false },
    ...{ autoDelete: false, nowait: false, arguments: {} },
    ...options,
  };
}

export function bindQueue(
  queue: string,
  exchange: string,
  routingKey: string,
  options: Options<m.QueueBind> = {},
): m.QueueBind {
  return {
    ...{ name: "queue.bind", queue, exchange, routingKey, nowait: false, arguments: {} },
    ...options,
  };
}

export function unbindQueue(
  queue: string,
  exchange: string,
  routingKey: string,
  options: Options<m.QueueUnbind> = {},
): m.QueueUnbind {
  return { name: "queue.unbind", queue, exchange, routingKey, arguments: {}, ...options };
}

export function deleteQueue(queue: string, options: Options<m.QueueDelete> = {}): m.QueueDelete {
  return {
    ...{ name: "queue.delete", queue, ifUnused: false, ifEmpty: false, nowait: false },
    ...options,
  };
}

export function purge(queue: string, nowait = false): m.QueuePurge {
  return { name: "queue.purge", queue, nowait };
}

export function get(queue: string, noAck = true): m.BasicGet {
  return { name: "basic.get", queue, noAck };
}

export function ack(deliveryTag: number, multiple = false): m.BasicAck {
  return { name: "basic.ack", deliveryTag, multiple };
}

export function nack(deliveryTag: number, multiple: boolean, requeue: boolean): m.BasicNack {
  return { name: "basic.nack", deliveryTag, multiple, requeue };
}

export function reject(deliveryTag: number, requeue: boolean): m.BasicReject {
  return { name: "basic.reject", deliveryTag, requeue };
}

export function consume(
  queue: string,
  consumerTag: string,
  options: Options<m.BasicConsume> = {},
): m.BasicConsume {
  return {
    ...{ name: "basic.consume", queue, consumerTag, noLocal: false, noAck: false },
    ...{ exclusive: false, nowait: false, arguments: {} },
    ...options,
  };
}

export function cancel(consumerTag: string, nowait = false): m.BasicCancel {
  return { name: "basic.cancel", consumerTag, nowait };
}

export function qos(prefetchCount: number, global = false): m.BasicQos {
  return { name: "basic.qos", prefetchSize: 0, prefetchCount, global };
}

export const RECOVER: m.BasicRecover = { name: "basic.recover", requeue: true };
export const RECOVER_ASYNC: m.BasicRecoverAsync = { name: "basic.recover-async", requeue: true };
export const TX_SELECT: m.TxSelect = { name: "tx.select" };
export const TX_COMMIT: m.TxCommit = { name: "tx.commit" };
export const TX_ROLLBACK: m.TxRollback = { name: "tx.rollback" };
