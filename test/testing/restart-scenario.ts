/** What survives a restart of a broker, any broker, as far as a client can see. */
import { AmqpError, ChannelClosedError, ConnectionClosedError } from "../../src/errors.ts";
import { type Connection, connect } from "../../src/index.ts";

/** What the client saw. */
export interface RestartReport {
  /** How the connection ended. */
  readonly closed: string;
  /** What exists afterwards, and what does not. */
  readonly exists: { readonly [name: string]: boolean };
  /** The bodies in each queue, those marked that are redelivered. */
  readonly messages: { readonly [queue: string]: readonly string[] };
  /** By which ways messages reach the durable queue. */
  readonly ways: { readonly [way: string]: boolean };
}

const QUEUES = ["durable", "transient", "consumed", "unconsumed", "mine", "priorities", "safe"];
const EXCHANGES = ["durable-x", "transient-x", "auto-x", "amq.topic"];

/**
 * Fills the broker, has it restarted, and looks at what is there. Without a quorum queue if so told:
 * RabbitMQ needs some time for its elections after it was killed.
 */
export async function surviveRestart(
  url: string,
  restart: () => Promise<void>,
  { quorum }: { readonly quorum: boolean } = { quorum: true },
): Promise<RestartReport> {
  const connection = await connect(url);
  await fill(connection, quorum ? "quorum" : "classic");
  await restart();
  const reason = await connection.closed;
  const after = await connect(url);
  try {
    const exists: Record<string, boolean> = {};
    for (const name of QUEUES) {
      exists[name] = await found(after, (channel) => channel.queueDeclare(name, { passive: true }));
    }
    for (const name of EXCHANGES) {
      exists[name] = await found(after, (channel) =>
        channel.exchangeDeclare(name, "direct", { passive: true }),
      );
    }
    const messages: Record<string, readonly string[]> = {};
    for (const name of QUEUES) if (exists[name]) messages[name] = await drain(after, name);
    return { closed: describe(reason), exists, messages, ways: await tryWays(after) };
  } finally {
    await after.close();
  }
}

async function fill(connection: Connection, type: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("durable", { durable: true });
  await channel.queueDeclare("transient");
  await channel.queueDeclare("consumed", { durable: true, autoDelete: true });
  await channel.queueDeclare("unconsumed", { durable: true, autoDelete: true });
  await channel.queueDeclare("mine", { durable: true, exclusive: true });
  const priorities = { "x-max-priority": 5 };
  await channel.queueDeclare("priorities", { durable: true, arguments: priorities });
  // A quorum queue keeps every message, a classic one those that are persistent.
  await channel.queueDeclare("safe", { durable: true, arguments: { "x-queue-type": type } });
  await channel.exchangeDeclare("durable-x", "direct", { durable: true });
  await channel.exchangeDeclare("transient-x", "fanout");
  await channel.exchangeDeclare("auto-x", "fanout", { durable: true, autoDelete: true });
  await channel.queueBind("durable", "durable-x", "k");
  await channel.queueBind("transient", "durable-x", "t");
  await channel.queueBind("durable", "transient-x", "");
  await channel.queueBind("transient", "auto-x", "");
  await channel.queueBind("durable", "amq.topic", "a.*");

  const publisher = await connection.openPublisher();
  const send = (queue: string, body: string, deliveryMode?: 1 | 2, priority?: number) =>
    publisher.publish("", queue, body, { mandatory: true, deliveryMode, priority });
  await send("durable", "held", 2);
  await send("durable", "held, transient", 1);
  await send("durable", "held, then requeued", 2);
  await send("durable", "ready", 2);
  await send("durable", "ready, transient", 1);
  await send("durable", "ready, no delivery mode");
  await publisher.publish("", "durable", "expires", { deliveryMode: 2, expiration: "3600000" });
  await send("transient", "persistent", 2);
  await send("priorities", "low", 2, 1);
  await send("priorities", "high", 2, 4);
  await send("priorities", "highest, transient", 1, 5);
  await send("safe", "persistent", 2);
  await send("safe", "transient", 1);

  await channel.basicConsume("consumed");
  for (let i = 0; i < 3; i++) {
    const delivery = await channel.basicGet("durable");
    if (i === 2) delivery?.nack({ requeue: true });
  }
  await channel.basicQos({ prefetchCount: 1 }); // all before it has been done
}

async function drain(connection: Connection, queue: string): Promise<string[]> {
  const channel = await connection.openChannel();
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) break;
    const { body, redelivered } = delivery;
    bodies.push(new TextDecoder().decode(body) + (redelivered ? " (redelivered)" : ""));
  }
  await channel.close();
  return bodies;
}

async function tryWays(connection: Connection): Promise<Record<string, boolean>> {
  const ways: Record<string, boolean> = {};
  for (const [exchange, routingKey] of [
    ["durable-x", "k"],
    ["durable-x", "t"],
    ["amq.topic", "a.b"],
  ] as const) {
    const publisher = await connection.openPublisher();
    ways[`${exchange} ${routingKey}`] = await publisher
      .publish(exchange, routingKey, "", { mandatory: true })
      .then(
        () => true,
        () => false,
      );
    await publisher.close();
  }
  return ways;
}

type Ask = (channel: Awaited<ReturnType<Connection["openChannel"]>>) => Promise<unknown>;

async function found(connection: Connection, ask: Ask): Promise<boolean> {
  const channel = await connection.openChannel();
  try {
    await ask(channel);
    await channel.close();
    return true;
  } catch (error) {
    if (error instanceof ChannelClosedError && error.replyCode === 404) return false;
    throw error;
  }
}

function describe(reason: AmqpError | undefined): string {
  if (reason instanceof ConnectionClosedError) return `${reason.replyCode} ${reason.replyText}`;
  return reason instanceof AmqpError ? reason.name : "not at all";
}
