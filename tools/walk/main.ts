/**
 * Makes the octets of spec/walk.md anew: runs each of its programs against a RabbitMQ of its own,
 * with a proxy between that keeps the frames, and fills in the blocks, the mechanical columns of the
 * tables and what the programs print. Run it by hand when the client says something else on the wire
 * than it did, or with another broker; test/spec/walk.test.ts says when it is due.
 *
 *     npm run walk
 *
 * It takes about a minute and a half, because the first program waits for heartbeats.
 */
import { readFile, writeFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { type RabbitNode, startRabbitmq } from "../../test/support/rabbitmq.ts";
import { closingOf, openingOf } from "./conversation.ts";
import { type Captured, readWalk, refillWalk, type Section } from "./document.ts";
import { runProgram } from "./program.ts";
import { record } from "./recorder.ts";
import { dissect } from "./rows.ts";

const PATH = join(process.cwd(), "spec", "walk.md");

async function main(): Promise<void> {
  const markdown = await readFile(PATH, "utf8");
  const node = await startRabbitmq();
  try {
    // By default the cluster is named after the machine.
    await node.ctl("set_cluster_name", "rabbit@localhost");
    await prepareQueues(node);
    const captured: Captured[] = [];
    for (const section of readWalk(markdown)) {
      say(section.title);
      captured.push(await capture(node, section, captured[0]));
    }
    const text = refillWalk(markdown, captured);
    refuseLocalNames(captured);
    await writeFile(PATH, text);
    const count = captured.reduce((sum, { frames }) => sum + frames.length, 0);
    say(
      `${count} frames of RabbitMQ ${(await node.ctl("version")).trim()} written to spec/walk.md`,
    );
  } finally {
    await node.stop();
  }
}

/** `hello` takes everything; `small` holds the one message that it has room for. */
async function prepareQueues(node: RabbitNode): Promise<void> {
  const connection = await connect(node.url);
  const channel = await connection.openChannel();
  await channel.queueDeclare("hello", { durable: true });
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
  await channel.queueDeclare("small", { durable: true, arguments: limits });
  const publisher = await connection.openPublisher();
  await publisher.sendToQueue("small", "the one");
  await connection.close();
}

/**
 * Whether the broker puts several answers into one is up to it: tries until it does as the document
 * has it. The first section has nothing of that.
 */
async function capture(
  node: RabbitNode,
  section: Section,
  first: Captured | undefined,
): Promise<Captured> {
  const due = section.frames.map(({ sender, name }) => `${sender} ${name}`).join();
  for (let attempt = 1; ; attempt++) {
    const captured = await captureOnce(node, section, first);
    const got = captured.frames.map(({ sender, octets }) => `${sender} ${dissect(octets).name}`);
    if (got.join() === due || attempt === ATTEMPTS || first === undefined) return captured;
  }
}

const ATTEMPTS = 20;

async function captureOnce(
  node: RabbitNode,
  section: Section,
  first: Captured | undefined,
): Promise<Captured> {
  const recorder = await record({ port: node.port, cutAtPublish: section.isCut });
  const output = await runProgram(section.program, {
    connect: (url) => connect(url.replace("localhost", `127.0.0.1:${recorder.port}`)),
    sleep,
  });
  const all = await recorder.stop();
  if (first === undefined) return { output, frames: all };
  const opening = openingOf(first.frames);
  const closing = section.isCut ? [] : closingOf(first.frames, all);
  const frames = all.slice(opening.length, all.length - closing.length);
  const rebuilt = [...opening, ...frames, ...closing];
  const same = rebuilt.every(({ octets }, i) =>
    Buffer.from(octets).equals(all[i]?.octets ?? octets),
  );
  if (!same) throw new Error(`${section.title}: opens or closes otherwise than the first section`);
  return { output, frames };
}

/** The document goes out into the world: nothing in it may come from this machine. */
function refuseLocalNames(captured: readonly Captured[]): void {
  for (const { octets } of captured.flatMap(({ frames }) => frames)) {
    const text = Buffer.from(octets).toString("latin1");
    for (const name of [hostname(), homedir(), process.cwd()]) {
      if (text.includes(name)) throw new Error(`a frame names this machine: ${name}`);
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
