/** What is missing at the end of a capture: it is told, with how much, of which side, and where. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import type { PacketReader } from "../../src/dissect/capture/packet.ts";
import { PcapReader } from "../../src/dissect/capture/pcap.ts";
import { PcapngReader } from "../../src/dissect/capture/pcapng.ts";
import { PcapngWriter } from "../../src/dissect/capture/pcapng-writer.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import type { Item } from "../../src/dissect/model.ts";
import { PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import { run } from "../cli/test-io.ts";
import { concat, hex } from "../wire/octets.ts";
import { ACK, back, captured, FIN, ip4, SYN, type Tcp, tcp, u32 } from "./packets.ts";
import { bodyFrame, eventsOf } from "./support.ts";

const HEADER = Uint8Array.from(PROTOCOL_HEADER);
const PIKA = join(__dirname, "captures", "pika.pcapng");

const BEGINNING: readonly Tcp[] = [
  { sequence: 99, flags: SYN },
  back({ sequence: 499, flags: SYN | ACK, acknowledgement: 100 }),
  { sequence: 100, acknowledgement: 500, payload: HEADER },
];

/** The gaps: who sent what is missing, behind how many octets of that side, and how many. */
function gapsOf(items: readonly Item[]): unknown[] {
  return eventsOf(items)
    .filter(({ type }) => type === "gap")
    .map(({ from, offset, missing }) => [from, offset, missing]);
}

describe("the end of a capture", () => {
  const endings: [title: string, last: readonly Tcp[], gaps: unknown[]][] = [
    ["that is complete", [back({ sequence: 500, acknowledgement: 108 })], []],
    [
      "without what the other side acknowledged",
      [back({ sequence: 500, acknowledgement: 138 })],
      [["client", 8, 30]],
    ],
    [
      "without what the client acknowledged",
      [
        back({ sequence: 500, acknowledgement: 108, payload: hex("08 0000 00000000 ce") }),
        { sequence: 108, acknowledgement: 520 },
      ],
      [["server", 8, 12]],
    ],
    [
      "without what came before a FIN",
      [{ sequence: 120, flags: FIN | ACK, acknowledgement: 500 }],
      [["client", 8, 12]],
    ],
    [
      "without what came before a FIN that was acknowledged",
      [
        { sequence: 120, flags: FIN | ACK, acknowledgement: 500 },
        back({ sequence: 500, acknowledgement: 121 }),
      ],
      [["client", 8, 12]],
    ],
    ["without a FIN alone", [back({ sequence: 500, acknowledgement: 109 })], []],
    [
      "with a hole, and without what comes behind it",
      [
        { sequence: 120, payload: hex("08 0000 00000000 ce") },
        back({ sequence: 500, acknowledgement: 148 }),
      ],
      [
        ["client", 8, 12],
        ["client", 28, 20],
      ],
    ],
    [
      "after a retransmission that is in it",
      [
        back({ sequence: 500, acknowledgement: 116 }),
        { sequence: 108, payload: hex("08 0000 00000000 ce") },
      ],
      [],
    ],
  ];
  for (const [title, last, gaps] of endings) {
    it(`${title} has ${gaps.length === 0 ? "no gap" : "its gaps"}`, () => {
      expect(gapsOf(captured([...BEGINNING, ...last]).items)).to.deep.equal(gaps);
    });
  }

  it("inside a frame tells the frame, and the gap behind what there is of it", () => {
    const body = bodyFrame(1, new Uint8Array(100));
    const { items } = captured([
      ...BEGINNING,
      { sequence: 108, payload: body.subarray(0, 40) },
      back({ sequence: 500, acknowledgement: 108 + body.length }),
    ]);
    const [, cut, gap] = eventsOf(items);
    expect(cut).to.include({ type: "body", from: "client", offset: 8 });
    expect(cut?.error?.message).to.match(/missing from the capture inside a frame: 40 of 108/);
    expect(gap).to.include({ type: "gap", from: "client", offset: 48, missing: 68 });
  });
});

/** A pcap and a pcapng file with one packet that holds a body frame of the client. */
const FRAME = bodyFrame(1, new Uint8Array(100));
const files: [name: string, octets: Uint8Array, behind: number, reader: () => PacketReader][] = [
  ["pcap", pcapFile(), 0, () => new PcapReader()],
  ["pcapng", pcapngFile(), 4, () => new PcapngReader()],
];

function segments(): Uint8Array[] {
  return [...BEGINNING, { sequence: 108, acknowledgement: 500, payload: FRAME }].map((segment) =>
    ip4(tcp(segment)),
  );
}

function pcapFile(): Uint8Array {
  const head = concat(hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000"), u32(101, true));
  const packets = segments().map((octets) => {
    const length = u32(octets.length, true);
    return concat(u32(1, true), u32(0), length, length, octets);
  });
  return concat(head, ...packets);
}

function pcapngFile(): Uint8Array {
  const packets = segments().map((octets) => {
    const padded = concat(octets, new Uint8Array(-octets.length & 3));
    const kept = u32(octets.length, true);
    const length = u32(padded.length + 32, true);
    return concat(u32(6, true), length, u32(0), u32(0), u32(0), kept, kept, padded, length);
  });
  return concat(new PcapngWriter().begin(""), ...packets);
}

function read(file: Uint8Array, reader: PacketReader): { items: Item[]; fault: unknown } {
  const capture = new CaptureDissector(new Dissector());
  const items = reader.push(file).flatMap((packet) => capture.push(packet));
  const last = reader.rest();
  if (last !== undefined) items.push(...capture.push(last));
  return { items: [...items, ...capture.end()], fault: reader.error ?? reader.end() };
}

for (const [name, octets, behind, reader] of files) {
  describe(`a ${name} file that is cut`, () => {
    it("inside a packet shows what there is of it, and how much of which side is missing", () => {
      for (const left of [1, 50, 107]) {
        const { items, fault } = read(octets.subarray(0, -(left + behind)), reader());
        const [, body] = eventsOf(items);
        expect(body).to.include({ type: "body", from: "client", offset: 8 });
        expect(body?.bytes).to.have.length(FRAME.length - left);
        expect(gapsOf(items)).to.deep.equal([["client", 8 + FRAME.length - left, left]]);
        expect(fault).to.match(/the capture file ends inside/);
        expect(fault).to.include(`${left + behind} octets`.replace(/^1 octets/, "1 octet"));
      }
    });

    it("anywhere never raises, and tells it wherever something is missing", () => {
      for (let length = 30; length < octets.length; length++) {
        const cut = octets.subarray(0, length);
        const { fault } = read(cut, reader());
        const whole = read(octets, reader());
        expect(whole.fault).to.equal(undefined);
        const isBorder = fault === undefined;
        if (isBorder) expect(bordersOf(octets, name)).to.include(length);
      }
    });
  });
}

/** Where a file may end without a packet being cut. */
function bordersOf(file: Uint8Array, name: string): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const borders: number[] = [];
  for (let at = name === "pcap" ? 24 : 0; at < file.length; ) {
    borders.push(at);
    at += name === "pcap" ? 16 + view.getUint32(at + 8, true) : view.getUint32(at + 4, true);
  }
  return borders;
}

describe("amqp091 decode of a capture that is cut", () => {
  it("shows the gap, counts it, says where the file ends, and ends with 1", async () => {
    const { code, stdout, stderr } = await run(["decode"], { input: pcapFile().subarray(0, -50) });
    expect(code).to.equal(1);
    expect(stdout).to.match(/1 → +66 +50 octets missing/);
    expect(stdout).to.match(/errors +\d+ +50 octets missing/);
    expect(stderr).to.match(/ends inside packet 4: 50 octets of it are missing/);
  });

  it("says of a real one how many octets of a block are missing", async () => {
    const { stderr } = await run(["decode"], { input: readFileSync(PIKA).subarray(0, -2) });
    expect(stderr).to.match(/ends inside a block, behind packet \d+: 2 octets of it are missing/);
  });
});
