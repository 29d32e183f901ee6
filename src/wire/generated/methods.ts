// Made by tools/generate.ts from spec/amqp-0-9-1.json: change those, not this file.
import type { FieldTable } from "../field-value.ts";

/** The server speaks first after the protocol header: who it is and how one may log in. */
export interface ConnectionStart {
  readonly name: "connection.start";
  /** Major version of the protocol: 0. */
  readonly versionMajor: number;
  /** Minor version of the protocol: 9. The revision 1 is not told here. */
  readonly versionMinor: number;
  /** Product, version, cluster name and `capabilities` of the server. */
  readonly serverProperties: FieldTable;
  /** Names of SASL mechanisms with a space between, such as `PLAIN AMQPLAIN`. */
  readonly mechanisms: Uint8Array;
  /** Locales for reply texts with a space between; in practice `en_US`. */
  readonly locales: Uint8Array;
}

/**
 * The client chooses a mechanism and starts to log in. Its capabilities decide whether RabbitMQ
 * sends basic.cancel, connection.blocked and a close on a failed login.
 */
export interface ConnectionStartOk {
  readonly name: "connection.start-ok";
  /** Product, version, `connection_name` and `capabilities` of the client. */
  readonly clientProperties: FieldTable;
  /** The one SASL mechanism that is chosen, at most 255 bytes. */
  readonly mechanism: string;
  /**
   * First SASL response; what is in it is up to the mechanism. For PLAIN: a zero byte, user, a zero
   * byte, password.
   */
  readonly response: Uint8Array;
  /** The one locale that is chosen, from the server's list. */
  readonly locale: string;
}

/**
 * Another round of SASL. Mechanisms that need one message only, such as PLAIN and EXTERNAL, never
 * see it.
 */
export interface ConnectionSecure {
  readonly name: "connection.secure";
  /** Opaque bytes for the SASL mechanism. */
  readonly challenge: Uint8Array;
}

/** Answers a SASL challenge. The server goes on with another challenge or with tune. */
export interface ConnectionSecureOk {
  readonly name: "connection.secure-ok";
  /** Opaque bytes from the SASL mechanism; may be secret. */
  readonly response: Uint8Array;
}

/**
 * The login succeeded; here are the limits that the server proposes. Until then a frame is limited
 * to 4096 bytes (8192 in RabbitMQ 4.1 and later).
 */
export interface ConnectionTune {
  readonly name: "connection.tune";
  /** Highest channel number, 0 means no limit. RabbitMQ proposes 2047. */
  readonly channelMax: number;
  /**
   * Largest frame in bytes with its 7 of header and 1 of end, 0 means no limit. RabbitMQ proposes
   * 131072.
   */
  readonly frameMax: number;
  /** Heartbeat timeout in seconds, 0 means none. RabbitMQ proposes 60. */
  readonly heartbeat: number;
}

/**
 * The limits that hold from here on. The client may lower what was proposed, not raise it; no
 * answer comes, so open follows at once.
 */
export interface ConnectionTuneOk {
  readonly name: "connection.tune-ok";
  /**
   * Highest channel number, at most the proposed one. 0 is refused by RabbitMQ if it has a limit of
   * its own.
   */
  readonly channelMax: number;
  /**
   * Largest frame in bytes, at least 4096 (8192 from RabbitMQ 4.1). 0 is refused if the server has
   * a limit.
   */
  readonly frameMax: number;
  /**
   * Heartbeat timeout in seconds, 0 means none. A peer sends about twice in that time
   * (rabbitmq.com/docs/heartbeats).
   */
  readonly heartbeat: number;
}

/**
 * Enters a virtual host. RabbitMQ closes with 530 if it does not exist or the user may not enter.
 */
export interface ConnectionOpen {
  readonly name: "connection.open";
  /** Name of the virtual host, at most 255 bytes; `/` is the usual default. */
  readonly virtualHost: string;
}

/** The connection is ready for channels. */
export interface ConnectionOpenOk {
  readonly name: "connection.open-ok";
}

/**
 * Ends the connection with all of its channels, in peace or over a hard error. After it, discard
 * everything but close and close-ok (spec 2.3.7).
 */
export interface ConnectionClose {
  readonly name: "connection.close";
  /** Why the connection ends: 200 for an ordinary goodbye, otherwise the error. */
  readonly replyCode: number;
  /**
   * The same for people, at most 255 bytes. RabbitMQ cuts longer texts, maybe inside a UTF-8
   * character.
   */
  readonly replyText: string;
  /** Class of the method that caused the error, 0 if no method did. */
  readonly classId: number;
  /** Method that caused the error, 0 if none did. */
  readonly methodId: number;
}

/** Agrees to the close; it is the last frame, and the socket goes next. */
export interface ConnectionCloseOk {
  readonly name: "connection.close-ok";
}

/**
 * The broker is short of a resource and has stopped reading from this connection. Sent only to
 * clients with the capability `connection.blocked` (rabbitmq.com/docs/connection-blocked).
 */
export interface ConnectionBlocked {
  readonly name: "connection.blocked";
  /** What is short, such as `low on memory`; at most 255 bytes. */
  readonly reason: string;
}

/**
 * Every alarm is over and the broker reads from this connection again
 * (rabbitmq.com/docs/connection-blocked).
 */
export interface ConnectionUnblocked {
  readonly name: "connection.unblocked";
}

/**
 * Hands the broker a fresh credential, such as an OAuth 2 token, before the old one expires. The
 * extended definition has the direction of this pair the wrong way round; clients send it.
 */
export interface ConnectionUpdateSecret {
  readonly name: "connection.update-secret";
  /** The new password or token. Never log it. */
  readonly newSecret: Uint8Array;
  /** Why, for the broker's log; at most 255 bytes. */
  readonly reason: string;
}

/** The broker accepted the new credential. */
export interface ConnectionUpdateSecretOk {
  readonly name: "connection.update-secret-ok";
}

/**
 * Opens the channel whose number the frame carries. A number that is in use is a 504 that ends the
 * connection.
 */
export interface ChannelOpen {
  readonly name: "channel.open";
}

/** The channel is ready. */
export interface ChannelOpenOk {
  readonly name: "channel.open-ok";
}

/**
 * Asks the peer to pause or resume sending content on this channel. RabbitMQ no longer sends it and
 * answers a pause with 540.
 */
export interface ChannelFlow {
  readonly name: "channel.flow";
  /** True to send, false to pause. */
  readonly active: boolean;
}

/** Says that the request to pause or resume was taken in. */
export interface ChannelFlowOk {
  readonly name: "channel.flow-ok";
  /** True if content flows now, false if it is paused. */
  readonly active: boolean;
}

/**
 * Ends the channel, in peace or over a soft error; other channels go on. RabbitMQ drops confirms
 * that are still pending when it happens.
 */
export interface ChannelClose {
  readonly name: "channel.close";
  /** Why the channel ends: 200 for an ordinary goodbye, otherwise the error. */
  readonly replyCode: number;
  /**
   * The same for people, at most 255 bytes. RabbitMQ cuts longer texts, maybe inside a UTF-8
   * character.
   */
  readonly replyText: string;
  /** Class of the method that caused the error, 0 if no method did. */
  readonly classId: number;
  /** Method that caused the error, 0 if none did. */
  readonly methodId: number;
}

/** Agrees to the close. Only now may the channel number be used again. */
export interface ChannelCloseOk {
  readonly name: "channel.close-ok";
}

/**
 * Makes sure that an exchange exists, creating it if need be. If it exists with other settings the
 * answer is 406.
 */
export interface ExchangeDeclare {
  readonly name: "exchange.declare";
  /**
   * Name of the exchange. Names that start with `amq.` are the server's and may only be declared
   * passively or as they are.
   */
  readonly exchange: string;
  /**
   * `direct`, `fanout`, `topic`, `headers` or a plugin's type; at most 255 bytes. RabbitMQ refuses
   * a type that it does not know.
   */
  readonly type: string;
  /**
   * True only checks that the exchange exists, 404 if not; other settings are then not compared.
   */
  readonly passive: boolean;
  /** True if the exchange is to survive a restart of the broker. */
  readonly durable: boolean;
  /**
   * True deletes the exchange once its last binding goes. Reserved in 0-9-1, brought back by
   * RabbitMQ.
   */
  readonly autoDelete: boolean;
  /**
   * True keeps clients from publishing to it; only bindings lead there. Reserved in 0-9-1, brought
   * back by RabbitMQ.
   */
  readonly internal: boolean;
  /** True asks for no reply, so declare-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
  /** Further settings, such as `alternate-exchange` (rabbitmq.com/docs/ae). */
  readonly arguments: FieldTable;
}

/** The exchange exists. */
export interface ExchangeDeclareOk {
  readonly name: "exchange.declare-ok";
}

/**
 * Deletes an exchange and its bindings. In RabbitMQ it is no error if there is none
 * (rabbitmq.com/docs/specification).
 */
export interface ExchangeDelete {
  readonly name: "exchange.delete";
  /**
   * Name of the exchange to delete. The default exchange and those named `amq.` cannot be deleted.
   */
  readonly exchange: string;
  /** True deletes it only if nothing is bound to it, otherwise 406. */
  readonly ifUnused: boolean;
  /** True asks for no reply, so delete-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
}

/** The exchange is gone. */
export interface ExchangeDeleteOk {
  readonly name: "exchange.delete-ok";
}

/**
 * Binds an exchange to an exchange, so that messages of one flow on into the other
 * (rabbitmq.com/docs/e2e).
 */
export interface ExchangeBind {
  readonly name: "exchange.bind";
  /** Exchange that messages flow into. */
  readonly destination: string;
  /** Exchange that messages flow out of. */
  readonly source: string;
  /** Pattern or key of the binding, at most 255 bytes; its meaning is up to the source's type. */
  readonly routingKey: string;
  /** True asks for no reply, so bind-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
  /** Part of the binding's identity; headers exchanges match on it. */
  readonly arguments: FieldTable;
}

/** The binding between the exchanges exists. */
export interface ExchangeBindOk {
  readonly name: "exchange.bind-ok";
}

/**
 * Removes a binding between exchanges; it must be named by the same four values
 * (rabbitmq.com/docs/e2e).
 */
export interface ExchangeUnbind {
  readonly name: "exchange.unbind";
  /** Exchange that messages flow into. */
  readonly destination: string;
  /** Exchange that messages flow out of. */
  readonly source: string;
  /** Pattern or key of the binding, at most 255 bytes; its meaning is up to the source's type. */
  readonly routingKey: string;
  /** True asks for no reply, so unbind-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
  /** The arguments that the binding was made with. */
  readonly arguments: FieldTable;
}

/** The binding between the exchanges is gone. Its id is 51, where 41 would be expected. */
export interface ExchangeUnbindOk {
  readonly name: "exchange.unbind-ok";
}

/**
 * Makes sure that a queue exists, creating it if need be. If it exists with other settings the
 * answer is 406; if it is exclusive to another connection, 405.
 */
export interface QueueDeclare {
  readonly name: "queue.declare";
  /**
   * Name of the queue; empty lets the server make one up. Names that start with `amq.` are the
   * server's.
   */
  readonly queue: string;
  /** True only checks that the queue exists, 404 if not; other settings are then not compared. */
  readonly passive: boolean;
  /**
   * True if the queue is to survive a restart of the broker. Its messages need delivery-mode 2 as
   * well.
   */
  readonly durable: boolean;
  /**
   * True ties the queue to this connection: no other may use it, and it is deleted with the
   * connection.
   */
  readonly exclusive: boolean;
  /** True deletes the queue once its last consumer goes; it stays if it never had one. */
  readonly autoDelete: boolean;
  /**
   * True asks for no reply, so declare-ok, and with it a generated name, never comes. An error
   * still closes the channel.
   */
  readonly nowait: boolean;
  /**
   * Further settings: `x-queue-type`, `x-message-ttl`, `x-max-length`, `x-dead-letter-exchange` and
   * more.
   */
  readonly arguments: FieldTable;
}

/** The queue exists; here is its name and how full it was. */
export interface QueueDeclareOk {
  readonly name: "queue.declare-ok";
  /** Name of the queue, which matters if the server made it up. */
  readonly queue: string;
  /** Messages that were ready for delivery. */
  readonly messageCount: number;
  /** Consumers that the queue had. */
  readonly consumerCount: number;
}

/**
 * Binds a queue to an exchange, so that matching messages reach it. Doing it twice is no error and
 * no second copy.
 */
export interface QueueBind {
  readonly name: "queue.bind";
  /** Queue to bind; empty is the one last declared on this channel. */
  readonly queue: string;
  /** Exchange to bind it to. The default exchange takes no bindings: 403. */
  readonly exchange: string;
  /** Key or pattern, at most 255 bytes; its meaning is up to the exchange's type. */
  readonly routingKey: string;
  /** True asks for no reply, so bind-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
  /** Part of the binding's identity; headers exchanges match on it. */
  readonly arguments: FieldTable;
}

/** The binding exists. */
export interface QueueBindOk {
  readonly name: "queue.bind-ok";
}

/** Throws away every message that is ready in a queue; those awaiting acknowledgement stay. */
export interface QueuePurge {
  readonly name: "queue.purge";
  /** Queue to empty; an empty name is the one last declared on this channel. */
  readonly queue: string;
  /** True asks for no reply, so purge-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
}

/** The queue was emptied. */
export interface QueuePurgeOk {
  readonly name: "queue.purge-ok";
  /** Messages thrown away. */
  readonly messageCount: number;
}

/**
 * Deletes a queue with its messages, bindings and consumers. In RabbitMQ it is no error if there is
 * none (rabbitmq.com/docs/specification).
 */
export interface QueueDelete {
  readonly name: "queue.delete";
  /** Queue to delete; empty is the one last declared on this channel. */
  readonly queue: string;
  /** True deletes it only if it has no consumer, otherwise 406. */
  readonly ifUnused: boolean;
  /** True deletes it only if it has no message, otherwise 406. */
  readonly ifEmpty: boolean;
  /** True asks for no reply, so delete-ok never comes. An error still closes the channel. */
  readonly nowait: boolean;
}

/** The queue is gone. */
export interface QueueDeleteOk {
  readonly name: "queue.delete-ok";
  /** Messages that went with it. */
  readonly messageCount: number;
}

/**
 * Removes a binding between a queue and an exchange; it must be named by the same four values. It
 * has no nowait.
 */
export interface QueueUnbind {
  readonly name: "queue.unbind";
  /** Queue of the binding; empty is the one last declared on this channel. */
  readonly queue: string;
  /** Exchange of the binding. */
  readonly exchange: string;
  /** Routing key that the binding was made with. */
  readonly routingKey: string;
  /** The arguments that the binding was made with. */
  readonly arguments: FieldTable;
}

/** The binding is gone. */
export interface QueueUnbindOk {
  readonly name: "queue.unbind-ok";
}

/** Limits how many deliveries may await acknowledgement (rabbitmq.com/docs/consumer-prefetch). */
export interface BasicQos {
  readonly name: "basic.qos";
  /** Limit in bytes, 0 means no limit. RabbitMQ answers anything else with 540. */
  readonly prefetchSize: number;
  /** Limit in messages, 0 means no limit. */
  readonly prefetchCount: number;
  /**
   * In RabbitMQ, false limits each later consumer and true all consumers of the channel together.
   * The spec says channel and connection.
   */
  readonly global: boolean;
}

/** The limit holds. */
export interface BasicQosOk {
  readonly name: "basic.qos-ok";
}

/**
 * Starts a consumer: the server delivers messages of a queue on this channel until it is cancelled.
 */
export interface BasicConsume {
  readonly name: "basic.consume";
  /** Queue to consume from; empty is the one last declared on this channel. */
  readonly queue: string;
  /**
   * Tag of the new consumer; empty lets the server make one up. One in use on the channel is a 530.
   */
  readonly consumerTag: string;
  /** True asks not to get messages that this connection published. RabbitMQ ignores it. */
  readonly noLocal: boolean;
  /** True means that deliveries need no acknowledgement and may be lost. */
  readonly noAck: boolean;
  /** True asks to be the only consumer of the queue, otherwise 403. */
  readonly exclusive: boolean;
  /**
   * True asks for no reply, so consume-ok, and with it a generated tag, never comes. An error still
   * closes the channel.
   */
  readonly nowait: boolean;
  /** Further settings, such as `x-priority` or a stream's `x-stream-offset`. */
  readonly arguments: FieldTable;
}

/** The consumer exists; deliveries may follow at once. */
export interface BasicConsumeOk {
  readonly name: "basic.consume-ok";
  /** Tag of the consumer, which matters if the server made it up. */
  readonly consumerTag: string;
}

/**
 * Ends a consumer; deliveries already under way still arrive. RabbitMQ sends it when the queue goes
 * away, to clients that announce `consumer_cancel_notify` (rabbitmq.com/docs/consumer-cancel).
 */
export interface BasicCancel {
  readonly name: "basic.cancel";
  /** Tag of the consumer that ends. */
  readonly consumerTag: string;
  /** True asks for no cancel-ok. A broker that cancels sets it. */
  readonly nowait: boolean;
}

/** The consumer has ended; no more deliveries for it follow. */
export interface BasicCancelOk {
  readonly name: "basic.cancel-ok";
  /** Tag of the consumer that ended. */
  readonly consumerTag: string;
}

/**
 * Publishes a message; its content header and body frames follow. There is no reply: in confirm
 * mode basic.ack or basic.nack tells how it went (rabbitmq.com/docs/confirms).
 */
export interface BasicPublish {
  readonly name: "basic.publish";
  /**
   * Exchange to publish to; empty is the default exchange. One that does not exist is a 404 that
   * closes the channel.
   */
  readonly exchange: string;
  /**
   * What the exchange routes by, at most 255 bytes. With the default exchange, the name of the
   * queue.
   */
  readonly routingKey: string;
  /** True asks for a basic.return if the message reaches no queue; false lets it vanish. */
  readonly mandatory: boolean;
  /**
   * True asks for a basic.return unless a consumer is ready. RabbitMQ closes the connection with
   * 540 instead.
   */
  readonly immediate: boolean;
}

/**
 * Gives back a mandatory message that could not be routed; its content follows. In confirm mode it
 * comes before the basic.ack of the same message (rabbitmq.com/docs/confirms).
 */
export interface BasicReturn {
  readonly name: "basic.return";
  /** 312 if no queue was found; 313 if `immediate` found no consumer. */
  readonly replyCode: number;
  /** The same for people, such as `NO_ROUTE`; at most 255 bytes. */
  readonly replyText: string;
  /** Exchange that the message was published to; empty is the default exchange. */
  readonly exchange: string;
  /** Routing key that the message was published with, at most 255 bytes. */
  readonly routingKey: string;
}

/** Delivers a message to a consumer; its content follows. */
export interface BasicDeliver {
  readonly name: "basic.deliver";
  /** The consumer that it is for. */
  readonly consumerTag: string;
  /** What to acknowledge it by, on this channel only. */
  readonly deliveryTag: number;
  /** True if it may have been delivered before. */
  readonly redelivered: boolean;
  /** Exchange that the message was published to; empty is the default exchange. */
  readonly exchange: string;
  /** Routing key that the message was published with, at most 255 bytes. */
  readonly routingKey: string;
}

/** Asks for one message of a queue, if there is one. Polling is far slower than consuming. */
export interface BasicGet {
  readonly name: "basic.get";
  /** Queue to take from; empty is the one last declared on this channel. */
  readonly queue: string;
  /** True means that the message needs no acknowledgement and may be lost. */
  readonly noAck: boolean;
}

/** Here is a message; its content follows. */
export interface BasicGetOk {
  readonly name: "basic.get-ok";
  /** What to acknowledge it by, on this channel only. */
  readonly deliveryTag: number;
  /** True if it may have been delivered before. */
  readonly redelivered: boolean;
  /** Exchange that the message was published to; empty is the default exchange. */
  readonly exchange: string;
  /** Routing key that the message was published with, at most 255 bytes. */
  readonly routingKey: string;
  /** Messages that are left in the queue, not counting this one. */
  readonly messageCount: number;
}

/** The queue had no message ready. */
export interface BasicGetEmpty {
  readonly name: "basic.get-empty";
}

/**
 * From a client: these deliveries were handled. From the server, RabbitMQ's extension: these
 * publications are confirmed (rabbitmq.com/docs/confirms).
 */
export interface BasicAck {
  readonly name: "basic.ack";
  /**
   * Tag of the delivery, or of the publication counted from 1 since confirm.select. 0 is for
   * `multiple` only.
   */
  readonly deliveryTag: number;
  /** True means every outstanding tag up to and including this one, and with tag 0 all of them. */
  readonly multiple: boolean;
}

/** Refuses one delivery. */
export interface BasicReject {
  readonly name: "basic.reject";
  /** Tag of the delivery. */
  readonly deliveryTag: number;
  /** True puts it back into the queue; false drops or dead-letters it (rabbitmq.com/docs/dlx). */
  readonly requeue: boolean;
}

/**
 * Asks for every unacknowledged delivery of the channel again, without a reply. Deprecated: use
 * recover.
 */
export interface BasicRecoverAsync {
  readonly name: "basic.recover-async";
  /**
   * True puts the messages back into their queues. RabbitMQ answers false with 540
   * (rabbitmq.com/docs/specification).
   */
  readonly requeue: boolean;
}

/** Asks for every unacknowledged delivery of the channel again. */
export interface BasicRecover {
  readonly name: "basic.recover";
  /**
   * True puts the messages back into their queues. RabbitMQ answers false with 540
   * (rabbitmq.com/docs/specification).
   */
  readonly requeue: boolean;
}

/** The messages are on their way to be delivered again. */
export interface BasicRecoverOk {
  readonly name: "basic.recover-ok";
}

/**
 * From a client: refuses deliveries, many at once if need be (rabbitmq.com/docs/nack). From the
 * server: the broker did not take responsibility for these publications, for instance over
 * `reject-publish`.
 */
export interface BasicNack {
  readonly name: "basic.nack";
  /**
   * Tag of the delivery, or of the publication counted from 1 since confirm.select. 0 is for
   * `multiple` only.
   */
  readonly deliveryTag: number;
  /** True means every outstanding tag up to and including this one, and with tag 0 all of them. */
  readonly multiple: boolean;
  /**
   * From a client: true puts them back, false drops or dead-letters them. From the server it means
   * nothing.
   */
  readonly requeue: boolean;
}

/**
 * Puts the channel into confirm mode for good; publications count from 1 after it. A second time
 * changes nothing; on a channel with transactions it is a 406.
 */
export interface ConfirmSelect {
  readonly name: "confirm.select";
  /**
   * True asks for no reply, so select-ok never comes; counting starts all the same. An error still
   * closes the channel.
   */
  readonly nowait: boolean;
}

/** The channel is in confirm mode. */
export interface ConfirmSelectOk {
  readonly name: "confirm.select-ok";
}

/** Puts the channel into transaction mode for good. On a channel in confirm mode it is a 406. */
export interface TxSelect {
  readonly name: "tx.select";
}

/** The channel is in transaction mode, and a transaction is open. */
export interface TxSelectOk {
  readonly name: "tx.select-ok";
}

/**
 * Commits all publications and acknowledgements since the last commit or rollback, and starts anew.
 */
export interface TxCommit {
  readonly name: "tx.commit";
}

/**
 * The transaction is committed. RabbitMQ makes it atomic for one queue only
 * (rabbitmq.com/docs/semantics).
 */
export interface TxCommitOk {
  readonly name: "tx.commit-ok";
}

/**
 * Abandons all publications and acknowledgements since the last commit or rollback, and starts
 * anew.
 */
export interface TxRollback {
  readonly name: "tx.rollback";
}

/** The transaction is undone. Deliveries are not sent again; use basic.recover for that. */
export interface TxRollbackOk {
  readonly name: "tx.rollback-ok";
}

/** What a client may send. */
export type ClientMethod =
  | ConnectionStartOk
  | ConnectionSecureOk
  | ConnectionTuneOk
  | ConnectionOpen
  | ConnectionClose
  | ConnectionCloseOk
  | ConnectionUpdateSecret
  | ChannelOpen
  | ChannelFlow
  | ChannelFlowOk
  | ChannelClose
  | ChannelCloseOk
  | ExchangeDeclare
  | ExchangeDelete
  | ExchangeBind
  | ExchangeUnbind
  | QueueDeclare
  | QueueBind
  | QueuePurge
  | QueueDelete
  | QueueUnbind
  | BasicQos
  | BasicConsume
  | BasicCancel
  | BasicCancelOk
  | BasicPublish
  | BasicGet
  | BasicAck
  | BasicReject
  | BasicRecoverAsync
  | BasicRecover
  | BasicNack
  | ConfirmSelect
  | TxSelect
  | TxCommit
  | TxRollback;

/** What a server may send. */
export type ServerMethod =
  | ConnectionStart
  | ConnectionSecure
  | ConnectionTune
  | ConnectionOpenOk
  | ConnectionClose
  | ConnectionCloseOk
  | ConnectionBlocked
  | ConnectionUnblocked
  | ConnectionUpdateSecretOk
  | ChannelOpenOk
  | ChannelFlow
  | ChannelFlowOk
  | ChannelClose
  | ChannelCloseOk
  | ExchangeDeclareOk
  | ExchangeDeleteOk
  | ExchangeBindOk
  | ExchangeUnbindOk
  | QueueDeclareOk
  | QueueBindOk
  | QueuePurgeOk
  | QueueDeleteOk
  | QueueUnbindOk
  | BasicQosOk
  | BasicConsumeOk
  | BasicCancel
  | BasicCancelOk
  | BasicReturn
  | BasicDeliver
  | BasicGetOk
  | BasicGetEmpty
  | BasicAck
  | BasicRecoverOk
  | BasicNack
  | ConfirmSelectOk
  | TxSelectOk
  | TxCommitOk
  | TxRollbackOk;

/** Every method. */
export type Method = ClientMethod | ServerMethod;

/** The methods that content (a header frame and body frames) follows. */
export type ContentMethod =
  | BasicPublish
  | BasicReturn
  | BasicDeliver
  | BasicGetOk;
