/**
 * What clients of other people do when something goes wrong: a declaration is refused, a queue is
 * full, a message comes back, the line is cut. Each goes on afterwards, and tells what it saw.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { AMQPClient } from "@cloudamqp/amqp-client";
import amqp from "amqplib";
import { Connection, ConsumerStatus } from "rabbitmq-client";
import { layLine } from "./line.ts";
import type { Work } from "./work.ts";

/** A queue that holds one message and refuses the next. */
const SMALL = { "x-max-length": 1, "x-overflow": "reject-publish" } as const;

const amqplib: Work = async (url, q) => {
  const seen: string[] = [];
  const say = (what: string): void => void seen.push(what.replaceAll(q, "q"));
  await using line = await layLine(url);
  const connection = await amqp.connect(line.url);
  connection.on("error", () => {});
  const lost = new Promise((resolve) => connection.once("close", resolve));

  const refused = await connection.createChannel();
  const error = once(refused, "error") as Promise<[Error]>;
  await refused.assertQueue(q, { durable: false, arguments: SMALL });
  await refused.assertQueue(q, { durable: true, arguments: SMALL }).catch(() => {});
  say((await error)[0].message);

  const channel = await connection.createConfirmChannel();
  const publish = (key: string, body: string, mandatory = false): Promise<string> =>
    new Promise((resolve) => {
      channel.publish("", key, Buffer.from(body), { mandatory }, (failure: Error | null) =>
        resolve(failure === null ? "confirmed" : failure.message),
      );
    });
  say(`first: ${await publish(q, "first")}, second: ${await publish(q, "second")}`);
  const returned = once(channel, "return") as Promise<[amqp.Message]>;
  say(`nowhere: ${await publish(`${q}-missing`, "back", true)}`);
  const [{ content, fields }] = await returned;
  say(`returned: ${content} ${JSON.stringify(fields)}`);

  await new Promise((resolve) => void channel.consume(q, resolve));
  const open = publish(q, "third");
  await channel.waitForConfirms().catch(() => {});
  say(`while the first is held: ${await open}`);
  line.cut();
  await lost;
  say(`after the cut: ${await publish(q, "lost").catch(({ message }: Error) => message)}`);

  const again = await amqp.connect(line.url);
  const other = await again.createChannel();
  let left = await other.get(q);
  for (const until = Date.now() + NOTICED_MS; Date.now() < until; left = await other.get(q)) {
    if (left !== false && String(left.content) === "first") break;
    if (left !== false) other.nack(left);
    await sleep(20);
  }
  say(left === false ? "nothing" : `${left.content} ${left.fields.redelivered}`);
  await other.deleteQueue(q);
  await again.close();
  return seen;
};

const rabbitmqClient: Work = async (url, q) => {
  const seen: string[] = [];
  const say = (what: string): void => void seen.push(what.replaceAll(q, "q"));
  await using line = await layLine(url);
  const rabbit = new Connection({ url: line.url, retryLow: 20, retryHigh: 40 });
  rabbit.on("error", () => {});
  await rabbit.queueDeclare({ queue: q, arguments: SMALL });
  await rabbit
    .queueDeclare({ queue: q, durable: true, arguments: SMALL })
    .catch(({ message }: Error) => say(message));

  const publisher = rabbit.createPublisher({ confirm: true, maxAttempts: 1 });
  const publish = (routingKey: string, body: string): Promise<string> =>
    publisher.send({ routingKey, mandatory: true }, body).then(
      () => "confirmed",
      (error: Error & { code?: string }) => error.code ?? error.message,
    );
  say(`first: ${await publish(q, "first")}, second: ${await publish(q, "second")}`);
  const returned = once(publisher, "basic.return") as Promise<
    [{ body: string; replyText: string }]
  >;
  say(`nowhere: ${await publish(`${q}-missing`, "back")}`);
  const [{ body, replyText }] = await returned;
  say(`returned: ${body} ${replyText}`);

  const messages: string[] = [];
  let come: () => void = () => {};
  const next = (): Promise<void> => new Promise((resolve) => (come = resolve));
  const firstCame = next();
  let isOver: () => void = () => {};
  const isCut = new Promise<void>((resolve) => (isOver = resolve));
  const consumer = rabbit.createConsumer(
    { queue: q, queueOptions: { passive: true } },
    async (message) => {
      messages.push(`${message.body} ${message.redelivered}`);
      come();
      if (messages.length === 1) await isCut; // so that it cannot be acknowledged
      return ConsumerStatus.ACK;
    },
  );
  consumer.on("error", () => {});
  await firstCame;
  const again = next();
  const reconnected = new Promise((resolve) => rabbit.once("connection", resolve));
  line.cut();
  await reconnected;
  isOver();
  await again;
  say(`consumed: ${messages.join(", ")}`);
  const third = next();
  say(`third: ${await publish(q, "third")}`);
  await third;
  say(`then: ${messages.at(-1)}`);
  await consumer.close();
  await rabbit.queueDelete(q);
  await publisher.close();
  await rabbit.close();
  return seen;
};

const cloudamqp: Work = async (url, q) => {
  const seen: string[] = [];
  const say = (what: string): void => void seen.push(what.replaceAll(q, "q"));
  await using line = await layLine(url);
  const quiet = async (): Promise<AMQPClient> => {
    const client = new AMQPClient(line.url);
    client.onerror = () => {};
    await client.connect();
    return client;
  };
  const connection = await quiet();
  const refused = await connection.channel();
  await refused.queueDeclare(q, { durable: false }, SMALL);
  await refused
    .queueDeclare(q, { durable: true }, SMALL)
    .catch(({ message }: Error) => say(message));

  const channel = await connection.channel();
  await channel.confirmSelect();
  const publish = (key: string, body: string): Promise<string> =>
    channel.basicPublish("", key, body, {}, true).then(
      () => "confirmed",
      ({ message }: Error) => message,
    );
  say(`first: ${await publish(q, "first")}, second: ${await publish(q, "second")}`);
  const returned = new Promise<string>((resolve) => {
    channel.onReturn = ({ replyCode, replyText }) => resolve(`${replyCode} ${replyText}`);
  });
  say(`nowhere: ${await publish(`${q}-missing`, "back")}, ${await returned}`);
  await new Promise((resolve) => void channel.basicConsume(q, { noAck: false }, resolve));
  const lost = new Promise<void>((resolve) => {
    connection.ondisconnect = () => resolve();
  });
  line.cut();
  await lost;
  say(`closed: ${connection.closed}, and then: ${(await publish(q, "lost")) !== "confirmed"}`);

  const again = await quiet();
  const other = await again.channel();
  let left = await other.basicGet(q, { noAck: true });
  for (const until = Date.now() + NOTICED_MS; left === null && Date.now() < until; ) {
    await sleep(20);
    left = await other.basicGet(q, { noAck: true });
  }
  say(`${left?.bodyString()} ${left?.redelivered}`);
  await other.queueDelete(q);
  await again.close();
  return seen;
};

/** A broker hears of a cut in its own time; what a client held is back in the queue only then. */
const NOTICED_MS = 5000;

/** What they see. */
export const RECOVERIES: Readonly<Record<string, Work>> = {
  amqplib,
  "rabbitmq-client": rabbitmqClient,
  "@cloudamqp/amqp-client": cloudamqp,
};
