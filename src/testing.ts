/**
 * The entry `amqp091/testing`: a broker for the tests of whoever publishes, with any client.
 */

export { type Arbitraries, arbitraries } from "./testing/arbitraries/arbitraries.ts";
export type { Arbitrary, FastCheck } from "./testing/arbitraries/fast-check.ts";
export type { Reading } from "./testing/arbitraries/field-tables.ts";
export type { ChoppedStream, Content } from "./testing/arbitraries/frames.ts";
export {
  type BrokerOptions,
  type BrokerQueue,
  type EmbeddedBroker,
  type QueuedMessage,
  startBroker,
} from "./testing/broker/broker.ts";
export type { BrokerMessage } from "./testing/broker/message.ts";
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
