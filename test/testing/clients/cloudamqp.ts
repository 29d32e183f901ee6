/** @cloudamqp/amqp-client's part of the work that every client does (work.ts). */
import { AMQPClient } from "@cloudamqp/amqp-client";
import type { Work } from "./work.ts";

export const cloudamqp: Work = async (url, q) => {
  const seen: string[] = [];
  const connection = await new AMQPClient(url).connect();
  const channel = await connection.channel();
  await channel.queueDeclare(q, { durable: false }, {});
  await channel.confirmSelect();
  for (let i = 0; i < 100; i++) await channel.basicPublish("", q, `${i}`);
  await channel.basicQos(10);
  let fresh = 0;
  let again = 0;
  await new Promise<void>((resolve) => {
    void channel.basicConsume(q, { noAck: false, tag: "worker" }, async (message) => {
      if (message.redelivered) again++;
      else fresh++;
      if (message.deliveryTag === 1) await message.nack(true);
      else await message.ack();
      if (fresh === 100 && again === 1) resolve();
    });
  });
  await channel.basicCancel("worker");
  seen.push(`${fresh} fresh, ${again} again`);
  const { messageCount, consumerCount } = await channel.queueDeclare(q, { passive: true });
  seen.push(`then ${messageCount} messages and ${consumerCount} consumers`);
  const refusing = await connection.channel();
  const error = await refusing
    .basicConsume(`${q}-missing`, {}, () => {})
    .then(String, ({ message }: Error) => message);
  seen.push(/404|NOT_FOUND/.test(error) ? "404" : error);
  await channel.queueDelete(q);
  await connection.close();
  return seen;
};
