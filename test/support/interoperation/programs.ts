/** Clients in other languages, as programs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A client that a suite needs, and whether it is here. */
export interface Program {
  /** The Debian package that has it. */
  readonly debianPackage: string;
  readonly installed: boolean;
}

export const PIKA: Program = {
  debianPackage: "python3-pika",
  installed: existsSync("/usr/lib/python3/dist-packages/pika"),
};
export const AMQP_TOOLS: Program = {
  debianPackage: "amqp-tools",
  installed: existsSync("/usr/bin/amqp-publish"),
};

/**
 * Tests that need a program. Where it is missing they are left out with a line that says so, and
 * where integration is required, as in continuous integration, that is a failure.
 */
export function withProgram(program: Program, body: () => void): void {
  const { debianPackage, installed } = program;
  if (installed) return body();
  if (process.env["AMQP091_INTEGRATION"] === "required") {
    it(`needs ${debianPackage}`, () => {
      throw new Error(`integration is required, but Debian's ${debianPackage} is not installed`);
    });
  } else if (!told.has(program)) {
    told.add(program);
    const line = `Interoperation: ${debianPackage} was left out; it is not installed.`;
    process.once("exit", () => console.log(line));
  }
}

const told = new Set<Program>();

/** A message as pika shows it: repr() of each property and header. */
export interface PikaMessage {
  readonly properties: { readonly [name: string]: string | { readonly [name: string]: string } };
  /** In hexadecimal digits. */
  readonly body: string;
}

/** Takes all messages of a queue with pika. */
export async function pikaGet(port: number, queue: string): Promise<readonly PikaMessage[]> {
  return JSON.parse((await pika(port, queue, "get")).toString());
}

/** Publishes the cases of pika_messages.py. */
export async function pikaPublish(port: number, queue: string): Promise<void> {
  await pika(port, queue, "publish");
}

function pika(port: number, queue: string, action: string): Promise<Buffer> {
  // Debian's Python has Debian's pika.
  const script = join(__dirname, "pika_messages.py");
  return run("/usr/bin/python3", [script, String(port), queue, action]);
}

/** Runs a program to its end and gives its standard output; another exit code than 0 is an error. */
export async function run(
  command: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(0),
): Promise<Buffer> {
  const child = spawn(command, args, { stdio: "pipe" });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => output.push(piece));
  child.stderr.on("data", (piece: Buffer) => errors.push(piece));
  child.stdin.on("error", () => {}); // it may not read any
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${Buffer.concat(errors)}`);
  return Buffer.concat(output);
}
