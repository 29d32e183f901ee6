/**
 * The entry `amqp091/testing`: a broker for the tests of whoever publishes, with any client.
 */

export { type Arbitraries, arbitraries } from "./testing/arbitraries/arbitraries.ts";
export type { Arbitrary, FastCheck } from "./testing/arbitraries/fast-check.ts";
export type { Reading } from "./testing/arbitraries/field-tables.ts";
export type { ChoppedStream, Content } from "./testing/arbitraries/frames.ts";
export { startBroker } from "./testing/broker/broker.ts";
export type { BrokerOptions } from "./testing/broker/broker-options.ts";
export type { EmbeddedBroker, Falsy, RestartOptions } from "./testing/broker/embedded-broker.ts";
export type { ExchangeType } from "./testing/broker/exchange.ts";
export type {
  BlockOptions,
  BrokerFaults,
  CancelOptions,
  CloseChannelsOptions,
  CloseConnectionsOptions,
  ConsumerFaultOptions,
  CutOptions,
  DelayOptions,
  DropConfirmOptions,
  FaultySendOptions,
  HeldConfirms,
  NackOptions,
  RefuseConnectionsOptions,
  RefuseOptions,
  ReplyOptions,
  ReturnOptions,
  SplitOptions,
} from "./testing/broker/faults/broker-faults.ts";
export type { ConfirmOptions } from "./testing/broker/faults/confirm-style.ts";
export type { Fault, FaultTimes } from "./testing/broker/faults/fault.ts";
export type { CutKind } from "./testing/broker/faults/points.ts";
export type {
  ConnectionSelector,
  FaultScope,
  FaultyConnectionFacts,
  PublishedMessage,
  PublishFaultOptions,
} from "./testing/broker/faults/selection.ts";
export type { BrokerMessage } from "./testing/broker/message.ts";
export type { BrokerMechanism } from "./testing/broker/session/login.ts";
export type {
  BrokerChannel,
  BrokerCloseReason,
  BrokerConnection,
  BrokerConsumer,
} from "./testing/broker/views/connection-view.ts";
export type {
  BrokerChannelClosed,
  BrokerConnectionClosed,
  BrokerConnectionOpened,
  BrokerConnectionRefused,
  BrokerEvent,
  BrokerTopologyChange,
} from "./testing/broker/views/events.ts";
export type {
  BrokerBinding,
  BrokerExchange,
  BrokerExchangeOptions,
} from "./testing/broker/views/exchange-view.ts";
export type {
  BrokerQueue,
  BrokerQueueOptions,
  QueuedMessage,
} from "./testing/broker/views/queue-view.ts";
export type { WaitOptions } from "./testing/broker/waiting.ts";
export { ScriptedChannel } from "./testing/scripted-peer/channel.ts";
export {
  Conversation,
  type ExpectContentOptions,
  type ExpectOptions,
  type ScriptedPeerOptions,
  type SendOptions,
} from "./testing/scripted-peer/conversation.ts";
export {
  encodeBody,
  encodeContent,
  encodeFrame,
  encodeHeader,
  encodeHeartbeat,
  encodeMethod,
  type Frame,
} from "./testing/scripted-peer/encode.ts";
export type {
  ClientHandshake,
  ClientHandshakeOptions,
  ServerHandshake,
  ServerHandshakeOptions,
} from "./testing/scripted-peer/handshake.ts";
export { ScriptError } from "./testing/scripted-peer/inbox.ts";
export { PeerListener } from "./testing/scripted-peer/listener.ts";
export type * from "./testing/scripted-peer/method-types.ts";
export type { Octets } from "./testing/scripted-peer/octets.ts";
export { type Handshakes, type Role, ScriptedPeer } from "./testing/scripted-peer/peer.ts";
export type { ChopOptions } from "./testing/scripted-peer/pieces.ts";
export type * from "./testing/scripted-peer/received.ts";
export type { ClientMethod, ContentMethod, ServerMethod } from "./wire/generated/methods.ts";
