/**
 * Conversations of other people's clients, and of ours, with RabbitMQ, captured on the loopback
 * device: decoded without an octet that is in no frame, and as tshark's own dissector reads them.
 */
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import { PcapngReader } from "../../src/dissect/capture/pcapng.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import type { Item } from "../../src/dissect/model.ts";
import { capture, isInstalled, TALKERS, TSHARK } from "../dissect/captures/capture.ts";
import { saidByTshark, saidByUs } from "../dissect/captures/pdml.ts";
import { eventsOf, linksOf, messagesOf } from "../dissect/support.ts";
import { integration } from "../support/rabbitmq.ts";

/** Only here is a missing program a reason to leave something out: CI installs them all. */
function canRun(program: string | undefined): boolean {
  return (
    program === undefined ||
    isInstalled(program) ||
    process.env["AMQP091_INTEGRATION"] === "required"
  );
}

integration("captures of RabbitMQ", (broker) => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amqp091-captures-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const { name, program, talk } of canRun(TSHARK) ? TALKERS : []) {
    if (!canRun(program)) continue;
    it(`with ${name} are decoded as tshark does`, async () => {
      const { port } = broker();
      const file = join(folder, `${name}.pcapng`);
      await capture(port, file, () => talk(port));
      const items = decoded(readFileSync(file), port);
      const events = eventsOf(items);
      const wrong = events.filter(
        ({ type, error }) => error !== undefined || type === "undecodable" || type === "gap",
      );
      expect(wrong).to.deep.equal([]);

      const ports = new Map<number, string>();
      for (const item of items) {
        if (item.kind === "connection") {
          ports.set(item.id, [item.client, item.server].map((end) => end?.split(":")[1]).join(" "));
        }
      }
      const theirs = saidByTshark(file, port);
      const ours = saidByUs(events, ports);
      expect(Object.fromEntries(ours)).to.deep.equal(Object.fromEntries(theirs));
      expect([...ours.values()].flat()).to.have.length.above(20);

      // Whoever has a channel in confirm mode heard of each message.
      const published = messagesOf(items).filter(({ method }) => method === "basic.publish");
      const confirmed = linksOf(items).filter(({ link }) => link === "confirm");
      if (events.some(({ method }) => method === "confirm.select")) {
        expect(confirmed).to.have.length(published.length);
        expect(
          confirmed.every(({ latencyMs }) => latencyMs !== undefined && latencyMs > 0),
        ).to.equal(true);
      }
      const back = messagesOf(items).filter(({ method }) => method === "basic.return");
      expect(linksOf(items).filter(({ link }) => link === "return")).to.have.length(back.length);
    }).timeout(60_000);
  }
});

function decoded(octets: Uint8Array, port: number): Item[] {
  const reader = new PcapngReader();
  const dissector = new CaptureDissector(new Dissector({ showSecrets: true }), { port });
  const items = reader.push(octets).flatMap((packet) => dissector.push(packet));
  expect(reader.error ?? reader.end()).to.equal(undefined);
  return [...items, ...dissector.end()];
}
