// Makes @cloudamqp/amqp-client say what the others leave out.
// Started by ../capture.ts: cloudamqp.mjs PORT
import { AMQPClient } from "@cloudamqp/amqp-client";

const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${process.argv[2]}?frameMax=8192`);
const connection = await client.connect();
const channel = await connection.channel();

const EVERY_TYPE = {
  text: "grüße",
  true: true,
  nothing: undefined,
  octets: new Uint8Array([0, 255, 254]),
  int: -1,
  long: 2 ** 40,
  bigint: -9223372036854775808n,
  float: 0.5,
  double: 1e300,
  time: new Date("2024-02-29T12:30:45Z"),
  list: [1, "two", [true], { three: 3 }],
  table: { nested: { deeper: "still" } },
};

await channel.exchangeDeclare("g.c", "headers", { durable: false }, { "alternate-exchange": "x" });
await channel.queueDeclare("g.c", { durable: false, autoDelete: false }, EVERY_TYPE);
await channel.queueBind("g.c", "g.c", "", EVERY_TYPE);
await channel.confirmSelect();
await channel.basicPublish("", "g.c", "grüße", {
  contentType: "text/plain",
  contentEncoding: "identity",
  headers: EVERY_TYPE,
  deliveryMode: 2,
  priority: 255,
  correlationId: "correlation",
  replyTo: "amq.reply",
  expiration: "1000",
  messageId: "message",
  timestamp: new Date("2024-02-29T12:30:45Z"),
  type: "kind",
  userId: "guest",
  appId: "golden",
});
await channel.basicGet("g.c", { noAck: true });
await channel.basicFlow(true);
await channel.basicQos(1, 0, true);
await channel.queueUnbind("g.c", "g.c", "", EVERY_TYPE);
await channel.queuePurge("g.c");
await channel.queueDelete("g.c", { ifUnused: true, ifEmpty: true });
await channel.exchangeDelete("g.c");
await channel.close("done", 200);
await connection.close("done", 200);
