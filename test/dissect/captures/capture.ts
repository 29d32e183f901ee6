/**
 * Captures of real clients talking to a real RabbitMQ over the loopback device, by tshark: live for
 * the integration tests, and as a program the files of this folder.
 *
 *     apt-get install tshark rabbitmq-server python3-pika amqp-tools && npm ci
 *     node -r ts-node/register -e "require('./test/dissect/captures/make.ts')"
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectOurs } from "../../../src/index.ts";

/** A client that says something of everything to the broker at a port. */
export interface Talker {
  readonly name: string;
  /** What must be installed beside Node's packages. */
  readonly program: string | undefined;
  talk(port: number): Promise<void>;
}

/** The clients whose conversations are captured. */
export const TALKERS: readonly Talker[] = [
  { name: "amqplib", program: undefined, talk: (port) => runNode(AMQPLIB, port) },
  { name: "rabbitmq-client", program: undefined, talk: (port) => runNode(RABBITMQ_CLIENT, port) },
  {
    name: "pika",
    program: "/usr/bin/python3",
    talk: (port) => run("/usr/bin/python3", ["-c", PIKA, `${port}`]),
  },
  {
    name: "amqp-tools",
    program: "/usr/bin/amqp-publish",
    talk: (port) =>
      run("/bin/sh", [join(__dirname, "../../golden/clients/amqp-tools.sh"), `${port}`]),
  },
  { name: "amqp091", program: undefined, talk: talkOurs },
];

/** Whether a program can be run. */
export function isInstalled(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where Debian has it. */
export const TSHARK = "/usr/bin/tshark";

/** Captures what goes over a port of the loopback device while `talk` is under way. */
export async function capture(
  port: number,
  file: string,
  talk: () => Promise<void>,
): Promise<void> {
  // Printing each packet, tshark tells how far it has come.
  const args = ["-i", "lo", "-f", `tcp port ${port}`, "-w", file, "-P", "-l", "-n"];
  const tshark = spawn(TSHARK, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  tshark.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  let gone = false;
  const end = once(tshark, "exit").then(() => {
    gone = true;
  });
  const lines: string[] = [];
  createInterface({ input: tshark.stdout }).on("line", (line) => lines.push(line));
  /** Touches the port until tshark prints a touch: then it has seen everything before. */
  const reached = async (): Promise<void> => {
    for (;;) {
      if (gone) throw new Error(`tshark ended: ${said}`);
      const touch = await touchPort(port);
      const deadline = Date.now() + 500;
      while (Date.now() < deadline && !gone) {
        if (lines.some((line) => new RegExp(`\\b${touch} → ${port}\\b`).test(line))) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  try {
    await reached();
    await talk();
    await reached();
  } finally {
    tshark.kill("SIGINT");
    await end;
  }
}

/** Connects and says nothing; gives the port that it connected from. */
async function touchPort(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const { localPort = 0 } = socket;
  socket.destroy();
  return localPort;
}

function runNode(script: string, port: number): Promise<void> {
  return run(process.execPath, ["--input-type=module", "-e", script, `${port}`]);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child: ChildProcess = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
}

const AMQPLIB = `
  import amqplib from "amqplib";
  const connection = await amqplib.connect("amqp://guest:guest@127.0.0.1:" + process.argv[1]);
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true, arguments: { "x-max-length": 100 } });
  channel.on("return", () => {});
  await channel.prefetch(5);
  const headers = { text: "grüße", int: -1, long: 2 ** 40, double: 0.5, list: [1, [true, null]], bytes: Buffer.from([0, 255]) };
  channel.sendToQueue(queue, Buffer.from("hello"), { headers, persistent: true, timestamp: 1709209845 });
  channel.publish("", "nowhere", Buffer.from("lost"), { mandatory: true, messageId: "m" });
  channel.sendToQueue(queue, Buffer.alloc(9000, 0xce), {});
  await channel.waitForConfirms();
  let count = 0;
  await new Promise((resolve) => channel.consume(queue, (message) => {
    channel.ack(message);
    if (++count === 2) resolve();
  }));
  const failing = await connection.createChannel();
  failing.on("error", () => {});
  await failing.checkQueue("there is none").catch(() => {});
  await connection.close();
`;

const RABBITMQ_CLIENT = `
  import { Connection } from "rabbitmq-client";
  const connection = new Connection("amqp://guest:guest@127.0.0.1:" + process.argv[1]);
  const publisher = connection.createPublisher({ confirm: true, maxAttempts: 1 });
  const channel = await connection.acquire();
  const { queue } = await channel.queueDeclare({ exclusive: true });
  await publisher.send({ routingKey: queue, correlationId: "c" }, { json: true });
  await publisher.send({ routingKey: queue, expiration: "60000", priority: 3 }, "text");
  const message = await channel.basicGet({ queue });
  channel.basicNack({ deliveryTag: message.deliveryTag, requeue: false });
  await channel.queuePurge({ queue });
  await channel.close();
  await publisher.close();
  await connection.close();
`;

const PIKA = `
import datetime, decimal, sys
import pika
connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=int(sys.argv[1]), heartbeat=60))
channel = connection.channel()
channel.confirm_delivery()
queue = channel.queue_declare("", exclusive=True).method.queue
channel.exchange_declare("captures", exchange_type="topic", auto_delete=True)
channel.queue_bind(queue, "captures", "a.#", arguments={"x": [1, {"y": None}]})
headers = {"decimal": decimal.Decimal("3.14"), "time": datetime.datetime(2024, 2, 29), "long": 2 ** 53 + 1, "bytes": b"\\x00\\xff"}
properties = pika.BasicProperties(content_type="text/plain", headers=headers, delivery_mode=2, app_id="pika")
channel.basic_publish("captures", "a.b", b"hello", properties)
channel.basic_publish("captures", "a", b"")
try:
    channel.basic_publish("captures", "b", b"lost", mandatory=True)
except pika.exceptions.UnroutableError:
    pass
method, _, _ = channel.basic_get(queue)
channel.basic_reject(method.delivery_tag, requeue=True)
other = connection.channel()
other.tx_select()
other.tx_rollback()
connection.close()
`;

async function talkOurs(port: number): Promise<void> {
  const connection = await connectOurs(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  const publisher = await connection.openPublisher();
  await Promise.allSettled([
    publisher.publish("", queue, "hello", { headers: { answer: 42n, pi: 3.14 } }),
    publisher.publish("", "nowhere", "lost", { mandatory: true }),
    publisher.publish("", queue, new Uint8Array(200_000)),
  ]);
  await connection.close();
}
