/** rabbitmq-client's part of the work that every client does (work.ts). */
import { Connection, ConsumerStatus } from "rabbitmq-client";
import type { Work } from "./work.ts";

export const rabbitmqClient: Work = async (url, q) => {
  const seen: string[] = [];
  const rabbit = new Connection(url);
  rabbit.on("error", () => {});
  await rabbit.queueDeclare(q);
  const publisher = rabbit.createPublisher({ confirm: true });
  for (let i = 0; i < 100; i++) await publisher.send(q, { i });
  let fresh = 0;
  let again = 0;
  await new Promise<void>((resolve) => {
    const consumer = rabbit.createConsumer(
      { queue: q, qos: { prefetchCount: 10 }, concurrency: 10 },
      (message) => {
        if (message.redelivered) again++;
        else fresh++;
        if (fresh === 100 && again === 1) setImmediate(() => void consumer.close().then(resolve));
        return fresh === 1 && again === 0 ? ConsumerStatus.REQUEUE : ConsumerStatus.ACK;
      },
    );
    consumer.on("error", () => {});
  });
  seen.push(`${fresh} fresh, ${again} again`);
  const { messageCount, consumerCount } = await rabbit.queueDeclare({ queue: q, passive: true });
  seen.push(`then ${messageCount} messages and ${consumerCount} consumers`);
  const channel = await rabbit.acquire();
  await channel.txSelect();
  await channel.basicPublish({ routingKey: q }, "in a transaction");
  seen.push(`before the commit: ${(await rabbit.basicGet(q))?.body}`);
  await channel.txCommit();
  seen.push(`after it: ${(await rabbit.basicGet({ queue: q, noAck: true }))?.body}`);
  await channel.close();
  await rabbit.queueDelete(q);
  await publisher.close();
  await rabbit.close();
  return seen;
};
