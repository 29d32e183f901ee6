// Compiled, not run: what api.md promises about types, as a stranger with strict settings sees it.
import {
  type BasicProperties,
  type Connection,
  type ConnectOptions,
  connect,
  type FieldTable,
  PublishError,
  type Publisher,
  type PublisherOptions,
  type PublishOptions,
  TaggedTable,
  tagged,
} from "amqp091";
import * as protocol from "amqp091/protocol";
import { arbitraries, ScriptedPeer, startBroker } from "amqp091/testing";

// Every optional member takes undefined, so that options can be passed along as they came.
export async function open(
  url: string | undefined,
  vhost: string | undefined,
): Promise<Connection> {
  const options: ConnectOptions = { vhost, hostname: undefined, tls: undefined, signal: undefined };
  return url === undefined ? connect(options) : connect(new URL(url), options);
}

export async function publish(
  publisher: Publisher,
  timeoutMs: number | undefined,
): Promise<number> {
  const headers: FieldTable = {
    nested: { list: [1, 2n, "three", null, new Date(0)] },
    absent: undefined,
  };
  const properties: BasicProperties = { headers, deliveryMode: 2, contentType: undefined };
  const options: PublishOptions = { ...properties, mandatory: true, timeoutMs };
  try {
    const { deliveryTag } = await publisher.publish("", "hello", new Uint8Array(3), options);
    return deliveryTag;
  } catch (error) {
    if (error instanceof PublishError) console.log(error.outcome, error.mayBeDelivered, error.code);
    throw error;
  }
}

export async function main(options?: PublisherOptions): Promise<void> {
  const broker = await startBroker();
  await using connection = await connect(broker.url);
  connection.on("blocked", (reason) => console.log(reason.toUpperCase()));
  const publisher = await connection.openPublisher(options);
  const { confirmed } = await publisher.publishAll([{ routingKey: "hello", body: "hello" }]);
  const channel = await connection.openChannel();
  channel.on("ack", ({ deliveryTag, multiple }) => console.log(deliveryTag + 1, !multiple));
  const tag: number = channel.basicPublish("", "hello", "body", { deliveryMode: 2 });
  await channel.waitForConfirms();
  console.log(confirmed, tag, Object.keys(protocol));

  for await (const { body, taggedProperties } of channel.consume("hello")) {
    await publisher.sendToQueue("next", body, { taggedProperties });
    const entries = taggedProperties.headers?.entries ?? [];
    const headers = new TaggedTable([...entries, ["hops", tagged("B", 1)]]);
    channel.basicPublish("", "next", body, { taggedProperties: { ...taggedProperties, headers } });
  }

  // @ts-expect-error a delivery mode is 1 or 2
  channel.basicPublish("", "hello", "body", { deliveryMode: 3 });
  // @ts-expect-error the tuning is for reading
  connection.tuning.frameMax = 1;
}

// fast-check is not installed here: whoever does not call this needs nothing of it.
export const makeArbitraries: typeof arbitraries = arbitraries;

export async function script(): Promise<void> {
  await using listener = await ScriptedPeer.listen({ timeoutMs: undefined });
  const [connection, peer] = await Promise.all([connect(listener.url), listener.handshake()]);
  const channel = await peer.openChannel();
  const { method } = await channel.expectContent("basic.publish", { routingKey: "hello" });
  const key: string = method.routingKey;
  channel.send("basic.ack", { deliveryTag: 1 });
  console.log(key, connection.tuning);

  // @ts-expect-error no such field
  channel.send("basic.ack", { tag: 1 });
  // @ts-expect-error no such method
  await channel.expect("basic.pubish");
  // @ts-expect-error a method without content
  await channel.expectContent("basic.ack");
}
