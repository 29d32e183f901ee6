/** Channels and connections for the processes that are measured for leaks, ended in every way. */
import { setImmediate as turn } from "node:timers/promises";
import type { Channel, Connection, ConnectOptions, Publisher } from "../../src/index.ts";
import { HOUR, inParallel, type Tools, type Work } from "./leak-client.ts";

/** Opens so many channels and publishers on one connection, and ends each in one of ten ways. */
export const channels: Work = async (connection, count, tools) => {
  const { watch, signal } = tools;
  await inParallel(count, async (i) => {
    const way = CHANNELS[i % CHANNELS.length] as ChannelWay;
    await way({
      ...tools,
      openPublisher: async (own = signal) =>
        watch(await connection.openPublisher({ signal: own, maxUnconfirmed: 2 })),
      openChannel: async (own = signal) => watch(await connection.openChannel({ signal: own })),
    });
  });
};

interface ChannelTools extends Tools {
  openPublisher(signal?: AbortSignal): Promise<Publisher>;
  openChannel(signal?: AbortSignal): Promise<Channel>;
}

type ChannelWay = (tools: ChannelTools) => Promise<void>;

const BODY = "x".repeat(100);

const CHANNELS: readonly ChannelWay[] = [
  async ({ openChannel }) => {
    const channel = await openChannel();
    channel.on("close", () => {}).on("ack", () => {});
    await channel.close();
  },
  async ({ openPublisher, signal }) => {
    const publisher = await openPublisher();
    await publisher.close({ signal });
  },
  async ({ openPublisher, signal, end }) => {
    const publisher = await openPublisher();
    const limits = { signal, timeoutMs: 2 * HOUR };
    const all = [1, 2, 3].map(() => end(publisher.publish("", "ack", BODY, limits)));
    await end(publisher.waitForConfirms(limits));
    await Promise.all(all);
    await end(publisher.publishAll([{ routingKey: "ack", body: BODY, ...limits }], { signal }));
    await publisher.close(limits);
  },
  async ({ openPublisher, signal, end }) => {
    const publisher = await openPublisher();
    const limits = { signal, timeoutMs: 2 * HOUR, mandatory: true };
    await Promise.all([
      end(publisher.publish("", "return", BODY, limits)),
      end(publisher.publish("", "nack", BODY, limits)),
      end(publisher.publish("", "ack", BODY, limits)),
    ]);
    await publisher.close(limits);
  },
  async ({ openPublisher, end }) => {
    const publisher = await openPublisher();
    const limits = { timeoutMs: 3, mandatory: true };
    await Promise.all([1, 2, 3].map(() => end(publisher.publish("", "never", BODY, limits))));
    await publisher.close();
  },
  async ({ openPublisher, end }) => {
    const publisher = await openPublisher();
    const controller = new AbortController();
    const { signal } = controller;
    const all = [1, 2, 3].map(() => end(publisher.publish("", "never", BODY, { signal })));
    all.push(end(publisher.waitForConfirms({ signal })), end(publisher.ready({ signal })));
    await turn();
    controller.abort();
    await Promise.all(all);
    await publisher.close();
  },
  async ({ openChannel, signal, end }) => {
    const channel = await openChannel();
    const limits = { signal, timeoutMs: 2 * HOUR };
    await Promise.all(["q", "404", "q"].map((queue) => end(channel.queueDeclare(queue, limits))));
    await channel.closed;
  },
  async ({ openPublisher, signal, end }) => {
    const publisher = await openPublisher();
    const limits = { signal, timeoutMs: 2 * HOUR, mandatory: true };
    const missing = end(publisher.publish("missing", "404", BODY, limits));
    await Promise.all([missing, end(publisher.publish("", "ack", BODY, limits))]);
    await publisher.closed;
  },
  async ({ openPublisher, openChannel, end }) => {
    const controllers = [new AbortController(), new AbortController()] as const;
    const channel = openChannel(controllers[1].signal);
    const opening = [end(openPublisher(controllers[0].signal)), end(channel)];
    controllers[0].abort(); // before anything is written
    await turn();
    controllers[1].abort(); // after it, or when the answer is there already
    await Promise.all(opening);
    await channel.then(
      (opened) => opened.close(),
      () => {},
    );
  },
  async ({ openChannel, signal, end }) => {
    const channel = await openChannel();
    await channel.confirmSelect();
    for (const key of ["ack", "nack", "ack"]) channel.basicPublish("", key, BODY);
    await end(channel.waitForConfirms({ signal, timeoutMs: 2 * HOUR }));
    channel.basicPublish("", "never", BODY);
    await end(channel.waitForConfirms({ timeoutMs: 1 }));
    await channel.close({ timeoutMs: 1 });
  },
];

/** Opens so many connections, and loses each in one of twenty ways. */
export const connections: Work = async (_, count, tools) => {
  const silent: Promise<void>[] = [];
  await inParallel(count, async (i) => {
    const way = CONNECTIONS[i % CONNECTIONS.length] as ConnectionWay;
    const lost = way(tools);
    // Silence takes seconds to notice: nobody waits for it before the end.
    if (way === bySilence) silent.push(lost);
    else await lost;
  });
  await Promise.all(silent);
};

type ConnectionWay = (tools: Tools) => Promise<void>;

/** Loses a connection on which everything is under way that there is. */
function busy(
  fate: string,
  options: ConnectOptions = {},
  then: (connection: Connection) => unknown = () => {},
): ConnectionWay {
  return async ({ connect, watch, signal, end }) => {
    const connection = await connect(options);
    connection.on("close", () => {}).on("blocked", () => {});
    const publisher = watch(await connection.openPublisher({ maxUnconfirmed: 2, signal }));
    const channel = watch(await connection.openChannel({ signal }));
    await channel.confirmSelect();
    const limits = { signal, timeoutMs: HOUR };
    if (fate.startsWith("block")) await channel.queueDeclare("block");
    channel.basicPublish("", "never", BODY, { mandatory: true });
    const all = [
      ...[1, 2, 3, 4].map(() => publisher.publish("", "never", BODY, limits)),
      publisher.waitForConfirms(limits),
      publisher.ready(limits),
      channel.waitForConfirms(limits),
      channel.queueDeclare(fate.replace("block ", ""), limits),
      channel.queueDeclare("q", limits),
      connection.openChannel({ signal }),
      connection.openPublisher({ signal }),
      connection.updateSecret("x"),
    ].map(end);
    await turn();
    then(connection);
    await Promise.all(all);
    await connection.closed;
  };
}

/** Loses a connection on which nothing goes on. */
function idle(fate: string): ConnectionWay {
  return async ({ connect, end }) => {
    const connection = await connect();
    const channel = await connection.openChannel();
    await end(channel.queueDeclare(fate));
    await connection.closed;
  };
}

/** Loses a connection before it is open. */
function opening(connectionName: string, options: ConnectOptions = {}): ConnectionWay {
  return async ({ connect, end }) => {
    await end(connect({ connectionName, ...options }));
  };
}

const bySilence = busy("silence", { heartbeatSeconds: 1 });

const CONNECTIONS: readonly ConnectionWay[] = [
  idle("reset"),
  idle("fin"),
  busy("reset"),
  busy("fin"),
  busy("reset"),
  busy("stall", {}, (connection) => connection.destroy(new Error("enough"))),
  busy("reset"),
  busy("320"),
  busy("block reset"),
  busy("garbage"),
  busy("block reset"),
  busy("block never", {}, (connection) => connection.close({ timeoutMs: 2 })),
  busy("reset", {}, (connection) => connection.close()),
  opening("reset"),
  opening("reset"),
  opening("fin"),
  opening("never", { connectTimeoutMs: 20 }),
  async ({ connect, end }) => {
    const controller = new AbortController();
    const connecting = end(connect({ connectionName: "never", signal: controller.signal }));
    for (let turns = 0; turns < 5; turns++) await turn();
    controller.abort();
    await connecting;
  },
  idle("reset"),
  bySilence,
];
