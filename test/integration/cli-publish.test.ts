/**
 * Real input into a real broker, read back by another client: what `amqp091 publish` sends is byte
 * for byte what it was given.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectAmqplib } from "amqplib";
import { expect } from "chai";
import { endOf, spawnCommand } from "../cli/spawn.ts";
import { type Ran, run } from "../cli/test-io.ts";
import { integration } from "../support/rabbitmq.ts";

const LF = 0x0a;
const README = join(__dirname, "..", "..", "README.md");

integration("amqp091 publish on RabbitMQ", (broker) => {
  let folder = "";
  let queue = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amqp091-cli-"));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    queue = `amqp091-test-${randomBytes(4).toString("hex")}`;
  });

  function publish(args: readonly string[], input?: Uint8Array): Promise<Ran> {
    return run(["publish", ...args], { input, env: { AMQP_URL: broker().url } });
  }

  /** Empties the queue and deletes it. */
  async function takeAll(): Promise<{ bodies: Buffer[]; deliveryModes: unknown[] }> {
    const connection = await connectAmqplib(broker().url);
    try {
      const channel = await connection.createChannel();
      const bodies: Buffer[] = [];
      const deliveryModes: unknown[] = [];
      for (;;) {
        const message = await channel.get(queue, { noAck: true });
        if (message === false) break;
        bodies.push(message.content);
        deliveryModes.push(message.properties.deliveryMode);
      }
      await channel.deleteQueue(queue);
      return { bodies, deliveryModes };
    } finally {
      await connection.close();
    }
  }

  it("carries our README, piped line by line through the command, byte for byte", async () => {
    const readme = await readFile(README);
    const child = spawnCommand(["publish", "--queue", queue, "--declare"], broker().url);
    child.stdin.end(readme);
    const { code, stderr } = await endOf(child);
    expect(code, stderr).to.equal(0);
    const { bodies, deliveryModes } = await takeAll();
    expect(joinLines(bodies, readme.at(-1) === LF).equals(readme)).to.equal(true);
    expect([...new Set(deliveryModes)]).to.deep.equal([2]);
  });

  const hard: [what: string, input: Buffer][] = [
    ["CRLF", Buffer.from("one\r\ntwo\r\n\r\nthree\r\n")],
    ["bytes that are not UTF-8", Buffer.from([0xff, 0xfe, LF, 0xc3, LF, 0xed, 0xa0, 0x80, LF])],
    ["NULs", Buffer.from("\0\n\0\0\n")],
    ["empty lines", Buffer.from("\n\n\na\n\n")],
    ["an unterminated last line", Buffer.from("a\nb")],
    ["every byte there is", Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))],
    [
      "a line of many frames",
      Buffer.concat([Buffer.alloc(1_000_000, "x\r\0\xff"), Buffer.from("\n.")]),
    ],
    ["one line end", Buffer.from("\n")],
  ];
  for (const [what, input] of [
    ...hard,
    ["all of these", Buffer.concat(hard.map(([, b]) => b))] as const,
  ]) {
    it(`carries a file with ${what} byte for byte`, async () => {
      const file = join(folder, "input");
      await writeFile(file, input);
      const { code, stderr } = await publish(["--queue", queue, "--declare", file]);
      expect(code, stderr).to.equal(0);
      const { bodies } = await takeAll();
      expect(joinLines(bodies, input.at(-1) === LF).equals(input)).to.equal(true);
    });
  }

  it("carries a whole file as one message", async () => {
    const input = randomBytes(300_000);
    const args = ["--queue", queue, "--declare", "--whole-file"];
    expect(await publish(args, input)).to.include({ code: 0 });
    const { bodies } = await takeAll();
    expect(bodies).to.have.length(1);
    expect(bodies[0]?.equals(input)).to.equal(true);
  });

  it("exits 1 when the queue is not there: every line came back", async () => {
    const { code, stderr } = await publish(["--queue", queue], Buffer.from("a\nb\nc\n"));
    expect(code).to.equal(1);
    expect(stderr)
      .to.match(/^returned +3 /m)
      .and.match(/^line 1: .*312 NO_ROUTE/m);
  });

  it("exits 1 when the exchange is not there", async () => {
    const { code, stderr } = await publish(["--exchange", queue], Buffer.from("a\n"));
    expect(code).to.equal(1);
    expect(stderr).to.match(/404 NOT_FOUND - no exchange/);
  });

  it("tells what is nacked by a queue that is full", async () => {
    const connection = await connectAmqplib(broker().url);
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, {
      durable: true,
      maxLength: 10,
      arguments: { "x-overflow": "reject-publish" },
    });
    await connection.close();
    const args = ["--queue", queue, "--max-unconfirmed", "1"];
    const { code, stderr } = await publish(args, Buffer.from("x\n".repeat(30)));
    expect(code).to.equal(1);
    const { bodies } = await takeAll();
    expect(stderr).to.match(new RegExp(`^confirmed +${bodies.length} `, "m"));
    expect(stderr).to.match(new RegExp(`^nacked +${30 - bodies.length} `, "m"));
    expect(bodies.length).to.equal(10);
  });

  it("demonstrates itself", async function () {
    this.timeout(60_000);
    const { code, stdout } = await run(["demo", "--messages", "500"], {
      env: { AMQP_URL: broker().url },
    });
    expect(code, stdout).to.equal(0);
    expect(stdout)
      .to.match(/^Broker .*RabbitMQ/m)
      .and.match(/^Read back 1,500 messages/m);
  });
});

/** The input again. Whether it ended in a line end is all that its lines cannot tell. */
function joinLines(lines: readonly Buffer[], terminated: boolean): Buffer {
  const separator = Buffer.from([LF]);
  const pieces = lines.flatMap((line) => [line, separator]);
  return Buffer.concat(terminated ? pieces : pieces.slice(0, -1));
}
