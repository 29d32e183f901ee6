// Made by tools/generate.ts from spec/amqp-0-9-1.json: change those, not this file.
import { readTable, writeTable } from "../field-table.ts";
import { refuseMethod } from "../method-refusal.ts";
import type { Reader } from "../reader.ts";
import type { Writer } from "../writer.ts";
import type * as m from "./methods.ts";

/** Writes the ids and arguments of connection.start. */
export function writeConnectionStart(w: Writer, value: m.ConnectionStart): void {
  w.writeLong(0x000a000a);
  w.writeOctet(value.versionMajor, "versionMajor");
  w.writeOctet(value.versionMinor, "versionMinor");
  writeTable(w, value.serverProperties, "serverProperties");
  w.writeLongstr(value.mechanisms, "mechanisms");
  w.writeLongstr(value.locales, "locales");
}

/** Reads the arguments of connection.start; its ids have been read. */
export function readConnectionStart(r: Reader): m.ConnectionStart {
  const versionMajor = r.readOctet();
  const versionMinor = r.readOctet();
  const serverProperties = readTable(r);
  const mechanisms = r.readLongstr();
  const locales = r.readLongstr();
  return { name: "connection.start", versionMajor, versionMinor, serverProperties, mechanisms, locales };
}

/** Writes the ids and arguments of connection.start-ok. */
export function writeConnectionStartOk(w: Writer, value: m.ConnectionStartOk): void {
  w.writeLong(0x000a000b);
  writeTable(w, value.clientProperties, "clientProperties");
  w.writeShortstr(value.mechanism, "mechanism");
  w.writeLongstr(value.response, "response");
  w.writeShortstr(value.locale, "locale");
}

/** Reads the arguments of connection.start-ok; its ids have been read. */
export function readConnectionStartOk(r: Reader): m.ConnectionStartOk {
  const clientProperties = readTable(r);
  const mechanism = r.readShortstr();
  const response = r.readLongstr();
  const locale = r.readShortstr();
  return { name: "connection.start-ok", clientProperties, mechanism, response, locale };
}

/** Writes the ids and arguments of connection.secure. */
export function writeConnectionSecure(w: Writer, value: m.ConnectionSecure): void {
  w.writeLong(0x000a0014);
  w.writeLongstr(value.challenge, "challenge");
}

/** Reads the arguments of connection.secure; its ids have been read. */
export function readConnectionSecure(r: Reader): m.ConnectionSecure {
  const challenge = r.readLongstr();
  return { name: "connection.secure", challenge };
}

/** Writes the ids and arguments of connection.secure-ok. */
export function writeConnectionSecureOk(w: Writer, value: m.ConnectionSecureOk): void {
  w.writeLong(0x000a0015);
  w.writeLongstr(value.response, "response");
}

/** Reads the arguments of connection.secure-ok; its ids have been read. */
export function readConnectionSecureOk(r: Reader): m.ConnectionSecureOk {
  const response = r.readLongstr();
  return { name: "connection.secure-ok", response };
}

/** Writes the ids and arguments of connection.tune. */
export function writeConnectionTune(w: Writer, value: m.ConnectionTune): void {
  w.writeLong(0x000a001e);
  w.writeShort(value.channelMax, "channelMax");
  w.writeLong(value.frameMax, "frameMax");
  w.writeShort(value.heartbeat, "heartbeat");
}

/** Reads the arguments of connection.tune; its ids have been read. */
export function readConnectionTune(r: Reader): m.ConnectionTune {
  const channelMax = r.readShort();
  const frameMax = r.readLong();
  const heartbeat = r.readShort();
  return { name: "connection.tune", channelMax, frameMax, heartbeat };
}

/** Writes the ids and arguments of connection.tune-ok. */
export function writeConnectionTuneOk(w: Writer, value: m.ConnectionTuneOk): void {
  w.writeLong(0x000a001f);
  w.writeShort(value.channelMax, "channelMax");
  w.writeLong(value.frameMax, "frameMax");
  w.writeShort(value.heartbeat, "heartbeat");
}

/** Reads the arguments of connection.tune-ok; its ids have been read. */
export function readConnectionTuneOk(r: Reader): m.ConnectionTuneOk {
  const channelMax = r.readShort();
  const frameMax = r.readLong();
  const heartbeat = r.readShort();
  return { name: "connection.tune-ok", channelMax, frameMax, heartbeat };
}

/** Writes the ids and arguments of connection.open. */
export function writeConnectionOpen(w: Writer, value: m.ConnectionOpen): void {
  w.writeLong(0x000a0028);
  w.writeShortstr(value.virtualHost, "virtualHost");
  w.writeShortstr(""); // reserved-1
  w.writeOctet(0);
}

/** Reads the arguments of connection.open; its ids have been read. */
export function readConnectionOpen(r: Reader): m.ConnectionOpen {
  const virtualHost = r.readShortstr();
  r.readShortstr(); // reserved-1
  r.readOctet();
  return { name: "connection.open", virtualHost };
}

/** Writes the ids and arguments of connection.open-ok. */
export function writeConnectionOpenOk(w: Writer, _value: m.ConnectionOpenOk): void {
  w.writeLong(0x000a0029);
  w.writeShortstr(""); // reserved-1
}

/** Reads the arguments of connection.open-ok; its ids have been read. */
export function readConnectionOpenOk(r: Reader): m.ConnectionOpenOk {
  r.readShortstr(); // reserved-1
  return { name: "connection.open-ok" };
}

/** Writes the ids and arguments of connection.close. */
export function writeConnectionClose(w: Writer, value: m.ConnectionClose): void {
  w.writeLong(0x000a0032);
  w.writeShort(value.replyCode, "replyCode");
  w.writeShortstr(value.replyText, "replyText");
  w.writeShort(value.classId, "classId");
  w.writeShort(value.methodId, "methodId");
}

/** Reads the arguments of connection.close; its ids have been read. */
export function readConnectionClose(r: Reader): m.ConnectionClose {
  const replyCode = r.readShort();
  const replyText = r.readShortstr();
  const classId = r.readShort();
  const methodId = r.readShort();
  return { name: "connection.close", replyCode, replyText, classId, methodId };
}

/** Writes the ids and arguments of connection.close-ok. */
export function writeConnectionCloseOk(w: Writer, _value: m.ConnectionCloseOk): void {
  w.writeLong(0x000a0033);
}

/** Reads the arguments of connection.close-ok; its ids have been read. */
export function readConnectionCloseOk(_r: Reader): m.ConnectionCloseOk {
  return { name: "connection.close-ok" };
}

/** Writes the ids and arguments of connection.blocked. */
export function writeConnectionBlocked(w: Writer, value: m.ConnectionBlocked): void {
  w.writeLong(0x000a003c);
  w.writeShortstr(value.reason, "reason");
}

/** Reads the arguments of connection.blocked; its ids have been read. */
export function readConnectionBlocked(r: Reader): m.ConnectionBlocked {
  const reason = r.readShortstr();
  return { name: "connection.blocked", reason };
}

/** Writes the ids and arguments of connection.unblocked. */
export function writeConnectionUnblocked(w: Writer, _value: m.ConnectionUnblocked): void {
  w.writeLong(0x000a003d);
}

/** Reads the arguments of connection.unblocked; its ids have been read. */
export function readConnectionUnblocked(_r: Reader): m.ConnectionUnblocked {
  return { name: "connection.unblocked" };
}

/** Writes the ids and arguments of connection.update-secret. */
export function writeConnectionUpdateSecret(w: Writer, value: m.ConnectionUpdateSecret): void {
  w.writeLong(0x000a0046);
  w.writeLongstr(value.newSecret, "newSecret");
  w.writeShortstr(value.reason, "reason");
}

/** Reads the arguments of connection.update-secret; its ids have been read. */
export function readConnectionUpdateSecret(r: Reader): m.ConnectionUpdateSecret {
  const newSecret = r.readLongstr();
  const reason = r.readShortstr();
  return { name: "connection.update-secret", newSecret, reason };
}

/** Writes the ids and arguments of connection.update-secret-ok. */
export function writeConnectionUpdateSecretOk(w: Writer, _value: m.ConnectionUpdateSecretOk): void {
  w.writeLong(0x000a0047);
}

/** Reads the arguments of connection.update-secret-ok; its ids have been read. */
export function readConnectionUpdateSecretOk(_r: Reader): m.ConnectionUpdateSecretOk {
  return { name: "connection.update-secret-ok" };
}

/** Writes the ids and arguments of channel.open. */
export function writeChannelOpen(w: Writer, _value: m.ChannelOpen): void {
  w.writeLong(0x0014000a);
  w.writeShortstr(""); // reserved-1
}

/** Reads the arguments of channel.open; its ids have been read. */
export function readChannelOpen(r: Reader): m.ChannelOpen {
  r.readShortstr(); // reserved-1
  return { name: "channel.open" };
}

/** Writes the ids and arguments of channel.open-ok. */
export function writeChannelOpenOk(w: Writer, _value: m.ChannelOpenOk): void {
  w.writeLong(0x0014000b);
  w.writeLongstr(""); // reserved-1
}

/** Reads the arguments of channel.open-ok; its ids have been read. */
export function readChannelOpenOk(r: Reader): m.ChannelOpenOk {
  r.readLongstr(); // reserved-1
  return { name: "channel.open-ok" };
}

/** Writes the ids and arguments of channel.flow. */
export function writeChannelFlow(w: Writer, value: m.ChannelFlow): void {
  w.writeLong(0x00140014);
  w.writeOctet((value.active ? 1 : 0));
}

/** Reads the arguments of channel.flow; its ids have been read. */
export function readChannelFlow(r: Reader): m.ChannelFlow {
  const bits0 = r.readOctet();
  return { name: "channel.flow", active: (bits0 & 1) !== 0 };
}

/** Writes the ids and arguments of channel.flow-ok. */
export function writeChannelFlowOk(w: Writer, value: m.ChannelFlowOk): void {
  w.writeLong(0x00140015);
  w.writeOctet((value.active ? 1 : 0));
}

/** Reads the arguments of channel.flow-ok; its ids have been read. */
export function readChannelFlowOk(r: Reader): m.ChannelFlowOk {
  const bits0 = r.readOctet();
  return { name: "channel.flow-ok", active: (bits0 & 1) !== 0 };
}

/** Writes the ids and arguments of channel.close. */
export function writeChannelClose(w: Writer, value: m.ChannelClose): void {
  w.writeLong(0x00140028);
  w.writeShort(value.replyCode, "replyCode");
  w.writeShortstr(value.replyText, "replyText");
  w.writeShort(value.classId, "classId");
  w.writeShort(value.methodId, "methodId");
}

/** Reads the arguments of channel.close; its ids have been read. */
export function readChannelClose(r: Reader): m.ChannelClose {
  const replyCode = r.readShort();
  const replyText = r.readShortstr();
  const classId = r.readShort();
  const methodId = r.readShort();
  return { name: "channel.close", replyCode, replyText, classId, methodId };
}

/** Writes the ids and arguments of channel.close-ok. */
export function writeChannelCloseOk(w: Writer, _value: m.ChannelCloseOk): void {
  w.writeLong(0x00140029);
}

/** Reads the arguments of channel.close-ok; its ids have been read. */
export function readChannelCloseOk(_r: Reader): m.ChannelCloseOk {
  return { name: "channel.close-ok" };
}

/** Writes the ids and arguments of exchange.declare. */
export function writeExchangeDeclare(w: Writer, value: m.ExchangeDeclare): void {
  w.writeLong(0x0028000a);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.type, "type");
  w.writeOctet((value.passive ? 1 : 0) | (value.durable ? 2 : 0) | (value.autoDelete ? 4 : 0) | (value.internal ? 8 : 0) | (value.nowait ? 16 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of exchange.declare; its ids have been read. */
export function readExchangeDeclare(r: Reader): m.ExchangeDeclare {
  r.readShort(); // reserved-1
  const exchange = r.readShortstr();
  const type = r.readShortstr();
  const bits3 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "exchange.declare", exchange, type, passive: (bits3 & 1) !== 0, durable: (bits3 & 2) !== 0, autoDelete: (bits3 & 4) !== 0, internal: (bits3 & 8) !== 0, nowait: (bits3 & 16) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of exchange.declare-ok. */
export function writeExchangeDeclareOk(w: Writer, _value: m.ExchangeDeclareOk): void {
  w.writeLong(0x0028000b);
}

/** Reads the arguments of exchange.declare-ok; its ids have been read. */
export function readExchangeDeclareOk(_r: Reader): m.ExchangeDeclareOk {
  return { name: "exchange.declare-ok" };
}

/** Writes the ids and arguments of exchange.delete. */
export function writeExchangeDelete(w: Writer, value: m.ExchangeDelete): void {
  w.writeLong(0x00280014);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.exchange, "exchange");
  w.writeOctet((value.ifUnused ? 1 : 0) | (value.nowait ? 2 : 0));
}

/** Reads the arguments of exchange.delete; its ids have been read. */
export function readExchangeDelete(r: Reader): m.ExchangeDelete {
  r.readShort(); // reserved-1
  const exchange = r.readShortstr();
  const bits2 = r.readOctet();
  return { name: "exchange.delete", exchange, ifUnused: (bits2 & 1) !== 0, nowait: (bits2 & 2) !== 0 };
}

/** Writes the ids and arguments of exchange.delete-ok. */
export function writeExchangeDeleteOk(w: Writer, _value: m.ExchangeDeleteOk): void {
  w.writeLong(0x00280015);
}

/** Reads the arguments of exchange.delete-ok; its ids have been read. */
export function readExchangeDeleteOk(_r: Reader): m.ExchangeDeleteOk {
  return { name: "exchange.delete-ok" };
}

/** Writes the ids and arguments of exchange.bind. */
export function writeExchangeBind(w: Writer, value: m.ExchangeBind): void {
  w.writeLong(0x0028001e);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.destination, "destination");
  w.writeShortstr(value.source, "source");
  w.writeShortstr(value.routingKey, "routingKey");
  w.writeOctet((value.nowait ? 1 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of exchange.bind; its ids have been read. */
export function readExchangeBind(r: Reader): m.ExchangeBind {
  r.readShort(); // reserved-1
  const destination = r.readShortstr();
  const source = r.readShortstr();
  const routingKey = r.readShortstr();
  const bits4 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "exchange.bind", destination, source, routingKey, nowait: (bits4 & 1) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of exchange.bind-ok. */
export function writeExchangeBindOk(w: Writer, _value: m.ExchangeBindOk): void {
  w.writeLong(0x0028001f);
}

/** Reads the arguments of exchange.bind-ok; its ids have been read. */
export function readExchangeBindOk(_r: Reader): m.ExchangeBindOk {
  return { name: "exchange.bind-ok" };
}

/** Writes the ids and arguments of exchange.unbind. */
export function writeExchangeUnbind(w: Writer, value: m.ExchangeUnbind): void {
  w.writeLong(0x00280028);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.destination, "destination");
  w.writeShortstr(value.source, "source");
  w.writeShortstr(value.routingKey, "routingKey");
  w.writeOctet((value.nowait ? 1 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of exchange.unbind; its ids have been read. */
export function readExchangeUnbind(r: Reader): m.ExchangeUnbind {
  r.readShort(); // reserved-1
  const destination = r.readShortstr();
  const source = r.readShortstr();
  const routingKey = r.readShortstr();
  const bits4 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "exchange.unbind", destination, source, routingKey, nowait: (bits4 & 1) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of exchange.unbind-ok. */
export function writeExchangeUnbindOk(w: Writer, _value: m.ExchangeUnbindOk): void {
  w.writeLong(0x00280033);
}

/** Reads the arguments of exchange.unbind-ok; its ids have been read. */
export function readExchangeUnbindOk(_r: Reader): m.ExchangeUnbindOk {
  return { name: "exchange.unbind-ok" };
}

/** Writes the ids and arguments of queue.declare. */
export function writeQueueDeclare(w: Writer, value: m.QueueDeclare): void {
  w.writeLong(0x0032000a);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeOctet((value.passive ? 1 : 0) | (value.durable ? 2 : 0) | (value.exclusive ? 4 : 0) | (value.autoDelete ? 8 : 0) | (value.nowait ? 16 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of queue.declare; its ids have been read. */
export function readQueueDeclare(r: Reader): m.QueueDeclare {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const bits2 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "queue.declare", queue, passive: (bits2 & 1) !== 0, durable: (bits2 & 2) !== 0, exclusive: (bits2 & 4) !== 0, autoDelete: (bits2 & 8) !== 0, nowait: (bits2 & 16) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of queue.declare-ok. */
export function writeQueueDeclareOk(w: Writer, value: m.QueueDeclareOk): void {
  w.writeLong(0x0032000b);
  w.writeShortstr(value.queue, "queue");
  w.writeLong(value.messageCount, "messageCount");
  w.writeLong(value.consumerCount, "consumerCount");
}

/** Reads the arguments of queue.declare-ok; its ids have been read. */
export function readQueueDeclareOk(r: Reader): m.QueueDeclareOk {
  const queue = r.readShortstr();
  const messageCount = r.readLong();
  const consumerCount = r.readLong();
  return { name: "queue.declare-ok", queue, messageCount, consumerCount };
}

/** Writes the ids and arguments of queue.bind. */
export function writeQueueBind(w: Writer, value: m.QueueBind): void {
  w.writeLong(0x00320014);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
  w.writeOctet((value.nowait ? 1 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of queue.bind; its ids have been read. */
export function readQueueBind(r: Reader): m.QueueBind {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  const bits4 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "queue.bind", queue, exchange, routingKey, nowait: (bits4 & 1) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of queue.bind-ok. */
export function writeQueueBindOk(w: Writer, _value: m.QueueBindOk): void {
  w.writeLong(0x00320015);
}

/** Reads the arguments of queue.bind-ok; its ids have been read. */
export function readQueueBindOk(_r: Reader): m.QueueBindOk {
  return { name: "queue.bind-ok" };
}

/** Writes the ids and arguments of queue.purge. */
export function writeQueuePurge(w: Writer, value: m.QueuePurge): void {
  w.writeLong(0x0032001e);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeOctet((value.nowait ? 1 : 0));
}

/** Reads the arguments of queue.purge; its ids have been read. */
export function readQueuePurge(r: Reader): m.QueuePurge {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const bits2 = r.readOctet();
  return { name: "queue.purge", queue, nowait: (bits2 & 1) !== 0 };
}

/** Writes the ids and arguments of queue.purge-ok. */
export function writeQueuePurgeOk(w: Writer, value: m.QueuePurgeOk): void {
  w.writeLong(0x0032001f);
  w.writeLong(value.messageCount, "messageCount");
}

/** Reads the arguments of queue.purge-ok; its ids have been read. */
export function readQueuePurgeOk(r: Reader): m.QueuePurgeOk {
  const messageCount = r.readLong();
  return { name: "queue.purge-ok", messageCount };
}

/** Writes the ids and arguments of queue.delete. */
export function writeQueueDelete(w: Writer, value: m.QueueDelete): void {
  w.writeLong(0x00320028);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeOctet((value.ifUnused ? 1 : 0) | (value.ifEmpty ? 2 : 0) | (value.nowait ? 4 : 0));
}

/** Reads the arguments of queue.delete; its ids have been read. */
export function readQueueDelete(r: Reader): m.QueueDelete {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const bits2 = r.readOctet();
  return { name: "queue.delete", queue, ifUnused: (bits2 & 1) !== 0, ifEmpty: (bits2 & 2) !== 0, nowait: (bits2 & 4) !== 0 };
}

/** Writes the ids and arguments of queue.delete-ok. */
export function writeQueueDeleteOk(w: Writer, value: m.QueueDeleteOk): void {
  w.writeLong(0x00320029);
  w.writeLong(value.messageCount, "messageCount");
}

/** Reads the arguments of queue.delete-ok; its ids have been read. */
export function readQueueDeleteOk(r: Reader): m.QueueDeleteOk {
  const messageCount = r.readLong();
  return { name: "queue.delete-ok", messageCount };
}

/** Writes the ids and arguments of queue.unbind. */
export function writeQueueUnbind(w: Writer, value: m.QueueUnbind): void {
  w.writeLong(0x00320032);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of queue.unbind; its ids have been read. */
export function readQueueUnbind(r: Reader): m.QueueUnbind {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  const argumentTable = readTable(r);
  return { name: "queue.unbind", queue, exchange, routingKey, arguments: argumentTable };
}

/** Writes the ids and arguments of queue.unbind-ok. */
export function writeQueueUnbindOk(w: Writer, _value: m.QueueUnbindOk): void {
  w.writeLong(0x00320033);
}

/** Reads the arguments of queue.unbind-ok; its ids have been read. */
export function readQueueUnbindOk(_r: Reader): m.QueueUnbindOk {
  return { name: "queue.unbind-ok" };
}

/** Writes the ids and arguments of basic.qos. */
export function writeBasicQos(w: Writer, value: m.BasicQos): void {
  w.writeLong(0x003c000a);
  w.writeLong(value.prefetchSize, "prefetchSize");
  w.writeShort(value.prefetchCount, "prefetchCount");
  w.writeOctet((value.global ? 1 : 0));
}

/** Reads the arguments of basic.qos; its ids have been read. */
export function readBasicQos(r: Reader): m.BasicQos {
  const prefetchSize = r.readLong();
  const prefetchCount = r.readShort();
  const bits2 = r.readOctet();
  return { name: "basic.qos", prefetchSize, prefetchCount, global: (bits2 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.qos-ok. */
export function writeBasicQosOk(w: Writer, _value: m.BasicQosOk): void {
  w.writeLong(0x003c000b);
}

/** Reads the arguments of basic.qos-ok; its ids have been read. */
export function readBasicQosOk(_r: Reader): m.BasicQosOk {
  return { name: "basic.qos-ok" };
}

/** Writes the ids and arguments of basic.consume. */
export function writeBasicConsume(w: Writer, value: m.BasicConsume): void {
  w.writeLong(0x003c0014);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeShortstr(value.consumerTag, "consumerTag");
  w.writeOctet((value.noLocal ? 1 : 0) | (value.noAck ? 2 : 0) | (value.exclusive ? 4 : 0) | (value.nowait ? 8 : 0));
  writeTable(w, value.arguments, "arguments");
}

/** Reads the arguments of basic.consume; its ids have been read. */
export function readBasicConsume(r: Reader): m.BasicConsume {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const consumerTag = r.readShortstr();
  const bits3 = r.readOctet();
  const argumentTable = readTable(r);
  return { name: "basic.consume", queue, consumerTag, noLocal: (bits3 & 1) !== 0, noAck: (bits3 & 2) !== 0, exclusive: (bits3 & 4) !== 0, nowait: (bits3 & 8) !== 0, arguments: argumentTable };
}

/** Writes the ids and arguments of basic.consume-ok. */
export function writeBasicConsumeOk(w: Writer, value: m.BasicConsumeOk): void {
  w.writeLong(0x003c0015);
  w.writeShortstr(value.consumerTag, "consumerTag");
}

/** Reads the arguments of basic.consume-ok; its ids have been read. */
export function readBasicConsumeOk(r: Reader): m.BasicConsumeOk {
  const consumerTag = r.readShortstr();
  return { name: "basic.consume-ok", consumerTag };
}

/** Writes the ids and arguments of basic.cancel. */
export function writeBasicCancel(w: Writer, value: m.BasicCancel): void {
  w.writeLong(0x003c001e);
  w.writeShortstr(value.consumerTag, "consumerTag");
  w.writeOctet((value.nowait ? 1 : 0));
}

/** Reads the arguments of basic.cancel; its ids have been read. */
export function readBasicCancel(r: Reader): m.BasicCancel {
  const consumerTag = r.readShortstr();
  const bits1 = r.readOctet();
  return { name: "basic.cancel", consumerTag, nowait: (bits1 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.cancel-ok. */
export function writeBasicCancelOk(w: Writer, value: m.BasicCancelOk): void {
  w.writeLong(0x003c001f);
  w.writeShortstr(value.consumerTag, "consumerTag");
}

/** Reads the arguments of basic.cancel-ok; its ids have been read. */
export function readBasicCancelOk(r: Reader): m.BasicCancelOk {
  const consumerTag = r.readShortstr();
  return { name: "basic.cancel-ok", consumerTag };
}

/** Writes the ids and arguments of basic.publish. */
export function writeBasicPublish(w: Writer, value: m.BasicPublish): void {
  w.writeLong(0x003c0028);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
  w.writeOctet((value.mandatory ? 1 : 0) | (value.immediate ? 2 : 0));
}

/** Reads the arguments of basic.publish; its ids have been read. */
export function readBasicPublish(r: Reader): m.BasicPublish {
  r.readShort(); // reserved-1
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  const bits3 = r.readOctet();
  return { name: "basic.publish", exchange, routingKey, mandatory: (bits3 & 1) !== 0, immediate: (bits3 & 2) !== 0 };
}

/** Writes the ids and arguments of basic.return. */
export function writeBasicReturn(w: Writer, value: m.BasicReturn): void {
  w.writeLong(0x003c0032);
  w.writeShort(value.replyCode, "replyCode");
  w.writeShortstr(value.replyText, "replyText");
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
}

/** Reads the arguments of basic.return; its ids have been read. */
export function readBasicReturn(r: Reader): m.BasicReturn {
  const replyCode = r.readShort();
  const replyText = r.readShortstr();
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  return { name: "basic.return", replyCode, replyText, exchange, routingKey };
}

/** Writes the ids and arguments of basic.deliver. */
export function writeBasicDeliver(w: Writer, value: m.BasicDeliver): void {
  w.writeLong(0x003c003c);
  w.writeShortstr(value.consumerTag, "consumerTag");
  w.writeLonglong(value.deliveryTag, "deliveryTag");
  w.writeOctet((value.redelivered ? 1 : 0));
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
}

/** Reads the arguments of basic.deliver; its ids have been read. */
export function readBasicDeliver(r: Reader): m.BasicDeliver {
  const consumerTag = r.readShortstr();
  const deliveryTag = r.readLonglong();
  const bits2 = r.readOctet();
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  return { name: "basic.deliver", consumerTag, deliveryTag, redelivered: (bits2 & 1) !== 0, exchange, routingKey };
}

/** Writes the ids and arguments of basic.get. */
export function writeBasicGet(w: Writer, value: m.BasicGet): void {
  w.writeLong(0x003c0046);
  w.writeShort(0); // reserved-1
  w.writeShortstr(value.queue, "queue");
  w.writeOctet((value.noAck ? 1 : 0));
}

/** Reads the arguments of basic.get; its ids have been read. */
export function readBasicGet(r: Reader): m.BasicGet {
  r.readShort(); // reserved-1
  const queue = r.readShortstr();
  const bits2 = r.readOctet();
  return { name: "basic.get", queue, noAck: (bits2 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.get-ok. */
export function writeBasicGetOk(w: Writer, value: m.BasicGetOk): void {
  w.writeLong(0x003c0047);
  w.writeLonglong(value.deliveryTag, "deliveryTag");
  w.writeOctet((value.redelivered ? 1 : 0));
  w.writeShortstr(value.exchange, "exchange");
  w.writeShortstr(value.routingKey, "routingKey");
  w.writeLong(value.messageCount, "messageCount");
}

/** Reads the arguments of basic.get-ok; its ids have been read. */
export function readBasicGetOk(r: Reader): m.BasicGetOk {
  const deliveryTag = r.readLonglong();
  const bits1 = r.readOctet();
  const exchange = r.readShortstr();
  const routingKey = r.readShortstr();
  const messageCount = r.readLong();
  return { name: "basic.get-ok", deliveryTag, redelivered: (bits1 & 1) !== 0, exchange, routingKey, messageCount };
}

/** Writes the ids and arguments of basic.get-empty. */
export function writeBasicGetEmpty(w: Writer, _value: m.BasicGetEmpty): void {
  w.writeLong(0x003c0048);
  w.writeShortstr(""); // reserved-1
}

/** Reads the arguments of basic.get-empty; its ids have been read. */
export function readBasicGetEmpty(r: Reader): m.BasicGetEmpty {
  r.readShortstr(); // reserved-1
  return { name: "basic.get-empty" };
}

/** Writes the ids and arguments of basic.ack. */
export function writeBasicAck(w: Writer, value: m.BasicAck): void {
  w.writeLong(0x003c0050);
  w.writeLonglong(value.deliveryTag, "deliveryTag");
  w.writeOctet((value.multiple ? 1 : 0));
}

/** Reads the arguments of basic.ack; its ids have been read. */
export function readBasicAck(r: Reader): m.BasicAck {
  const deliveryTag = r.readLonglong();
  const bits1 = r.readOctet();
  return { name: "basic.ack", deliveryTag, multiple: (bits1 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.reject. */
export function writeBasicReject(w: Writer, value: m.BasicReject): void {
  w.writeLong(0x003c005a);
  w.writeLonglong(value.deliveryTag, "deliveryTag");
  w.writeOctet((value.requeue ? 1 : 0));
}

/** Reads the arguments of basic.reject; its ids have been read. */
export function readBasicReject(r: Reader): m.BasicReject {
  const deliveryTag = r.readLonglong();
  const bits1 = r.readOctet();
  return { name: "basic.reject", deliveryTag, requeue: (bits1 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.recover-async. */
export function writeBasicRecoverAsync(w: Writer, value: m.BasicRecoverAsync): void {
  w.writeLong(0x003c0064);
  w.writeOctet((value.requeue ? 1 : 0));
}

/** Reads the arguments of basic.recover-async; its ids have been read. */
export function readBasicRecoverAsync(r: Reader): m.BasicRecoverAsync {
  const bits0 = r.readOctet();
  return { name: "basic.recover-async", requeue: (bits0 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.recover. */
export function writeBasicRecover(w: Writer, value: m.BasicRecover): void {
  w.writeLong(0x003c006e);
  w.writeOctet((value.requeue ? 1 : 0));
}

/** Reads the arguments of basic.recover; its ids have been read. */
export function readBasicRecover(r: Reader): m.BasicRecover {
  const bits0 = r.readOctet();
  return { name: "basic.recover", requeue: (bits0 & 1) !== 0 };
}

/** Writes the ids and arguments of basic.recover-ok. */
export function writeBasicRecoverOk(w: Writer, _value: m.BasicRecoverOk): void {
  w.writeLong(0x003c006f);
}

/** Reads the arguments of basic.recover-ok; its ids have been read. */
export function readBasicRecoverOk(_r: Reader): m.BasicRecoverOk {
  return { name: "basic.recover-ok" };
}

/** Writes the ids and arguments of basic.nack. */
export function writeBasicNack(w: Writer, value: m.BasicNack): void {
  w.writeLong(0x003c0078);
  w.writeLonglong(value.deliveryTag, "deliveryTag");
  w.writeOctet((value.multiple ? 1 : 0) | (value.requeue ? 2 : 0));
}

/** Reads the arguments of basic.nack; its ids have been read. */
export function readBasicNack(r: Reader): m.BasicNack {
  const deliveryTag = r.readLonglong();
  const bits1 = r.readOctet();
  return { name: "basic.nack", deliveryTag, multiple: (bits1 & 1) !== 0, requeue: (bits1 & 2) !== 0 };
}

/** Writes the ids and arguments of confirm.select. */
export function writeConfirmSelect(w: Writer, value: m.ConfirmSelect): void {
  w.writeLong(0x0055000a);
  w.writeOctet((value.nowait ? 1 : 0));
}

/** Reads the arguments of confirm.select; its ids have been read. */
export function readConfirmSelect(r: Reader): m.ConfirmSelect {
  const bits0 = r.readOctet();
  return { name: "confirm.select", nowait: (bits0 & 1) !== 0 };
}

/** Writes the ids and arguments of confirm.select-ok. */
export function writeConfirmSelectOk(w: Writer, _value: m.ConfirmSelectOk): void {
  w.writeLong(0x0055000b);
}

/** Reads the arguments of confirm.select-ok; its ids have been read. */
export function readConfirmSelectOk(_r: Reader): m.ConfirmSelectOk {
  return { name: "confirm.select-ok" };
}

/** Writes the ids and arguments of tx.select. */
export function writeTxSelect(w: Writer, _value: m.TxSelect): void {
  w.writeLong(0x005a000a);
}

/** Reads the arguments of tx.select; its ids have been read. */
export function readTxSelect(_r: Reader): m.TxSelect {
  return { name: "tx.select" };
}

/** Writes the ids and arguments of tx.select-ok. */
export function writeTxSelectOk(w: Writer, _value: m.TxSelectOk): void {
  w.writeLong(0x005a000b);
}

/** Reads the arguments of tx.select-ok; its ids have been read. */
export function readTxSelectOk(_r: Reader): m.TxSelectOk {
  return { name: "tx.select-ok" };
}

/** Writes the ids and arguments of tx.commit. */
export function writeTxCommit(w: Writer, _value: m.TxCommit): void {
  w.writeLong(0x005a0014);
}

/** Reads the arguments of tx.commit; its ids have been read. */
export function readTxCommit(_r: Reader): m.TxCommit {
  return { name: "tx.commit" };
}

/** Writes the ids and arguments of tx.commit-ok. */
export function writeTxCommitOk(w: Writer, _value: m.TxCommitOk): void {
  w.writeLong(0x005a0015);
}

/** Reads the arguments of tx.commit-ok; its ids have been read. */
export function readTxCommitOk(_r: Reader): m.TxCommitOk {
  return { name: "tx.commit-ok" };
}

/** Writes the ids and arguments of tx.rollback. */
export function writeTxRollback(w: Writer, _value: m.TxRollback): void {
  w.writeLong(0x005a001e);
}

/** Reads the arguments of tx.rollback; its ids have been read. */
export function readTxRollback(_r: Reader): m.TxRollback {
  return { name: "tx.rollback" };
}

/** Writes the ids and arguments of tx.rollback-ok. */
export function writeTxRollbackOk(w: Writer, _value: m.TxRollbackOk): void {
  w.writeLong(0x005a001f);
}

/** Reads the arguments of tx.rollback-ok; its ids have been read. */
export function readTxRollbackOk(_r: Reader): m.TxRollbackOk {
  return { name: "tx.rollback-ok" };
}

/** Writes the ids and arguments of any method. */
export function writeMethod(w: Writer, method: m.Method): void {
  switch (method.name) {
    case "connection.start":
      return writeConnectionStart(w, method);
    case "connection.start-ok":
      return writeConnectionStartOk(w, method);
    case "connection.secure":
      return writeConnectionSecure(w, method);
    case "connection.secure-ok":
      return writeConnectionSecureOk(w, method);
    case "connection.tune":
      return writeConnectionTune(w, method);
    case "connection.tune-ok":
      return writeConnectionTuneOk(w, method);
    case "connection.open":
      return writeConnectionOpen(w, method);
    case "connection.open-ok":
      return writeConnectionOpenOk(w, method);
    case "connection.close":
      return writeConnectionClose(w, method);
    case "connection.close-ok":
      return writeConnectionCloseOk(w, method);
    case "connection.blocked":
      return writeConnectionBlocked(w, method);
    case "connection.unblocked":
      return writeConnectionUnblocked(w, method);
    case "connection.update-secret":
      return writeConnectionUpdateSecret(w, method);
    case "connection.update-secret-ok":
      return writeConnectionUpdateSecretOk(w, method);
    case "channel.open":
      return writeChannelOpen(w, method);
    case "channel.open-ok":
      return writeChannelOpenOk(w, method);
    case "channel.flow":
      return writeChannelFlow(w, method);
    case "channel.flow-ok":
      return writeChannelFlowOk(w, method);
    case "channel.close":
      return writeChannelClose(w, method);
    case "channel.close-ok":
      return writeChannelCloseOk(w, method);
    case "exchange.declare":
      return writeExchangeDeclare(w, method);
    case "exchange.declare-ok":
      return writeExchangeDeclareOk(w, method);
    case "exchange.delete":
      return writeExchangeDelete(w, method);
    case "exchange.delete-ok":
      return writeExchangeDeleteOk(w, method);
    case "exchange.bind":
      return writeExchangeBind(w, method);
    case "exchange.bind-ok":
      return writeExchangeBindOk(w, method);
    case "exchange.unbind":
      return writeExchangeUnbind(w, method);
    case "exchange.unbind-ok":
      return writeExchangeUnbindOk(w, method);
    case "queue.declare":
      return writeQueueDeclare(w, method);
    case "queue.declare-ok":
      return writeQueueDeclareOk(w, method);
    case "queue.bind":
      return writeQueueBind(w, method);
    case "queue.bind-ok":
      return writeQueueBindOk(w, method);
    case "queue.purge":
      return writeQueuePurge(w, method);
    case "queue.purge-ok":
      return writeQueuePurgeOk(w, method);
    case "queue.delete":
      return writeQueueDelete(w, method);
    case "queue.delete-ok":
      return writeQueueDeleteOk(w, method);
    case "queue.unbind":
      return writeQueueUnbind(w, method);
    case "queue.unbind-ok":
      return writeQueueUnbindOk(w, method);
    case "basic.qos":
      return writeBasicQos(w, method);
    case "basic.qos-ok":
      return writeBasicQosOk(w, method);
    case "basic.consume":
      return writeBasicConsume(w, method);
    case "basic.consume-ok":
      return writeBasicConsumeOk(w, method);
    case "basic.cancel":
      return writeBasicCancel(w, method);
    case "basic.cancel-ok":
      return writeBasicCancelOk(w, method);
    case "basic.publish":
      return writeBasicPublish(w, method);
    case "basic.return":
      return writeBasicReturn(w, method);
    case "basic.deliver":
      return writeBasicDeliver(w, method);
    case "basic.get":
      return writeBasicGet(w, method);
    case "basic.get-ok":
      return writeBasicGetOk(w, method);
    case "basic.get-empty":
      return writeBasicGetEmpty(w, method);
    case "basic.ack":
      return writeBasicAck(w, method);
    case "basic.reject":
      return writeBasicReject(w, method);
    case "basic.recover-async":
      return writeBasicRecoverAsync(w, method);
    case "basic.recover":
      return writeBasicRecover(w, method);
    case "basic.recover-ok":
      return writeBasicRecoverOk(w, method);
    case "basic.nack":
      return writeBasicNack(w, method);
    case "confirm.select":
      return writeConfirmSelect(w, method);
    case "confirm.select-ok":
      return writeConfirmSelectOk(w, method);
    case "tx.select":
      return writeTxSelect(w, method);
    case "tx.select-ok":
      return writeTxSelectOk(w, method);
    case "tx.commit":
      return writeTxCommit(w, method);
    case "tx.commit-ok":
      return writeTxCommitOk(w, method);
    case "tx.rollback":
      return writeTxRollback(w, method);
    case "tx.rollback-ok":
      return writeTxRollbackOk(w, method);
  }
}

/** Reads a method that a client sent; any other is a protocol error. */
export function readClientMethod(r: Reader): m.ClientMethod {
  const id = r.readLong();
  switch (id) {
    case 0x000a000b:
      return readConnectionStartOk(r);
    case 0x000a0015:
      return readConnectionSecureOk(r);
    case 0x000a001f:
      return readConnectionTuneOk(r);
    case 0x000a0028:
      return readConnectionOpen(r);
    case 0x000a0032:
      return readConnectionClose(r);
    case 0x000a0033:
      return readConnectionCloseOk(r);
    case 0x000a0046:
      return readConnectionUpdateSecret(r);
    case 0x0014000a:
      return readChannelOpen(r);
    case 0x00140014:
      return readChannelFlow(r);
    case 0x00140015:
      return readChannelFlowOk(r);
    case 0x00140028:
      return readChannelClose(r);
    case 0x00140029:
      return readChannelCloseOk(r);
    case 0x0028000a:
      return readExchangeDeclare(r);
    case 0x00280014:
      return readExchangeDelete(r);
    case 0x0028001e:
      return readExchangeBind(r);
    case 0x00280028:
      return readExchangeUnbind(r);
    case 0x0032000a:
      return readQueueDeclare(r);
    case 0x00320014:
      return readQueueBind(r);
    case 0x0032001e:
      return readQueuePurge(r);
    case 0x00320028:
      return readQueueDelete(r);
    case 0x00320032:
      return readQueueUnbind(r);
    case 0x003c000a:
      return readBasicQos(r);
    case 0x003c0014:
      return readBasicConsume(r);
    case 0x003c001e:
      return readBasicCancel(r);
    case 0x003c001f:
      return readBasicCancelOk(r);
    case 0x003c0028:
      return readBasicPublish(r);
    case 0x003c0046:
      return readBasicGet(r);
    case 0x003c0050:
      return readBasicAck(r);
    case 0x003c005a:
      return readBasicReject(r);
    case 0x003c0064:
      return readBasicRecoverAsync(r);
    case 0x003c006e:
      return readBasicRecover(r);
    case 0x003c0078:
      return readBasicNack(r);
    case 0x0055000a:
      return readConfirmSelect(r);
    case 0x005a000a:
      return readTxSelect(r);
    case 0x005a0014:
      return readTxCommit(r);
    case 0x005a001e:
      return readTxRollback(r);
    default:
      return refuseMethod(id, "client");
  }
}

/** Reads a method that a server sent; any other is a protocol error. */
export function readServerMethod(r: Reader): m.ServerMethod {
  const id = r.readLong();
  switch (id) {
    case 0x000a000a:
      return readConnectionStart(r);
    case 0x000a0014:
      return readConnectionSecure(r);
    case 0x000a001e:
      return readConnectionTune(r);
    case 0x000a0029:
      return readConnectionOpenOk(r);
    case 0x000a0032:
      return readConnectionClose(r);
    case 0x000a0033:
      return readConnectionCloseOk(r);
    case 0x000a003c:
      return readConnectionBlocked(r);
    case 0x000a003d:
      return readConnectionUnblocked(r);
    case 0x000a0047:
      return readConnectionUpdateSecretOk(r);
    case 0x0014000b:
      return readChannelOpenOk(r);
    case 0x00140014:
      return readChannelFlow(r);
    case 0x00140015:
      return readChannelFlowOk(r);
    case 0x00140028:
      return readChannelClose(r);
    case 0x00140029:
      return readChannelCloseOk(r);
    case 0x0028000b:
      return readExchangeDeclareOk(r);
    case 0x00280015:
      return readExchangeDeleteOk(r);
    case 0x0028001f:
      return readExchangeBindOk(r);
    case 0x00280033:
      return readExchangeUnbindOk(r);
    case 0x0032000b:
      return readQueueDeclareOk(r);
    case 0x00320015:
      return readQueueBindOk(r);
    case 0x0032001f:
      return readQueuePurgeOk(r);
    case 0x00320029:
      return readQueueDeleteOk(r);
    case 0x00320033:
      return readQueueUnbindOk(r);
    case 0x003c000b:
      return readBasicQosOk(r);
    case 0x003c0015:
      return readBasicConsumeOk(r);
    case 0x003c001e:
      return readBasicCancel(r);
    case 0x003c001f:
      return readBasicCancelOk(r);
    case 0x003c0032:
      return readBasicReturn(r);
    case 0x003c003c:
      return readBasicDeliver(r);
    case 0x003c0047:
      return readBasicGetOk(r);
    case 0x003c0048:
      return readBasicGetEmpty(r);
    case 0x003c0050:
      return readBasicAck(r);
    case 0x003c006f:
      return readBasicRecoverOk(r);
    case 0x003c0078:
      return readBasicNack(r);
    case 0x0055000b:
      return readConfirmSelectOk(r);
    case 0x005a000b:
      return readTxSelectOk(r);
    case 0x005a0015:
      return readTxCommitOk(r);
    case 0x005a001f:
      return readTxRollbackOk(r);
    default:
      return refuseMethod(id, "server");
  }
}
