/**
 * An AMQP 0-9-1 client: `connect()`, and from there everything. The protocol by itself, without
 * sockets, is in `amqp091/protocol`; an embedded broker for tests in `amqp091/testing`.
 */
export { Channel } from "./client/channel.ts";
export type { NowaitOptions } from "./client/channel-calls.ts";
export type { ChannelEvents, ConfirmEvent } from "./client/channel-events.ts";
export type {
  BasicConsumeOptions,
  BasicGetOptions,
  BasicQosOptions,
} from "./client/channel-methods.ts";
export type {
  ExchangeDeclareOptions,
  ExchangeDeleteOptions,
  QueueDeclaredReply,
  QueueDeclareOptions,
  QueueDeleteOptions,
  QueueEmptiedReply,
} from "./client/channel-topology.ts";
export type { CloseOptions } from "./client/close-channel.ts";
export { connect } from "./client/connect.ts";
export { Connection, type ConnectionEvents } from "./client/connection.ts";
export type { ConsumeOptions } from "./client/consume-options.ts";
export { Consumer } from "./client/consumer.ts";
export {
  type AckOptions,
  ConsumedDelivery,
  Delivery,
  GotDelivery,
  type NackOptions,
  type RejectOptions,
} from "./client/delivery.ts";
export type { ConnectOptions, Host } from "./client/options.ts";
export type { Confirmation } from "./client/publications.ts";
export type { MessageResult, PublishAllOptions } from "./client/publish-all.ts";
export type { BasicPublishOptions, Message, PublishOptions } from "./client/publish-options.ts";
export { Publisher, type PublisherOptions } from "./client/publisher.ts";
export type { TracedClose, TracedFrame } from "./client/trace.ts";
export { type Trace, type TraceOptions, traceTo } from "./client/trace-file.ts";
export type { WaitBounds } from "./client/waiting.ts";
export {
  AbortError,
  AmqpError,
  BatchError,
  type BatchFailure,
  ChannelClosedError,
  ClosedError,
  type CloseReason,
  ConnectionClosedError,
  ConnectionLostError,
  type ConnectPhase,
  ConsumerCancelledError,
  CredentialsError,
  ProtocolError,
  type ProtocolErrorDetails,
  PublishError,
  type PublishErrorDetails,
  type PublishOutcome,
  TimeoutError,
  UsageError,
} from "./errors.ts";
export type { Tuning } from "./protocol/negotiation.ts";
export { ReturnedError, type ReturnedMessage } from "./protocol/returned-error.ts";
export {
  amqplain,
  anonymous,
  type Credentials,
  crDemo,
  external,
  plain,
} from "./protocol/sasl.ts";
export {
  type Decimal,
  type FieldTable,
  type FieldType,
  type FieldValue,
  TaggedTable,
  TaggedValue,
  tagged,
} from "./wire/field-value.ts";
export type { BasicProperties } from "./wire/generated/properties.ts";
export type { TaggedProperties } from "./wire/tagged-properties.ts";
