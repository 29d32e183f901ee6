/** A broker and clients for the tests of faults; what they leave is cleared away after each test. */
import { type BrokerOptions, type EmbeddedBroker, startBroker } from "../../../src/testing.ts";
import { CONFIRM, declareQueue } from "../methods.ts";
import { type OpenOptions, RawClient, show } from "../raw-client.ts";

export interface Stage {
  readonly broker: EmbeddedBroker;
  /** Starts the broker anew, with these options. */
  start(options: BrokerOptions): Promise<EmbeddedBroker>;
  /** A client with a queue `q` and channel 1 in confirm mode. */
  confirming(options?: OpenOptions): Promise<RawClient>;
  /** A client with channel 1. */
  open(options?: OpenOptions): Promise<RawClient>;
}

/** To be called in a describe(). */
export function stage(): Stage {
  let broker: EmbeddedBroker;
  let clients: RawClient[] = [];
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    clients = [];
    await broker.stop();
  });
  const open = async (options?: OpenOptions): Promise<RawClient> => {
    const client = await RawClient.open(broker.port, options);
    clients.push(client);
    return client;
  };
  return {
    get broker() {
      return broker;
    },
    async start(options) {
      await broker.stop();
      broker = await startBroker(options);
      return broker;
    },
    open,
    async confirming(options) {
      const client = await open(options);
      await client.call(1, declareQueue("q"), "queue.declare-ok");
      await client.call(1, CONFIRM, "confirm.select-ok");
      return client;
    },
  };
}

/** So many messages to `q`, their bodies numbered from 1. */
export function publish(client: RawClient, count = 1, routingKey = "q"): void {
  for (let i = 1; i <= count; i++) client.publish(1, { routingKey }, `${i}`);
}

/** What comes next, in one line each: `basic.ack 3 multiple`. */
export async function lines(client: RawClient, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) {
    const arrival = await client.next();
    const { method } = arrival;
    if (method?.name === "basic.ack" || method?.name === "basic.nack") {
      const kind = method.name.slice("basic.".length);
      seen.push(`${kind} ${method.deliveryTag}${method.multiple ? " multiple" : ""}`);
    } else seen.push(show(arrival));
  }
  return seen;
}

/**
 * Asks something and waits for the answer: proves that nothing else was written before. What is
 * written later by a timer is not waited for.
 */
export async function nothingCame(client: RawClient): Promise<void> {
  await client.call(1, declareQueue("q", { passive: true }), "queue.declare-ok");
}

/** What a queue holds. */
export function bodies(broker: EmbeddedBroker, queue = "q"): string[] {
  return broker.queue(queue).messages.map(({ body }) => Buffer.from(body).toString());
}
