import { expect } from "chai";
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import { PcapngReader } from "../../src/dissect/capture/pcapng.ts";
import { PcapngWriter } from "../../src/dissect/capture/pcapng-writer.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import type { EventItem, Item } from "../../src/dissect/model.ts";
import { concat } from "../wire/octets.ts";
import { eventsOf, publishFrames } from "./support.ts";

const TIME = 1_763_928_000_123.456;
const HEADER = new TextEncoder().encode("AMQP\0\0\x09\x01");

describe("dissect/capture/pcapng-writer", () => {
  /** What is read back of what was written. */
  function readBack(blocks: readonly Uint8Array[]): { items: Item[]; fault: string | undefined } {
    const reader = new PcapngReader();
    const capture = new CaptureDissector(new Dissector());
    const items = reader.push(concat(...blocks)).flatMap((packet) => capture.push(packet));
    return { items: [...items, ...capture.end()], fault: reader.error ?? reader.end() };
  }

  function written(ends: { client: string; server: string }, size = 5): [Item[], Uint8Array[]] {
    const dissector = new Dissector();
    const writer = new PcapngWriter();
    const opened = dissector.open({ ...ends, time: TIME });
    const items = [
      opened,
      ...dissector.push(1, "client", HEADER, TIME + 1),
      ...dissector.push(1, "client", publishFrames(1, { body: "x".repeat(size) }), TIME + 2.5),
    ];
    const blocks = [writer.begin("a comment"), ...items.map((item) => writer.item(item))];
    return [items, [...blocks, writer.end(1, "client", "end", TIME + 3)]];
  }

  const told = (items: readonly Item[]): unknown[] =>
    eventsOf(items).map(({ bytes, time, from }) => [
      from,
      time,
      Buffer.from(bytes).toString("hex"),
    ]);

  const ends: [client: string, server: string, readAs: readonly string[]][] = [
    ["127.0.0.1:40122", "10.1.2.3:5671", ["127.0.0.1:40122", "10.1.2.3:5672"]],
    ["[::1]:40122", "[fe80::1:2]:5672", ["[::1]:40122", "[fe80::1:2]:5672"]],
    [
      "[::ffff:1.2.3.4]:1",
      "[2001:db8:1:2:3:4:5:6]:2",
      ["[::ffff:102:304]:1", "[2001:db8:1:2:3:4:5:6]:5672"],
    ],
    ["127.0.0.1:40122", "[::1]:5672", ["[::ffff:7f00:1]:40122", "[::1]:5672"]],
    ["somewhere", "[1::2::3]:5672", ["127.0.0.1:1025", "127.0.0.1:5672"]],
  ];
  for (const [client, server, readAs] of ends) {
    it(`writes what goes from ${client} to ${server}, which reads back the same`, () => {
      const [items, blocks] = written({ client, server });
      const back = readBack(blocks);
      expect(back.fault).to.equal(undefined);
      expect(told(back.items)).to.deep.equal(told(items));
      const [opened] = back.items;
      expect(opened).to.include({ kind: "connection", state: "handshake" });
      const { client: readClient, server: readServer } = opened as Item & { kind: "connection" };
      expect(
        [readClient, readServer].map((end) =>
          end
            ?.replace("::ffff:127.0.0.1", "::ffff:7f00:1")
            .replace("::ffff:1.2.3.4", "::ffff:102:304"),
        ),
      ).to.deep.equal(readAs);
      expect(back.items.at(-1)).to.include({ kind: "connection", state: "closed" });
    });
  }

  it("cuts what is larger than a packet", () => {
    const [items, blocks] = written({ client: "127.0.0.1:1", server: "127.0.0.1:2" }, 200_001);
    expect(told(readBack(blocks).items)).to.deep.equal(told(items));
  });

  it("leaves a hole where octets are missing", () => {
    const [items] = written({ client: "127.0.0.1:1", server: "127.0.0.1:2" });
    const writer = new PcapngWriter();
    const blocks = [writer.begin("")];
    for (const item of items) {
      const isHeader = item.kind === "event" && item.type === "header";
      const gap = { type: "gap", bytes: new Uint8Array(0) } as const;
      const given = isHeader ? { ...item, ...gap, missing: item.bytes.length } : item;
      blocks.push(writer.item(given));
    }
    blocks.push(writer.end(1, "server", "reset", TIME + 3));
    const back = readBack(blocks);
    const [gap] = eventsOf(back.items).filter(({ type }) => type === "gap");
    const [header] = eventsOf(items).filter(({ type }) => type === "header") as [EventItem];
    expect(gap?.missing).to.equal(header.bytes.length);
  });

  it("writes nothing for what is of no connection that it knows", () => {
    const writer = new PcapngWriter();
    const [items] = written({ client: "127.0.0.1:1", server: "127.0.0.1:2" });
    for (const item of items.slice(1)) expect(writer.item(item)).to.have.length(0);
    expect(writer.end(7, "client", "reset", TIME)).to.have.length(0);
    const notice = { kind: "notice", connection: 1, time: TIME, message: "x" } as const;
    expect(writer.item(notice)).to.have.length(0);
  });
});
