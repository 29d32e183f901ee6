/**
 * The entry `amqp091/testing`: a broker for the tests of whoever publishes, with any client.
 */
export {
  type BrokerOptions,
  type BrokerQueue,
  type EmbeddedBroker,
  type QueuedMessage,
  startBroker,
} from "./testing/broker/broker.ts";
export type { BrokerMessage } from "./testing/broker/message.ts";
