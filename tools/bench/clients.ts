/**
 * The clients side by side, each through the fast path that its documentation shows, all with one
 * promise a message. Each runs in a process of its own (worker.ts), which loads that one alone.
 */
import type { Publisher } from "../../src/index.ts";
import type { Work } from "./work.ts";

/** Publishes one message; resolves when the broker has confirmed it. */
export type Publish = () => Promise<unknown>;

/** A connection for a benchmark. */
export interface Lines {
  /** One for each channel. */
  readonly publish: readonly Publish[];
  close(): Promise<void>;
}

/** Connects and opens the channels that a work asks for. */
export type OpenLines = (url: string, work: Work, queue: string) => Promise<Lines>;

/** Of the typical properties. */
export const MESSAGE_ID = "message-00000001";
export const TIMESTAMP = 1_700_000_000;
export const HEADERS = { tenant: "acme", attempt: 1, trace: "00-4bf92f3577b34da6" };

function bodyOf(work: Work): Buffer {
  return Buffer.alloc(work.size, "a");
}

async function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < count; i++) all.push(await make());
  return all;
}

const ours: OpenLines = async (url, work, queue) => {
  const { connect } = (await import(
    "../../dist/index.js" as string
  )) as typeof import("../../src/index.ts");
  const connection = await connect(url);
  const publishers = await times(work.channels, () =>
    connection.openPublisher({ maxUnconfirmed: work.window, maxQueuedBytes: 2 ** 40 }),
  );
  const body = bodyOf(work);
  const { mandatory } = work;
  const options =
    work.properties === "none"
      ? { mandatory }
      : {
          mandatory,
          contentType: "application/json",
          deliveryMode: 2 as const,
          messageId: MESSAGE_ID,
          timestamp: new Date(TIMESTAMP * 1000),
          headers: HEADERS,
        };
  return {
    publish: publishers.map(
      (publisher: Publisher) => () => publisher.publish("", queue, body, options),
    ),
    close: () => connection.close(),
  };
};

const amqplib: OpenLines = async (url, work, queue) => {
  const { connect } = await import("amqplib");
  const connection = await connect(url);
  const channels = await times(work.channels, () => connection.createConfirmChannel());
  const body = bodyOf(work);
  const { mandatory } = work;
  const options =
    work.properties === "none"
      ? { mandatory }
      : {
          mandatory,
          contentType: "application/json",
          deliveryMode: 2,
          messageId: MESSAGE_ID,
          timestamp: TIMESTAMP,
          headers: HEADERS,
        };
  return {
    publish: channels.map(
      (channel) => () =>
        new Promise<void>((resolve, reject) => {
          channel.publish("", queue, body, options, (error) => (error ? reject(error) : resolve()));
        }),
    ),
    close: () => connection.close(),
  };
};

const rabbitmqClient: OpenLines = async (url, work, queue) => {
  const { Connection } = await import("rabbitmq-client");
  const connection = new Connection(url);
  await connection.onConnect();
  const publishers = Array.from({ length: work.channels }, () =>
    connection.createPublisher({ confirm: true, maxAttempts: 1 }),
  );
  const body = bodyOf(work);
  const { mandatory } = work;
  const envelope =
    work.properties === "none"
      ? { routingKey: queue, mandatory }
      : {
          routingKey: queue,
          mandatory,
          contentType: "application/json",
          durable: true,
          messageId: MESSAGE_ID,
          timestamp: TIMESTAMP,
          headers: HEADERS,
        };
  return {
    publish: publishers.map((publisher) => () => publisher.send(envelope, body)),
    close: () => connection.close(),
  };
};

const cloudamqp: OpenLines = async (url, work, queue) => {
  const { AMQPClient } = await import("@cloudamqp/amqp-client");
  const client = new AMQPClient(url);
  const connection = await client.connect();
  const channels = await times(work.channels, async () => {
    const channel = await connection.channel();
    await channel.confirmSelect();
    return channel;
  });
  const body = bodyOf(work);
  const { mandatory } = work;
  const properties =
    work.properties === "none"
      ? {}
      : {
          contentType: "application/json",
          deliveryMode: 2,
          messageId: MESSAGE_ID,
          timestamp: new Date(TIMESTAMP * 1000),
          headers: HEADERS,
        };
  return {
    publish: channels.map(
      (channel) => () => channel.basicPublish("", queue, body, properties, mandatory),
    ),
    close: async () => {
      await connection.close();
    },
  };
};

/** By the name that the report gives them. */
export const CLIENTS = {
  amqp091: ours,
  amqplib,
  "rabbitmq-client": rabbitmqClient,
  "@cloudamqp/amqp-client": cloudamqp,
} as const satisfies { readonly [name: string]: OpenLines };

export type ClientName = keyof typeof CLIENTS;

/** Ready-made octets instead of a client: raw.ts. */
export const RAW = "ready-made bytes";
