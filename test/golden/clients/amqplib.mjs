// Makes amqplib say everything it can. Started by ../capture.ts: amqplib.mjs PORT
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import amqplib from "amqplib";

const port = Number(process.argv[2]);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ctl(...args) {
  console.log(JSON.stringify(args));
  await answers.next();
}

async function connect(query = "") {
  const connection = await amqplib.connect(
    `amqp://guest:guest@127.0.0.1:${port}/?heartbeat=60&channelMax=64&frameMax=4096${query}`,
  );
  connection.on("error", () => {});
  return connection;
}

/** A promise of one event, or of the end of patience. */
function told(emitter, ...events) {
  return Promise.race([
    sleep(3_000, undefined, { ref: false }),
    ...events.map((event) => new Promise((resolve) => emitter.once(event, resolve))),
  ]);
}

const EVERY_TYPE = {
  text: "grüße",
  true: true,
  false: false,
  nothing: null,
  octets: Buffer.from([0, 255, 254]),
  int8: -128,
  int16: -32768,
  int32: -2147483648,
  int64: 2 ** 40,
  double: Math.PI,
  negativeZero: { "!": "double", value: -0 },
  uint8: { "!": "uint8", value: 255 },
  uint16: { "!": "uint16", value: 65535 },
  uint32: { "!": "uint32", value: 4294967295 },
  big: { "!": "int64", value: 9223372036854775807n },
  least: { "!": "int64", value: -9223372036854775808n },
  float: { "!": "float", value: 0.1 },
  decimal: { "!": "decimal", value: { places: 2, digits: 314 } },
  time: { "!": "timestamp", value: 1709209845 },
  list: [1, "two", [true, null], { three: 3 }],
  table: { nested: { deeper: "still" }, empty: {} },
};

const EVERY_PROPERTY = {
  contentType: "text/plain",
  contentEncoding: "identity",
  headers: { answer: 42 },
  persistent: true,
  priority: 9,
  correlationId: "correlation",
  replyTo: "g.reply",
  expiration: "60000",
  messageId: "message",
  timestamp: 1709209845,
  type: "kind",
  userId: "guest",
  appId: "golden",
};

async function topology() {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertExchange("g.plain", "direct");
  await channel.checkExchange("g.plain");
  await channel.assertExchange("g.full", "topic", {
    durable: false,
    autoDelete: true,
    internal: true,
    alternateExchange: "g.plain",
    arguments: EVERY_TYPE,
  });
  await channel.bindExchange("g.full", "g.plain", "key");
  await channel.bindExchange("g.plain", "amq.headers", "", { "x-match": "all", n: 1.5 });
  await channel.unbindExchange("g.full", "g.plain", "key");
  await channel.deleteExchange("g.plain", { ifUnused: false });
  await channel.deleteExchange("g.full", { ifUnused: true });

  await channel.assertQueue("g.plain", { durable: false });
  await channel.assertQueue("g.full", {
    exclusive: true,
    autoDelete: true,
    messageTtl: 60000,
    expires: 3600000,
    deadLetterExchange: "",
    deadLetterRoutingKey: "g.plain",
    maxLength: 10,
    maxPriority: 4,
    overflow: "reject-publish",
    queueMode: "lazy",
    arguments: EVERY_TYPE,
  });
  await channel.bindQueue("g.full", "amq.topic", "a.*.b");
  await channel.bindQueue("g.full", "amq.headers", "", { "x-match": "any", on: true, pi: 3.14 });
  await channel.unbindQueue("g.full", "amq.topic", "a.*.b");
  await channel.purgeQueue("g.full");
  await channel.deleteQueue("g.full", { ifEmpty: true });
  await channel.deleteQueue("g.plain", { ifUnused: true });
  await channel.close();
  await connection.close();
}

async function messages() {
  const connection = await connect();
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("g.queue", { durable: false });
  channel.publish("", "g.queue", Buffer.alloc(0));
  channel.publish("", "g.queue", Buffer.from("hello"), EVERY_PROPERTY);
  channel.publish("", "g.queue", Buffer.from("h"), { headers: EVERY_TYPE });
  channel.publish("", "g.queue", Buffer.from("copies"), { CC: ["g.queue"], BCC: "g.none" });
  channel.publish("", "g.missing", Buffer.from("back"), { mandatory: true, headers: EVERY_TYPE });
  channel.publish("", "g.queue", Buffer.alloc(4088 * 2, "0123456789abcdef"));
  await channel.waitForConfirms();
  await channel.prefetch(10, true);
  await channel.prefetch(3);
  await channel.get("g.queue", { noAck: true });
  const second = await channel.get("g.queue");
  channel.nack(second, false, true);
  channel.reject(await channel.get("g.queue"), false);
  channel.ack(await channel.get("g.queue"));
  const seen = [];
  await channel.consume("g.queue", (message) => seen.push(message), {
    consumerTag: "g.consumer",
    noLocal: true,
    exclusive: true,
    priority: 3,
    arguments: EVERY_TYPE,
  });
  while (seen.length < 2) await sleep(20);
  channel.ackAll();
  await channel.cancel("g.consumer");
  await channel.get("g.queue");
  channel.nackAll(true);
  await channel.recover();
  await channel.consume("g.queue", () => {}, { noAck: true });
  await channel.deleteQueue("g.queue");
  await connection.updateSecret(Buffer.from("guest"), "by the golden vectors");
  await connection.close();
}

async function endings() {
  let connection = await connect();
  for (const mistake of [
    (channel) => channel.checkQueue("g.missing"),
    (channel) => channel.assertExchange("amq.topic", "direct"),
    (channel) => channel.bindQueue("g.missing", "amq.topic", "key"),
  ]) {
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    await mistake(channel).catch(() => {});
  }
  const closed = told(connection, "close");
  await ctl("close_all_connections", "the operator says so, für alle");
  await closed;

  connection = await connect();
  await ctl("set_vm_memory_high_watermark", "0");
  const channel = await connection.createChannel();
  const blocked = told(connection, "blocked");
  channel.publish("amq.fanout", "", Buffer.from("x"), { expiration: 5, deliveryMode: 1 });
  await blocked;
  const unblocked = told(connection, "unblocked");
  await ctl("set_vm_memory_high_watermark", "0.4");
  await unblocked;
  await connection.close();

  connection = await connect("&heartbeat=1").catch(() => connect());
  await sleep(100);
  await connection.close();
}

await topology();
await messages();
await endings();
process.exit(0);
