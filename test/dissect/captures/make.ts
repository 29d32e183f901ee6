/**
 * Makes the captures of this folder: `node -r ts-node/register -e
 * "require('./test/dissect/captures/make.ts')"`, by hand, when a client is added or updated. The
 * integration tests make the same conversations anew each time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PcapngReader } from "../../../src/dissect/capture/pcapng.ts";
import { capture, TALKERS } from "./capture.ts";

/** Small ones; the others are made live only. */
const KEPT: readonly string[] = ["rabbitmq-client", "pika"];

async function main(): Promise<void> {
  // The helper wants mocha's hook of the root suite; here is no mocha.
  Object.assign(globalThis, { after: () => {} });
  const { startRabbitmq } = await import("../../support/rabbitmq.ts");
  const node = await startRabbitmq();
  try {
    // By default the cluster is named after the machine.
    await node.ctl("set_cluster_name", "rabbit@localhost");
    for (const { name, talk } of TALKERS) {
      if (!KEPT.includes(name)) continue;
      const file = join(__dirname, `${name}.pcapng`);
      await capture(node.port, file, () => talk(node.port));
      writeFileSync(file, withoutRemarks(readFileSync(file)));
    }
  } finally {
    await node.stop();
  }
}

/** The packets alone: tshark also notes the processor and the kernel that it ran on. */
function withoutRemarks(file: Uint8Array): Buffer {
  const packets = new PcapngReader().push(file);
  const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const block = (type: number, body: Buffer): Buffer => {
    const padding = Buffer.alloc((4 - (body.length % 4)) % 4);
    const length = u32(body.length + padding.length + 12);
    return Buffer.concat([u32(type), length, body, padding, length]);
  };
  const section = block(0x0a0d0d0a, u32(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff));
  const ethernet = block(1, u32(1, 0));
  return Buffer.concat([
    section,
    ethernet,
    ...packets.map(({ time = 0, bytes, originalLength }) => {
      const microseconds = BigInt(Math.round(time * 1000));
      const ticks = [Number(microseconds >> 32n), Number(microseconds & 0xffffffffn)];
      return block(6, Buffer.concat([u32(0, ...ticks, bytes.length, originalLength), bytes]));
    }),
  ]);
}

void main();
