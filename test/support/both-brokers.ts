/** Suites that hold for a real RabbitMQ and for the embedded broker alike. */
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { integration } from "./rabbitmq.ts";

/** Which broker a suite runs against. */
export type BrokerKind = "RabbitMQ" | "the embedded broker";

/**
 * A describe() for each of the two. RabbitMQ's is left out where there is none, as by
 * `integration()`; the embedded broker is one for the suite.
 */
export function againstBothBrokers(
  title: string,
  body: (url: () => string, kind: BrokerKind) => void,
): void {
  integration(`${title} against RabbitMQ`, (broker) => body(() => broker().url, "RabbitMQ"));
  describe(`${title} against the embedded broker`, () => {
    let broker: EmbeddedBroker;
    before(async () => {
      broker = await startBroker();
    });
    after(() => broker.stop());
    body(() => broker.url, "the embedded broker");
  });
}
