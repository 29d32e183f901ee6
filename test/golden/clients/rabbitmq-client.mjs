// Makes rabbitmq-client say what the others leave out.
// Started by ../capture.ts: rabbitmq-client.mjs PORT
import { Connection } from "rabbitmq-client";

const connection = new Connection({
  url: `amqp://guest:guest@127.0.0.1:${process.argv[2]}`,
  frameMax: 8192,
  retryLow: 100,
});
connection.on("error", () => {});
const channel = await connection.acquire();

const EVERY_TYPE = {
  text: "grüße",
  true: true,
  nothing: null,
  octets: Buffer.from([0, 255, 254]),
  int: -1,
  long: 2 ** 40,
  bigint: 2n ** 40n,
  double: 0.1,
  time: new Date("2024-02-29T12:30:45Z"),
  list: [1, "two", [true], { three: 3 }],
  table: { nested: { deeper: "still" } },
};

await channel.exchangeDeclare({
  exchange: "g.r",
  type: "headers",
  autoDelete: true,
  arguments: { "alternate-exchange": "x" },
});
await channel.queueDeclare({ queue: "g.r", exclusive: true, arguments: EVERY_TYPE });
await channel.queueBind({ queue: "g.r", exchange: "g.r", routingKey: "", arguments: EVERY_TYPE });
await channel.confirmSelect();
await channel.basicPublish(
  {
    routingKey: "g.r",
    mandatory: true,
    contentType: "text/plain",
    contentEncoding: "identity",
    headers: EVERY_TYPE,
    durable: true,
    priority: 1,
    correlationId: "correlation",
    replyTo: "g.reply",
    expiration: "1000",
    messageId: "message",
    timestamp: 1709209845,
    type: "kind",
    userId: "guest",
    appId: "golden",
    clusterId: "cluster",
  },
  Buffer.from("grüße"),
);
await channel.basicPublish("g.r", { json: true });
const message = await channel.basicGet({ queue: "g.r" });
channel.basicNack({ deliveryTag: message.deliveryTag, multiple: true, requeue: false });
await channel.basicQos({ prefetchCount: 5, global: true });
await channel.basicRecover({ requeue: true });
await channel.queueDelete({ queue: "g.r", ifUnused: true });
await channel.close();
await connection.close();
