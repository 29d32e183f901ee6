/**
 * Work that clients of other people do with a broker: publish with confirms, consume with a
 * prefetch and a requeue, and be refused something. Each tells what it saw.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { amqplib } from "./amqplib.ts";
import { cloudamqp } from "./cloudamqp.ts";
import { rabbitmqClient } from "./rabbitmq-client.ts";

/** Does the work on a queue of this name, and removes it. */
export type Work = (url: string, queue: string) => Promise<readonly string[]>;

const pika: Work = async (url, queue) => {
  const script = join(__dirname, "pika_work.py");
  const { stdout } = await promisify(execFile)(PYTHON, [script, new URL(url).port, queue]);
  return stdout.trimEnd().split("\n");
};

/** Whether Debian's python3-pika is installed. */
export const HAS_PIKA = existsSync("/usr/lib/python3/dist-packages/pika");

/** What clients there are. */
export const WORKS: Readonly<Record<string, Work>> = {
  amqplib,
  "rabbitmq-client": rabbitmqClient,
  "@cloudamqp/amqp-client": cloudamqp,
  ...(HAS_PIKA ? { pika } : {}),
};

/** Debian's Python, which has Debian's pika. */
const PYTHON = "/usr/bin/python3";
