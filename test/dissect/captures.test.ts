import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import { PcapngReader } from "../../src/dissect/capture/pcapng.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import { eventsOf, linksOf, messagesOf } from "./support.ts";

function decoded(name: string) {
  const reader = new PcapngReader();
  const dissector = new CaptureDissector(new Dissector());
  const packets = reader.push(readFileSync(join(__dirname, "captures", `${name}.pcapng`)));
  const items = packets.flatMap((packet) => dissector.push(packet));
  expect(reader.error ?? reader.end()).to.equal(undefined);
  return [...items, ...dissector.end()];
}

describe("captures of real clients", () => {
  const clients = { pika: [3, 3, 1], "rabbitmq-client": [2, 2, 0] } as const;
  for (const [name, [published, confirmed, returned]] of Object.entries(clients)) {
    it(`${name} and RabbitMQ, without an octet in no frame`, () => {
      const items = decoded(name);
      const events = eventsOf(items);
      const wrong = events.filter(
        ({ type, error }) => error !== undefined || type === "undecodable" || type === "gap",
      );
      expect(wrong).to.deep.equal([]);
      expect(events[0]).to.include({ type: "protocol-header", from: "client" });
      expect(events.at(-1)).to.include({ method: "connection.close-ok", from: "server" });
      const count = (link: string): number =>
        linksOf(items).filter((each) => each.link === link).length;
      expect(messagesOf(items).filter(({ method }) => method === "basic.publish")).to.have.length(
        published,
      );
      expect(count("confirm")).to.equal(confirmed);
      expect(count("return")).to.equal(returned);
      expect(items.findLast((item) => item.kind === "connection")).to.include({ state: "closed" });
    });
  }
});
