/** amqplib's part of the work that every client does (work.ts). */
import amqp from "amqplib";
import type { Work } from "./work.ts";

export const amqplib: Work = async (url, q) => {
  const seen: string[] = [];
  const connection = await amqp.connect(url);
  connection.on("error", () => {});
  const publisher = await connection.createConfirmChannel();
  await publisher.assertQueue(q);
  for (let i = 0; i < 100; i++) publisher.sendToQueue(q, Buffer.from(`${i}`), { headers: { i } });
  await publisher.waitForConfirms();

  const channel = await connection.createChannel();
  await channel.prefetch(10);
  let fresh = 0;
  let again = 0;
  await new Promise<void>((resolve) => {
    const takes = (message: amqp.ConsumeMessage | null): void => {
      if (message === null) return;
      const { redelivered, deliveryTag } = message.fields;
      if (redelivered) again++;
      else if (message.properties.headers?.["i"] === Number(message.content.toString())) fresh++;
      if (deliveryTag === 1) channel.nack(message, false, true);
      else channel.ack(message);
      if (fresh === 100 && again === 1) resolve();
    };
    void channel.consume(q, takes, { consumerTag: "worker" });
  });
  await channel.cancel("worker");
  seen.push(`${fresh} fresh, ${again} again`);
  const { messageCount, consumerCount } = await channel.checkQueue(q);
  seen.push(`then ${messageCount} messages and ${consumerCount} consumers`);

  const other = await connection.createChannel();
  const refused = new Promise<Error>((resolve) => other.once("error", resolve));
  await channel.consume(q, () => {}, { exclusive: true, consumerTag: "alone" });
  await other.consume(q, () => {}).catch(() => {});
  seen.push((await refused).message.replace(q, "q"));
  await channel.cancel("alone");

  const gone = new Promise<string>((resolve) => {
    void channel.consume(q, (message) => resolve(message === null ? "cancelled" : "delivered"));
  });
  await publisher.checkQueue(q);
  await publisher.deleteQueue(q);
  seen.push(await gone);
  await connection.close();
  return seen;
};
