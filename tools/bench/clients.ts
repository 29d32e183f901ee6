/**
 * The clients side by side, each through the fast path that its documentation shows, all with one
 * promise a message. Each runs in a process of its own, which loads that one alone.
 */
import type { Work } from "./work.ts";

/** Publishes one message; resolves when the broker has confirmed it. */
export type Publish = () => Promise<unknown>;

/** Connects. */
export type Client = (url: string) => Promise<Line>;

/** A connection of a client. */
export interface Line {
  /** Opens a channel in confirm mode, made ready to publish the message of a work to a queue. */
  openPublish(work: Work, queue: string): Promise<Publish>;
  /** Opens a channel in confirm mode that stays idle; what the client gives for it. */
  openIdle(): Promise<unknown>;
}

/** Of the typical properties. */
export const MESSAGE_ID = "message-00000001";
export const TIMESTAMP = 1_700_000_000;
export const HEADERS = { tenant: "acme", attempt: 1, trace: "00-4bf92f3577b34da6" };

function bodyOf(work: Work): Buffer {
  return Buffer.alloc(work.size, "a");
}

const ours: Client = async (url) => {
  const { connect } = (await import(
    "../../dist/index.js" as string
  )) as typeof import("../../src/index.ts");
  const connection = await connect(url);
  return {
    openPublish: async (work, queue) => {
      const publisher = await connection.openPublisher({
        maxUnconfirmed: work.window,
        maxQueuedBytes: 2 ** 40,
      });
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
      return () => publisher.publish("", queue, body, options);
    },
    openIdle: () => connection.openPublisher(),
  };
};

const amqplib: Client = async (url) => {
  const { connect } = await import("amqplib");
  const connection = await connect(url);
  return {
    openPublish: async (work, queue) => {
      const channel = await connection.createConfirmChannel();
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
      return () =>
        new Promise<void>((resolve, reject) => {
          channel.publish("", queue, body, options, (error) => (error ? reject(error) : resolve()));
        });
    },
    openIdle: () => connection.createConfirmChannel(),
  };
};

const rabbitmqClient: Client = async (url) => {
  const { Connection } = await import("rabbitmq-client");
  const connection = new Connection(url);
  await connection.onConnect();
  return {
    openPublish: async (work, queue) => {
      const publisher = connection.createPublisher({ confirm: true, maxAttempts: 1 });
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
      return () => publisher.send(envelope, body);
    },
    // Its publisher opens no channel before the first message, so this is the channel itself.
    openIdle: async () => {
      const channel = await connection.acquire();
      await channel.confirmSelect();
      return channel;
    },
  };
};

const cloudamqp: Client = async (url) => {
  const { AMQPClient } = await import("@cloudamqp/amqp-client");
  const connection = await new AMQPClient(url).connect();
  const openChannel = async () => {
    const channel = await connection.channel();
    await channel.confirmSelect();
    return channel;
  };
  return {
    openPublish: async (work, queue) => {
      const channel = await openChannel();
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
      return () => channel.basicPublish("", queue, body, properties, mandatory);
    },
    openIdle: openChannel,
  };
};

/** By the name that the report gives them; ours is the first. */
export const CLIENTS = {
  amqp091: ours,
  amqplib,
  "rabbitmq-client": rabbitmqClient,
  "@cloudamqp/amqp-client": cloudamqp,
} as const satisfies { readonly [name: string]: Client };

/** A client by its name. */
export type ClientName = keyof typeof CLIENTS;

/** This project's. */
export const OURS = "amqp091";

/** Ready-made octets instead of a client: raw.ts. */
export const RAW = "ready-made bytes";

/** Who takes part: a client by its name, or ready-made octets. */
export type Contestant = ClientName | typeof RAW;
