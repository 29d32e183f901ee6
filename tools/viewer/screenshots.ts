/**
 * Makes the pictures of the viewer, spec/viewer-light.png and spec/viewer-dark.png, from a
 * conversation with a RabbitMQ that it starts: `npm run screenshots`, by hand, when the page has
 * changed. It needs RabbitMQ, tshark and chromium, as Debian has them; with pngquant, which Debian has
 * too, the pictures are a third as large.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { runCommandLine } from "../../src/cli/commands.ts";
import { processIo } from "../../src/cli/io.ts";
import { connect } from "../../src/index.ts";
import { capture } from "../../test/dissect/captures/capture.ts";
import { startBrowser } from "../../test/support/browser.ts";

async function main(): Promise<void> {
  // The helper wants mocha's hook of the root suite; here is no mocha.
  Object.assign(globalThis, { after: () => {} });
  const { startRabbitmq } = await import("../../test/support/rabbitmq.ts");
  const folder = mkdtempSync(join(tmpdir(), "amqp091-screenshots-"));
  const node = await startRabbitmq();
  try {
    // By default the cluster is named after the machine.
    await node.ctl("set_cluster_name", "rabbit@localhost");
    const file = join(folder, "orders.pcapng");
    await capture(node.port, file, () => talk(node.port));
    const page = join(folder, "orders.html");
    await runCommandLine(["decode", "--html", page, file], processIo());
    for (const scheme of ["light", "dark"] as const) await picture(page, scheme);
  } finally {
    await node.stop();
    rmSync(folder, { recursive: true });
  }
}

/** One publish that is confirmed, one that comes back, one that is refused, and a channel closed. */
async function talk(port: number): Promise<void> {
  const connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
  const { queue } = await channel.queueDeclare("orders", { exclusive: true, arguments: limits });
  const publisher = await connection.openPublisher();
  const publish = (routingKey: string): Promise<unknown> =>
    publisher
      .publish("", routingKey, '{"order":42}', { mandatory: true, deliveryMode: 2 })
      .catch(() => {});
  await publish(queue);
  await publish("nowhere");
  await publish(queue);
  await channel.queueDeclare("missing", { passive: true }).catch(() => {});
  await connection.close();
}

async function picture(file: string, colorScheme: "light" | "dark"): Promise<void> {
  const browser = await startBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 700 }, colorScheme });
    await page.goto(`file://${file}`);
    // The light one shows the message that came back, the dark one the message that was refused.
    await page.fill("[type=search]", colorScheme === "light" ? "returned" : "basic.publish #3");
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    await page.fill("[type=search]", "");
    await page.evaluate("document.querySelector('.timeline').scrollTop += 200");
    await page.waitForTimeout(200);
    const path = `spec/viewer-${colorScheme}.png`;
    writeFileSync(path, packed(await page.screenshot()));
    spawnSync("pngquant", [
      "--force",
      "--quality",
      "70-95",
      "--speed",
      "1",
      "--output",
      path,
      path,
    ]);
  } finally {
    await browser.close();
  }
}

/** The same PNG, compressed as well as can be: the browser only does it fast. */
function packed(png: Buffer): Buffer {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(body);
  }
  const chunk = (type: string, body: Uint8Array): Buffer => {
    const named = Buffer.concat([Buffer.from(type), body]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(body.length);
    ends.writeUInt32BE(crc32(named), 4);
    return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
  };
  const pixels = deflateSync(inflateSync(Buffer.concat(data)), { level: 9, memLevel: 9 });
  return Buffer.concat([
    png.subarray(0, 33),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

void main();
